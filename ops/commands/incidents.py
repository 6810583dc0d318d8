"""`vigie incidents`: see what is going on, and answer it.

A command that changes an incident goes through the store's commands: the running service carries it out with its next
step; without one it is carried out here, by the same engine.
"""

from __future__ import annotations

import getpass
import time
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

ANSWER_WAIT_S = 5.0
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
Json = Annotated[bool, typer.Option("--json", help="As JSON, with the same keys as `vigie replay --json`.")]


@incidents_app.command("list")
def list_(as_json: Json = False, config: Config = None, db: Db = None) -> None:
    """List the incidents that were opened, oldest first.

    Example: `vigie incidents list --json -c vigie.yaml`
    """
    from ops.delivery.build import look_of
    from ops.render.incident import incidents_text
    from ops.render.report import incident_view
    from ops.store.codec import dumps

    with opened(config, db) as (settings, store):
        incidents = store.incidents()
        if as_json:
            views = [incident_view(incident, store.plan(incident.id)) for incident in incidents]
            typer.echo(dumps(views).decode("utf-8"))
        else:
            typer.echo(incidents_text(incidents, look_of(settings)))


@incidents_app.command()
def show(incident_id: Id, config: Config = None, db: Db = None) -> None:
    """Show all of one incident: figures, samples, log, steps and drafts.

    Example: `vigie incidents show inc-20251121-ab12cd34ef56`
    """
    from ops.app import brand_configs
    from ops.delivery.build import look_of
    from ops.learning import reader_of
    from ops.render.explain import Reasons
    from ops.render.incident import incident_text

    with opened(config, db) as (settings, store):
        incident = found(store, incident_id)
        reasons = Reasons(lambda: reader_of(store, brand_configs(settings), use=settings.learning.use))
        events = store.runs.timeline(incident.id)
        typer.echo(incident_text(incident, store.plan(incident.id), look_of(settings, reasons), events))
        from ops.oncall.checking import calls_of

        for line in calls_of(settings, store, incident.id):
            typer.echo(line)


@incidents_app.command()
def ack(incident_id: Id, by: By = None, text: Why = "", config: Config = None, db: Db = None) -> None:
    """Take an incident: the escalation stops, your name is on it.

    Example: `vigie incidents ack inc-20251121-ab12cd34ef56 --by Camille`
    """
    ask("ack", incident_id, by, text, config, db)


@incidents_app.command()
def contain(incident_id: Id, by: By = None, text: Why = "", config: Config = None, db: Db = None) -> None:
    """Say that an incident is in hand.

    Example: `vigie incidents contain inc-20251121-ab12cd34ef56 --text "Rappel annoncé"`
    """
    ask("contain", incident_id, by, text, config, db)


@incidents_app.command()
def resolve(incident_id: Id, by: By = None, text: Why = "", config: Config = None, db: Db = None) -> None:
    """Close an incident. A second wave would open it again.

    Example: `vigie incidents resolve inc-20251121-ab12cd34ef56`
    """
    ask("resolve", incident_id, by, text, config, db)


@incidents_app.command()
def reject(incident_id: Id, by: By = None, text: Why = "", config: Config = None, db: Db = None) -> None:
    """Call an incident a false alarm.

    Example: `vigie incidents reject inc-20251121-ab12cd34ef56 --text "Jeu-concours"`
    """
    ask("reject", incident_id, by, text, config, db)


@incidents_app.command()
def note(incident_id: Id, text: Text, by: By = None, config: Config = None, db: Db = None) -> None:
    """Write a line into an incident's log.

    Example: `vigie incidents note inc-20251121-ab12cd34ef56 "Le SAV a été prévenu"`
    """
    if not text.strip():
        raise InputError("note: the text is empty; write what should stand in the log")
    ask("note", incident_id, by, text, config, db)


@contextmanager
def opened(config: Path | None, db: str | None) -> Iterator[tuple[Settings, Store]]:
    """The settings and the store that the options name. Never makes a store."""
    from ops.settings import Settings, load_settings
    from ops.store import Store

    settings = Settings() if db is not None and config is None else load_settings(config or Path("vigie.yaml"))
    with Store.open(db if db is not None else settings.database_url, create=False) as store:
        yield settings, store


def found(store: Store, incident_id: str) -> Incident:
    """The incident of that id, or the only one whose id begins so. Raises InputError with the nearest ids."""
    import difflib

    incident = store.incident(incident_id)
    if incident is not None:
        return incident
    ids = store.incident_ids()
    begins = [other for other in ids if incident_id and other.startswith(incident_id)]
    if len(begins) == 1:
        incident = store.incident(begins[0])
        if incident is not None:
            return incident
    near = begins[:3] or difflib.get_close_matches(incident_id, ids, n=3, cutoff=0.4) or ids[:3]
    hint = f"did you mean {', '.join(near)}?" if near else "there is no incident yet"
    raise InputError(f"no incident {incident_id[:80]!r}; {hint}")


def actor_of(by: str | None) -> str:
    """Who does it. Raises InputError for an empty name."""
    from ops.render.neutral import plain

    actor = plain(by if by is not None else _login(), 100)
    if not actor:
        raise InputError("--by: an empty name; the log must say who")
    return actor


def ask(name: str, incident_id: str, by: str | None, text: str, config: Path | None, db: str | None) -> None:
    """Have a command carried out and print the answer. Raises InputError when it is refused."""
    from ops.render.neutral import plain
    from ops.store.names import ENGINES

    actor = actor_of(by)
    with opened(config, db) as (settings, store):
        incident = found(store, incident_id)
        seq = store.add_command(name, incident.id, actor, plain(text, NOTE_CHARS_MAX))
        if store.service(*ENGINES) is not None:
            wait_for(store, seq)
        else:
            apply_offline(settings, store)
        answer = store.answer(seq)
        if answer is None:
            raise TransientError(f"the command waits in the store as number {seq}; the service has not answered yet")
        if not answer.ok:
            raise InputError(answer.text)
        typer.echo(answer.text)


def apply_offline(settings: Settings, store: Store) -> None:
    """No service runs: carry the waiting commands out here."""
    from ops.app import apply_commands
    from ops.store.store import wall_clock_ms

    apply_commands(settings, store, wall_clock_ms)


def wait_for(store: Store, seq: int) -> None:
    """Until the service has answered a command, or for five seconds."""
    deadline = time.monotonic() + ANSWER_WAIT_S
    while store.answer(seq) is None and time.monotonic() < deadline:
        time.sleep(0.05)


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "?"
