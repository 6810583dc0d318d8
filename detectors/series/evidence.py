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
_LOGS: Final = tuple(log(r) for r in RATIOS)
_MIDDLE: Final = 1
"""The ratio that dates the onset: 3, about where a storm begins to be one."""
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
        self._r = [0.0] * len(RATIOS)
        self._gain = 0.0
        self.since_s = 0
        self.observed = 0.0
        self.expected = 0.0

    def update(
        self, n: float, exposure: float, costs: tuple[float, ...], expected: float, v: float, start_s: int
    ) -> float:
        """Take in a bin of `n` events where `expected` were due; log of the mean R."""
        a, b, w = n / v, exposure / v, self._w
        r = [(x + w) * exp(min(a * p - b * q, 50.0)) for x, p, q in zip(self._r, _LOGS, costs, strict=True)]
        total = sum(r)
        if total > _CAP:
            r = [x * (_CAP / total) for x in r]
            total = _CAP
        self._r = r
        gain = self._gain + a * _LOGS[_MIDDLE] - b * costs[_MIDDLE]
        if gain <= 0.0:
            self._gain, self.observed, self.expected = 0.0, n, expected
            self.since_s = start_s
        else:
            if self._gain == 0.0:
                self.observed, self.expected, self.since_s = 0.0, 0.0, start_s
            self._gain = min(gain, 50.0)
            self.observed += n
            self.expected += expected
        return log(total + _MIN) - _LOG_N

    def reset(self) -> None:
        """Forget: a storm is over."""
        self._r = [0.0] * len(RATIOS)
        self._gain = 0.0

    def dump(self) -> list[Any]:
        return [list(self._r), self._gain, self.since_s, self.observed, self.expected]

    def load(self, state: list[Any]) -> None:
        r, self._gain, self.since_s, self.observed, self.expected = state
        self._r = list(r)
