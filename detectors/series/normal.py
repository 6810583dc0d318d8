"""What is normal for a series: a slow level, a drift around it, and how far counts scatter about both.

Everything is learnt from blocks of a quarter of an hour that are over, from clipped counts, and never from a storm:

    level    Gamma posterior with a half-life of two weeks
    drift    x = log m, a mean-reverting walk (Ornstein-Uhlenbeck) of the log odds or the log rate about the level,
             followed by a Kalman filter; its variance s2 is learnt from the filter's own errors
    phi      scatter of bins about the expectation (Pearson, on clipped residuals)

Var(n) = phi (i + unsure i^2), where i is the variance by chance alone (N p (1 - p), or lambda).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Any, Final

HOUR_S: Final = 3600
DAY_S: Final = 24 * HOUR_S
_SLOW: Final = 0.5 ** (1 / 336)
"""An hour's forgetting of the slow level: half in two weeks, so that a weekday is known from more than one."""
_MOVED: Final = 0.25
"""Weight left to a level that has moved: what is known of it is of days, not of weeks."""
_LOG_S2_MIN: Final = log(1e-4)
_LOG_S2_MAX: Final = log(4.0)
"""The drift is between one per cent and a factor of e squared."""
_REACH: Final = 2.5
"""A drift beyond so many of its own standard deviations is none: a slow storm may not pass for it."""


@dataclass(frozen=True, slots=True)
class NormalPrior:
    """What other series teach of the scatter, before this one has spoken."""

    phi: float = 1.1
    drift: float = 0.2
    """Standard deviation of the drift, of the log odds or the log rate: a share of 10 % wanders from 8 to 12."""
    memory_s: float = 6 * HOUR_S
    """The drift comes back to nothing by a factor e in this time."""
    span_s: float = 900.0
    """How long an error in the drift goes on before it is found out: a storm must stand out from it over this time."""
    phi_events: float = 100.0
    """Weight of `phi`, in events."""
    drift_blocks: float = 20.0
    """Weight of `drift`, in blocks where chance is small against it: five hours' worth."""


