"""What is normal for a series: a slow level, a fast drift around it, and how far counts scatter about both.

Everything is learnt from hours that are over, from clipped counts, and never from a storm:

    level   Gamma posterior with a half-life of two weeks
    drift   m = (k + n) / (k + e) with a half-life of 12 hours: the brand's last day against its own level
    phi     scatter of bins about the expectation (Pearson, on clipped residuals)
    delta2  scatter of whole hours beyond phi, relative: the part that is drift and not chance

Var(n) = phi (lambda + delta2 lambda^2).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

HOUR_S: Final = 3600
_SLOW: Final = 0.5 ** (1 / 336)
"""An hour's forgetting of the slow level: half in two weeks, so that a weekday is known from more than one."""
_FAST: Final = 0.5 ** (1 / 12)
"""An hour's forgetting of the drift: half in 12 hours, the night before weighs as much as the day."""


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """What other series teach of the scatter, before this one has spoken."""

    phi: float = 1.1
    delta: float = 0.25
    drift_events: float = 6.0
    """Weight of 'no drift', in events: 1 / 0.4^2, since a day differs from the usual by about 40 %."""
    phi_events: float = 100.0
    delta_hours: float = 24.0


class Drift:
    """Fast ratio of observed to base expectation, and the scatter around it, for one test."""

    __slots__ = (
        "_d_den", "_d_num", "_m_den", "_m_num", "_p_den", "_p_num", "_prior",
        "base", "delta2", "m", "n", "phi", "square", "variance",
    )  # fmt: skip

    def __init__(self, prior: NormalPrior) -> None:
        self._prior = prior
        self._m_num = self._m_den = 0.0
        self._p_num = self._p_den = 0.0
        self._d_num = self._d_den = 0.0
        self.clear()
        self._refresh()

    def clear(self) -> None:
        """Begin a new hour."""
        self.n = self.base = self.square = self.variance = 0.0

    def add(self, n: float, base: float, expected: float) -> None:
        """Put a bin into the current hour."""
        self.n += n
        self.base += base
        e = n - expected
        v = expected * (1.0 + self.delta2 * expected)
        e *= e
        limit = 9.0 * self.phi * v + 1.0  # 3 sigma, and a first event of a silent brand is no outlier
        self.square += e if e < limit else limit
        self.variance += v

    def close(self) -> tuple[float, float]:
        """End the hour and learn from it; the clipped count and its inflation, for the slow level."""
        p = self._prior
        e = self.base * self.m
        spread = self.phi * e + self.delta2 * e * e
        limit = 2.0 * sqrt(spread) + 1.0
        n = min(max(self.n, e - limit), e + limit)
        self._m_num = self._m_num * _FAST + n / self.phi
        self._m_den = self._m_den * _FAST + self.base / self.phi
        self._p_num = self._p_num * _SLOW + self.square
        self._p_den = self._p_den * _SLOW + self.variance
        inflation = self.phi + self.delta2 * e
        if e > 0.0:
            weight = 1.0 / (inflation * inflation)
            square = min((self.n - e) ** 2, 9.0 * spread + 1.0)
            self._d_num = self._d_num * _SLOW + weight * (square - self.phi * e)
            self._d_den = self._d_den * _SLOW + weight * e * e
        self.clear()
        self._refresh()
        del p
        return n, inflation

    def _refresh(self) -> None:
        p = self._prior
        self.m = (p.drift_events + self._m_num) / (p.drift_events + self._m_den)
        self.phi = max(0.3, (p.phi * p.phi_events + self._p_num) / (p.phi_events + self._p_den))
        w = p.delta_hours / p.delta**4  # an hour that tells delta apart from chance weighs 1 / delta^4
        self.delta2 = min(4.0, max(0.0, (p.delta**2 * w + self._d_num) / (w + self._d_den)))

    def dump(self) -> list[Any]:
        return [
            self._m_num, self._m_den, self._p_num, self._p_den, self._d_num, self._d_den,
            self.n, self.base, self.square, self.variance,
        ]  # fmt: skip

    def load(self, state: list[Any]) -> None:
        (
            self._m_num, self._m_den, self._p_num, self._p_den, self._d_num, self._d_den,
            self.n, self.base, self.square, self.variance,
        ) = state  # fmt: skip
        self._refresh()


