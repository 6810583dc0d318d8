"""The two tests of minutes of many series, share and rate: evidence in every bin, drift in every block.

This is the frequent step, so it is lean: both tests go through one call, on arrays that are there already, and what is
constant within a block (share, costs of a mention, tempering, the line of the hour) was made ready when it closed.
"""

from __future__ import annotations

from functools import partial
from math import exp, inf, log10
from typing import Final, TypeAlias

import numpy as np

from detectors.bank.fields import RATE, SHARE, TIDE, Arrays, Bools, Floats, Kind
from detectors.bank.levels import Indices
from detectors.series.budgeted import _EBB_S, _PATIENCE_S, _SHRINK, QUIET_S
from detectors.series.evidence import _A_MAX, _CAP, _GAIN_MAX, _MIN, POISSON_COSTS, RATIOS, WEEK_S
from detectors.series.normal import _LOG_S2_MAX, _LOG_S2_MIN, _MOVED, _REACH, _SLOW, HOUR_S, ShareLevel
from detectors.series.tail import _LN10, SILENT, STORM_SURPRISE
from detectors.series.vigie import VigieParams

_LOGS: Final = np.log(np.array(RATIOS))[:, None]
_COSTS: Final = np.array(POISSON_COSTS)[:, None]
_WEIGHTS: Final = np.hstack([_LOGS, -_COSTS])
"""The log ratios of a Poisson rate are these times (tempered events, tempered exposure)."""
_DATES: Final = 1
"""The ratio of 3 dates the onset."""
Moved: TypeAlias = tuple[int, Indices, Floats]
"""A test, the series whose storm outlasted all patience, and by what ratio."""
_TINY: Final = 1e-37
"""`_MIN` in single precision."""
_NOBODY: Final = np.empty(0, dtype=np.intp)
SHARE_PRIOR: Final = (ShareLevel.PRIOR_SHARE * ShareLevel.PRIOR_MENTIONS, ShareLevel.PRIOR_MENTIONS)


class Scratch:
    """Room for one step, shared by all groups of series: after a step nothing in it is needed."""

    def __init__(self, width: int, dtype: Kind) -> None:
        self._dtype: Final = dtype
        self.pair: Floats = np.empty((3, 2, width), dtype)
        self.rows: Floats = np.empty((4, width), dtype)
        self.levels: Floats = np.empty((6, width), dtype)
        self.wide: Final[list[Floats]] = [np.empty((2, 5, width), dtype) for _ in range(2)]

    def pairs(self, which: int) -> Floats:
        """One of the two wide rooms as five pairs of rows."""
        wide = self.wide[which]
        return wide.reshape(5, 2, wide.shape[-1])

    def cut(self, width: int) -> Scratch:
        """The same room for fewer series."""
        twin = Scratch(0, self._dtype)
        twin.pair = self.pair.reshape(-1)[: 6 * width].reshape(3, 2, width)
        twin.rows = self.rows.reshape(-1)[: 4 * width].reshape(4, width)
        twin.levels = self.levels.reshape(-1)[: 6 * width].reshape(6, width)
        twin.wide[:] = [a.reshape(-1)[: 10 * width].reshape(2, 5, width) for a in self.wide]
        return twin


def _columns(dtype: Kind, share: float, rate: float) -> Floats:
    return np.array([[share], [rate]], dtype)


