"""Signed links: what opens them, what does not, and that looking takes nothing."""

from __future__ import annotations

import re
import string
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from engine.domain.effects import CommandDone
from engine.domain.errors import InputError
from engine.domain.incident import Incident, Phase
from ops.api import Api
from ops.delivery.build import look_of
from ops.desk.office import Office
from ops.oncall.links import Links
from ops.oncall.web import Answers, add_ack_routes
from ops.store.tokens import Role
from tests.infra.oncall import KEY, Team
from tests.infra.sample_alerts import later


class Door:
    """The pages over a team's store, and an engine that answers commands."""

    def __init__(self, path: Path) -> None:
        self.team = Team(path, "2026-01-07T14:00")
        self.found = self.team.opened()
        self.team.turn(1)
        app = FastAPI()
        look = look_of(self.team.settings, links=self.team.links)
        add_ack_routes(app, Answers(self.team.store, self.team.links, look, lambda: self.team.now, wait_s=5.0))
        Api(Office(self.team.store, self.team.settings, inside=True, wait_s=5.0)).add(app)
        self.token = self.team.store.tokens.create("phone", Role.MANAGER, person="Sacha")[1]
        self.client = TestClient(app, base_url="https://vigie.example")
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._engine, daemon=True)
        self.thread.start()

    def _engine(self) -> None:
        store = self.team.store
        while not self.stopping.wait(0.02):
            for command in store.pending_commands():
                incident = store.incident(command.incident_id) or self.found
                if incident.acked_by is None:
                    self.team.acked(incident, command.actor)
                store.apply([CommandDone(command.seq, True, f"{command.actor} prend l’incident")])

    def link(self, person: str) -> str:
        """The link that a person was sent."""
        message = next(message for name, message in self.team.told if name == person)
        assert message.link is not None
        return message.link

    @property
    def incident(self) -> Incident:
        found = self.team.store.incident("inc-1")
        assert found is not None
        return found


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    found = Door(tmp_path / "vigie.db")
    yield found
    found.stopping.set()
    found.thread.join()
    found.team.store.close()


def test_looking_takes_nothing_and_the_button_does(door: Door) -> None:
    link = door.link("Camille")
    for _ in range(3):  # a mail scanner, a chat preview, a person
        shown = door.client.get(link)
        assert shown.status_code == 200
        assert door.client.head(link).status_code in (200, 405)
    assert door.incident.phase is Phase.OPEN
    assert "ORANGE - Vélorine" in shown.text
    assert "Je prends l’incident" in shown.text
    assert "En tant que Camille" in shown.text
    assert re.search(r"<script|https?://", shown.text) is None
    done = door.client.post(link)
    assert done.status_code == 200
    assert "l’incident est à vous, Camille" in done.text
    assert (door.incident.phase, door.incident.acked_by) == (Phase.ACKNOWLEDGED, "Camille")
    again = door.client.post(link)
    assert "Déjà pris en charge par Camille à 14:01" in again.text
    door.team.turn(60)
    assert [name for _, name in door.team.heard("call")] == ["Camille"]
    (page, *_) = door.team.store.pages.of_incident("inc-1")
    assert page.acked_at_ms == door.team.now - 60 * 60_000


def test_the_link_of_the_team_asks_for_a_name(door: Door) -> None:
    link = door.link("team")
    assert 'name="by"' in door.client.get(link).text
    assert door.client.post(link).status_code == 400
    assert door.incident.phase is Phase.OPEN
    done = door.client.post(link, data={"by": "<b>Sacha</b>\r\nX: y"})
    assert "&lt;b&gt;Sacha&lt;/b&gt; X: y" in done.text
    assert door.incident.acked_by == "<b>Sacha</b> X: y"


def test_the_page_lets_nothing_in(door: Door) -> None:
    headers = door.client.get(door.link("Camille")).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"


def test_the_style_of_the_page_is_the_one_that_its_policy_names(door: Door) -> None:
    import base64
    import hashlib

    answer = door.client.get(door.link("Camille"))
    found = re.search(r"<style>(.*?)</style>", answer.text)
    assert found is not None
    digest = base64.b64encode(hashlib.sha256(found.group(1).encode()).digest()).decode()
    assert f"'sha256-{digest}'" in answer.headers["content-security-policy"]


def test_every_flipped_character_is_refused(door: Door) -> None:
    head, token = door.link("Camille").rsplit("/", 1)
    for i, char in enumerate(token):
        forged = f"{head}/{token[:i]}{'A' if char != 'A' else 'B'}{token[i + 1 :]}"
        assert door.client.post(forged).status_code == 404, i
    assert door.incident.phase is Phase.OPEN


