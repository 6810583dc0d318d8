"""Folding and cutting text into tokens."""

from __future__ import annotations

import pytest

from detectors.text.fold import HANDLE, SEP, URL, fold_many, fold_text, tokenise


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Ça MARCHE", ["ca", "marche"]),
        ("e\u0301te\u0301", ["ete"]),
        ("cœur", ["coeur"]),
        ("don't can’t", ["dont", "cant"]),
        ("c'est l’appli", ["c", "est", "l", "appli"]),
        ("service-client - non", ["service", "client", "-", "non"]),
        ("noooooon!!!!", ["noon", "!!"]),
        ("ok :) ?", ["ok", ":)", "?"]),
        ("1000 euros", ["1000", "euros"]),
        ("@lumeo voir https://exemple.test/x?y=1", [HANDLE, "voir", URL]),
        ("z\u0336\u0321a\u0337l\u0338g\u0334o\u0335", ["zalgo"]),
        ("a\u2028b\x85c\x0bd", ["a", "b", "c", "d"]),
        ("\ud83d seul", ["seul"]),
        ("\U0001d41f\U0001d41a\U0001d422\U0001d425", ["fail"]),
        ("👍🏽👍🏽", ["\ue44d", "\ue44d"]),
        ("", []),
        ("   \t", []),
    ],
)
def test_fold_text(text: str, tokens: list[str]) -> None:
    assert fold_text(text) == tokens


def test_nul_inside_a_text_does_not_part_the_batch() -> None:
    assert tokenise(["a\x00b", "c"]).words == [SEP, "a", "b", SEP, "c"]


def test_capitals_and_stretches_are_counted_per_text() -> None:
    tokens = tokenise(["AAAA bb", "c", "Dé"])
    assert tokens.capitals.tolist() == [4, 0, 1]
    assert tokens.letters.tolist() == [6, 1, 2]
    assert tokens.stretched.tolist() == [2, 0, 0]


def test_fold_many_keeps_empty_texts() -> None:
    assert fold_many(["", "a b", ""]) == [(), ("a", "b"), ()]
    assert fold_many([]) == []
