"""`vigie runs` and `vigie facts`: what they print, what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.domain.effects import IncidentSaved, PlanMade
from engine.domain.incident import Incident, Level
from engine.domain.playbook import BrandVoice, PlanRequest
from engine.domain.run import Run
from ops.runs import RunKeeper, RunRules
from ops.store import Store
from ops.store.store import wall_clock_ms
from playbooks.catalogue import HERE, Catalogue, load_voices, read_playbook
from playbooks.planner import CataloguePlanner
from playbooks.typography import french_faults
from tests.infra.cli import Ended, vigie
from tests.infra.sample_alerts import incident

MINUTE_MS = 60_000
HOSTILE = "Nordalia\x1b[31m <b>\u202e{{7*7}}</b>"


class Team:
    """A store with one run that began a while ago, and the command line."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.folder, self._capsys, self._patch = folder, capsys, patch
        self.config = folder / "vigie.yaml"
        self.config.write_text("database: vigie.db\nroles: {community_manager: [Camille]}\n", encoding="utf-8")

    def fill(self, lang: str = "fr", minutes_ago: int = 42, brand: str = "Nordalia", exercise: bool = False) -> None:
        self.config.write_text(
            f"database: vigie.db\nlang: {lang}\nroles: {{community_manager: [Camille]}}\n", encoding="utf-8"
        )
        playbook = read_playbook(HERE / "catalogue" / "outage.yaml").playbook
        voice = BrandVoice(brand, (lang,))
        request = PlanRequest("i", voice, Level.ORANGE, (("outage", 60),), 80, ("x",), lang=lang)
        made = CataloguePlanner(Catalogue({"outage": playbook}, load_voices())).plan(request)
        began_ms = wall_clock_ms() - minutes_ago * MINUTE_MS
        with Store.open(self.folder / "vigie.db", clock_ms=lambda: began_ms) as store:
            store.also(RunKeeper(store, RunRules(lang=lang)).on_effects)
            found: Incident = incident(Level.ORANGE, brand=brand, exercise=exercise)
            store.apply([PlanMade(found.id, began_ms, made), IncidentSaved(found)])
        with Store.open(self.folder / "vigie.db") as store:
            RunKeeper(store, RunRules(lang=lang)).tick()

    def run(self) -> Run:
        with Store.open(self.folder / "vigie.db") as store:
            return store.runs.all()[0]

    def __call__(self, *words: str, code: int = 0) -> Ended:
        ended = vigie(self._capsys, self._patch, *words, "-c", self.config)
        assert ended.code == code, ended
        return ended


