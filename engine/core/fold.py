"""Folding a text for comparison, and cutting it into words. Linear in the length of the text."""

from __future__ import annotations

import re
import unicodedata
from hashlib import blake2b

_TOKEN = re.compile(r"[@#]?\w+")


class _Parts(dict[str, str]):
    """Each character of decomposed text as it is kept: the marks that combine with another are not. Filled as they
    come, at most one entry for each character that there is."""

    def __missing__(self, char: str) -> str:
        kept = self[char] = "" if unicodedata.combining(char) else char
        return kept


_PARTS = _Parts()


def fold(text: str) -> str:
    """Case and accents away: "Équipée" and "EQUIPEE" become the same.

    >>> fold("Équipée, ŒUVRE")
    'equipee, œuvre'
    """
    if text.isascii():
        return text.lower()
    return "".join(map(_PARTS.__getitem__, unicodedata.normalize("NFKD", text.casefold())))


def tokens(text: str) -> list[str]:
    """The words of a folded text, a leading @ or # kept.

    >>> tokens("l'avion @nordalia #panne coca-cola")
    ['l', 'avion', '@nordalia', '#panne', 'coca', 'cola']
    """
    return _TOKEN.findall(text)


def hash64(*parts: str) -> int:
    """A 64-bit hash that is the same in every process (Python's own is salted)."""
    whole = "\x1f".join(parts)
    try:
        raw = whole.encode()
    except UnicodeEncodeError:  # half of a surrogate pair
        raw = whole.encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(raw, digest_size=8).digest(), "big")
