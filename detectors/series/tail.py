"""The tail of a statistic, learnt online: how often a week it tops a level while nothing happens.

A model's own promise (mean R >= A at most once in A weeks) holds as far as the model does; real counts have heavier
tails, and a cautious model lighter ones. So the highest z = log R of every six hours is watched. About one top in four
stands above a level u that is tracked with them, and the excess over u is close to exponential with mean sigma (peaks
over threshold: Balkema and de Haan 1974, Pickands 1975), hence

    alarms a week at level z = 28 p exp(-(z - u) / sigma),     p = share of tops above u.

u, p and sigma start from priors pooled over other series and follow the series' own tops. Six hours that hold a storm
teach nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log, log10
from typing import Any, Final

_LN10: Final = log(10.0)
TOP_S: Final = 6 * 3600
"""Tops so far apart are nearly independent: alarms come singly."""
_TOPS_A_WEEK: Final = 28.0
_ABOVE: Final = 0.25
"""Share of tops above the level: seven a week, enough to learn from, and few enough to be the tail."""
_KEEP: Final = 0.5 ** (1 / 224)
"""A top's forgetting: half in eight weeks, since rare things need a long memory."""


STORM_SURPRISE: Final = 2.0
"""What would come by chance once in a hundred weeks is a storm, whatever the budget: no lesson about calm."""
SILENT: Final = 99.0
"""The threshold of a test without a part of the budget: none that counts could reach."""


def margin_of(part: float, whole: float) -> float:
    """What sets the surprise of a test with this part of the budget on one scale with the others.

    A test alarms where surprise + margin reaches `whole`, -log10 of the whole budget.
    """
    return max(log10(part), whole - SILENT) if part > 0.0 else whole - SILENT


@dataclass(frozen=True, slots=True)
class TailPrior:
    """What other series teach: the level that one top in four exceeds, and the mean excess over it."""

    level: float
    scale: float
    level_tops: float = 12.0
    """Weight of `level`, in tops: three days."""
    scale_peaks: float = 5.0
    """Weight of `scale`, in excesses: five days' worth."""
    excess_max: float = 8.0
    """One top, be it a missed storm, counts for at most so many times the mean."""


class Tail:
    """Turns a level of the statistic into surprise: -log10 of the false alarms a week that it would cost.

    >>> t = Tail(TailPrior(level=0.0, scale=1.0))
    >>> round(t.surprise(0.0), 3), round(t.surprise(6.551), 3)  # seven a week, then one in a hundred weeks
    (-0.845, 2.0)
    """

    __slots__ = ("_above", "_excess", "_level", "_log_rate", "_prior", "_scale", "_seen", "_top")

    def __init__(self, prior: TailPrior) -> None:
        self._prior = prior
        self._level = prior.level
        self._above = self._excess = self._seen = 0.0
        self._top: float | None = None
        self._refresh()

    def surprise(self, z: float) -> float:
        return ((z - self._level) / self._scale - self._log_rate) / _LN10

    def learn(self, z: float) -> None:
        """See the statistic after one more bin."""
        if self._top is None or z > self._top:
            self._top = z

    def close(self, *, calm: bool) -> None:
        """Six hours are over; learn from their top if they were `calm`."""
        top, self._top = self._top, None
        if top is None or not calm:
            return
        excess = top - self._level
        self._seen = self._seen * _KEEP + 1.0
        self._above *= _KEEP
        self._excess *= _KEEP
        if excess > 0.0:
            self._above += 1.0
            self._excess += min(excess, self._prior.excess_max * self._scale)
        # Robbins and Monro: the best step is 1 / (density n), and the density at the level is _ABOVE / scale
        step = self._scale / _ABOVE / (self._prior.level_tops + self._seen)
        self._level += step * ((1.0 if excess > 0.0 else 0.0) - _ABOVE)
        self._refresh()

    def _refresh(self) -> None:
        p = self._prior
        above = (_ABOVE * p.level_tops + self._above) / (p.level_tops + self._seen)
        self._log_rate = log(_TOPS_A_WEEK * above)
        self._scale = (p.scale * p.scale_peaks + self._excess) / (p.scale_peaks + self._above)

    def dump(self) -> list[Any]:
        return [self._level, self._above, self._excess, self._seen, self._top]

    def load(self, state: list[Any]) -> None:
        self._level, self._above, self._excess, self._seen, self._top = state
        self._refresh()