def test_bits_that_base64_leaves_open_forge_nothing() -> None:
    """The last sign of a signature holds two bits that decode to nothing, and padding may follow it."""
    links = Links(KEY, "https://vigie.example", clock_ms=lambda: 5_000_000)
    token = links.link("inc-1", 12, 1_000_000).rsplit("/", 1)[1]
    assert links.read(token).page == 12
    signs = string.ascii_letters + string.digits + "-_=+/ ."
    for forged in [token[:-1] + sign for sign in signs if sign != token[-1]] + [token + "=", token + "==", token + "A"]:
        with pytest.raises(InputError, match="not valid"):
            links.read(forged)


@pytest.mark.parametrize("token", ["x", "..", "%00", "p12", "a" * 5_000, "cDE.x.y", "💥"])
def test_nonsense_is_refused(door: Door, token: str) -> None:
    assert door.client.get(f"/ack/{token}").status_code == 404
    assert door.client.post(f"/ack/{token}").status_code == 404


def test_a_link_expires_and_a_key_is_only_its_own(door: Door) -> None:
    link = door.link("Camille")
    token = link.rsplit("/", 1)[1]
    with pytest.raises(InputError, match="not valid"):
        Links("z" * 40, "https://vigie.example", clock_ms=lambda: door.team.now).read(token)
    door.team.now += 24 * 3_600_000 + 120_000
    answer = door.client.post(link)
    assert answer.status_code == 404
    assert "a expiré" in answer.text
    assert door.incident.phase is Phase.OPEN
    with pytest.raises(InputError, match="expired"):
        door.team.links.read(token)


def test_a_link_is_for_one_incident(door: Door) -> None:
    door.team.opened(id_="inc-2", brand="Nordalia")
    door.team.turn(1)
    door.client.post(door.link("Camille"))
    other = door.team.store.incident("inc-2")
    assert other is not None
    assert other.phase is Phase.OPEN


def test_what_is_over_can_not_be_taken(door: Door) -> None:
    from engine.domain.effects import IncidentSaved

    over = later(door.found, phase=Phase.RESOLVED, closed_at_ms=door.team.now)
    door.team.store.apply([IncidentSaved(over)])
    assert "est terminé" in door.client.get(door.link("Camille")).text
    assert "est terminé" in door.client.post(door.link("Camille")).text


def test_a_test_alert_is_confirmed(door: Door) -> None:
    door.team.keeper.test([("Nour", "community_manager")], name="now")
    door.team.turn(0)
    link = door.link("Nour")
    assert "Essai de l’astreinte" in door.client.get(link).text
    assert "l’essai est confirmé" in door.client.post(link).text
    (row,) = door.team.store.pages.of_kind("test")
    assert (row.person, row.acked_at_ms) == ("Nour", door.team.now)


def test_a_body_has_its_limit(door: Door) -> None:
    assert door.client.post(door.link("team"), content=b"by=" + b"x" * 10_000).status_code == 413
    assert door.client.post(door.link("team"), content=b"&".join([b"a=1"] * 50)).status_code == 400


@pytest.mark.parametrize(
    ("header", "body", "status"),
    [
        ("Bearer {}", b'{"text": "j\'y vais"}', 200),
        ("Bearer {}", b"", 200),
        ("Bearer vigie_wrong", b"{}", 401),
        ("", b"{}", 401),
        ("Bearer {}", b"[1]", 422),
        ("Bearer {}", b'{"by": "Nour"}', 422),
    ],
)
def test_programs_take_it_with_a_token_that_says_who(door: Door, header: str, body: bytes, status: int) -> None:
    headers = {"authorization": header.format(door.token)}
    answer = door.client.post("/v1/incidents/inc-1/ack", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert (door.incident.acked_by == "Sacha") == (status == 200)
    if status == 200:
        assert door.client.post("/v1/incidents/none/ack", content=body, headers=headers).status_code == 404


def test_the_key_is_long_enough() -> None:
    from engine.domain.errors import ConfigError
    from tests.infra.oncall import TEAM, settings_of

    section = settings_of(TEAM + "  link_secret_env: VIGIE_LINK\n").oncall
    with pytest.raises(ConfigError, match="shorter than 32 characters"):
        section.link_secret({"VIGIE_LINK": "short"})
    found = section.link_secret({"VIGIE_LINK": KEY})
    assert found is not None
    assert KEY not in repr(found)
