"""Hours of day and weekdays of many series: `RateLevel` with one column a series."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from detectors.bank.fields import Arrays, Floats
from detectors.series.normal import _MOVED, _SLOW, HOUR_S, RateLevel

Indices = npt.NDArray[np.intp]


class Levels:
    """One table of levels: `pair` (numerator, denominator), `hours` (48 rows), `days` (14), `line` (start, step).

    Rows of `line` are those of the present hour: negatives an hour at its beginning, and their slope a second.
    """

    def __init__(self, arrays: Arrays, room: Floats, name: str, day_events: float) -> None:
        self._pair: Floats = arrays[name]
        self._hours: Floats = arrays[f"{name}_hours"]
        self._days: Floats = arrays[f"{name}_days"]
        self._line: Floats = arrays[f"{name}_line"]
        self._room: Final = room
        self._day_events: Final = day_events

    def _ratio(self, table: Floats, row: int, size: int, k: float, room: int) -> Floats:
        """`(k + events) / (k + expected)`, in that row of the room (the next one is used on the way)."""
        ratio: Floats = self._room[room]
        below: Floats = self._room[room + 1]
        np.add(k, table[row], out=ratio)
        np.add(k, table[size + row], out=below)
        ratio /= below
        return ratio

    def _hour(self, h: int, room: int) -> Floats:
        return self._ratio(self._hours, h, 24, RateLevel.HOUR_EVENTS, room)

    def _day(self, d: int, room: int) -> Floats:
        return self._ratio(self._days, d, 7, self._day_events, room)

    def turn(self, hour: int) -> None:
        """Make ready for the hour that begins `hour` hours after the epoch."""
        level = np.divide(self._pair[0], self._pair[1], out=self._room[0])
        level *= self._day(hour // 24 % 7, 1)
        level *= 0.5
        h = hour % 24
        before, here, after = self._hour((h - 1) % 24, 1), self._hour(h, 2), self._hour((h + 1) % 24, 3)
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
        here, day, level = self._hour(h, 0), self._day(d, 1), self._room[2]
        got, weight, due = self._room[3:6]
        np.divide(self._pair[0], self._pair[1], out=level)
        np.divide(n, inflation, out=got)
        np.divide(fraction, inflation, out=weight)
        keeps = (0.5 ** (fraction / 28), 0.5 ** (fraction / 192), _SLOW**fraction)
        for i, (keep, one, other) in enumerate(zip(keeps, (level, level, here), (day, here, day), strict=True)):
            events, expected = rows[2 * i], rows[2 * i + 1]
            events *= keep
            events += got
            expected *= keep
            np.multiply(one, other, out=due)
            due *= weight
            expected += due
        for row, value in zip(rows, held, strict=False):
            row[stormy] = value

    def move(self, i: Indices, ratio: Floats) -> None:
        """Storms of the series `i` outlasted all patience: their rate is the usual one now."""
        self._pair[0, i] *= _MOVED * ratio
        self._pair[1, i] *= _MOVED

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
