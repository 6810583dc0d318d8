"""`vigie incidents label`, `labels` and `picks`: the team corrects how comments are read, and Vigie learns from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.domain.errors import InputError, MentionError
from ops.commands.incidents import By, Config, Db, actor_of, opened

if TYPE_CHECKING:
    from engine.domain.labels import Correction
    from ops.settings import Settings
    from ops.store import Store

PICKS = 10
POOL_MAX = 50_000

Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


def label(
    mention: Annotated[
        str | None, typer.Argument(metavar="MENTION", help="The comment's id (or, with --undo, a label's number).")
    ] = None,
    sentiment: Annotated[
        str | None, typer.Option("--sentiment", "-s", help="What it is towards the brand: neg, neu or pos.")
    ] = None,
    text: Annotated[str | None, typer.Option("--text", help="The comment itself, where it is not kept.")] = None,
    lang: Annotated[str | None, typer.Option("--lang", help="Its language, with --text.")] = None,
    brand: Annotated[str | None, typer.Option("--brand", help="Its brand, with --text.")] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Many at once: CSV with a header line, or NDJSON.", metavar="FILE")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take a correction back: that of MENTION, or the last.")] = False,
    by: By = None, config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """Correct how a comment was read; the service reads the next ones by it.

    The evidence of incidents and the samples of the last hours are known by their id (`vigie incidents picks` shows
    some); any other comment is given with --text or --file. Scores of the past do not change.

    Example: `vigie incidents label x:1987 --sentiment neg --by Camille`
    """
    from ops.learning import linear, renew
    from ops.render.learning import renewed_text

    actor = actor_of(by)
    with opened(config, db) as (settings, store):
        if undo:
            _undo(store, mention, actor)
        else:
            corrections = _given(store, mention, sentiment, text, lang, brand, file)
            store.labels.add(corrections, actor)
        typer.echo(renewed_text(renew(store, linear(_scorer(settings))), settings.lang))


def labels(as_json: Json = False, config: Config = None, db: Db = None) -> None:
    """List the corrections, who made them, and the versions of what was learnt.

    Example: `vigie incidents labels -c vigie.yaml`
    """
    from ops.delivery.build import look_of
    from ops.render.learning import labels_text, labels_view
    from ops.store.codec import dumps

    with opened(config, db) as (settings, store):
        kept, versions = store.labels.all(), store.labels.versions()
        if as_json:
            typer.echo(dumps(labels_view(kept, versions)).decode("utf-8"))
        else:
            typer.echo(labels_text(kept, versions, look_of(settings)))


def picks(
    number: Annotated[int, typer.Option("-n", min=1, max=200, help="How many.")] = PICKS,
    file: Annotated[
        str | None, typer.Option("--file", help="Pick among the mentions of a file: NDJSON or CSV.", metavar="FILE")
    ] = None,
    as_json: Json = False, config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """Show the comments whose correction would teach most: uncertain, typical, and unlike one another.

    Example: `vigie incidents picks -n 10 -c vigie.yaml`
    """
    from detectors.text.picks import pick
    from ops.learning import linear, stored_overlay
    from ops.remembered import remembered
    from ops.render.learning import picks_text, picks_view
    from ops.store.codec import dumps

    with opened(config, db) as (settings, store):
        done = {kept.correction.text for kept in store.labels.all() if kept.undone_at_ms is None}
        pool = _pool(file) if file is not None else list(remembered(store).values())
        pool = [item for item in pool if item.text not in done][:POOL_MAX]
        scorer = linear(_scorer(settings))
        scorer.overlay = stored_overlay(store, scorer)
        found = pick([item.text for item in pool], [item.lang for item in pool], scorer, number)
        chosen = [(pool[one.index], one) for one in found]
        typer.echo(dumps(picks_view(chosen)).decode("utf-8") if as_json else picks_text(chosen, settings.lang))


def _scorer(settings: Settings) -> Any:
    from ops.app import LINEAR, brand_configs, make_scorer

    return make_scorer(LINEAR, brand_configs(settings))


def _given(
    store: Store, mention: str | None, sentiment: str | None, text: str | None, lang: str | None, brand: str | None,
    file: Path | None,
) -> list[Correction]:  # fmt: skip
    """The corrections that were asked for, with their texts. Raises InputError."""
    from ops.learning import resolved
    from streams.labels import decode_label, read_labels

    if file is not None:
        if mention is not None or text is not None:
            raise InputError("label: --file brings its own comments; leave MENTION and --text out")
        try:
            raw = file.read_bytes()
        except OSError as error:
            raise InputError(f"--file {file}: {error.strerror or error}") from None
        records = read_labels(raw, str(file), sentiment)
    elif mention is None and text is None:
        raise InputError("label: which comment? give its id, --text, or --file")
    else:
        record = {"mention_id": mention, "text": text, "lang": lang, "brand": brand, "sentiment": sentiment}
        try:
            records = [decode_label(record)]
        except MentionError as error:
            raise InputError(f"--{error.field}: {error.reason}") from None
    try:
        return resolved(store, [one.correction for one in records])
    except MentionError as error:
        raise InputError(f"label: {error.field} {error.reason}") from None


def _undo(store: Store, mention: str | None, actor: str) -> None:
    """Take back the newest standing correction of a mention, of that number, or of all. Raises InputError."""
    standing = [kept for kept in store.labels.all() if kept.undone_at_ms is None]
    if mention is not None:
        asked = mention.removeprefix("#")
        standing = [kept for kept in standing if mention == kept.correction.mention_id or asked == str(kept.seq)]
    if not standing or not store.labels.undo(standing[-1].seq, actor):
        which = "there is none" if mention is None else f"none stands for {mention[:80]!r}"
        raise InputError(f"label --undo: {which}; `vigie incidents labels` lists them")


def _pool(file: str) -> list[Any]:
    """The mentions of a file."""
    from ops.remembered import Remembered
    from streams.files import FileParams, FileSource

    source = FileSource(FileParams(file, order=False))
    pool: list[Remembered] = []
    try:
        while True:
            batch = source.poll(8_192, 0.0)
            pool += [Remembered(m.id, m.text, m.lang, m.brand) for m in batch.mentions if m.text.strip()]
            if batch.end or len(pool) >= POOL_MAX:
                return pool
    finally:
        source.close()
