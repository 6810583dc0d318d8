"""Near-copies among texts: MinHash over shingles of words, found by banding (datasketch, loaded when first needed)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datasketch import MinHash

WORDS_MAX = 400
"""Words of a text that count: a copy shows in its beginning."""


@dataclass(frozen=True, slots=True)
class CopyParams:
    """`likeness` is the share of shingles in common (Jaccard) from which a text counts as a copy of another.

    `bands` times the rows of a band are `permutations`: with 16 bands of 4 a pair that shares 70 % of its shingles is
    looked at with a probability of 0.99, one that shares 20 % with 0.03.
    """

    likeness: float = 0.6
    shingle: int = 2
    permutations: int = 64
    bands: int = 16


def near_copies(texts: Sequence[str], params: CopyParams = CopyParams()) -> list[int]:
    """For each text the position of the first that it is a near-copy of, itself if it is none. Deterministic.

    Broder 1997, "On the resemblance and containment of documents"; banding as in Leskovec et al., "Mining of Massive
    Datasets", 3.4. The likeness is estimated from the signatures, so within some 0.06 of the true one. A text is
    compared with the first of a group of copies only: a chain of small changes does not make one group.

    >>> near_copies(["le reseau est en panne a lyon", "rien a voir", "le reseau est en panne a lyon 69"])
    [0, 1, 0]
    """
    from datasketch import MinHash, MinHashLSH

    heads = list(range(len(texts)))
    rows = params.permutations // params.bands
    index = MinHashLSH(num_perm=params.permutations, params=(params.bands, rows))
    signatures: dict[int, MinHash] = {}
    long_enough = {i: found for i, text in enumerate(texts) if (found := _shingles(text, params.shingle))}
    made = MinHash.bulk(list(long_enough.values()), num_perm=params.permutations)
    for i, signature in zip(long_enough, made, strict=True):
        alike = {j: signatures[j].jaccard(signature) for j in sorted(index.query(signature))}
        best = max(alike, key=lambda j: alike[j], default=i)
        if alike.get(best, 0.0) >= params.likeness:
            heads[i] = best
        else:
            index.insert(i, signature)
            signatures[i] = signature
    return heads


def _shingles(text: str, size: int) -> list[bytes]:
    """Runs of words; none for a text that is hardly longer than one.

    Such short texts are copies when they are equal, and the engine has joined those already.
    """
    words = text.split()[:WORDS_MAX]
    if len(words) < size + 1:
        return []
    runs = {" ".join(words[i : i + size]) for i in range(len(words) - size + 1)}
    return [run.encode("utf-8", "surrogatepass") for run in sorted(runs)]