class Drift:
    """The brand's present against its own level, for one test: `m`, a ratio of odds or of rates.

    `unsure` is the variance of log m over the bins to come: what they may differ by without any storm.
    """

    __slots__ = (
        "_ahead", "_known", "_log_s2", "_p_den", "_p_num", "_p_var", "_prior", "_x",
        "expected", "info", "m", "n", "phi", "square", "unsure",
    )  # fmt: skip

    def __init__(self, prior: NormalPrior) -> None:
        self._prior = prior
        self._ahead = 1.0 - exp(-4.0 * prior.span_s / prior.memory_s)
        self._x = 0.0
        self._p_var = prior.drift**2
        self._log_s2 = log(prior.drift**2)
        self._p_num = self._p_den = self._known = 0.0
        self.clear()
        self._refresh()

    def clear(self) -> None:
        """Begin a new block."""
        self.n = self.expected = self.info = self.square = 0.0

    def add(self, n: float, expected: float, info: float) -> None:
        """Put a bin into the current block: `info` is the variance of n by chance alone, Poisson or binomial."""
        self.n += n
        self.expected += expected
        self.info += info
        e = n - expected
        e *= e / (1.0 + self._p_var * info)
        limit = 9.0 * self.phi * info + 1.0  # 3 sigma, and a first event of a silent brand is no outlier
        self.square += e if e < limit else limit

    def close(self, seconds: float) -> tuple[float, float]:
        """End the block and learn from it; the clipped count and its inflation, for the slow level."""
        p = self._prior
        keep = _SLOW ** (seconds / HOUR_S)
        self._p_num = self._p_num * keep + self.square
        self._p_den = self._p_den * keep + self.info
        n, e, info = self.n, self.expected, self.info
        inflation = self.phi + self._p_var * info
        if info > 0.0:
            spread = inflation * info
            limit = 2.0 * sqrt(spread) + 1.0
            part = self._p_var * info / inflation
            surplus = min((n - e) ** 2 / spread, 9.0) - 1.0
            self._known = self._known * keep + part * part
            self._log_s2 += part * surplus / (p.drift_blocks + self._known)
            self._log_s2 = min(max(self._log_s2, _LOG_S2_MIN), _LOG_S2_MAX)
            n = min(max(n, e - limit), e + limit)
            self._x += part * (n - e) / info
            self._p_var *= 1.0 - part
            reach = _REACH * exp(0.5 * self._log_s2)
            self._x = min(max(self._x, -reach), reach)
        self.coast(seconds)
        return n, inflation

    def coast(self, seconds: float) -> None:
        """Begin a new block without having learnt from the last: the drift goes on unseen."""
        rho = exp(-seconds / self._prior.memory_s)
        self._x *= rho
        self._p_var = self._p_var * rho * rho + exp(self._log_s2) * (1.0 - rho * rho)
        self.clear()
        self._refresh()

    def restart(self) -> None:
        """The level has moved to where the brand is: begin with no drift from there."""
        self._x = 0.0
        self._p_var = exp(self._log_s2)
        self.clear()
        self._refresh()

    def _refresh(self) -> None:
        p = self._prior
        self.m = exp(self._x)
        self.unsure = self._p_var + exp(self._log_s2) * self._ahead
        self.phi = max(0.3, (p.phi * p.phi_events + self._p_num) / (p.phi_events + self._p_den))

    def dump(self) -> list[Any]:
        return [
            self._x, self._p_var, self._log_s2, self._known, self._p_num, self._p_den,
            self.n, self.expected, self.info, self.square,
        ]  # fmt: skip

    def load(self, state: list[Any]) -> None:
        (
            self._x, self._p_var, self._log_s2, self._known, self._p_num, self._p_den,
            self.n, self.expected, self.info, self.square,
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

    def close(self, negatives: float, total: float, hours: float, inflation: float) -> None:
        keep = _SLOW**hours
        self._num = self._num * keep + negatives / inflation
        self._den = self._den * keep + total / inflation
        self._refresh()

    def move(self, share: float) -> None:
        """A storm outlasted all patience: its share is the usual one now, known as well as a few days tell."""
        self._den *= _MOVED
        self._num = share * (self.PRIOR_MENTIONS + self._den) - self.PRIOR_SHARE * self.PRIOR_MENTIONS
        self._refresh()

    def _refresh(self) -> None:
        share = (self.PRIOR_SHARE * self.PRIOR_MENTIONS + self._num) / (self.PRIOR_MENTIONS + self._den)
        self.share = min(max(share, 1e-4), 0.99)

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
    FIRST_DAY = 0.15
    """Relative variance of one hour of one day about the shape of the day: 0.4^2."""
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

    @property
    def highest(self) -> float:
        """Negatives an hour, in the highest hour of the highest day."""
        return self._num / self._den * max(map(self._hour, range(24))) * max(map(self._day, range(7)))

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
        keep = 0.5 ** (fraction / 28)  # each hour of day is seen once a day: half in four weeks
        hours[h] = hours[h] * keep + n / inflation
        hours[24 + h] = hours[24 + h] * keep + level * day * fraction / inflation
        keep = 0.5 ** (fraction / 192)  # each weekday is seen for 24 hours a week: half in eight weeks
        days[d] = days[d] * keep + n / inflation
        days[7 + d] = days[7 + d] * keep + level * here * fraction / inflation
        keep = _SLOW**fraction
        self._num = self._num * keep + n / inflation
        self._den = self._den * keep + here * day * fraction / inflation

    def move(self, ratio: float) -> None:
        """A storm outlasted all patience: its rate is the usual one now, known as well as a few days tell."""
        self._num *= _MOVED * ratio
        self._den *= _MOVED

    def first(self, hour: int, n: float, fraction: float) -> None:
        """Gather an hour, or part of it, of the first day: nothing is known yet to compare it with."""
        self._hours[hour % 24] += n
        self._hours[24 + hour % 24] += fraction

    def settle(self) -> None:
        """The first day is over: its mean is the level, and its hours a first, doubtful shape of the day."""
        hours = self._hours
        total, seen = sum(hours[:24]), sum(hours[24:])
        level = (total + 0.5) / max(seen, 1.0)
        inflation = 1.0 + self.FIRST_DAY * level
        self._num, self._den = level * seen / inflation, seen / inflation
        for h in range(24):
            hours[h] /= inflation
            hours[24 + h] *= level / inflation

    def dump(self) -> list[Any]:
        return [self._num, self._den, list(self._hours), list(self._days)]

    def load(self, state: list[Any], hour: int) -> None:
        self._num, self._den, hours, days = state
        self._hours, self._days = list(hours), list(days)
        self.turn(hour)
