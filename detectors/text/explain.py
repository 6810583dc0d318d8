"""Why a comment was read as it was: what each word, pair of words and fact brought, to the last digit.

The reader is linear, so the log-odds of negative against the next likely label is a sum: of the words (each with its
character n-grams), of the pairs, of the facts, and of what corrections taught about each; where irony lowers the
confidence, all of them are smaller by the same factor. Nothing is approximated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.text import roles as w
from detectors.text.fold import HANDLE, SEP, TEXT_CHARS_MAX, URL, emoji_char, fold_many
from detectors.text.overlay import Logits, OverlayTable, root_words
from detectors.text.reading import FACT_ROWS, Reading, fact_name, read
from detectors.text.scorer import LinearScorer, confidence, logits_of
from detectors.text.tables import Table
from detectors.text.words import WORTH, WordStore
from engine.domain.scores import LABELS

_SHOWN = {HANDLE: "@…", URL: "http…"}
_WORD_CHARS_MAX = 40
TELLING_PART = 0.2
"""A word that brought less than this part of what the first one brought is not worth showing."""
VALENCE_FACTS = frozenset({"valence", "positive", "negative", "valence_a_word", "last_valence", "mixed"})
"""Facts that come from the words of the lexicon."""


@dataclass(frozen=True, slots=True)
class Push:
    """What one thing brought to the log-odds of negative: above 0 for it, below against."""

    kind: str
    """"word", "pair", "fact", or "always" (learnt, the same for every text)."""
    name: str
    """The words as they were written, or the fact's name."""
    by: float
    """All that it brought,"""
    learnt: float = 0.0
    """of which this much through corrections."""
    at: int = -1
    """Place of the first word among the text's words; -1 for what has no place."""

    @property
    def is_valence(self) -> bool:
        return self.kind == "fact" and self.name.partition(" ")[0] in VALENCE_FACTS


@dataclass(frozen=True, slots=True)
class Explanation:
    """One text explained. `sum(push.by for push in pushes)` is `log_odds`, but for the rounding of floats."""

    lang: str
    table: str
    """The language whose table read it."""
    label: str
    against: str
    """The likelier of "neu" and "pos": log-odds are of "neg" against it."""
    log_odds: float
    pushes: tuple[Push, ...]
    """In the order of the text, facts behind."""
    lexicon: tuple[float, ...] = ()
    """The lexicon's valence of each word in its place, in [-4, 4]."""

    def strongest(self, n: int = 8) -> tuple[Push, ...]:
        """The pushes that matter most, either way."""
        return tuple(sorted(self.pushes, key=lambda push: (-abs(push.by), push.at, push.name))[:n])

    def negative_words(self, n: int = 4) -> tuple[str, ...]:
        """The words that made it negative, most first: with their half of their pairs, and with the lexicon's facts
        shared out over the words of bad valence."""
        words = {push.at: push for push in self.pushes if push.kind == "word"}
        share = {at: push.by for at, push in words.items()}
        for push in self.pushes:
            if push.kind == "pair":
                share[push.at] += push.by / 2
                share[push.at + 1] += push.by / 2
        facts = sum(push.by for push in self.pushes if push.is_valence)
        bad = {at: -value for at, value in enumerate(self.lexicon) if value < 0}
        for at, value in bad.items():
            share[at] += max(facts, 0.0) * value / sum(bad.values())
        best = sorted((at for at in share if share[at] > 0 and _tells(words[at].name)), key=lambda at: (-share[at], at))
        telling = [words[at].name for at in best if share[at] >= TELLING_PART * share[best[0]]]
        return tuple(dict.fromkeys(telling))[:n]


def explain(scorer: LinearScorer, text: str, lang: str | None) -> Explanation:
    """Why the scorer reads this text as it does; `lang` is what its source said, None for nothing.

    >>> from detectors.text import load_scorer
    >>> why = explain(load_scorer(("fr",)), "Encore en panne, quelle honte !", "fr")
    >>> why.label, "honte" in why.negative_words()
    ('neg', True)
    >>> abs(sum(push.by for push in why.pushes) - why.log_odds) < 1e-9
    True
    """
    told = scorer.score_many([text], [lang])
    name = told.tables[0]
    store, table, learnt = scorer.stores[name], scorer.tables[name], scorer.overlay.tables.get(name)
    reading = read([text], store)
    label = told.labels[0]
    if not reading.features[0]:
        return Explanation(told.langs[0], name, label, "neu", -6.0, (Push("fact", "empty", -6.0),))
    logits = logits_of(reading, store, table)[:, : len(LABELS)]
    if learnt is not None:
        logits = logits + learnt.logits(reading, store)
    sure = float(confidence(told.irony)[0])
    rival = 1 if logits[0, 1] >= logits[0, 2] else 2
    by_token = _by_token(reading, store, table, rival)
    learnt_by = _learnt(reading, store, learnt, rival)
    return Explanation(
        told.langs[0],
        name,
        label,
        LABELS[rival],
        float(logits[0, 0] - logits[0, rival]) * sure,
        _pushes(reading, _written(text, store, reading), by_token.scaled(sure), learnt_by.scaled(sure)),
        tuple((store.valences[reading.ids[1:]] * np.where(reading.negated[1:], -0.75, 1.0) / 10).tolist()),
    )


