"""Topics of a Kafka cluster, read as one consumer group; where to go on is told by our own store, not by the group.

What kafka-python taught the hard way: no deserializers (one that raises inside `poll` makes the next one spin), no
blocking call inside a rebalance callback (they run on the IO thread, so they only note what happened), and after any
exception out of `poll` the consumer is thrown away and made anew. Checksums of records are looked at only where the
package `crc32c` does it: in plain Python that costs ten times everything else, and network and broker check theirs.
The offset that the group commits is a courtesy to lag tools and follows the store.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from engine.domain.batch import Batch, Cursor
from engine.domain.errors import InputError, TransientError
from streams.decode import decode_many

BACKOFF_S_FIRST = 0.5
BACKOFF_S_MAX = 10.0
RECONNECT_MS_MAX = 2_000
"""A broker that is back is found within this; the client would wait for up to 30 s."""

Partition = tuple[str, int]
"""A topic and a number in it; "topic/number" in cursors."""


@dataclass(frozen=True, slots=True)
class KafkaParams:
    """Which cluster, topics and group, and how to log in.

    `group_instance_id` makes membership static: a restart within `session_timeout_ms` moves no partition. Failures
    that last longer than `failing_s_max` are raised; before that they are retried in silence.
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
    session_timeout_ms: int = 45_000
    max_poll_interval_ms: int = 300_000
    fetch_bytes_max: int = 16_000_000
    bootstrap_timeout_ms: int = 3_000
    failing_s_max: float = 30.0


