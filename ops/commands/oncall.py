"""`vigie oncall`: who is on call, where the rota has holes, stand-ins, maintenance, and a test alert."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.domain.errors import InputError
from ops.commands.incidents import By, Config, Db, actor_of, opened

if TYPE_CHECKING:
    from ops.oncall.rota import Rota
    from ops.settings import Settings

oncall_app = typer.Typer(
    no_args_is_help=True,
    help="Who is called at night, and what if nobody answers.\n\nExample: `vigie oncall now -c vigie.yaml`",
)

At = Annotated[str | None, typer.Option("--at", help="A moment, such as 2026-03-29T02:30; now when not given.")]
Days = Annotated[int, typer.Option("--days", min=1, max=400, help="How many days ahead.")]
SettingsFile = Annotated[Path, typer.Option("--config", "-c", help="The settings file.")]
TURNS_SHOWN_MAX = 60
OVERRIDE_MS = 8 * 3_600_000


@oncall_app.command()
def now(at: At = None, config: Config = None, db: Db = None) -> None:
    """Say who is called, in which order, if an alert comes now.

    Example: `vigie oncall now --at 2026-12-25T03:00`
    """
    from ops.oncall.build import quiet_of
    from ops.render.oncall import ladder_lines

    settings, rota, now_ms = _read(config, db)
    for line in ladder_lines(settings, rota, quiet_of(settings), _moment(at, settings, now_ms)):
        typer.echo(line)


@oncall_app.command("next")
def next_(
    days: Days = 14,
    role: Annotated[str | None, typer.Option("--role", help="One role alone.")] = None,
    config: Config = None,
    db: Db = None,
) -> None:
    """List the turns to come.

    Example: `vigie oncall next --days 30 --role community_manager`
    """
    from ops.render.oncall import turn_line

    settings, rota, now_ms = _read(config, db)
    _known(role, rota)
    for name in [role] if role is not None else rota.roles:
        typer.echo(f"{name}:")
        for turn in rota.timeline(name, now_ms, now_ms + days * 86_400_000)[:TURNS_SHOWN_MAX]:
            typer.echo(f"  {turn_line(turn, settings)}")


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
) -> None:
    """Send the test alert now, the same way as a real one.

    Example: `vigie oncall test --person Camille`
    """
    from ops.delivery.build import channels_of, links_of, look_of
    from ops.delivery.worker import Delivery
    from ops.oncall.keeper import Keeper

    with opened(config, db) as (settings, store):
        if person is not None and person not in settings.people:
            raise InputError(f"--person: {person!r} is not listed under people: {', '.join(settings.people) or 'none'}")
        keeper = Keeper(settings, store)
        told = keeper.test(None if person is None else [(person, "-")])
        if not told:
            raise InputError("nobody is on call now; see `vigie oncall check`")
        if store.service() is None:  # nobody else would send it
            look = look_of(settings, links=links_of(settings))
            Delivery(store, channels_of(settings), look).deliver_now()
            sent = [row for row in store.outbox.deliveries() if row.key.startswith("test/")]
            for row in sent[-20:]:
                if row.state != "delivered":
                    typer.echo(f"! {row.channel}: {row.state} {row.reason}")
        typer.echo(f"sent to {', '.join(told)}")


@oncall_app.command()
def override(
    person: Annotated[str, typer.Argument(metavar="PERSON", help="Who stands in.")],
    role: Annotated[str, typer.Option("--role", help="For which role.")] = "community_manager",
    start: Annotated[str | None, typer.Option("--from", help="From when; now when not given.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Until when; eight hours when not given.")] = None,
    by: By = None,
    config: Config = None,
    db: Db = None,
) -> None:
    """Have somebody stand in for a while.

    Example: `vigie oncall override Nour --from 2026-03-28T20:00 --to 2026-03-29T08:00`
    """
    from ops.oncall.rota import Turn
    from ops.render.oncall import turn_line

    actor = actor_of(by)
    settings, rota, now_ms = _read(config, db)
    if person not in settings.people:
        raise InputError(f"{person!r} is not listed under people: {', '.join(settings.people) or 'none'}")
    _known(role, rota)
    start_ms = _moment(start, settings, now_ms)
    end_ms = _moment(end, settings, start_ms + OVERRIDE_MS)
    if end_ms <= max(start_ms, now_ms):
        raise InputError("--to: it ends before it begins, or is over already")
    with opened(config, db) as (_, store):
        number = store.pages.add_override(role, person, start_ms, end_ms, actor)
    typer.echo(f"override {number}, {role}: {turn_line(Turn(start_ms, end_ms, (person,)), settings)}")


@oncall_app.command()
def drop(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The override's number.")],
    config: Config = None,
    db: Db = None,
) -> None:
    """Take an override back.

    Example: `vigie oncall drop 3`
    """
    with opened(config, db) as (_, store):
        if not store.pages.drop_override(number):
            known = ", ".join(str(found.id) for found in store.pages.overrides()) or "none"
            raise InputError(f"no override {number}; there are: {known}")
    typer.echo(f"override {number} is gone")


@oncall_app.command()
def hold(
    minutes: Annotated[int, typer.Option("--minutes", min=1, max=10_080, help="For how long.")] = 60,
    brand: Annotated[str | None, typer.Option("--brand", help="For one brand; for all when not given.")] = None,
    level: Annotated[str, typer.Option("--level", help="Nothing graver than this is held back.")] = "orange",
    reason: Annotated[str, typer.Option("--reason", help="Why.")] = "maintenance",
    by: By = None,
    config: Config = None,
    db: Db = None,
) -> None:
    """Begin a maintenance window now: no channel is told and nobody is called for what it covers.

    Example: `vigie oncall hold --minutes 30 --brand Nordalia --reason "moving the servers"`
    """
    from engine.domain.incident import Level
    from ops.render.neutral import plain
    from ops.store.store import wall_clock_ms

    names = {found.label: found for found in Level}
    if level not in names:
        raise InputError(f"--level: {level[:20]!r} is none of {', '.join(names)}")
    actor = actor_of(by)
    with opened(config, db) as (settings, store):
        if brand is not None and settings.brands and settings.brand(brand) is None:
            raise InputError(f"--brand: {brand[:60]!r} is not in the settings")
        until_ms = wall_clock_ms() + minutes * 60_000
        number = store.outbox.add_mute(
            until_ms, brand=brand, level_max=names[level], actor=actor, reason=plain(reason, 200)
        )
    typer.echo(f"mute {number} for {minutes} min; end it sooner with: vigie oncall release {number}")


@oncall_app.command()
def release(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The mute's number.")],
    config: Config = None,
    db: Db = None,
) -> None:
    """End a maintenance window.

    Example: `vigie oncall release 2`
    """
    with opened(config, db) as (_, store):
        if not store.outbox.drop_mute(number):
            raise InputError(f"no mute {number}")
    typer.echo(f"mute {number} is over")


def _known(role: str | None, rota: Rota) -> None:
    if role is not None and role not in rota.roles:
        raise InputError(f"--role: nobody holds {role[:60]!r}; known are: {', '.join(rota.roles)}")


def _moment(text: str | None, settings: Settings, default_ms: int) -> int:
    from zoneinfo import ZoneInfo

    from ops.moment import second_of

    if text is None:
        return default_ms
    try:
        return second_of(text, ZoneInfo(settings.timezone)) * 1000
    except ValueError:
        raise InputError(f"{text[:40]!r} is no time; write one such as 2026-03-29T02:30") from None


def _read(config: Path | None, db: str | None) -> tuple[Settings, Rota, int]:
    """The settings, the rota with the store's overrides where there is a store, and the time."""
    from ops.oncall.build import rota_of
    from ops.settings import Settings, load_settings
    from ops.store import Store
    from ops.store.store import wall_clock_ms

    bare = db is not None and config is None
    settings = Settings() if bare else load_settings(config or Path("vigie.yaml"))
    now_ms = wall_clock_ms()
    rota = rota_of(settings, now_ms)
    if not rota.roles:
        raise InputError("nobody is on call: the settings have no oncall.rotas (see docs/oncall.md)")
    place = db or settings.database_url
    if "://" not in place.removeprefix("sqlite:///") and not Path(place.removeprefix("sqlite:///")).exists():
        return settings, rota, now_ms  # no store yet: the settings alone say it
    with Store.open(place, create=False) as store:
        return settings, rota.with_overrides(store.pages.overrides(now_ms)), now_ms
