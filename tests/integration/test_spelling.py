"""Hunspell reads every draft, question, step and reason; needs hunspell with the dictionaries fr_FR and en_US."""

from __future__ import annotations

import re
import subprocess

import pytest

from playbooks.catalogue import load_catalogue
from playbooks.compose import compose, parts_of
from playbooks.filelint import all_wanted, example_facts
from playbooks.schema import Bilingual, Playbook
from playbooks.template import text_of
from playbooks.typography import URL, typeset

REVIEWED = {
    "fr": {"Nordalia", "SCCT", "RETEX", "RGPD", "DPO", "DGCCRF", "RappelConso", "RH", "Community"},
    "en": {"Nordalia", "GDPR", "DPO"},
}
"""Terms that no dictionary holds, read by a person: a brand of our own, institutions, the trade's acronyms."""

FACT = re.compile(r"[«“]\s?[a-z_]+\s?[»”]")
DICTIONARIES = {"fr": "fr_FR", "en": "en_US"}


def unknown_words(text: str, lang: str) -> set[str]:
    answer = subprocess.run(
        ["hunspell", "-l", "-i", "utf-8", "-d", DICTIONARIES[lang]],
        input=URL.sub(" ", text).replace("’", "'"),
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin:/usr/local/bin"},
    )
    return {word.strip(".") for word in answer.stdout.split()}


def bilinguals(playbook: Playbook) -> list[Bilingual]:
    return [
        playbook.title,
        *(role.title for role in playbook.roles.values()),
        *(text for step in playbook.steps for text in (step.title, step.done_when)),
        *(text for case in playbook.do_not_answer for text in (case.when, case.instead)),
        *(text for fact in playbook.facts.values() for text in (fact.question, fact.example)),
    ]


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_draft_is_spelt_well(lang: str) -> None:
    catalogue = load_catalogue()
    texts = {
        text_of(compose(parts_of(playbook, catalogue.voices, wanted), wanted, example_facts(playbook, lang)))
        for playbook in catalogue.playbooks.values()
        for wanted in all_wanted(langs=(lang,))
    }
    assert unknown_words("\n".join(sorted(texts)), lang) - REVIEWED[lang] == set()


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_steps_and_questions_are_spelt_well(lang: str) -> None:
    texts = [
        FACT.sub(" ", typeset(text.in_lang(lang), lang))
        for playbook in load_catalogue().playbooks.values()
        for text in bilinguals(playbook)
    ]
    assert unknown_words("\n".join(texts), lang) - REVIEWED[lang] == set()


def test_a_misspelt_word_is_found() -> None:
    assert unknown_words("Nous somes là.", "fr") == {"somes"}
