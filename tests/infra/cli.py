"""The command line in this process: what it printed and how it ended."""

from __future__ import annotations

import sys
from typing import NamedTuple

import pytest

from ops.cli import main


class Ended(NamedTuple):
    code: int
    out: str
    err: str


def vigie(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: object) -> Ended:
    """Run `vigie words...`."""
    capsys.readouterr()
    code = 0
    with monkeypatch.context() as patch:
        patch.setattr(sys, "argv", ["vigie", *map(str, words)])
        try:
            main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
    out, err = capsys.readouterr()
    return Ended(code, out, err)
