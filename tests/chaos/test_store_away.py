"""The store goes away and comes back, the disk fills and is emptied: nothing is lost, and all of it shows."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from streams.decode import decode
from tests.infra.crowd import brands_of, crowd
from tests.infra.fleet import Fleet, Worker, wait_for
from tests.infra.kafka import Broker
from tests.infra.oracle import one_process, outcome_of
from tests.infra.postgres import Postgres

pytestmark = pytest.mark.chaos

MENTIONS = 20_000
BRANDS = 12
AWAY_S = 60
WAIT_S = 400


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.started() as broker:
        yield broker


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return crowd(MENTIONS, brands=BRANDS)


def finish(fleet: Fleet, lines: list[bytes]) -> None:
    """Wait for the end, stop, compare."""
    fleet.wait_done(MENTIONS, max(decode(line).mention.created_at_ms for line in lines[-20:]), WAIT_S)
    assert [worker.stop() for worker in fleet.workers] == [0] * len(fleet.workers)
    with fleet.store() as store:
        outcome = outcome_of(store)
    assert outcome.differences(one_process(fleet.settings, lines)) == []


def watchers(fleet: Fleet) -> list[Worker]:
    return [worker for worker in fleet.workers if worker.role == "watch"]


def test_postgresql_stopped_for_a_minute(tmp_path: Path, broker: Broker, lines: list[bytes]) -> None:
    with Postgres.started() as postgres:
        fleet = Fleet(tmp_path, broker.address, postgres.new_database(), brands_of(BRANDS), poll_s=30)
        try:
            for role in ("score", "watch", "watch"):
                fleet.add(role, "--metrics-port", "0").start().wait_ready()
            wait_for(lambda: all(w.figure("vigie_partitions_held") > 0 for w in watchers(fleet)), 90, "one holds none")
            third = MENTIONS // 3
            fleet.produce(lines[:third])
            wait_for(lambda: sum(w.figure("vigie_received_total") for w in watchers(fleet)) > 500, 90, "no start")
            processes = [worker.process for worker in fleet.workers]
            postgres.stop()
            stopped_s = time.monotonic()
            fleet.produce(lines[third:], seed=1)
            wait_for(
                lambda: all(worker.figure("vigie_backpressure") == 1 for worker in watchers(fleet)), AWAY_S,
                "the metrics show no back-pressure",
            )  # fmt: skip
            for worker in watchers(fleet):
                code, text = worker.get("/readyz")
                assert code == 503
                assert "\n" not in text.strip()
                assert worker.figure("vigie_store_errors_total") > 0
                assert worker.get("/healthz")[0] == 200
            time.sleep(max(0.0, AWAY_S - (time.monotonic() - stopped_s)))
            postgres.start()
            finish(fleet, lines)
            assert [worker.process for worker in fleet.workers] == processes  # none was started anew
        finally:
            fleet.end()


def test_a_full_disk(tmp_path: Path, broker: Broker, lines: list[bytes]) -> None:
    """A limit on the size of files stands for the full disk: no rights are needed to set it, nor to lift it."""
    fleet = Fleet(tmp_path, broker.address, str(tmp_path / "vigie.db"), brands_of(BRANDS), poll_s=30)
    try:
        for role in ("score", "watch"):
            fleet.add(role, "--metrics-port", "0").start().wait_ready()
        (watch,) = watchers(fleet)
        fleet.produce(lines[:2_000])
        wait_for(lambda: watch.figure("vigie_received_total") > 500, 90, "no start")
        assert watch.process is not None
        biggest = max(path.stat().st_size for path in tmp_path.glob("vigie.db*"))
        resource.prlimit(watch.process.pid, resource.RLIMIT_FSIZE, (biggest, resource.RLIM_INFINITY))
        fleet.produce(lines[2_000:], seed=1)
        wait_for(lambda: watch.get("/readyz")[0] == 503, 90, "it says that it is ready")
        assert "make room on the disk" in watch.get("/readyz")[1]
        time.sleep(5)
        assert watch.alive
        assert watch.figure("vigie_backpressure") == 1
        resource.prlimit(watch.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait_for(lambda: watch.get("/readyz")[0] == 200, 60, "it does not go on")
        finish(fleet, lines)
        assert watch.text.count("make room on the disk") < 20  # said, and not in a loop
    finally:
        fleet.end()
