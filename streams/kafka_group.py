"""A member of a consumer group: records of the partitions that it holds, and which came and went. Positions are told
by whoever keeps the state; what the group commits is a courtesy, or the position of those that keep none.

What kafka-python taught the hard way: no deserializers (one that raises inside `poll` makes the next one spin), no
blocking call inside a rebalance callback (they run on the IO thread, so they only note what happened), and after any
exception out of `poll` the consumer is thrown away and made anew. Checksums of records are looked at only where the
package `crc32c` does it: in plain Python that costs ten times everything else, and network and broker check theirs.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any, NamedTuple

from engine.domain.errors import InputError, TransientError, VigieError
from streams.kafka_joins import Joins

BACKOFF_S_FIRST = 0.5
BACKOFF_S_MAX = 10.0
RECONNECT_MS_MAX = 2_000
"""A broker that is back is found within this; the client would wait for up to 30 s."""
ASK_MS_MAX = 2_000
"""How long the brokers may take to say where a partition ends."""
HOLD_MS = 50
PARTITION_BYTES_MAX = 262_144
"""Of one partition at a time: the client hands a fetch on partition by partition, and those ahead of the others in
event time wait in memory."""
ASK_S = 1.0
"""How often they are asked."""

Partition = tuple[str, int]
"""A topic and a number in it; "topic/number" in cursors."""


@dataclass(frozen=True, slots=True)
class KafkaParams:
    """Which cluster, topics and group, and how to log in.

    `group_instance_id` makes membership static: a restart within `session_timeout_ms` moves no partition. Failures
    that last longer than `failing_s_max` are raised; before that they are retried in silence. A partition counts as
    idle once nothing came for `idle_s`. When records wait for `stalled_s` and none comes, the member is stuck.
    """

    bootstrap_servers: tuple[str, ...]
    topics: tuple[str, ...] = ("vigie.mentions",)
    group_id: str = "vigie"
    name: str = "kafka"
    group_instance_id: str | None = None
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str | None = None
    sasl_username: str | None = None
    sasl_password: str | None = field(default=None, repr=False)
    ssl_cafile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile: str | None = None
    ssl_password: str | None = field(default=None, repr=False)
    session_timeout_ms: int = 45_000
    max_poll_interval_ms: int = 300_000
    fetch_bytes_max: int = 16_000_000
    bootstrap_timeout_ms: int = 3_000
    failing_s_max: float = 30.0
    idle_s: float = 60.0
    stalled_s: float = 300.0


def client_settings(params: KafkaParams) -> dict[str, Any]:
    """What every client of the cluster is told, consumer, producer or admin: where it is and how to log in."""
    settings: dict[str, Any] = {
        "bootstrap_servers": list(params.bootstrap_servers),
        "client_id": "vigie",
        "reconnect_backoff_max_ms": RECONNECT_MS_MAX,
        "bootstrap_timeout_ms": params.bootstrap_timeout_ms,
        "security_protocol": params.security_protocol,
    }
    if params.sasl_mechanism is not None:
        settings |= {
            "sasl_mechanism": params.sasl_mechanism,
            "sasl_plain_username": params.sasl_username,
            "sasl_plain_password": params.sasl_password,
        }
    for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password"):
        if getattr(params, name) is not None:
            settings[name] = getattr(params, name)
    return settings


class Record(NamedTuple):
    """One record as it came."""

    offset: int
    value: bytes


class Polled(NamedTuple):
    """What a poll brought: records of placed partitions, and the partitions lost and won since the poll before.

    One that is in both was lost and came again. What came brings nothing until it is placed, and is told of again
    until then.
    """

    records: Mapping[Partition, Sequence[Record]]
    came: frozenset[Partition] = frozenset()
    gone: frozenset[Partition] = frozenset()


class StalledError(VigieError):
    """Records wait and none comes: the client is stuck, and only a new process is sure to help."""


class Group:
    """A member of the group `params.group_id`. Opens nothing before the first poll; not safe from several threads.

    Raises `TransientError` out of `poll` when the cluster has been away for longer than `failing_s_max`. A poll may
    last `bootstrap_timeout_ms` while it looks for the cluster.
    """

    def __init__(self, params: KafkaParams) -> None:
        self._params = params
        self._consumer: Any = None
        self._noted = _Noted()
        self._in_poll = Joins()
        self._next: dict[Partition, int | None] = {}  # of placed partitions; None: from their beginning
        self._moved_at_s: dict[Partition, float] = {}
        self._behind_since_s: dict[Partition, float] = {}
        self._asked_at_s = 0.0
        self._looked_at_s = 0.0
        self._held = False
        self._waiting: set[Partition] = set()  # assigned, not placed yet
        self._lost: set[Partition] = set()  # lost, not told yet
        self._closing = threading.Event()
        self._failing_since_s: float | None = None
        self._backoff_s = BACKOFF_S_FIRST
        self._retry_at_s = 0.0
        self.rebalances = 0
        """How often partitions came or went."""

    @property
    def placed(self) -> frozenset[Partition]:
        """The partitions that records come from."""
        return frozenset(self._next)

    @property
    def closed(self) -> bool:
        return self._closing.is_set()

    @property
    def lag(self) -> dict[Partition, int]:
        """How many records each placed partition is behind, as of its last fetch; those never fetched are absent."""
        found = {}
        for partition, following in self._next.items():
            end = self._consumer.highwater(_tp(partition)) if self._consumer is not None else None
            if end is not None and following is not None:
                found[partition] = max(end - following, 0)
        return found

    def poll(self, max_records: int, timeout_s: float) -> Polled:
        """At most so many records; waits for the first no longer than `timeout_s`."""
        now_s = time.monotonic()
        if now_s < self._retry_at_s:
            self._closing.wait(min(timeout_s, self._retry_at_s - now_s))
            return Polled({}, gone=self._told())
        if self._closing.is_set():
            return Polled({}, gone=self._told())
        try:
            if self._consumer is None:
                self._consumer = self._made()
            if self._held:
                self._held = False
                held = self._consumer.assignment()
                self._consumer.resume(*(tp for tp in map(_tp, self._next) if tp in held))
            self._look_for_topics()
            taken = self._gathered(max_records, int(timeout_s * 1000))
        except Exception as error:  # noqa: BLE001 (whatever comes out of poll, this consumer can't be trusted any more)
            self._failed(error)
            return Polled({}, gone=self._told())
        self._failing_since_s = None
        self._backoff_s = BACKOFF_S_FIRST
        return Polled(taken, frozenset(self._waiting), self._told())

    def _look_for_topics(self) -> None:
        """Ask again for topics of which the client knows nothing: kafka-python 3.0 loses the request for them when it
        is subscribed while another is under way, and would ask five minutes later."""
        cluster = getattr(self._consumer, "_cluster", None)
        now_s = time.monotonic()
        if self._next or cluster is None or now_s - self._looked_at_s < ASK_S:
            return
        self._looked_at_s = now_s
        if not all(cluster.partitions_for_topic(topic) for topic in self._params.topics):
            cluster.request_update()

    def _gathered(self, max_records: int, timeout_ms: int) -> dict[Partition, list[Record]]:
        """Wait for the first record, then take what is there already: a poll of the client stops at the end of what it
        fetched of one partition, and a turn of the engine costs about the same whatever its size."""
        taken: dict[Partition, list[Record]] = {}
        n = 0
        while n < max_records:
            with self._in_poll:
                found = self._consumer.poll(timeout_ms=0 if taken else timeout_ms, max_records=max_records - n)
            self._changes()
            for partition in taken.keys() - self._next.keys():  # gone, or to be placed anew
                del taken[partition]
            for partition, records in self._taken(found).items():
                taken.setdefault(partition, []).extend(records)
                n += len(records)
            if not found or not taken:
                break
        return taken

    def hold(self) -> None:
        """Stay a member without taking anything: what was taken can't be stored now. The next poll goes on."""
        if self._consumer is None:
            return
        try:
            self._held = True
            self._consumer.pause(*self._consumer.assignment())
            with self._in_poll:
                found = self._consumer.poll(timeout_ms=HOLD_MS)
            for tp, records in found.items():  # of what was fetched before the pause: to be handed on later
                if (tp.topic, tp.partition) in self._next and records and tp in self._consumer.assignment():
                    self._consumer.seek(tp, records[0].offset)
        except Exception as error:  # noqa: BLE001 (as in `poll`)
            self._failed(error)

    def place(self, partition: Partition, offset: int | None) -> None:
        """Read a partition that came from there on, or from its beginning. Does nothing when it is gone again."""
        tp = _tp(partition)
        if self._consumer is None or tp not in self._consumer.assignment():
            return
        if offset is None:
            self._consumer.seek_to_beginning(tp)
        else:
            self._consumer.seek(tp, offset)
        self._consumer.resume(tp)
        self._waiting.discard(partition)
        self._next[partition] = offset
        self._moved_at_s[partition] = time.monotonic()

    def idle(self) -> frozenset[Partition] | None:
        """The placed partitions from which nothing came for `idle_s` and in which nothing waits, on the brokers' word
        of now. None when it was not yet time to ask again, or they did not answer."""
        now_s = time.monotonic()
        if now_s - self._asked_at_s < ASK_S or self._consumer is None:
            return None
        self._asked_at_s = now_s
        quiet = [p for p in self._next if now_s - self._moved_at_s[p] >= self._params.idle_s]
        watched = [p for p in self._next if now_s - self._moved_at_s[p] >= self._params.stalled_s / 2]
        asked = {*quiet, *watched}
        if not asked:
            return frozenset()
        try:
            ends = self._consumer.end_offsets([_tp(p) for p in asked], timeout_ms=ASK_MS_MAX)
        except Exception:  # noqa: BLE001 (no answer is no word; a broker that is away is the poll's to tell)
            return None
        ends = {(tp.topic, tp.partition): end for tp, end in ends.items()}
        self._watch_out({p: ends[p] for p in watched if p in ends}, now_s)
        return frozenset(p for p in quiet if p in ends and ends[p] <= (self._next.get(p) or 0))

    def committed(self, partition: Partition) -> tuple[int, str] | None:
        """What the group last committed of a partition: the next offset and a note. Raises TransientError."""
        try:
            found = self._consumer.committed(_tp(partition), metadata=True, timeout_ms=10_000)
        except Exception as error:  # whatever the client raises, it did not work
            raise TransientError(f"kafka: committed offsets: {type(error).__name__}: {error}") from error
        return None if found is None else (found.offset, found.metadata or "")

    def commit(self, offsets: Mapping[Partition, tuple[int, str]], *, wait: bool = False) -> None:
        """Commit next offsets, each with a note. Raises TransientError if it is waited for and fails; a member that
        the group has left behind can't commit."""
        from kafka.structs import OffsetAndMetadata

        if self._consumer is None:
            return
        held = self._consumer.assignment()
        mine = {_tp(p): OffsetAndMetadata(at, note, -1) for p, (at, note) in offsets.items() if _tp(p) in held}
        if not mine:
            return
        if wait:
            try:
                self._consumer.commit(mine, timeout_ms=10_000)
            except Exception as error:  # whatever the client raises, it did not work
                raise TransientError(f"kafka: commit: {type(error).__name__}: {error}") from error
            return
        with contextlib.suppress(Exception):  # a courtesy: a rebalance or a broker away must not stop the loop
            self._consumer.commit_async(mine)

    def partition_counts(self, topics: Iterable[str]) -> dict[str, int]:
        """How many partitions these topics have. Raises TransientError, InputError for a topic that is not there."""
        if self._consumer is None:
            raise TransientError("kafka: not connected yet")
        counts = {}
        for topic in topics:
            try:
                numbers = self._consumer.partitions_for_topic(topic)
            except Exception as error:  # whatever the client raises, it did not work
                raise TransientError(f"kafka: {topic}: {type(error).__name__}: {error}") from error
            if not numbers:
                raise InputError(f"kafka: no topic {topic!r}; `vigie topics create` makes it")
            counts[topic] = len(numbers)
        return counts

    def leave(self) -> None:
        """Throw the consumer away; the next poll joins anew, and tells what was lost."""
        self._lost |= self._next.keys()
        self._drop()

    def close(self) -> None:
        """Leave the group for good; twice is fine."""
        self._closing.set()
        self._drop()

    def _changes(self) -> None:
        """Deal with what the rebalance callbacks noted."""
        held = {(tp.topic, tp.partition) for tp in self._consumer.assignment()}
        came, gone = self._noted.take()
        gone |= self._next.keys() - held
        if came or gone:
            self.rebalances += 1
        self._lost |= gone
        self._waiting = (self._waiting - gone | came) & held
        for partition in came | gone:
            self._forget(partition)
        if came & held:
            self._consumer.pause(*map(_tp, came & held))

    def _told(self) -> frozenset[Partition]:
        lost, self._lost = frozenset(self._lost), set()
        return lost

    def _taken(self, found: Mapping[Any, Sequence[Any]]) -> dict[Partition, list[Record]]:
        """Records of placed partitions. What was fetched from one before it was placed is not ours to hand on."""
        taken: dict[Partition, list[Record]] = {}
        for tp, records in found.items():
            partition = (tp.topic, tp.partition)
            if partition not in self._next or not records:
                continue
            taken[partition] = [Record(record.offset, record.value or b"") for record in records]
            self._next[partition] = records[-1].offset + 1
            self._moved_at_s[partition] = time.monotonic()
            self._behind_since_s.pop(partition, None)
        return taken

    def _watch_out(self, ends: Mapping[Partition, int], now_s: float) -> None:
        """Raise StalledError for a partition in which records wait although it was read all the time."""
        for partition, end in ends.items():
            if self._held or end <= (self._next.get(partition) or 0):
                self._behind_since_s.pop(partition, None)
                continue
            since_s = self._behind_since_s.setdefault(partition, now_s)
            if now_s - since_s >= self._params.stalled_s / 2:
                raise StalledError(
                    f"kafka: {partition_name(*partition)} stands at {self._next.get(partition)} of {end} and nothing "
                    f"came for {self._params.stalled_s:.0f} s: this process ends, start it anew"
                )

    def _forget(self, partition: Partition) -> None:
        self._next.pop(partition, None)
        self._moved_at_s.pop(partition, None)
        self._behind_since_s.pop(partition, None)

    def _made(self) -> Any:
        from kafka import ConsumerRebalanceListener, KafkaConsumer
        from kafka.coordinator.assignors.cooperative_sticky import CooperativeStickyAssignor

        params = self._params
        noted = self._noted = _Noted()

        class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
            def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
                noted.gone(revoked)

            def on_partitions_lost(self, lost: Iterable[Any]) -> None:
                noted.gone(lost)

            def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
                noted.came(assigned)

        settings = client_settings(params) | {
            "group_id": params.group_id,
            "group_instance_id": params.group_instance_id,
            "partition_assignment_strategy": [CooperativeStickyAssignor],
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "check_crcs": find_spec("crc32c") is not None,
            "session_timeout_ms": params.session_timeout_ms,
            "max_poll_interval_ms": params.max_poll_interval_ms,
            "heartbeat_interval_ms": min(3_000, params.session_timeout_ms // 3),
            "fetch_max_bytes": params.fetch_bytes_max,
            "max_partition_fetch_bytes": PARTITION_BYTES_MAX,
        }
        consumer = KafkaConsumer(**settings)
        self._in_poll.watch_over(consumer)
        consumer.subscribe(topics=list(params.topics), listener=Listener())
        return consumer

    def _failed(self, error: Exception) -> None:
        """Throw the consumer away and wait a little longer each time. Raises `TransientError` once it has lasted."""
        self.leave()
        now_s = time.monotonic()
        if self._failing_since_s is None:
            self._failing_since_s = now_s
        self._retry_at_s = now_s + self._backoff_s
        self._backoff_s = min(self._backoff_s * 2, BACKOFF_S_MAX)
        failing_s = now_s - self._failing_since_s
        if failing_s >= self._params.failing_s_max:
            servers = ", ".join(self._params.bootstrap_servers)
            raise TransientError(
                f"kafka at {servers}: {type(error).__name__}: {error} (for {failing_s:.0f} s; trying again)"
            ) from error

    def _drop(self) -> None:
        consumer, self._consumer = self._consumer, None
        for partition in self.placed:
            self._forget(partition)
        self._waiting.clear()
        self._held = False
        if consumer is None:
            return
        with contextlib.suppress(Exception):  # it is being thrown away, in whatever state it is
            consumer.close(autocommit=False, timeout_ms=3_000)


class _Noted:
    """What the rebalance callbacks saw on the IO thread, until the polling thread deals with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._came: set[Partition] = set()
        self._gone: set[Partition] = set()

    def came(self, partitions: Iterable[Any]) -> None:
        with self._lock:
            self._came.update((tp.topic, tp.partition) for tp in partitions)

    def gone(self, partitions: Iterable[Any]) -> None:
        with self._lock:
            gone = {(tp.topic, tp.partition) for tp in partitions}
            self._gone |= gone
            self._came -= gone

    def take(self) -> tuple[set[Partition], set[Partition]]:
        with self._lock:
            came, self._came = self._came, set()
            gone, self._gone = self._gone, set()
        return came, gone


def partition_name(topic: str, number: int) -> str:
    """A partition as cursors name it.

    >>> partition_name("vigie.mentions", 3)
    'vigie.mentions/3'
    """
    return f"{topic}/{number}"


def parsed_partition(name: str) -> Partition:
    """The inverse. Raises InputError."""
    topic, slash, number = name.rpartition("/")
    if not slash or not number.isdigit():
        raise InputError(f"{name!r} is not a partition of a Kafka topic")
    return topic, int(number)


def _tp(partition: Partition) -> Any:
    from kafka.structs import TopicPartition

    return TopicPartition(*partition)
