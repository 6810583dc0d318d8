"""Which comments a team should label next: those that would teach most.

Uncertain (the margin between the two likeliest labels is small; Lewis and Gale, 1994), typical (its words are those of
many others), and diverse (each pick lowers the worth of those that share its words; Settles, "Active learning
literature survey", 2009). Pure: the same texts give the same picks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.text.overlay import Logits
from detectors.text.rows import Rows, rows_of
from detectors.text.scorer import LinearScorer
from detectors.text.words import SLOTS

POOL_MAX = 5_000
"""Of more texts, evenly spread ones are looked at."""


@dataclass(frozen=True, slots=True)
class Pick:
    """A text worth labelling: its place in the pool, what it is taken for, and the margin of that."""

    index: int
    label: str
    margin: float
    """P of the likeliest label minus P of the next, in [0, 1]."""


def pick(texts: Sequence[str], langs: Sequence[str | None], scorer: LinearScorer, n: int = 10) -> tuple[Pick, ...]:
    """At most `n` texts, the most instructive first.

    >>> from detectors.text import load_scorer
    >>> texts = ["Vous ouvrez quand ?", "Une honte, plus jamais", "Bof, correct sans plus", "Bof, correct sans plus"]
    >>> [found.index for found in pick(texts, ["fr"] * 4, load_scorer(("fr",)), 2)][0] in (2, 3)
    True
    """
    chosen = _spread(len(texts))
    told = scorer.score_many([texts[i] for i in chosen], [langs[i] for i in chosen])
    ordered = np.sort(told.probabilities.astype(np.float64), axis=1)
    margins = ordered[:, -1] - ordered[:, -2]
    name = told.tables
    main = max(set(name), key=lambda lang: (name.count(lang), lang)) if name else ""
    if not main:
        return ()
    rows = rows_of([texts[i] for i in chosen], scorer.stores[main], scorer.tables[main])
    places = _greedy(rows, (1.0 - margins) ** 2, n)
    return tuple(Pick(chosen[i], told.labels[i], float(margins[i])) for i in places)


def _spread(n: int) -> list[int]:
    return list(range(n)) if n <= POOL_MAX else [i * n // POOL_MAX for i in range(POOL_MAX)]


def _greedy(rows: Rows, doubt: Logits, n: int) -> list[int]:
    """One pick after the other: doubt x how much of the pool's weight of words it covers that no pick has covered."""
    is_word = rows.slots < SLOTS // 2
    owner = np.repeat(np.arange(len(rows)), rows.counts)[is_word]
    words, word_of = np.unique(rows.slots[is_word], return_inverse=True)
    pairs = np.unique(np.stack((owner, word_of.ravel())), axis=1)
    owner, word_of = pairs[0], pairs[1]
    often = np.bincount(word_of, minlength=len(words))
    # common to a few is what teaches: of no use are words that nobody else writes, and those that everybody does
    worth = np.where(often > 1, np.log1p(often) * np.log(len(rows) / np.maximum(often, 1) + 1e-9), 0.0)
    lengths = np.sqrt(np.maximum(np.bincount(owner, minlength=len(rows)), 1))
    sums = np.bincount(np.repeat(np.arange(len(rows)), rows.counts), weights=rows.slots, minlength=len(rows))
    taken: list[int] = []
    free = np.ones(len(rows), dtype=np.bool_)
    free[rows.counts == 0] = False
    while len(taken) < n and free.any():
        gain = doubt * (np.bincount(owner, weights=worth[word_of], minlength=len(rows)) / lengths + 1e-6)
        best = int(np.where(free, gain, -1.0).argmax())
        taken.append(best)
        free[best] = False
        worth[word_of[owner == best]] *= 0.4
        # texts of the very words of this one: copies teach nothing more
        free &= ~((sums == sums[best]) & (rows.counts == rows.counts[best]))
    return taken
