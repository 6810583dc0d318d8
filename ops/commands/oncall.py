"""`vigie oncall`: who is on call, where the rota has holes, stand-ins, maintenance, and a test alert."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from ops.commands.desk import AnyDesk, Server, desk_at, echo
from ops.commands.incidents import By, Config, Db

oncall_app = typer.Typer(
    no_args_is_help=True,
    help="Who is called at night, and what if nobody answers.\n\nExample: `vigie oncall now -c vigie.yaml`",
)

At = Annotated[str | None, typer.Option("--at", help="A moment, such as 2026-03-29T02:30; now when not given.")]
Days = Annotated[int, typer.Option("--days", min=1, max=400, help="How many days ahead.")]
SettingsFile = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]


@oncall_app.command()
def now(at: At = None, config: Config = None, db: Db = None, server: Server = None) -> None:
    """Say who is called, in which order, if an alert comes now.

    Example: `vigie oncall now --at 2026-12-25T03:00`
    """
    with _rota_desk(config, db, server) as desk:
        echo(desk.do("oncall.now", at=at))


@oncall_app.command("next")
def next_(
    days: Days = 14,
    role: Annotated[str | None, typer.Option("--role", help="One role alone.")] = None,
    config: Config = None,
    db: Db = None,
    server: Server = None,
) -> None:
    """List the turns to come.

    Example: `vigie oncall next --days 30 --role community_manager`
    """
    with _rota_desk(config, db, server) as desk:
        echo(desk.do("oncall.next", days=days, role=role))


@oncall_app.command()
def check(days: Days = 60, config: SettingsFile = Path("vigie.yaml")) -> None:
    """Look for holes: times at which nobody is on call, people who can't be reached. Exit 2 if there are any.

    Example: `vigie oncall check --days 90 -c vigie.yaml`
    """
    from ops.oncall.checking import summary, troubles
    from ops.settings import load_settings
    from ops.store.store import wall_clock_ms

    settings = load_settings(config)
    for line in summary(settings):
        typer.echo(line)
    found = troubles(settings, wall_clock_ms(), days)
    for trouble in found:
        typer.echo(f"! {trouble}")
    if found:
        raise typer.Exit(2)


@oncall_app.command("test")
def send_test(
    person: Annotated[str | None, typer.Option("--person", help="To this one; else to whoever is on call.")] = None,
    config: Config = None,
    db: Db = None,
    server: Server = None,
) -> None:
    """Send the test alert now, the same way as a real one.

    Example: `vigie oncall test --person Camille`
    """
    with desk_at(config, db, server) as desk:
        echo(desk.do("oncall.test", person=person))


@oncall_app.command()
def override(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Who stands in.")],
    role: Annotated[str, typer.Option("--role", help="For which role.")] = "community_manager",
    start: Annotated[str | None, typer.Option("--from", help="From when; now when not given.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Until when; eight hours when not given.")] = None,
    by: By = None,
    config: Config = None,
    db: Db = None,
    server: Server = None,
) -> None:
    """Have somebody stand in for a while.

    Example: `vigie oncall override Nour --from 2026-03-28T20:00 --to 2026-03-29T08:00`
    """
    with desk_at(config, db, server, by, acts=True) as desk:
        echo(desk.do("oncall.override", person=person, role=role, start=start, end=end))


@oncall_app.command()
def drop(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The override's number.")],
    config: Config = None,
    db: Db = None,
    server: Server = None,
) -> None:
    """Take an override back.

    Example: `vigie oncall drop 3`
    """
    with desk_at(config, db, server, acts=True) as desk:
        echo(desk.do("oncall.drop", number=number))


@oncall_app.command()
def hold(
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=10_080, help="For how long.")] = 60,
    brand: Annotated[str | None, typer.Option("--brand", help="For one brand; for all when not given.")] = None,
    level: Annotated[str, typer.Option("--level", help="Nothing graver than this is held back.")] = "orange",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "maintenance",
    by: By = None,
    config: Config = None,
    db: Db = None,
    server: Server = None,
) -> None:
    """Begin a maintenance window now: no channel is told and nobody is called for what it covers.

    Example: `vigie oncall hold --minutes 30 --brand Nordalia --reason "moving the servers"`
    """
    with desk_at(config, db, server, by, acts=True) as desk:
        echo(desk.do("oncall.hold", minutes=minutes, brand=brand, level=level, reason=reason))


@oncall_app.command()
def release(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The mute's number.")],
    config: Config = None,
    db: Db = None,
    server: Server = None,
) -> None:
    """End a maintenance window.

    Example: `vigie oncall release 2`
    """
    with desk_at(config, db, server, acts=True) as desk:
        echo(desk.do("oncall.release", number=number))


@contextmanager
def _rota_desk(config: Path | None, db: str | None, server: str | None) -> Iterator[AnyDesk]:
    """The desk; where there is no store yet the settings alone say who is on call."""
    from ops.settings import Settings, load_settings

    if _store_there(config, db, server):
        with desk_at(config, db, server) as desk:
            yield desk
        return
    from ops.desk.office import Desk, Office
    from ops.store import Store

    settings: Any = Settings() if config is None and db is not None else load_settings(config or Path("vigie.yaml"))
    with Store.temporary() as store:
        yield Desk(Office(store, settings), "-")


def _store_there(config: Path | None, db: str | None, server: str | None) -> bool:
    import os

    from ops.settings import load_settings

    far = server is not None or (config is None and db is None and bool(os.environ.get("VIGIE_SERVER")))
    if far:
        return True
    place = db or load_settings(config or Path("vigie.yaml")).database_url
    file = place.removeprefix("sqlite:///")
    return "://" in file or Path(file).exists()
