"""Rendered drafts judged by their words alone, and what counts as the same text."""

from __future__ import annotations

from difflib import SequenceMatcher

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from playbooks.judge import judge, name_of
from playbooks.likeness import similar
from playbooks.networks import NETWORKS

BASE = {"playbook": "p", "level": "orange", "network": "x", "lang": "fr", "form": "vous", "kind": "reply"}


def row(**changed: object) -> dict[str, object]:
    return {**BASE, "text": "Nous revenons vers vous à 18 h.", **changed}


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"text": "Vraiment ?"}, "typography"),
        ({"text": "Suite à ⟦next_update⟧"}, "missing_fact"),
        ({"text": "mot " * 80}, "length"),
        ({"text": "Sans commentaire"}, "banned"),
        ({"text": "Voir ftp://a.example"}, "link"),
        ({"text": "Panne\u202e"}, "hidden"),
    ],
)
def test_each_fault_is_told_with_its_draft(changed: dict[str, object], rule: str) -> None:
    found = judge([row(**changed)])
    assert [(one.rule, one.draft) for one in found] == [(rule, "p orange x fr vous reply")]


def test_a_link_counts_23_on_x_and_an_emoji_two() -> None:
    link = "https://nordalia.example/" + "a" * 300
    assert judge([row(text="é" * 256 + " " + link)]) == []
    assert [one.rule for one in judge([row(text="é" * 257 + " " + link)])] == ["length"]
    assert NETWORKS["x"].count("日" * 140) == 280
    assert [one.rule for one in judge([row(text="日" * 141)])] == ["length"]


def test_twins_gaps_and_repeats_are_told() -> None:
    said = "Une panne touche le site depuis 14 h 10. Nous cherchons la cause."
    twins = judge([row(text=said), row(network="mastodon", text=said.replace("cherchons", "cherchons tous"))])
    assert [(one.rule, one.draft) for one in twins] == [("same_text", "p orange mastodon fr vous reply")]
    assert judge([row(text=said), row(network="mastodon", level="rouge", text=said)]) == []
    assert [one.rule for one in judge([row(), row()])] == ["twice"]
    many = [
        row(network=name, kind=kind, text=f"{name} {kind}")
        for name in NETWORKS
        for kind in ("holding", "position", "reply")
    ]
    assert {one.rule for one in judge(many)} >= {"absent"}


def test_spelling_is_told_by_draft() -> None:
    def unknown(texts: object, lang: str) -> list[frozenset[str]]:
        return [frozenset({"somes"}) if "somes" in text else frozenset() for text in texts]  # type: ignore[attr-defined]

    found = judge([row(), row(network="dm", text="Nous somes là.")], unknown)
    assert [(one.rule, one.draft) for one in found] == [("spelling", name_of(row(network="dm")))]


@given(st.text("ab c", max_size=60), st.text("ab c", max_size=60))
@settings(max_examples=300, deadline=None)
def test_the_short_cut_never_hides_a_likeness(a: str, b: str) -> None:
    ratios = [SequenceMatcher(None, x, y, junk).ratio() for x, y in ((a, b), (b, a)) for junk in (True, False)]
    assert similar(a, b) == (max(ratios) > 0.9)
