"""The scorer: hashed linear tables, one a language, read in whole numbers.

A logit is (sum of int8 weights of the text's n-grams and words) x unit / sqrt(their number) + (sum of weights of its
facts) x unit. Sums are of integers and the rest is done element by element, so a row is the same, bit for bit, in
whatever batch it stands. After Joulin et al., "Bag of Tricks for Efficient Text Classification" (2016), and Hutto and
Gilbert, "VADER" (2014), whose valences are among the facts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.text.fold import TEXT_CHARS_MAX
from detectors.text.heads import URGENCIES
from detectors.text.language import LanguageTeller, normalise_lang, table_for
from detectors.text.overlay import Overlay
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
LIKELIEST_MIN = (-2.0, -1.0)
"""Complaints and praise have a subject: where no category passes its threshold, the likeliest is told if its logit is
no further below than this, for complaints and for praise."""
IRONY_DOUBT = 0.4
"""How much of its logits a text loses that is surely ironic; half of it at P(irony) = 3/4, nothing up to 1/2."""
_LEAST = np.array([LIKELIEST_MIN[0], np.inf, LIKELIEST_MIN[1]])
LOGIT_STEPS = 256
_BIT_VALUES = 1 << np.arange(len(CATEGORIES))
_EXP = np.array([math.exp(-i / LOGIT_STEPS) for i in range(LOGIT_STEPS * 30)])
_UNLIKELY = (_EXP / (1.0 + _EXP)).astype(np.float32)
_LIKELY = (1.0 - _EXP / (1.0 + _EXP)).astype(np.float32)

_Answers: TypeAlias = tuple[Floats, Floats, NDArray[np.int64], Floats, Floats]

_names = lru_cache(maxsize=4_096)(names)


class LinearScorer:
    """Reads comments with one linear table a language. See `engine.ports.text.TextScorer`."""

    def __init__(self, langs: tuple[str, ...], tables: dict[str, Table], vocabulary: Vocabulary) -> None:
        self._teller = LanguageTeller(langs)
        self._tables = tables
        self._joined = {lang: join(table) for lang, table in tables.items()}
        self._stores = {
            lang: WordStore(joined.slots, tables[lang].lexicon, vocabulary) for lang, joined in self._joined.items()
        }
        self.overlay = Overlay()
        """What was learnt from corrections; another may be put in its place between two batches."""

    def score_many(
        self, texts: Sequence[str], langs: Sequence[str | None], usual: Sequence[str | None] | None = None
    ) -> Scores:
        """Score a batch; `langs` holds what the source said, `usual` what the brand's public writes, for texts that
        are too short to tell.

        >>> scorer = load_scorer(("fr", "en"))
        >>> scores = scorer.score_many(["Toujours en panne !", "  "], ["fr", None])
        >>> scores.labels, scores.categories[0], scores.langs
        (('neg', 'neu'), ('outage',), ('fr', 'fr'))
        >>> scorer.score_many(["Nordalia ???", "Wann kommt das Paket?"], [None, "de"], ["en", None]).tables
        ('en', 'mul')
        """
        told = self._teller.tell_many(texts, langs, usual)
        known = tuple(self._tables)
        table_of = {lang: table_for(lang, known) for lang in set(told)}
        which = [table_of[lang] for lang in told]
        chunks = list(_chunks(texts, which))
        said = [self._answer(name, [texts[i] for i in rows] if len(chunks) > 1 else texts) for name, rows in chunks]
        probabilities, urgency, masks, irony, toxicity = _together([rows for _, rows in chunks], said)
        categories = tuple(map(_names, masks.tolist()))
        return Scores(tuple(told), probabilities, categories, urgency, irony, toxicity, tables=tuple(which))

    def _answer(self, name: str, texts: Sequence[str]) -> _Answers:
        """What a table says of texts: probabilities, urgency, categories as bits, P(irony) and P(toxic)."""
        store, joined = self._stores[name], self._joined[name]
        reading = read(texts, store)
        logits = joined.logits(reading, store)
        if joined.has_heads:
            urgency, masks, irony, toxicity = ask(logits, reading)
        else:
            urgency, masks = reading.urgency, reading.masks & DECIDED
            irony = toxicity = np.zeros(len(texts), dtype=np.float32)
        tone = logits[:, : len(LABELS)]
        if (learnt := self.overlay.tables.get(name)) is not None:
            tone = tone + learnt.logits(reading, store)
        return _probabilities(reading, tone, irony), urgency, masks, irony, toxicity

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
        for name, chunk in _chunks(texts, which):
            store, joined = self._stores[name], self._joined[name]
            if joined.has_heads:
                reading = read([texts[i] for i in chunk], store)
                masks[chunk] = ask(joined.logits(reading, store), reading)[1]
            else:
                masks[chunk] = read_masks([texts[i] for i in chunk], store)
        return tuple(map(_names, masks.tolist()))


def _together(rows: Sequence[list[int]], said: Sequence[_Answers]) -> _Answers:
    """The answers for all chunks, in the order of the texts."""
    if len(said) == 1:
        return said[0]
    n = sum(map(len, rows))
    probabilities = np.zeros((n, len(LABELS)), dtype=np.float32)
    urgency, irony, toxicity = np.zeros((3, n), dtype=np.float32)
    masks = np.zeros(n, dtype=np.int64)
    for chunk, answers in zip(rows, said, strict=True):
        probabilities[chunk], urgency[chunk], masks[chunk], irony[chunk], toxicity[chunk] = answers
    return probabilities, urgency, masks, irony, toxicity


def _chunks(texts: Sequence[str], which: Sequence[str]) -> Iterator[tuple[str, list[int]]]:
    """The rows of each table in order, in pieces of bounded size: memory must not follow the batch."""
    for name in dict.fromkeys(which):
        rows = [i for i, other in enumerate(which) if other == name]
        if len(rows) <= CHUNK_TEXTS_MAX and sum([len(texts[i]) for i in rows]) <= CHUNK_CHARS_MAX:
            yield name, rows
            continue
        chunk: list[int] = []
        size = 0
        for row in rows:
            chars = min(len(texts[row]), TEXT_CHARS_MAX)
            if chunk and (size + chars > CHUNK_CHARS_MAX or len(chunk) >= CHUNK_TEXTS_MAX):
                yield name, chunk
                chunk, size = [], 0
            chunk.append(row)
            size += chars
        yield name, chunk


@dataclass(frozen=True, slots=True)
class Joined:
    """A table with its heads side by side, so that one look a feature serves all: sentiment's columns first."""

    slots: NDArray[np.int8]
    facts: NDArray[np.int16]
    found: NDArray[np.float64]
    """The facts of what the vocabulary found, as a factor."""
    slot_units: NDArray[np.float64]
    fact_units: NDArray[np.float64]
    bias: NDArray[np.float64]
    has_heads: bool

    def logits(self, reading: Reading, store: WordStore) -> NDArray[np.float64]:
        """Logits of sentiment, then of the heads, shape (n, columns); all sums are of whole numbers below 2^53, and so
        exact in any order."""
        logits = hashed_sums(reading, store) * self.slot_units
        logits /= np.sqrt(np.maximum(reading.features, 1))[:, None]
        facts = self.facts.take(reading.facts, axis=0).sum(axis=1, dtype=np.int32)
        logits += (facts + reading.found @ self.found) * self.fact_units
        logits += self.bias
        return logits


