"""What each word brings to a score, worked out once a word and kept.

Comments are long, words are few: the character n-grams of a word (2 to 5, its edges marked), its own weight and its
valence depend on nothing but the word. They are hashed for all unknown words of a batch at once and remembered, so a
batch costs one dictionary look a token. Everything kept is whole numbers: sums are exact in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors.text.fold import SEP, kept_as, key_of
from detectors.text.pairs import PairMemory
from detectors.text.roles import role_of
from detectors.text.vocabulary import Continuation, Vocabulary, WordMeaning, continuation

Ints: TypeAlias = NDArray[np.int64]
Bytes: TypeAlias = NDArray[np.int8]
Hashes: TypeAlias = NDArray[np.uint32]
Masks: TypeAlias = NDArray[np.bool_]

SLOTS = 1 << 19
"""Rows of a weight table; character n-grams and words share the first half, pairs of words the second."""
WORDS_KEPT_MAX = 60_000
"""Beyond this many words the memory starts anew; the scores are the same, only slower for a moment."""
NGRAM_LENGTHS = (2, 3, 4, 5)
_LENGTHS = np.array(NGRAM_LENGTHS)
_SALTS = (_LENGTHS * 0x27D4EB2F & 0xFFFFFFFF).astype(np.uint32)
WORTH = 4
"""What a word and a pair count beside one character n-gram: a word has thirty of these, and they would take over all
that is to be learnt about it."""


_COLUMNS = ("roles", "valences", "features", "masks", "near", "far", "follows", "guarded")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Valence of words by their hash: tenths, in [-40, 40]. `hashes` is sorted."""

    hashes: Hashes
    valences: Bytes

    def of(self, hashes: Hashes) -> Ints:
        """Valences of these words, 0 for the unknown."""
        if not len(self.hashes):
            return np.zeros(len(hashes), dtype=np.int64)
        at = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return np.where(self.hashes[at] == hashes, self.valences[at], 0).astype(np.int64)


def word_hash(word: str) -> int:
    """32 bits of a folded word."""
    return crc32(word.encode("utf-16-le", "surrogatepass"))


def mix(values: Hashes, salt: int | Hashes) -> Ints:
    """Hashes to rows of half a table."""
    mixed = (values ^ np.asarray(salt, dtype=np.uint32)) * np.uint32(0x9E3779B1)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x85EBCA77)
    return (mixed >> np.uint32(14)).astype(np.int64)


def pair_slots(first: Hashes, second: Hashes) -> Ints:
    """Rows of pairs of words that stand side by side."""
    return mix(first * np.uint32(0x01000193) + second, 0x5BD1E995) + SLOTS // 2


def ngram_slots(words: Sequence[str]) -> tuple[Ints, Ints]:
    """Rows of the character n-grams of each word, flat, and how many each word has."""
    marked = f"<{'><'.join(words)}>"
    codes = np.frombuffer(marked.encode("utf-16-le", "surrogatepass"), dtype="<u2").astype(np.uint32)
    lengths = np.array([len(word) + 2 for word in words])
    ends = lengths.cumsum()
    left = ends.repeat(lengths) - np.arange(len(codes))  # characters from here to the word's end
    rolling = np.zeros((len(codes), len(NGRAM_LENGTHS)), dtype=np.uint32)
    before = codes
    for column, length in enumerate(NGRAM_LENGTHS):  # each is the one before it and a character
        before = before[:-1] * np.uint32(0x01000193) + codes[length - 1 :]
        rolling[: len(before), column] = before
    inside = left[:, None] >= _LENGTHS
    slots = mix(rolling, _SALTS)[inside]
    return slots, np.add.reduceat(inside.sum(axis=1), ends - lengths)


class _Growing:
    """Rows of a column with room for more, so that one more word does not copy all there are."""

    def __init__(self, dtype: type[np.generic], *shape: int) -> None:
        self._room: NDArray[Any] = np.zeros((256, *shape), dtype=dtype)
        self._n = 0

    def add(self, rows: Any) -> NDArray[Any]:
        """All rows, these behind the others."""
        end = self._n + len(rows)
        if end > len(self._room):
            bigger = np.zeros((max(2 * len(self._room), end), *self._room.shape[1:]), dtype=self._room.dtype)
            bigger[: self._n] = self._room[: self._n]
            self._room = bigger
        self._room[self._n : end] = rows
        self._n = end
        return self._room[:end]


