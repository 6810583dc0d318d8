"""`vigie train`: what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.domain.errors import InputError
from ops.commands.train import train


def test_a_missing_folder_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--data .*nowhere: no such folder"):
        train(tmp_path / "nowhere", tmp_path / "out")


def test_an_out_folder_that_is_a_file_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match=r"--out .*out: can't be written"):
        train(tmp_path, tmp_path / "out")
