"""`vigie run` on many partitions, and workers joined by a topic, against what one process makes of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from ops.store import Store
from streams.decode import decode
from tests.infra.crowd import brands_of, crowd
from tests.infra.fleet import Fleet, wait_for
from tests.infra.kafka import Broker
from tests.infra.oracle import one_process, outcome_of

MENTIONS = 6_000
BRANDS = 6
WAIT_S = 150


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.started() as broker:
        yield broker


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return crowd(MENTIONS, brands=BRANDS)


def newest_ms(lines: list[bytes]) -> int:
    return max(decode(line).mention.created_at_ms for line in lines[-20:])


@pytest.fixture
def fleet(tmp_path: Path, broker: Broker, place: str) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, broker.address, place, brands_of(BRANDS), partitions=4)
    yield fleet
    fleet.end()


def test_workers_say_what_one_process_says(fleet: Fleet, lines: list[bytes]) -> None:
    poison = [b"{", b'{"id": 7}']
    for role in ("score", "watch", "watch"):
        fleet.add(role).start()
    fleet.produce([*lines[:3_000], *poison, *lines[3_000:]])
    fleet.wait_done(MENTIONS, newest_ms(lines), WAIT_S)
    wanted = one_process(fleet.settings, [*lines[:3_000], *poison, *lines[3_000:]])
    assert wanted.incidents
    with fleet.store() as store:
        wait_for(lambda: not store.letters.unpublished(), 30, "dead letters are not published")
        wait_for(lambda: all(d.state.value != "pending" for d in store.outbox.deliveries()), 30, "alerts wait")
    assert [worker.stop() for worker in fleet.workers] == [0, 0, 0]
    with fleet.store() as store:
        assert outcome_of(store).differences(wanted) == []
        letters = store.dead_letters()
        keys = {d.key for d in store.outbox.deliveries()}
        published = [d for d in store.outbox.deliveries() if d.channel.startswith("kafka:")]
        assert store.service() is None
    assert sorted(letter.raw for letter in letters) == sorted(poison)
    told = fleet.records("incidents")
    assert {orjson.loads(record.value)["id"] for record in told} == keys
    assert {d.state.value for d in published} == {"delivered"}
    assert {record.key.decode() for record in fleet.records("deadletters")} == {x.position for x in letters}
    scored = fleet.records("scored")
    assert {record.key.decode() for record in scored if record.key} == set(brands_of(BRANDS))


def test_one_process_on_many_partitions(fleet: Fleet, lines: list[bytes]) -> None:
    run = fleet.add("run").start()
    fleet.produce(lines)
    fleet.wait_done(MENTIONS, newest_ms(lines), WAIT_S)
    run.kill()
    with fleet.store() as store:
        assert outcome_of(store).differences(one_process(fleet.settings, lines)) == []
    worker = fleet.add("watch").start()
    assert worker.process is not None
    assert worker.process.wait(60) == 2
    assert "holds the state of vigie run" in worker.text or "vigie run serves" in worker.text


def test_a_command_reaches_the_worker_that_owns_the_brand(fleet: Fleet, lines: list[bytes]) -> None:
    for role in ("score", "watch", "watch"):
        fleet.add(role).start()
    fleet.produce(lines)
    fleet.wait_done(MENTIONS, newest_ms(lines), WAIT_S)
    with Store.open(fleet.settings.database) as store:
        incident = store.incidents()[0]
        seqs = [
            store.add_command("note", incident.id, "Camille", "vu"),
            store.add_command("ack", "inc-none", "Camille"),
        ]
        wait_for(lambda: all(store.answer(seq) is not None for seq in seqs), 30, "no answer")
        assert [answer.ok for seq in seqs if (answer := store.answer(seq)) is not None] == [True, False]
        assert any(entry.text == "vu" for entry in store.incident(incident.id).timeline)  # type: ignore[union-attr]
