"""`vigie playbooks`: list, show, lint, draft."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.domain.errors import InputError
from engine.domain.mention import SOURCES
from ops.commands.playbooks import playbooks_app
from playbooks.catalogue import shipped_files

RUN = CliRunner()
PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-playbook.md"


def example() -> str:
    return PAGE.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]


def run(*words: str, code: int = 0) -> str:
    result = RUN.invoke(playbooks_app, list(words))
    assert result.exit_code == code, (result.output, result.exception)
    return result.stdout


def test_list_and_show_in_both_languages() -> None:
    listed = [line.split()[0] for line in run("list").splitlines()]
    assert listed == sorted(path.stem for path in shipped_files())
    assert {"dangerous_product", "generic", "offensive_campaign", "outage"} <= set(listed)
    assert "Outage or degraded service" in run("list", "--lang", "en")
    french, english = run("show", "outage"), run("show", "outage", "--lang", "en")
    assert "Quand ne pas répondre" in french
    assert "When not to answer" in english
    assert "acknowledge" in french


def test_draft_all_gives_every_one_with_exactly_seven_keys(tmp_path: Path) -> None:
    out = tmp_path / "drafts.json"
    run("draft", "--all", "--example", "--json", str(out))
    rows = json.loads(out.read_text(encoding="utf-8"))
    assert len(rows) == len(shipped_files()) * 4 * len(SOURCES) * 3 * 3
    assert {tuple(row) for row in rows} == {("playbook", "level", "network", "lang", "form", "kind", "text")}
    assert {row["level"] for row in rows} == {"vert", "jaune", "orange", "rouge"}
    assert {(row["lang"], row["form"]) for row in rows} == {("fr", "tu"), ("fr", "vous"), ("en", None)}
    assert {row["network"] for row in rows} == set(SOURCES)
    assert not [row for row in rows if "⟦" in row["text"]]


def test_draft_takes_facts_brand_and_filters() -> None:
    said = run(
        "draft", "outage", "--network", "news", "--lang", "fr", "--form", "vous", "--kind", "holding",
        "--brand", "Vélorine", "--fact", "service={{ site }}", "--level", "jaune",
    )  # fmt: skip
    assert "Vélorine confirme qu’un incident technique touche {{ site }} depuis ⟦since⟧" in said
    assert said.count("---") == 1
    rows = json.loads(run("draft", "outage", "--network", "x", "--lang", "en", "--example", "--json", "-"))
    assert [row["kind"] for row in rows] == ["holding", "position", "reply"]


def test_lint_exits_with_two_if_there_is_a_finding(tmp_path: Path) -> None:
    assert run("lint") == ""
    bad = tmp_path / "bad.yaml"
    bad.write_text("id: x\ntitel: y\n", encoding="utf-8")
    lines = run("lint", str(bad), code=2).splitlines()
    assert f"{bad}:2:1: unknown key 'titel'; did you mean 'title'? [unknown_key]" in lines


def test_lint_names_roles_that_nobody_holds(tmp_path: Path) -> None:
    path = tmp_path / "shop.yaml"
    path.write_text(example(), encoding="utf-8")
    config = tmp_path / "vigie.yaml"
    config.write_text("roles: {legal: [Inès]}\n", encoding="utf-8")
    lines = run("lint", str(path), "-c", str(config), code=2).splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == [
        "the settings name nobody for 'community_manager', nor for its deputy 'manager' (roles, or a rota) [role]",
        "the settings name nobody for 'manager', nor for its deputy 'community_manager' (roles, or a rota) [role]",
    ]
    config.write_text("roles: {manager: [Inès]}\n", encoding="utf-8")
    assert run("lint", str(path), "-c", str(config)) == ""


def test_the_schema_is_published() -> None:
    assert json.loads(run("schema"))["$schema"].startswith("https://json-schema.org/")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["draft"], "name a playbook"),
        (["draft", "outge"], "did you mean 'outage'"),
        (["draft", "outage", "--level", "red"], "choose one of vert"),
        (["draft", "outage", "--network", "twitter"], "choose one of x"),
        (["draft", "outage", "--fact", "servise=x"], "did you mean 'service'"),
        (["draft", "outage", "--fact", "x"], "write name=value"),
        (["draft", "outage", "--json", "/nowhere/x.json"], "No such file"),
        (["show", "outage", "--lang", "de"], "choose one of fr"),
        (["list", "--dir", "/nowhere"], "no such directory"),
    ],
)
def test_bad_input_is_one_clear_line(words: list[str], said: str) -> None:
    result = RUN.invoke(playbooks_app, words)
    assert isinstance(result.exception, InputError)
    assert said in str(result.exception)
    assert "\n" not in str(result.exception)
