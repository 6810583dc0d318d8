"""Facts about where a text's tone stands: what the vocabulary of tone found, and the valence of its parts.

People turn within a comment ("livraison rapide mais produit cassé") and end on what they mean. So next to sums over the
whole text stand those of what comes behind the last contrast, of the last sentence and of the first one. A find of tone
under a negation is counted apart, unless its expression holds a negation of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.text import roles as w
from detectors.text.vocabulary import TONE_BITS, TONE_SHIFT, TONES, WHOLE

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Masks: TypeAlias = NDArray[np.bool_]

BLAME, LETDOWN, PRAISE, CONTENT, ASK, NEWS, MOCK, DEFEND = range(len(TONES))
_N = len(TONES)
WORTHS = (-4, -2, 4, 2, 0, 0, -1, 1, 1, 0, -3, -2, 0, 0, 0, 0)
"""Twice what a find of each section adds to the tone, as it is and turned."""
_WORTH = np.array(WORTHS) / 2


@dataclass(frozen=True, slots=True)
class Places:
    """Where the parts of each text of a batch are: token numbers, shape (n,)."""

    starts: Ints
    lengths: Ints
    turn: Ints
    """The last contrast, -1 where there is none."""
    last: Ints
    """The mark behind which the last sentence begins, or the text's separator."""
    first: Ints
    """The mark that ends the first sentence, or the end of the text."""


def places_of(roles: Ints, starts: Ints, lengths: Ints, row_of: Ints) -> Places:
    """Find the parts: a mark that ends a sentence parts two only if a word stands right behind it."""
    turn, last, first = np.full_like(starts, -1), starts.copy(), starts + lengths
    turns, ends = (roles & w.BUT).nonzero()[0], (roles & w.SENTENCE_END).nonzero()[0]
    turn[row_of[turns]] = turns  # of several the last one stays
    inner = ends[roles[np.minimum(ends + 1, len(roles) - 1)] & w.CLAUSE_END == 0]
    last[row_of[inner]] = inner
    backwards = ends[::-1]
    first[row_of[backwards]] = backwards
    return Places(starts, lengths, turn, last, first)


def part_sums(values: Ints, places: Places) -> tuple[Ints, Ints, Ints]:
    """Sums of what stands behind the last contrast (0 without one), in the last sentence and in the first one."""
    sums = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(values, out=sums[1:])
    whole = sums[places.starts + places.lengths]
    behind = np.where(places.turn < 0, 0, whole - sums[places.turn + 1])
    return behind, whole - sums[places.last + 1], sums[places.first] - sums[places.starts]


@dataclass(frozen=True, slots=True)
class Finds:
    """What the vocabulary of tone found in n texts."""

    counts: Ints
    """Shape (n, 16): finds of each section as they are, then those under a negation."""
    tone: Floats
    """Blame below zero, praise above; of the whole text,"""
    tail: Floats
    """of what stands behind the last contrast (0 without one),"""
    end: Floats
    """and of the last sentence."""
    last: Ints
    """The last find: its section from 1, more by eight if turned; 0 for none."""
    first: Ints
    """The first find likewise."""


def finds_of(token_masks: Ints, negated: Masks, places: Places, row_of: Ints) -> Finds:
    """Count the finds of each text by section; few tokens are one, so only those are looked at."""
    n = len(places.starts)
    told = token_masks >> TONE_SHIFT & TONE_BITS
    at = told.nonzero()[0]
    row = row_of[at]
    turned = negated[at] & (token_masks[at] & WHOLE == 0)
    find, section = (told[at, None] >> np.arange(_N) & 1).nonzero()
    row, at, code = row[find], at[find], section + _N * turned[find]
    counts = np.bincount(row * 2 * _N + code, minlength=n * 2 * _N).reshape(n, 2 * _N)
    worth = _WORTH[code]
    tail, end = (at > places.turn[row]) & (places.turn[row] >= 0), at > places.last[row]
    last, first = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    last[row] = code + 1
    first[row[::-1]] = code[::-1] + 1
    return Finds(
        counts,
        np.bincount(row, worth, n).astype(np.float64),
        np.bincount(row[tail], worth[tail], n).astype(np.float64),
        np.bincount(row[end], worth[end], n).astype(np.float64),
        last,
        first,
    )
