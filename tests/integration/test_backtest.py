"""`vigie backtest` from the command line: a storm under several budgets, settings, mistakes."""

from __future__ import annotations

import gzip
import subprocess
import sys

import orjson
import pytest

from tests.infra.cli import vigie
from tests.infra.fakes import storm, synthetic
from tests.infra.service import record

FIGURES = {
    "weeks_watched", "brand_weeks_watched", "incidents_opened", "incidents_reopened", "incidents_by_level", "alerts",
    "alerts_per_week", "alerts_by_level", "paged", "paged_per_week", "delay_mean_s", "delay_median_s",
    "alerts_per_brand_week", "lead_median_s",
}  # fmt: skip
INCIDENT = {
    "number", "id", "brand", "kind", "at", "since", "delay_s", "peak_at", "lead_s", "closed_at", "level", "level_max",
    "why", "why_level_max", "playbook", "playbook_title", "observed", "expected", "top_terms", "samples",
}  # fmt: skip


@pytest.fixture
def run(capsys, monkeypatch):
    return lambda *words: vigie(capsys, monkeypatch, *words)


def history():
    calm = synthetic(8, per_hour=12)
    angry = [m for m in storm(minutes=7_100, at=7_000, lasts=60, size=6) if "panne" in m.text]
    whole = sorted([*calm, *angry], key=lambda m: (m.created_at_ms, m.id))
    return [m._replace(sentiment=-0.9 if "panne" in m.text or "nul" in m.text else 0.4) for m in whole]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("backtest") / "history.ndjson"
    path.write_bytes(b"".join(record(m) + b"\n" for m in history()))
    return path


def test_a_storm_is_told_under_every_budget(run, file, tmp_path):
    out, html = tmp_path / "out.json", tmp_path / "out.html"
    ended = run("backtest", file, "--budget", "1,0.25,1.0", "--json", out, "--html", html)
    assert (ended.code, ended.err) == (0, "")
    assert "Avec un budget de 0,25 fausse alerte par semaine, Vigie vous aurait prévenu" in ended.out
    assert "Nordalia" in ended.out
    found = orjson.loads(out.read_bytes())
    assert list(found) == ["version", "file", "mentions", "rejected", "duplicates", "late", "unmatched", "from", "to",
                           "brands", "budgets"]  # fmt: skip
    assert found["file"] == "history.ndjson"
    assert found["mentions"] == len(history())
    assert [b["false_alarms_per_week"] for b in found["budgets"]] == [0.25, 1.0]
    (brand,) = found["brands"]
    assert brand["brand"] == "Nordalia"
    negatives = sum(m.sentiment < 0 for m in history())
    assert sum(brand["negatives"]["counts"]) == pytest.approx(negatives * 0.9, abs=1)
    for outcome in found["budgets"]:
        assert set(outcome["all"]) == FIGURES
        assert [set(each) for each in outcome["brands"]] == [FIGURES | {"brand"}]
        assert all(set(incident) == INCIDENT for incident in outcome["incidents"])
        assert any(incident["at"].startswith("2026-01-05T2") for incident in outcome["incidents"])
        storm_told = next(i for i in outcome["incidents"] if i["at"].startswith("2026-01-05T2"))
        assert 1 <= len(storm_told["samples"]) <= 3
        assert any("panne" in term for term in storm_told["top_terms"])
        assert storm_told["playbook"] == "outage"
    body = html.read_text(encoding="utf-8")
    assert body.startswith("<!DOCTYPE html>")
    assert body.count("<svg") == 1


def test_hash_seeds_and_packing_change_nothing(file, tmp_path):
    packed = tmp_path / "history.ndjson"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    answers = set()
    for seed, path in (("1", file), ("2", packed)):
        html = tmp_path / f"{seed}.html"
        command = [sys.executable, "-m", "ops.cli", "backtest", str(path), "--json", "-", "--html", str(html)]
        ended = subprocess.run(command, capture_output=True, check=True, env={"PYTHONHASHSEED": seed, "PATH": ""})
        answers.add((ended.stdout, html.read_bytes()))
    assert len(answers) == 1


