"""The scorer: hashed linear tables, one a language, read in whole numbers.

A logit is (sum of int8 weights of the text's n-grams and words) x unit / sqrt(their number) + (sum of weights of its
facts) x unit. Sums are of integers and the rest is done element by element, so a row is the same, bit for bit, in
whatever batch it stands. After Joulin et al., "Bag of Tricks for Efficient Text Classification" (2016), and Hutto and
Gilbert, "VADER" (2014), whose valences are among the facts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors.text.fold import TEXT_CHARS_MAX
from detectors.text.heads import URGENCIES, Heads
from detectors.text.language import LanguageTeller, normalise_lang, table_for
from detectors.text.overlay import Overlay, OverlayTable
from detectors.text.reading import DECIDED, FACT_ROWS, Reading, read, read_masks
from detectors.text.tables import WEIGHTS, Table, load_table, shipped
from detectors.text.vocabulary import Vocabulary, load_vocabulary, names
from detectors.text.words import WORTH, WordStore
from engine.domain.errors import InputError
from engine.domain.scores import CATEGORIES, LABELS, Floats, Scores

if TYPE_CHECKING:
    from detectors.text.explain import Explanation

CHUNK_CHARS_MAX = 400_000
CHUNK_TEXTS_MAX = 1_024
LIKELIEST_MIN = -1.35
"""A complaint has a subject: where no category passes its threshold, the likeliest is told if its logit is at most so
far below."""
LOGIT_STEPS = 256
_BIT_VALUES = 1 << np.arange(len(CATEGORIES))
_EXP = np.array([math.exp(-i / LOGIT_STEPS) for i in range(LOGIT_STEPS * 30)])

_names = lru_cache(maxsize=4_096)(names)


class LinearScorer:
    """Reads comments with one linear table a language. See `engine.ports.text.TextScorer`."""

    def __init__(self, langs: tuple[str, ...], tables: dict[str, Table], vocabulary: Vocabulary) -> None:
        self._teller = LanguageTeller(langs)
        self._tables = tables
        self._stores = {lang: WordStore(_columns(table), table.lexicon, vocabulary) for lang, table in tables.items()}
        self.overlay = Overlay()
        """What was learnt from corrections; another may be put in its place between two batches."""

    def score_many(
        self, texts: Sequence[str], langs: Sequence[str | None], usual: Sequence[str | None] | None = None
    ) -> Scores:
        """Score a batch; `langs` holds what the source said, `usual` what the brand's public writes, for texts that
        are too short to tell.

        >>> scorer = load_scorer(("fr", "en"))
        >>> scores = scorer.score_many(["Toujours en panne, c'est une honte !", "  "], ["fr", None])
        >>> scores.labels, scores.categories[0], scores.langs
        (('neg', 'neu'), ('outage',), ('fr', 'fr'))
        >>> scorer.score_many(["Nordalia ???", "Wann kommt das Paket?"], [None, "de"], ["en", None]).tables
        ('en', 'mul')
        """
        told = self._teller.tell_many(texts, langs, usual)
        known = tuple(self._tables)
        table_of = {lang: table_for(lang, known) for lang in set(told)}
        which = [table_of[lang] for lang in told]
        probabilities = np.zeros((len(texts), 3), dtype=np.float32)
        urgency = np.zeros(len(texts), dtype=np.float32)
        irony, toxicity = np.zeros_like(urgency), np.zeros_like(urgency)
        masks = np.zeros(len(texts), dtype=np.int64)
        for name in known:
            rows = [i for i, other in enumerate(which) if other == name]
            for chunk in _chunks(texts, rows):
                reading = read([texts[i] for i in chunk], self._stores[name])
                store, table = self._stores[name], self._tables[name]
                sums = hashed_sums(reading, store)
                roots = _roots(reading)
                tone = _logits(reading, sums, table, roots)
                if table.heads is None:
                    urgency[chunk], masks[chunk] = reading.urgency, reading.masks & DECIDED
                else:
                    said = ask(table.heads, reading, sums[:, len(LABELS) :], roots, tone)
                    urgency[chunk], masks[chunk], irony[chunk], toxicity[chunk] = said
                probabilities[chunk] = _probabilities(reading, tone, store, self.overlay.tables.get(name))
        categories = tuple(map(_names, masks.tolist()))
        return Scores(tuple(told), probabilities, categories, urgency, irony, toxicity, tables=tuple(which))

    @property
    def tables(self) -> Mapping[str, Table]:
        """The shipped tables, by language."""
        return self._tables

    @property
    def stores(self) -> Mapping[str, WordStore]:
        """The words that each table has read."""
        return self._stores

    def table_names(self, texts: Sequence[str], langs: Sequence[str | None]) -> list[str]:
        """Which table reads each text."""
        known = tuple(self._tables)
        return [table_for(lang, known) for lang in self._teller.tell_many(texts, langs)]

    def explain(self, text: str, lang: str | None) -> Explanation:
        """Why a text is read as it is: see `detectors.text.explain.explain`."""
        from detectors.text.explain import explain  # it is built on this module

        return explain(self, text, lang)

    def categorise_many(
        self, texts: Sequence[str], langs: Sequence[str | None] | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Categories only: those that `score_many` would give.

        >>> load_scorer().categorise_many(["Toujours en panne !", "Bonne journée"], ["fr", "fr"])
        (('outage',), ())
        """
        masks = np.zeros(len(texts), dtype=np.int64)
        which = self.table_names(texts, langs or [None] * len(texts))
        for name in self._tables:
            table, store = self._tables[name], self._stores[name]
            for chunk in _chunks(texts, [i for i, other in enumerate(which) if other == name]):
                if table.heads is None:
                    masks[chunk] = read_masks([texts[i] for i in chunk], store)
                else:
                    reading = read([texts[i] for i in chunk], store)
                    sums, roots = hashed_sums(reading, store), _roots(reading)
                    tone = _logits(reading, sums, table, roots)
                    masks[chunk] = ask(table.heads, reading, sums[:, len(LABELS) :], roots, tone)[1]
        return tuple(map(_names, masks.tolist()))


