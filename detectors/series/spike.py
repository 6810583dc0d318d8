"""A sharp departure of a series that has no total: z-scores of the log count over three spans, summed.

A count without exposure bursts for many reasons, so its logarithm is judged: over 5 minutes, half an hour and 3 hours
(exponential windows), each against a mean, a variance and an hour-of-day offset that forget in two weeks. A burst shows
in all three, a lone bin in one; their sum over sqrt(3) goes through the same learnt tail as the sequential tests.
Updates are clipped at three standard deviations. (Detectors of this kind on volumes of mentions: Lavin and Ahmad 2015,
arXiv 1510.03336.)
"""

from __future__ import annotations

from math import exp, log, log10, sqrt
from typing import Any, Final

from detectors.series.normal import HOUR_S
from detectors.series.tail import Tail, TailPrior
from engine.domain.series import SignalReading

SPANS_S: Final = (300.0, 1800.0, 10_800.0)
_N: Final = len(SPANS_S)
_UNIT_S: Final = 300.0
"""Counts are taken per five minutes before the logarithm of 1 + count, whatever the bin."""
_MEMORY_S: Final = 336.0 * HOUR_S
"""Half-life of what is usual: two weeks, as of the slow level, so that a weekday is known from more than one."""
_NOISE: Final = 0.01
"""Least variance of a log count: a tenth either way is never news."""
_QUIET_S: Final = HOUR_S
_PATIENCE_S: Final = 24 * HOUR_S
PRIOR: Final = TailPrior(level=3.0, scale=1.0)
"""A z-score: 3 is topped about once in four spans of six hours."""


class Spike:
    """The spike alarm of one series.

    >>> s = Spike(300, 0.25)
    >>> calm = [s.take(10.0 + i % 3, 300 * i) for i in range(2016)]
    >>> s.take(900.0, 300 * 2016), s.surprise > 2
    (True, True)
    """

    __slots__ = (
        "_alarm_s", "_bin_s", "_gain", "_level", "_means", "_now_s", "_offsets", "_seen", "_smooth", "_spread",
        "_threshold", "active", "surprise", "tail",
    )  # fmt: skip

    def __init__(self, bin_s: int, false_alarms_per_week: float) -> None:
        self._bin_s = bin_s
        self._threshold = -log10(false_alarms_per_week)
        self._smooth = [1.0 - exp(-bin_s / s) if bin_s < s else 1.0 for s in SPANS_S]
        self._gain = 1.0 - 0.5 ** (bin_s / _MEMORY_S)
        self._seen = 0
        self._level = [0.0] * _N
        self._means = [0.0] * _N
        self._spread = [1.0] * _N
        self._offsets = [0.0] * (24 * _N)
        self.tail = Tail(PRIOR)
        self._alarm_s = self._now_s = 0
        self.active = False
        self.surprise = 0.0

    def take(self, n: float, start_s: int) -> bool:
        """Take in a bin; True if it stands over the threshold."""
        self._seen += 1
        self._now_s = start_s
        hour = start_s // HOUR_S % 24 * _N
        gain = max(self._gain, 1.0 / self._seen)
        hours = self._seen * self._bin_s / HOUR_S
        hourly = 0.5 * max(24.0 * self._gain, self._bin_s / _UNIT_S / (hours + 24.0))
        n *= _UNIT_S / self._bin_s
        total = 0.0
        for j in range(_N):
            level = self._level[j] = self._level[j] + self._smooth[j] * (n - self._level[j])
            e = log(1.0 + level) - self._means[j] - self._offsets[hour + j]
            sd = sqrt(self._spread[j] + _NOISE)
            total += e / sd
            e = max(-3.0 * sd, min(3.0 * sd, e))
            self._means[j] += gain * e
            self._spread[j] += gain * (e * e - self._spread[j])
            if hours > 24.0:
                self._offsets[hour + j] += min(hourly, 0.5) * e
        z = total / sqrt(_N)
        self.surprise = self.tail.surprise(z)
        self.tail.learn(z)
        if self.active:
            since = start_s - self._alarm_s
            if (since >= _QUIET_S and self.surprise < 0.0) or since >= _PATIENCE_S:
                self.active = False
        return self.surprise >= self._threshold

    def open(self, start_s: int) -> None:
        self.active = True
        self._alarm_s = start_s

    def reading(self, alarm: bool) -> SignalReading:
        """The last half hour, against what is usual at this hour."""
        j = 1
        usual = exp(self._means[j] + self._offsets[self._now_s // HOUR_S % 24 * _N + j]) - 1.0
        scale = SPANS_S[j] / _UNIT_S
        since_s = self._now_s + self._bin_s - max(int(SPANS_S[j]), self._bin_s)
        return SignalReading(
            "spike", self.surprise, alarm, self.active, self._level[j] * scale, max(0.0, usual) * scale, since_s
        )

    def dump(self) -> dict[str, Any]:
        return {
            "normal": [self._seen, list(self._level), list(self._means), list(self._spread), list(self._offsets)],
            "tail": self.tail.dump(),
            "alarm": [self._now_s, self._alarm_s, self.active, self.surprise],
        }

    def load(self, state: dict[str, Any]) -> None:
        self._seen, level, means, spread, offsets = state["normal"]
        self._level, self._means, self._spread, self._offsets = list(level), list(means), list(spread), list(offsets)
        self.tail.load(state["tail"])
        self._now_s, self._alarm_s, self.active, self.surprise = state["alarm"]
