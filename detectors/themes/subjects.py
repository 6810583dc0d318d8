"""Texts that speak of the same: river's TextClust, then its small clusters joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class SubjectParams:
    """`radius`: how far (cosine distance of tf-idf) a text may lie from a cluster that takes it in as it comes.

    Of what follows all likenesses are cosines of texts whose terms brought those along that go with them: `kin` is how
    alike two terms must be for that. Clusters whose texts are on average at least `join` alike are one. A text less
    like its nearest cluster than `belongs` is in none.
    """

    radius: float = 0.6
    kin: float = 0.07
    join: float = 0.2
    belongs: float = 0.2


def subjects(bags: Sequence[Mapping[str, float]], params: SubjectParams = SubjectParams()) -> list[int]:
    """For each bag of weighted terms the number of its group, -1 where it has no terms or is near none.

    TextClust (Carnein, Assenmacher and Trautmann 2017) takes the bags one after the other and is here asked to forget
    nothing: the engine hands over what stands in its window, in a fixed order. A bag that came early met few clusters,
    so each is then given to the nearest, and clusters that are alike are joined (average linkage). For both, a term
    stands for those that it goes with as well: "the hotline hangs up" and "two hours on hold" share no word, but the
    words of both stand together elsewhere.

    >>> subjects([{"panne": 1, "reseau": 1}, {"colis": 1}, {"panne": 1}, {}, {"colis": 1, "perdu": 1}])
    [0, 1, 0, -1, 1]
    """
    terms = sorted({term for bag in bags for term in bag})
    if not terms:
        return [-1] * len(bags)
    clusters = _text_clusters(bags, params.radius)
    column = {term: i for i, term in enumerate(terms)}
    x = _matrix(bags, column)
    idf = 1 + np.log(len(bags) / np.maximum((x > 0).sum(axis=0), 1))
    x = _unit(x * idf)
    columns = _unit(x.T)
    kin = columns @ columns.T
    kin[np.round(kin, 9) < params.kin] = 0.0
    centres = _unit(_unit(_matrix(clusters, column) * idf) @ kin)
    x = _unit(x @ kin)
    nearest = np.where(x.any(axis=1), _nearest(x, centres, params.belongs), -1)
    return _numbered(_joined(x, nearest, params.join))


def _text_clusters(bags: Sequence[Mapping[str, float]], radius: float) -> list[dict[str, float]]:
    """The summed terms of each of TextClust's clusters, in the order in which they began."""
    from river.cluster import TextClust

    make: Any = TextClust  # river is not typed
    model = make(
        radius=radius, real_time_fading=False, fading_factor=1e-9, term_fading=False,
        tgap=len(bags) + 1, auto_merge=False,
    )  # fmt: skip
    for bag in bags:
        if bag:
            model.learn_one(dict(sorted(bag.items())))
    return [{term: held["tf"] for term, held in micro.tf.items()} for micro in model.micro_clusters.values()]


def _matrix(bags: Sequence[Mapping[str, float]], column: Mapping[str, int]) -> NDArray[np.float64]:
    x = np.zeros((len(bags), len(column)))
    for i, bag in enumerate(bags):
        for term, weight in bag.items():
            x[i, column[term]] = weight
    return x


def _unit(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rows of length one; a row of zeros stays."""
    length = np.sqrt((x * x).sum(axis=1, keepdims=True))
    unit: NDArray[np.float64] = x / np.where(length > 0, length, 1.0)
    return unit


def _nearest(x: NDArray[np.float64], centres: NDArray[np.float64], belongs: float) -> NDArray[np.int64]:
    # rounded, so that the last bit of a sum, which is the machine's own affair, decides nothing
    alike = np.round(x @ centres.T, 9)
    nearest: NDArray[np.int64] = np.where(alike.max(axis=1) >= belongs, alike.argmax(axis=1), -1)
    return nearest


def _joined(x: NDArray[np.float64], of: NDArray[np.int64], join: float) -> NDArray[np.int64]:
    """Join the two groups that are most alike, until none are alike enough.

    The mean cosine between the texts of two groups is the product of their mean vectors.
    """
    groups = [int(g) for g in np.unique(of) if g >= 0]
    sums = np.array([x[of == g].sum(axis=0) for g in groups]).reshape(len(groups), x.shape[1])
    sizes = np.array([(of == g).sum() for g in groups], dtype=np.float64)
    into = {g: g for g in groups}
    while len(groups) > 1:
        means = sums / sizes[:, None]
        alike = np.round(np.triu(means @ means.T, 1), 9)
        a, b = divmod(int(alike.argmax()), len(groups))
        if alike[a, b] < join:
            break
        into = {g: groups[a] if to == groups[b] else to for g, to in into.items()}
        sums[a] += sums[b]
        sizes[a] += sizes[b]
        sums, sizes = np.delete(sums, b, axis=0), np.delete(sizes, b)
        del groups[b]
    return np.array([into.get(int(g), -1) for g in of], dtype=np.int64)


def _numbered(of: NDArray[np.int64]) -> list[int]:
    """Numbers from 0 in the order of the first bag."""
    numbers: dict[int, int] = {}
    return [-1 if g < 0 else numbers.setdefault(int(g), len(numbers)) for g in of]
