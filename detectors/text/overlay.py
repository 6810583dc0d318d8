"""What a team's corrections add to the shipped tables: a small sparse table on the same hashed words, pairs and facts.

A learnt logit is (sum of int16 weights of the text's words and pairs) x unit / sqrt(its words) + (weights of its facts,
and one for every text) x unit. As in `detectors.text.scorer` sums are of whole numbers and the rest is done element by
element, so a row is the same in whatever batch it stands. Character n-grams are left to the shipped table: a hundred
corrections teach nothing sure about them, and a word means the same to whoever reads the explanation.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from detectors.text.reading import FACT_ROWS, Reading
from detectors.text.tables import Table
from detectors.text.words import SLOTS, WordStore, unigram_slots
from engine.domain.errors import StateError
from engine.domain.scores import LABELS

Ints = NDArray[np.int64]
Logits = NDArray[np.float64]
Sums = NDArray[np.int32]

FORMAT = 1
WEIGHT_MAX = 32_000


@dataclass(frozen=True)
class OverlayTable:
    """What was learnt for one language's table."""

    slots: NDArray[np.int32]
    """Shape (k,), sorted: rows of the shipped table that have a learnt weight."""
    weights: NDArray[np.int16]
    """Shape (k, 3)."""
    facts: NDArray[np.int16]
    """Shape (FACT_ROWS, 3)."""
    always: NDArray[np.int16]
    """Shape (3,): for every text."""
    unit: float

    @cached_property
    def _by_word(self) -> _ByWord:
        return _ByWord()

    @cached_property
    def _place(self) -> NDArray[np.int32]:
        place = np.zeros(SLOTS, dtype=np.int32)
        place[self.slots] = np.arange(1, len(self.slots) + 1, dtype=np.int32)
        return place

    @cached_property
    def _rows(self) -> NDArray[np.int32]:
        return np.concatenate((np.zeros((1, 3), dtype=np.int32), self.weights.astype(np.int32)))

    def token_sums(self, reading: Reading, store: WordStore) -> tuple[Sums, Sums]:
        """Learnt weights of each token, shape (t, 3), and of each pair, shape (p, 3)."""
        plain, negated = self._by_word.of(store, self)
        words = plain.take(reading.ids, axis=0)
        turned = np.flatnonzero(reading.negated)
        words[turned] = negated.take(reading.ids[turned], axis=0)
        words[reading.starts] = 0
        return words, self.rows_at(reading.pairs)

    def rows_at(self, slots: Ints) -> Sums:
        """Learnt weights of these rows of the shipped table, shape (len(slots), 3)."""
        return self._rows.take(self._place.take(slots), axis=0)

    def fact_sums(self, reading: Reading) -> Ints:
        """Learnt weights of each text's facts and of every text, shape (n, 3)."""
        return np.asarray(self.facts[reading.facts].sum(axis=1, dtype=np.int64) + self.always)

    def logits(self, reading: Reading, store: WordStore) -> Logits:
        """What to add to the shipped logits, shape (n, 3)."""
        tokens, pairs = self.token_sums(reading, store)
        tokens[reading.pair_at] += pairs  # a word begins one pair at most: no place stands twice
        sums = np.add.reduceat(tokens, reading.starts, axis=0, dtype=np.int64)
        return np.asarray(sums * self.unit / root_words(reading)[:, None] + self.fact_sums(reading) * self.unit)


class _ByWord:
    """Learnt weights of the words that a store holds, worked out once a word, as the store does with the shipped."""

    def __init__(self) -> None:
        self._words: list[str] | None = None
        self._plain: Sums = np.zeros((0, 3), dtype=np.int32)
        self._negated: Sums = np.zeros((0, 3), dtype=np.int32)

    def of(self, store: WordStore, table: OverlayTable) -> tuple[Sums, Sums]:
        """Columns for every word of the store now, as it is and under a negation."""
        if self._words is not store.words:  # another store, or one that began anew
            self._words = store.words
            self._plain = self._negated = np.zeros((0, 3), dtype=np.int32)
        if len(self._plain) < len(store.words):
            own, flipped = unigram_slots(store.hashes[len(self._plain) :])
            self._plain = np.concatenate((self._plain, table.rows_at(own)))
            self._negated = np.concatenate((self._negated, table.rows_at(flipped)))
        return self._plain, self._negated


