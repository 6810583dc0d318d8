"""Odd and hostile texts: a sane answer, and work that grows with the characters and no faster."""

from __future__ import annotations

import re
import sys
import time
import tracemalloc
import unicodedata
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine.core.fold
import engine.core.terms
import streams.decode
import streams.follow
import streams.mapping
import streams.order
from detectors.text import fold, language, load_scorer, vocabulary
from detectors.text import fold as fold_module
from detectors.text.fold import TEXT_CHARS_MAX, tokenise
from engine.core.fold import tokens as plain_tokens

_SCORER = load_scorer(("fr", "en"))
_MARKS = "".join(chr(p) for p in range(0x0300, 0x0370) if unicodedata.combining(chr(p)))
_PIECES = st.sampled_from([
    "panne", "Merci", "nul", "not", "ne", "pas", " ", "\n", "\x00", "\ud800", "\udfff", "\u200d", "\ufe0f", "\u202e",
    "\u2066",
    "😡", "👍🏽", "👩‍👩‍👧", "🇫🇷", "שלום", "الخدمة", "サービス", "服务", "привет", "ελληνικά", "हिन्दी", "ไทย",
    "@", "@@nordalia",
    "http://", "https://www.", "!", "?!", "''", "n't", "-", "…", "a\u0301", "Ⅷ", "ﬁ", "𝓷𝓾𝓵", "９",
    "\U000e0067", "\U00020000",
])  # fmt: skip
_TEXTS = st.lists(_PIECES, max_size=80).map("".join)
_WORDS = st.lists(
    st.sampled_from(["toujours", "en", "panne", "merci", "c'est", "nul", "great", "PAS", "!"]), max_size=9
)

HOSTILE = (
    "@", "@@nordalia", "http://", "https://www.", "www.", "\u0301", "a\u0301", "😂", "👩‍👩‍👧", "🇫🇷", "!",
    "?!", "'", "n't", "-", "a-", "ne ", "pas panne ", "vol ", "vol annulé ", "x",
    "é", "0", "1,", "1 000 ", "\x00", "\ud800", "\u200b", " ",
    "\t", "שלום ", "الخدمة", "服", "𝓷", "_", "#", "#a", "<", "&amp;", '"created_at":', '"created_at"', "-1", "2026-",
    ".5",
)  # fmt: skip


@settings(deadline=None, max_examples=200)
@given(st.lists(_TEXTS, min_size=1, max_size=6), st.sampled_from([None, "fr", "en", "de", "ar", "zh-Hant", "no such"]))
def test_any_text_has_a_whole_row(texts: list[str], lang: str | None) -> None:
    scores = _SCORER.score_many(texts, [lang] * len(texts))
    assert abs(scores.probabilities.sum(axis=1) - 1).max() < 1e-5
    assert scores.probabilities.min() >= 0
    assert ((scores.urgency >= 0) & (scores.urgency <= 1)).all()
    assert all(table == (told if told in ("fr", "en") else "mul")
               for told, table in zip(scores.langs, scores.tables, strict=True))  # fmt: skip


def _row(text: str) -> tuple[object, ...]:
    scores = _SCORER.score_many([text], ["fr"])
    return scores.probabilities.tobytes(), scores.categories, scores.urgency.tobytes()


@settings(deadline=None)
@given(_WORDS, st.data())
def test_zalgo_and_writing_direction_change_nothing(words: list[str], data: st.DataObject) -> None:
    plain = " ".join(words)
    marks = data.draw(st.lists(st.text(_MARKS, max_size=9), min_size=len(plain), max_size=len(plain)))
    zalgo = "".join(char + (mark if char.isalpha() else "") for char, mark in zip(plain, marks, strict=True))
    assert _row(zalgo) == _row(plain)
    assert _row("\u202e" + "\u2067 ".join(words) + "\u202c") == _row(plain)


@settings(deadline=None, max_examples=30)
@given(_PIECES.filter(str.strip), _PIECES)
def test_what_stands_behind_the_limit_is_not_read(piece: str, behind: str) -> None:
    text = (piece * TEXT_CHARS_MAX)[:TEXT_CHARS_MAX]
    assert _row(text + behind * 3) == _row(text)


