"""What each word brings to a score, worked out once a word and kept.

Comments are long, words are few: the character n-grams of a word (2 to 5, its edges marked), its own weight and its
valence depend on nothing but the word. They are hashed for all unknown words of a batch at once and remembered, so a
batch costs one dictionary look a token. Everything kept is whole numbers: sums are exact in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors.text.fold import SEP, URL
from detectors.text.pairs import PairMemory
from detectors.text.roles import role_of
from detectors.text.vocabulary import Continuation, Vocabulary, WordMeaning, continuation

Ints: TypeAlias = NDArray[np.int64]
Bytes: TypeAlias = NDArray[np.int8]
Hashes: TypeAlias = NDArray[np.uint32]

SLOTS = 1 << 19
"""Rows of a weight table; character n-grams and words share the first half, pairs of words the second."""
WORD_CHARS_MAX = 32
WORDS_KEPT_MAX = 60_000
"""Beyond this many words the memory starts anew; the scores are the same, only slower for a moment."""
NGRAM_LENGTHS = (2, 3, 4, 5)
WORTH = 4
"""What a word and a pair count beside one character n-gram: a word has thirty of these, and they would take over all
that is to be learnt about it."""


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


def mix(values: Hashes, salt: int) -> Ints:
    """Hashes to rows of half a table."""
    mixed = (values ^ np.uint32(salt)) * np.uint32(0x9E3779B1)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x85EBCA77)
    return (mixed >> np.uint32(14)).astype(np.int64)


def pair_slots(first: Hashes, second: Hashes) -> Ints:
    """Rows of pairs of words that stand side by side."""
    return mix(first * np.uint32(0x01000193) + second, 0x5BD1E995) + SLOTS // 2


def ngram_slots(words: Sequence[str]) -> tuple[Ints, Ints]:
    """Rows of the character n-grams of each word, flat, and how many each word has."""
    marked = "".join([f"<{word}>" for word in words])
    codes = np.frombuffer(marked.encode("utf-16-le", "surrogatepass"), dtype="<u2").astype(np.uint32)
    lengths = np.fromiter((len(word) + 2 for word in words), dtype=np.int64, count=len(words))
    word_of = np.repeat(np.arange(len(words)), lengths)
    left = np.repeat(np.cumsum(lengths), lengths) - np.arange(len(codes))  # characters from here to the word's end
    rolling, slots, owners = codes.copy(), [], []
    for length in range(2, max(NGRAM_LENGTHS) + 1):
        rolling = rolling[:-1] * np.uint32(0x01000193) + codes[length - 1 :]
        inside = left[: len(rolling)] >= length
        slots.append(mix(rolling[inside], length * 0x27D4EB2F & 0xFFFFFFFF))
        owners.append(word_of[: len(rolling)][inside])
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    return np.concatenate(slots)[order], np.bincount(owner, minlength=len(words))


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
        self.pairs = PairMemory(self._keep_max)
        self.apart: dict[int, Continuation | None] = {}
        self.hashes: Hashes = np.zeros(0, dtype=np.uint32)
        self.roles = self.valences = self.features = self.masks = np.zeros(0, dtype=np.int64)
        self.near = self.far = self.follows = self.guarded = np.zeros(0, dtype=np.int64)
        columns = 3 if self.weights is None else self.weights.shape[1]
        self.plain = self.negated = np.zeros((0, columns), dtype=np.int16)
        self._learn([SEP])

    def ids(self, tokens: Sequence[str]) -> Ints:
        """The number of each token in this store; unknown ones are taken in."""
        if len(self.words) > self._keep_max:
            self._clear()
        index = self.index
        found = list(map(index.get, tokens))
        if None in found:
            keys = [(i, _key(tokens[i])) for i in _places_of_none(found)]
            if unknown := [key for key in dict.fromkeys(key for _, key in keys) if key not in index]:
                self._learn(unknown)
            for i, key in keys:
                found[i] = index[key]
        return np.array(found, dtype=np.int64)

    def _learn(self, tokens: list[str]) -> None:
        """Take in tokens by their keys."""
        base = len(self.words)
        words = [_canonical(token) for token in tokens]
        self.index.update(zip(tokens, range(base, base + len(tokens)), strict=True))
        self.words += words
        hashes = np.fromiter(map(word_hash, words), dtype=np.uint32, count=len(words))
        slots, counts = ngram_slots(words)
        meanings = [self._vocabulary.of_word(word) for word in words]
        self.meanings.update({base + i: m for i, m in enumerate(meanings) if m.begins or m.guarded})
        roles = np.fromiter((role_of(word) for word in words), dtype=np.int64, count=len(words))
        is_sep = np.fromiter((word == SEP for word in words), dtype=np.bool_, count=len(words))
        self.hashes = np.concatenate((self.hashes, hashes))
        self.roles = np.concatenate((self.roles, roles))
        self.valences = np.concatenate((self.valences, self._lexicon.of(hashes)))
        self.features = np.concatenate((self.features, np.where(is_sep, 0, counts + 1)))
        self.masks = _longer(self.masks, [m.mask for m in meanings])
        self.near = _longer(self.near, [m.near for m in meanings])
        self.far = _longer(self.far, [m.far for m in meanings])
        self.follows = _longer(self.follows, [m.follows for m in meanings])
        self.guarded = _longer(self.guarded, [bool(m.guarded) for m in meanings])
        if self.weights is not None:
            plain, negated = self._sums(self.weights, hashes, slots, counts)
            plain[is_sep] = negated[is_sep] = 0
            self.plain = np.concatenate((self.plain, plain))
            self.negated = np.concatenate((self.negated, negated))

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
    def _sums(weights: Bytes, hashes: Hashes, slots: Ints, counts: Ints) -> tuple[NDArray[np.int16], NDArray[np.int16]]:
        """Weights of words as they are, and under a negation: at most 130 n-grams of 127 each, so 16 bits hold them."""
        starts = np.cumsum(counts) - counts
        ngrams: NDArray[np.int16] = np.add.reduceat(weights[slots], starts, dtype=np.int16)
        own, flipped = unigram_slots(hashes)
        plain: NDArray[np.int16] = ngrams + weights[own] * np.int16(WORTH)
        negated: NDArray[np.int16] = ngrams + weights[flipped] * np.int16(WORTH)
        return plain, negated


def _longer(column: Ints, more: list[int]) -> Ints:
    return np.concatenate((column, np.array(more, dtype=np.int64)))


def _places_of_none(found: list[int | None]) -> Iterator[int]:
    """Where None stands: few places in a long list, so the list's own search goes from one to the next."""
    at = -1
    with suppress(ValueError):  # there is no further one
        while True:
            at = found.index(None, at + 1)
            yield at


def _key(token: str) -> str:
    """What a token is kept under. A very long word is its first letters: what is kept must be short, keys too. Long
    figures are all alike: one entry for every order number and every price, since most come only once."""
    token = token[:WORD_CHARS_MAX]
    return "000" if len(token) > 2 and token.isdecimal() else token


def _canonical(token: str) -> str:
    """Links cut short are all alike."""
    return URL if token in ("http", "https") else token


def unigram_slots(hashes: Hashes) -> tuple[Ints, Ints]:
    """Rows of words as they are, and under a negation."""
    return mix(hashes, 0x2545F491), mix(hashes, 0x61C88647)
