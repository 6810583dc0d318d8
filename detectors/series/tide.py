"""A slow swell of negatives over hours: what a test of minutes takes for drift.

Once an hour the negatives of the last hours (exponential window, half-life four hours) stand against what the brand's
own hours of day would have brought, as a z-score of their log ratio x:

    z = x / sqrt(sigma^2 (1 + 2 / days) + phi / (2 E)),    x = log((O + 2) / (E + 2))

sigma is how far such sums of this brand wander while nothing happens; it starts at 15 % and is learnt from sums that do
not overlap, clipped at two standard deviations. An hour of a planned event counts as expected up to its lift, and
teaches nothing: an event that stays away leaves no hole behind. Few days of history make the level itself unsure, hence
2 / days. The highest z of every six hours goes through the same learnt tail as the other tests. While another test is
active its storm is taken out: hours count for no more than expected.
"""

from __future__ import annotations

from math import exp, log, log10, sqrt
from typing import Any, Final

from detectors.series.normal import HOUR_S, RateLevel
from detectors.series.tail import Tail, TailPrior, margin_of
from engine.domain.series import SignalReading

HALF_LIFE_H: Final = 4.0
"""Longer than any test of minutes looks back, short enough to say so the same day."""
_FADE: Final = 0.5 ** (1.0 / HALF_LIFE_H)
_APART_H: Final = 2 * int(HALF_LIFE_H)
_SIGMA: Final = 0.15
_SIGMA_WEIGHT: Final = 12.0
"""Weight of `_SIGMA`, in sums: four days."""
_FORGET: Final = 0.5 ** (1.0 / 84)
"""A sum's forgetting: half in four weeks."""
_PHI: Final = 1.5
_KAPPA: Final = 2.0
_DAYS: Final = 2.0
_HOUR_SPREAD: Final = 0.06
"""Relative variance of single hours about the shape of the day: a quarter, squared."""
_PATIENCE_H: Final = 24
PRIOR: Final = TailPrior(level=0.7, scale=0.28, level_tops=36.0, scale_peaks=15.0, excess_max=3.0)
"""A standard normal z tops 0.7 once in four spans; sums of calm series looked at have a lighter tail than that."""


class _SlowLevel(RateLevel):
    """Without weekdays: a swell lasts for most of a day, and the day would pass for that weekday's habit. How much the
    brand's days differ is part of sigma instead."""

    DAY_EVENTS = 1e9


