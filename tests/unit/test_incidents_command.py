"""`vigie incidents`: what it prints, what it refuses, and who carries a command out."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.domain.effects import CommandDone, IncidentSaved, PlanMade
from engine.domain.incident import Level, Phase
from ops import cli
from ops.render.report import incident_view
from ops.settings import Settings
from ops.store import Store
from tests.infra.heart import beat_elsewhere
from tests.infra.sample_alerts import T0, incident, plan

ID = "inc-20251121-ab12cd34ef56"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "vigie.db"
    with Store.open(path) as store:
        store.apply([IncidentSaved(incident(Level.ORANGE)), PlanMade(ID, T0, plan())])
        store.apply([IncidentSaved(incident(id_="inc-20251122-00ff", phase=Phase.SUSPECTED))])
    return path


class Run:
    """The command line, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *args: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["vigie", "incidents", *args])
        try:
            cli.main()
            code: object = 0
        except SystemExit as end:
            code = end.code
        out, err = self._capsys.readouterr()
        return int(str(code or 0)), out, err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


@pytest.fixture
def service(path: Path) -> Iterator[list[str]]:
    """A service that answers commands, as far as the command line can tell."""
    stopping, seen = threading.Event(), list[str]()
    with Store.open(path) as store:
        beat_elsewhere(store)

        def serve() -> None:
            while not stopping.is_set():
                for found in store.pending_commands():
                    seen.append(f"{found.name} {found.incident_id} {found.actor} {found.text}".strip())
                    store.apply([CommandDone(found.seq, found.name != "resolve", f"{found.name}: fait")])
                stopping.wait(0.02)

        thread = threading.Thread(target=serve)
        thread.start()
        yield seen
        stopping.set()
        thread.join()


def test_list_as_json_is_the_view(run: Run, path: Path) -> None:
    code, out, err = run("list", "--json", "--db", str(path))
    assert (code, err) == (0, "")
    assert json.loads(out) == [incident_view(incident(Level.ORANGE), plan())]


def test_list_for_people(run: Run, path: Path) -> None:
    code, out, _ = run("list", "--db", str(path))
    assert code == 0
    assert out.split()[:4] == [ID, "orange", "(max", "orange)"]
    assert "00ff" not in out


def test_settings_name_the_store(run: Run, path: Path, tmp_path: Path) -> None:
    (tmp_path / "vigie.yaml").write_text("lang: en\nbrands: [{name: Nordalia}]\ndatabase: vigie.db\n")
    code, out, _ = run("list", "-c", str(tmp_path / "vigie.yaml"))
    assert code == 0
    assert "open" in out


def test_show_takes_the_beginning_of_an_id(run: Run, path: Path) -> None:
    code, out, _ = run("show", "inc-20251121", "--db", str(path))
    assert code == 0
    assert out.startswith("ORANGE - Vélorine")
    for part in ("MAIN COURANTE", "Incident ouvert, niveau orange", "Geler les publications", "bloqué, il manque fait"):
        assert part in out


@pytest.mark.parametrize("args", [("show", "inc-2025112"), ("ack", "inc-20251121-ab12cd34ef57"), ("show", "zzz")])
def test_a_wrong_id_is_one_line_with_the_nearest(run: Run, path: Path, args: tuple[str, ...]) -> None:
    code, out, err = run(*args, "--db", str(path))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert ID in err


def test_a_missing_store_or_settings_file(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for args in (("--db", "none.db"), ("-c", "none.yaml"), ()):
        code, _, err = run("list", *args)
        assert code == 2
        assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_empty_store(run: Run, tmp_path: Path) -> None:
    Store.open(tmp_path / "vigie.db").close()
    assert run("list", "--db", str(tmp_path / "vigie.db"))[:2] == (0, "Aucun incident.\n")
    code, _, err = run("show", "x", "--db", str(tmp_path / "vigie.db"))
    assert code == 2
    assert "there is no incident yet" in err


def test_a_running_service_carries_commands_out(run: Run, path: Path, service: list[str]) -> None:
    db = ("--db", str(path), "--by", "Camille\x1b[0m")
    assert run("ack", ID, *db) == (0, "ack: fait\n", "")
    assert run("note", ID, "Le SAV\nest prévenu", *db)[0] == 0
    code, _, err = run("resolve", ID, *db)
    assert (code, err) == (2, "vigie: resolve: fait\n")
    assert service == [
        f"ack {ID} Camille [0m",
        f"note {ID} Camille [0m Le SAV est prévenu",
        f"resolve {ID} Camille [0m",
    ]


def test_a_silent_service_keeps_the_command(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.desk.office.ANSWER_WAIT_S", 0.1)
    with Store.open(path) as store:
        beat_elsewhere(store)
        code, _, err = run("contain", ID, "--db", str(path))
        assert code == 1
        assert "waits in the store as number 1" in err
        assert [found.name for found in store.pending_commands()] == ["contain"]


def test_without_a_service_the_engine_runs_here(run: Run, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(_settings: Settings, store: Store, _clock_ms: object) -> None:
        store.apply([CommandDone(found.seq, True, "fait ici") for found in store.pending_commands()])

    monkeypatch.setattr("ops.app.apply_commands", offline)
    assert run("reject", ID, "--db", str(path)) == (0, "fait ici\n", "")


def test_an_incident_that_the_engine_does_not_hold_is_refused(run: Run, path: Path) -> None:
    code, out, err = run("ack", ID, "--db", str(path))  # saved by hand above: the engine's state knows nothing of it
    assert (code, out) == (2, "")
    assert ID in err


@pytest.mark.parametrize("args", [("note", ID, " "), ("ack", ID, "--by", "\u202e")])
def test_empty_words_are_refused(run: Run, path: Path, args: tuple[str, ...]) -> None:
    code, _, err = run(*args, "--db", str(path))
    assert code == 2
    assert "empty" in err
