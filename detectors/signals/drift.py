"""Drift: the share of negatives has crept up over days, too slowly for any test of minutes or hours.

Six hours at a time, for four weeks. The last three days stand against the weeks before them: z-score of the negatives
given the total, with the scatter that six-hour shares of this brand have. When that would alarm, river's Page-Hinkley
test (Page 1954) goes over the same weeks and has to find the change too; only then is that one module loaded.
"""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final

from detectors.series.normal import DAY_S
from detectors.signals.judge import VERSION, Judge, checked, normal_nats
from engine.domain.series import SignalReading
from engine.domain.signals import SpanFacts

BLOCK_S: Final = 6 * 3600
_LOOKS: Final = 28.0
_BLOCKS_MAX: Final = 112
_LATE: Final = 12
"""The last three days, in blocks."""
_OLD_MIN: Final = 28
"""A week before them has to be known: shares differ by the day of the week."""
_SHARE_MIN: Final = 0.005
_SLACK: Final = 0.25
_HEIGHT: Final = 5.0
"""Page-Hinkley's own two figures, in standard deviations of a block: a shift of half a one is looked for."""


@cache
def _page_hinkley() -> Any:
    """River's `PageHinkley`, its module loaded alone and once.

    The package about it imports data sets, and with them scikit-learn and a database driver: that takes a second.
    """
    name = "river.drift"
    root = find_spec("river")
    if name not in sys.modules and root is not None and root.submodule_search_locations:
        place = Path(root.submodule_search_locations[0], "drift", "page_hinkley.py")
        spec = spec_from_file_location(f"{name}.page_hinkley", place) if place.is_file() else None
        if spec is not None and spec.loader is not None:
            module = module_from_spec(spec)
            spec.loader.exec_module(module)
            return module.PageHinkley
    return import_module(f"{name}.page_hinkley").PageHinkley


class Drift:
    """The slow share of negatives."""

    name = "drift"
    hears_silence = False
    __slots__ = ("_block", "_blocks", "_judge", "_n", "_shares", "_total")

    def __init__(self, false_alarms_per_week: float) -> None:
        self._judge = Judge(false_alarms_per_week, patience_s=7 * DAY_S, looks_a_week=_LOOKS)
        self._blocks: list[tuple[float, float]] = []  # negatives and total of six hours with a mention
        self._block = -1
        self._n = self._total = 0.0
        self._shares = (0.0, 0.0)

    @property
    def surprise(self) -> float | None:
        return self._judge.surprise

    def step(self, facts: SpanFacts) -> SignalReading | None:
        block = facts.start_s // BLOCK_S
        if block == self._block:
            if facts.calm:  # a storm is not slow, and is told of by itself
                self._n += facts.units
                self._total += facts.total
            if not self._judge.active:
                return None
            return self._judge.reading("drift", False, *self._shares)
        self._block = block
        if self._total:
            self._blocks = [*self._blocks[1 - _BLOCKS_MAX :], (self._n, self._total)]
        self._n, self._total = (facts.units, float(facts.total)) if facts.calm else (0.0, 0.0)
        return self._judged(facts)

    def _judged(self, facts: SpanFacts) -> SignalReading | None:
        """Six hours are over."""
        judge, blocks = self._judge, self._blocks
        cut = len(blocks) - _LATE
        if cut < _OLD_MIN:
            return None
        mentions = old_n = recent = late_n = 0.0
        for i, (n, total) in enumerate(blocks):
            if i < cut:
                old_n, mentions = old_n + n, mentions + total
            else:
                late_n, recent = late_n + n, recent + total
        usual = min(max(old_n / mentions, _SHARE_MIN), 1.0 - _SHARE_MIN)
        one = usual * (1.0 - usual)
        # scatter of whole days, since what moves a share of six hours goes on for a day
        squares = off = weight = 0.0
        for i, (n, total) in enumerate(blocks[: cut - cut % 4]):
            off, weight = off + n - usual * total, weight + total
            if i % 4 == 3:
                squares, off, weight = squares + off * off / (one * weight), 0.0, 0.0
        phi = max(1.0, squares / (cut // 4))
        z = (late_n - usual * recent) / (phi * one * recent * (1.0 + recent / mentions)) ** 0.5
        alarm = judge.take(normal_nats(z), facts)
        if alarm and not self._confirmed(usual, phi):
            judge.over()
            alarm = False
        if alarm:  # judged every six hours, so its evidence began with the days that it looks at
            judge.since_s = facts.start_s - BLOCK_S * _LATE
        self._shares = (100.0 * late_n / recent, 100.0 * usual)
        return judge.reading("drift", alarm, *self._shares) if judge.active else None

    def _confirmed(self, usual: float, phi: float) -> bool:
        """Does Page-Hinkley find a rise within the last three days and those before?"""
        test = _page_hinkley()(min_instances=_OLD_MIN, delta=_SLACK, threshold=_HEIGHT, alpha=1.0, mode="up")
        found = -1
        for i, (n, total) in enumerate(self._blocks):
            test.update((n - usual * total) / (phi * usual * (1.0 - usual) * total) ** 0.5)
            if test.drift_detected:
                found = i
        return found >= len(self._blocks) - 2 * _LATE

    def snapshot(self) -> dict[str, Any]:
        return {
            "v": VERSION, "judge": self._judge.dump(), "blocks": [list(b) for b in self._blocks],
            "block": [self._block, self._n, self._total], "shares": list(self._shares),
        }  # fmt: skip

    def restore(self, snapshot: dict[str, Any]) -> None:
        state = checked(snapshot, self.name)
        self._judge.load(state["judge"])
        self._blocks = [(n, t) for n, t in state["blocks"]]
        self._block, self._n, self._total = state["block"]
        observed, expected = state["shares"]
        self._shares = (observed, expected)
