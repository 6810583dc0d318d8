"""A group of series that began together: one clock, and the order in which a bin is judged and learnt from."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from detectors.bank.fields import RATE, SHARE, TIDE, Arrays, Bools, Floats
from detectors.bank.levels import Indices, Levels
from detectors.bank.minutes import Minutes, Scratch
from detectors.bank.tails import Tails
from detectors.bank.tides import Tides
from detectors.series.normal import _SLOW, HOUR_S, RateLevel
from detectors.series.tail import TOP_S
from detectors.series.vigie import _FADE_S, _SILENCE, BLOCK_S, VigieParams


class Group:
    """Columns of the bank's arrays, small enough to stay in the processor's cache for one step."""

    def __init__(
        self, arrays: Arrays, scratch: Scratch, params: VigieParams, bin_s: int, false_alarms_per_week: float
    ) -> None:
        self._params: Final = params
        self._bin_s: Final = bin_s
        self._a: Final = arrays
        self._surprise: Floats = arrays["surprise"]
        self._margin: Floats = arrays["margin"]
        self._loud: Floats = scratch.levels[:3]
        self._active: Bools = arrays["active"]
        self._alarms: Bools = arrays["alarms"]
        self._hour_n: Floats = arrays["hour_n"][0]
        self._rate_line: Floats = arrays["rate_line"]
        self._tails = Tails(arrays, params)
        self._rate = Levels(arrays, scratch.levels, "rate", RateLevel.DAY_EVENTS)
        self._minutes = Minutes(arrays, scratch, params, bin_s, false_alarms_per_week)
        self._tides = Tides(arrays, scratch.levels, false_alarms_per_week)
        self._missing: Floats = arrays["missing"][0]
        self._empties: npt.NDArray[np.uint8] = arrays["empties"][0]
        self._seconds_in: list[float] = []
        self._first_s: int | None = None
        self._block_at = self._seconds = self._hour_s = 0
        self._warm = False
        self._tide_over: Bools | None = None
        self._news = False

    def step(self, start_s: int, n: Floats, total: Floats) -> None:
        """Judge a bin, and learn from the block before it if that is over."""
        if self._first_s is None:
            self._first_s, self._block_at = start_s, start_s // BLOCK_S
            self._rate.turn(start_s // HOUR_S)
            self._minutes.prepare()
        elif start_s // BLOCK_S != self._block_at:
            self._close_block(start_s)
        self._seconds += self._bin_s
        was = self._active[SHARE] | self._active[RATE]
        self._minutes.take(n, total, start_s)
        self._seconds_in.append(start_s % HOUR_S + 0.5 * self._bin_s)
        self._empties += 1
        self._empties *= self._minutes.empty()
        loud = np.add(self._surprise, self._margin, out=self._loud)
        over = self._minutes.over()
        if self._settle(n, start_s):
            np.add(self._surprise, self._margin, out=loud)
        self._hour_s += self._bin_s
        if not self._warm:
            self._warming(start_s)
            return
        if self._news:
            self._alarms[...] = False
        self._news = self._minutes.rise(over, start_s, was, self._alarms)
        if self._tide_over is not None:
            self._rise_of_tide(start_s, was)
        a, active = self._a, self._active
        np.logical_or.reduce(self._alarms, axis=0, out=a["alarm"][0])
        np.logical_or.reduce(active, axis=0, out=a["any_active"][0])
        self._score(start_s)
        if self._news:  # an alarm is news, whatever peak came before
            i = np.flatnonzero(a["alarm"][0])
            loudest = np.where(self._alarms[:, i], self._loud[:, i], -np.inf).max(axis=0)
            a["score"][0, i] = np.maximum(a["score"][0, i], loudest)

    def _settle(self, n: Floats, start_s: int) -> bool:
        """Storms that are over; where one outlasted all patience (then True) the level moves to where it stays."""
        moved = self._minutes.settle(n, start_s)
        for test, i, ratio in reversed(moved):  # the rate first, as in the scalar form
            if test == RATE:
                self._move_rates(i, ratio * self._a["m"][RATE, i], start_s)
                continue
            by = self._minutes.move_share(i, ratio)
            self._minutes.settle_level(SHARE, i)
            calm = ~self._active[RATE, i]  # what its rate learnt last is of before the storm
            self._move_rates(i[calm], by[calm], start_s)
        if moved:
            self._minutes.restart()
        return bool(moved)

    def _move_rates(self, i: Indices, ratio: Floats, start_s: int) -> None:
        """Storms outlasted all patience: their rate is the usual one now."""
        missing, bins = self._missing_of(i), len(self._seconds_in)
        self._rate.move(i, ratio)
        self._rate.turn(start_s // HOUR_S)
        # counted as if all bins of the block so far were empty on the new line, which is all that follows
        self._empties[i] = bins
        self._missing[i] = 0.0
        self._missing[i] = missing - self._missing_of(i)
        self._minutes.settle_level(RATE, i)
        self._tides.move(i, ratio, start_s // HOUR_S)
        if self._tide_over is not None:
            self._tide_over[i] = False

    def _missing_of(self, i: Indices | slice) -> Floats:
        """Negatives expected since the last mention: the line of the level is the same for all bins of a block."""
        start, step = self._rate_line[:2, i]
        last = self._empties[i].astype(start.dtype)  # so many bins: their middle is half their length before the end
        due = last * (-0.5 * self._bin_s)
        due += self._seconds_in[-1] + 0.5 * self._bin_s if self._seconds_in else 0.0
        due *= step
        due += start
        due *= last
        due *= self._bin_s / HOUR_S
        due += self._missing[i] * (last == len(self._seconds_in))
        return due

    def _rise_of_tide(self, start_s: int, was: Bools) -> None:
        over, self._tide_over = self._tide_over, None
        i = np.flatnonzero(over & ~self._active[TIDE])
        if i.size:
            self._news = True
            self._active[TIDE, i] = True
            self._a["alarm_at"][TIDE, i] = start_s // HOUR_S
            self._alarms[TIDE, i] = ~(was | self._active[SHARE] | self._active[RATE])[i]

    def _score(self, start_s: int) -> None:
        """The largest fresh surprise: after a peak only a higher one is news, until the peak has faded."""
        score: Floats = self._a["score"][0]
        np.maximum.reduce(self._loud, axis=0, out=score)
        i = np.flatnonzero(score > 0.0)
        if not i.size:
            return
        loud, peak, at = self._loud[:, i], self._a["peak"][:, i], self._a["peak_at"][:, i]
        heard = (peak == 0.0) | (loud > peak * 0.5 ** ((start_s - at) / _FADE_S))
        fresh = heard & (loud > 0.0)
        self._a["peak"][:, i] = np.where(fresh, loud, peak)
        self._a["peak_at"][:, i] = np.where(fresh, start_s, at)
        score[i] = np.where(heard, loud, np.minimum(loud, 0.0)).max(axis=0)

    def _warming(self, start_s: int) -> None:
        first_s = start_s if self._first_s is None else self._first_s
        if first_s + self._params.warm_up_s > start_s + self._bin_s:
            return
        self._close_block(start_s)
        self._warm = True
        self._rate.settle()
        self._rate.turn((start_s + self._bin_s) // HOUR_S)
        self._minutes.begin()
        self._tides.begin()
        self._minutes.prepare()

    @property
    def warm(self) -> bool:
        """False while the first day lasts."""
        return self._warm

    def _close_block(self, start_s: int) -> None:
        block, self._block_at = self._block_at, start_s // BLOCK_S
        seconds, self._seconds = self._seconds, 0
        hour = block * BLOCK_S // HOUR_S
        a, minutes = self._a, self._minutes
        stormy = a["stormy"][0]
        stormy |= a["storm"][0]
        self._count_missing()
        silent = self._missing > _SILENCE if self._warm else None
        self._hour_n += a["block"][0, RATE]
        mentions = a["mentions"][0] + a["block"][1, SHARE]
        if start_s // TOP_S != block * BLOCK_S // TOP_S:
            self._close_tops()
        if start_s // HOUR_S != hour:
            self._turn_hour(hour, silent)
        stopped = self._active[SHARE] | self._active[RATE]
        held = np.flatnonzero(stopped if silent is None else stopped | silent)
        hours = seconds / HOUR_S
        if self._warm:
            n, inflation = minutes.learn(seconds, held)
            self._rate.close(hour, n[RATE], hours, inflation[RATE], held)
            negatives, mentions = n[SHARE] / inflation[SHARE], mentions / inflation[SHARE]
        else:
            self._rate.first(hour, a["block"][0, RATE], hours)
            negatives = a["block"][0, SHARE]
        share, keep = a["share"], _SLOW**hours
        was = share[:, held]
        share *= keep
        share[0] += negatives
        share[1] += mentions
        share[:, held] = was
        minutes.coast(seconds)
        self._rate.turn(start_s // HOUR_S)
        minutes.prepare()

    def _count_missing(self) -> None:
        self._missing[...] = self._missing_of(slice(None))
        self._seconds_in = []
        self._empties[...] = 0

    def _close_tops(self) -> None:
        a = self._a
        calm = ~a["stormy"][0] if self._warm else np.zeros(a["stormy"].shape[-1], dtype=np.bool_)
        self._tails.close(SHARE, calm)
        self._tails.close(RATE, calm)
        self._tails.close(TIDE, calm & ~a["told"][0])
        a["told"][0] = self._active[TIDE]
        a["stormy"][...] = False

    def _turn_hour(self, hour: int, silent: Bools | None) -> None:
        n, seconds = self._hour_n.copy(), self._hour_s
        self._hour_n[...] = 0.0
        self._hour_s = 0
        if silent is None:
            self._tides.first(n, seconds / HOUR_S, hour)
        elif seconds < HOUR_S:
            self._tides.skip(hour)
        else:
            self._tide_over = self._tides.turn(n, hour, self._active[SHARE] | self._active[RATE], silent)

    def clock(self) -> dict[str, Any]:
        """What the group's series have in common."""
        return {
            "first_s": self._first_s, "block": self._block_at, "seconds": self._seconds, "hour_s": self._hour_s,
            "warm": self._warm, "seconds_in": self._seconds_in, "next_h": self._tides.next_h,
        }  # fmt: skip

    def wind(self, clock: dict[str, Any]) -> None:
        """Take over a clock; the arrays hold the state that belongs to it."""
        self._first_s, self._block_at, self._seconds = clock["first_s"], clock["block"], clock["seconds"]
        self._hour_s, self._warm = clock["hour_s"], clock["warm"]
        self._seconds_in = list(clock["seconds_in"])
        self._tides.skip(clock["next_h"] - 1)
        # like the scalar form: the level's line is that of the present block
        self._rate.turn(self._block_at * BLOCK_S // HOUR_S)
        self._minutes.prepare()
        self._news = True
