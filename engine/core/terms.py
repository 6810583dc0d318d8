"""What the negatives are about: the words that tell them from what is usually said of the brand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from math import log
from typing import Any

from engine.core.fold import fold
from engine.core.stop_words import STOP_WORDS

BASELINE_TERMS_MAX = 4_000
SUPPORT_MIN = 0.03
BASELINE_HALF_LIFE_DAYS = 7.0
FADE_DAYS = 3.0
"""Fading touches every term, so it is done so often and no oftener."""
_WORD_OR_STOP = re.compile(r"[@#]?\w+|[.,;:!?…\n]")
"""A pair of words does not reach over punctuation."""


def terms_of(text: str, ignored: frozenset[str] = frozenset()) -> set[str]:
    """The distinct words and pairs of neighbouring words of a text that may name a subject.

    >>> sorted(terms_of("Mon vol est annulé @nordalia"))
    ['annule', 'vol', 'vol annule']
    """
    found: set[str] = set()
    previous = ""
    for token in _WORD_OR_STOP.findall(fold(text[:1_000])):
        word = token[1:] if token[0] == "#" else token
        if word in STOP_WORDS:
            continue  # passed over: "vol est annulé" gives the pair "vol annule"
        if not 3 <= len(word) <= 30 or word[0] in "@0123456789" or word in ignored:
            previous = ""
            continue
        found.add(word)
        if previous and previous != word:
            found.add(f"{previous} {word}")
        previous = word
    return found


def as_written(terms: Sequence[str], texts: Iterable[str]) -> tuple[str, ...]:
    """The form in which people write each folded term most often, accents and all.

    >>> as_written(["reseau mobile"], ["Le Réseau mobile est mort", "réseau mobile HS", "reseau mobile"])
    ('réseau mobile',)
    """
    forms: dict[str, dict[str, int]] = {part: {} for term in terms for part in term.split()}
    for text in texts:
        raw = _WORD_OR_STOP.findall(text[:1_000].lower())
        folded = _WORD_OR_STOP.findall(fold(text[:1_000]))
        if len(raw) != len(folded):
            continue
        for word, written in zip(folded, raw, strict=True):
            counts = forms.get(word.lstrip("#"))
            if counts is not None:
                form = written.lstrip("#")
                counts[form] = counts.get(form, 0) + 1
    best = {part: min(c, key=lambda form: (-c[form], form)) if c else part for part, c in forms.items()}
    return tuple(dict.fromkeys(" ".join(best[part] for part in term.split()) for term in terms))


class TermCounts:
    """In how many documents each term stands."""

    def __init__(self, documents: Iterable[set[str]] = ()) -> None:
        self.documents = 0
        self.counts: dict[str, int] = {}
        for terms in documents:
            self.add(terms)

    def add(self, terms: set[str]) -> None:
        """Count one document. Past the limit terms of a single document are forgotten: most of them never return."""
        self.documents += 1
        counts = self.counts
        for term in terms:
            counts[term] = counts.get(term, 0) + 1
        if len(counts) > 2 * BASELINE_TERMS_MAX:
            self.counts = {term: n for term, n in counts.items() if n > 1 + self.documents // 1_000}

    def snapshot(self) -> list[Any]:
        return [self.documents, dict(sorted(self.counts.items()))]

    def restore(self, data: list[Any]) -> None:
        self.documents, self.counts = data


class TermBaseline:
    """How often each term stands in what is usually said of the brand, good or bad. Half-life: a week."""

    def __init__(self) -> None:
        self.documents = 0.0
        self.counts: dict[str, float] = {}
        self._at_ms = 0

    def learn(self, documents: Iterable[set[str]], at_ms: int) -> None:
        """Take calm documents in."""
        self._fade(at_ms)
        for terms in documents:
            self.documents += 1
            for term in terms:
                self.counts[term] = self.counts.get(term, 0.0) + 1
        if len(self.counts) > BASELINE_TERMS_MAX:
            # what stood in one text only says little of what is usual; and it is most of the terms
            self.counts = {term: n for term, n in self.counts.items() if n > 1}
            if len(self.counts) > BASELINE_TERMS_MAX // 2:
                ranked = sorted(self.counts.items(), key=lambda item: (-item[1], item[0]))
                self.counts = dict(ranked[: BASELINE_TERMS_MAX // 2])

    def _fade(self, at_ms: int) -> None:
        days = (at_ms - self._at_ms) / 86_400_000 if self._at_ms else 0.0
        if self._at_ms and days < FADE_DAYS:
            return
        if self._at_ms:
            keep = 0.5 ** (days / BASELINE_HALF_LIFE_DAYS)
            self.documents *= keep
            self.counts = {term: n * keep for term, n in self.counts.items() if n * keep >= 0.05}
        self._at_ms = at_ms

    def distinctive(self, storm: TermCounts, n_max: int = 8) -> tuple[str, ...]:
        """The terms that stand out most, best first.

        By the log-likelihood ratio of the documents with and without the term, here and in the baseline (Dunning 1993),
        which stays sound for a word that was never seen before; only terms more common than usual, and of at least two
        documents and 3 % of them: what a few say is no subject. A pair of words replaces its words when it is about as
        frequent.
        """
        counts, n, base_n = storm.counts, storm.documents, self.documents
        at_least = max(2.0 if n >= 5 else 1.0, SUPPORT_MIN * n)
        ranked = []
        for term, count in counts.items():
            if count < at_least:
                continue
            usual = min(self.counts.get(term, 0.0), base_n)
            if count * base_n < usual * n:
                continue
            surprise = _log_likelihood_ratio(count, n, usual, base_n)
            ranked.append((-surprise, -count, term))
        ranked.sort()
        chosen: list[str] = []
        for _, minus_count, term in ranked:
            words = set(term.split())
            if any(words <= set(other.split()) for other in chosen):
                continue
            wider = [other for other in chosen if set(other.split()) < words]
            if wider:
                if -minus_count < 0.6 * max(counts[other] for other in wider):
                    continue
                first = min(chosen.index(other) for other in wider)
                chosen = [other for other in chosen if other not in wider]
                chosen.insert(first, term)
            else:
                chosen.append(term)
            if len(chosen) > 2 * n_max:
                break
        return tuple(chosen[:n_max])

    def snapshot(self) -> dict[str, Any]:
        return {"v": 1, "documents": self.documents, "at_ms": self._at_ms, "counts": dict(self.counts)}

    def restore(self, data: dict[str, Any]) -> None:
        self.documents, self._at_ms, self.counts = data["documents"], data["at_ms"], data["counts"]


def _log_likelihood_ratio(k1: float, n1: float, k2: float, n2: float) -> float:
    """How much better two rates explain k1 of n1 and k2 of n2 than one does; half a document smooths each cell."""
    k1, k2, n1, n2 = k1 + 0.5, k2 + 0.5, n1 + 1.0, n2 + 1.0
    rate = (k1 + k2) / (n1 + n2)

    def fit(k: float, n: float, p: float) -> float:
        return k * log(p) + (n - k) * log(1 - p)

    return fit(k1, n1, k1 / n1) + fit(k2, n2, k2 / n2) - fit(k1, n1, rate) - fit(k2, n2, rate)
