"""What stands in the texts of a small batch, gathered token by token.

`reading.py` gathers a batch by whole columns. That takes some two hundred calls of numpy whatever the batch: little for
a thousand texts, but nearly all of the time for one. So a batch of few tokens is walked here in plain Python instead.
Both ways give the same whole numbers, all facts are made of those in one place, and tests hold the two side by side on
any text: a row never depends on the way it was read.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.text import roles as w
from detectors.text.tone import WORTHS, Finds
from detectors.text.vocabulary import GAP_WORDS_MAX, TONE_BITS, TONE_SHIFT, TONES, WHOLE, match
from detectors.text.words import WordStore

Ints: TypeAlias = NDArray[np.int64]
Masks: TypeAlias = NDArray[np.bool_]

SHORT_TOKENS_MAX = 200
"""A batch of so many tokens costs the same either way."""
NEGATION_REACH = 4
"""Words after a negation that it still turns, if no clause ends between."""
COUNTED = (w.EXCLAIM, w.QUESTION, w.LINK, w.NAMED, w.EMOJI, w.NEGATOR, w.BUT, w.PRESSING)
"""The roles that are counted."""
_ANY_COUNTED = sum(COUNTED)
_N = len(TONES)
_CODES = {bits: [i for i in range(_N) if bits >> i & 1] for bits in range(TONE_BITS + 1)}
_FINDS_AT = 8 + len(COUNTED)


@dataclass(frozen=True, slots=True)
class Gathered:
    """Sums over the tokens of n texts, in whole numbers: the same whichever way they are gathered."""

    negated: Masks
    """Shape (t,): under a negation."""
    masks: Ints
    """Shape (n,): what the vocabulary found."""
    features: Ints
    """Hashed features of the words."""
    counts: Ints
    """Shape (roles that are counted, n)."""
    total: Ints
    """Valence in its place,"""
    positive: Ints
    """what of it is above zero, and"""
    negative: Ints
    """below;"""
    last: Ints
    """that of the last valued word."""
    parts: tuple[Ints, Ints, Ints]
    """Plain valence behind the last contrast, in the last sentence and in the first one."""
    finds: Finds


def gather_short(ids: Ints, starts: Ints, words: list[str], store: WordStore) -> Gathered:
    """Gather a small batch."""
    roles = store.roles.take(ids).tolist()
    valences, features = store.valences.take(ids).tolist(), store.features.take(ids).tolist()
    masks = _token_masks(ids, words, store)
    bounds = [*starts.tolist(), len(ids)]
    for at in range(1, len(roles)):
        if roles[at] & w.CONTRE and roles[at - 1] & w.PAR:
            roles[at] |= w.BUT
    negated: list[bool] = []
    rows = []
    for start, end in itertools.pairwise(bounds):
        turned = _negated(roles, start, end)
        negated += turned
        turn, last, first = _places(roles, start, end)
        counts = [0] * len(COUNTED)
        for role in roles[start:end]:
            if role & _ANY_COUNTED:
                counts = [n + (role & bit != 0) for n, bit in zip(counts, COUNTED, strict=True)]
        row = [sum(features[start:end])]
        row += _valued(valences, roles, turned, (start, end, turn, last, first))
        row += counts
        row += _found(masks, turned, (start, end, turn, last))
        rows.append(row)
    whole = [0] * len(rows)
    for i, (start, end) in enumerate(itertools.pairwise(bounds)):
        for mask in masks[start:end]:
            whole[i] |= mask
    columns = np.array(rows, dtype=np.int64).T
    found = columns[_FINDS_AT:]
    halves = found[:3] / 2
    finds = Finds(found[5:].T, halves[0], halves[1], halves[2], found[3], found[4])
    return Gathered(
        np.array(negated, dtype=np.bool_),
        np.array(whole, dtype=np.int64),
        columns[0],
        columns[8:_FINDS_AT],
        columns[1],
        columns[2],
        columns[3],
        columns[4],
        (columns[5], columns[6], columns[7]),
        finds,
    )


def _negated(roles: Sequence[int], start: int, end: int) -> list[bool]:
    """Which tokens of a text stand under a negation."""
    turned = [False] * (end - start)
    left = 0  # tokens that the last negation still turns
    for at in range(start, end):
        role = roles[at]
        if role & (w.CLAUSE_END | w.BUT):
            left = 0
        elif role & w.NEGATOR:
            left = NEGATION_REACH
        elif left:
            turned[at - start] = True
            left -= 1
    return turned


def _places(roles: Sequence[int], start: int, end: int) -> tuple[int, int, int]:
    """The last contrast (-1 for none), the mark behind which the last sentence begins, the one that ends the first."""
    turn, last, first = -1, start, end
    for at in range(start, end):
        role = roles[at]
        if role & w.BUT:
            turn = at
        if role & w.SENTENCE_END:
            if at < first:
                first = at
            if at + 1 < end and not roles[at + 1] & w.CLAUSE_END:
                last = at
    return turn, last, first


def _valued(
    valences: Sequence[int], roles: Sequence[int], turned: Sequence[bool], places: tuple[int, int, int, int, int]
) -> tuple[int, ...]:
    """Sums of valence, in the order of `Gathered`."""
    start, end, turn, last, first = places
    positive = negative = final = behind = closing = opening = 0
    for at in range(start + 1, end):
        if not (value := valences[at]):
            continue
        value *= (16 if roles[at - 1] & w.BOOSTER else 12) * (-3 if turned[at - start] else 4)
        if at > last:
            closing += value
        if at < first:
            opening += value
        if turn < 0:
            value *= 2
        elif at > turn:
            behind += value
            value *= 3
        elif at == turn:
            value *= 3
        final = value
        if value > 0:
            positive += value
        else:
            negative -= value
    return positive - negative, positive, negative, final, behind, closing, opening


def _found(masks: Sequence[int], turned: Sequence[bool], places: tuple[int, int, int, int]) -> list[int]:
    """Finds of tone: twice their worth in the whole, behind the contrast and in the last sentence, the last one, the
    first one, then how many there are of each."""
    start, end, turn, last = places
    counts = [0] * (2 * _N)
    whole = tail = closing = final = first = 0
    for at in range(start, end):
        told = masks[at] >> TONE_SHIFT & TONE_BITS
        if not told:
            continue
        shift = _N if turned[at - start] and not masks[at] & WHOLE else 0
        for section in _CODES[told]:
            code = section + shift
            counts[code] += 1
            worth = WORTHS[code]
            whole += worth
            tail += worth if at > turn >= 0 else 0
            closing += worth if at > last else 0
            final = code + 1
            first = first or final
    return [whole, tail, closing, final, first, *counts]


def _token_masks(ids: Ints, words: list[str], store: WordStore) -> list[int]:
    """What each token anchors, as bits."""
    masks: list[int] = store.masks.take(ids).tolist()
    numbers: list[int] = ids.tolist()
    nears, follows = store.near.take(ids).tolist(), store.follows.take(ids).tolist()
    for at in store.guarded.take(ids).nonzero()[0].tolist():
        masks[at] |= match(store.meanings[numbers[at]].guarded, words, at)
    for at, (near, follow) in enumerate(zip(nears, follows[1:], strict=False)):
        if near & follow and (begun := store.pairs.begun(numbers[at] << 32 | numbers[at + 1], store)):
            masks[at] |= begun.find(words, at)
    far = store.far.take(ids)
    for at in far.nonzero()[0].tolist():
        far_at = int(far[at])
        for further in range(at + 1, min(at + GAP_WORDS_MAX + 2, len(numbers))):
            if numbers[further] == 0:
                break
            if further > at + 1 and far_at & follows[further]:
                pair = numbers[at] << 32 | numbers[further]
                begun = store.apart[pair] if pair in store.apart else store.begun_apart(pair)
                if begun:
                    masks[at] |= begun.find(words, at)
    return masks