@pytest.mark.parametrize(
    "text", ["", "   ", "\n\n", "\x00" * 99, "\ud800" * 99, "\u0301" * 99, "\u200b\ufeff", "\u3000"]
)
def test_no_text_is_neutral_and_presses_nobody(text: str) -> None:
    scores = _SCORER.score_many([text], [None])
    assert scores.labels == ("neu",)
    assert scores.probabilities[0, 1] > 0.9
    assert (scores.categories, scores.urgency.tolist()) == (((),), [0.0])


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("😍😍😍", "pos"),
        ("😡😡😡", "neg"),
        ("👍", "pos"),
        ("p\u0336a\u0336n\u0336n\u0336e\u0336 encore, c'est nul", "neg"),
    ],
)
def test_emoji_alone_and_struck_words_keep_their_tone(text: str, label: str) -> None:
    assert _SCORER.score_many([text], [None]).labels == (label,)


def _calls(work: Callable[[], object]) -> int:
    """Function calls, Python's and C's: a measure of work that no busy machine can disturb."""
    made = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return made


@pytest.mark.parametrize("piece", HOSTILE)
def test_calls_grow_with_the_characters_and_no_faster(piece: str) -> None:
    def read(chars: int) -> int:
        scorer = load_scorer(("fr", "en"))
        scorer.score_many(["Merci"], ["fr"])
        text = (piece * chars)[:chars]
        return _calls(lambda: scorer.score_many([text], ["fr"]))

    short, long = read(TEXT_CHARS_MAX // 8), read(TEXT_CHARS_MAX)
    assert long <= 8 * short * 1.3 + 500
    assert read(1_000_000) <= long * 1.1 + 100


def _seconds(work: Callable[[], object]) -> float:
    def once() -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(once() for _ in range(3))


def _patterns(*modules: ModuleType) -> list[re.Pattern[str] | re.Pattern[bytes]]:
    return [p for module in modules for p in vars(module).values() if isinstance(p, re.Pattern)]


_PATTERNS = _patterns(
    fold, language, vocabulary, engine.core.fold, engine.core.terms,
    streams.decode, streams.follow, streams.mapping, streams.order,
)  # fmt: skip


def _grows_with_the_text(pattern: re.Pattern[str] | re.Pattern[bytes], piece: str, tail: str, chars: int) -> bool:
    """Sixteen times the text is sixteen times the work; were it the square, it would be 256 times."""
    subjects: list[str | bytes] = [piece * (n // len(piece)) + tail for n in (chars, 16 * chars)]
    if isinstance(pattern.pattern, bytes):
        subjects = [str(subject).encode("utf-8", "surrogatepass") for subject in subjects]
    small, large = (_seconds(partial(_find_all, pattern, subject)) for subject in subjects)
    return large <= 64 * small + 0.02


def _find_all(pattern: Any, subject: str | bytes) -> None:
    for _ in pattern.finditer(subject):
        pass


@pytest.mark.parametrize("pattern", _PATTERNS, ids=lambda p: repr(p.pattern)[:40])
def test_no_regex_is_worse_than_linear(pattern: re.Pattern[str] | re.Pattern[bytes]) -> None:
    for piece in HOSTILE:
        for tail in ("", "\n!"):
            assert _grows_with_the_text(pattern, piece, tail, 4_000), piece


def test_a_bad_regex_would_be_caught() -> None:
    assert not _grows_with_the_text(re.compile(r"x*y"), "x", "", 1_500)


def test_the_list_of_regexes_holds_them_all() -> None:
    assert len(_PATTERNS) >= 14


def test_memory_follows_neither_one_huge_text_nor_many() -> None:
    scorer = load_scorer(("fr", "en"))
    texts = [chr(0x4E00 + i) * 1_000_000 for i in range(40)] + ["😂 panne @a http://b " * 50_000]
    scorer.score_many(["Merci"], ["fr"])
    tracemalloc.start()
    try:
        scorer.score_many(texts, ["fr"] * len(texts))
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 60_000_000
    assert kept < 5_000_000


def test_words_without_end_are_kept_short() -> None:
    scorer = load_scorer(("fr", "en"))
    for i in range(20):
        scorer.score_many([chr(0x4E00 + i) * 9_000 + "a" * 900], ["fr"])
    store = scorer._stores["fr"]
    assert max(map(len, store.index)) <= fold_module.WORD_CHARS_MAX
    assert max(map(len, store.words)) <= fold_module.WORD_CHARS_MAX


def test_tokens_are_no_more_than_characters() -> None:
    for piece in HOSTILE:
        text = (piece * TEXT_CHARS_MAX)[:TEXT_CHARS_MAX]
        assert len(tokenise([text]).words) <= len(text) + 1
        assert len(plain_tokens(text)) <= len(text)
