"""`vigie drafts` and `vigie audit`: read what may be said, change it, approve it; who did, in a log that can't be bent.

Vigie posts nothing: `published` tells it that a person did.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.domain.errors import InputError
from ops.commands.desk import Server, desk_at, echo
from ops.commands.incidents import By, Config, Db, Id

drafts_app = typer.Typer(
    no_args_is_help=True,
    help="What may be said of an incident: list, read, edit, approve.\n\nExample: `vigie drafts list inc-20251121`",
)
audit_app = typer.Typer(no_args_is_help=True, help="The log of approvals, and whether it is whole.")

DraftId = Annotated[str, typer.Argument(metavar="DRAFT", help="The draft's id, or its beginning.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
PAGE = 500


@drafts_app.command("list")
def list_(
    incident_id: Id,
    kind: Annotated[str | None, typer.Option(help="holding, position or reply.")] = None,
    network: Annotated[str | None, typer.Option(help="A network, such as x or review.")] = None,
    lang: Annotated[str | None, typer.Option(help="fr or en.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those no longer asked for too.")] = False,
    as_json: Json = False, config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """List an incident's drafts, made anew from the facts that are approved now.

    Example: `vigie drafts list inc-20251121-ab12 --kind holding`
    """
    with desk_at(config, db, server) as desk:
        told = {"kind": kind, "network": network, "lang": lang}
        echo(desk.do("drafts.list", incident_id=incident_id, every=every, **told), as_json=as_json)


@drafts_app.command()
def show(draft_id: DraftId, config: Config = None, db: Db = None, server: Server = None) -> None:
    """Show one draft: its text, what it answers, what is against it, who approved it.

    Example: `vigie drafts show d-1a2b3c4d5e`
    """
    with desk_at(config, db, server) as desk:
        echo(desk.do("drafts.show", draft_id=draft_id))


@drafts_app.command()
def edit(
    draft_id: DraftId,
    text: Annotated[str | None, typer.Option("--text", help="The new text; else --file.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A file that holds the new text; - for stdin.")] = None,
    by: By = None, config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Write another text. It is linted again, and nobody has approved it.

    Example: `vigie drafts edit d-1a2b3c4d5e --file answer.txt --by Camille`
    """
    new = _text(text, file)
    with desk_at(config, db, server, by, acts=True) as desk:
        version = desk.do("drafts.show", draft_id=draft_id).version
        echo(desk.do("drafts.edit", draft_id=draft_id, text=new, version=version))


@drafts_app.command()
def approve(
    draft_ids: Annotated[list[str], typer.Argument(metavar="DRAFT...", help="Ids of drafts, or their beginnings.")],
    text_hash: Annotated[
        str | None, typer.Option("--hash", help="The hash of the text you read, from `show`: refused if it changed.")
    ] = None,
    by: By = None, config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Approve drafts: one person up to jaune, two different ones from orange. Nothing is sent.

    Example: `vigie drafts approve d-1a2b3c4d5e --by Camille`
    """
    if text_hash is not None and len(draft_ids) > 1:
        raise InputError("--hash is for one draft at a time")
    with desk_at(config, db, server, by, acts=True) as desk:
        for draft_id in draft_ids:
            read = text_hash if text_hash is not None else desk.do("drafts.show", draft_id=draft_id).version
            echo(desk.do("drafts.approve", draft_id=draft_id, version=read))


@drafts_app.command()
def reject(
    draft_id: DraftId,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why nobody shall post it.")],
    by: By = None, config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Reject a draft; it comes back if its facts change.

    Example: `vigie drafts reject d-1a2b3c4d5e --reason "trop froid" --by Camille`
    """
    with desk_at(config, db, server, by, acts=True) as desk:
        version = desk.do("drafts.show", draft_id=draft_id).version
        echo(desk.do("drafts.reject", draft_id=draft_id, reason=reason, version=version))


@drafts_app.command()
def published(
    draft_id: DraftId,
    url: Annotated[str | None, typer.Option(help="Where it stands now.")] = None,
    by: By = None, config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Say that you have posted an approved draft. Its text is kept as it was posted.

    Example: `vigie drafts published d-1a2b3c4d5e --url https://social.example/p/1 --by Camille`
    """
    with desk_at(config, db, server, by, acts=True) as desk:
        version = desk.do("drafts.show", draft_id=draft_id).version
        echo(desk.do("drafts.published", draft_id=draft_id, url=url, version=version))


@drafts_app.command()
def reword(
    draft_id: DraftId, by: By = None, config: Config = None, db: Db = None, server: Server = None
) -> None:  # fmt: skip
    """Have the language model of the settings word a draft anew; on any failure the text stays as it is.

    Example: `vigie drafts reword d-1a2b3c4d5e --by Camille`
    """
    with desk_at(config, db, server, by, acts=True) as desk:
        reply = desk.do("drafts.reword", draft_id=draft_id)
        typer.echo(reply.text(), err=not reply.data["reworded"])
        if not reply.data["reworded"]:
            raise typer.Exit(1)


def _text(text: str | None, file: Path | None) -> str:
    import sys

    if (text is None) == (file is None):
        raise InputError("give the new text with --text or with --file, one of them")
    if text is not None:
        return text
    assert file is not None
    try:
        raw = sys.stdin.buffer.read(1_000_001) if str(file) == "-" else file.read_bytes()[:1_000_001]
        return raw.decode("utf-8").rstrip("\n")
    except OSError as error:
        raise InputError(f"--file {file}: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"--file {file}: not UTF-8 (byte {error.start})") from None


@audit_app.command()
def verify(
    head: Annotated[
        str | None, typer.Option("--head", help="A head that was kept outside, as it was printed: number:hash.")
    ] = None,
    config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """Check every row of the log, and every approved text against it; exit code 1 if anything was changed.

    Example: `vigie audit verify --head 42:9f86d0…`
    """
    with desk_at(config, db, server) as desk:
        found = desk.do("audit.verify", head=head)
        typer.echo(found.text())
        if found.data["faults"]:
            raise typer.Exit(1)


@audit_app.command("list")
def list_audit(
    subject: Annotated[str | None, typer.Argument(help="A draft's id; all when not given.")] = None,
    config: Config = None, db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """List the log: who did what to which text, when.

    Example: `vigie audit list d-1a2b3c4d5e`
    """
    with desk_at(config, db, server) as desk:
        after: int | None = 0
        while after is not None:
            page = desk.do("audit.list", subject=subject, after=after, limit=PAGE)
            if text := page.text():
                typer.echo(text)
            after = page.data["next"]
