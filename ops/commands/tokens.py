"""`vigie tokens`: who may use the API of the service, and what they may do there."""

from __future__ import annotations

from typing import Annotated

import typer

from ops.commands.desk import Server, desk_at, echo
from ops.commands.incidents import By, Config, Db

tokens_app = typer.Typer(
    no_args_is_help=True,
    help="Tokens of the API.\n\nExample: `vigie tokens create --name phone --role approver --person Camille`",
)

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@tokens_app.command()
def create(
    name: Annotated[str, typer.Option("--name", help="What it is for, such as console or phone.")],
    role: Annotated[str, typer.Option("--role", help="reader, manager, approver or admin.")],
    person: Annotated[
        str | None, typer.Option("--person", help="Whose it is. Without it it is a program's and can't approve.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", help="How long it works; for ever when not given.")] = None,
    by: By = None, config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Make a token. It is printed this once, and only its hash is kept.

    Example: `vigie tokens create --name console --role reader --days 90`
    """
    with desk_at(config, db, server, by, acts=True) as desk:
        echo(desk.do("tokens.create", name=name, role=role, person=person, days=days))


@tokens_app.command("list")
def list_(as_json: Json = False, config: Config = None, db: Db = None, server: Server = None) -> None:
    """List the tokens: role, person, when each was used last.

    Example: `vigie tokens list -c vigie.yaml`
    """
    with desk_at(config, db, server) as desk:
        echo(desk.do("tokens.list"), as_json=as_json)


@tokens_app.command()
def revoke(
    number: Annotated[int, typer.Argument(metavar="NUMBER", help="The token's number, from the list.")],
    by: By = None, config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Take a token back: from now on it opens nothing.

    Example: `vigie tokens revoke 3`
    """
    with desk_at(config, db, server, by, acts=True) as desk:
        echo(desk.do("tokens.revoke", number=number))
