"""`vigie replay`: a file through the whole engine."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ops.replaying import Replay
    from ops.settings import Settings


def replay(
    file: Annotated[str, typer.Argument(help="NDJSON or CSV, plain or gzipped; - for standard input.", metavar="FILE")],
    config: Annotated[Path | None, typer.Option("-c", "--config", help="Settings.", metavar="vigie.yaml")] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="Which column holds a field; may repeat.", metavar="FIELD=COLUMN")
    ] = None,
    brand: Annotated[str | None, typer.Option(help="The brand of mentions that name none.", metavar="NAME")] = None,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write the result here; - for standard output.", metavar="OUT.json")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page an incident here.", metavar="DIR")] = None,
    lang: Annotated[str | None, typer.Option(help="fr or en, where the settings do not say.", metavar="LANG")] = None,
) -> None:
    """Replay a file of mentions in event time, as fast as it goes, and tell the incidents.

    The same file gives the same answer, byte for byte. Without settings, every brand found on a mention is watched
    with default settings; nothing is sent to anyone. With settings, OUT.json also holds whom their rota and channels
    would have told what (`messages`), the `runs` and the `texts` that would lie ready; DIR also holds the reports.

    **Examples:**

    `vigie replay mentions.ndjson --json out.json`

    `vigie replay export.csv --map text=Tweet --map created_at=Date --brand Nordalia`
    """
    from engine.domain.errors import InputError
    from ops.render.replay import words

    if lang not in (None, "fr", "en"):
        raise InputError(f"--lang {lang}: there are fr and en")
    quiet = json_out is not None and str(json_out) == "-"
    out = _Printer(None if quiet else sys.stdout)
    out.line(words(lang or "fr")["reading"].format(path=file))  # at once: what follows may take a moment to load
    _check_output(json_out, report)

    from ops.replaying import Replay, ReplayParams
    from ops.settings import load_settings
    from ops.store.store import wall_clock_ms

    settings = load_settings(config) if config is not None else None
    params = ReplayParams(file, settings, parse_mapping(mapping or []), brand, lang=lang, whole=settings is not None)
    with Replay(params, wall_clock_ms) as run:
        _watch(run, out)
        _tell(run, out)
        if json_out is not None:
            _write_json(run, json_out)
        if report is not None:
            from ops.render.pages import write_pages

            write_pages(run.incidents(), report, run.lang)
            if settings is not None:
                _write_reports(run, settings, report)


class _Printer:
    """Lines to a stream, or to nobody. Colour only on a terminal."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def line(self, text: str = "") -> None:
        if self._stream is not None:
            print(text, file=self._stream, flush=True)


def parse_mapping(pairs: list[str]) -> dict[str, str]:
    """`--map FIELD=COLUMN`, as often as it was typed. Raises InputError."""
    from engine.domain.errors import InputError

    mapping = {}
    for pair in pairs:
        field, equals, column = pair.partition("=")
        if not equals or not field or not column:
            raise InputError(f"--map {pair}: write FIELD=COLUMN, for example --map text=Tweet")
        mapping[field] = column
    return mapping


def _check_output(json_out: Path | None, report: Path | None) -> None:
    """A mistake in where to write is told before the work, not after it."""
    from engine.domain.errors import InputError

    if json_out is not None and str(json_out) != "-":
        if json_out.is_dir():
            raise InputError(f"--json {json_out}: is a folder; name a file")
        if not json_out.absolute().parent.is_dir():
            raise InputError(f"--json {json_out}: the folder {json_out.absolute().parent} does not exist")
    if report is not None:
        try:
            report.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--report {report}: {error.strerror or error}") from None


def _watch(run: Replay, out: _Printer) -> None:
    """Run it, with a bar on a terminal and a line for each alert."""
    from ops.render.replay import alert_line

    if not sys.stderr.isatty():
        for alerts in run:
            for raised in alerts:
                out.line(alert_line(raised, run.lang))
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=True) as progress:
        task = progress.add_task("replay", total=1.0)
        for alerts in run:
            share = run.source.progress
            progress.update(task, completed=share if share is not None else 0.0)
            for raised in alerts:
                out.line(alert_line(raised, run.lang))


def _tell(run: Replay, out: _Printer) -> None:
    from ops.render.replay import incident_lines, totals_line, words

    out.line()
    found = run.incidents()
    for incident, plan in found:
        for line in incident_lines(incident, plan, run.lang):
            out.line(line)
        out.line()
    if not found:
        out.line(words(run.lang)["none"])
    totals = run.totals()
    out.line(totals_line(totals, run.lang))
    for reason in run.rejects:
        print(f"vigie: {reason}", file=sys.stderr)  # noqa: T201
    hidden = totals.rejected - len(run.rejects)
    if run.rejects and hidden > 0:
        print(f"vigie: ... {hidden} more", file=sys.stderr)  # noqa: T201
    rate = (totals.mentions + totals.duplicates) / max(run.elapsed_s, 1e-9)
    out.line(words(run.lang)["rate"].format(rate=f"{rate:.0f}"))


def _write_reports(run: Replay, settings: Settings, folder: Path) -> None:
    """Beside the pages: the situation report and the post-incident report of each incident, at the end of the file."""
    from dataclasses import replace

    from engine.domain.errors import InputError
    from ops.delivery.build import look_of
    from ops.reports.gather import end_of_replay, gather, questions_of
    from ops.reports.render import KINDS, written

    look = replace(look_of(settings), lang=run.lang)
    for incident, plan in run.incidents():
        end_ms = end_of_replay(run.store, incident)
        case = gather(run.store, incident.id, end_ms, questions_of(settings, plan, run.lang))
        for kind in KINDS:
            path = folder / f"{incident.id}.{kind}.md"
            try:
                path.write_bytes(written("md", kind, case, look))
            except OSError as error:
                raise InputError(f"--report {path}: {error.strerror or error}") from None


def _write_json(run: Replay, path: Path) -> None:
    import orjson

    from engine.domain.errors import InputError

    body = orjson.dumps(run.document(), option=orjson.OPT_INDENT_2) + b"\n"
    if str(path) == "-":
        sys.stdout.buffer.write(body)
        return
    try:
        path.write_bytes(body)
    except OSError as error:
        raise InputError(f"--json {path}: {error.strerror or error}") from None
