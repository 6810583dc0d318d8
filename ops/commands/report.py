"""`vigie report`: the situation report during an incident, the post-incident report (RETEX) after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.domain.errors import InputError
from ops.commands.incidents import Config, Db, Id

report_app = typer.Typer(
    no_args_is_help=True,
    help="Write reports for people who decide.\n\nExample: `vigie report situation inc-20251121-ab12cd34ef56`",
)

Form = Annotated[str | None, typer.Option("--form", help="md, html or pdf; told by --out where it is not given.")]
Out = Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; the terminal without it (md only).")]
Lang = Annotated[str | None, typer.Option("--lang", help="fr or en; the language of the team without it.")]
At = Annotated[
    str | None, typer.Option("--at", help="As it stood at this time (RFC 3339); now without it.", metavar="TIME")
]


@report_app.command()
def situation(
    incident_id: Id, form: Form = None, out: Out = None, lang: Lang = None, at: At = None, config: Config = None,
    db: Db = None,
) -> None:  # fmt: skip
    """What, since when, how big against normal, what we do, what comes next: one page for decision makers.

    Example: `vigie report situation inc-20251121-ab12cd34ef56 --out point.html`
    """
    _report("situation", incident_id, form, out, lang, at, config, db)


@report_app.command()
def retex(
    incident_id: Id, form: Form = None, out: Out = None, lang: Lang = None, at: At = None, config: Config = None,
    db: Db = None,
) -> None:  # fmt: skip
    """The post-incident report: timeline, clocks met and missed, figures, what was answered where, lessons to fill in.

    Example: `vigie report retex inc-20251121-ab12cd34ef56 --out retex.pdf`
    """
    _report("retex", incident_id, form, out, lang, at, config, db)


def _report(
    kind: str, incident_id: str, form: str | None, out: Path | None, lang: str | None, at: str | None,
    config: Path | None, db: str | None,
) -> None:  # fmt: skip
    from dataclasses import replace

    from ops.commands.incidents import found, opened
    from ops.delivery.build import look_of
    from ops.reports.gather import gather, questions_of
    from ops.reports.render import FORMS, written

    if lang not in (None, "fr", "en"):
        raise InputError(f"--lang {lang}: fr or en")
    suffix = out.suffix.lstrip(".").lower() if out is not None else "md"
    form = (form or (suffix if suffix in FORMS else "md")).lower()
    if form not in FORMS:
        raise InputError(f"--form {form}: one of {', '.join(FORMS)}")
    if out is None and form == "pdf":
        raise InputError("a PDF is no text: name a file with --out")
    now_ms = None if at is None else _moment(at)
    with opened(config, db) as (settings, store):
        incident = found(store, incident_id)
        questions = questions_of(settings, store.plan(incident.id), lang or settings.lang)
        case = gather(store, incident.id, now_ms, questions)
        look = look_of(settings)
        raw = written(form, kind, case, look if lang is None else replace(look, lang=lang))  # type: ignore[arg-type]
    if out is None:
        typer.echo(raw.decode("utf-8"), nl=False)
        return
    try:
        out.write_bytes(raw)
    except OSError as error:
        raise InputError(f"--out {out}: {error.strerror or error}") from None
    typer.echo(str(out))


def _moment(text: str) -> int:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"--at {text}: not a time; write 2026-03-10T18:40:00+01:00") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
