"""Calls from the store to people's channels: the ladder, restarts, acknowledgements, the morning, the weekly test."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.domain.incident import AlertKind, Level, Phase, Standing
from ops.oncall.escalation import State
from tests.infra.oncall import Team, at
from tests.infra.sample_alerts import later

CALLS = ("call", "morning", "handover")


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    found = Team(tmp_path / "vigie.db", "2026-01-07T14:00")  # a Wednesday: Camille's week
    yield found
    found.store.close()


def test_the_ladder_reaches_people_at_its_minutes_once_each(team: Team) -> None:
    start = team.now
    team.opened(Level.ORANGE)
    team.turn(60)
    assert team.heard("call", since_ms=start) == [(0, "Camille"), (5, "Léa"), (10, "Sacha"), (15, "Dominique")]
    assert [name for _, name in team.heard("unanswered")] == ["team", "Camille", "Léa", "Sacha", "Dominique"]
    keys = [(name, message.key) for name, message in team.told]
    assert len(set(keys)) == len(keys)
    assert team.store.pages.state("inc-1") is State.UNANSWERED
    assert [event.text for event in team.store.runs.timeline("inc-1")] == [
        "Appel\u00a0: Camille (community manager)",
        "Appel\u00a0: Léa (community manager)",
        "Appel\u00a0: Sacha (responsable de l’incident)",
        "Appel\u00a0: Dominique (décideur)",
        "Personne n’a répondu. Appelés\u00a0: Camille, Léa, Sacha et Dominique",
    ]


@pytest.mark.parametrize("stop", [0.0, 0.5, 4.5, 5.0, 7.0, 12.5, 15.0, 19.5])
@pytest.mark.parametrize("where", ["before the alert is read", "after the page, before its delivery", "between turns"])
def test_killed_anywhere_and_started_again_nobody_is_called_twice_or_forgotten(
    team: Team, stop: float, where: str
) -> None:
    start = team.now
    team.opened(Level.ORANGE)
    if where == "before the alert is read":
        team.restart()
    team.turn(stop)
    if where == "after the page, before its delivery":
        stop += 5
        team.now += 5 * 60_000
        team.keeper.turn()
    team.restart(after_s=40).turn(60)
    told = team.heard("call", since_ms=start)
    assert [name for _, name in told] == ["Camille", "Léa", "Sacha", "Dominique"]
    late = 0.67 + 0.51
    for (minute, _), planned in zip(told, (0, 5, 10, 15), strict=True):
        assert planned <= minute <= max(planned, stop) + late
    assert [name for _, name in team.heard("unanswered")] == ["team", "Camille", "Léa", "Sacha", "Dominique"]


def test_an_acknowledgement_by_the_engine_stops_it(team: Team) -> None:
    found = team.opened(Level.ORANGE)
    team.turn(6)
    team.acked(found, "Léa")
    team.turn(60)
    assert [name for _, name in team.heard("call")] == ["Camille", "Léa"]
    assert [name for _, name in team.heard("taken")] == ["Camille"]
    (_, message) = team.told[-1]
    assert message.title.startswith("Léa s’en charge - ORANGE - Vélorine")
    assert message.link is None


def test_a_call_that_was_stuck_wakes_nobody_for_what_is_taken(team: Team) -> None:
    found = team.opened(Level.ORANGE)
    team.keeper.turn()
    team.acked(found, "Léa")
    team.turn(1)
    assert team.heard("call") == []
    rows = {row.key: row.reason for row in team.store.outbox.deliveries() if row.channel == "person:Camille/sms"}
    assert rows["inc-1/call1/0/Camille"] == "no longer needed: taken"


def test_a_page_reaches_the_person_and_an_alert_the_team(team: Team) -> None:
    team.opened(Level.ORANGE)
    team.turn(1)
    assert [(name, message.page is None) for name, message in team.told] == [("team", True), ("Camille", False)]


def test_the_night_is_told_in_one_message_in_the_morning(team: Team) -> None:
    team.now = at("2026-01-07T23:10")
    first = team.opened(Level.JAUNE, "inc-1")
    team.opened(Level.JAUNE, "inc-2", "Nordalia")
    team.opened(Level.JAUNE, "inc-3", "Nordalia")
    team.turn(60, step_s=600)
    team.raise_(AlertKind.RESOLVED, later(first, phase=Phase.RESOLVED, closed_at_ms=team.now))
    team.restart(after_s=600)
    team.turn(8 * 60, step_s=300)
    told = team.heard(*CALLS, since_ms=at("2026-01-08T07:00"))
    assert told[0] == (0, "Camille")
    ((_, message),) = [pair for pair in team.told if pair[1].page and pair[1].page.kind == "morning"]
    assert message.title == "CE MATIN\u00a0: 2 incidents de la nuit attendent"
    assert "Nordalia" in message.text()
    assert "Vélorine" not in message.text()
    assert message.text().count("https://vigie.example/ack/") == 2
    assert [name for _, name in told[1:]] == ["Léa", "Léa", "Sacha", "Sacha", "Dominique", "Dominique"]


def test_what_rises_in_the_night_is_told_at_once(team: Team) -> None:
    team.now = at("2026-01-07T23:10")
    found = team.opened(Level.JAUNE)
    team.turn(30, step_s=60)
    assert team.heard() == []
    team.rises(found, Level.ROUGE)
    team.turn(30, step_s=60)
    assert [name for _, name in team.heard("call")] == ["Camille", "Léa", "Sacha", "Dominique"]


def test_a_shift_change_in_the_middle(team: Team) -> None:
    team.now = start = at("2026-01-12T08:50")
    team.opened(Level.JAUNE)
    team.turn(120)
    assert team.heard(*CALLS, since_ms=start) == [
        (0, "Camille"), (10, "Nour"), (15, "Léa"), (30, "Sacha"), (45, "Dominique"),
    ]  # fmt: skip
    nour = next(message for name, message in team.told if name == "Nour")
    assert nour.text().split("\n")[2].startswith("ON CALL: Nour, your shift begins (community manager)")


def test_an_override_counts_at_once(team: Team) -> None:
    team.store.pages.add_override("community_manager", "Sacha", team.now - 1, team.now + 3_600_000, "Camille")
    team.opened(Level.ORANGE)
    team.turn(20)
    assert [name for _, name in team.heard("call")] == ["Sacha", "Léa", "Dominique"]


@pytest.mark.parametrize(("brand", "calls"), [("Nordalia", []), ("Vélorine", ["Camille", "Léa"])])
def test_planned_maintenance_holds_its_brand(team: Team, brand: str, calls: list[str]) -> None:
    team.now = at("2026-02-03T14:10")  # Camille's week again
    team.opened(Level.ORANGE, brand=brand)
    team.turn(6)
    assert [name for _, name in team.heard("call")] == calls
    assert [name for name, message in team.told if message.page is None] == (["team"] if calls else [])
    team.turn(140, step_s=300)
    assert [name for _, name in team.heard(*CALLS)] == ["Camille", "Léa", "Sacha", "Dominique"]


def test_provisional_alerts_and_silent_sources_call_nobody(team: Team) -> None:
    from dataclasses import replace

    from tests.infra.sample_alerts import incident, raised

    early = raised(key="k")
    early = replace(early, alert=early.alert._replace(standing=Standing.PROVISIONAL, serial=1))
    team.store.apply([early, raised(AlertKind.SILENT, incident(id_="feed"), "k2")])
    team.turn(30)
    assert team.heard() == []


def test_an_overdue_step_calls_its_role_or_the_ladder_once(team: Team) -> None:
    found = team.opened(Level.ORANGE)
    team.acked(found, "Camille")
    for _ in range(2):
        team.keeper.page("inc-1", "incident_lead", "Geler les publications programmées", team.now, "step-1")
        team.keeper.page("inc-1", "legal", "Relire le message d’attente", team.now, "step-2")
        team.turn(1)
    assert sorted(name for _, name in team.heard("step")) == ["Camille", "Sacha"]
    message = next(message for name, message in team.told if name == "Sacha")
    assert message.title == "ÉTAPE EN RETARD - ORANGE - Vélorine\u00a0: incident ouvert"
    assert message.text().split("\n")[1] == "À FAIRE\u00a0: Geler les publications programmées"
    assert team.keeper.page("inc-none", "legal", "x", team.now) is False


def test_the_weekly_test_goes_out_once_a_week_the_same_way(team: Team) -> None:
    team.now = at("2026-03-28T12:00")
    team.turn(60 * 24 * 15, step_s=3_600)
    told = [(message.told_at_ms, name) for name, message in team.told]
    people = ["Camille", "Sacha", "Dominique"], ["Nour", "Sacha", "Dominique"]
    days = at("2026-03-30T10:00"), at("2026-04-06T10:00")  # ten on the wall, before and after the clocks change
    assert sorted({ms for ms, _ in told}) == list(days)
    assert {ms: sorted(name for at_ms, name in told if at_ms == ms) for ms in days} == {
        days[0]: sorted(people[0]), days[1]: sorted(people[1]),
    }  # fmt: skip
    message = team.told[0][1]
    assert message.title == "ESSAI - alerte d’astreinte de Vigie"
    assert len(message.short(160)) <= 160
    assert "confirmez" in message.short(160)
    assert message.link is not None
    assert message.short(160).endswith(message.link)


def test_a_test_that_a_stop_missed_by_a_day_waits_for_the_next(team: Team) -> None:
    team.now = at("2026-03-28T12:00")
    team.turn(1)
    team.restart(after_s=4 * 86_400).turn(60)
    assert team.told == []


def test_without_anybody_on_call_the_alerts_still_go_to_the_team(tmp_path: Path) -> None:
    team = Team(tmp_path / "vigie.db", "2026-01-07T14:00", "brands: [{name: Vélorine}]")
    team.opened(Level.ROUGE)
    team.turn(60)
    assert [name for name, _ in team.told] == ["team"]
    assert not team.keeper.enabled
    assert team.store.pages.cursor() == 1
    team.store.close()


ROOT = Path(__file__).resolve().parents[2]
KEEP = """
import sys
from pathlib import Path
from tests.infra import oncall