class Tide:
    """The slow arm of the absolute rate.

    >>> t = Tide(0.075)
    >>> for i in range(24): t.first(10.0, 1.0, i)
    >>> t.begin()
    >>> calm = [t.turn(10.0, 24 + i, stormy=False) for i in range(120)]
    >>> any(calm), [t.turn(25.0, 144 + i, stormy=False) for i in range(4)][-1]
    (False, True)
    """

    __slots__ = (
        "_alarm_h", "_expected", "_hours", "_last", "_level", "_next_h", "_observed", "_since_h", "_square",
        "_threshold", "_weight", "_whole", "active", "margin", "surprise", "tail", "told",
    )  # fmt: skip

    def __init__(self, false_alarms_per_week: float, part: float = 1.0) -> None:
        self._whole = -log10(false_alarms_per_week)
        self.take_part(part)
        self.tail = Tail(PRIOR)
        self._level = _SlowLevel()
        self._observed = self._expected = 0.0
        self._square, self._weight = _SIGMA**2 * _SIGMA_WEIGHT, _SIGMA_WEIGHT
        self._hours = 24  # the day of warming up
        self._last = 0
        self._since_h = self._alarm_h = self._next_h = 0
        self.active = False
        self.surprise = -1.0
        self.told = False

    def take_part(self, part: float) -> None:
        """Give this test a part of the budget."""
        self.margin = margin_of(part, self._whole)
        self._threshold = self._whole - self.margin

    def first(self, n: float, fraction: float, hour: int) -> None:
        """Gather an hour, or part of it, of the first day."""
        self._level.first(hour, n, fraction)
        self._since_h = hour + 1

    def begin(self) -> None:
        """The first day is over."""
        self._level.settle()
        self.skip(self._since_h - 1)

    def skip(self, hour: int) -> None:
        """Make ready for what comes after this hour, without judging it: not all of it was seen."""
        self._next_h = hour + 1
        self._level.turn(self._next_h)

    def turn(self, n: float, hour: int, *, stormy: bool, lift: float = 1.0) -> bool:
        """An hour (`hour` hours after the epoch) with `n` negatives is over; True if it stands over the threshold."""
        self._hours += 1
        expected = self._level.at(0.5 * HOUR_S)
        planned = lift != 1.0
        if planned:
            expected = min(max(n, expected), expected * lift)
        if stormy:
            n = min(n, expected)
        self._observed = self._observed * _FADE + n
        self._expected = self._expected * _FADE + expected
        x = log((self._observed + _KAPPA) / (self._expected + _KAPPA))
        chance = _PHI / (2.0 * self._expected + _KAPPA)
        variance = self._square / self._weight * (1.0 + _DAYS * 24.0 / self._hours) + chance
        z = x / sqrt(variance)
        self.surprise = self.tail.surprise(z)
        self.tail.learn(z)
        if x <= 0.0:
            self._since_h = hour + 1
        if not (stormy or planned or self.active):  # the level learns no more of a swell than its usual wandering
            usual = sqrt(self._square / self._weight)
            self._level.close(hour, n * exp(usual - x) if x > usual else n, 1.0, _PHI + _HOUR_SPREAD * expected)
        over = self.surprise >= self._threshold and not self.active
        if self.active:
            waited = hour - self._alarm_h
            if waited >= 1 and self.surprise < 0.0:
                self.active = False
            elif waited >= _PATIENCE_H:  # a swell that lasts longer is the new normal
                self.move(exp(x), hour + 1)
        elif not (stormy or planned) and self._hours - self._last >= _APART_H:
            self._last = self._hours
            spread = max(min(x * x, 4.0 * variance) - chance, 0.0)
            self._square = self._square * _FORGET + spread
            self._weight = self._weight * _FORGET + 1.0
        self.skip(hour)
        return over

    def move(self, ratio: float, hour: int) -> None:
        """A storm outlasted all patience: so many times the old normal is the new one, from this hour on."""
        self.active = False
        self._level.move(ratio)
        self._level.turn(self._next_h)
        self._expected *= ratio
        self._observed, self._since_h = self._expected, hour

    def expected(self, start_s: int, bin_s: int) -> float:
        """Negatives that the brand's slow normal would bring in a bin of this hour."""
        return self._level.at(start_s % HOUR_S + 0.5 * bin_s) * bin_s / HOUR_S

    def close_top(self, *, calm: bool) -> None:
        """Six hours are over: their top teaches the tail. One that began within a swell told of already does not."""
        self.tail.close(calm=calm and not self.told)
        self.told = self.active

    def open(self, hour: int) -> None:
        self.active = True
        self._alarm_h = hour

    def reading(self, alarm: bool) -> SignalReading:
        """The sums of the window, since the ratio was last at or below one."""
        since_s = self._since_h * HOUR_S
        return SignalReading("tide", self.surprise, alarm, self.active, self._observed, self._expected, since_s)

    def dump(self) -> list[Any]:
        return [
            self._observed, self._expected, self._square, self._weight, self._hours, self._last, self._since_h,
            self._alarm_h, self.active, self.told, self.surprise, self.tail.dump(), self._level.dump(),
            self._next_h,
        ]  # fmt: skip

    def load(self, state: list[Any]) -> None:
        (
            self._observed, self._expected, self._square, self._weight, self._hours, self._last, self._since_h,
            self._alarm_h, self.active, self.told, self.surprise, tail, level, self._next_h,
        ) = state  # fmt: skip
        self.tail.load(tail)
        self._level.load(level, self._next_h)
