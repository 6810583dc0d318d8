"""Hours of day and weekdays of many series: `RateLevel` with one column a series."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from detectors.bank.fields import Arrays, Floats
from detectors.series.normal import _SLOW, HOUR_S, RateLevel

Indices = npt.NDArray[np.intp]


class Levels:
    """One table of levels: `pair` (numerator, denominator), `hours` (48 rows), `days` (14), `line` (start, step).

    Rows of `line` are those of the present hour: negatives an hour at its beginning, and their slope a second.
    """

    def __init__(self, arrays: Arrays, name: str, day_events: float) -> None:
        self._pair: Floats = arrays[name]
        self._hours: Floats = arrays[f"{name}_hours"]
        self._days: Floats = arrays[f"{name}_days"]
        self._line: Floats = arrays[f"{name}_line"]
        self._day_events: Final = day_events

    def _hour(self, h: int) -> Floats:
        k = RateLevel.HOUR_EVENTS
        ratio: Floats = (k + self._hours[h]) / (k + self._hours[24 + h])
        return ratio

    def _day(self, d: int) -> Floats:
        k = self._day_events
        ratio: Floats = (k + self._days[d]) / (k + self._days[7 + d])
        return ratio

    def turn(self, hour: int) -> None:
        """Make ready for the hour that begins `hour` hours after the epoch."""
        level = self._pair[0] / self._pair[1]
        level *= self._day(hour // 24 % 7)
        level *= 0.5
        h = hour % 24
        before, here, after = self._hour((h - 1) % 24), self._hour(h), self._hour((h + 1) % 24)
        after -= before
        before += here
        np.multiply(level, before, out=self._line[0])
        level *= 1.0 / HOUR_S
        np.multiply(level, after, out=self._line[1])
        if len(self._line) > 2:
            np.add(RateLevel.HOUR_EVENTS, self._hours[24 + h], out=self._line[2])
            np.divide(1.0, self._line[2], out=self._line[2])

    def close(self, hour: int, n: Floats, fraction: float, inflation: Floats, stormy: Indices) -> None:
        """Learn from `n` negatives in `fraction` of the hour, save for the series `stormy`."""
        h, d = hour % 24, hour // 24 % 7
        rows = (
            self._hours[h], self._hours[24 + h], self._days[d], self._days[7 + d], self._pair[0], self._pair[1],
        )  # fmt: skip
        held = [row[stormy] for row in rows] if stormy.size else []
        here, day = self._hour(h), self._day(d)
        level = self._pair[0] / self._pair[1]
        n = n / inflation
        weight = fraction / inflation
        keep_hour, keep_day, keep = 0.5 ** (fraction / 28), 0.5 ** (fraction / 192), _SLOW**fraction
        due = (level * day * weight, level * here * weight, here * day * weight)
        for i, by in enumerate((keep_hour, keep_day, keep)):
            got, expected = rows[2 * i], rows[2 * i + 1]
            got *= by
            got += n
            expected *= by
            expected += due[i]
        for row, value in zip(rows, held, strict=False):
            row[stormy] = value

    def first(self, hour: int, n: Floats, fraction: float) -> None:
        """Gather an hour, or part of it, of the first day."""
        self._hours[hour % 24] += n
        self._hours[24 + hour % 24] += fraction

    def settle(self) -> None:
        """The first day is over."""
        hours = self._hours
        total, seen = hours[:24].sum(axis=0), hours[24:].sum(axis=0)
        level = (total + 0.5) / np.maximum(seen, 1.0)
        inflation = 1.0 + RateLevel.FIRST_DAY * level
        np.divide(level * seen, inflation, out=self._pair[0])
        np.divide(seen, inflation, out=self._pair[1])
        hours[:24] /= inflation
        hours[24:] *= level / inflation
