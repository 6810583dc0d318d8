"""Texts as the rows that an overlay sees: their words, pairs and facts by number, and what the shipped table says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.text.overlay import Ints, Logits, OverlayTable, root_words, word_slots
from detectors.text.reading import FACT_ROWS, FACTS, Reading, read
from detectors.text.scorer import logits_of
from detectors.text.tables import Table
from detectors.text.words import SLOTS, WordStore
from engine.domain.scores import LABELS

BATCH = 512

PAIR_PART = 0.7
FACT_PART = 0.3
"""What a pair and a fact count beside a word: what is rarer or says less learns more slowly."""
COLUMNS = SLOTS + FACT_ROWS + 1
"""Columns of a design: hashed words and pairs, facts, and one that is the same for every text."""


@dataclass(frozen=True, slots=True)
class Rows:
    """n texts. No text can be read back from them."""

    slots: Ints
    """Flat: the table rows of each text's words and pairs,"""
    counts: Ints
    """shape (n,): and how many each text has."""
    roots: Logits
    """Shape (n,): what their sum is divided by."""
    facts: Ints
    """Shape (n, len(FACTS))."""
    logits: Logits
    """Shape (n, 3): what the shipped table says."""

    def __len__(self) -> int:
        return len(self.counts)

    def design(self) -> Any:
        """A sparse matrix of shape (n, COLUMNS)."""
        from scipy.sparse import csr_matrix

        n = len(self)
        owner = np.repeat(np.arange(n), self.counts)
        values = np.where(self.slots < SLOTS // 2, 1.0, PAIR_PART) / self.roots[owner]
        every = np.arange(n)
        facts = np.repeat(every, self.facts.shape[1])
        return csr_matrix(
            (
                np.concatenate((values, np.full(len(facts), FACT_PART), np.ones(n))),
                (
                    np.concatenate((owner, facts, every)),
                    np.concatenate((self.slots, SLOTS + self.facts.ravel(), np.full(n, COLUMNS - 1))),
                ),
            ),
            shape=(n, COLUMNS),
        )

    def learnt(self, table: OverlayTable) -> Logits:
        """What an overlay adds to each text's logits, shape (n, 3)."""
        place = np.searchsorted(table.slots, self.slots)
        place = np.minimum(place, max(len(table.slots) - 1, 0))
        found = table.slots[place] == self.slots if len(table.slots) else np.zeros(len(self.slots), dtype=np.bool_)
        owner = np.repeat(np.arange(len(self)), self.counts)[found]
        sums = np.zeros((len(self), len(LABELS)))
        np.add.at(sums, owner, table.weights[place[found]].astype(np.float64))
        facts = table.facts[self.facts].sum(axis=1, dtype=np.int64) + table.always
        return np.asarray((sums / self.roots[:, None] + facts) * table.unit)

    def only(self, kept: NDArray[np.bool_]) -> Rows:
        """The texts where `kept`."""
        flat = np.repeat(kept, self.counts)
        return Rows(self.slots[flat], self.counts[kept], self.roots[kept], self.facts[kept], self.logits[kept])


def join(parts: Sequence[Rows]) -> Rows:
    """Rows one behind the other."""
    return Rows(*(np.concatenate([getattr(p, name) for p in parts]) for name in Rows.__slots__))


def rows_of(texts: Sequence[str], store: WordStore, table: Table) -> Rows:
    """Read texts as rows."""
    if not texts:
        return Rows(_no(0), _no(0), np.zeros(0), np.zeros((0, len(FACTS)), dtype=np.int64), np.zeros((0, 3)))
    parts = []
    for start in range(0, len(texts), BATCH):
        reading = read(texts[start : start + BATCH], store)
        parts.append(_rows(reading, store, table))
    return join(parts)


def _no(n: int) -> Ints:
    return np.zeros(n, dtype=np.int64)


def _rows(reading: Reading, store: WordStore, table: Table) -> Rows:
    n = len(reading.starts)
    row_of = np.repeat(np.arange(n), np.diff(reading.starts, append=len(reading.ids)))
    is_word = np.ones(len(reading.ids), dtype=np.bool_)
    is_word[reading.starts] = False
    slots = np.concatenate((word_slots(reading, store)[is_word], reading.pairs))
    owner = np.concatenate((row_of[is_word], row_of[reading.pair_at]))
    order = np.lexsort((slots, owner))  # the order of words is not kept: sums do not need it
    logits = logits_of(reading, store, table)[:, : len(LABELS)]
    counts = np.bincount(owner, minlength=n).astype(np.int64)
    return Rows(slots[order], counts, root_words(reading), reading.facts, logits)
