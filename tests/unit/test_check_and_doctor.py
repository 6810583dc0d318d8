"""`vigie check` and `vigie doctor`, as a person calls them."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.domain.errors import ConfigError
from ops.cli import app
from ops.commands.doctor import examine

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "vigie.yaml"


def test_check_says_what_it_found() -> None:
    done = CliRunner().invoke(app, ["check", "-c", str(EXAMPLE)])
    assert done.exit_code == 0, done.output
    for part in ("Nordalia: found by 4 names", "http on 127.0.0.1:8642", "log (console)", "all well"):
        assert part in done.output


def test_check_lists_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "v.yaml"
    path.write_text(
        "sources: {http: {token_env: VIGIE_NOT_SET, secret_file: /nope}}\n"
        "alerts: {channels: []}\nplaybooks: {directories: [/nope]}\ndatabase: /nope/v.db\n"
    )
    done = CliRunner().invoke(app, ["check", "-c", str(path)])
    assert isinstance(done.exception, ConfigError)
    lines = [*done.stderr.splitlines(), str(done.exception)]
    for part in ("VIGIE_NOT_SET", "cannot read /nope", "alerts.channels: empty", "playbooks", "folder /nope"):
        assert any(part in line for line in lines), part


def test_doctor_finds_this_machine_fit(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text("database: v.db\n")
    findings = {finding.name: finding for finding in examine(tmp_path / "v.yaml")}
    assert set(findings) >= {
        "settings",
        "python",
        "packages",
        "text",
        "playbooks",
        "database",
        "disk",
        "clock",
        "time zone",
    }
    assert {name for name, finding in findings.items() if finding.mark == "fail"} == set()


def test_doctor_fails_on_a_broken_database(tmp_path: Path) -> None:
    (tmp_path / "vigie.db").write_bytes(b"this is no database, but long enough to look like a file of one" * 20)
    (tmp_path / "v.yaml").write_text("")
    done = CliRunner().invoke(app, ["doctor", "-c", str(tmp_path / "v.yaml")])
    assert done.exit_code == 1
    assert "fail database" in done.output
    assert "not a database" in done.output


def test_doctor_fails_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text("database: missing/v.db\n")
    findings = {finding.name: finding for finding in examine(tmp_path / "v.yaml")}
    assert findings["database"].mark == "fail"


def test_doctor_goes_on_after_broken_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "v.yaml").write_text("lang: de\n")
    marks = {finding.name: finding.mark for finding in examine(tmp_path / "v.yaml")}
    assert marks["settings"] == "fail"
    assert marks["python"] == "ok"
    assert os.listdir(tmp_path) == ["v.yaml"], "an examination leaves nothing behind"


def test_check_lists_the_events_of_the_next_days(tmp_path: Path) -> None:
    day = dt.date.today() + dt.timedelta(days=3)
    far = day + dt.timedelta(days=90)
    (tmp_path / "v.yaml").write_text(
        "brands: [{name: Nordalia}]\nevents_ics: e.ics\nevents:\n"
        f"  - {{name: Soldes d'hiver, start: {day}, end: {day}, expected_ratio: 2.5}}\n"
        f"  - {{name: Bien plus tard, start: {far}, end: {far}}}\n"
    )
    ics = f"BEGIN:VEVENT\nUID:1\nSUMMARY:Direct\nDTSTART:{day:%Y%m%d}T200000\nDURATION:PT1H\nCATEGORIES:Nordalia\n"
    (tmp_path / "e.ics").write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\n{ics}END:VEVENT\nEND:VCALENDAR\n")
    done = CliRunner().invoke(app, ["check", "-c", str(tmp_path / "v.yaml")])
    assert done.exit_code == 0, done.output
    assert f"Soldes d'hiver: {day} 00:00 to {day + dt.timedelta(days=1)} 00:00, 2.5 times" in done.output
    assert f"Direct: {day} 20:00 to {day} 21:00, 3 times the usual negatives expected, Nordalia" in done.output
    assert "Bien plus tard" not in done.output


def test_check_names_the_line_of_a_mistake_in_the_ics_file(tmp_path: Path) -> None:
    (tmp_path / "v.yaml").write_text("events_ics: e.ics\n")
    (tmp_path / "e.ics").write_text("BEGIN:VCALENDAR\nBEGIN:VEVENT\nSUMMARY:Direct\nEND:VEVENT\nEND:VCALENDAR\n")
    done = CliRunner().invoke(app, ["check", "-c", str(tmp_path / "v.yaml")])
    assert isinstance(done.exception, ConfigError)
    assert "e.ics:2: " in str(done.exception)
