"""The command `vigie`: every command is a function of `ops.commands`, wired here.

Errors are one line on stderr; exit code 2 for bad input, 1 for anything else that went wrong.
"""

from __future__ import annotations

import errno
import os
import sys

import typer

from engine.domain.errors import InputError, VigieError
from ops.commands.backtest import backtest
from ops.commands.check import check
from ops.commands.deadletters import deadletters_app
from ops.commands.demo import demo
from ops.commands.detect import detect
from ops.commands.doctor import doctor
from ops.commands.drafts import audit_app, drafts_app
from ops.commands.drill import drill_app
from ops.commands.facts import facts_app
from ops.commands.incidents import incidents_app
from ops.commands.labels import label, labels, picks
from ops.commands.oncall import oncall_app
from ops.commands.playbooks import playbooks_app
from ops.commands.replay import replay
from ops.commands.report import report_app
from ops.commands.run import run
from ops.commands.runs import runs_app
from ops.commands.schema import schema
from ops.commands.score import score
from ops.commands.tokens import tokens_app
from ops.commands.topics import topics_app
from ops.commands.train import train
from ops.commands.worker import worker_app

app = typer.Typer(
    name="vigie",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Crisis and bad-buzz detection for community management teams: from comments to an approved reply.",
)

app.callback()(lambda: None)  # a name for every command, even where there is but one
app.command("demo")(demo)
app.command("replay")(replay)
app.command("backtest")(backtest)
app.command("run")(run)
app.command("check")(check)
app.command("detect")(detect)
app.command("schema")(schema)
app.command("score")(score)
app.command("train")(train)
app.command("doctor")(doctor)
incidents_app.command("label")(label)
incidents_app.command("labels")(labels)
incidents_app.command("picks")(picks)
app.add_typer(incidents_app, name="incidents")
app.add_typer(oncall_app, name="oncall")
app.add_typer(playbooks_app, name="playbooks")
app.add_typer(drafts_app, name="drafts")
app.add_typer(audit_app, name="audit")
app.add_typer(runs_app, name="runs")
app.add_typer(facts_app, name="facts")
app.add_typer(report_app, name="report")
app.add_typer(drill_app, name="drill")
app.add_typer(tokens_app, name="tokens")
app.add_typer(worker_app, name="worker")
app.add_typer(deadletters_app, name="deadletters")
app.add_typer(topics_app, name="topics")


def main() -> None:
    """Run the command line; the entry point of the distribution."""
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of our output went away: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        if error.errno == errno.ENOSPC:  # what stdout still holds can't be written at exit either
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = _told(f"{error.filename or 'output'}: {error.strerror or error}", 1)
    sys.exit(code)


def _run() -> int:
    """The command's exit code; every mistake of the caller is one line."""
    try:
        ended = app(standalone_mode=False)
        return ended if isinstance(ended, int) else 0
    except VigieError as error:
        return _told(str(error), 2 if isinstance(error, InputError) else 1)
    except typer.Exit as ended:
        return ended.exit_code
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except typer.TyperException as error:
        return _misused(error)


def _misused(error: typer.TyperException) -> int:
    """A mistake in the words of the call. typer names the kinds of it in a private module, so they are told by what
    they carry."""
    if type(error).__name__ == "NoArgsIsHelpError":  # the help was printed already
        return 2
    text = error.format_message() if hasattr(error, "format_message") else str(error)
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "vigie"
    return _told(f"{' '.join(text.split())} (see {command} --help)", getattr(error, "exit_code", 2))


def _told(text: str, code: int) -> int:
    print(f"vigie: {text}", file=sys.stderr)  # noqa: T201
    return code


if __name__ == "__main__":
    main()
