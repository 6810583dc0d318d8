"""`vigie worker watch`: owns brands. One engine for each partition of the scored topic that the group gave it; the
engine's state, incidents, outbox, counters and positions go into the store in one transaction, fenced by an epoch of
the partition. A partition that goes takes its engine along; who gets it next raises the epoch and loads the state.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from engine.core.engine import Engine
from engine.domain.batch import Batch, Command
from engine.domain.effects import AlertRaised, Counted, CursorMoved, Effect, Gauged
from engine.domain.errors import StoreAwayError, TransientError, VigieError
from engine.domain.scores import Scores
from ops.app import engine_config, make_planner, open_engine
from ops.collector import quieten_collector
from ops.outbox_figures import OutboxFigures
from ops.outgoing import Outgoing
from ops.replaying import REPLAYED
from ops.runs import run_keeper
from ops.settings import Settings
from ops.topics import check_counts
from ops.workers.base import BATCH_MAX, POLL_S, WorkerProcess
from streams.kafka_group import Group, Partition, Record, partition_name
from streams.scored import Taking, partition_of, partition_of_id

log = logging.getLogger("vigie")

BEAT_S = 2.0
TICK_S = 1.0
"""How often an engine to which nothing comes looks at the clock."""
COMMANDS_S = 0.5
SETTLED_S = 2.0
"""How long positions may wait that nothing but news of progress moved."""
COURTESY_S = 5.0


class _Unread:
    """The text model of an engine to which every mention comes read."""

    def score_many(
        self, texts: Sequence[str], langs: Sequence[str | None], usual: Sequence[str | None] | None = None
    ) -> Scores:
        raise RuntimeError("mentions of the scored topic are read already")

    def categorise_many(
        self, texts: Sequence[str], langs: Sequence[str | None] | None = None
    ) -> tuple[tuple[str, ...], ...]:
        raise RuntimeError("mentions of the scored topic are read already")


@dataclass
class Part:
    """A partition that this worker owns: its engine and how far it has come."""

    owner: str
    engine: Engine
    taking: Taking
    following: int | None
    all_lanes: tuple[str, ...]
    stepped_at_s: float = 0.0
    stored_at_s: float = field(default_factory=time.monotonic)


class WatchWorker(WorkerProcess):
    """Watches the brands of its partitions, and delivers from the outbox that it shares with its like."""

    role = "watch"

    def __init__(
        self, settings: Settings, clock_ms: Callable[[], int], instance: str | None = None,
        metrics_port: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(settings, clock_ms, instance, metrics_port)
        self._topic = self._kafka.topic("scored")
        self._group = Group(self._params)
        self._planner = make_planner(settings.playbooks.directories, in_a_hurry=True)
        self._parts: dict[Partition, Part] = {}
        self._lanes: tuple[str, ...] = ()
        self._partitions = 0
        self._commanded_at_s = 0.0
        self._told_group_at_s = 0.0
        self._counted_rebalances = 0

    # -- start and end -------------------------------------------------------------------------------------------

    def _start(self, stack: ExitStack) -> None:
        settings = self._settings
        engine_config(settings)
        self._store = stack.enter_context(self._opened())
        self._refuse_mixing(self._store)
        self._quietly(lambda: self._store.unset_meta(REPLAYED))  # from here on it holds more than a replay
        self._quietly(lambda: self.metrics.seed(self._store.counters()))
        stack.callback(self._group.close)
        self._quietly(self._beat_once)
        stack.callback(self._quietly, self._store.unbeat)
        run_keeper(settings, self._store, self._clock_ms)
        self._outgoing = Outgoing(settings, self._store, self._clock_ms, self.name)
        self._until_stored(lambda: self._outgoing.start(stack), lambda: None)
        self._figures = OutboxFigures(settings, self._store, self._clock_ms)
        threading.Thread(target=self._beat, name="beat", daemon=True).start()
        quieten_collector()

    def _beat(self) -> None:
        while not self._stopping.wait(BEAT_S):
            try:
                self._beat_once()
                self.observe(self._figures.now())
            except VigieError as error:
                log.warning("heartbeat: %s", error)

    def _beat_once(self) -> None:
        self._store.beat(f"watch:{self.name}"[:64])

    def _drain(self) -> None:
        """Nothing to do: what was taken is stored, and the rest keeps in the topic."""
        self._outgoing.wake()

    # -- one turn ------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        started = time.perf_counter()
        try:
            polled = self._group.poll(BATCH_MAX, POLL_S)
        except TransientError as error:
            self._in_trouble(str(error))
            self._stopping.wait(0.5)
            return
        for partition in polled.gone:
            self._leave(partition)
        # What was polled is in hand: whatever else fails now, it is worked through.
        trouble = self._tried(lambda: self._take_all(polled.came))
        commands: dict[Partition, list[Command]] = {}
        trouble = self._tried(lambda: commands.update(self._commands())) or trouble
        steps = self._step(polled.records, commands)
        if steps and not self._stored(steps):
            return
        if trouble:
            self._in_trouble(trouble)
            self._stopping.wait(0.5)
            return
        self._pressed(False)
        self._went_well()
        if polled.records:
            self.metrics.step_took(time.perf_counter() - started)
        self._tell_group()
        self._show()

    def _tried(self, action: Callable[[], object]) -> str:
        """Do it; why not, when the store or the brokers can't. It is asked for again in the next turn."""
        try:
            action()
        except StoreAwayError as error:  # a partition that can't be taken waits as much as one that can't be written
            self.observe([Counted("store_errors", (), 1)])
            self._pressed(True)
            return str(error)
        except TransientError as error:
            return str(error)
        return ""

    def _step(
        self, found: Mapping[Partition, Sequence[Record]], commands: Mapping[Partition, list[Command]]
    ) -> dict[Partition, tuple[Effect, ...]]:
        """The effects of each partition to which something came, or whose time it is to look at the clock."""
        now_s, now_ms = time.monotonic(), self._clock_ms()
        steps: dict[Partition, tuple[Effect, ...]] = {}
        for partition, part in self._parts.items():
            records, its = found.get(partition, ()), commands.get(partition, [])
            if not records and not its and now_s - part.stepped_at_s < TICK_S:
                continue
            part.stepped_at_s = now_s
            if records:
                part.following = records[-1].offset + 1
            batch = part.taking.batch((r.value for r in records), part.following, part.all_lanes)
            part.all_lanes = ()
            effects = part.engine.step(self._whole(batch, its), now_ms)
            only_progress = all(isinstance(effect, Gauged | CursorMoved) for effect in effects)
            if only_progress and now_s - part.stored_at_s < SETTLED_S:
                self.metrics.observe(effects)
                continue
            steps[partition] = effects
        return steps

    @staticmethod
    def _whole(batch: Batch, commands: list[Command]) -> Batch:
        return replace(batch, source="kafka", commands=tuple(commands))

    def _stored(self, steps: dict[Partition, tuple[Effect, ...]]) -> bool:
        """One transaction for all of them; those whose partition another worker has by now are dropped."""
        by_owner = {self._parts[partition].owner: effects for partition, effects in steps.items()}
        fenced: frozenset[str] = frozenset()

        def write() -> None:
            nonlocal fenced
            fenced = self._store.apply_parts(by_owner)

        if not self._until_stored(write, self._group.hold):
            return False
        self._pressed(False)
        now_s = time.monotonic()
        for partition, effects in steps.items():
            part = self._parts[partition]
            if part.owner in fenced:
                continue
            part.stored_at_s = now_s
            self.metrics.observe(effects)
            if any(isinstance(effect, AlertRaised) for effect in effects):
                self._outgoing.wake()
        if fenced:
            self._fenced(fenced)
        return True

    def _fenced(self, owners: frozenset[str]) -> None:
        """Others own these now: what is in memory is stale. Join anew, and take what the group gives."""
        log.warning("another worker has taken %s; this one joins anew", ", ".join(sorted(owners)))
        self.observe([Counted("fenced", (), float(len(owners)))])
        for partition in list(self._parts):
            self._leave(partition)
        self._group.leave()

    # -- partitions ----------------------------------------------------------------------------------------------

    def _take_all(self, partitions: Iterable[Partition]) -> None:
        for partition in sorted(partitions):
            self._take(partition)

    def _take(self, partition: Partition) -> None:
        """Become the owner of a partition: raise its epoch, load its state, go on where it stood."""
        if not self._partitions:
            self._count_partitions()
        started = time.perf_counter()
        self._leave(partition)
        owner = partition_name(*partition)
        positions = self._store.take_part(owner)
        engine = open_engine(self._settings, self._store, _Unread(), owner=owner, planner=self._planner)
        highest = {lane: int(at) for lane, at in positions.items() if lane != owner}
        following = int(positions[owner]) if owner in positions else None
        self._parts[partition] = Part(owner, engine, Taking(owner, highest), following, self._lanes)
        self._group.place(partition, following)
        log.info("took %s at %s in %.2f s", owner, following, time.perf_counter() - started)

    def _leave(self, partition: Partition) -> None:
        part = self._parts.pop(partition, None)
        if part is not None:
            self._store.leave_part(part.owner)
            log.info("left %s", part.owner)

    def _count_partitions(self) -> None:
        mentions = self._kafka.mention_topics
        counts = self._group.partition_counts([*mentions, self._topic])
        check_counts(self._store, self._kafka, counts)
        self._lanes = tuple(partition_name(topic, n) for topic in mentions for n in range(counts[topic]))
        self._partitions = counts[self._topic]

    # -- people and figures --------------------------------------------------------------------------------------

    def _commands(self) -> dict[Partition, list[Command]]:
        """Commands that wait, for those partitions of ours that hold the brand of the incident."""
        now_s = time.monotonic()
        if now_s - self._commanded_at_s < COMMANDS_S or not self._parts:
            return {}
        self._commanded_at_s = now_s
        found: dict[Partition, list[Command]] = {}
        for command in self._store.pending_commands():
            incident = self._store.incident(command.incident_id)
            if incident is None:
                number = partition_of_id("command", command.incident_id, self._partitions)
            else:
                number = partition_of(incident.brand, self._partitions)
            if (self._topic, number) in self._parts:
                found.setdefault((self._topic, number), []).append(command)
        return found

    def _tell_group(self) -> None:
        """The stored positions, for lag tools."""
        now_s = time.monotonic()
        if now_s - self._told_group_at_s >= COURTESY_S:
            self._told_group_at_s = now_s
            told = {p: (part.following, "") for p, part in self._parts.items() if part.following is not None}
            self._group.commit(told)

    def _show(self) -> None:
        lags = self._group.lag
        effects: list[Effect] = [Gauged("source_lag", ("kafka", partition_name(*p)), float(n)) for p, n in lags.items()]
        effects.append(Gauged("partitions_held", (), float(len(self._parts))))
        effects.append(Gauged("heartbeat_timestamp_seconds", (), self._clock_ms() / 1000))
        for name in ("repeats", "gaps", "broken"):
            n = sum(getattr(part.taking, name) for part in self._parts.values())
            if n:
                effects.append(Counted("hop_dropped", (name,), float(n)))
        for part in self._parts.values():
            part.taking.repeats = part.taking.gaps = part.taking.broken = 0
        new, self._counted_rebalances = self._group.rebalances - self._counted_rebalances, self._group.rebalances
        if new:
            effects.append(Counted("rebalances", (), float(new)))
        self._group.idle()  # so that a client that is stuck is found
        self.observe(effects)
