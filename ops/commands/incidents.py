"""`vigie incidents`: see what is going on, and answer it.

Each command goes through the desk. One that changes an incident becomes a command in the store: the running service
carries it out with its next step; without one it is carried out here, by the same engine.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.domain.errors import InputError, TransientError

if TYPE_CHECKING:
    from engine.domain.incident import Incident
    from ops.settings import Settings
    from ops.store import Store

SHOWN_KEYS = (
    "id", "brand", "opened_at", "closed_at", "levels", "evidence", "playbook", "drafts",
)  # fmt: skip
"""Of an incident as JSON: the keys of `vigie replay --json`."""
PAGE = 500
NOTE_CHARS_MAX = 2_000

incidents_app = typer.Typer(
    no_args_is_help=True,
    help="See incidents and answer them.\n\nExample: `vigie incidents ack inc-20251121-ab12cd34ef56 --by Camille`",
)

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The settings file; vigie.yaml when neither this nor --db is given."),
]
Db = Annotated[str | None, typer.Option("--db", help="The store itself: a file's path or a database URL.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The incident's id, or its beginning.")]
By = Annotated[str | None, typer.Option("--by", help="Your name; the log-in name when not given.")]
Text = Annotated[str, typer.Argument(metavar="TEXT", help="What to write into the log.")]
Why = Annotated[str, typer.Option("--text", help="A sentence for the log.")]
Server = Annotated[
    str | None,
    typer.Option("--server", metavar="URL", help="A running service; VIGIE_SERVER names one, too. Takes VIGIE_TOKEN."),
]
Json = Annotated[bool, typer.Option("--json", help="As JSON, with the same keys as `vigie replay --json`.")]


@incidents_app.command("list")
def list_(as_json: Json = False, config: Config = None, db: Db = None, server: Server = None) -> None:
    """List the incidents that were opened, oldest first.

    Example: `vigie incidents list --json -c vigie.yaml`
    """
    from ops.commands.desk import desk_at
    from ops.store.codec import dumps

    with desk_at(config, db, server) as desk:
        views: list[object] = []
        told: dict[str, object] = {"limit": PAGE}
        while True:
            page = desk.do("incidents.list", **told)
            data = page.data
            if not as_json:
                typer.echo(page.text())
            views += [{key: item[key] for key in SHOWN_KEYS} for item in data["items"]]
            if data["next"] is None:
                break
            told["after"] = data["next"]
        if as_json:
            typer.echo(dumps(views).decode("utf-8"))


@incidents_app.command()
def show(incident_id: Id, config: Config = None, db: Db = None, server: Server = None) -> None:
    """Show all of one incident: figures, samples, log, steps and drafts.

    Example: `vigie incidents show inc-20251121-ab12cd34ef56`
    """
    from ops.commands.desk import desk_at, echo

    with desk_at(config, db, server) as desk:
        echo(desk.do("incidents.show", incident_id=incident_id))


@incidents_app.command()
def ack(
    incident_id: Id, by: By = None, text: Why = "", config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Take an incident: the escalation stops, your name is on it.

    Example: `vigie incidents ack inc-20251121-ab12cd34ef56 --by Camille`
    """
    ask("ack", incident_id, by, text, config, db, server)


@incidents_app.command()
def contain(
    incident_id: Id, by: By = None, text: Why = "", config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Say that an incident is in hand.

    Example: `vigie incidents contain inc-20251121-ab12cd34ef56 --text "Rappel annoncé"`
    """
    ask("contain", incident_id, by, text, config, db, server)


@incidents_app.command()
def resolve(
    incident_id: Id, by: By = None, text: Why = "", config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Close an incident. A second wave would open it again.

    Example: `vigie incidents resolve inc-20251121-ab12cd34ef56`
    """
    ask("resolve", incident_id, by, text, config, db, server)


@incidents_app.command()
def reject(
    incident_id: Id, by: By = None, text: Why = "", config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Call an incident a false alarm.

    Example: `vigie incidents reject inc-20251121-ab12cd34ef56 --text "Jeu-concours"`
    """
    ask("reject", incident_id, by, text, config, db, server)


@incidents_app.command()
def note(
    incident_id: Id, text: Text, by: By = None, config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Write a line into an incident's log.

    Example: `vigie incidents note inc-20251121-ab12cd34ef56 "Le SAV a été prévenu"`
    """
    if not text.strip():
        raise InputError("note: the text is empty; write what should stand in the log")
    ask("note", incident_id, by, text, config, db, server)


@contextmanager
def opened(config: Path | None, db: str | None) -> Iterator[tuple[Settings, Store]]:
    """The settings and the store that the options name. Never makes a store."""
    from ops.drill.db import clock_of
    from ops.settings import Settings, load_settings
    from ops.store import Store
    from ops.store.store import wall_clock_ms

    settings = Settings() if db is not None and config is None else load_settings(config or Path("vigie.yaml"))
    clock = [wall_clock_ms]  # the store of an exercise says how its time goes
    place = db if db is not None else settings.database_url
    with Store.open(place, create=False, clock_ms=lambda: clock[0]()) as store:
        clock[0] = clock_of(store, wall_clock_ms)
        yield settings, store


def found(store: Store, incident_id: str) -> Incident:
    """The incident of that id, or the only one whose id begins so. Raises InputError with the nearest ids."""
    from ops.desk.office import Office
    from ops.settings import Settings

    return Office(store, Settings()).incident(incident_id)


def actor_of(by: str | None) -> str:
    """Who does it. Raises InputError for an empty name."""
    from ops.render.neutral import plain

    actor = plain(by if by is not None else _login(), 100)
    if not actor:
        raise InputError("--by: an empty name; the log must say who")
    return actor


def ask(
    name: str, incident_id: str, by: str | None, text: str, config: Path | None, db: str | None, server: str | None
) -> None:  # fmt: skip
    """Have a command carried out and print the answer. Raises InputError when it is refused."""
    from ops.commands.desk import desk_at
    from ops.render.neutral import plain

    with desk_at(config, db, server, by, acts=True) as desk:
        reply = desk.do(f"incidents.{name}", incident_id=incident_id, text=plain(text, NOTE_CHARS_MAX))
        if reply.status == 202:
            raise TransientError(reply.text())
        typer.echo(reply.text())


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "?"
