"""`vigie deadletters`: what could not be read, sent again once it is mended, or dropped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.domain.errors import InputError
from ops.commands.incidents import By, Config, Db, actor_of, opened

if TYPE_CHECKING:
    from ops.settings import Settings
    from ops.store import Store
    from ops.store.deadletters import Letter, Wanted

RAW_SHOWN = 80
REFUSED_SHOWN_MAX = 20
WHY_CHARS_MAX = 500

deadletters_app = typer.Typer(
    no_args_is_help=True,
    help="What could not be read: see it, send it again mended, or drop it.\n\nExample: `vigie deadletters list`",
)

Ids = Annotated[list[int] | None, typer.Option("--id", help="Only this letter; may be given several times.")]
Since = Annotated[
    str | None, typer.Option("--since", help="Only letters from then on: 90m, 12h, 3d, or a date and time.")
]
Reason = Annotated[str, typer.Option("--reason", help="Only letters with this in their reason or field.")]
All = Annotated[bool, typer.Option("--all", help="All that are new, where nothing else chooses.")]
Why = Annotated[str, typer.Option("--why", help="A sentence that stays with the letters.")]


@deadletters_app.command("list")
def list_(
    ids: Ids = None,
    since: Since = None,
    reason: Reason = "",
    state: Annotated[str, typer.Option("--state", help="new, replayed, dropped, or any.")] = "new",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000, help="At most so many, oldest first.")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, whole records; `replay --from` reads it.")] = False,
    config: Config = None,
    db: Db = None,
) -> None:
    """List records that could not be read: when, where, which field, why.

    Example: `vigie deadletters list --since 24h --reason created_at`
    """
    from ops.letters import in_chunks, view
    from ops.store.codec import dumps
    from ops.store.deadletters import CHUNK, STATES

    if state not in (*STATES, "any"):
        raise InputError(f"--state {state}: one of {', '.join(STATES)}, any")
    with opened(config, db) as (settings, store):
        wanted = _wanted(settings, ids, since, reason)._replace(state=None if state == "any" else state)
        found: list[Letter] = []
        for chunk in in_chunks(lambda after: store.letters.find(wanted, after=after, limit=CHUNK)):
            found += chunk
            if len(found) >= limit:
                break
        if as_json:
            typer.echo(dumps([view(letter) for letter in found[:limit]]).decode("utf-8"))
            return
        for letter in found[:limit]:
            typer.echo(_line(letter))
        total = store.letters.count(wanted)
        more = f", {limit} shown; --limit shows more" if total > limit else ""
        typer.echo(f"{total} dead letter{'' if total == 1 else 's'}{more}")


@deadletters_app.command()
def replay(
    ids: Ids = None,
    since: Since = None,
    reason: Reason = "",
    every: All = False,
    mended: Annotated[
        Path | None, typer.Option("--from", help="Mended records: what list --json printed, put right.", metavar="FILE")
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", help="With one --id: the mended record itself.", metavar="FILE")
    ] = None,
    why: Why = "",
    by: By = None,
    config: Config = None,
    db: Db = None,
) -> None:
    """Send letters again, mended or as they are, to where the workers read; each at most once.

    Records that still can't be read are told and stay. A letter of a Kafka topic goes to its partition again, any other
    into the inbox of the database. Mentions that are too late for their time count as late.

    Example: `vigie deadletters replay --from mended.json --by Camille`
    """
    from ops.letters import in_chunks
    from ops.letters import replay as replayed
    from ops.render.neutral import plain

    actor = actor_of(by)
    with opened(config, db) as (settings, store):
        records, only = _mended(ids, mended, record)
        wanted = _wanted(settings, only, since, reason)
        if only is not None or record is not None:
            wanted = wanted._replace(state=None)  # asked for by number: say what became of it
        _asked(wanted, every)
        _known(store, wanted)
        sent, refused = 0, list[tuple[int, str]]()
        for chunk in in_chunks(lambda after: store.letters.find(wanted, after=after)):
            done = replayed(store.letters, chunk, records, settings, actor, plain(why, WHY_CHARS_MAX))
            sent += len(done.ids)
            refused += done.refused
    for number, text in refused[:REFUSED_SHOWN_MAX]:
        typer.echo(f"letter {number}: {plain(text)}", err=True)
    if len(refused) > REFUSED_SHOWN_MAX:
        typer.echo(f"and {len(refused) - REFUSED_SHOWN_MAX} more", err=True)
    typer.echo(f"{sent} sent again, {len(refused)} left as they are")
    if refused and not sent:
        raise InputError("nothing was sent")


@deadletters_app.command()
def drop(
    ids: Ids = None,
    since: Since = None,
    reason: Reason = "",
    every: All = False,
    why: Annotated[str, typer.Option("--why", help="Why they are not worth mending; it stays with them.")] = "",
    by: By = None,
    config: Config = None,
    db: Db = None,
) -> None:
    """Say that letters will never be replayed. They stay, with who and why, until newer ones push them out.

    Example: `vigie deadletters drop --reason "no JSON" --why "test of the sender" --by Camille`
    """
    from ops.letters import in_chunks
    from ops.render.neutral import plain

    actor, reasoned = actor_of(by), plain(why, WHY_CHARS_MAX)
    if not reasoned:
        raise InputError("--why: missing; say why they are dropped")
    with opened(config, db) as (settings, store):
        wanted = _wanted(settings, ids, since, reason)
        _asked(wanted, every)
        _known(store, wanted)
        dropped = 0
        for chunk in in_chunks(lambda after: store.letters.find(wanted, after=after)):
            dropped += len(store.letters.drop([letter.id for letter in chunk], actor, reasoned))
    typer.echo(f"{dropped} dropped")


def _mended(
    ids: list[int] | None, mended: Path | None, record: Path | None
) -> tuple[dict[int, bytes], list[int] | None]:
    """Mended records by letter, and the letters that they are of."""
    from ops.letters import mended_of

    if mended is not None and record is not None:
        raise InputError("--from and --record: give one of them")
    if record is not None:
        if ids is None or len(ids) != 1:
            raise InputError("--record is one letter's: give its number with --id")
        return {ids[0]: _read(record).rstrip(b"\r\n")}, ids
    if mended is None:
        return {}, ids
    records = mended_of(_read(mended), str(mended))
    only = [i for i in records if ids is None or i in ids]
    if not only:
        raise InputError(f"{mended}: none of the letters asked for")
    return records, only


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None


def _wanted(settings: Settings, ids: list[int] | None, since: str | None, reason: str) -> Wanted:
    from ops.store.deadletters import Wanted

    since_ms = None if since is None else _moment_ms(since, settings)
    return Wanted(tuple(ids or ()), since_ms, reason.strip())


def _asked(wanted: Wanted, every: bool) -> None:
    """Nothing is sent or dropped by a command that chose nothing."""
    if not (wanted.ids or wanted.since_ms is not None or wanted.reason or every):
        raise InputError("which letters? give --id, --since, --reason, or --all")


def _known(store: Store, wanted: Wanted) -> None:
    from ops.store.deadletters import Wanted

    missing = [i for i in wanted.ids if not store.letters.count(Wanted((i,), state=None))]
    if missing:
        raise InputError(f"no dead letter {', '.join(map(str, missing[:5]))}; vigie deadletters list --state any")


def _moment_ms(text: str, settings: Settings) -> int:
    import re
    import time
    from zoneinfo import ZoneInfo

    from ops.moment import second_of

    found = re.fullmatch(r"(\d{1,6})\s*([smhd])", text.strip())
    if found is not None:
        seconds = int(found[1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[found[2]]
        return int((time.time() - seconds) * 1000)
    try:
        return second_of(text.strip(), ZoneInfo(settings.timezone)) * 1000
    except ValueError:
        raise InputError(f"--since {text[:40]!r}: write 90m, 12h, 3d, or a date and time as 2026-03-04T09:15") from None


def _line(letter: Letter) -> str:
    from ops.render.moments import utc
    from ops.render.neutral import plain

    raw = plain(letter.raw[: 4 * RAW_SHOWN].decode("utf-8", "replace"), RAW_SHOWN)
    where = f"{letter.field}: " if letter.field else ""
    done = f" [{letter.state} by {plain(letter.done_by or '?', 40)}]" if letter.state != "new" else ""
    what = f"{where}{plain(letter.reason, 80)}{done}"
    return f"{letter.id}  {utc(letter.at_ms)}  {plain(letter.position, 80)}  {what}  {raw}"
