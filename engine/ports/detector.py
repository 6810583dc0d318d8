"""A detector of one series, seen from inside."""

from __future__ import annotations

from typing import Any, Protocol

from engine.domain.series import BinCount, Verdict


class SeriesDetector(Protocol):
    """Judges the bins of one series, oldest first, without holes (an empty bin is a bin of zeros).

    Every detector passes one contract suite: `score_one` changes nothing; `step` is score, then learn; snapshot and
    restore give the same future; memory is bounded; two made alike are independent.

    One whose snapshot is a few kilobytes may say so by an attribute `packs = True`: a quiet brand of it is then packed
    and looked at when its time comes. Without it every bin is judged as it closes.
    """

    def score_one(self, x: BinCount) -> Verdict:
        """What to think of this bin, before learning from it. Changes nothing."""
        ...

    def learn_one(self, x: BinCount) -> None:
        """Take the bin in."""
        ...

    def step(self, x: BinCount) -> Verdict:
        """Score, then learn, at the cost of one pass."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Everything needed to go on elsewhere, as versioned JSON values."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Become what `snapshot` says. Raises StateError if it is of an unknown version."""
        ...