class WordStore:
    """Words seen, as columns. One store a table; not shared between threads."""

    def __init__(
        self, weights: Bytes | None, lexicon: Lexicon, vocabulary: Vocabulary, keep_max: int = WORDS_KEPT_MAX
    ) -> None:
        self.weights, self._keep_max = weights, keep_max
        self._lexicon, self._vocabulary = lexicon, vocabulary
        self._clear()

    def _clear(self) -> None:
        self.index: dict[str, int] = {}
        self.words: list[str] = []
        self.meanings: dict[int, WordMeaning] = {}
        columns = 3 if self.weights is None else self.weights.shape[1]
        self._columns = {name: _Growing(np.int64) for name in _COLUMNS}
        self._hashes, self._sums = _Growing(np.uint32), _Growing(np.int16, columns)
        self.pairs = PairMemory(self._keep_max)
        self.apart: dict[int, Continuation | None] = {}
        self._learn([SEP])

    def ids(self, tokens: Sequence[str]) -> Ints:
        """The number of each token in this store; unknown ones are taken in."""
        if len(self.words) > self._keep_max:
            self._clear()
        index = self.index
        found = list(map(index.get, tokens))
        if None in found:
            keys = [(i, key_of(tokens[i])) for i in _places_of_none(found)]
            if unknown := [key for key in dict.fromkeys(key for _, key in keys) if key not in index]:
                self._learn(unknown)
            for i, key in keys:
                found[i] = index[key]
        return np.array(found, dtype=np.int64)

    def _learn(self, tokens: list[str]) -> None:
        """Take in tokens by their keys."""
        base = len(self.words)
        words = [kept_as(token) for token in tokens]
        self.index.update(zip(tokens, range(base, base + len(tokens)), strict=True))
        self.words += words
        hashes = np.array([word_hash(word) for word in words], dtype=np.uint32)
        slots, counts = ngram_slots(words)
        meanings = [self._vocabulary.of_word(word) for word in words]
        self.meanings.update({base + i: m for i, m in enumerate(meanings) if m.begins or m.guarded})
        add = self._columns
        self.hashes: Hashes = self._hashes.add(hashes)
        self.roles: Ints = add["roles"].add([role_of(word) for word in words])
        self.valences: Ints = add["valences"].add(self._lexicon.of(hashes))
        self.features: Ints = add["features"].add(
            [0 if w == SEP else n + 1 for w, n in zip(words, counts.tolist(), strict=True)]
        )
        self.masks: Ints = add["masks"].add([m.mask for m in meanings])
        self.near: Ints = add["near"].add([m.near for m in meanings])
        self.far: Ints = add["far"].add([m.far for m in meanings])
        self.follows: Ints = add["follows"].add([m.follows for m in meanings])
        self.guarded: Ints = add["guarded"].add([bool(m.guarded) for m in meanings])
        if self.weights is not None:
            sums = self._weigh(self.weights, hashes, slots, counts)
            if base == 0:
                sums[:2] = 0  # the separator
            self.sums: NDArray[np.int16] = self._sums.add(sums)
            """Shape (2 x words, columns): weights of each word as it is, then under a negation."""

    @property
    def plain(self) -> NDArray[np.int16]:
        """Weights of each word as it is, shape (words, columns),"""
        return self.sums[::2]

    @property
    def negated(self) -> NDArray[np.int16]:
        """and under a negation."""
        return self.sums[1::2]

    def begun(self, pair: int) -> Continuation | None:
        """What two neighbouring words (their numbers, the first times 2^32) may begin."""
        first, second = pair >> 32, pair & 0xFFFFFFFF
        return continuation(self.meanings[first].begins, self.words[second], near=True)

    def begun_apart(self, pair: int) -> Continuation | None:
        """What two words may begin, others between them; kept."""
        if len(self.apart) > self._keep_max:
            self.apart.clear()
        first, second = pair >> 32, pair & 0xFFFFFFFF
        self.apart[pair] = found = continuation(self.meanings[first].begins, self.words[second], near=False)
        return found

    @staticmethod
    def _weigh(weights: Bytes, hashes: Hashes, slots: Ints, counts: Ints) -> NDArray[np.int16]:
        """Weights of words as they are, and under a negation: at most 130 n-grams of 127 each, so 16 bits hold them."""
        starts = np.cumsum(counts) - counts
        ngrams: NDArray[np.int16] = np.add.reduceat(weights.take(slots, axis=0), starts, dtype=np.int16)
        own = weights.take(np.stack(unigram_slots(hashes), axis=1), axis=0) * np.int16(WORTH)
        return np.asarray((ngrams[:, None, :] + own).reshape(2 * len(hashes), -1))


def _places_of_none(found: list[int | None]) -> Iterator[int]:
    """Where None stands: few places in a long list, so the list's own search goes from one to the next."""
    at = -1
    with suppress(ValueError):  # there is no further one
        while True:
            at = found.index(None, at + 1)
            yield at


def unigram_slots(hashes: Hashes) -> tuple[Ints, Ints]:
    """Rows of words as they are, and under a negation."""
    return mix(hashes, 0x2545F491), mix(hashes, 0x61C88647)
