"""Evidence that counts have risen: Shiryaev-Roberts over a mixture of ratios, in units of weeks.

Each candidate ratio r keeps `R <- (R + w) exp(llr)`, where w is the bin's length in weeks and, for n events,

    llr = (n log r - lambda (r - 1)) / v               lambda expected (Poisson; r multiplies the rate)
    llr = (n log r - N log(1 + p (r - 1))) / v         N mentions of usual share p (binomial; r multiplies the odds)

is a log-likelihood ratio tempered by v, the inflation of the variance. While nothing happens R minus the weeks elapsed
is a martingale, so `mean(R) >= A` comes on average no sooner than once in A weeks, whatever the bin's length (Pollak
1985; Shin, Ramdas and Rinaldo 2022, "E-detectors"). No method can react much sooner than log(A) / KL (Lorden 1971).
"""

from __future__ import annotations

from math import exp, log, log1p
from typing import Any, Final

WEEK_S: Final = 604_800.0
RATIOS: Final = (2.0, 3.0, 5.0, 8.0, 16.0)
"""Rate ratios looked for. Below 2 real drift looks alike; above 16 one bin is enough for any of them."""
_L0, _L1, _L2, _L3, _L4 = (log(r) for r in RATIOS)  # unrolled below: this runs for every bin of every brand
_ZERO: Final = (0.0, 0.0, 0.0, 0.0, 0.0)
_A_MAX: Final = 200.0
"""Tempered events a bin: more are tempered further, so that exp stays clear of overflow (16^200 = e^554)."""
_GAIN_MAX: Final = 50.0
POISSON_COSTS: Final = tuple(r - 1.0 for r in RATIOS)
_CAP: Final = 1e13
_LOG_N: Final = log(len(RATIOS))
_MIN: Final = 1e-300


def binomial_costs(share: float) -> tuple[float, ...]:
    """What each mention, negative or not, speaks against each ratio of the odds, if `share` of them usually are."""
    return tuple([log1p(share * c) for c in POISSON_COSTS])


class Evidence:
    """The mixture statistic of one test, and the onset that it finds most likely.

    >>> e = Evidence(300)
    >>> calm = [e.update(1.0, 1.0, POISSON_COSTS, 1.0, 1.0, 300 * i) for i in range(100)][-1]
    >>> storm = [e.update(6.0, 1.0, POISSON_COSTS, 1.0, 1.0, 30_000 + 300 * i) for i in range(3)][-1]
    >>> calm < 0 < storm, e.since_s
    (True, 30000)
    """

    __slots__ = ("_gain", "_r", "_w", "expected", "observed", "since_s")

    def __init__(self, bin_s: int) -> None:
        self._w = bin_s / WEEK_S
        self._r: tuple[float, ...] = _ZERO
        self._gain = 0.0
        self.since_s = 0
        self.observed = 0.0
        self.expected = 0.0

    def update(
        self, n: float, exposure: float, costs: tuple[float, ...], expected: float, v: float, start_s: int
    ) -> float:
        """Take in a bin of `n` events where `expected` were due; log of the mean R."""
        a, b, w = n / v, exposure / v, self._w
        if a > _A_MAX:
            a, b = _A_MAX, b * (_A_MAX / a)
        r0, r1, r2, r3, r4 = self._r
        c0, c1, c2, c3, c4 = costs
        r0 = (r0 + w) * exp(a * _L0 - b * c0)
        r1 = (r1 + w) * exp(a * _L1 - b * c1)
        r2 = (r2 + w) * exp(a * _L2 - b * c2)
        r3 = (r3 + w) * exp(a * _L3 - b * c3)
        r4 = (r4 + w) * exp(a * _L4 - b * c4)
        total = r0 + r1 + r2 + r3 + r4
        if total > _CAP:  # each by itself: so more mentions without a negative can never leave more behind
            r0, r1, r2, r3, r4 = [r if r < _CAP else _CAP for r in (r0, r1, r2, r3, r4)]
            total = r0 + r1 + r2 + r3 + r4
        self._r = (r0, r1, r2, r3, r4)
        gain = self._gain + a * _L1 - b * c1  # the ratio of 3 dates the onset: about where a storm begins to be one
        if gain <= 0.0:
            self._gain, self.observed, self.expected = 0.0, n, expected
            self.since_s = start_s
        else:
            if self._gain == 0.0:
                self.observed, self.expected, self.since_s = 0.0, 0.0, start_s
            self._gain = gain if gain < _GAIN_MAX else _GAIN_MAX
            self.observed += n
            self.expected += expected
        return log(total + _MIN) - _LOG_N

    def idle(self, start_s: int) -> float:
        """`update` for a bin without exposure: it says nothing, and costs next to nothing."""
        w = self._w
        r0, r1, r2, r3, r4 = self._r
        self._r = (r0 + w, r1 + w, r2 + w, r3 + w, r4 + w)
        if self._gain == 0.0:
            self.observed = self.expected = 0.0
            self.since_s = start_s
        return log(r0 + r1 + r2 + r3 + r4 + 5.0 * w) - _LOG_N

    def reset(self) -> None:
        """Forget: a storm is over."""
        self._r = _ZERO
        self._gain = 0.0

    def dump(self) -> list[Any]:
        return [list(self._r), self._gain, self.since_s, self.observed, self.expected]

    def load(self, state: list[Any]) -> None:
        r, self._gain, self.since_s, self.observed, self.expected = state
        self._r = tuple(r)
