"""Playbook files: what breaks the schema, what breaks a plan, and where it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ruamel.yaml import YAML

from engine.domain.errors import PlaybookError
from playbooks.catalogue import load_catalogue, shipped_files
from playbooks.filelint import lint_file
from playbooks.schema import playbook_schema

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "add-a-playbook.md"


def example() -> str:
    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found
    return found[1]


def lint(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    return [str(finding).removeprefix(f"{path}:") for finding in lint_file(path)]


def test_the_playbook_of_the_how_to_page_is_sound_and_drafts(tmp_path: Path) -> None:
    assert lint(tmp_path, example()) == []
    catalogue = load_catalogue([tmp_path])
    assert catalogue["shop_closure"].title.en == "Shop closed without notice"
    assert set(catalogue.playbooks) >= {"shop_closure", "outage", "generic"}


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.name)
def test_the_shipped_playbooks_are_sound(path: Path) -> None:
    assert [str(finding) for finding in lint_file(path)] == []


@pytest.mark.parametrize("path", shipped_files(), ids=lambda path: path.name)
def test_the_published_schema_takes_them(path: Path) -> None:
    tree: Any = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(playbook_schema()).validate(tree)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**tree, "titel": 1}, playbook_schema())


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("cluster: accidental", "clustr: accidental", r"9:1: unknown key 'clustr'; did you mean 'cluster'\?"),
        ('title: {fr: "Fermeture', 'titel: {fr: "Fermeture', r"2:1: unknown key 'titel'; did you mean 'title'\?"),
        ("customer_service: 0.5", "customer_servic: 0.5", r"5:3: .*did you mean 'customer_service'"),
        ("minutes: {jaune: 60", "minutes: {jaunne: 60", r"\d+:15: .*jaunne.*did you mean 'jaune'"),
        ("deputy: manager", "deputy: manger", r"\d+:5: unknown role 'manger'; did you mean 'manager'"),
        ("role: manager", "role: nobody", r"\d+:5: unknown role 'nobody'"),
        ("after: [confirm]", "after: [confrm]", r"\d+:13: unknown step 'confrm'; did you mean 'confirm'"),
        ("after: [confirm]", "after: [post]", r"\d+:5: step 'post' waits for itself in a circle"),
        ("minutes: {jaune: 60, orange: 45, rouge: 30}", "minutes: {}", r"\d+:5: step 'post' is due at no level"),
        ("minutes: {jaune: 60,", "minutes: {jaune: 20,", r"due after 20 min, before 'confirm'"),
        ("- id: post", "- id: confirm", r"step 'confirm' stands twice"),
        ("strategies: [inform,", "strategies: [deny,", r"'deny' does not go with the cluster 'accidental'"),
        ("fermer {place}. Désolés", "fermer {plce}. Désolés", r"unknown fact 'plce'; did you mean 'place'"),
        ("fermer {place}. Désolés", "fermer {place. Désolés", r"is no slot"),
        ("[ta|votre] patience", "votre patience", r"'votre' in the form 'tu'"),
        ("Désolés pour le trajet inutile.", "Pour la gêne occasionnée, désolés.", r"banned phrase"),
        ("Désolés pour le trajet inutile.", "Écrire à jeanne@martel.fr", r"personal data"),
        ("Désolés pour le trajet inutile.", "Voilà. " * 30, r"too many for tiktok"),
        ('        linkedin: "Nous avons pris', '        linkdin: "Nous avons pris', r"did you mean 'linkedin'"),
        ('          full: ["La direction', '          ful: ["La direction', r"neither a size nor a network"),
        (
            ', en: "Shop closed without notice"',
            "",
            r"2:1: missing key 'en': every text stands in French and in English",
        ),
        ("level_min: jaune  ", "level_min: rouge  ", r"36:14: never met: the playbook is chosen from rouge on"),
        ("signals: []  ", "signals: [viral, rayd]  ", r"unknown signal 'rayd'; did you mean 'raid'"),
        (
            "- id: post\n",
            "- id: post\n    clock: acknowledge\n",
            r"60 min at jaune: the level's clock 'acknowledge' allows 15",
        ),
        ("- id: post\n", "- id: post\n    every: {vert: 60}\n", r"never comes first: `minutes` leaves vert out"),
        ("- id: post\n", "- id: post\n    action: frieze\n", r"action: .*'freeze'"),
        ("id: shop_closure", "id: Shop", r"1:1: id: "),
        ("level_min: jaune", "level_min: [", r"did not find|expected|while parsing"),
        ("cluster: accidental", "id: twice", r"9:1: .*duplicate"),
    ],
)
def test_each_fault_is_named_with_its_place(tmp_path: Path, old: str, new: str, expected: str) -> None:
    findings = lint(tmp_path, example().replace(old, new))
    assert any(re.search(expected, finding) for finding in findings), findings
    assert all(re.match(r"\d+:\d+: ", finding) for finding in findings)


def test_a_step_that_never_comes_and_a_level_without_work(tmp_path: Path) -> None:
    text = example().replace("level_min: jaune  ", "level_min: orange  ").replace("orange: 45, rouge: 30", "vert: 90")
    assert "post" in text
    rest = text.replace("{jaune: 60, vert: 90}", "{jaune: 60}").replace("orange: 15, rouge: 10", "orange: 15")
    findings = lint(tmp_path, rest)
    assert any("step 'post' never comes: this playbook is chosen from orange on" in finding for finding in findings)
    assert any("nothing is to do at rouge" in finding for finding in findings)


@pytest.mark.parametrize(
    "text", ["", "- a", "a: [", "\x00", "id: *x", "&a [*a]", "x: &a [*a]", "!!python/object:os.system x", "id: !x y"]
)
def test_what_is_no_playbook_is_one_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    assert lint_file(path)
    with pytest.raises(PlaybookError) as caught:
        load_catalogue([tmp_path])
    assert str(caught.value).startswith(f"{path}:")
    assert "\n" not in str(caught.value)


def test_bytes_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_bytes(b"id: \xff")
    assert "not UTF-8" in str(lint_file(tmp_path / "b.yaml")[0])
    assert "No such file" in str(lint_file(tmp_path / "none.yaml")[0])
    with pytest.raises(PlaybookError, match="no such directory"):
        load_catalogue([tmp_path / "none"])


def test_an_unknown_playbook_is_suggested() -> None:
    with pytest.raises(PlaybookError, match="did you mean 'outage'"):
        load_catalogue()["outge"]


def test_a_file_of_the_users_replaces_the_shipped_one(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(example().replace("id: shop_closure", "id: outage"), encoding="utf-8")
    assert load_catalogue([tmp_path])["outage"].title.en == "Shop closed without notice"
    assert load_catalogue()["outage"].title.en == "Outage or degraded service"
