"""A batch of texts to tokens: case and accents folded, in a handful of numpy passes over the whole batch.

The batch is one string whose texts each begin with NUL. Every code point goes through a table (its folded form, its
class), combining marks are dropped, runs longer than two are squeezed (`cooool` and `cool` meet), links and handles
become one sign each, and a blank is put wherever the class of character changes, so that `split` gives words, runs of
punctuation (`!!`, `:)`) and single emoji. Time and memory are linear in the characters, whatever they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]

TEXT_CHARS_MAX = 10_000
"""What stands behind this many characters of one text is not read."""

WORD_CHARS_MAX = 32
SEP, HANDLE, URL = "\x00", "\uf700", "\uf701"
SPACE_CLASS, WORD_CLASS, PUNCT_CLASS, SINGLE_CLASS, SEP_CLASS, DROP_CLASS = range(6)
_ALONE = np.isin(np.arange(6), (SINGLE_CLASS, SEP_CLASS))

_EMOJI_BASE, _EMOJI_END, _EMOJI_TO = 0x1F000, 0x1FB00, 0xE000
_TABLE_SIZE = 0x1FB00
_APOSTROPHES = "'’‘`´ʼ＇"
_LIGATURES = (("œ", "oe"), ("Œ", "OE"), ("æ", "ae"), ("Æ", "AE"), ("ß", "ss"))
_DROPPED = (
    (0x0300, 0x0370), (0x0483, 0x0488), (0x0591, 0x05BE), (0x064B, 0x0660), (0x1AB0, 0x1B00), (0x1DC0, 0x1E00),
    (0x200B, 0x2010), (0x202A, 0x202F), (0x2060, 0x2070), (0x20D0, 0x2100), (0xFE00, 0xFE10), (0xFE20, 0xFE30),
    (0xFEFF, 0xFF00), (0x00AD, 0x00AE), (0x1F3FB, 0x1F400),
)  # fmt: skip
_LINKS = re.compile(r"(?:https?://|www\.)[^\s\x00]*", re.IGNORECASE)
_HANDLES = re.compile(r"@\w{1,50}")


@cache
def _tables() -> tuple[NDArray[np.uint16], NDArray[np.uint8], Ints]:
    """Code point to folded code point, to its class, and to what it counts: capitals, and 2^32 for what makes words."""
    fold = np.full(_TABLE_SIZE, 0xFFFD, dtype=np.uint16)
    fold[:0x10000] = np.arange(0x10000, dtype=np.uint16)
    upper = np.zeros(_TABLE_SIZE, dtype=np.bool_)
    for start, stop in ((0x01, 0x0530), (0x1E00, 0x2500), (0xFB00, 0xFB07), (0xFF01, 0xFF60), (0x1D400, 0x1D800)):
        for point in range(start, stop):
            char = chr(point)
            first = unicodedata.normalize("NFKD", char)[0]
            folded = ord(first.lower()[0])
            fold[point] = folded if folded < 0xD800 else 0xFFFD
            upper[point] = char.isupper()
    fold[0xD800:0xF900] = 0x20
    fold[ord(HANDLE)], fold[ord(URL)] = ord(HANDLE), ord(URL)
    fold[_EMOJI_BASE:_EMOJI_END] = np.arange(_EMOJI_TO, _EMOJI_TO + _EMOJI_END - _EMOJI_BASE, dtype=np.uint16)
    fold[[ord(c) for c in _APOSTROPHES]] = ord("'")
    fold[[ord(c) for c in '«»“”„‟"']] = ord('"')
    fold[[ord(c) for c in "_\xa0\u3000"]] = 0x20
    fold[0x2010:0x2016] = ord("-")
    fold[ord("…")] = ord(".")
    fold[1:0x21] = 0x20
    fold[0x7F:0xA0] = 0x20
    kind = np.full(0x10000, WORD_CLASS, dtype=np.uint8)
    for point in (*range(0x21, 0x530), *range(0x1E00, 0x2600), *range(0x3000, 0x3040)):
        if not chr(point).isalnum():
            kind[point] = PUNCT_CLASS
    kind[0x2600:0x2800] = kind[0x2190:0x2200] = kind[0x2B00:0x2C00] = kind[0xE000:0xF900] = SINGLE_CLASS
    kind[0x20] = kind[ord("'")] = SPACE_CLASS
    kind[0] = SEP_CLASS
    drop = 0xFFFF
    for start, stop in _DROPPED:
        fold[start:stop] = drop
    kind[drop] = DROP_CLASS
    kinds = kind[fold]
    return fold, kinds, upper + ((kinds == WORD_CLASS).astype(np.int64) << 32)


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a batch, one flat list; a SEP stands before the first token of each text."""

    words: list[str]
    capitals: Ints
    """Shape (n,): capital letters of each text."""
    letters: Ints
    """Shape (n,): letters, figures and marks that make words."""
    stretched: Ints
    """Shape (n,): characters that were dropped because they repeat (`nooooon`)."""


