"""`vigie runs`: what to do now, who does it, until when; and saying that it is done.

Each command goes through the desk: the store that the options name, or a running service. To take the incident
itself, the step `acknowledge`, is the same as `vigie incidents ack`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ops.commands.desk import Server, desk_at, echo
from ops.commands.incidents import By, Config, Db, Id

runs_app = typer.Typer(
    no_args_is_help=True,
    help="Playbooks that run: what to do now.\n\nExample: `vigie runs done inc-20251121-ab12 holding_line`",
)

Step = Annotated[str, typer.Argument(metavar="STEP", help="The step's name, as `vigie runs show` writes it.")]
Why = Annotated[str, typer.Option("--text", help="A sentence for the log.")]
Reason = Annotated[str, typer.Argument(metavar="REASON", help="Why it is left out; stands in the log.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
Version = Annotated[
    str | None,
    typer.Option("--version", help="The step's version as you read it: to take over what another has taken."),
]


@runs_app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    as_json: Json = False, config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """List the runs: where each stands, what is late.

    Example: `vigie runs list -c vigie.yaml`
    """
    with desk_at(config, db, server) as desk:
        echo(desk.do("runs.list", ended=every), as_json=as_json)


@runs_app.command()
def show(
    incident_id: Id,
    full: Annotated[bool, typer.Option("--log", help="The whole log instead of its end.")] = False,
    as_json: Json = False, config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Show a run: what to do now and until when, what comes next, facts, log.

    Example: `vigie runs show inc-20251121-ab12`
    """
    with desk_at(config, db, server) as desk:
        echo(desk.do("runs.show", incident_id=incident_id, full=full), as_json=as_json)


@runs_app.command()
def claim(
    incident_id: Id, step: Step, by: By = None, version: Version = None, config: Config = None, db: Db = None,
    server: Server = None,
) -> None:  # fmt: skip
    """Take a step: your name is on it.

    Example: `vigie runs claim inc-20251121-ab12 holding_line --by Camille`
    """
    _act("claim", by, config, db, server, incident_id=incident_id, step=step, text="", version=version)


@runs_app.command()
def release(
    incident_id: Id, step: Step, by: By = None, version: Version = None, config: Config = None, db: Db = None,
    server: Server = None,
) -> None:  # fmt: skip
    """Give a step back that you took.

    Example: `vigie runs release inc-20251121-ab12 holding_line`
    """
    _act("release", by, config, db, server, incident_id=incident_id, step=step, text="", version=version)


@runs_app.command()
def done(
    incident_id: Id, step: Step, by: By = None, text: Why = "", version: Version = None, config: Config = None,
    db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Say that a step is done. What waited for it can begin; what repeats comes again.

    Example: `vigie runs done inc-20251121-ab12 qualify --text "Lot 42 seul concerné"`
    """
    _act("done", by, config, db, server, incident_id=incident_id, step=step, text=text, version=version)


@runs_app.command()
def skip(
    incident_id: Id, step: Step, reason: Reason, by: By = None, version: Version = None, config: Config = None,
    db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Leave a step out, with the reason.

    Example: `vigie runs skip inc-20251121-ab12 freeze_posts "Rien de programmé"`
    """
    _act("skip", by, config, db, server, incident_id=incident_id, step=step, text=reason, version=version)


@runs_app.command()
def freeze(
    incident_id: Id, by: By = None, config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Freeze the brand's scheduled posts now, through the webhook of the settings.

    Example: `vigie runs freeze inc-20251121-ab12`
    """
    _act("freeze", by, config, db, server, incident_id=incident_id)


@runs_app.command()
def unfreeze(
    incident_id: Id, by: By = None, config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Let the scheduled posts go again, without waiting for the stand-down.

    Example: `vigie runs unfreeze inc-20251121-ab12`
    """
    _act("unfreeze", by, config, db, server, incident_id=incident_id)


@runs_app.command("ask-legal")
def ask_legal(
    incident_id: Id, by: By = None, config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Legal holds the pen from now on: its 20 minutes run.

    Example: `vigie runs ask-legal inc-20251121-ab12`
    """
    _act("ask_legal", by, config, db, server, incident_id=incident_id)


@runs_app.command("legal-answered")
def legal_answered(
    incident_id: Id, by: By = None, config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Legal has answered: its clock stops.

    Example: `vigie runs legal-answered inc-20251121-ab12 --by Maître-Lenoir`
    """
    _act("legal_answered", by, config, db, server, incident_id=incident_id)


@runs_app.command("release-holding")
def release_holding(
    incident_id: Id, by: By = None, config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Go on without legal, once it has been silent for 20 minutes: the pre-approved holding line may be posted.

    Example: `vigie runs release-holding inc-20251121-ab12 --by Inès`
    """
    _act("release_holding", by, config, db, server, incident_id=incident_id)


def _act(
    name: str, by: str | None, config: Path | None, db: str | None, server: str | None, **told: str | None
) -> None:  # fmt: skip
    with desk_at(config, db, server, by, acts=True) as desk:
        echo(desk.do(f"runs.{name}", **told))
