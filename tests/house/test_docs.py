"""The documentation: generated parts are current, code runs, commands and links exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from ops.cli import app
from ops.docs import pages, state_diagram
from ops.grafana.build import DASHBOARD, dashboard_json
from ops.settings import parse_settings
from ops.yaml_file import parse_yaml

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", sorted(pages()), ids=ids)
def test_generated_pages_are_current(page: Path) -> None:
    assert page.read_text(encoding="utf-8") == pages()[page], "run `make generate`"


def test_the_dashboard_is_current() -> None:
    assert DASHBOARD.read_text(encoding="utf-8") == dashboard_json(), "run `make generate`"


def test_the_diagram_stands_in_the_architecture_page() -> None:
    assert state_diagram() in (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def test_there_is_a_page_for_everything_one_may_add() -> None:
    assert {page.stem for page in HOW_TO} >= {
        f"add-a-{what}" for what in ("detector", "source", "notifier", "playbook")
    }


@pytest.mark.parametrize("page", HOW_TO, ids=ids)
def test_the_python_of_a_how_to_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "how_to"}
    for block in blocks(page, "python"):
        exec(compile(block, str(page), "exec", dont_inherit=True), names)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_links_resolve(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'(?:src|href)="([^"]+)"', text):
        path, _, anchor = target.partition("#")
        if "://" in path or path.startswith("mailto:"):
            continue
        place = (page.parent / path) if path else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            dead.append(target)
    assert dead == []


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def command_lines(page: Path) -> list[str]:
    """Every `vigie ...` and `make ...` that a page tells its reader to type."""
    text = page.read_text(encoding="utf-8")
    shell = "\n".join(re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.DOTALL | re.MULTILINE))
    shell = shell.replace("\\\n", " ")
    typed = [line.strip().removeprefix("$ ") for line in shell.splitlines()]
    inline = re.findall(r"`((?:vigie|make) [^`]+)`", text)
    piped = [part.strip() for line in typed for part in re.split(r"\s(?:\||&&)\s", line)]
    return [line for line in [*piped, *inline] if re.match(r"(vigie|make) ", line)]


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_commands_on_a_page_exist(page: Path) -> None:
    for line in command_lines(page):
        program, *words = shlex.split(line, comments=True)
        if program == "make":
            targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            unknown = [word for word in words if "=" not in word and word not in targets]
            assert unknown == [], line
        else:
            check_vigie(words, line)


def check_vigie(words: list[str], line: str) -> None:
    """The command and its options exist; arguments are the reader's own."""
    command: Any = typer.main.get_command(app)
    words = [word for word in words if word not in (">", "<")]
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        if name not in command.commands:  # `vigie drill outage` plays it
            name = getattr(command, "otherwise", name)
        assert name in command.commands, line
        command = command.commands[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    for word in words:
        if word.startswith("-") and word != "-":
            assert word.split("=")[0] in known | {"--help"}, f"{line}: {word}"


def test_both_readmes_name_the_same_commands() -> None:
    english, french = (set(command_lines(ROOT / name)) for name in ("README.md", "README.fr.md"))
    assert {line.split()[1] for line in english} == {line.split()[1] for line in french}


def test_help_lists_every_command_with_an_example() -> None:
    command: Any = typer.main.get_command(app)
    expected = {
        "audit", "backtest", "check", "deadletters", "demo", "detect", "doctor", "drafts", "drill", "facts",
        "incidents", "oncall", "playbooks", "replay", "report", "run", "runs", "schema", "score", "tokens", "topics",
        "train", "worker",
    }  # fmt: skip
    assert set(command.commands) == expected
    silent = [name for name, sub in every(command, "vigie") if "Example" not in (sub.help or "")]
    assert silent == []


def every(group: Any, path: str) -> list[tuple[str, Any]]:
    """All commands under a group that can be called, with their full names."""
    found = []
    for name, sub in group.commands.items():
        found += every(sub, f"{path} {name}") if hasattr(sub, "commands") else [(f"{path} {name}", sub)]
    return found


@pytest.mark.parametrize("name", ["README.md", "README.fr.md"])
def test_the_settings_in_a_readme_are_valid(name: str) -> None:
    text = "".join(blocks(ROOT / name, "yaml"))
    settings = parse_settings(parse_yaml(text.encode(), name), ROOT, {})
    assert len(settings.brands) == 1
    assert len(settings.alerts.channels) == 4
