"""Which texts say the same, and which speak of the same: the engine's port `TextGroups`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from detectors.themes.copies import CopyParams, near_copies
from detectors.themes.subjects import SubjectParams, subjects


class RiverGroups:
    """MinHash for copies, river's TextClust for subjects. River is loaded when the first themes are asked for.

    >>> RiverGroups().subjects([{"panne": 1.0}, {"colis": 1.0}, {"panne": 1.0}])
    [0, 1, 0]
    """

    def __init__(self, copies: CopyParams | None = None, of: SubjectParams | None = None) -> None:
        self._copies, self._of = copies or CopyParams(), of or SubjectParams()

    def near_copies(self, texts: Sequence[str]) -> list[int]:
        return near_copies(texts, self._copies)

    def subjects(self, bags: Sequence[Mapping[str, float]]) -> list[int]:
        return subjects(bags, self._of)