@dataclass(frozen=True, slots=True)
class Overlay:
    """A version of what an installation has learnt. Version 0 is nothing at all.

    >>> Overlay().is_empty, decode_overlay(encode_overlay(Overlay(3))).version
    (True, 3)
    """

    version: int = 0
    model: str = ""
    """`model_id` of the shipped tables that it was learnt on."""
    tables: Mapping[str, OverlayTable] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        return not self.tables


def word_slots(reading: Reading, store: WordStore) -> Ints:
    """The row of each token's own weight, as it is or under its negation, shape (t,)."""
    own, flipped = unigram_slots(store.hashes[reading.ids])
    return np.where(reading.negated, flipped, own)


def root_words(reading: Reading) -> Logits:
    """Square root of each text's tokens, shape (n,)."""
    return np.asarray(np.sqrt(np.maximum(np.diff(reading.starts, append=len(reading.ids)) - 1, 1)))


def model_id(tables: Mapping[str, Table]) -> str:
    """A name of these tables by what stands in the columns of sentiment."""
    crc = 0
    for lang in sorted(tables):
        for part in (tables[lang].slots, tables[lang].facts):
            crc = zlib.crc32(np.ascontiguousarray(part[:, : len(LABELS)]).tobytes(), crc)
        crc = zlib.crc32(repr((lang, tables[lang].slot_unit, tables[lang].fact_unit)).encode(), crc)
    return f"{crc:08x}"


def quantised(slots: Ints, weights: Logits, facts: Logits, always: Logits) -> OverlayTable:
    """Learnt weights as whole numbers; rows that round to nothing go."""
    largest = max((float(np.abs(part).max()) for part in (weights, facts, always) if part.size), default=0.0)
    unit = largest / WEIGHT_MAX or 1.0
    whole = np.rint(weights / unit).astype(np.int16)
    kept = whole.any(axis=1)
    return OverlayTable(
        slots[kept].astype(np.int32),
        whole[kept],
        np.rint(facts / unit).astype(np.int16),
        np.rint(always / unit).astype(np.int16),
        unit,
    )


def encode_overlay(overlay: Overlay) -> bytes:
    """An overlay as bytes; the same one gives the same bytes."""
    arrays: dict[str, NDArray[np.generic]] = {"format": np.array([FORMAT, overlay.version])}
    arrays["model"] = np.frombuffer(overlay.model.encode("ascii"), dtype=np.uint8)
    for lang, table in sorted(overlay.tables.items()):
        arrays[f"{lang}.slots"], arrays[f"{lang}.weights"] = table.slots, table.weights
        arrays[f"{lang}.facts"], arrays[f"{lang}.always"] = table.facts, table.always
        arrays[f"{lang}.unit"] = np.array([table.unit])
    held = io.BytesIO()
    np.savez_compressed(held, allow_pickle=False, **arrays)
    return held.getvalue()


def decode_overlay(raw: bytes) -> Overlay:
    """The inverse. Raises StateError when `raw` is no overlay that this version reads."""
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as data:
            parts = {name: data[name] for name in data.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise StateError(f"no learnt overlay ({error}); label once more to make it again") from error
    if int(parts["format"][0]) != FORMAT:
        raise StateError(
            f"a learnt overlay of form {int(parts['format'][0])}, this vigie reads {FORMAT}: upgrade vigie"
        )
    tables = {}
    for lang in sorted(name[:-6] for name in parts if name.endswith(".slots")):
        slots, weights, facts, always = (parts[f"{lang}.{part}"] for part in ("slots", "weights", "facts", "always"))
        if facts.shape != (FACT_ROWS, 3) or (len(slots) and int(slots[-1]) >= SLOTS):
            raise StateError("a learnt overlay of other features than this vigie reads; label once more to renew it")
        tables[lang] = OverlayTable(slots, weights, facts, always, float(parts[f"{lang}.unit"][0]))
    return Overlay(int(parts["format"][1]), parts["model"].tobytes().decode("ascii"), tables)
