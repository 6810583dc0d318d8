"""Many workers on a real broker and a real PostgreSQL: whatever happens to them, they say what one process says."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from streams.decode import decode
from tests.infra.crowd import brands_of, crowd, shuffled
from tests.infra.fleet import Fleet
from tests.infra.kafka import Broker
from tests.infra.oracle import Outcome, one_process, outcome_of

pytestmark = pytest.mark.chaos

MENTIONS = int(os.environ.get("VIGIE_CHAOS_MENTIONS", "30000"))
"""At 300,000 four alerts show other typical mentions than one process chooses: see docs/scaling.md."""
BRANDS = 24
WAIT_S = 900
IDLE_S = 30
"""Hours of event time pass in seconds here, so a partition that rests for a moment is not idle."""


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.started() as broker:
        yield broker


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return crowd(MENTIONS, brands=BRANDS)


@pytest.fixture
def fleet(tmp_path: Path, broker: Broker, postgres_url: str) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, broker.address, postgres_url, brands_of(BRANDS), idle_s=IDLE_S)
    yield fleet
    fleet.end()


@pytest.fixture(scope="module")
def wanted(lines: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """What one process makes of the file."""
    from ops.settings import load_settings

    config = tmp_path_factory.mktemp("oracle") / "vigie.yaml"
    names = "\n".join(f"  - name: {name}" for name in brands_of(BRANDS))
    config.write_text(f"lang: fr\nbrands:\n{names}\n")
    outcome = one_process(load_settings(config, {}), lines)
    assert len(outcome.incidents) >= 3
    return outcome


def newest_ms(lines: list[bytes]) -> int:
    return max(decode(line).mention.created_at_ms for line in lines[-20:])


def compare(fleet: Fleet, wanted: Outcome, copies: int) -> None:
    """The store of the fleet against one process that got each mention once."""
    with fleet.store() as store:
        outcome = outcome_of(store)
        keys = [row.key for row in store.outbox.deliveries() if row.channel == "log"]
    different = outcome.told_once(wanted, copies).differences(wanted)
    assert not different, "\n".join(different)
    assert len(keys) == len(set(keys))


def test_two_and_two_say_what_one_says(fleet: Fleet, lines: list[bytes], wanted: Outcome) -> None:
    for role in ("score", "score", "watch", "watch"):
        fleet.add(role).start()
    fleet.produce(lines)
    fleet.wait_done(MENTIONS, newest_ms(lines), WAIT_S)
    assert [worker.stop() for worker in fleet.workers] == [0, 0, 0, 0]
    compare(fleet, wanted, copies=1)


@pytest.mark.unproven
def test_whatever_happens_to_them(fleet: Fleet, broker: Broker, lines: list[bytes], wanted: Outcome) -> None:
    """Killed thirty times, frozen past the poll interval, joined and left, the broker restarted; mentions three times
    and out of order."""
    rng = random.Random(7)
    for i, role in enumerate(("score", "score", "watch", "watch")):
        fleet.add(role, *(["--instance", f"{role}-{i}"] if i % 2 else [])).start()
    chaos = Chaos(fleet, broker, rng)
    for worker in fleet.workers:
        worker.wait_ready()
    sent = shuffled(lines, 3, 299.0, seed=3)
    enough = threading.Event()
    producing = threading.Thread(target=fleet.trickle, args=(sent, enough))
    producing.start()
    try:
        for _ in range(10):
            chaos.strike(3)
    finally:
        enough.set()
        producing.join()
    assert chaos.kills == 30
    fleet.wait_done(3 * MENTIONS, newest_ms(lines), WAIT_S)
    time.sleep(3)  # what was raised last is on its way
    assert [worker.stop() for worker in fleet.workers if worker.alive] == [0, 0, 0, 0]
    compare(fleet, wanted, copies=3)
    told = {orjson.loads(record.value)["id"].split("~")[0] for record in fleet.records("incidents")}
    assert wanted.alerts.keys() <= told


class Chaos:
    """Does harm to a fleet, a few blows at a time."""

    def __init__(self, fleet: Fleet, broker: Broker, rng: random.Random) -> None:
        self._fleet, self._broker, self._rng = fleet, broker, rng
        self._rounds = 0
        self.kills = 0

    def strike(self, kills: int) -> None:
        """So many kills, and in some rounds something worse."""
        self._rounds += 1
        for _ in range(kills):
            worker = self._rng.choice(self._fleet.workers[:4]).wait_ready()
            time.sleep(self._rng.uniform(0.2, 3))
            worker.kill()
            self.kills += 1
            worker.start()
        if self._rounds == 3:
            self._freeze("watch")
        elif self._rounds == 5:
            self._guest()
        elif self._rounds == 7:
            self._broker.stop()
            time.sleep(2)
            self._broker.start()
        elif self._rounds == 9:
            self._freeze("score")

    def _freeze(self, role: str) -> None:
        """Longer than the poll interval and the session, so that others take its partitions; then it wakes up."""
        worker = next(w for w in self._fleet.workers if w.role == role)
        worker.wait_ready()
        worker.freeze()
        time.sleep(15)
        worker.thaw()

    def _guest(self) -> None:
        """One of each comes, works for a while, and goes."""
        guests = [self._fleet.add(role).start() for role in ("score", "watch")]
        for guest in guests:
            guest.wait_ready()
        time.sleep(6)
        for guest in guests:
            assert guest.stop() == 0
            self._fleet.workers.remove(guest)