def _chunks(texts: Sequence[str], rows: list[int]) -> Iterator[list[int]]:
    """Rows in order, in pieces of bounded size: memory must not follow the batch."""
    chunk: list[int] = []
    size = 0
    for row in rows:
        chars = min(len(texts[row]), TEXT_CHARS_MAX)
        if chunk and (size + chars > CHUNK_CHARS_MAX or len(chunk) >= CHUNK_TEXTS_MAX):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += chars
    if chunk:
        yield chunk


def _columns(table: Table) -> NDArray[np.int8]:
    """Weights of sentiment and heads side by side: one look a feature serves all."""
    if table.heads is None:
        return table.slots
    return np.ascontiguousarray(np.hstack([table.slots, table.heads.slots]))


def hashed_sums(reading: Reading, store: WordStore) -> NDArray[np.int32]:
    """Sum of the weights of each text's hashed features, shape (n, columns)."""
    tokens = store.sums.take(reading.ids * 2 + reading.negated, axis=0)
    assert store.weights is not None
    tokens[reading.pair_at] += store.weights.take(reading.pairs, axis=0) * np.int16(WORTH)
    return np.add.reduceat(tokens, reading.starts, axis=0, dtype=np.int32)


def fact_sums(reading: Reading, weights: NDArray[np.int16]) -> NDArray[np.float64]:
    """Sum of the weights, shape (ROWS, k), of each text's facts and finds, shape (n, k).

    The product is of whole numbers below 2^53, so it is exact in any order."""
    facts = weights[:FACT_ROWS].take(reading.facts, axis=0).sum(axis=1, dtype=np.int64)
    return np.asarray(facts + reading.found @ weights[FACT_ROWS:])


