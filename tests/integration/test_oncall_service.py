"""A real `vigie run`: a storm calls the person on call, a kill forgets nobody, the link of the page takes it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from engine.domain.incident import Phase
from ops.oncall.escalation import State
from ops.store import Store
from tests.infra.fakes import storm, synthetic
from tests.infra.receiver import Receiver
from tests.infra.service import Service, record

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


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[Service, Receiver, Receiver, Receiver]]:
    (tmp_path / "key.txt").write_text("k" * 40)
    with Receiver() as team, Receiver() as person, Receiver() as deadman:
        (tmp_path / "deadman.txt").write_text(deadman.url)
        service = Service(tmp_path, EXTRA.format(team=team.url, person=person.url))
        service.start()
        yield service, team, person, deadman
        service.end()


def storm_until_now() -> bytes:
    """Two days of calm and the beginning of a storm, up to a second ago; scored upstream."""
    calm = synthetic(2, per_hour=12)
    angry = [m for m in storm(minutes=2_870, at=2_800, lasts=45, size=6) if "panne" in m.text]
    whole = sorted([*calm, *angry], key=lambda m: (m.created_at_ms, m.id))
    shift = time.time_ns() // 1_000_000 - 1_000 - whole[-1].created_at_ms
    moved = [
        m._replace(
            created_at_ms=m.created_at_ms + shift, sentiment=-0.9 if "panne" in m.text or "nul" in m.text else 0.4
        )
        for m in whole
    ]
    return b"\n".join(map(record, moved))


def test_a_storm_calls_a_person_and_the_link_takes_it(
    running: tuple[Service, Receiver, Receiver, Receiver],
) -> None:
    service, team, person, deadman = running
    assert service.post(storm_until_now()).status_code == 202
    page = first_page(person)
    assert page["page"]["person"] == "Camille"
    assert page["page"]["next_person"] == "Sacha"
    link = urlsplit(page["ack_url"])
    assert link.netloc == "vigie.example"
    service.kill()
    service.start()
    assert first_page(person)["ack_url"] == page["ack_url"]
    with Store.open(service.folder / "vigie.db") as store:
        (found,) = store.pages.open()
        assert (found.state, found.people) == (State.CALLING, ("Camille",))
        assert httpx2.get(service.url + link.path, timeout=20).status_code == 200
        assert store.incident(found.incident_id).phase is Phase.OPEN  # type: ignore[union-attr]
        answer = httpx2.post(service.url + link.path, timeout=20)
        assert answer.status_code == 200
        assert "the incident is yours, Camille" in answer.text
        taken = store.incident(found.incident_id)
        assert taken is not None
        assert (taken.phase, taken.acked_by) == (Phase.ACKNOWLEDGED, "Camille")
        deadline = time.monotonic() + 20
        while store.pages.state(found.incident_id) is not State.TAKEN:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert [row.kind for row in store.pages.of_incident(found.incident_id)] == ["call"]
    assert all("page" not in json.loads(received.body) for received in team.received)
    deadman.wait_for(2)  # one of each process
    metrics = service.get("/metrics").text
    assert 'vigie_oncall_people{role="community_manager"} 1.0' in metrics
    assert "Camille" not in metrics
    assert "/ack/" not in service.log.read_text()


def first_page(person: Receiver) -> dict[str, Any]:
    """The first call; a repeat after a kill has the same key."""
    bodies: list[dict[str, Any]] = [json.loads(received.body) for received in person.wait_for(1, 60)]
    assert {body["key"] for body in bodies} == {bodies[0]["key"]}
    return bodies[0]
