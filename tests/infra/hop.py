"""Score and watch workers without Kafka: lanes of mentions, partitions of scored mentions, and engines on them that
share a store. What the workers make of a record is what they make of it on Kafka; who reads what when is the test's."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.core.engine import Engine
from engine.domain.effects import CursorMoved, Gauged
from ops.app import make_planner, open_engine
from ops.settings import Settings
from ops.store import Store
from ops.workers.score import Lane, ScoreWorker
from ops.workers.watch import _Unread
from streams.kafka_group import Record, partition_name
from streams.scored import Taking, Word, encode_progress


@dataclass
class _Part:
    """A partition of the scored mentions and who watches its brands."""

    owner: str
    records: list[bytes] = field(default_factory=list)
    following: int = 0
    engine: Engine | None = None
    taking: Taking | None = None
    all_lanes: tuple[str, ...] = ()


class Hop:
    """Lines dealt to lanes, scored and watched in steps of any size; killed whenever the test says so."""

    def __init__(
        self, settings: Settings, store: Store, lines: Sequence[bytes], now_ms: int, *,
        lanes: int = 5, partitions: int = 4, seed: int = 0, produced: bool = True,
    ) -> None:  # fmt: skip
        self._settings, self._store, self._now_ms = settings, store, now_ms
        self.rng = random.Random(seed)
        self._lines: dict[tuple[str, int], list[bytes]] = {("m", n): [] for n in range(lanes)}
        self._to_come = list(reversed(lines))
        self._committed = {partition: (0, "") for partition in self._lines}
        self._worker = ScoreWorker(settings, lambda: self._now_ms)
        self._worker._partitions = partitions
        self._planner = make_planner(settings.playbooks.directories, in_a_hurry=True)
        self._parts = [_Part(partition_name("scored", n)) for n in range(partitions)]
        for lane in self._lines:
            self._place(lane)
        if produced:
            self.produce(len(lines))

    @property
    def lanes(self) -> list[tuple[str, int]]:
        return list(self._lines)

    @property
    def unproduced(self) -> int:
        """How many lines are still to come."""
        return len(self._to_come)

    def produce(self, many: int) -> None:
        """So many of the lines come into their lanes."""
        for _ in range(min(many, len(self._to_come))):
            self._lines["m", self.rng.randrange(len(self._lines))].append(self._to_come.pop())

    # -- score workers -------------------------------------------------------------------------------------------

    @property
    def unscored(self) -> list[tuple[str, int]]:
        """The lanes in which something waits."""
        return [lane for lane, its in self._lines.items() if self._committed[lane][0] < len(its)]

    def score(self, lane: tuple[str, int], many: int, fate: str = "") -> None:
        """Read so many records of a lane, write what they say, commit. `fate` "killed" loses the commit and any number
        of the last writes, "gap" one write, and the worker notices."""
        at = self._worker._lanes[lane].offset + 1
        values = self._lines[lane][at : at + many]
        records = [Record(at + i, value) for i, value in enumerate(values)]
        if not records:
            return
        written = self._worker._score({lane: records})
        if fate == "killed":
            written = written[: self.rng.randrange(len(written) + 1)]
        elif fate == "gap":
            del written[self.rng.randrange(len(written))]
        for number, value, _ in written:
            self._parts[number].records.append(value)
        if fate:
            self._place(lane)
            return
        its = self._worker._lanes[lane]
        self._committed[lane] = (its.offset + 1, its.note)

    def tell(self, *, idle: Iterable[tuple[str, int]] = ()) -> None:
        """How far the lanes have come, to all partitions."""
        quiet = set(idle)
        for number, part in enumerate(self._parts):
            words = [
                Word(its.name, its.offset, its.last.get(number), its.reached_ms, lane in quiet)
                for lane, its in self._worker._lanes.items()
            ]
            part.records.append(encode_progress(words, self._now_ms))

    def _place(self, lane: tuple[str, int]) -> None:
        offset, note = self._committed[lane]
        _, _, reached = note.partition("reached_ms=")
        self._worker._lanes[lane] = Lane(partition_name(*lane), offset - 1, int(reached) if reached else 0)

    # -- watch workers -------------------------------------------------------------------------------------------

    @property
    def unwatched(self) -> list[int]:
        """The partitions in which something waits."""
        return [n for n, part in enumerate(self._parts) if part.following < len(part.records)]

    def watch(self, number: int, many: int, *, stored: bool = True) -> None:
        """One step over so many records; one that is not stored is the last of its engine."""
        part = self._parts[number]
        if part.engine is None:
            self._take(part)
        assert part.engine is not None
        assert part.taking is not None
        values = part.records[part.following : part.following + many]
        part.following += len(values)
        batch = part.taking.batch(values, part.following if values else None, part.all_lanes)
        part.all_lanes = ()
        effects = part.engine.step(batch, self._now_ms)
        if not stored:
            self.kill(number)
        elif not all(isinstance(effect, Gauged | CursorMoved) for effect in effects):
            assert not self._store.apply_parts({part.owner: effects})

    def kill(self, number: int) -> None:
        """What its engine has in memory is gone."""
        self._parts[number].engine = None

    def _take(self, part: _Part) -> None:
        positions = self._store.take_part(part.owner)
        part.engine = open_engine(
            self._settings, self._store, _Unread(), owner=part.owner, planner=self._planner
        )  # fmt: skip
        part.taking = Taking(part.owner, {lane: int(at) for lane, at in positions.items() if lane != part.owner})
        part.following = int(positions.get(part.owner, 0))
        part.all_lanes = tuple(partition_name(*lane) for lane in self._lines)

    def finish(self) -> None:
        """Everything has been scored and watched: all lanes say that they are idle, until time has come to its end."""
        while self.unscored:
            self.score(self.rng.choice(self.unscored), 500)
        for _ in range(3):
            self.tell(idle=self._lines)
            for number in range(len(self._parts)):
                while self._parts[number].following < len(self._parts[number].records):
                    self.watch(number, 2_000)
