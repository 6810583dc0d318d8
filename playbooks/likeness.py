"""How alike two texts are: difflib's ratio, asked only of pairs that could be alike at all."""

from __future__ import annotations

from difflib import SequenceMatcher

SIMILARITY_MAX = 0.9
"""Two networks' texts with a higher ratio are the same text to whoever reads both."""


def similar(a: str, b: str, ratio_max: float = SIMILARITY_MAX) -> bool:
    """Whether two texts are the same or nearly so: difflib's ratio, whichever comes first, above `ratio_max`.

    >>> similar("Une panne touche le site.", "Une panne touche le site !")
    True
    >>> similar("Une panne touche le site.", "Nous cherchons la cause.")
    False
    """
    total = len(a) + len(b)
    if not total or 2 * min(len(a), len(b)) <= ratio_max * total:
        return not total
    if not _lcs_may_exceed(a, b, ratio_max * total / 2):
        return False
    return max(ratios(a, b)) > ratio_max


def ratios(a: str, b: str) -> tuple[float, ...]:
    """difflib's ratio of both orders, with and without its short cut for frequent characters: they may differ."""
    return tuple(SequenceMatcher(None, x, y, junk).ratio() for x, y in ((a, b), (b, a)) for junk in (True, False))


def _lcs_may_exceed(a: str, b: str, chars: float) -> bool:
    """Whether the longest common subsequence, an upper bound of what difflib matches, is longer than `chars`.

    Bit-parallel: Hyyrö, Bit-parallel LCS-length computation revisited (AWOCA 2004).
    """
    where: dict[str, int] = {}
    for i, char in enumerate(a):
        where[char] = where.get(char, 0) | 1 << i
    full = (1 << len(a)) - 1
    row = full
    for char in b:
        hits = row & where.get(char, 0)
        row = ((row + hits) | (row - hits)) & full
    return len(a) - row.bit_count() > chars