def test_settings_name_brands_and_language_and_no_database_is_touched(run, file, tmp_path):
    config = tmp_path / "vigie.yaml"
    config.write_text(
        "database: never.db\nlang: en\nbrands:\n  - {name: Nordalia, false_alarms_per_week: 50}\n  - name: Lumeo\n"
    )
    plain, set_up = tmp_path / "plain.json", tmp_path / "set_up.json"
    assert run("backtest", file, "--budget", "0.25", "--lang", "en", "--json", plain).code == 0
    ended = run("backtest", file, "--budget", "0.25", "-c", config, "--json", set_up)
    assert "With a budget of 0.25 false alarms a week" in ended.out
    assert not (tmp_path / "never.db").exists()
    views = [orjson.loads(path.read_bytes()) for path in (plain, set_up)]
    figures = [view["budgets"][0]["brands"][0] for view in views]
    assert figures[0] == figures[1], "the brand's own budget is set aside"
    assert "Vigie vous aurait prévenu" in run("backtest", file, "-c", config, "--lang", "fr").out


def test_columns_and_a_brand_are_named_as_for_a_replay(run, file, tmp_path):
    table = tmp_path / "export.csv"
    lines = ["Date;Avis;Note"]
    lines += [
        f"{m['created_at']};{m['text']};{m['sentiment']}" for m in map(orjson.loads, file.read_bytes().splitlines())
    ]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")
    maps = ["--map=created_at=Date", "--map=text=Avis", "--map=sentiment=Note", "--brand=Boulangerie Martel"]
    ended = run("backtest", table, *maps, "--json", tmp_path / "out.json")
    assert ended.code == 0, ended.err
    found = orjson.loads((tmp_path / "out.json").read_bytes())
    assert [b["brand"] for b in found["brands"]] == ["Boulangerie Martel"]
    assert [b["false_alarms_per_week"] for b in found["budgets"]] == [0.05, 0.25, 1.0]


def test_records_that_cannot_be_read_are_told_and_the_rest_is_judged(run, file, tmp_path):
    path = tmp_path / "mixed.ndjson"
    path.write_bytes(b"nonsense\n" * 12 + file.read_bytes())
    ended = run("backtest", path, "--json", tmp_path / "out.json")
    assert ended.code == 0
    told = ended.err.splitlines()
    assert len(told) == 11
    assert told[0].startswith("vigie: line 1: ")
    assert told[-1] == "vigie: ... 2 more"
    assert orjson.loads((tmp_path / "out.json").read_bytes())["rejected"] == 12


def test_an_empty_file_is_no_mistake(run, tmp_path):
    path = tmp_path / "empty.ndjson"
    path.write_bytes(b"")
    ended = run("backtest", path, "--json", tmp_path / "out.json", "--html", tmp_path / "out.html")
    assert (ended.code, ended.err) == (0, "")
    assert "aucune mention lisible" in ended.out
    assert orjson.loads((tmp_path / "out.json").read_bytes())["mentions"] == 0


def test_standard_output_holds_the_json_alone(run, file):
    ended = run("backtest", file, "--lang", "en")
    assert ended.out.startswith("Reading ")
    command = [sys.executable, "-m", "ops.cli", "backtest", "-", "--json", "-"]
    piped = subprocess.run(command, input=file.read_bytes(), capture_output=True, check=True)
    assert orjson.loads(piped.stdout)["file"] == "-"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--budget", "0,25"], "--budget '0,25': '0' is no number from 0.001 to 100"),
        (["--budget", "often"], "--budget 'often'"),
        (["--lang", "de"], "--lang de: there are fr and en"),
        (["--map", "text"], "--map text: write FIELD=COLUMN"),
        (["--json", "."], "--json .: is a folder"),
        (["--html", "no/such/out.html"], "--html no/such/out.html: the folder"),
        (["--json", "a.out", "--html", "a.out"], "--html a.out: is the file of --json"),
        (["-c", "absent.yaml"], "absent.yaml"),
    ],
)
def test_a_mistake_is_one_line_and_exit_2(run, file, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    ended = run("backtest", file, *words)
    assert ended.code == 2
    assert ended.err.startswith("vigie: ")
    assert told in ended.err
    assert ended.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_read_is_never_written_over(run, file):
    before = file.read_bytes()
    for option in ("--json", "--html"):
        ended = run("backtest", file, option, file)
        assert (ended.code, ended.err.count("\n")) == (2, 1)
    assert file.read_bytes() == before


def test_a_file_that_is_not_there_is_one_line(run, tmp_path):
    ended = run("backtest", tmp_path / "absent.ndjson")
    assert ended.code == 2
    assert "absent.ndjson" in ended.err
    assert ended.err.count("\n") == 1