def join(table: Table) -> Joined:
    """A table and its heads, if it has any."""
    heads, n = table.heads, len(LABELS)
    slots, facts, bias = [table.slots], [table.facts], np.zeros(n)
    slot_units, fact_units = np.full(n, table.slot_unit), np.full(n, table.fact_unit)
    if heads is not None:
        slots.append(heads.slots)
        facts.append(heads.facts)
        bias = np.concatenate((bias, heads.bias))
        slot_units = np.concatenate((slot_units, heads.slot_units))
        fact_units = np.concatenate((fact_units, heads.fact_units))
    side = np.hstack(facts)
    whole = table.slots.base
    is_joined = heads is not None and whole is not None and whole is heads.slots.base
    return Joined(
        whole if whole is not None and is_joined else np.hstack(slots),
        np.ascontiguousarray(side[:FACT_ROWS]),
        side[FACT_ROWS:].astype(np.float64),
        slot_units,
        fact_units,
        bias,
        heads is not None,
    )


def hashed_sums(reading: Reading, store: WordStore) -> NDArray[np.int32]:
    """Sum of the weights of each text's hashed features, shape (n, columns)."""
    tokens = store.sums.take(reading.ids * 2 + reading.negated, axis=0)
    assert store.weights is not None
    tokens[reading.pair_at] += store.weights.take(reading.pairs, axis=0) * np.int16(WORTH)
    return np.add.reduceat(tokens, reading.starts, axis=0, dtype=np.int32)