def send(self, message):  # before it is recorded: a kill in between repeats it
    print(f"{message.key} {self._name} {message.now_ms}", flush=True)

oncall.Heard.send = send
team = oncall.Team(Path(sys.argv[1]), "2026-01-07T14:00")
team.now = int(sys.argv[2])
print("ready", flush=True)
while True:
    team.keeper.turn()
    team.delivery.deliver_now()
    team.now += 10_000
"""


def test_a_process_that_is_killed_again_and_again_calls_everybody_at_least_once_under_one_key(tmp_path: Path) -> None:
    """SIGKILL in the middle of turns: a key may be repeated (killed between send and mark), never a second key."""
    path = tmp_path / "vigie.db"
    team = Team(path, "2026-01-07T14:00")
    team.opened(Level.ORANGE)
    now = team.now
    team.store.close()
    heard: list[str] = []
    for lines in (2, 1, 100):
        keeper = subprocess.Popen(
            [sys.executable, "-c", KEEP, str(path), str(now)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == "ready\n"
        for _ in range(lines):
            key, name, at_ms = keeper.stdout.readline().split()
            heard.append(f"{key} {name}")
            now = int(at_ms)
            if key.endswith("unanswered0/Dominique"):
                break
        keeper.send_signal(signal.SIGKILL)
        keeper.communicate()
    calls = [entry for entry in dict.fromkeys(heard) if "/call1/" in entry and "unanswered" not in entry]
    assert calls == [
        f"inc-1/call1/{rung}/{name} {name}" for rung, name in enumerate(("Camille", "Léa", "Sacha", "Dominique"))
    ]
