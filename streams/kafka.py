"""Topics of a Kafka cluster, read as one consumer group; where to go on is told by our own store, not by the group.

The offset that the group commits is a courtesy to lag tools and follows the store. What a client of Kafka has to mind
stands in `streams.kafka_group`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from engine.domain.batch import Batch, Cursor, Progress
from engine.domain.errors import InputError, MentionError
from streams.decode import decode, rejected
from streams.kafka_group import Group, KafkaParams, Partition, Record, parsed_partition, partition_name

__all__ = ["KafkaParams", "KafkaSource", "partition_name"]


class KafkaSource:
    """A consumer group's share of some topics as a source. Partitions are "topic/number", positions the next offset.

    Each partition is a lane of the batches: event time goes at the pace of the slowest that is not idle.

    `stored` asks the store for its positions whenever partitions are assigned; with several workers it must be given.
    Without it, a partition goes on where this source last was in it, or after `seek`'s positions; one that comes from
    another worker goes on at the offset that the group committed, which is never ahead of a shared store.

    Raises `TransientError` out of `poll` when the cluster has been away for longer than `failing_s_max`. A poll may
    last `bootstrap_timeout_ms` while it looks for the cluster.
    """

    def __init__(self, params: KafkaParams, stored: Callable[[], Mapping[str, str]] | None = None) -> None:
        self.name = params.name
        self._stored = stored
        self._group = Group(params)
        self._next: dict[Partition, int] = {}
        self._assigned_before = False
        self._lanes_told: frozenset[Partition] = frozenset()

    @property
    def assignment(self) -> tuple[str, ...]:
        """The partitions held now, for metrics."""
        return tuple(sorted(partition_name(*partition) for partition in self._group.placed))

    @property
    def lag(self) -> dict[str, int]:
        """How many records each held partition is behind, as of its last fetch; partitions never fetched are absent."""
        return {partition_name(*partition): n for partition, n in self._group.lag.items()}

    @property
    def rebalances(self) -> int:
        """How often partitions came or went."""
        return self._group.rebalances

    def seek(self, positions: Mapping[str, str]) -> None:
        """See `engine.ports.source.Source`. Raises `InputError` for positions of another kind."""
        self._next = dict(_parsed(positions))

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        """At most so many records; waits for the first no longer than `timeout_s`."""
        polled = self._group.poll(max_mentions, timeout_s)
        if polled.came:
            self._place(polled.came)
        return self._batch(polled.records)

    def hold(self) -> None:
        """Stay in the group without taking anything: the store can't take what was taken last."""
        self._group.hold()

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """Tell the group what the store holds, for lag tools; nothing depends on it, so nothing is retried."""
        mine = _parsed({c.partition: c.position for c in cursors if c.source == self.name})
        self._group.commit({partition: (offset, "") for partition, offset in mine})

    def close(self) -> None:
        """Leave the group; twice is fine."""
        self._group.close()

    def _batch(self, found: Mapping[Partition, Sequence[Record]]) -> Batch:
        mentions, lanes, rejects, cursors = [], [], [], []
        unknown_fields = truncated = 0
        for partition, records in found.items():
            lane = partition_name(*partition)
            for record in records:
                try:
                    mention, unknown, cut = decode(record.value)
                except MentionError as error:
                    position = f"{lane}@{record.offset}"
                    rejects.append(rejected(position, error, record.value)._replace(key=position))
                    continue
                mentions.append(mention)
                lanes.append(lane)
                unknown_fields += unknown
                truncated += cut
            self._next[partition] = records[-1].offset + 1
            cursors.append(Cursor(self.name, lane, str(records[-1].offset + 1)))
        return Batch(
            mentions=tuple(mentions),
            rejects=tuple(rejects),
            cursors=tuple(cursors),
            unknown_fields=unknown_fields,
            truncated=truncated,
            live=True,
            lanes=tuple(lanes),
            progress=tuple(Progress(partition_name(*p), idle=True) for p in sorted(self._group.idle() or ())),
            all_lanes=self._all_lanes(),
        )

    def _all_lanes(self) -> tuple[str, ...]:
        """The partitions held, where that has changed. While none is (the cluster is away) time stands still."""
        placed = self._group.placed
        if not placed or placed == self._lanes_told:
            return ()
        self._lanes_told = placed
        return self.assignment

    def _place(self, came: Iterable[Partition]) -> None:
        """Put newly assigned partitions to our own position."""
        first, self._assigned_before = not self._assigned_before, True
        if self._stored is not None:
            self._next.update(_parsed(self._stored()))
        for partition in came:
            offset = self._next.get(partition)
            if self._stored is None and not first:
                group = self._group.committed(partition)
                offset = max((o for o in (offset, group[0] if group else None) if o is not None), default=None)
            self._group.place(partition, offset)


def _parsed(positions: Mapping[str, str]) -> Iterable[tuple[Partition, int]]:
    for name, position in positions.items():
        try:
            partition = parsed_partition(name)
            yield partition, int(position)
        except (InputError, ValueError):
            raise InputError(f"stored position {position!r} of {name!r} is not one of a Kafka topic") from None
