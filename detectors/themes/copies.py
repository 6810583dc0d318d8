"""Near-copies among texts: MinHash over shingles of words, found by banding.

Own code and not datasketch, whose import takes scipy.integrate with it: a second, of a replay that takes two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

WORDS_MAX = 400
"""Words of a text that count: a copy shows in its beginning."""
_PRIME = np.uint64(2**31 - 1)


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
    heads = list(range(len(texts)))
    signatures = [_signature(text, params) for text in texts]
    rows = params.permutations // params.bands
    buckets: dict[tuple[int, bytes], list[int]] = {}
    for i, signature in enumerate(signatures):
        if signature is None:
            continue
        keys = [(band, signature[band * rows : (band + 1) * rows].tobytes()) for band in range(params.bands)]
        seen = sorted({j for key in keys for j in buckets.get(key, ())})
        best = _most_alike(signature, seen, signatures, params.likeness)
        if best is not None:
            heads[i] = best
            continue
        for key in keys:
            buckets.setdefault(key, []).append(i)
    return heads


def _most_alike(
    signature: NDArray[np.uint64], seen: list[int], signatures: list[NDArray[np.uint64] | None], likeness: float
) -> int | None:
    """The first of those that are most like it, if one is like enough."""
    if not seen:
        return None
    others = np.stack([other for j in seen if (other := signatures[j]) is not None])
    alike = (others == signature).mean(axis=1)
    best = int(alike.argmax())
    return seen[best] if alike[best] >= likeness else None


def _signature(text: str, params: CopyParams) -> NDArray[np.uint64] | None:
    """The smallest hash of a text's shingles under each permutation; None for a text of fewer words than a shingle.

    Such short texts are copies when they are equal, and the engine has joined those already.
    """
    words = text.split()[:WORDS_MAX]
    if len(words) < params.shingle + 1:
        return None
    shingles = {" ".join(words[i : i + params.shingle]) for i in range(len(words) - params.shingle + 1)}
    hashes = np.array([_hash31(shingle) for shingle in sorted(shingles)], dtype=np.uint64)
    factors, offsets = _permutations(params.permutations)
    found: NDArray[np.uint64] = ((hashes[:, None] * factors + offsets) % _PRIME).min(axis=0)
    return found


def _hash31(shingle: str) -> int:
    """31 bits, so that a product of two stays within 64."""
    raw = blake2b(shingle.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(raw, "big") & 0x7FFFFFFF


@cache
def _permutations(n: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Fixed factors and offsets of n linear permutations modulo a prime: the same on every machine."""
    raw = [blake2b(i.to_bytes(4, "big"), digest_size=16).digest() for i in range(n)]
    prime = int(_PRIME)
    factors = [1 + int.from_bytes(r[:8], "big") % (prime - 1) for r in raw]
    offsets = [int.from_bytes(r[8:], "big") % prime for r in raw]
    return np.array(factors, dtype=np.uint64), np.array(offsets, dtype=np.uint64)