def ask(logits: NDArray[np.float64], reading: Reading) -> tuple[Floats, NDArray[np.int64], Floats, Floats]:
    """Urgency, categories as bits, P(irony) and P(toxic) of each text, by the logits of a table with heads."""
    first, last = len(LABELS), len(LABELS) + len(CATEGORIES)
    subjects = logits[:, first:last]
    said = subjects > 0.0
    bare = np.flatnonzero(~said.any(axis=1))
    if len(bare):
        subjects = subjects[bare]
        likeliest = subjects.argmax(axis=1)
        least = _LEAST[logits[bare, :first].argmax(axis=1)]
        said[bare, likeliest] = subjects[np.arange(len(bare)), likeliest] > least
    rest = _logistic(logits[:, last:])
    nothing = (reading.features == 0).nonzero()[0]
    if len(nothing):
        said[nothing], rest[nothing] = False, 0.0
    n = len(URGENCIES)
    urgency = (rest[:, 0] + rest[:, 1] + rest[:, 2]) / np.float32(n)
    return urgency, said @ _BIT_VALUES, rest[:, n], rest[:, n + 1]


def _logistic(logits: NDArray[np.float64]) -> Floats:
    """1 / (1 + exp(-x)) by table, so that a row is the same in whatever batch it stands."""
    steps = np.minimum(np.rint(np.abs(logits) * LOGIT_STEPS), len(_EXP) - 1).astype(np.int64)
    chance: Floats = np.where(logits > 0, _LIKELY[steps], _UNLIKELY[steps])
    return chance


def logits_of(reading: Reading, store: WordStore, table: Table) -> NDArray[np.float64]:
    """The shipped logits of sentiment, shape (n, 3)."""
    n = len(LABELS)
    sums = hashed_sums(reading, store)[:, :n] * table.slot_unit / np.sqrt(np.maximum(reading.features, 1))[:, None]
    facts = table.facts[:FACT_ROWS].take(reading.facts, axis=0).sum(axis=1, dtype=np.int32)
    return np.asarray(sums + (facts + reading.found @ table.facts[FACT_ROWS:]) * table.fact_unit)


def confidence(irony: Floats) -> NDArray[np.float64]:
    """What logits are multiplied by: irony leaves the label, and lowers the confidence in it.

    >>> confidence(np.array([0.2, 0.75, 1.0], dtype=np.float32)).tolist()
    [1.0, 0.8, 0.6]
    """
    return np.asarray(1.0 - IRONY_DOUBT * np.maximum(2.0 * irony.astype(np.float64) - 1.0, 0.0))


def _probabilities(reading: Reading, tone: NDArray[np.float64], irony: Floats) -> Floats:
    logits = tone * confidence(irony)[:, None]
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
