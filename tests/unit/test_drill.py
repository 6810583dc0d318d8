"""Exercises: the scenarios, the storm, what is kept away from the outside, and the score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.domain.errors import InputError
from engine.domain.incident import Level
from engine.domain.playbook import Plan, Step
from ops.drill.db import DrillClock, clock_of, mark
from ops.drill.play import Drill, DrillParams, drill_settings
from ops.drill.scenario import Storm, found, shipped
from ops.drill.score import score, score_text
from ops.runs import RunKeeper, RunRules
from ops.store import Store
from playbooks.catalogue import load_catalogue
from playbooks.running import Act, Opening, start
from tests.infra.cli import vigie
from tests.infra.oncall import TEAM, settings_of

MINUTE_MS = 60_000


def test_there_are_six_scenarios_with_texts_in_both_languages_and_known_playbooks() -> None:
    books = load_catalogue().playbooks
    assert len(shipped()) >= 6
    for scenario in shipped():
        assert scenario.expects in books
        for wave in scenario.waves:
            assert len(set(wave.texts.fr)) == len(wave.texts.fr) == len(wave.texts.en) >= 8
            assert all("{brand}" in text for text in (*wave.texts.fr, *wave.texts.en))


def test_a_storm_is_the_same_each_time_and_ordered() -> None:
    storm, again = (Storm(found("rumour"), "Lumeo", "en", 10**12) for _ in range(2))
    before, after = storm.before(), storm.storm()
    assert (before, after) == (again.before(), again.storm())
    times = [mention.created_at_ms for mention in (*before, *after)]
    assert times == sorted(times)
    assert max(m.created_at_ms for m in before) < 10**12 <= min(m.created_at_ms for m in after)
    assert len({mention.id for mention in (*before, *after)}) == len(times)
    assert "{" not in "".join(mention.text for mention in (*before, *after))


def test_what_an_exercise_must_not_touch_is_taken_out(tmp_path: Path) -> None:
    text = TEAM.replace("oncall:", "oncall:\n  deadman: {url_env: NOWHERE}", 1)
    settings = settings_of(
        text + "alerts: {base_url: 'https://vigie.example'}\nsources: {files: [{path: a.ndjson}], stdin: true}\n"
    )
    params = DrillParams(found("outage"), str(tmp_path / "d.db"))
    played = drill_settings(settings, params)
    assert played.oncall.deadman is None
    assert played.oncall.test is None
    assert played.alerts.base_url is None
    assert played.oncall.link_secret() is None
    assert (played.sources.files, played.sources.stdin, played.sources.kafka) == ((), False, None)
    assert played.database == str(tmp_path / "d.db")
    assert played.oncall.rotas == settings.oncall.rotas
    assert played.people == settings.people
    silent = drill_settings(settings, DrillParams(found("outage"), params.db, silent=True))
    assert silent.alerts.channels == ()
    assert all(person.contacts == () for person in silent.people.values())
    with pytest.raises(InputError, match="is not in the settings"):
        drill_settings(settings, DrillParams(found("outage"), params.db, brand="Autre"))


def test_a_database_that_is_no_drills_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vigie.db"
    with Store.open(path) as store:
        store.set_meta("audit_head", "0:" + "0" * 64)
    with pytest.raises(InputError, match="not a drill's database"):
        Drill(settings_of(), DrillParams(found("outage"), str(path)))
    with Store.open(path) as store, pytest.raises(InputError, match="not a drill's database"):
        score(store)
    with pytest.raises(InputError, match="at most"):
        Drill(settings_of(), DrillParams(found("outage"), str(tmp_path / "d.db"), speed=0))


def test_the_production_database_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "vigie.yaml"
    config.write_text("database: vigie.db\n", encoding="utf-8")
    ended = vigie(capsys, monkeypatch, "drill", "play", "outage", "-c", config, "--db", tmp_path / "vigie.db")
    assert (ended.code, "production database" in ended.err) == (2, True)
    wrong = vigie(capsys, monkeypatch, "drill", "play", "outtage", "-c", config, "--db", tmp_path / "d.db")
    assert (wrong.code, "did you mean 'outage'" in wrong.err) == (2, True)
    assert "outage" in vigie(capsys, monkeypatch, "drill", "list", "--lang", "en").out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("id: a\nexpects: outage\n", "title: Field required"),
        ("id: A B\n", "id"),
        ("id: a\nexpects: b\nwaves: []\n", "title"),
    ],
)
def test_a_bad_scenario_is_told_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told) as caught:
        found(str(path))
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def step(id_: str, minutes: int, clock: str | None = None) -> Step:
    return Step(id_, "CM", minutes, id_.title(), "fait", role_id="cm", clock=clock)


def test_the_clocks_are_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = (step("quick", 5, "qualify"), step("slow", 10), step("never", 20), step("left", 20), step("later", 90))
    plan = Plan("outage", "Panne", "", None, "", steps, (), (), level=Level.ORANGE)
    now = [0]
    path = tmp_path / "drill.db"
    with Store.open(path, clock_ms=lambda: now[0]) as store:
        runs = store.runs
        with runs.transaction() as connection:
            runs.save(connection, start(plan, Opening("i1", "Nordalia", "fr", 0, True)))
        keeper = RunKeeper(store, RunRules(), lambda: now[0])
        for at_min, name, what in ((3, "done", "quick"), (14, "done", "slow"), (15, "skip", "left")):
            now[0] = at_min * MINUTE_MS
            keeper.act("i1", Act(name, "Camille", what, "raison"))
        mark(store, DrillClock(0, 0, 1.0), scenario="outage", brand="Nordalia", ended_ms=30 * MINUTE_MS)
        found_ = score(store)
    results = {row["step"]: (row["result"], row["late_min"], row["by"]) for row in found_["incidents"][0]["steps"]}
    assert results["quick"] == ("met", 0, "Camille")
    assert results["slow"] == ("late", 4, "Camille")
    assert results["never"][:2] == ("missed", 10)
    assert results["left"][0] == "skipped"
    assert results["later"][0] == "not due"
    assert (found_["clocks_due"], found_["clocks_met"], found_["exercise"]) == (3, 1, True)
    text = score_text(found_, "fr", "Europe/Paris", "outage")
    assert text.startswith("EXERCICE / EXERCISE")
    assert "1 tenues sur 3 échues" in text
    ended = vigie(capsys, monkeypatch, "drill", "score", path, "--json")
    assert json.loads(ended.out) == found_


def test_the_clock_of_a_drill_is_its_own() -> None:
    with Store.temporary() as store:
        assert clock_of(store, lambda: 7)() == 7
        mark(store, DrillClock(1_000, 500, 60.0))
        assert clock_of(store, lambda: 510)() == 1_600


def test_what_is_no_command_is_a_scenario(tmp_path, capsys, monkeypatch):
    ended = vigie(capsys, monkeypatch, "drill", "nowhere", "--db", tmp_path / "d.db")
    assert ended.code == 2
    assert "no scenario 'nowhere'" in ended.err
