"""Hunspell reads every draft, question, step and reason; needs hunspell with the dictionaries fr_FR and en_US."""

from __future__ import annotations

import pytest

from ops.spelling import hunspell, reviewed, unknown_words
from playbooks.catalogue import load_catalogue, read_playbook, shipped_files
from playbooks.compose import compose, parts_of
from playbooks.filelint import all_wanted, example_facts, spelling_findings
from playbooks.template import text_of


def test_hunspell_is_here() -> None:
    assert hunspell(), "install it first: apt-get install hunspell hunspell-fr hunspell-en-us"


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_draft_is_spelt_well(lang: str) -> None:
    catalogue = load_catalogue()
    texts = {
        text_of(compose(parts_of(playbook, catalogue.voices, wanted), wanted, example_facts(playbook, lang)))
        for playbook in catalogue.playbooks.values()
        for wanted in all_wanted(langs=(lang,))
    }
    assert frozenset().union(*unknown_words(sorted(texts), lang)) == set()


def test_steps_questions_and_texts_are_spelt_well() -> None:
    findings = [
        finding for path in shipped_files() for finding in spelling_findings(read_playbook(path), unknown_words)
    ]
    assert [str(finding) for finding in findings] == []


def test_a_misspelt_word_is_found_in_its_own_text() -> None:
    said = ["Nous somes là, aujourd’hui.", "Tout va bien\u202f!", "L’équipe Vélorine vous répond."]
    assert unknown_words(said, "fr") == [{"somes"}, set(), {"Vélorine"}]
    assert unknown_words(said, "fr", known=["Vélorine & Cie"])[2] == set()
    assert unknown_words(["We apologise, don’t we?", "It recieved"], "en") == [{"apologise"}, {"recieved"}]


def test_the_reviewed_terms_are_needed() -> None:
    """A term that the dictionary knows, or a line that is two words, has no place in the list."""
    for lang in ("fr", "en"):
        terms = sorted(reviewed(lang))
        assert all(len(term.split()) == 1 for term in terms)
        assert len({term.casefold() for term in terms}) == len(terms)