class Minutes:
    """Share and rate tests of a group of series under one clock."""

    def __init__(
        self, arrays: Arrays, scratch: Scratch, params: VigieParams, bin_s: int, false_alarms_per_week: float
    ) -> None:
        share, rate = params.share_normal, params.rate_normal
        self._kind: Kind = arrays["r"].dtype
        double = self._kind == np.float64
        self._tiny = _MIN if double else _TINY
        self._none = _MIN if double else 0.0  # no part of the budget: the log of zero is slow in double precision
        self._logs, self._weights = _LOGS.astype(self._kind), _WEIGHTS.astype(self._kind)
        self._powers = _COSTS.astype(self._kind)
        _column = partial(_columns, self._kind)
        self._params = params
        self._bin_s = bin_s
        self._w = bin_s / WEEK_S
        self._half_life = 0.5 ** (bin_s / _EBB_S)
        self._spans = _column(*(max(1.0, p.span_s / bin_s) for p in (share, rate)))
        self._ahead = _column(*(1.0 - exp(-4.0 * p.span_s / p.memory_s) for p in (share, rate)))
        self._memory_s = np.array([[share.memory_s], [rate.memory_s]])
        self._phi_events = _column(share.phi_events, rate.phi_events)
        self._phi_prior = _column(share.phi * share.phi_events, rate.phi * rate.phi_events)
        self._drift_blocks = _column(share.drift_blocks, rate.drift_blocks)
        self._whole = -log10(false_alarms_per_week)
        self._a = arrays
        self._s = scratch
        self._r: Floats = arrays["r"]
        self._gain: Floats = arrays["gain"]
        self._onset: Floats = arrays["onset"]
        self._block: Floats = arrays["block"]
        self._surprise: Floats = arrays["surprise"][:2]
        self._top: Floats = arrays["top"][:2]
        self._slope: Floats = arrays["slope"][:2]
        self._offset: Floats = arrays["offset"][:2]
        self._usual: Floats = arrays["usual"]
        self._due_line: Floats = arrays["due_line"]
        self._temper: Floats = arrays["temper"]
        self._phi: Floats = arrays["phi"]
        self._unsure: Floats = arrays["unsure"]
        self._p_var: Floats = arrays["p_var"]
        self._margin: Floats = arrays["margin"]
        self._loud: Floats = scratch.levels[:3]
        self._costs: Floats = arrays["costs"]
        self._phi9: Floats = arrays["phi9"]
        self._mentions: Floats = arrays["mentions"][0]
        self._hour_n: Floats = arrays["hour_n"][0]
        self._active: Bools = arrays["active"][:2]
        self.some_active = bool(self._active.any())
        self.refresh()

    def take(self, n: Floats, total: Floats, start_s: int) -> None:
        """Take in a bin of all series: evidence, surprise, and the sums of the block."""
        v, t, u = self._s.pair  # at first tempered events and tempered exposure of both tests
        x, y = self._s.wide
        rows = self._s.rows  # mentions, negatives due (rate), negatives due (share), their variance by chance (share)
        exposure, due, info = rows[:2], rows[2:0:-1], rows[3::-2]
        np.maximum(total, n, out=rows[0])
        np.multiply(self._due_line[1], start_s % HOUR_S + 0.5 * self._bin_s, out=rows[1])
        rows[1] += self._due_line[0]
        np.multiply(self._usual, rows[0], out=rows[2:])
        np.multiply(self._temper, info, out=v)
        v += self._phi
        np.multiply(n, 1.0 / _A_MAX, out=t[0])
        np.maximum(v, t[0], out=v)  # no more than _A_MAX tempered events a bin: more are tempered further
        np.divide(1.0, v, out=v)
        np.multiply(exposure, v, out=t)
        v *= n
        np.multiply(self._logs, v[SHARE], out=x[SHARE])
        x[SHARE] -= np.multiply(self._costs, t[SHARE], out=y[SHARE])
        np.matmul(self._weights, self._s.pair[:2, RATE], out=x[RATE])
        self._date(x[:, _DATES], n, due)
        with np.errstate(over="ignore"):  # in single precision; what is infinite is capped below
            np.exp(x, out=x)
            r = self._r
            r += self._w
            r *= x
            np.add.reduce(r, axis=1, out=t)
        if t.max() > _CAP:
            np.minimum(r, _CAP, out=r)
            np.add.reduce(r, axis=1, out=t)
        t += self._tiny
        np.log(t, out=t)
        np.maximum(self._top, t, out=self._top)
        np.multiply(t, self._slope, out=self._surprise)
        self._surprise += self._offset
        got, expected, square = self._block
        got += n
        expected += exposure
        np.subtract(n, due, out=t)
        t *= t
        np.multiply(self._p_var, info, out=u)
        u += 1.0
        t /= u
        np.multiply(self._phi9, info, out=u)  # 3 sigma, and a first event of a silent brand is no outlier
        u += 1.0
        square += np.minimum(t, u, out=t)

    def empty(self) -> Bools:
        """After `take`: which series had no mention in the bin."""
        none: Bools = self._s.rows[0] == 0.0
        return none

    def _date(self, llr: Floats, n: Floats, due: Floats) -> None:
        """Follow the onset: observed, expected and age go on where the gain was and stays above zero, else begin."""
        gain, new, on = self._gain, self._s.pair[1], self._s.pair[2]
        np.add(gain, llr, out=new)
        np.minimum(new, _GAIN_MAX, out=new)
        np.minimum(gain, new, out=on)
        np.maximum(new, 0.0, out=gain)
        on *= 1.0 / _GAIN_MAX
        np.ceil(on, out=on)
        np.maximum(on, 0.0, out=on)  # 1 where it goes on, else 0: a product is cheaper than a masked copy
        self._onset *= on
        observed, expected, age_s = self._onset
        observed += n
        expected += due
        age_s += self._bin_s

    def over(self) -> list[Indices]:
        """After `take`: the series that stand over the threshold of each test and are not active in it."""
        over = []
        for test in (SHARE, RATE):
            loud = self._loud[test]
            i = np.flatnonzero(loud >= self._whole) if loud.max() >= self._whole else _NOBODY
            over.append(i[~self._active[test, i]])
        return over

    def settle(self, n: Floats, start_s: int) -> list[Moved]:
        """After `take`: storms seen, and tests whose storm has ebbed away; those whose storm outlasted all patience."""
        surprise = self._surprise[SHARE]
        if surprise.max() > STORM_SURPRISE:
            i = np.flatnonzero(surprise > STORM_SURPRISE)
            self._a["storm"][0, i] |= surprise[i] > self._whole - self._margin[SHARE, i]
        return self._ebbing(n, start_s) if self.some_active else []

    def _ebbing(self, n: Floats, start_s: int) -> list[Moved]:
        moved: list[Moved] = []
        due, ebb, at = self._s.rows[2:0:-1], self._a["ebb"], self._a["alarm_at"]
        for test in (SHARE, RATE):
            i = np.flatnonzero(self._active[test])
            if not i.size:
                continue
            observed = ebb[0, test, i] * self._half_life + n[i]
            expected = ebb[1, test, i] * self._half_life + due[test, i]
            ebb[0, test, i], ebb[1, test, i] = observed, expected
            self._clear(test, i)  # nothing is learnt of a storm
            since = start_s - at[test, i]
            over = (since >= QUIET_S) & (observed <= 1.5 * expected + 0.25)
            lasts = ~over & (since >= _PATIENCE_S)
            if lasts.any():
                moved.append((test, i[lasts], (observed[lasts] + _SHRINK) / (expected[lasts] + _SHRINK)))
                over |= lasts
            if over.any():
                self._forget(test, i[over])
                self._active[test, i[over]] = False
        return moved

    def move_share(self, i: Indices, ratio: Floats) -> Floats:
        """Storms of the series `i` outlasted all patience: their share is the usual one now. By what ratio it moved."""
        share = self._a["share"]
        before = (SHARE_PRIOR[0] + share[0, i]) / (SHARE_PRIOR[1] + share[1, i])
        before = np.minimum(np.maximum(before, 1e-4), 0.99)
        to = np.minimum(self._usual[0, i] * ratio, 0.95)
        share[1, i] *= _MOVED
        share[0, i] = to * (SHARE_PRIOR[1] + share[1, i]) - SHARE_PRIOR[0]
        moved: Floats = to / before
        return moved

    def settle_level(self, test: int, i: Indices) -> None:
        """The level has moved: no drift from where it is, and no evidence against it."""
        self._clear(test, i)
        self._r[test, :, i] = 0.0
        self._gain[test, i] = 0.0
        self._a["x"][test, i] = 0.0
        self._a["p_var"][test, i] = np.exp(self._a["log_s2"][test, i])

    def restart(self) -> None:
        """After levels have moved."""
        self.refresh()
        self.prepare()

    def _clear(self, test: int, i: Indices) -> None:
        """Empty the block; what counts whether or not there is a storm is put aside."""
        if test == SHARE:
            self._mentions[i] += self._block[1, SHARE, i]
        else:
            self._hour_n[i] += self._block[0, RATE, i]
        self._block[:, test, i] = 0.0

    def _forget(self, test: int, i: Indices | slice) -> None:
        self._r[test, :, i] = 0.0
        self._gain[test, i] = 0.0
        if test == SHARE:
            self._a["storm"][0, i] = False

    def rise(self, over: list[Indices], start_s: int, was_active: Bools, alarms: Bools) -> bool:
        """Open the tests that stood over their threshold; True if `alarms` or `active` may have changed."""
        rose = False
        for test, i in enumerate(over):
            if not i.size:
                continue
            rose = True
            self._active[test, i] = True
            self._a["alarm_at"][test, i] = start_s
            self._a["ebb"][0, test, i] = self._onset[0, test, i]
            self._a["ebb"][1, test, i] = 0.0
            self._clear(test, i)
            alarms[test, i] = ~was_active[i]
        if rose or self.some_active:
            self.some_active = bool(self._active.any())
        return rose

    def begin(self) -> None:
        """The first day is over: whatever the evidence says so far, it said of unknown series."""
        for test in (SHARE, RATE):
            self._forget(test, slice(None))

    def learn(self, seconds: float, stormy: Indices) -> tuple[Floats, Floats]:
        """End a block of calm: clipped counts and their inflation, for the levels; nothing of the `stormy`."""
        a = self._a
        rows = [a[name] for name in ("x", "p_var", "log_s2", "known", "p_num", "p_den")]
        held = [row[:, stormy] for row in rows] if stormy.size else []
        x, p_var, log_s2, known, p_num, p_den = rows
        keep = _SLOW ** (seconds / HOUR_S)
        n, e, square = self._block
        info, inflation, part, spread, error = self._s.pairs(0)
        surplus, limit, *_ = self._s.pairs(1)
        np.multiply(e[SHARE], self._usual[1], out=info[SHARE])
        info[RATE] = e[RATE]
        e[SHARE] *= self._usual[0]
        p_num *= keep
        p_num += square
        p_den *= keep
        p_den += info
        np.multiply(p_var, info, out=part)
        np.add(self._phi, part, out=inflation)
        part /= inflation
        np.multiply(inflation, info, out=spread)
        np.maximum(spread, self._tiny, out=spread)
        np.subtract(n, e, out=error)
        np.multiply(error, error, out=surplus)
        surplus /= spread
        np.minimum(surplus, 9.0, out=surplus)
        surplus -= 1.0
        surplus *= part
        np.sqrt(spread, out=limit)
        limit *= 2.0
        limit += 1.0
        np.minimum(error, limit, out=error)
        limit *= -1.0
        np.maximum(error, limit, out=error)
        np.multiply(known, keep, out=spread)
        spread += np.multiply(part, part, out=limit)
        if info.min() > 0.0:
            known[...] = spread
        else:
            np.copyto(known, spread, where=info > 0.0)
        np.add(self._drift_blocks, known, out=spread)
        surplus /= spread
        log_s2 += surplus
        np.minimum(np.maximum(log_s2, _LOG_S2_MIN, out=log_s2), _LOG_S2_MAX, out=log_s2)
        np.divide(p_var, inflation, out=spread)
        spread *= error
        x += spread
        reach = np.exp(np.multiply(log_s2, 0.5, out=spread), out=spread)
        reach *= _REACH
        np.minimum(x, reach, out=x)
        np.maximum(x, np.negative(reach, out=reach), out=x)
        p_var *= np.subtract(1.0, part, out=part)
        error += e
        for row, value in zip(rows, held, strict=False):
            row[:, stormy] = value
        return error, inflation

    def coast(self, seconds: float) -> None:
        """Begin a new block: the drift goes on unseen."""
        a = self._a
        rho = np.exp(-seconds / self._memory_s)
        a["x"] *= rho.astype(self._kind)
        a["p_var"] *= (rho * rho).astype(self._kind)
        s2 = np.exp(a["log_s2"], out=self._s.pair[2])
        a["p_var"] += np.multiply(s2, (1.0 - rho * rho).astype(self._kind), out=self._s.pair[1])
        self._block[...] = 0.0
        self._mentions[...] = 0.0
        self._refresh(s2)

    def refresh(self) -> None:
        """What follows from the drift's state."""
        self._refresh(np.exp(self._a["log_s2"], out=self._s.pair[2]))

    def _refresh(self, s2: Floats) -> None:
        a, (t, u, _) = self._a, self._s.pair
        np.exp(a["x"], out=a["m"])
        s2 *= self._ahead
        np.add(a["p_var"], s2, out=self._unsure)
        np.add(self._phi_prior, a["p_num"], out=t)
        np.add(self._phi_events, a["p_den"], out=u)
        np.divide(t, u, out=self._phi)
        np.maximum(self._phi, 0.3, out=self._phi)
        np.multiply(self._phi, 9.0, out=self._phi9)

    def _share_out(self, share: Floats) -> None:
        """Part the budget among the tests, by how much room the usual share has to rise."""
        p, margin = self._params, self._margin
        full = np.subtract(share, p.share_room, out=margin[SHARE])
        full *= 1.0 / (p.share_full - p.share_room)
        np.minimum(np.maximum(full, self._none, out=full), 1.0, out=full)
        with np.errstate(divide="ignore"):
            log_full = np.log(full, out=margin[TIDE])  # of nothing: minus infinity
        log_full *= 1.0 / _LN10
        for test, part in ((RATE, p.rate_part), (TIDE, p.tide_part)):
            np.add(log_full, log10(part) if part > 0.0 else -inf, out=margin[test])
            np.maximum(margin[test], self._whole - SILENT, out=margin[test])
        full *= -(p.rate_part + p.tide_part)
        np.log1p(full, out=full)
        full *= 1.0 / _LN10

    def prepare(self) -> None:
        """What every bin of the block to come needs of drift and levels."""
        a, line = self._a, self._a["rate_line"]
        (share, t), (odds, _), _ = self._s.pair
        np.add(SHARE_PRIOR[0], a["share"][0], out=share)
        share /= np.add(SHARE_PRIOR[1], a["share"][1], out=t)
        np.minimum(np.maximum(share, 1e-4, out=share), 0.99, out=share)
        self._share_out(share)
        np.divide(share, np.subtract(1.0, share, out=t), out=odds)
        odds *= a["m"][SHARE]
        np.divide(odds, np.add(1.0, odds, out=t), out=self._usual[0])
        np.multiply(self._usual[0], np.subtract(1.0, self._usual[0], out=t), out=self._usual[1])
        np.multiply(self._powers, self._usual[0], out=self._costs)
        np.log1p(self._costs, out=self._costs)
        np.multiply(line[:2], np.multiply(a["m"][RATE], self._bin_s / HOUR_S, out=t), out=self._due_line)
        np.multiply(self._unsure, self._phi, out=self._temper)
        self._temper[RATE] += np.multiply(line[2], self._phi[RATE], out=t)
        self._temper *= self._spans
