"""The wheel: what it holds, what it must not hold, and that it can be installed."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"engine", "detectors", "playbooks", "streams", "ops"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def names(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_top_levels_are_the_five_folders(names: list[str]) -> None:
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


def test_data_files_are_there(names: list[str]) -> None:
    for folder, suffix in (
        ("playbooks/catalogue/", ".yaml"),
        ("detectors/text/", ".npz"),
        ("ops/store/migrations/", ".py"),
        ("ops/grafana/", ".json"),
        ("ops/prometheus/", ".yml"),
    ):
        assert any(name.startswith(folder) and name.endswith(suffix) for name in names), folder
    for package in PACKAGES:
        assert f"{package}/py.typed" in names


def test_training_texts_and_tests_stay_out(names: list[str]) -> None:
    assert [name for name in names if "/corpus/" in name or name.startswith("tests/") or name.endswith(".pyc")] == []


def test_the_wheel_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size < 20_000_000


def test_it_installs_and_its_command_runs_from_anywhere(wheel: Path, tmp_path: Path) -> None:
    """Installed beside the dependencies of this environment, without its editable checkout."""
    target = tmp_path / "site"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", target, wheel],
        check=True,
    )
    code = (
        "import ops.cli, sys; sys.argv = ['vigie', 'check', '-c', sys.argv[1]]; print(ops.cli.__file__); ops.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, ROOT / "examples" / "vigie.yaml"],
        cwd=tmp_path, env={"PYTHONPATH": str(target)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(target)), "it ran from the checkout, not from the wheel"
    assert "all well" in done.stdout


def test_no_other_distribution_owns_one_of_the_five_names() -> None:
    owners = importlib.metadata.packages_distributions()
    assert {name: set(owners.get(name, ())) - {"vigie"} for name in PACKAGES} == {name: set() for name in PACKAGES}


def test_the_command_is_called_vigie() -> None:
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name="vigie")
    assert entry.value == "ops.cli:main"


def test_it_never_goes_to_a_public_index() -> None:
    assert "Private :: Do Not Upload" in importlib.metadata.metadata("vigie").get_all("Classifier", [])
