"""Which desk a command works at: the store that the options name, or a running service (`--server`, VIGIE_SERVER)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import typer

from engine.domain.errors import InputError
from ops.commands.incidents import Server, actor_of, opened

if TYPE_CHECKING:
    from ops.desk.client import Remote
    from ops.desk.office import Desk

AnyDesk: TypeAlias = "Desk | Remote"


@contextmanager
def desk_at(
    config: Path | None, db: str | None, server: str | None, by: str | None = None, *, acts: bool = False
) -> Iterator[AnyDesk]:
    """The desk that the options name. `acts` says that `by`, or the log-in name, will stand in the log.

    Raises InputError when they contradict one another.
    """
    if server is not None and (config is not None or db is not None):
        raise InputError("--server: works on the service's own store; leave --config and --db out")
    if server is None and config is None and db is None:
        server = os.environ.get("VIGIE_SERVER") or None
    if server is not None:
        from ops.desk.client import Remote, token_of

        if by is not None:
            raise InputError("--by: the token says who you are; leave it out with a server")
        yield Remote(server, token_of())
        return
    from ops.desk.office import Desk, Office

    actor = actor_of(by) if acts else "-"
    with opened(config, db) as (settings, store):
        yield Desk(Office(store, settings, store.clock_ms), actor)


def echo(reply: Any, *, as_json: bool = False) -> None:
    """Print a reply as a terminal, or as a program, wants it."""
    from ops.store.codec import dumps

    typer.echo(dumps(reply.data).decode("utf-8") if as_json else reply.text())


__all__ = ["AnyDesk", "Server", "desk_at", "echo"]