def tokenise(texts: Sequence[str]) -> Tokens:
    """Cut a batch of at least one text into folded tokens.

    >>> tokenise(["Ça n'est PAS normal !!!! :)", ""]).words
    ['\\x00', 'ca', 'n', 'est', 'pas', 'normal', '!!', ':)', '\\x00']
    """
    fold, kinds, counted = _tables()
    points = _code_points(texts)
    starts = (points == 0).nonzero()[0]
    folded, kind = fold.take(points, mode="clip"), kinds.take(points, mode="clip")
    counts = np.add.reduceat(counted.take(points, mode="clip"), starts)
    _settle_joints(folded, kind)
    if kind.max() == DROP_CLASS:
        kept = kind != DROP_CLASS
        folded, kind = folded[kept], kind[kept]
    repeats = _repeats(folded, kind)
    stretched = np.zeros(len(texts), dtype=np.int64)
    if len(repeats):
        starts = (folded == 0).nonzero()[0]
        stretched = np.bincount(np.searchsorted(starts, repeats, "right") - 1, minlength=len(texts))
        folded, kind = np.delete(folded, repeats), np.delete(kind, repeats)
    return Tokens(_split(folded, kind), counts & 0xFFFFFFFF, counts >> 32, stretched)


def _repeats(folded: NDArray[np.uint16], kind: NDArray[np.uint8]) -> Ints:
    """Where a character stands for the third time or more, blanks and figures apart."""
    same = folded[1:] == folded[:-1]
    at: Ints = (same[1:] & same[:-1]).nonzero()[0] + 2
    if len(at):
        char, of = folded[at], kind[at]
        at = at[(of != SPACE_CLASS) & (of != SEP_CLASS) & ((char < ord("0")) | (char > ord("9")))]
    return at


def fold_text(text: str) -> list[str]:
    """The tokens of one text.

    >>> fold_text("Qualité")
    ['qualite']
    """
    return tokenise([text]).words[1:]


def fold_many(texts: Sequence[str]) -> list[tuple[str, ...]]:
    """The tokens of each text, in one pass.

    >>> fold_many(["Qualité", "", "C'est ça"])
    [('qualite',), (), ('c', 'est', 'ca')]
    """
    found: list[list[str]] = []
    for token in tokenise(texts).words if texts else ():
        if token == SEP:
            found.append([])
        else:
            found[-1].append(token)
    return [tuple(tokens) for tokens in found]


def without_links(text: str) -> str:
    """The text without its links and handles, which say nothing of its language.

    >>> without_links("@nordalia voir https://lumeo.example/x merci")
    '  voir   merci'
    """
    if "@" in text:
        text = _HANDLES.sub(" ", text)
    return _LINKS.sub(" ", text) if "://" in text or "www." in text else text


def emoji_char(token: str) -> str:
    """The emoji that a single-sign token stands for; any other token as it is."""
    point = ord(token) if len(token) == 1 else 0
    inside = _EMOJI_TO <= point < _EMOJI_TO + _EMOJI_END - _EMOJI_BASE
    return chr(point - _EMOJI_TO + _EMOJI_BASE) if inside else token


def key_of(token: str) -> str:
    """What a token is kept under. A very long word is its first letters: what is kept must be short, keys too. Long
    figures are all alike: one entry for every order number and every price, since most come only once."""
    token = token[:WORD_CHARS_MAX]
    return "000" if len(token) > 2 and token.isdecimal() else token


def kept_as(token: str) -> str:
    """The word that a token is read as. Links cut short are all alike.

    >>> kept_as("panne"), kept_as("12345"), kept_as("http") == URL
    ('panne', '000', True)
    """
    return URL if token in ("http", "https") else key_of(token)


def _code_points(texts: Sequence[str]) -> NDArray[np.uint32]:
    big = SEP + SEP.join([text[:TEXT_CHARS_MAX] for text in texts])  # cut first: memory must not follow a huge text
    if big.count(SEP) != len(texts):
        big = SEP + SEP.join([text[:TEXT_CHARS_MAX].replace(SEP, " ") for text in texts])
    if "@" in big:
        big = _HANDLES.sub(HANDLE, big)
    if "://" in big or "www." in big or "WWW." in big:
        big = _LINKS.sub(URL, big)
    for ligature, letters in _LIGATURES:
        if ligature in big:
            big = big.replace(ligature, letters)
    return np.frombuffer(bytearray(big.encode("utf-32-le", "surrogatepass")), dtype=np.uint32)


def _settle_joints(folded: NDArray[np.uint16], kind: NDArray[np.uint8]) -> None:
    """`don't` becomes `dont`; any other apostrophe parts words, and so does a hyphen between two of them."""
    at = (folded[1:-1] == ord("'")).nonzero()[0] + 1
    if len(at):
        kind[at[(folded[at - 1] == ord("n")) & (folded[at + 1] == ord("t"))]] = DROP_CLASS
    at = (folded[1:-1] == ord("-")).nonzero()[0] + 1
    if len(at):
        kind[at[(kind[at - 1] == WORD_CLASS) & (kind[at + 1] == WORD_CLASS)]] = SPACE_CLASS


def _split(folded: NDArray[np.uint16], kind: NDArray[np.uint8]) -> list[str]:
    folded[kind == SPACE_CLASS] = 0x20
    behind = kind[1:]
    cut = (behind != kind[:-1]) | _ALONE.take(behind)
    at = np.arange(len(folded))
    at[1:] += cut.cumsum()
    spaced = np.full(int(at[-1]) + 1, 0x20, dtype="<u2")
    spaced[at] = folded
    return spaced.tobytes().decode("utf-16-le").split()
