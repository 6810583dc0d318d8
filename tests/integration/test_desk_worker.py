"""Score, watch and desk on one PostgreSQL do for people what one `vigie run` does; a desk that dies is replaced."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from engine.domain.effects import IncidentSaved, PlanMade
from engine.domain.incident import Level, Phase
from engine.domain.playbook import BrandVoice, PlanRequest
from engine.domain.run import StepState
from ops.oncall.escalation import State
from ops.runs import RunKeeper, RunRules
from ops.store import Store
from ops.store.store import wall_clock_ms
from ops.store.tokens import Role
from playbooks.catalogue import HERE, Catalogue, load_voices, read_playbook
from playbooks.planner import CataloguePlanner
from tests.infra.fakes import storm, synthetic
from tests.infra.fleet import Fleet, Worker, wait_for
from tests.infra.kafka import Broker
from tests.infra.receiver import Receiver
from tests.infra.sample_alerts import incident
from tests.infra.service import Service, record

WAIT_S = 90
EXTRA = """
alerts:
  base_url: https://vigie.example
  channels: [{{name: team, type: webhook, url: "{team}", allow_private: true}}]
people:
  Camille: {{contacts: [{{name: sms, type: webhook, url: "{person}", allow_private: true}}]}}
  Sacha: {{contacts: [{{name: sms, type: webhook, url: "{person}", allow_private: true}}]}}
oncall:
  link_secret_file: key.txt
  ladder: [{{role: community_manager}}, {{role: incident_lead}}]
  deadman: {{url_file: deadman.txt, every_s: 10, allow_private: true}}
  rotas:
    - {{role: community_manager, people: [Camille]}}
    - {{role: incident_lead, people: [Sacha]}}
