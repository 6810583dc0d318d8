"""`vigie drafts` and `vigie audit`: read what may be said, change it, approve it; who did, in a log that can't be bent.

Vigie posts nothing: `published` tells it that a person did.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.domain.errors import InputError
from ops.commands.incidents import By, Config, Db, Id, actor_of, found, opened

if TYPE_CHECKING:
    from ops.drafting import Done, Drafting
    from ops.settings import Settings
    from ops.store import Store

drafts_app = typer.Typer(
    no_args_is_help=True,
    help="What may be said of an incident: list, read, edit, approve.\n\nExample: `vigie drafts list inc-20251121`",
)
audit_app = typer.Typer(no_args_is_help=True, help="The log of approvals, and whether it is whole.")

DraftId = Annotated[str, typer.Argument(metavar="DRAFT", help="The draft's id, or its beginning.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@contextmanager
def drafting(config: Path | None, db: str | None) -> Iterator[tuple[Settings, Store, Drafting]]:
    """The drafts behind the store that the options name."""
    from ops.app import brand_configs
    from ops.drafting import Drafting, reader
    from ops.learning import reader_of
    from ops.store.store import wall_clock_ms
    from playbooks.catalogue import load_catalogue

    with opened(config, db) as (settings, store):
        catalogue = load_catalogue(settings.playbooks.directories)

        def scorer() -> object:
            return reader_of(store, brand_configs(settings), use=settings.learning.use)

        yield settings, store, Drafting(store, settings, catalogue, wall_clock_ms, lambda m: reader(scorer())(m))  # type: ignore[arg-type]


@drafts_app.command("list")
def list_(
    incident_id: Id,
    kind: Annotated[str | None, typer.Option(help="holding, position or reply.")] = None,
    network: Annotated[str | None, typer.Option(help="A network, such as x or review.")] = None,
    lang: Annotated[str | None, typer.Option(help="fr or en.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those no longer asked for too.")] = False,
    as_json: Json = False, config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """List an incident's drafts, made anew from the facts that are approved now.

    Example: `vigie drafts list inc-20251121-ab12 --kind holding`
    """
    from ops.render.drafts import drafts_text, drafts_view
    from ops.store.codec import dumps

    with drafting(config, db) as (settings, store, drafts):
        incident = found(store, incident_id)
        drafts.refresh(incident.id)
        wanted = {"kind": kind, "network": network, "lang": lang}
        kept = [
            draft
            for draft in store.drafts.of(incident.id)
            if all(value is None or getattr(draft, name) == value for name, value in wanted.items())
            and (every or draft.state.value != "superseded")
        ]
        shown = dumps(drafts_view(kept)).decode("utf-8") if as_json else drafts_text(kept, incident, settings.lang)
        typer.echo(shown)


@drafts_app.command()
def show(draft_id: DraftId, config: Config = None, db: Db = None) -> None:
    """Show one draft: its text, what it answers, what is against it, who approved it.

    Example: `vigie drafts show d-1a2b3c4d5e`
    """
    from ops.render.drafts import draft_text

    with drafting(config, db) as (settings, store, drafts):
        drafts.refresh(drafts.get(draft_id).incident_id)
        draft = drafts.get(draft_id)
        typer.echo(draft_text(draft, store.incident(draft.incident_id), settings.lang))


@drafts_app.command()
def edit(
    draft_id: DraftId,
    text: Annotated[str | None, typer.Option("--text", help="The new text; else --file.")] = None,
    file: Annotated[Path | None, typer.Option("--file", help="A file that holds the new text; - for stdin.")] = None,
    by: By = None, config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """Write another text. It is linted again, and nobody has approved it.

    Example: `vigie drafts edit d-1a2b3c4d5e --file answer.txt --by Camille`
    """
    actor = actor_of(by)
    new = _text(text, file)
    with drafting(config, db) as (settings, _store, drafts):
        _tell(drafts.edit(draft_id, actor, new), settings.lang)


@drafts_app.command()
def approve(
    draft_ids: Annotated[list[str], typer.Argument(metavar="DRAFT...", help="Ids of drafts, or their beginnings.")],
    text_hash: Annotated[
        str | None, typer.Option("--hash", help="The hash of the text you read, from `show`: refused if it changed.")
    ] = None,
    by: By = None, config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """Approve drafts: one person up to jaune, two different ones from orange. Nothing is sent.

    Example: `vigie drafts approve d-1a2b3c4d5e --by Camille`
    """
    actor = actor_of(by)
    if text_hash is not None and len(draft_ids) > 1:
        raise InputError("--hash is for one draft at a time")
    with drafting(config, db) as (settings, _store, drafts):
        for draft_id in draft_ids:
            drafts.refresh(drafts.get(draft_id).incident_id)
            now = drafts.get(draft_id)
            if text_hash is not None and not now.text_hash.startswith(text_hash.lower()[:64] or "-"):
                raise InputError(f"draft {now.id}: its text is another than the one that was read; read it again")
            _tell(drafts.approve(now.id, actor, now.text_hash), settings.lang)


@drafts_app.command()
def reject(
    draft_id: DraftId,
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why nobody shall post it.")],
    by: By = None, config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """Reject a draft; it comes back if its facts change.

    Example: `vigie drafts reject d-1a2b3c4d5e --reason "trop froid" --by Camille`
    """
    actor = actor_of(by)
    with drafting(config, db) as (settings, _store, drafts):
        _tell(drafts.reject(draft_id, actor, reason), settings.lang)


@drafts_app.command()
def published(
    draft_id: DraftId,
    url: Annotated[str | None, typer.Option(help="Where it stands now.")] = None,
    by: By = None, config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """Say that you have posted an approved draft. Its text is kept as it was posted.

    Example: `vigie drafts published d-1a2b3c4d5e --url https://social.example/p/1 --by Camille`
    """
    actor = actor_of(by)
    with drafting(config, db) as (settings, _store, drafts):
        _tell(drafts.published(draft_id, actor, url), settings.lang)


@drafts_app.command()
def reword(draft_id: DraftId, by: By = None, config: Config = None, db: Db = None) -> None:
    """Have the language model of the settings word a draft anew; on any failure the text stays as it is.

    Example: `vigie drafts reword d-1a2b3c4d5e --by Camille`
    """
    from ops.llm import Writer

    actor = actor_of(by)
    with drafting(config, db) as (settings, _store, drafts):
        if settings.drafting.llm is None:
            raise InputError("drafting.llm is not set: name a url and a model in the settings")
        done, why = drafts.reword(draft_id, actor, Writer(settings.drafting.llm))
        if done is None:
            typer.echo(f"the text stays: {why}", err=True)
            raise typer.Exit(1)
        _tell(done, settings.lang)


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


def _tell(done: Done, lang: str) -> None:
    from ops.render.drafts import done_text

    typer.echo(done_text(done.draft, done.head, lang))


@audit_app.command()
def verify(
    head: Annotated[
        str | None, typer.Option("--head", help="A head that was kept outside, as it was printed: number:hash.")
    ] = None,
    config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """Check every row of the log, and every approved text against it; exit code 1 if anything was changed.

    Example: `vigie audit verify --head 42:9f86d0…`
    """
    from ops.store.audit import Head

    kept = None if head is None else Head.parse(head)
    with opened(config, db) as (_settings, store):
        faults = store.audit.verify(kept)
        now = store.audit.head()
    for fault in faults:
        typer.echo(fault)
    if faults:
        raise typer.Exit(1)
    typer.echo(f"{now.seq} rows, none changed; head {now}")


@audit_app.command("list")
def list_audit(
    subject: Annotated[str | None, typer.Argument(help="A draft's id; all when not given.")] = None,
    config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """List the log: who did what to which text, when.

    Example: `vigie audit list d-1a2b3c4d5e`
    """
    from ops.render.drafts import audit_line

    with opened(config, db) as (settings, store):
        for entry in store.audit.entries(subject=subject):
            typer.echo(audit_line(entry, settings.timezone))
