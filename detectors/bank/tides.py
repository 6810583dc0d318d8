"""The slow arm of many series: `Tide` with one column a series."""

from __future__ import annotations

from math import log10
from typing import Final

import numpy as np

from detectors.bank.fields import TIDE, Arrays, Bools, Floats
from detectors.bank.levels import Indices, Levels
from detectors.series.normal import HOUR_S
from detectors.series.tide import (
    _APART_H,
    _DAYS,
    _FADE,
    _FORGET,
    _HOUR_SPREAD,
    _KAPPA,
    _PATIENCE_H,
    _PHI,
    _SlowLevel,
)


class Tides:
    """Judged once an hour; the hour `next_h` to come is the same for all."""

    def __init__(self, arrays: Arrays, room: Floats, false_alarms_per_week: float) -> None:
        self._whole: Final = -log10(false_alarms_per_week)
        self._margin: Floats = arrays["margin"][TIDE]
        self._level = Levels(arrays, room, "slow", _SlowLevel.DAY_EVENTS)
        self._line: Floats = arrays["slow_line"]
        self._sums: Floats = arrays["tide_sums"]
        self._sigma: Floats = arrays["tide_sigma"]
        self._hours: Floats = arrays["tide_hours"][0]
        self._last: Floats = arrays["tide_last"][0]
        self._since_h: Floats = arrays["tide_since_h"][0]
        self._alarm_h: Floats = arrays["alarm_at"][TIDE]
        self._surprise: Floats = arrays["surprise"][TIDE]
        self._slope: Floats = arrays["slope"][TIDE]
        self._offset: Floats = arrays["offset"][TIDE]
        self._top: Floats = arrays["top"][TIDE]
        self._active: Bools = arrays["active"][TIDE]
        self.next_h = 0

    def first(self, n: Floats, fraction: float, hour: int) -> None:
        self._level.first(hour, n, fraction)
        self._since_h[:] = hour + 1

    def begin(self) -> None:
        self._level.settle()
        self.skip(int(self._since_h[0]) - 1)  # of the first day: the same for all

    def skip(self, hour: int) -> None:
        self.next_h = hour + 1
        self._level.turn(self.next_h)

    def _ebb(self, x: Floats, hour: int, silent: Bools) -> None:
        """Swells that are over, and those that outlast all patience: they are the new normal."""
        i = np.flatnonzero(self._active & ~silent)
        waited = hour - self._alarm_h[i]
        over = (waited >= 1) & (self._surprise[i] < 0.0)
        moved = i[~over & (waited >= _PATIENCE_H)]
        self._active[i[over]] = False
        self.move(moved, np.exp(x[moved]), hour + 1)

    def move(self, i: Indices, ratio: Floats, hour: int) -> None:
        """Storms outlasted all patience: so many times the old normal is the new one, from this hour on."""
        if not i.size:
            return
        self._active[i] = False
        self._level.move(i, ratio)
        self._level.turn(self.next_h)
        self._sums[1, i] *= ratio
        self._sums[0, i] = self._sums[1, i]
        self._since_h[i] = hour

    def turn(self, n: Floats, hour: int, stormy: Bools, silent: Bools) -> Bools:
        """An hour with `n` negatives is over; which series stand over the threshold. It does not judge the `silent`."""
        left_out = np.flatnonzero(silent)
        rows = (
            self._hours, self._sums, self._sigma, self._last, self._since_h, self._surprise, self._top, self._active,
        )  # fmt: skip
        values = [row[..., left_out] for row in rows] if left_out.size else []
        self._hours += 1
        expected = self._line[0] + self._line[1] * (0.5 * HOUR_S)
        n = np.where(stormy, np.minimum(n, expected), n)
        self._sums *= _FADE
        self._sums[0] += n
        self._sums[1] += expected
        x = np.log((self._sums[0] + _KAPPA) / (self._sums[1] + _KAPPA))
        chance = _PHI / (2.0 * self._sums[1] + _KAPPA)
        sigma2 = self._sigma[0] / self._sigma[1]
        variance = sigma2 * (1.0 + _DAYS * 24.0 / self._hours) + chance
        z = x / np.sqrt(variance)
        np.multiply(z, self._slope, out=self._surprise)
        self._surprise += self._offset
        np.maximum(self._top, z, out=self._top)
        np.copyto(self._since_h, hour + 1, where=x <= 0.0)
        usual = np.sqrt(sigma2)
        learnt = n * np.exp(np.minimum(usual - x, 0.0))
        held = np.flatnonzero(stormy | self._active | silent)
        self._level.close(hour, learnt, 1.0, _PHI + _HOUR_SPREAD * expected, held)
        learns = ~(stormy | self._active) & (self._hours - self._last >= _APART_H)
        spread = np.maximum(np.minimum(x * x, 4.0 * variance) - chance, 0.0)
        np.copyto(self._last, self._hours, where=learns)
        np.copyto(self._sigma[0], self._sigma[0] * _FORGET + spread, where=learns)
        np.copyto(self._sigma[1], self._sigma[1] * _FORGET + 1.0, where=learns)
        over: Bools = self._surprise + self._margin >= self._whole
        over &= ~(silent | self._active)
        self._ebb(x, hour, silent)
        self.skip(hour)
        for row, value in zip(rows, values, strict=False):
            row[..., left_out] = value
        return over
