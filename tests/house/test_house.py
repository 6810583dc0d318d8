"""The house itself: floors, sizes, one error tree, light start, nothing of a machine in what is committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("engine", "detectors", "playbooks", "streams", "ops")
LINES_OF_A_FILE_MAX = 500
LINES_OF_A_FUNCTION_MAX = 70
BROAD = ("Exception", "BaseException")


def committed() -> list[Path]:
    """Files that are or will be in git, without what git ignores."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def modules() -> list[Path]:
    return [path for path in committed() if path.suffix == ".py"]


def product() -> list[Path]:
    return [path for path in modules() if path.relative_to(ROOT).parts[0] in PACKAGES]


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_floors_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert "3 kept, 0 broken" in done.stdout


def test_files_are_short() -> None:
    long = {name_of(path): path.read_text().count("\n") for path in modules()}
    assert {name: lines for name, lines in long.items() if lines > LINES_OF_A_FILE_MAX} == {}


def test_functions_are_short() -> None:
    long = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LINES_OF_A_FUNCTION_MAX:
                    long.append(f"{name_of(path)}:{node.lineno} {node.name} ({lines})")
    assert long == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [
        name_of(path)
        for path in product()
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_broad_excepts_say_why() -> None:
    """One that does not raise again has its reason in a comment on its line or the next."""
    silent = []
    for path in product():
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ExceptHandler) and (node.type is None or getattr(node.type, "id", "") in BROAD):
                raises_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
                if not raises_again and "#" not in "".join(text.split("\n")[node.lineno - 1 : node.lineno + 1]):
                    silent.append(f"{name_of(path)}:{node.lineno}")
    assert silent == []


def test_the_error_tree_is_the_one_in_the_docstring() -> None:
    from engine.domain import errors

    drawn = dict(re.findall(r"^[│├└─\s]*(\w+Error)\s+(\(retry\))?", errors.__doc__ or "", re.MULTILINE))
    real = {
        name: kind.retry
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.VigieError)
    }
    assert {name: bool(retry) for name, retry in drawn.items()} == real


def test_only_ops_holds_a_clock() -> None:
    """Below `ops` and `streams` nobody asks what time it is, draws without a seed, or opens a socket."""
    asks = re.compile(
        r"\btime\.(time|monotonic|perf_counter)\(|datetime\.(now|utcnow|today)\(|\brandom\.\w+\(|\bsocket\b"
    )
    found = [
        f"{name_of(path)}:{i}"
        for path in product()
        if path.relative_to(ROOT).parts[0] in ("engine", "detectors", "playbooks")
        for i, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
        if asks.search(line)
    ]
    assert found == []


HEAVY = (
    "alembic", "apprise", "fastapi", "httpx2", "kafka", "onnxruntime", "py3langid", "river", "scipy", "sklearn",
    "sqlalchemy", "starlette", "tokenizers", "uvicorn",
)  # fmt: skip


def test_the_command_line_starts_without_what_is_heavy() -> None:
    code = "import sys, ops.cli; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert sorted(set(HEAVY) & set(loaded)) == []


FOREIGN = (
    # addresses of registries and download hosts, and paths of one machine
    r"pypi\.org|pythonhosted\.org|registry\.npmjs|repo1?\.maven|/simple/|--index-url https?|--find-links",
    r"(?<![\w.])/(?:work|root|home)/\w",
)


@pytest.mark.parametrize("pattern", FOREIGN)
def test_nothing_of_a_machine_is_committed(pattern: str) -> None:
    found = []
    for path in committed():
        if path == Path(__file__) or path.stat().st_size > 5_000_000:
            continue
        for i, line in enumerate(path.read_bytes().decode("utf-8", errors="replace").split("\n"), 1):
            if re.search(pattern, line):
                found.append(f"{name_of(path)}:{i}: {line.strip()[:100]}")
    assert found == []


def test_locks_hold_hashes_for_everything() -> None:
    for name in ("requirements.lock", "requirements-postgres.lock", "requirements-dev.lock"):
        entries = re.split(r"\n(?=[a-z])", (ROOT / name).read_text().strip())
        assert len(entries) > 40
        assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
        assert all(re.match(r"[a-z0-9._-]+==\S+", entry) for entry in entries)


def test_locks_hold_every_dependency() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups, extras = project["dependency-groups"], project["project"]["optional-dependencies"]
    needed = [*project["project"]["dependencies"], *groups["build"]]
    wanted = {
        "requirements.lock": needed,
        "requirements-postgres.lock": [*needed, *extras["postgres"]],
        "requirements-dev.lock": [*needed, *groups["dev"]],
    }
    for name, requirements in wanted.items():
        locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / name).read_text(), re.MULTILINE))
        names = {re.split(r"[^\w.-]", line)[0].lower().replace("_", "-").replace(".", "-") for line in requirements}
        assert names - {entry.replace(".", "-") for entry in locked} == set(), "run `make lock`"


def test_every_figure_has_its_metric_and_every_metric_its_figure() -> None:
    """What code counts or gauges by name is in the table, and nothing stands there that nobody tells."""
    from ops.metrics import METRICS

    texts = {
        path: path.read_text(encoding="utf-8") for path in product() if path.name not in ("metrics.py", "build.py")
    }
    told = {name for text in texts.values() for name in re.findall(r'\b(?:Counted|Gauged)\(\s*"(\w+)"', text)}
    assert told - set(METRICS) == set()
    made_by_metrics_itself = {"build_info", "incidents_open"}
    silent = {name for name in METRICS if not any(f'"{name}"' in text for text in texts.values())}
    assert silent - made_by_metrics_itself == set()


def test_what_the_makefile_runs_exists() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    places = [module.replace(".", "/") + ".py" for module in re.findall(r"-m ((?:tests|ops)\.[\w.]+)", text)]
    places += re.findall(r"(tests/[\w/]+\.py|\.ci/[\w-]+)", text)
    assert len(places) >= 7
    assert [place for place in places if not (ROOT / place).is_file()] == []
