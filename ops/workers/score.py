"""`vigie worker score`: mentions in, mentions with what they say out. It keeps nothing: any number of them share the
partitions of the mentions, and one that dies is replaced by whoever gets its partitions.

What it writes is acknowledged by the brokers before the offsets are committed, so nothing is lost; what was written
and not committed is written again, and told apart by those who watch (`streams.scored`). The note beside a committed
offset says how far the partition had come in event time, since that decides what is late.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from engine.core.match import Matcher
from engine.core.reader import Reader
from engine.core.watermark import DAY_MS
from engine.domain.batch import Reject, Scored
from engine.domain.effects import Counted, Gauged
from engine.domain.errors import MentionError, TransientError, VigieError
from engine.domain.mention import Mention
from ops.app import engine_config, make_scorer
from ops.learning import Follower
from ops.settings import Settings
from ops.store import Store
from ops.topics import check_counts
from ops.workers.base import BATCH_MAX, POLL_S, WorkerProcess
from streams.decode import decode, rejected
from streams.kafka_group import Group, Partition, Record, partition_name
from streams.scored import (
    Came,
    Word,
    encode_mention,
    encode_progress,
    encode_reject,
    key_of,
    partition_of,
    partition_of_id,
)
from streams.scored_writer import ScoredWriter

log = logging.getLogger("vigie")

REFRESH_AGAIN_S = 10.0
"""After how long a store that could not be asked what was learnt is asked again."""
PROGRESS_S = 0.5
"""How often all partitions of the scored topic are told how far the lanes have come."""


@dataclass
class Lane:
    """A partition of the mentions: how far it was read, and what was written of it to each scored partition last."""

    name: str
    offset: int
    reached_ms: int = 0
    last: dict[int, int] = field(default_factory=dict)
    told: tuple[int, int] = (-1, 0)

    @property
    def note(self) -> str:
        return f"reached_ms={self.reached_ms}"


@dataclass(frozen=True, slots=True)
class _Read:
    """A mention on its way, with what is known of its record."""

    lane: Lane
    offset: int
    reached_ms: int
    mention: Mention
    future: bool
    unknown_fields: int
    truncated: bool


class ScoreWorker(WorkerProcess):
    """Reads mentions, tells their brands and what they say, and writes them to the partitions of their brands."""

    role = "score"

    def __init__(
        self, settings: Settings, clock_ms: Callable[[], int], instance: str | None = None,
        metrics_port: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(settings, clock_ms, instance, metrics_port)
        config = engine_config(settings)
        self._scorer = make_scorer(settings.text, config.brands)
        self._reader = Reader(config.brands, self._scorer)
        self._matcher = Matcher(config.brands, open_brands=config.open_brands)
        self._topic = self._kafka.topic("scored")
        self._group = Group(self._params)
        self._writer = ScoredWriter(self._params, self._topic)
        self._partitions = 0
        self._lanes: dict[Partition, Lane] = {}
        self._unsettled: dict[Partition, tuple[int, str]] = {}
        self._told_at_s = 0.0
        self._counted_rebalances = 0
        self._refresh_at_s = 0.0
        self._follower: Follower | None = None
        self._store: Store | None = None

    def _start(self, stack: ExitStack) -> None:
        stack.callback(self._group.close)
        stack.callback(lambda: self._writer.close())
        self._store = stack.enter_context(self._opened())
        use = self._settings.learning
        self._follower = Follower(self._store, self._scorer, use=use.use, version=use.version)
        self._follower.refresh()

    # -- one turn ------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        started = time.perf_counter()
        try:
            polled = self._group.poll(BATCH_MAX, POLL_S)
            for partition in polled.gone:
                self._lanes.pop(partition, None)
                self._unsettled.pop(partition, None)
            for partition in polled.came:
                self._place(partition)
            taken = self._score(polled.records) if polled.records else []
            self._settle()
            for number, value, key in taken:
                self._writer.write(number, key, value)
            for source in polled.records:
                lane = self._lanes[source]
                self._unsettled[source] = (lane.offset + 1, lane.note)
            self._tell_progress()
            if not polled.records:
                self._settle()
        except TransientError as error:
            self._in_trouble(str(error))
            self._begin_again()
            return
        self._went_well()
        if polled.records:
            self.metrics.step_took(time.perf_counter() - started)
            self.observe([Counted("scored", (), float(sum(map(len, polled.records.values()))))])
        self._show()

    def _settle(self) -> None:
        """What was written is on disk: commit it."""
        self._writer.settle()
        if self._unsettled:
            self._group.commit(self._unsettled)
            self._unsettled = {}

    def _begin_again(self) -> None:
        """Something was not written: nothing after it may count. Go back to what was committed, with a new producer."""
        self._writer.close()
        self._writer = ScoredWriter(self._params, self._topic)
        self._unsettled = {}
        self._lanes = {}
        self._group.leave()
        self._stopping.wait(1.0)

    def _place(self, partition: Partition) -> None:
        """A partition came: go on where the group stands."""
        if not self._partitions:
            self._count_partitions()
        committed = self._group.committed(partition)
        offset, note = committed or (0, "")
        _, _, reached = note.partition("reached_ms=")
        lane = Lane(partition_name(*partition), offset - 1, int(reached) if reached.isdigit() else 0)
        self._lanes[partition] = lane
        self._group.place(partition, None if committed is None else offset)

    def _count_partitions(self) -> None:
        counts = self._group.partition_counts([*self._kafka.mention_topics, self._topic])
        assert self._store is not None
        check_counts(self._store, self._kafka, counts)
        self._partitions = counts[self._topic]

    # -- mentions ------------------------------------------------------------------------------------------------

    def _score(self, found: Mapping[Partition, Sequence[Record]]) -> list[tuple[int, bytes, bytes | None]]:
        """Records for the scored topic: partition, value, key."""
        if self._follower is not None:
            self._refresh(self._follower)
        items: list[_Read | tuple[Lane, int, Reject]] = []
        now_ms = self._clock_ms()
        for partition, records in found.items():
            lane = self._lanes[partition]
            for record in records:
                items.append(self._read(lane, record, now_ms))
                lane.offset = record.offset
        read = [item for item in items if isinstance(item, _Read)]
        brands = [self._matcher.brands(item.mention) for item in read]
        wanted = [i for i, found_brands in enumerate(brands) if found_brands]
        rows = self._reader.read([(read[i].mention, brands[i], 0) for i in wanted])
        known = dict(zip(wanted, rows, strict=True))
        out: list[tuple[int, bytes, bytes | None]] = []
        i = 0
        for item in items:
            if isinstance(item, _Read):
                self._write_mention(out, item, brands[i], known.get(i))
                i += 1
            else:
                self._write_reject(out, *item)
        return out

    def _read(self, lane: Lane, record: Record, now_ms: int) -> _Read | tuple[Lane, int, Reject]:
        try:
            mention, unknown, truncated = decode(record.value)
        except MentionError as error:
            position = f"{lane.name}@{record.offset}"
            return lane, record.offset, rejected(position, error, record.value)
        reached_ms, at_ms = lane.reached_ms, mention.created_at_ms
        future = at_ms > now_ms
        if future:  # as `Watermark.clamp` does, by the time of the lane
            is_of_today = not reached_ms or now_ms - reached_ms < DAY_MS
            mention = mention._replace(created_at_ms=now_ms if is_of_today else reached_ms)
            at_ms = mention.created_at_ms
        lane.reached_ms = max(reached_ms, at_ms)
        return _Read(lane, record.offset, reached_ms, mention, future, unknown, truncated)

    def _write_mention(
        self, out: list[tuple[int, bytes, bytes | None]], item: _Read, brands: tuple[str, ...],
        row: tuple[int, str, str, tuple[str, ...], int] | None,
    ) -> None:  # fmt: skip
        """One record for each partition that holds brands of the mention; the first brand's counts it."""
        mention, n = item.mention, self._partitions
        if row is None:
            home = partition_of_id(mention.source, mention.id, n)
            scored = Scored((), future=item.future)
            came = self._came(item.lane, item.offset, item.reached_ms, home)
            out.append((home, encode_mention(came, mention, scored, item.unknown_fields, item.truncated), None))
            return
        home = partition_of(brands[0], n)
        by_partition: dict[int, list[str]] = {home: []}
        for brand in brands:
            by_partition.setdefault(partition_of(brand, n), []).append(brand)
        for partition, its in by_partition.items():
            counted = partition == home
            scored = Scored(tuple(its), *row, counted, item.future)
            came = self._came(item.lane, item.offset, item.reached_ms, partition)
            unknown, truncated = (item.unknown_fields, item.truncated) if counted else (0, False)
            out.append((partition, encode_mention(came, mention, scored, unknown, truncated), key_of(its[0])))

    def _write_reject(
        self, out: list[tuple[int, bytes, bytes | None]], lane: Lane, offset: int, reject: Reject
    ) -> None:
        home = partition_of_id(lane.name, str(offset), self._partitions)
        out.append((home, encode_reject(self._came(lane, offset, lane.reached_ms, home), reject), None))

    @staticmethod
    def _came(lane: Lane, offset: int, reached_ms: int, partition: int) -> Came:
        came = Came(lane.name, offset, lane.last.get(partition), reached_ms)
        lane.last[partition] = offset
        return came

    def _refresh(self, follower: Follower) -> None:
        now_s = time.monotonic()
        if now_s < self._refresh_at_s:
            return
        try:
            follower.refresh()
        except VigieError as error:  # the batch is in hand: it is read by what was known before
            log.warning("corrections: %s; asking again in %.0f s", error, REFRESH_AGAIN_S)
            self._refresh_at_s = now_s + REFRESH_AGAIN_S

    # -- progress ------------------------------------------------------------------------------------------------

    def _tell_progress(self) -> None:
        now_s = time.monotonic()
        if now_s - self._told_at_s < PROGRESS_S or not self._lanes or not self._partitions:
            return
        self._told_at_s = now_s
        idle = self._group.idle() or frozenset()
        news = [
            (lane, partition in idle)
            for partition, lane in self._lanes.items()
            if partition in idle or lane.told != (lane.offset, lane.reached_ms)
        ]
        if not news:
            return
        at_ms = self._clock_ms()
        for partition in range(self._partitions):
            words = [
                Word(lane.name, lane.offset, lane.last.get(partition), lane.reached_ms, is_idle)
                for lane, is_idle in news
            ]
            self._writer.write(partition, None, encode_progress(words, at_ms))
        for lane, _ in news:
            lane.told = (lane.offset, lane.reached_ms)

    def _show(self) -> None:
        lags = self._group.lag
        effects = [Gauged("source_lag", ("kafka", partition_name(*p)), float(n)) for p, n in lags.items()]
        effects.append(Gauged("partitions_held", (), float(len(self._lanes))))
        effects.append(Gauged("heartbeat_timestamp_seconds", (), self._clock_ms() / 1000))
        self.observe([*effects])
        new, self._counted_rebalances = self._group.rebalances - self._counted_rebalances, self._group.rebalances
        if new:
            self.observe([Counted("rebalances", (), float(new))])

    def _drain(self) -> None:
        """Commit what was written, and leave."""
        try:
            self._writer.settle()
            self._group.commit(self._unsettled, wait=True)
        except TransientError as error:  # it is written again by who comes next
            log.warning("%s", error)
