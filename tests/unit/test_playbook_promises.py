"""What a draft may say of its own: nothing that a person has not approved as a fact."""

from __future__ import annotations

import re

import pytest

from playbooks.catalogue import load_catalogue
from playbooks.compose import compose, parts_of
from playbooks.filelint import all_wanted, example_facts
from playbooks.template import text_of

UNAPPROVED = re.compile(
    r"cellule de crise|jour et nuit|direction|autorités|rendr\w+ publi|associations|mobilis|notre priorité|promi[st]"
    r"|téléphone|crisis team|day and night|management|authorities|make it public|promise|all hands",
    re.I,
)
"""Measures, commitments and findings: a fact may hold them, a playbook's own words may not."""


@pytest.mark.parametrize("playbook_id", sorted(load_catalogue().playbooks))
def test_a_draft_asserts_no_measure_and_no_promise_of_its_own(playbook_id: str) -> None:
    catalogue = load_catalogue()
    playbook = catalogue[playbook_id]
    for wanted in all_wanted():
        facts = example_facts(playbook, wanted.lang)
        pieces = compose(parts_of(playbook, catalogue.voices, wanted), wanted, facts)
        own = "".join(piece.text for piece in pieces if piece.fact is None)
        assert not UNAPPROVED.search(own), wanted


@pytest.mark.parametrize("playbook_id", sorted(load_catalogue().playbooks))
def test_short_drafts_are_signed_and_emails_have_a_subject(playbook_id: str) -> None:
    catalogue = load_catalogue()
    playbook = catalogue[playbook_id]
    for wanted in all_wanted(networks=("tiktok", "email", "x")):
        facts = example_facts(playbook, wanted.lang)
        said = text_of(compose(parts_of(playbook, catalogue.voices, wanted), wanted, facts))
        if wanted.network == "email":
            assert re.match(r"(Objet\u00a0: |Subject: )\S[^\n]*\n\n(Bonjour|Hello),\n", said), wanted
        elif wanted.network == "tiktok":
            assert said.endswith(("\nL’équipe Nordalia", "\nThe Nordalia team")), wanted
        if "product" in facts and wanted.network != "email":
            assert facts["product"] in said, wanted
