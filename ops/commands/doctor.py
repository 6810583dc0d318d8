"""`vigie doctor`: is this machine fit to run Vigie? One line a finding; what fails says what to do."""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from engine.domain.errors import VigieError

if TYPE_CHECKING:
    from ops.watched import Text

DISK_WARN_BYTES = 1_000_000_000
DISK_FAIL_BYTES = 100_000_000


class Finding(NamedTuple):
    """One line of the report."""

    mark: Literal["ok", "warn", "fail"]
    name: str
    text: str


def doctor(
    config: Annotated[
        Path | None, typer.Option("--config", "-c", help="Also look at what this settings file names.")
    ] = None,
) -> None:
    """Look at Python, packages, models, database, disk, clock and time zones. Exit 1 if something fails.

    Example: `vigie doctor -c vigie.yaml`
    """
    findings = list(examine(config))
    for finding in findings:
        typer.echo(f"{finding.mark:<5}{finding.name:<11}{finding.text}")
    if any(finding.mark == "fail" for finding in findings):
        raise typer.Exit(1)


def examine(config: Path | None) -> Iterator[Finding]:
    """Every examination, in turn. One that breaks is itself a finding, and the others go on."""
    database, zone = "vigie.db", "Europe/Paris"
    text: Text | None = None
    if config is not None:
        from ops.settings import load_settings

        try:
            settings = load_settings(config)
            database, zone, text = settings.database, settings.timezone, settings.text
            yield Finding("ok", "settings", str(config))
        except VigieError as error:
            yield Finding("fail", "settings", str(error))
    looks: list[Callable[[], Iterator[Finding]]] = [
        _python, _packages, lambda: _models(text), lambda: _database(database), lambda: _disk(database),
        _clock, lambda: _zone(zone),
    ]  # fmt: skip
    for look in looks:
        yield from look()


def _python() -> Iterator[Finding]:
    version = sys.version.split()[0]
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        yield Finding("ok", "python", version)
    else:
        yield Finding("fail", "python", f"{version}; Vigie runs on 3.11 to 3.13")


def _packages() -> Iterator[Finding]:
    from importlib.metadata import PackageNotFoundError, requires, version

    try:
        names = [re.split(r"[^\w.-]", line)[0] for line in requires("vigie") or () if "extra ==" not in line]
    except PackageNotFoundError:
        yield Finding("fail", "packages", "Vigie itself is not installed: run `make install`")
        return
    missing = []
    for name in names:
        try:
            version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Finding("fail", "packages", f"not installed: {', '.join(missing)}; run `make install`")
    else:
        shown = ", ".join(f"{name} {version(name)}" for name in ("numpy", "pydantic", "sqlalchemy", "kafka-python"))
        yield Finding("ok", "packages", f"vigie {version('vigie')} with its {len(names)} packages ({shown})")


def _models(text: Text | None) -> Iterator[Finding]:
    """The text models, by having them read a word of each kind, and the playbooks, by reading them."""
    from detectors.text import load_scorer

    try:
        labels = (
            load_scorer().score_many(["Merci, service parfait !", "Service nul, j'en ai honte"], [None, None]).labels
        )
        mark: Literal["ok", "fail"] = "ok" if labels == ("pos", "neg") else "fail"
        yield Finding(
            mark, "text", "the models tell thanks from blame" if mark == "ok" else f"the models read {labels}"
        )
    except (VigieError, OSError, ValueError) as error:  # ValueError: a weights file that is no archive
        yield Finding("fail", "text", f"the text models can't be read ({error}); run `make install`")
    if text is not None and text.backend == "onnx":
        yield _transformer(text)
    yield from _playbooks()


def _transformer(text: Text) -> Finding:
    from ops.app import make_scorer

    try:
        scores = make_scorer(text).score_many(["Merci, service parfait !", "Service nul, j'en ai honte"], [None, None])
    except (VigieError, OSError, ValueError) as error:
        return Finding("fail", "text onnx", str(error))
    told = (
        "tells thanks from blame" if scores.labels == ("pos", "neg") else f"reads thanks and blame as {scores.labels}"
    )
    return Finding("ok" if scores.labels == ("pos", "neg") else "warn", "text onnx", f"{text.model_dir} {told}")


def _playbooks() -> Iterator[Finding]:
    from playbooks.catalogue import load_catalogue

    try:
        playbooks = load_catalogue().playbooks
        yield Finding("ok" if playbooks else "fail", "playbooks", f"{len(playbooks)}: {', '.join(playbooks)}")
    except VigieError as error:
        yield Finding("fail", "playbooks", str(error))


def _database(place: str) -> Iterator[Finding]:
    if "://" in place:
        yield from _server(place)
        return
    path = Path(place).absolute()
    if path.exists():
        import sqlite3

        try:
            connection = sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=5, isolation_level=None)
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            finally:
                connection.close()
            yield Finding("ok", "database", f"{path}, {path.stat().st_size / 1e6:.1f} MB, writable")
        except sqlite3.Error as error:
            yield Finding("fail", "database", f"{path}: {error}")
    elif os.access(path.parent, os.W_OK):
        yield Finding("ok", "database", f"{path} (made at the first start)")
    else:
        yield Finding("fail", "database", f"{path.parent} is not there or not writable; make it, or name another place")


def _server(address: str) -> Iterator[Finding]:
    from sqlalchemy import create_engine, text
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        url = make_url(address)
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        engine.dispose()
        yield Finding("ok", "database", url.render_as_string(hide_password=True))
    except (SQLAlchemyError, ImportError) as error:
        yield Finding("fail", "database", " ".join(str(error).split())[:200])


def _disk(place: str) -> Iterator[Finding]:
    folder = Path.cwd() if "://" in place else Path(place).absolute().parent
    if not folder.is_dir():
        return  # the database has said so already
    free = shutil.disk_usage(folder).free
    mark: Literal["ok", "warn", "fail"] = (
        "fail" if free < DISK_FAIL_BYTES else "warn" if free < DISK_WARN_BYTES else "ok"
    )
    yield Finding(mark, "disk", f"{free / 1e9:.1f} GB free in {folder}")


def _clock() -> Iterator[Finding]:
    """No network is asked; but a clock that stands before the files of this program was never set."""
    now_s = time.time()
    shown = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s))
    if now_s + 86_400 < Path(__file__).stat().st_mtime:
        yield Finding("fail", "clock", f"{shown} is before this program was installed; set the clock")
    else:
        yield Finding("ok", "clock", shown)


def _zone(name: str) -> Iterator[Finding]:
    from datetime import datetime
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        yield Finding("ok", "time zone", f"{name}, now {datetime.now(ZoneInfo(name)):%H:%M}")
    except (ZoneInfoNotFoundError, ValueError):
        yield Finding("fail", "time zone", f"no data for {name}: install the system's tzdata, or run `make install`")
