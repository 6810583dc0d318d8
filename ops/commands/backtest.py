"""`vigie backtest`: what budgets of false alarms would have cost and found on a history of one's own."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ops.backtest_result import Backtest
    from ops.backtesting import Backtesting


def backtest(
    file: Annotated[str, typer.Argument(help="NDJSON or CSV, plain or gzipped; - for standard input.", metavar="FILE")],
    budget: Annotated[
        str, typer.Option(help="False alarms that a brand may cost a week; several between commas.", metavar="B[,B2..]")
    ] = "0.05,0.25,1",
    config: Annotated[Path | None, typer.Option("-c", "--config", help="Settings.", metavar="vigie.yaml")] = None,
    mapping: Annotated[
        list[str] | None, typer.Option("--map", help="Which column holds a field; may repeat.", metavar="FIELD=COLUMN")
    ] = None,
    brand: Annotated[str | None, typer.Option(help="The brand of mentions that name none.", metavar="NAME")] = None,
    json_out: Annotated[
        Path | None, typer.Option("--json", help="Write the result here; - for standard output.", metavar="OUT.json")
    ] = None,
    html_out: Annotated[
        Path | None, typer.Option("--html", help="Write a page to read or print here.", metavar="OUT.html")
    ] = None,
    lang: Annotated[
        str | None, typer.Option(help="fr or en; without it that of the settings, else fr.", metavar="LANG")
    ] = None,
) -> None:
    """Try budgets of false alarms on your own history before you choose one.

    Tells for each budget how many alerts a week it would have brought, how many would have paged the person on call,
    how soon after the onset, and lists the incidents with their reasons and some of the messages. The file is read
    once for all budgets; nothing is stored or sent to anyone. The same file gives the same answer.

    **Examples:**

    `vigie backtest mentions.ndjson --budget 0.25,1 --html choice.html`

    `vigie backtest export.csv --map text=Tweet --map created_at=Date --brand Nordalia --json out.json`
    """
    from engine.domain.errors import InputError
    from ops.render.backtest_words import words

    if lang not in (None, "fr", "en"):
        raise InputError(f"--lang {lang}: there are fr and en")
    for option, path in (("--json", json_out), ("--html", html_out)):
        _check_output(option, path, file)
    if html_out is not None and html_out == json_out:
        raise InputError(f"--html {html_out}: is the file of --json; name another")

    from ops.backtesting import Backtesting, BacktestParams, parse_budgets
    from ops.collector import quieten_collector
    from ops.commands.replay import parse_mapping
    from ops.settings import load_settings
    from ops.store.store import wall_clock_ms

    budgets = parse_budgets(budget)
    pairs = parse_mapping(mapping or [])
    settings = load_settings(config) if config is not None else None
    quiet = json_out is not None and str(json_out) == "-"
    run = Backtesting(BacktestParams(file, budgets, settings, pairs, brand, lang), wall_clock_ms)
    if not quiet:
        print(words(run.lang)["reading"].format(path=file), flush=True)  # noqa: T201
    quieten_collector()
    _watch(run)
    _tell(run, run.result(), quiet=quiet, json_out=json_out, html_out=html_out)


def _check_output(option: str, path: Path | None, file: str) -> None:
    """A mistake in where to write is told before the work, not after it."""
    from engine.domain.errors import InputError

    if path is None or (option == "--json" and str(path) == "-"):
        return
    if path.is_dir():
        raise InputError(f"{option} {path}: is a folder; name a file")
    if not path.absolute().parent.is_dir():
        raise InputError(f"{option} {path}: the folder {path.absolute().parent} does not exist")
    if path.exists() and Path(file).exists() and path.samefile(file):
        raise InputError(f"{option} {path}: is the file that is read; name another")


def _watch(run: Backtesting) -> None:
    """Run it, with a bar where there is a terminal to show it."""
    if not sys.stderr.isatty():
        for _ in run:
            pass
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("backtest", total=1.0)
        for _ in run:
            progress.update(task, completed=run.source.progress or 0.0)


def _tell(run: Backtesting, result: Backtest, *, quiet: bool, json_out: Path | None, html_out: Path | None) -> None:
    from ops.render.backtest import page, text_lines

    if not quiet:
        for line in text_lines(result):
            print(line)  # noqa: T201
    for reason in run.rejects:
        print(f"vigie: {reason}", file=sys.stderr)  # noqa: T201
    if result.rejected > len(run.rejects):
        print(f"vigie: ... {result.rejected - len(run.rejects)} more", file=sys.stderr)  # noqa: T201
    if json_out is not None:
        import orjson

        from ops.render.backtest_json import document

        _write("--json", json_out, orjson.dumps(document(result), option=orjson.OPT_INDENT_2) + b"\n")
    if html_out is not None:
        _write("--html", html_out, page(result).encode("utf-8"))


def _write(option: str, path: Path, body: bytes) -> None:
    from engine.domain.errors import InputError

    if option == "--json" and str(path) == "-":
        sys.stdout.buffer.write(body)
        return
    try:
        path.write_bytes(body)
    except OSError as error:
        raise InputError(f"{option} {path}: {error.strerror or error}") from None
