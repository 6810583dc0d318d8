"""The Kafka source against a real broker."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Sequence

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from engine.domain.batch import Batch, Cursor
from engine.domain.errors import TransientError
from streams.kafka import KafkaParams, KafkaSource
from tests.infra.kafka import Broker
from tests.infra.sources import CHECKS

PATIENCE_S = 60
POISON = (b"\xff\xfe\x00", b'{"id": 12}', b"", None)


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.started() as broker:
        yield broker


@pytest.fixture
def topic(broker: Broker) -> str:
    name = f"mentions-{uuid.uuid4().hex[:8]}"
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
    admin.close()
    return name


@pytest.fixture
def make(broker: Broker, topic: str) -> Iterator[Callable[..., KafkaSource]]:
    made: list[KafkaSource] = []

    def factory(**more: object) -> KafkaSource:
        stored = more.pop("stored", None)
        params = KafkaParams((broker.address,), (topic,), group_id=f"g-{topic}", session_timeout_ms=6_000, **more)
        source = KafkaSource(params, stored)
        made.append(source)
        return source

    yield factory
    for source in made:
        source.close()


def mention(i: int) -> bytes:
    record = {"id": str(i), "source": "forum", "text": f"Colis {i} perdu", "created_at": "2026-03-04T09:15:00Z"}
    return orjson.dumps(record)


def produce(broker: Broker, topic: str, values: list[bytes | None], partition: int | None = None) -> None:
    producer = KafkaProducer(bootstrap_servers=broker.address)
    for i, value in enumerate(values):
        producer.send(topic, key=b"k", value=value, partition=i % 2 if partition is None else partition)
    producer.flush()
    producer.close()


def drain(source: KafkaSource, count: int, max_mentions: int = 50) -> list[Batch]:
    """Poll until so many records have come."""
    batches: list[Batch] = []
    deadline_s = time.monotonic() + PATIENCE_S
    while sum(len(b.mentions) + len(b.rejects) for b in batches) < count:
        assert time.monotonic() < deadline_s, f"{count} records did not come"
        batches.append(source.poll(max_mentions, 0.5))
    return batches


def ids(batches: list[Batch]) -> list[int]:
    return [int(m.id) for b in batches for m in b.mentions]


def positions(batches: list[Batch]) -> dict[str, str]:
    return {c.partition: c.position for b in batches for c in b.cursors}


def test_reads_from_the_start_and_resumes_from_given_positions(broker: Broker, topic: str, make) -> None:
    produce(broker, topic, [mention(i) for i in range(100)])
    source = make()
    batches = drain(source, 100)
    assert sorted(ids(batches)) == list(range(100))
    assert positions(batches) == {f"{topic}/0": "50", f"{topic}/1": "50"}
    assert all(b.live and not b.end for b in batches)
    source.committed([Cursor("kafka", partition, position) for partition, position in positions(batches).items()])
    source.close()

    # The store holds less than the group was told: the store is right.
    again = make()
    again.seek({f"{topic}/0": "45", f"{topic}/1": "20"})
    batches = drain(again, 35)
    assert sorted(ids(batches)) == sorted([*range(90, 100, 2), *range(41, 100, 2)])
    again.close()

    # A store that knows nothing reads everything, whatever the group was told.
    fresh = make()
    assert sorted(ids(drain(fresh, 100))) == list(range(100))


def test_poison_is_rejected_with_its_place_and_harms_nobody(broker: Broker, topic: str, make) -> None:
    produce(broker, topic, [mention(0), *POISON, mention(1)], partition=1)
    batches = drain(make(), 6)
    assert ids(batches) == [0, 1]
    rejects = [r for b in batches for r in b.rejects]
    assert [r.position for r in rejects] == [f"{topic}/1@{offset}" for offset in (1, 2, 3, 4)]
    assert rejects[1].field == "id"
    assert positions(batches) == {f"{topic}/1": "6"}


def test_silence_is_an_empty_batch(make) -> None:
    source = make()
    for _ in range(3):
        batch = source.poll(10, 0.1)
        assert (batch.mentions, batch.rejects, batch.cursors) == ((), (), ())
    source.close()
    source.close()
    assert source.poll(10, 0.1).mentions == ()


def test_a_second_member_takes_over_partitions_without_loss_or_repeat(broker: Broker, topic: str, make) -> None:
    """Both write their positions into one store, as workers do: every record is read exactly once."""
    store: dict[str, str] = {}
    seen: list[int] = []

    def step(source: KafkaSource) -> None:
        batch = source.poll(7, 0.2)
        seen.extend(ids([batch]))
        store.update({c.partition: c.position for c in batch.cursors})
        source.committed(batch.cursors)

    produce(broker, topic, [mention(i) for i in range(40)])
    one, two = make(stored=lambda: store), make(stored=lambda: store)
    deadline_s = time.monotonic() + PATIENCE_S
    while len(seen) < 40 and time.monotonic() < deadline_s:
        step(one)
    while not (len(one.assignment) == len(two.assignment) == 1) and time.monotonic() < deadline_s:
        step(one)
        step(two)
    assert {*one.assignment, *two.assignment} == {f"{topic}/0", f"{topic}/1"}
    produce(broker, topic, [mention(i) for i in range(40, 80)])
    while len(seen) < 80 and time.monotonic() < deadline_s:
        step(one)
        step(two)
    two.close()
    produce(broker, topic, [mention(i) for i in range(80, 120)])
    while len(seen) < 120 and time.monotonic() < deadline_s:
        step(one)
    assert sorted(seen) == list(range(120))
    assert store == {f"{topic}/0": "60", f"{topic}/1": "60"}


def test_polls_shorter_than_a_join_end_it_all_the_same(broker: Broker) -> None:
    """The partitions of a new topic become known amid a join, which makes another needed."""
    for _ in range(8):
        name = f"fresh-{uuid.uuid4().hex[:8]}"
        admin = KafkaAdminClient(bootstrap_servers=broker.address)
        admin.create_topics([NewTopic(name, num_partitions=2, replication_factor=1)])
        admin.close()
        source = KafkaSource(KafkaParams((broker.address,), (name,), group_id=f"g-{name}", session_timeout_ms=6_000))
        deadline_s = time.monotonic() + PATIENCE_S / 4
        while len(source.assignment) < 2 and time.monotonic() < deadline_s:
            source.poll(1, 0.02)
        held = source.assignment
        source.close()
        assert held == (f"{name}/0", f"{name}/1")


def test_lag_is_what_was_not_handed_on_yet(broker: Broker, topic: str, make) -> None:
    source = make()
    assert source.lag == {}
    produce(broker, topic, [mention(i) for i in range(10)], partition=1)
    batches = drain(source, 4, max_mentions=4)
    assert len(ids(batches)) == 4
    assert source.lag[f"{topic}/1"] == 6
    drain(source, 6)
    assert set(source.lag.values()) <= {0}


def test_the_group_is_told_as_a_courtesy(broker: Broker, topic: str, make) -> None:
    produce(broker, topic, [mention(i) for i in range(10)], partition=0)
    source = make()
    batches = drain(source, 10)
    source.committed([Cursor("kafka", f"{topic}/0", "10"), Cursor("kafka", f"{topic}/7", "3")])
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    deadline_s = time.monotonic() + PATIENCE_S
    told: dict[int, int] = {}
    while told.get(0) != 10 and time.monotonic() < deadline_s:
        source.poll(10, 0.1)
        offsets = admin.list_group_offsets({f"g-{topic}": None})[f"g-{topic}"]
        told = {tp.partition: meta.offset for tp, meta in offsets.items()}
    admin.close()
    assert told == {0: 10}
    assert len(batches) > 0


def test_a_broker_that_goes_and_comes_back_costs_nothing(topic: str, make, broker: Broker) -> None:
    produce(broker, topic, [mention(i) for i in range(20)])
    source = make()
    seen = ids(drain(source, 20))
    broker.stop(kill=True)
    for _ in range(4):
        assert source.poll(10, 0.2).mentions == ()
    broker.start()
    produce(broker, topic, [mention(i) for i in range(20, 40)])
    seen += ids(drain(source, 20))
    assert sorted(seen) == list(range(40))


def test_a_cluster_that_stays_away_is_said_in_one_line(make, broker: Broker) -> None:
    source = KafkaSource(KafkaParams(("127.0.0.1:9",), bootstrap_timeout_ms=300, failing_s_max=0.5))
    deadline_s = time.monotonic() + PATIENCE_S
    with pytest.raises(TransientError, match=r"kafka at 127\.0\.0\.1:9: .*trying again") as caught:  # noqa: PT012
        while time.monotonic() < deadline_s:
            source.poll(10, 0.1)
    assert "\n" not in str(caught.value)
    source.close()


class KafkaRig:
    resumable = True

    def __init__(self, broker: Broker, topic: str, make: Callable[..., KafkaSource]) -> None:
        self._broker, self._topic, self.make = broker, topic, make

    def put(self, items: Sequence[int | None]) -> None:
        produce(self._broker, self._topic, [b"broken" if item is None else mention(item) for item in items])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_contract(
    check: Callable[[KafkaRig], None], broker: Broker, topic: str, make: Callable[..., KafkaSource]
) -> None:
    check(KafkaRig(broker, topic, make))