@dataclass(frozen=True, slots=True)
class _Parts:
    """Log-odds by where they come from: (t,), (p,), (facts,), and one."""

    words: Logits
    pairs: Logits
    facts: Logits
    always: float = 0.0

    def scaled(self, by: float) -> _Parts:
        return _Parts(self.words * by, self.pairs * by, self.facts * by, self.always * by)


def _odds(weights: NDArray[np.signedinteger[Any]], rival: int) -> Logits:
    return (weights[:, 0].astype(np.int64) - weights[:, rival].astype(np.int64)).astype(np.float64)


def _fact_rows(reading: Reading) -> list[int]:
    """The rows of the table of facts that hold for a text: its bins, then what was found."""
    return [*reading.facts[0].tolist(), *(FACT_ROWS + reading.found[0].nonzero()[0]).tolist()]


def _by_token(reading: Reading, store: WordStore, table: Table, rival: int) -> _Parts:
    root = float(np.sqrt(max(int(reading.features[0]), 1)))
    tokens = np.where(reading.negated[:, None], store.negated[reading.ids], store.plain[reading.ids])
    return _Parts(
        _odds(tokens, rival) * table.slot_unit / root,
        _odds(table.slots[reading.pairs], rival) * WORTH * table.slot_unit / root,
        _odds(table.facts[_fact_rows(reading)], rival) * table.fact_unit,
    )


def _learnt(reading: Reading, store: WordStore, learnt: OverlayTable | None, rival: int) -> _Parts:
    if learnt is None:
        return _Parts(np.zeros(len(reading.ids)), np.zeros(len(reading.pairs)), np.zeros(len(_fact_rows(reading))))
    tokens, pairs = learnt.token_sums(reading, store)
    root = float(root_words(reading)[0])
    return _Parts(
        _odds(tokens, rival) * learnt.unit / root,
        _odds(pairs, rival) * learnt.unit / root,
        np.concatenate(
            (_odds(learnt.facts[reading.facts[0]], rival) * learnt.unit, np.zeros(int(reading.found[0].sum())))
        ),
        float(_odds(learnt.always[None, :], rival)[0] * learnt.unit),
    )


def _pushes(reading: Reading, written: Sequence[str], shipped: _Parts, learnt: _Parts) -> tuple[Push, ...]:
    found = [
        Push("word", written[at - 1], float(shipped.words[at] + learnt.words[at]), float(learnt.words[at]), at - 1)
        for at in range(1, len(reading.ids))
    ]
    for i, at in enumerate(reading.pair_at.tolist()):
        name = f"{written[at - 1]} {written[at]}"
        found.append(Push("pair", name, float(shipped.pairs[i] + learnt.pairs[i]), float(learnt.pairs[i]), at - 1))
    for i, row in enumerate(_fact_rows(reading)):
        found.append(Push("fact", fact_name(row), float(shipped.facts[i] + learnt.facts[i]), float(learnt.facts[i])))
    if learnt.always:
        found.append(Push("always", "always", learnt.always, learnt.always))
    return tuple(found)


def _written(text: str, store: WordStore, reading: Reading) -> list[str]:
    """Each word as it stands in the text, accents and capitals included; folded where that can't be told."""
    pieces = text[:TEXT_CHARS_MAX].replace(SEP, " ").replace("’", "'").replace("'", " ").replace("-", " ").split()
    spelled: dict[str, str] = {}
    for piece, tokens in zip(pieces, fold_many(pieces), strict=True):
        for token in tokens:
            inner = piece.strip('.,;:!?()[]"«»…') if len(tokens) > 1 else piece
            spelled.setdefault(token, inner if len(fold_many([inner])[0]) == 1 else token)
    folded = [store.words[i] for i in reading.ids[1:].tolist()]
    return [_SHOWN.get(token, spelled.get(token, emoji_char(token)))[:_WORD_CHARS_MAX] for token in folded]


def _tells(word: str) -> bool:
    """Whether a word says something to a reader: no handle, link, figure or mark, nor one of a letter or two; a smile
    or a frown does."""
    letters = sum(char.isalpha() for char in word)
    return word not in _SHOWN.values() and (letters > 2 or bool(w.role_of(word) & w.EMOJI))
