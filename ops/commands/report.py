"""`vigie report`: the situation report during an incident, the post-incident report (RETEX) after it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from engine.domain.errors import InputError
from ops.commands.desk import Server, desk_at
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
    db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """What, since when, how big against normal, what we do, what comes next: one page for decision makers.

    Example: `vigie report situation inc-20251121-ab12cd34ef56 --out point.html`
    """
    _report("situation", incident_id, form, out, lang, at, config, db, server)


@report_app.command()
def retex(
    incident_id: Id, form: Form = None, out: Out = None, lang: Lang = None, at: At = None, config: Config = None,
    db: Db = None, server: Server = None,
) -> None:  # fmt: skip
    """The post-incident report: timeline, clocks met and missed, figures, what was answered where, lessons to fill in.

    Example: `vigie report retex inc-20251121-ab12cd34ef56 --out retex.pdf`
    """
    _report("retex", incident_id, form, out, lang, at, config, db, server)


def _report(
    kind: str, incident_id: str, form: str | None, out: Path | None, lang: str | None, at: str | None,
    config: Path | None, db: str | None, server: str | None,
) -> None:  # fmt: skip
    from ops.reports.render import FORMS

    if lang not in (None, "fr", "en"):
        raise InputError(f"--lang {lang}: fr or en")
    suffix = out.suffix.lstrip(".").lower() if out is not None else "md"
    form = (form or (suffix if suffix in FORMS else "md")).lower()
    if form not in FORMS:
        raise InputError(f"--form {form}: one of {', '.join(FORMS)}")
    if out is None and form == "pdf":
        raise InputError("a PDF is no text: name a file with --out")
    with desk_at(config, db, server) as desk:
        raw = desk.do("report", incident_id=incident_id, kind=kind, form=form, lang=lang, at=at).raw or b""
    if out is None:
        typer.echo(raw.decode("utf-8"), nl=False)
        return
    try:
        out.write_bytes(raw)
    except OSError as error:
        raise InputError(f"--out {out}: {error.strerror or error}") from None
    typer.echo(str(out))
