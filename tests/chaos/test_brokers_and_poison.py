"""A broker of three dies, and one record in a hundred is broken: nothing is lost, nobody stands still."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson
import pytest
from kafka import KafkaProducer

from ops.letters import replay
from ops.store.deadletters import Wanted
from streams.decode import RAW_BYTES_MAX, decode
from tests.infra.crowd import brands_of, crowd, poisoned
from tests.infra.fleet import Fleet, wait_for
from tests.infra.kafka import Broker
from tests.infra.kafka_cluster import Cluster
from tests.infra.oracle import one_process, outcome_of

pytestmark = pytest.mark.chaos

BRANDS = 8
GO_ON_S = 30
WAIT_S = 600
HOUR_MS = 3_600_000
LATENESS_S = 43_200
"""Half a day: what was mended by hand is still in time."""


def newest_ms(lines: Sequence[bytes]) -> int:
    return max(decode(line).mention.created_at_ms for line in lines)


def received(fleet: Fleet) -> int:
    with fleet.store() as store:
        return int(sum(n for (name, _), n in store.counters().items() if name == "received"))


# --- three brokers ----------------------------------------------------------------------------------------------------


def test_one_broker_of_three_dies_and_comes_back(tmp_path: Path, kafka_cluster: Cluster, postgres_url: str) -> None:
    lines = crowd(40_000, brands=BRANDS, seed=3)
    fleet = Fleet(tmp_path, kafka_cluster.address, postgres_url, brands_of(BRANDS), partitions=6, copies=3, idle_s=40)
    try:
        for role in ("score", "score", "watch", "watch"):
            fleet.add(role).start()
        for worker in fleet.workers:
            worker.wait_ready()
        third = len(lines) // 3
        fleet.produce(lines[:third])
        wait_for(lambda: received(fleet) >= third, WAIT_S, "the first third did not arrive")
        dead = kafka_cluster.leader_of(f"{fleet.prefix}scored", 0)
        dead.stop(kill=True)
        fleet.produce(lines[third : 2 * third], seed=1)
        sent_s = time.monotonic()
        wait_for(lambda: received(fleet) > third, GO_ON_S, f"the workers stood still for {GO_ON_S} s")
        print(f"went on {time.monotonic() - sent_s:.1f} s after the records were taken")
        dead.start()
        fleet.produce(lines[2 * third :], seed=2)
        fleet.wait_done(len(lines), newest_ms(lines), WAIT_S)
        assert [worker.stop() for worker in fleet.workers] == [0, 0, 0, 0]
        with fleet.store() as store:
            found = outcome_of(store)
        different = found.differences(one_process(fleet.settings, lines))
        assert different == [], f"{len(different)} differences: {different[:5]}"
    finally:
        fleet.end()


# --- poison -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.started() as broker:
        yield broker


def test_one_in_a_hundred_is_broken_and_counts_once_it_is_mended(tmp_path: Path, broker: Broker, place: str) -> None:
    lines = crowd(20_000, brands=BRANDS, seed=4)
    newest = newest_ms(lines)
    early = sum(decode(line).mention.created_at_ms < newest - (LATENESS_S - 3_600) * 1000 for line in lines)
    broken, mended = poisoned(lines[early:], 0.01, seed=5)
    assert len(mended) >= 50
    tail = later(lines[-400:], LATENESS_S * 1000 + HOUR_MS)
    fleet = Fleet(tmp_path, broker.address, place, brands_of(BRANDS), partitions=4)
    with fleet.config.open("a") as config:
        config.write(f"detection: {{lateness_s: {LATENESS_S}}}\n")
    try:
        for role in ("score", "watch"):
            fleet.add(role).start().wait_ready()
        produce(fleet, [*lines[:early], *broken])
        good = len(lines) - len(mended)
        wait_for(lambda: received(fleet) >= good, WAIT_S, lambda: f"a stall: {received(fleet)} of {good}")
        send_again(fleet, mended)
        wait_for(
            lambda: received(fleet) >= len(lines), WAIT_S, lambda: f"{received(fleet)} of {len(lines)} after replay"
        )
        produce(fleet, tail)
        fleet.wait_done(len(lines) + len(tail), newest_ms(tail), WAIT_S)
        assert [worker.stop() for worker in fleet.workers] == [0, 0]
        compare(fleet, [*lines, *tail], len(mended))
    finally:
        fleet.end()


def compare(fleet: Fleet, lines: Sequence[bytes], mended: int) -> None:
    wanted = one_process(fleet.settings, lines)
    with fleet.store() as store:
        found = outcome_of(store)
        assert store.letters.count(Wanted()) == 0
    refused = sum(found.counts.pop(name) for name in [*found.counts] if name.startswith("rejected/"))
    assert refused == found.counts.pop("dead_letters") == mended
    assert found.differences(wanted) == []


def send_again(fleet: Fleet, mended: dict[bytes, bytes]) -> None:
    """Every broken record is a letter with its reason and place; each goes back as what it should have been."""
    by_start = {broken[:RAW_BYTES_MAX].rstrip(b"\r\n"): good for broken, good in mended.items()}
    with fleet.store() as store:
        wait_for(lambda: store.letters.count(Wanted()) >= len(mended), 60, "letters are missing")
        letters = store.letters.find(Wanted(), limit=10_000)
        assert len(letters) == len(mended)
        assert all(letter.reason and "mentions/" in letter.position for letter in letters)
        assert len({letter.position for letter in letters}) == len(mended)
        records = {letter.id: by_start[letter.raw] for letter in letters}
        sent = replay(store.letters, letters, records, fleet.settings, "Camille", "put right")
        assert (len(sent.ids), sent.refused) == (len(mended), ())
        again = replay(store.letters, letters, records, fleet.settings, "Camille", "twice")
        assert again.ids == ()


def later(lines: Sequence[bytes], by_ms: int) -> list[bytes]:
    """The same people say the same again, so much later: event time passes over all before."""
    found = []
    for i, line in enumerate(lines):
        fields = orjson.loads(line)
        at_s, ms = divmod(decode(line).mention.created_at_ms + by_ms, 1000)
        fields["created_at"] = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s)) + f".{ms:03d}Z"
        found.append(orjson.dumps(fields | {"id": f"later-{i}"}))
    return found


def produce(fleet: Fleet, lines: Sequence[bytes]) -> None:
    """To partitions by chance; records of more than a megabyte too."""
    rng = random.Random(6)
    producer = KafkaProducer(bootstrap_servers=fleet.servers, acks="all", linger_ms=20, max_request_size=4_000_000)
    for line in lines:
        producer.send(f"{fleet.prefix}mentions", value=line, partition=rng.randrange(fleet.partitions))
    producer.flush()
    producer.close()
