"""What tells which texts say the same and which speak of the same, seen from inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol


class TextGroups(Protocol):
    """Groups texts. Pure: the same texts in the same order give the same groups, in whatever process.

    The engine hands texts over in a canonical order and never more than `engine.core.themes.TEXTS_MAX` at once, so
    neither the order of arrival nor the size of a storm reaches an implementation. All pass one contract suite.
    """

    def near_copies(self, texts: Sequence[str]) -> list[int]:
        """For each folded text the position of the first that it is a near-copy of; its own if there is none."""
        ...

    def subjects(self, bags: Sequence[Mapping[str, float]]) -> list[int]:
        """For each bag of weighted terms the number of its group, or -1 where it is in none.

        Numbers start at 0, without holes, in the order of each group's first bag. An empty bag is in no group.
        """
        ...