def ask(
    heads: Heads, reading: Reading, sums: NDArray[np.int32], roots: NDArray[np.float64], tone: NDArray[np.float64]
) -> tuple[Floats, NDArray[np.int64], Floats, Floats]:
    """Urgency, categories as bits, P(irony) and P(toxic) of each text; `tone` holds the shipped logits of sentiment."""
    logits = sums * heads.slot_units / roots
    logits += fact_sums(reading, heads.facts) * heads.fact_units
    logits += heads.bias
    logits[reading.features == 0] = -30.0  # nothing to read
    n = len(CATEGORIES)
    subjects = logits[:, :n]
    said = subjects > 0.0
    bare = np.flatnonzero((tone.argmax(axis=1) == 0) & ~said.any(axis=1))
    likeliest = subjects[bare].argmax(axis=1)
    said[bare, likeliest] = subjects[bare, likeliest] > LIKELIEST_MIN
    rest = _logistic(logits[:, n:])
    rest[reading.features == 0] = 0.0
    return rest[:, : len(URGENCIES)].mean(axis=1), said @ _BIT_VALUES, rest[:, -2], rest[:, -1]


def _logistic(logits: NDArray[np.float64]) -> Floats:
    """1 / (1 + exp(-x)) by table, so that a row is the same in whatever batch it stands."""
    steps = np.minimum(np.rint(np.abs(logits) * LOGIT_STEPS), len(_EXP) - 1).astype(np.int64)
    small = _EXP[steps] / (1.0 + _EXP[steps])
    chance: Floats = np.where(logits > 0, 1.0 - small, small).astype(np.float32)
    return chance


def logits_of(reading: Reading, store: WordStore, table: Table) -> NDArray[np.float64]:
    """The shipped logits, shape (n, 3)."""
    return _logits(reading, hashed_sums(reading, store), table, _roots(reading))


def _roots(reading: Reading) -> NDArray[np.float64]:
    """The root of the number of hashed features of each text, shape (n, 1)."""
    return np.asarray(np.sqrt(np.maximum(reading.features, 1))[:, None])


def _logits(reading: Reading, sums: NDArray[np.int32], table: Table, roots: NDArray[np.float64]) -> NDArray[np.float64]:
    logits = sums[:, : len(LABELS)] * table.slot_unit / roots
    logits += fact_sums(reading, table.facts) * table.fact_unit
    return np.asarray(logits)


def _probabilities(
    reading: Reading, tone: NDArray[np.float64], store: WordStore, learnt: OverlayTable | None
) -> Floats:
    logits = tone.copy()
    if learnt is not None:
        logits += learnt.logits(reading, store)
    logits[reading.features == 0] = (0.0, 6.0, 0.0)  # nothing to read: neutral
    below = np.rint((logits.max(axis=1, keepdims=True) - logits) * LOGIT_STEPS)
    parts = _EXP[np.minimum(below, len(_EXP) - 1).astype(np.int64)]
    total = parts[:, 0] + parts[:, 1] + parts[:, 2]
    return np.asarray(parts / total[:, None], dtype=np.float32)


def load_scorer(langs: tuple[str, ...] = ("fr", "en")) -> LinearScorer:
    """The shipped scorer for these languages (ISO 639-1); the first is the default for short texts.

    A language without a table of its own is read with the multilingual one, and `Scores.tables` says so. Raises
    InputError if `langs` is empty or no language code.

    >>> load_scorer(("fr",)).score_many(["Merci, service parfait !"], [None]).labels
    ('pos',)
    """
    told = tuple(dict.fromkeys(lang for lang in map(normalise_lang, langs) if lang))
    if not told or len(told) < len(set(langs)):
        raise InputError(f"languages: {', '.join(langs) or 'none'}: give ISO 639-1 codes, such as fr, en")
    return LinearScorer(told, {lang: load_table(lang, WEIGHTS) for lang in shipped()}, load_vocabulary())
