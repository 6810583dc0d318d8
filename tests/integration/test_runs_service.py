"""Runs in a real `vigie run` that is killed: what is overdue is told once, what is asked for is done."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.effects import IncidentSaved, PlanMade
from engine.domain.incident import Level
from engine.domain.playbook import BrandVoice, Plan, PlanRequest
from engine.domain.run import FreezeState, Page
from ops.runs import RunKeeper, RunRules
from ops.store import Store
from ops.store.store import wall_clock_ms
from playbooks.catalogue import HERE, Catalogue, load_voices, read_playbook
from playbooks.planner import CataloguePlanner
from playbooks.running import Act
from tests.infra.receiver import Received, Receiver
from tests.infra.sample_alerts import incident
from tests.infra.service import Service

MINUTE_MS = 60_000
RUNS = 60


def outage_plan() -> Plan:
    playbook = read_playbook(HERE / "catalogue" / "outage.yaml").playbook
    request = PlanRequest("i", BrandVoice("Nordalia"), Level.ORANGE, (("outage", 60),), 80, ("x",), lang="en")
    return CataloguePlanner(Catalogue({"outage": playbook}, load_voices())).plan(request)


def fill(folder: Path, runs: int, minutes_ago: int) -> None:
    """Incidents that opened a while ago, their playbooks begun and untouched."""
    began_ms = wall_clock_ms() - minutes_ago * MINUTE_MS
    made = outage_plan()
    with Store.open(folder / "vigie.db", clock_ms=lambda: began_ms) as store:
        store.also(RunKeeper(store, RunRules(lang="en")).on_effects)
        for i in range(runs):
            found = replace(incident(Level.ORANGE, brand=f"Nordalia {i}"), id=f"inc-{i:04}")
            store.apply([PlanMade(found.id, began_ms, made), IncidentSaved(found)])


def told(folder: Path, kind: str) -> list[tuple[str, str]]:
    """Incident and step of every line of that kind."""
    with Store.open(folder / "vigie.db") as store:
        runs = store.runs.all()
        return [(e.incident_id, e.step) for run in runs for e in store.runs.timeline(run.incident_id) if e.kind == kind]


def wait_until(ready: Callable[[], bool], service: Service) -> None:
    deadline = time.monotonic() + 60
    while not ready():
        assert time.monotonic() < deadline, service.log.read_text()
        time.sleep(0.05)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Callable[[str], Service]]:
    made: list[Service] = []

    def make(extra: str = "") -> Service:
        made.append(Service(tmp_path, extra))
        return made[-1]

    yield make
    for one in made:
        one.end()


def test_steps_overdue_while_it_was_dead_are_told_once(service: Callable[[str], Service], tmp_path: Path) -> None:
    """Killed with steps overdue, in the middle of telling them, and started again."""
    fill(tmp_path, RUNS, minutes_ago=20)
    expected = {(f"inc-{i:04}", step) for i in range(RUNS) for step in ("acknowledge", "qualify")}
    one = service("")
    one.start()
    wait_until(lambda: len(told(tmp_path, "overdue")) > 10, one)
    one.kill()
    one.start()
    wait_until(lambda: len(told(tmp_path, "overdue")) >= len(expected), one)
    assert one.stop() == 0
    counted = Counter(told(tmp_path, "overdue"))
    assert set(counted) == expected
    assert set(counted.values()) == {1}
    with Store.open(tmp_path / "vigie.db") as store:
        asks = [stored.ask for i in range(RUNS) for stored in store.runs.asks(f"inc-{i:04}")]
        pages = Counter(ask.key for ask in asks if isinstance(ask, Page) and ":overdue:" in ask.key)
        assert len(pages) == len(expected)
        overdue = [e for e in store.runs.timeline("inc-0000") if e.kind == "overdue"]
        run = store.runs.run("inc-0000")
        assert run is not None
        assert [(event.at_ms - run.started_at_ms) // MINUTE_MS for event in overdue] == [5, 15], "by their own dates"


def test_a_freeze_that_killed_the_service_is_asked_again_under_the_same_key(
    service: Callable[[str], Service], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FREEZE_SECRET", "s3cret")
    fill(tmp_path, 1, minutes_ago=0)
    one: Service | None = None

    def answer(received: Received) -> int:
        if len(receiver.received) == 1:
            assert one is not None
            one.kill()
        return 200

    with Receiver(answer) as receiver:
        extra = f"freeze: {{url: '{receiver.url}', allow_private: true, secret_env: FREEZE_SECRET}}\n"
        one = service(extra)
        one.start()
        with Store.open(tmp_path / "vigie.db") as store:  # another process acts, as the command line does
            rules = RunRules(lang="en", can_freeze=True, freeze_from=Level.ORANGE)
            RunKeeper(store, rules).act("inc-0000", Act("done", "Camille", "acknowledge"))
        receiver.wait_for(1)
        assert one.process is not None
        one.process.wait()
        with Store.open(tmp_path / "vigie.db") as store:
            run = store.runs.run("inc-0000")
            assert run is not None
            assert run.freeze is FreezeState.ASKED
        one.start()
        first, second = receiver.wait_for(2)
        wait_until(lambda: bool(told(tmp_path, "frozen")), one)
        assert one.stop() == 0
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert second.headers["x-vigie-signature-256"].startswith("sha256=")
    assert b'"type":"freeze","incident":"inc-0000","brand":"Nordalia 0"' in second.body
    with Store.open(tmp_path / "vigie.db") as store:
        run = store.runs.run("inc-0000")
        assert run is not None
        assert run.freeze is FreezeState.FROZEN
        step = run.step("freeze_posts")
        assert step is not None
        assert (step.state.value, step.owner) == ("done", "vigie")