class KafkaSource:
    """A consumer group's share of some topics as a source. Partitions are "topic/number", positions the next offset.

    `stored` asks the store for its positions whenever partitions are assigned; with several workers it must be given.
    Without it, a partition goes on where this source last was in it, or after `seek`'s positions; one that comes from
    another worker goes on at the offset that the group committed, which is never ahead of a shared store.

    Raises `TransientError` out of `poll` when the cluster has been away for longer than `failing_s_max`. A poll may
    last `bootstrap_timeout_ms` while it looks for the cluster.
    """

    def __init__(self, params: KafkaParams, stored: Callable[[], Mapping[str, str]] | None = None) -> None:
        self.name = params.name
        self._params = params
        self._stored = stored
        self._next: dict[Partition, int] = {}
        self._consumer: Any = None
        self._noted = _Noted()
        self._assigned_before = False
        self._closing = threading.Event()
        self._failing_since_s: float | None = None
        self._backoff_s = BACKOFF_S_FIRST
        self._retry_at_s = 0.0

    @property
    def assignment(self) -> tuple[str, ...]:
        """The partitions held now, for metrics."""
        if self._consumer is None:
            return ()
        return tuple(sorted(partition_name(tp.topic, tp.partition) for tp in self._consumer.assignment()))

    @property
    def lag(self) -> dict[str, int]:
        """How many records each held partition is behind, as of its last fetch; partitions never fetched are absent."""
        if self._consumer is None:
            return {}
        found = {}
        for tp in self._consumer.assignment():
            end, following = self._consumer.highwater(tp), self._next.get((tp.topic, tp.partition))
            if end is not None and following is not None:
                found[partition_name(tp.topic, tp.partition)] = max(end - following, 0)
        return found

    def seek(self, positions: Mapping[str, str]) -> None:
        """See `engine.ports.source.Source`. Raises `InputError` for positions of another kind."""
        self._next = dict(_parsed(positions))

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        """At most so many records; waits for the first no longer than `timeout_s`."""
        now_s = time.monotonic()
        if now_s < self._retry_at_s:
            self._closing.wait(min(timeout_s, self._retry_at_s - now_s))
            return Batch(live=True)
        if self._closing.is_set():
            return Batch(live=True)
        try:
            if self._consumer is None:
                self._consumer = self._made()
            found = self._consumer.poll(timeout_ms=int(timeout_s * 1000), max_records=max_mentions)
            fresh = self._noted.take()
            if fresh:
                self._restore(fresh)
        except InputError:
            self._drop()
            raise
        except Exception as error:  # noqa: BLE001 (whatever comes out of poll, this consumer can't be trusted any more)
            self._failed(error)
            return Batch(live=True)
        self._failing_since_s = None
        self._backoff_s = BACKOFF_S_FIRST
        # What was fetched from a partition before it was put to our position is not ours to hand on.
        return self._batch({tp: records for tp, records in found.items() if (tp.topic, tp.partition) not in fresh})

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """Tell the group what the store holds, for lag tools; nothing depends on it, so nothing is retried."""
        if self._consumer is None:
            return
        from kafka.structs import OffsetAndMetadata, TopicPartition

        held = self._consumer.assignment()
        offsets = {}
        for (topic, number), offset in _parsed({c.partition: c.position for c in cursors if c.source == self.name}):
            if TopicPartition(topic, number) in held:
                offsets[TopicPartition(topic, number)] = OffsetAndMetadata(offset, "", -1)
        if not offsets:
            return
        with contextlib.suppress(Exception):  # a courtesy: a rebalance or a broker away must not stop the loop
            self._consumer.commit_async(offsets)

    def close(self) -> None:
        """Leave the group; twice is fine."""
        self._closing.set()
        self._drop()

    def _batch(self, found: Mapping[Any, Iterable[Any]]) -> Batch:
        places: list[tuple[str, int]] = []
        raws: list[bytes] = []
        cursors: list[Cursor] = []
        for tp, records in found.items():
            partition = partition_name(tp.topic, tp.partition)
            last = -1
            for record in records:
                places.append((partition, record.offset))
                raws.append(record.value or b"")
                last = record.offset
            if last >= 0:
                self._next[tp.topic, tp.partition] = last + 1
                cursors.append(Cursor(self.name, partition, str(last + 1)))
        many = decode_many(raws, lambda i: f"{places[i][0]}@{places[i][1]}")
        return Batch(
            mentions=tuple(many.mentions),
            rejects=tuple(many.rejects),
            cursors=tuple(cursors),
            unknown_fields=many.unknown_fields,
            truncated=many.truncated,
            live=True,
        )

    def _restore(self, fresh: set[Partition]) -> None:
        """Put newly assigned partitions to our own position."""
        from kafka.structs import TopicPartition

        first, self._assigned_before = not self._assigned_before, True
        if self._stored is not None:
            self._next.update(_parsed(self._stored()))
        held = self._consumer.assignment()
        for topic, number in fresh:
            tp = TopicPartition(topic, number)
            if tp not in held:
                continue
            offset = self._next.get((topic, number))
            if self._stored is None and not first:
                group = self._consumer.committed(tp)
                offset = max((known for known in (offset, group) if known is not None), default=None)
            if offset is None:
                self._consumer.seek_to_beginning(tp)
            else:
                self._consumer.seek(tp, offset)

    def _made(self) -> Any:
        from kafka import ConsumerRebalanceListener, KafkaConsumer

        params = self._params
        noted = self._noted = _Noted()

        class Listener(ConsumerRebalanceListener):  # type: ignore[misc]
            def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
                noted.gone(revoked)

            def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
                noted.came(assigned)

        settings: dict[str, Any] = {
            "bootstrap_servers": list(params.bootstrap_servers),
            "group_id": params.group_id,
            "group_instance_id": params.group_instance_id,
            "client_id": "vigie",
            "enable_auto_commit": False,
            "auto_offset_reset": "earliest",
            "allow_auto_create_topics": False,
            "check_crcs": find_spec("crc32c") is not None,
            "session_timeout_ms": params.session_timeout_ms,
            "max_poll_interval_ms": params.max_poll_interval_ms,
            "heartbeat_interval_ms": min(3_000, params.session_timeout_ms // 3),
            "fetch_max_bytes": params.fetch_bytes_max,
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
        if params.ssl_cafile is not None:
            settings["ssl_cafile"] = params.ssl_cafile
        consumer = KafkaConsumer(**settings)
        consumer.subscribe(topics=list(params.topics), listener=Listener())
        return consumer

    def _failed(self, error: Exception) -> None:
        """Throw the consumer away and wait a little longer each time. Raises `TransientError` once it has lasted."""
        self._drop()
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
        if consumer is None:
            return
        with contextlib.suppress(Exception):  # it is being thrown away, in whatever state it is
            consumer.close(autocommit=False, timeout_ms=3_000)


class _Noted:
    """What the rebalance callbacks saw on the IO thread, until the polling thread deals with it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fresh: set[Partition] = set()

    def came(self, partitions: Iterable[Any]) -> None:
        with self._lock:
            self._fresh.update((tp.topic, tp.partition) for tp in partitions)

    def gone(self, partitions: Iterable[Any]) -> None:
        with self._lock:
            self._fresh.difference_update((tp.topic, tp.partition) for tp in partitions)

    def take(self) -> set[Partition]:
        with self._lock:
            fresh, self._fresh = self._fresh, set()
        return fresh


def partition_name(topic: str, number: int) -> str:
    """A partition as cursors name it.

    >>> partition_name("vigie.mentions", 3)
    'vigie.mentions/3'
    """
    return f"{topic}/{number}"


def _parsed(positions: Mapping[str, str]) -> Iterable[tuple[Partition, int]]:
    for partition, position in positions.items():
        topic, slash, number = partition.rpartition("/")
        if not slash or not number.isdigit() or not position.isdigit():
            raise InputError(f"stored position {position!r} of {partition!r} is not one of a Kafka topic")
        yield (topic, int(number)), int(position)