@pytest.fixture
def team(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Team:
    return Team(tmp_path, capsys, monkeypatch)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_show_reads_well_in_eighty_columns(team: Team, lang: str) -> None:
    team.fill(lang)
    out = team("runs", "show", "inc-2025").out
    lines = out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == ("ORANGE  Nordalia  Panne ou service dégradé" if lang == "fr" else lines[0])
    late = "EN RETARD de 37 min" if lang == "fr" else "OVERDUE by 37 min"
    assert late in out
    now, after = ("MAINTENANT", "ENSUITE") if lang == "fr" else ("NOW", "NEXT")
    assert out.index(now) < out.index("acknowledge") < out.index(after)
    assert "(Camille)" in out
    if lang == "fr":
        assert french_faults(out.replace("! ", "  ")) == []


def test_hostile_names_stay_on_their_line(team: Team) -> None:
    team.fill(brand=HOSTILE, exercise=True)
    out = team("runs", "show", "inc-2025").out + team("runs", "list").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "EXERCICE / EXERCISE" in out


def test_a_step_is_claimed_given_back_and_done(team: Team) -> None:
    team.fill("en")
    assert "Done: Acknowledge the incident" in team("runs", "done", "inc-2025", "acknowledge", "--by", "Camille").out
    assert "Taken by Camille" in team("runs", "claim", "inc-2025", "qualify", "--by", "Camille").out
    refused = team("runs", "claim", "inc-2025", "qualify", "--by", "Noé", code=2).err
    assert "Camille has taken it, at 20" in refused
    version = refused.split()[-1]
    taken = team("runs", "claim", "inc-2025", "qualify", "--by", "Noé", "--version", version)
    assert "Taken over from Camille by Noé" in taken.out
    assert "Given back by Noé" in team("runs", "release", "inc-2025", "qualify", "--by", "Noé").out
    out = team("runs", "done", "inc-2025", "qualify", "--by", "Noé", "--text", "Region west only").out
    assert "— Region west only" in out
    assert "To do now" in out
    assert "Reason: nothing planned" in team("runs", "skip", "inc-2025", "freeze_posts", "nothing planned").out
    log = team("runs", "show", "inc-2025", "--log").out
    assert log.count("Region west only") == 2


def test_refusals_are_one_line(team: Team) -> None:
    team.fill("en")
    for words, said in (
        (("claim", "inc-2025", "position"), "still waits for: holding_line"),
        (("done", "inc-2025", "holdin"), "no step 'holdin'"),
        (("skip", "inc-2025", "qualify", " "), "write why"),
        (("freeze", "inc-2025"), "no webhook is set"),
        (("release-holding", "inc-2025"), "legal was not asked"),
        (("show", "inc-1999"), "did you mean inc-2025"),
    ):
        ended = team("runs", *words, code=2)
        assert said in ended.err
        assert ended.err.count("\n") == 1


def test_legal_is_asked_and_answers(team: Team) -> None:
    team.fill("en")
    assert "Legal was asked" in team("runs", "ask-legal", "inc-2025", "--by", "Camille").out
    assert "20 are left" in team("runs", "release-holding", "inc-2025", code=2).err
    assert "Legal has answered" in team("runs", "legal-answered", "inc-2025").out


def test_json_holds_the_run_and_its_log(team: Team) -> None:
    team.fill("en")
    view = json.loads(team("runs", "show", "inc-2025", "--json").out)
    assert view["run"]["playbook"] == "outage"
    assert view["timeline"][0]["kind"] == "started"
    assert [run["level"] for run in json.loads(team("runs", "list", "--json").out)] == [2]


def test_list_says_what_is_late_and_when_the_next_is_due(team: Team) -> None:
    assert team_without_runs(team) == "No run.\n"
    team.fill("en")
    out = team("runs", "list").out
    assert "overdue, next at" in out
    assert "orange Nordalia" in out


def team_without_runs(team: Team) -> str:
    team.config.write_text("database: vigie.db\nlang: en\n", encoding="utf-8")
    Store.open(team.folder / "vigie.db").close()
    return team("runs", "list").out


def test_facts_are_proposed_approved_and_listed(team: Team) -> None:
    team.fill("en")
    assert (
        team("facts", "propose", "inc-2025", "since", "10:40", "--by", "Camille").out
        == "Fact proposed: since = 10:40\n"
    )
    assert "? since = 10:40  (Camille)" in team("facts", "list", "inc-2025").out
    assert team("facts", "approve", "inc-2025", "since", "--by", "Inès").out == "Fact approved: since = 10:40\n"
    listed = team("facts", "list", "inc-2025").out
    assert "✓ since = 10:40  (Inès)" in listed
    assert "  service: " in listed, "what is still to find out stands as a question"
    team("facts", "propose", "inc-2025", "link", "https://nordalia.example/status", "--approve")
    with Store.open(team.folder / "vigie.db") as store:
        approved = store.runs.approved(team.run().incident_id)
    assert approved == {"since": "10:40", "link": "https://nordalia.example/status"}
    assert len(json.loads(team("facts", "list", "inc-2025", "--json").out)) == 2


def test_facts_are_checked(team: Team) -> None:
    team.fill("en")
    assert "did you mean 'since'" in team("facts", "propose", "inc-2025", "sinse", "x", code=2).err
    assert "a link begins with https://" in team("facts", "propose", "inc-2025", "link", "javascript:1", code=2).err
    assert "no proposal waits" in team("facts", "approve", "inc-2025", "since", code=2).err
