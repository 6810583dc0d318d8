"""Every draft of the catalogue, filled in with the examples: nothing against it, and no two networks alike."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import pytest

from engine.domain.mention import SOURCES
from playbooks.catalogue import load_catalogue
from playbooks.compose import Wanted, compose, parts_of
from playbooks.filelint import all_wanted, example_facts
from playbooks.likeness import similar
from playbooks.lint import lint_draft
from playbooks.planner import policy_of
from playbooks.template import text_of

LONG = "La Grande Compagnie Générale des Boulangeries Réunies " * 4  # 216 characters
VOICES = {
    "plain": ("Nordalia", ""),
    "signed": ("Nordalia", "Camille Renaud, service des relations clientèle, Nordalia"),
    "long": (LONG[:200], ""),
    "quoted": ("Chez \"L'Été\" {d'Or}", ""),
}


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("playbook_id", sorted(load_catalogue().playbooks))
def test_drafts_are_sound_and_differ_between_networks(playbook_id: str, voice: str) -> None:
    catalogue = load_catalogue()
    playbook = catalogue[playbook_id]
    brand, signature = VOICES[voice]
    groups: dict[tuple[str, str, str | None, str], dict[str, str]] = defaultdict(dict)
    for wanted in all_wanted():
        facts = {**example_facts(playbook, wanted.lang, brand), "signature": signature}
        pieces = compose(parts_of(playbook, catalogue.voices, wanted), wanted, facts)
        assert lint_draft(pieces, wanted.network, wanted.lang, policy_of(playbook, wanted.lang)) == (), wanted
        groups[wanted.level, wanted.lang, wanted.form, wanted.kind][wanted.network] = text_of(pieces)
    assert len(groups) == 4 * 3 * 3
    for group, texts in groups.items():
        assert set(texts) == set(SOURCES)
        alike = [(a, b) for a, b in combinations(texts, 2) if similar(texts[a], texts[b])]
        assert alike == [], group


@pytest.mark.parametrize("playbook_id", sorted(load_catalogue().playbooks))
def test_levels_forms_and_kinds_tell_their_texts_apart(playbook_id: str) -> None:
    catalogue = load_catalogue()
    playbook = catalogue[playbook_id]

    def text(level: str, kind: str, form: str | None, lang: str = "fr") -> str:
        wanted = Wanted(level, "facebook", lang, form, kind)
        facts = example_facts(playbook, lang)
        return text_of(compose(parts_of(playbook, catalogue.voices, wanted), wanted, facts))

    for kind in ("holding", "position", "reply"):
        assert len({text(level, kind, "vous") for level in ("vert", "jaune", "orange", "rouge")}) == 4
        assert len({text(level, kind, None, "en") for level in ("vert", "jaune", "orange", "rouge")}) == 4
        assert text("orange", "reply", "tu") != text("orange", "reply", "vous")
    assert len(text("jaune", "holding", "vous")) < len(text("rouge", "holding", "vous"))


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("playbook_id", sorted(load_catalogue().playbooks))
def test_a_draft_says_when_the_next_word_comes_and_where_to_read_it(playbook_id: str, lang: str) -> None:
    catalogue = load_catalogue()
    playbook = catalogue[playbook_id]
    facts = example_facts(playbook, lang)
    for wanted in all_wanted(langs=(lang,)):
        said = text_of(compose(parts_of(playbook, catalogue.voices, wanted), wanted, facts))
        assert facts["link"] in said or facts["contact"] in said, wanted
        if wanted.level != "vert":
            assert facts["next_update"] in said, wanted


def test_a_dangerous_product_begins_with_what_to_do() -> None:
    catalogue = load_catalogue()
    playbook = catalogue["dangerous_product"]
    for wanted in all_wanted(levels=("jaune", "orange", "rouge")):
        said = text_of(compose(parts_of(playbook, catalogue.voices, wanted), wanted, {"instruction": "§"}))
        assert "§" in said, wanted
        told_later = [said.find(f"⟦{name}⟧") for name in ("finding", "remedy", "action") if f"⟦{name}⟧" in said]
        assert all(said.find("§") < at for at in told_later), wanted
