"""`vigie facts`: what was found out about an incident. Proposed by anyone, approved once, used everywhere."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.desk import Server, desk_at, echo
from ops.commands.incidents import By, Config, Db, Id

facts_app = typer.Typer(
    no_args_is_help=True,
    help="Facts of an incident: only approved ones fill a text.\n\n"
    'Example: `vigie facts propose inc-20251121-ab12 since "10 h 40"`',
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The fact, as the playbook calls it.")]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="What was found out.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@facts_app.command("list")
def list_(
    incident_id: Id, as_json: Json = False, config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """List the facts that the playbook asks for: approved, waiting for approval, still to find out.

    Example: `vigie facts list inc-20251121-ab12`
    """
    from ops.store.codec import dumps

    with desk_at(config, db, server) as desk:
        reply = desk.do("facts.list", incident_id=incident_id)
        typer.echo(dumps(reply.data["facts"]).decode("utf-8") if as_json else reply.text())


@facts_app.command()
def propose(
    incident_id: Id, name: Name, value: Value, by: By = None,
    approved: Annotated[bool, typer.Option("--approve", help="And approve it at once.")] = False,
    config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Say what was found out.

    Example: `vigie facts propose inc-20251121-ab12 since "10 h 40" --by Camille`
    """
    with desk_at(config, db, server, by, acts=True) as desk:
        reply = desk.do("facts.propose", incident_id=incident_id, name=name, value=value)
        if approved:
            reply = desk.do("facts.approve", incident_id=incident_id, name=name)
        echo(reply)


@facts_app.command()
def approve(
    incident_id: Id, name: Name, by: By = None, config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Approve the newest proposal of a fact: from now on every text may use it.

    Example: `vigie facts approve inc-20251121-ab12 since --by Inès`
    """
    with desk_at(config, db, server, by, acts=True) as desk:
        echo(desk.do("facts.approve", incident_id=incident_id, name=name))
