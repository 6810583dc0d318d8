"""The command `vigie`: every command is a function of `ops.commands`, wired here.

Errors are one line on stderr; exit code 2 for bad input, 1 for anything else that went wrong.
"""

from __future__ import annotations

import os
import sys

import typer

from engine.domain.errors import InputError, VigieError
from ops.commands.backtest import backtest
from ops.commands.check import check
from ops.commands.demo import demo
from ops.commands.detect import detect
from ops.commands.doctor import doctor
from ops.commands.incidents import incidents_app
from ops.commands.playbooks import playbooks_app
from ops.commands.replay import replay
from ops.commands.run import run
from ops.commands.schema import schema
from ops.commands.score import score
from ops.commands.train import train

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
app.add_typer(incidents_app, name="incidents")
app.add_typer(playbooks_app, name="playbooks")


def main() -> None:
    """Run the command line; the entry point of the distribution."""
    try:
        app()
    except VigieError as error:
        print(f"vigie: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2 if isinstance(error, InputError) else 1)
    except BrokenPipeError:  # the reader of our output went away: nothing to say, and nobody to say it to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


if __name__ == "__main__":
    main()
