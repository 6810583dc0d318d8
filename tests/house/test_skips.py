"""A skipped test fails the run, in all its disguises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"


def run(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    (folder / "conftest.py").write_text(CONFTEST.read_text())
    (folder / "test_it.py").write_text(f"import pytest\n\n{body}\n")
    (folder / "pytest.ini").write_text("[pytest]\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        "def test_a():\n    pytest.skip('later')",
        "@pytest.mark.skipif(True, reason='no')\ndef test_a(): pass",
        "@pytest.mark.xfail\ndef test_a(): assert False",
        "@pytest.mark.xfail\ndef test_a(): pass",
        "def test_b(): pass\npytest.importorskip('no_such_module')",
    ],
)
def test_a_test_that_does_not_run_fails_the_run(tmp_path: Path, body: str) -> None:
    done = run(tmp_path, body + "\n\ndef test_well(): pass")
    assert done.returncode != 0
    assert "FAILED test_it.py" in done.stdout


def test_a_run_without_skips_passes(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_well(): pass").returncode == 0