"""


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.started() as broker:
        yield broker


def crisis() -> list[bytes]:
    """Two days of calm and the beginning of a storm, up to a second ago; scored upstream."""
    calm = synthetic(2, per_hour=12)
    angry = [m for m in storm(minutes=2_870, at=2_800, lasts=45, size=6) if "panne" in m.text]
    whole = sorted([*calm, *angry], key=lambda m: (m.created_at_ms, m.id))
    shift = wall_clock_ms() - 1_000 - whole[-1].created_at_ms
    return [
        record(
            m._replace(
                created_at_ms=m.created_at_ms + shift, sentiment=-0.9 if "panne" in m.text or "nul" in m.text else 0.4
            )
        )
        for m in whole
    ]


class Team:
    """A fleet with a team behind it, and where its messages arrive."""

    def __init__(self, folder: Path, broker: Broker, database: str, receivers: tuple[Receiver, Receiver, Receiver]):
        self.all, self.person, self.deadman = receivers
        self.fleet = Fleet(folder, broker.address, database, ["Nordalia"], partitions=1)
        (folder / "key.txt").write_text("k" * 40)
        (folder / "deadman.txt").write_text(self.deadman.url)
        text = self.fleet.config.read_text().replace("  http: null", "  http: {port: 0}")
        text = re.sub(r"^alerts: .*$", "", text, flags=re.MULTILINE)
        text += EXTRA.format(team=self.all.url, person=self.person.url)
        self.fleet.config.write_text(text.replace("lang: fr", "lang: en\ndetection: {bin_s: 60, lateness_s: 120}"))

    def desk(self) -> Worker:
        return self.fleet.add("desk", "--metrics-port", "0").start()

    def first_page(self) -> dict[str, Any]:
        bodies: list[dict[str, Any]] = [json.loads(received.body) for received in self.person.wait_for(1, WAIT_S)]
        assert {body["key"] for body in bodies} == {bodies[0]["key"]}, "a repeat has the same key"
        return bodies[0]


@pytest.fixture
def team(tmp_path: Path, broker: Broker, postgres_url: str) -> Iterator[Team]:
    with Receiver() as everyone, Receiver() as person, Receiver() as deadman:
        team = Team(tmp_path, broker, postgres_url, (everyone, person, deadman))
        yield team
        team.fleet.end()


def address(worker: Worker) -> str:
    """Where its API is."""
    found = re.findall(r"listening on (http://\S+)", worker.text)
    assert found, worker.text
    return str(found[-1])


def what_stands(store: Store) -> dict[str, Any]:
    """What people find of the one incident: its run, who is called, the drafts; without ids and times."""
    (found,) = store.incidents()
    run = store.runs.run(found.id)
    assert run is not None
    return {
        "incident": (found.brand, found.phase, found.level, found.playbook),
        "run": (run.playbook, run.phase, run.level, tuple((s.id, s.role, s.state, s.after) for s in run.steps)),
        "log": [(e.actor, e.kind, e.step) for e in store.runs.timeline(found.id)],
        "pages": [(row.person, row.role, row.kind) for row in store.pages.of_incident(found.id)],
        "drafts": sorted((d.kind, d.network, d.lang) for d in store.drafts.of(found.id)),
    }


def settled(store: Store) -> bool:
    """The run has begun, somebody is called, and the drafts lie ready."""
    found = store.incidents()
    return bool(
        found and store.runs.run(found[0].id) and store.pages.of_incident(found[0].id) and store.drafts.of(found[0].id)
    )


def alone(folder: Path, team: Team, lines: list[bytes]) -> dict[str, Any]:
    """The same of one `vigie run`, on a database of its own."""
    folder.mkdir()
    (folder / "key.txt").write_text("k" * 40)
    with Receiver() as everyone, Receiver() as person, Receiver() as deadman:
        (folder / "deadman.txt").write_text(deadman.url)
        extra = "brands:\n  - name: Nordalia\n" + EXTRA.format(team=everyone.url, person=person.url)
        service = Service(folder, extra)
        try:
            service.start()
            assert service.post(b"\n".join(lines)).status_code == 202
            with Store.open(folder / "vigie.db") as store:
                wait_for(lambda: settled(store), WAIT_S, service.log.read_text)
                time.sleep(3)  # the drafts of the newest plan
                return what_stands(store)
        finally:
            service.end()


def test_three_processes_do_for_people_what_one_does(team: Team, tmp_path: Path) -> None:
    lines = crisis()
    workers = [team.fleet.add(role).start() for role in ("score", "watch")]
    desk = team.desk()
    for worker in (*workers, desk):
        worker.wait_ready()
    team.fleet.produce(lines)
    page = team.first_page()
    assert (page["page"]["person"], page["page"]["next_person"]) == ("Camille", "Sacha")
    with team.fleet.store() as store:
        wait_for(lambda: settled(store), WAIT_S, lambda: desk.text)
        time.sleep(3)
        assert what_stands(store) == alone(tmp_path / "alone", team, lines)
        (opened,) = store.incidents()
        _, token = store.tokens.create("desk-test", Role.MANAGER, person="Camille")
        url, auth = address(desk), {"Authorization": f"Bearer {token}"}
        listed = httpx2.get(f"{url}/v1/incidents", headers=auth, timeout=20)
        assert [item["id"] for item in listed.json()["items"]] == [opened.id]
        answer = httpx2.post(f"{url}/v1/incidents/{opened.id}/ack", headers=auth, json={}, timeout=20)
        assert answer.status_code == 200, answer.text
        taken = store.incident(opened.id)
        assert taken is not None
        assert (taken.phase, taken.acked_by) == (Phase.ACKNOWLEDGED, "Camille")
        wait_for(lambda: store.pages.state(opened.id) is State.TAKEN, 20, "the calls go on")
        run = store.runs.run(opened.id)
        assert run is not None
        assert next(s for s in run.steps if s.clock == "acknowledge").state is StepState.DONE
        assert httpx2.get(url + urlsplit(page["ack_url"]).path, timeout=20).status_code == 200
    team.deadman.wait_for(1)
    assert desk.figure("vigie_oncall_people") == 2
    assert httpx2.get(f"{url}/readyz", timeout=20).status_code == 200
    assert [worker.stop() for worker in team.fleet.workers] == [0, 0, 0]


def test_a_desk_that_dies_is_replaced_and_what_fell_due_is_told_once(team: Team) -> None:
    began_ms = wall_clock_ms() - 20 * 60_000
    with Store.open(team.fleet.database, clock_ms=lambda: began_ms) as store:
        overdue = begin_run(store)
    first = team.desk().wait_ready()
    second = team.desk()
    wait_for(lambda: "another desk serves" in second.text, 60, lambda: second.text)
    assert second.get("/healthz")[0] == 200
    assert second.get("/readyz") == (503, "waiting: another desk serves\n")
    first.freeze()
    wait_for(lambda: "listening on" in second.text, 60, lambda: second.text)
    with team.fleet.store() as store:
        wait_for(lambda: told(store, overdue) == ["acknowledge", "qualify"], 30, lambda: second.text)
        first.thaw()
        assert first.process is not None
        assert first.process.wait(30) != 0
        assert "another process is the desk by now" in first.text
        third = team.desk()
        wait_for(lambda: "another desk serves" in third.text, 60, lambda: third.text)
        second.kill()
        wait_for(lambda: "listening on" in third.text, 60, lambda: third.text)
        fourth = team.desk()
        wait_for(lambda: "another desk serves" in fourth.text, 60, lambda: fourth.text)
        assert third.stop() == 0
        wait_for(lambda: "listening on" in fourth.text, 60, lambda: fourth.text)
        assert told(store, overdue) == ["acknowledge", "qualify"]
        rows = [row for row in store.pages.of_incident(overdue) if row.kind == "step"]
        assert len(rows) == len({row.key for row in rows}) > 0
    keys = [json.loads(received.body)["key"] for received in team.person.received]
    assert len(set(keys)) == len(rows)
    assert fourth.stop() == 0


def begin_run(store: Store) -> str:
    """An incident that opened when the store's clock says, its playbook begun and untouched. Returns its id."""
    playbook = read_playbook(HERE / "catalogue" / "outage.yaml").playbook
    request = PlanRequest("i", BrandVoice("Nordalia"), Level.ORANGE, (("outage", 60),), 80, ("x",), lang="en")
    made = CataloguePlanner(Catalogue({"outage": playbook}, load_voices())).plan(request)
    found = replace(incident(Level.ORANGE, brand="Nordalia"), id="inc-0001")
    store.also(RunKeeper(store, RunRules(lang="en")).on_effects)
    store.take_part("vigie.scored/0")
    store.apply([PlanMade(found.id, store.clock_ms(), made), IncidentSaved(found)], "vigie.scored/0")
    return found.id


def told(store: Store, incident_id: str) -> list[str]:
    return [event.step for event in store.runs.timeline(incident_id) if event.kind == "overdue"]
