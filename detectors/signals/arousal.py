"""Arousal: the negatives are more heated than usual, be they few or many.

The heat of a message is its urgency, and a message of a grave category counts as one of full urgency more. Over a
window of an hour (exponential), the sum of heat stands against the usual mean times the messages, with the variance
that spans of this brand have shown.
"""

from __future__ import annotations

from typing import Any, Final

from detectors.series.normal import HOUR_S
from detectors.signals.judge import KEEP, LOW, VERSION, Judge, checked, normal_nats
from engine.domain.series import SignalReading
from engine.domain.signals import SpanFacts

_HALF_S: Final = float(HOUR_S)
_MEAN: Final = 0.2
_VARIANCE: Final = 0.05
_VARIANCE_MIN: Final = 0.01
_WEIGHT: Final = 20.0
"""Weight of the priors, in messages."""


class Arousal:
    """The heat of the negatives."""

    name = "arousal"
    hears_silence = False
    __slots__ = ("_heat", "_judge", "_last_s", "_n", "_squares", "_usual")

    def __init__(self, false_alarms_per_week: float) -> None:
        self._judge = Judge(false_alarms_per_week)
        self._heat = self._n = self._squares = 0.0
        self._last_s = 0
        self._usual = [_WEIGHT, _WEIGHT * _MEAN, _WEIGHT * _VARIANCE]  # messages, heat, squared departures

    @property
    def surprise(self) -> float | None:
        return self._judge.surprise

    def step(self, facts: SpanFacts) -> SignalReading | None:
        n = facts.negatives
        judge = self._judge
        if not n and not judge.active:
            return None
        keep = 0.5 ** ((facts.end_s - self._last_s) / _HALF_S)
        self._last_s = facts.end_s
        heat = 0.01 * facts.urgency + facts.severe
        self._heat = self._heat * keep + heat
        self._n = self._n * keep + n
        self._squares = self._squares * keep * keep + n
        seen, sum_, squares = self._usual
        mean, variance = sum_ / seen, squares / seen + _VARIANCE_MIN
        # what is usual is known from `seen` messages only
        spread = variance * (self._squares + self._n * self._n / seen) + 1e-9
        z = normal_nats((self._heat - mean * self._n) / spread**0.5)
        alarm = False
        if z < LOW and judge.idle:
            judge.low()
        else:
            alarm = judge.take(z, facts)
        if n and facts.calm and judge.learns:
            off = heat - mean * n
            limit = 3.0 * (variance * n) ** 0.5
            off = limit if off > limit else -limit if off < -limit else off
            keep = KEEP**n
            self._usual = [seen * keep + n, sum_ * keep + mean * n + off, squares * keep + off * off]
        if not judge.active:
            return None
        return judge.reading("arousal", alarm, 100.0 * self._heat / max(self._n, 1e-9), 100.0 * mean)

    def snapshot(self) -> dict[str, Any]:
        return {
            "v": VERSION, "judge": self._judge.dump(), "usual": list(self._usual),
            "window": [self._heat, self._n, self._squares, self._last_s],
        }  # fmt: skip

    def restore(self, snapshot: dict[str, Any]) -> None:
        state = checked(snapshot, self.name)
        self._judge.load(state["judge"])
        self._usual = list(state["usual"])
        self._heat, self._n, self._squares, self._last_s = state["window"]
