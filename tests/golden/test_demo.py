"""The demonstration's key moments, all of them, through the command. `VIGIE_GOLDEN=write` writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

from typer.testing import CliRunner

from ops.cli import app

GOLDEN = Path(__file__).with_name("demo.fr.txt")


def test_the_demo_tells_the_same_story() -> None:
    done = CliRunner().invoke(app, ["demo", "--headless"])
    assert done.exit_code == 0, done.output
    if os.environ.get("VIGIE_GOLDEN") == "write":
        GOLDEN.write_text(done.output, encoding="utf-8")
    assert done.output == GOLDEN.read_text(encoding="utf-8")