class ShareLevel:
    """The brand's usual share of negatives."""

    __slots__ = ("_den", "_num", "share")

    PRIOR_SHARE = 0.2
    PRIOR_MENTIONS = 5.0

    def __init__(self) -> None:
        self._num = self._den = 0.0
        self._refresh()

    def close(self, negatives: float, total: float, inflation: float) -> None:
        self._num = self._num * _SLOW + negatives / inflation
        self._den = self._den * _SLOW + total / inflation
        self._refresh()

    def _refresh(self) -> None:
        self.share = (self.PRIOR_SHARE * self.PRIOR_MENTIONS + self._num) / (self.PRIOR_MENTIONS + self._den)

    def dump(self) -> list[Any]:
        return [self._num, self._den]

    def load(self, state: list[Any]) -> None:
        self._num, self._den = state
        self._refresh()


class RateLevel:
    """Negatives an hour, by hour of day and weekday (UTC): level x hour x day, each a Gamma posterior.

    `unsure` is the relative variance of the present hour's estimate: it stands beside delta2 until it has been learnt.
    """

    __slots__ = ("_days", "_den", "_hours", "_num", "_start", "_step", "unsure")

    HOUR_EVENTS = 4.0
    """Weight of 'like the other hours', in events: 1 / 0.5^2, hours of the day differ by about a half."""
    DAY_EVENTS = 16.0
    """Weight of 'like the other days': 1 / 0.25^2."""

    def __init__(self) -> None:
        self._num = 0.02
        self._den = 1.0
        self._hours = [0.0] * 48
        self._days = [0.0] * 14
        self._start = self._step = 0.0
        self.unsure = 0.0
        self.turn(0)

    def _hour(self, h: int) -> float:
        k = self.HOUR_EVENTS
        return (k + self._hours[h]) / (k + self._hours[24 + h])

    def _day(self, d: int) -> float:
        k = self.DAY_EVENTS
        return (k + self._days[d]) / (k + self._days[7 + d])

    def turn(self, hour: int) -> None:
        """Make ready for the hour that begins `hour` hours after the epoch."""
        level = self._num / self._den * self._day(hour // 24 % 7)
        h = hour % 24
        before, here, after = self._hour((h - 1) % 24), self._hour(h), self._hour((h + 1) % 24)
        self._start = level * 0.5 * (before + here)
        self._step = level * 0.5 * (after - before) / HOUR_S
        self.unsure = 1.0 / (self.HOUR_EVENTS + self._hours[24 + h])

    def at(self, second: float) -> float:
        """Negatives an hour, `second` seconds into the hour."""
        return self._start + self._step * second

    def close(self, hour: int, n: float, fraction: float, inflation: float) -> None:
        """Learn from `n` negatives in `fraction` of the hour."""
        h, d = hour % 24, hour // 24 % 7
        here, day = self._hour(h), self._day(d)
        level = self._num / self._den
        hours, days = self._hours, self._days
        keep = 0.5 ** (1 / 28)  # each hour of day is seen once a day: half in four weeks
        hours[h] = hours[h] * keep + n / inflation
        hours[24 + h] = hours[24 + h] * keep + level * day * fraction / inflation
        keep = 0.5 ** (1 / 192)  # each weekday is seen for 24 hours a week: half in eight weeks
        days[d] = days[d] * keep + n / inflation
        days[7 + d] = days[7 + d] * keep + level * here * fraction / inflation
        self._num = self._num * _SLOW + n / inflation
        self._den = self._den * _SLOW + here * day * fraction / inflation

    def dump(self) -> list[Any]:
        return [self._num, self._den, self._hours, self._days]

    def load(self, state: list[Any], hour: int) -> None:
        self._num, self._den, hours, days = state
        self._hours, self._days = list(hours), list(days)
        self.turn(hour)
