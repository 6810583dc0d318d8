"""Reach: negatives weighted by how many people may see them.

The reach of negatives is summed over an exponential window of half an hour, and so are the negatives that the
detector's own normal expects, which know the hour of the day. The log of their ratio, x = log((S + r) / (r (E + 1)))
with r the usual reach of one negative, stands against its own mean and variance.
"""

from __future__ import annotations

from math import exp, log, log1p
from typing import Any, Final

from detectors.series.normal import HOUR_S
from detectors.signals.judge import AUDIENCE_MIN, LOW, VERSION, Judge, Spread, checked, normal_nats
from engine.domain.series import SignalReading
from engine.domain.signals import SpanFacts

_HALF_S: Final = 1800.0
_GAP_MAX_S: Final = 2 * HOUR_S
"""After so long without a word the window is empty anyway."""


class Reach:
    """The audience of the negatives."""

    name = "reach"
    hears_silence = False
    __slots__ = ("_due", "_judge", "_last_s", "_one", "_sum", "_x")

    def __init__(self, false_alarms_per_week: float) -> None:
        self._judge = Judge(false_alarms_per_week)
        self._sum = self._due = 0.0
        self._last_s = 0
        self._one = Spread(4.0, 1.5)  # log of the reach of one negative
        self._x = Spread(0.0, 1.0)

    @property
    def surprise(self) -> float | None:
        return self._judge.surprise

    def step(self, facts: SpanFacts) -> SignalReading | None:
        rate = facts.expected
        judge = self._judge
        if (rate <= 0.0 or not facts.negatives) and not judge.active:
            return None  # nothing to be seen, or the detector is warming up: nothing is known to be usual
        gap = facts.end_s - self._last_s
        if gap > _GAP_MAX_S:
            gap = _GAP_MAX_S
        keep = 0.5 ** (gap / _HALF_S)
        spans = gap / (facts.end_s - facts.start_s)
        self._last_s = facts.end_s
        self._sum = self._sum * keep + facts.reach
        self._due = self._due * keep + rate * spans * (1.0 + keep) * 0.5
        one = exp(self._one.mean)
        x = log((self._sum + one) / (one * (self._due + 1.0)))
        usual = self._x
        z = normal_nats((x - usual.mean) / usual.sd * usual.unsure)
        alarm = False
        if (z < LOW or self._sum < AUDIENCE_MIN) and judge.idle:
            judge.low()
        else:
            alarm = judge.take(z, facts)
        if facts.negatives and facts.calm and judge.learns:
            usual.learn(x)
            self._one.learn(log1p(facts.reach / facts.negatives))
        if not judge.active:
            return None
        return judge.reading("reach", alarm, self._sum, max(0.0, exp(usual.mean) * one * (self._due + 1.0) - one))

    def snapshot(self) -> dict[str, Any]:
        return {
            "v": VERSION, "judge": self._judge.dump(), "sums": [self._sum, self._due, self._last_s],
            "one": self._one.dump(), "x": self._x.dump(),
        }  # fmt: skip

    def restore(self, snapshot: dict[str, Any]) -> None:
        state = checked(snapshot, self.name)
        self._judge.load(state["judge"])
        self._sum, self._due, self._last_s = state["sums"]
        self._one.load(state["one"])
        self._x.load(state["x"])
