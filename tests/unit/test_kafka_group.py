"""A member of a group whose client is stuck, or on hold."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kafka.structs import TopicPartition

from streams import kafka_group
from streams.kafka_group import Group, KafkaParams, StalledError

PART = ("m", 0)
TP = TopicPartition(*PART)


class Consumer:
    """A consumer that brings what it is told to."""

    def __init__(self) -> None:
        self.end, self.records, self.paused_now, self.sought = 0, [], set(), []

    def assignment(self) -> set[TopicPartition]:
        return {TP}

    def poll(self, **_: Any) -> dict[TopicPartition, list[Any]]:
        found, self.records = self.records, []
        return {TP: found} if found else {}

    def end_offsets(self, parts: list[TopicPartition], **_: Any) -> dict[TopicPartition, int]:
        return dict.fromkeys(parts, self.end)

    def seek(self, _tp: TopicPartition, offset: int) -> None:
        self.sought.append(offset)

    def pause(self, *parts: TopicPartition) -> None:
        self.paused_now |= set(parts)

    def resume(self, *parts: TopicPartition) -> None:
        self.paused_now -= set(parts)

    def close(self, **_: Any) -> None: ...


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(s=1_000.0)
    monkeypatch.setattr(kafka_group.time, "monotonic", lambda: clock.s)
    return clock


@pytest.fixture
def made(clock: SimpleNamespace) -> tuple[Group, Consumer]:
    group, consumer = Group(KafkaParams(("x:1",), idle_s=60, stalled_s=300)), Consumer()
    group._consumer = consumer
    group.place(PART, 5)
    return group, consumer


def record(offset: int) -> SimpleNamespace:
    return SimpleNamespace(offset=offset, value=b"{}")


def test_records_that_wait_and_never_come_end_the_process(made: tuple[Group, Consumer], clock: SimpleNamespace) -> None:
    group, consumer = made
    consumer.end = 9
    clock.s += 151
    assert group.idle() == frozenset()
    clock.s += 149
    assert group.idle() == frozenset()
    clock.s += 2
    with pytest.raises(StalledError, match=r"m/0 stands at 5 of 9 and nothing came for 300 s"):
        group.idle()


def test_a_partition_that_moves_is_not_stuck(made: tuple[Group, Consumer], clock: SimpleNamespace) -> None:
    group, consumer = made
    consumer.end = 9
    for offset in range(5, 8):
        clock.s += 200
        group.idle()
        consumer.records = [record(offset)]
        assert [r.offset for r in group.poll(10, 0).records[PART]] == [offset]


def test_idle_is_said_after_a_while_and_only_when_nothing_waits(
    made: tuple[Group, Consumer], clock: SimpleNamespace
) -> None:
    group, consumer = made
    consumer.end = 5
    clock.s += 30
    assert group.idle() == frozenset()
    clock.s += 31
    assert group.idle() == {PART}
    assert group.idle() is None  # asked a moment ago
    clock.s += 2
    consumer.end = 6
    assert group.idle() == frozenset()


def test_on_hold_nothing_is_taken_and_nothing_is_lost(made: tuple[Group, Consumer]) -> None:
    group, consumer = made
    consumer.records = [record(5), record(6)]
    group.hold()
    assert consumer.paused_now == {TP}
    assert consumer.sought == [5, 5]
    consumer.records = [record(5)]
    assert [r.offset for r in group.poll(10, 0).records[PART]] == [5]
    assert consumer.paused_now == set()
