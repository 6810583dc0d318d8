"""Rows do not depend on their neighbours; time and memory do not depend on tricks."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.text import fold as fold_module
from detectors.text import load_scorer
from detectors.text.fold import SEP, tokenise
from detectors.text.scorer import LinearScorer

_ANY = st.text(st.characters(exclude_categories=[]), max_size=60)
_WORDS = st.lists(
    st.sampled_from(
        [
            "panne",
            "pas",
            "super",
            "vol",
            "annulé",
            "lost",
            "my",
            "bag",
            "!!",
            "mais",
            "NUL",
            "😡",
            "très",
            "not",
            "rude",
        ]
    ),
    max_size=12,
).map(" ".join)
_SCORER = load_scorer()


@settings(deadline=None)
@given(st.lists(st.one_of(_ANY, _WORDS), min_size=1, max_size=12), st.data())
def test_a_row_is_bit_identical_in_any_batch(texts: list[str], data: st.DataObject) -> None:
    langs = data.draw(st.lists(st.sampled_from(["fr", "en", "de", None]), min_size=len(texts), max_size=len(texts)))
    cut = data.draw(st.integers(0, len(texts)))
    whole = _SCORER.score_many(texts, langs)
    parts = [_SCORER.score_many(texts[:cut], langs[:cut]), _SCORER.score_many(texts[cut:], langs[cut:])]
    assert b"".join(p.probabilities.tobytes() for p in parts) == whole.probabilities.tobytes()
    assert b"".join(p.urgency.tobytes() for p in parts) == whole.urgency.tobytes()
    assert parts[0].categories + parts[1].categories == whole.categories
    assert parts[0].langs + parts[1].langs == whole.langs


@settings(deadline=None, max_examples=30)
@given(st.lists(_WORDS, min_size=1, max_size=30))
def test_forgetting_words_changes_nothing(texts: list[str]) -> None:
    forgetful = load_scorer()
    for store in forgetful._stores.values():
        store._keep_max = 3
    langs = ["fr"] * len(texts)
    expected = _SCORER.score_many(texts, langs)
    for i in range(0, len(texts), 4):
        scores = forgetful.score_many(texts[i : i + 4], langs[i : i + 4])
        assert scores.probabilities.tobytes() == expected.probabilities[i : i + 4].tobytes()
        assert scores.categories == expected.categories[i : i + 4]


@settings(deadline=None)
@given(st.lists(_ANY, min_size=1, max_size=8))
def test_tokens_are_folded_and_one_separator_stands_before_each_text(texts: list[str]) -> None:
    tokens = tokenise(texts).words
    assert tokens.count(SEP) == len(texts)
    assert tokens[0] == SEP
    assert all(token and not any(char.isspace() for char in token) for token in tokens)


@pytest.mark.parametrize(
    "text",
    [
        "vol " * 2_500, "ne " * 3_333, "a\u0301" * 5_000, "😂" * 10_000, "!" * 10_000, "@" * 10_000, "x" * 10_000,
        "http://" * 1_428, "שלום " * 2_000, "\ud800" * 10_000, "\x00" * 10_000, "'" * 10_000, "n't" * 3_333,
        "".join(map(chr, range(0x21, 0x2731))),
    ],
)  # fmt: skip
def test_hostile_text_is_linear_and_small(text: str) -> None:
    """The work is counted in tokens and words kept: never more than the text's own characters."""
    scorer: LinearScorer = load_scorer()
    scores = scorer.score_many([text, "Merci"], ["fr", "fr"])
    store = scorer._stores["fr"]
    assert len(tokenise([text]).words) <= len(text) + 1
    assert max(map(len, store.words)) <= fold_module.WORD_CHARS_MAX
    assert scores.probabilities[1].tobytes() == _SCORER.score_many(["Merci"], ["fr"]).probabilities[0].tobytes()
