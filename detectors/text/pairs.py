"""What two neighbouring words begin in the vocabulary, kept for a whole batch to be asked at once.

Most pairs of words begin nothing, some are an expression, and a few (`c'est`, `pas de`) begin hundreds of longer ones.
So the pairs of a batch are looked up together in a direct-mapped memory, the expressions that they are come out as
bits, and only where a word beside such a pair may complete a longer one (a filter of hashes says so; Bloom, 1970) are
expressions tried one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors.text.fold import kept_as
from detectors.text.vocabulary import Continuation

if TYPE_CHECKING:
    from detectors.text.words import WordStore

Ints: TypeAlias = NDArray[np.int64]
Hashes: TypeAlias = NDArray[np.uint32]

_SLOT_BITS, _FILTER_BITS = 17, 20
_BEHIND, _BEFORE = 0x2545F491, 0x61C88647


def _mixed(first: Hashes, second: Hashes, third: Hashes, salt: int) -> Ints:
    mixed = (first * np.uint32(0x01000193) ^ second) * np.uint32(0x9E3779B1)
    mixed = (mixed ^ (mixed >> np.uint32(15)) ^ third ^ np.uint32(salt)) * np.uint32(0x85EBCA77)
    return (mixed >> np.uint32(32 - _FILTER_BITS)).astype(np.int64)


class PairMemory:
    """Pairs of words of one store, by the words' numbers (the first times 2^32, and the second)."""

    def __init__(self, keep_max: int) -> None:
        self._keep_max = keep_max
        self._clear()

    def _clear(self) -> None:
        self._keys = np.full(1 << _SLOT_BITS, -1, dtype=np.int64)
        self._slots = np.zeros(1 << _SLOT_BITS, dtype=np.int64)
        self._known: dict[int, int] = {}
        self.continuations: list[Continuation | None] = []
        self._masks: Ints = np.zeros(64, dtype=np.int64)
        self._always = np.zeros(64, dtype=np.bool_)
        self._filter = np.zeros(1 << _FILTER_BITS, dtype=np.bool_)

    def numbers(self, pairs: Ints, first: Hashes, second: Hashes, begun: Callable[[int], Continuation | None]) -> Ints:
        """The number of each pair; `begun` says what a pair begins that is not known yet."""
        if len(self.continuations) > self._keep_max:
            self._clear()
        slots = np.asarray(pairs * -0x61C8864680B583EB).view(np.uint64) >> np.uint64(64 - _SLOT_BITS)
        found: Ints = self._slots[slots]
        missed = (self._keys[slots] != pairs).nonzero()[0]
        for i in missed.tolist():
            pair = int(pairs[i])
            if (number := self._known.get(pair)) is None:
                number = self._take_in(pair, first[i : i + 1], second[i : i + 1], begun(pair))
            found[i] = number
        if len(missed):
            self._keys[slots[missed]] = pairs[missed]
            self._slots[slots[missed]] = found[missed]
        return found

    def begun(self, pair: int, store: WordStore) -> Continuation | None:
        """What one pair begins."""
        number = self._known.get(pair)
        if number is None:
            if len(self.continuations) > self._keep_max:
                self._clear()
            first, second = pair >> 32, pair & 0xFFFFFFFF
            hashes = store.hashes
            number = self._take_in(pair, hashes[first : first + 1], hashes[second : second + 1], store.begun(pair))
        return self.continuations[number]

    def _take_in(self, pair: int, first: Hashes, second: Hashes, begun: Continuation | None) -> int:
        number = self._known[pair] = len(self.continuations)
        self.continuations.append(begun)
        if number >= len(self._masks):
            self._masks = np.concatenate((self._masks, np.zeros_like(self._masks)))
            self._always = np.concatenate((self._always, np.zeros_like(self._always)))
        if begun is not None:
            self._masks[number] = begun.mask
            unlike = any(kept_as(word) != word for word in (*begun.thirds, *begun.befores))  # the filter would miss it
            self._always[number] = bool(begun.pairs or begun.others) or unlike
            for words, salt in ((begun.thirds, _BEHIND), (begun.befores, _BEFORE)):
                thirds = np.array([crc32(w.encode("utf-16-le", "surrogatepass")) for w in words], dtype=np.uint32)
                self._filter[_mixed(first, second, thirds, salt)] = True
        return number

    def masks(self, numbers: Ints) -> Ints:
        """What these pairs are, as bits."""
        return self._masks[numbers]

    def worth_trying(self, numbers: Ints, before: Hashes, first: Hashes, second: Hashes, behind: Hashes) -> Ints:
        """Places of the pairs that may be part of a longer expression, given the words beside them."""
        told = (
            self._filter[_mixed(first, second, behind, _BEHIND)] | self._filter[_mixed(first, second, before, _BEFORE)]
        )
        return np.asarray((self._always[numbers] | told).nonzero()[0])
