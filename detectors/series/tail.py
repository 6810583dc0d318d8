"""The tail of a statistic, learnt online: how often a week it tops a level while nothing happens.

A model's own promise (mean R >= A at most once in A weeks) holds as far as the model does; real counts have heavier
tails. So the tops of the excursions of z = log R above a moderate level u are watched: they come at a rate zeta a week,
and their excess over u is close to exponential with mean sigma (the peaks-over-threshold limit of extreme values), hence

    alarms a week at level z = zeta exp(-(z - u) / sigma).

zeta (Gamma) and sigma (inverse Gamma) start from priors pooled over other series and follow the series' own excursions.
An excursion that became an alarm teaches nothing: it may be a storm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any, Final

_LN10: Final = log(10.0)


@dataclass(frozen=True, slots=True)
class TailPrior:
    """What other series teach: `per_week` excursions above `level`, of mean excess `scale`; and how sure we are."""

    per_week: float
    scale: float
    level: float = -2.0
    weeks: float = 2.0
    """Weight of `per_week`, in weeks of watching."""
    peaks: float = 20.0
    """Weight of `scale`, in excursions."""


class Tail:
    """Turns a level of the statistic into surprise: -log10 of the false alarms a week that it would cost.

    >>> t = Tail(TailPrior(per_week=10.0, scale=1.0, level=0.0))
    >>> t.surprise(0.0), round(t.surprise(4.60517), 3)
    (-1.0, 1.0)
    """

    __slots__ = ("_excess", "_log_rate", "_n", "_peak", "_prior", "_scale", "_weeks")

    def __init__(self, prior: TailPrior) -> None:
        self._prior = prior
        self._n = 0.0
        self._excess = 0.0
        self._weeks = 0.0
        self._peak: float | None = None
        self._refresh()

    def surprise(self, z: float) -> float:
        return ((z - self._prior.level) / self._scale - self._log_rate) / _LN10

    def learn(self, z: float) -> None:
        """See the statistic after one more bin of calm."""
        if self._peak is None:
            if z > self._prior.level:
                self._peak = z
        elif z > self._peak:
            self._peak = z
        elif z < self._prior.level - 1.0:  # one nat below: the excursion is over, not merely trembling at the level
            self._n += 1.0
            self._excess += self._peak - self._prior.level
            self._peak = None

    def tick(self, weeks: float, forget: float) -> None:
        """Some time has passed; `forget` is the factor by which the past weighs less."""
        self._n *= forget
        self._excess *= forget
        self._weeks = self._weeks * forget + weeks
        self._refresh()

    def drop(self) -> None:
        """The present excursion became an alarm: forget it."""
        self._peak = None

    def _refresh(self) -> None:
        p = self._prior
        rate = (p.per_week * p.weeks + self._n) / (p.weeks + self._weeks)
        self._log_rate = log(rate)
        self._scale = (p.scale * p.peaks + self._excess) / (p.peaks + self._n)

    def dump(self) -> list[Any]:
        return [self._n, self._excess, self._weeks, self._peak]

    def load(self, state: list[Any]) -> None:
        self._n, self._excess, self._weeks, self._peak = state
        self._refresh()
