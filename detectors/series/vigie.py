"""The default detector: sequential tests of one brand under one budget of false alarms.

**share**: negatives given the total, so that mere volume is no alarm. **rate**: negatives against the brand's own hour
of day and weekday, so that a storm whose volume rises at an unchanged share is one too; **tide**: the same over hours.
Where no total is counted there is no share, and a **spike** alarm stands beside the rate. The budget is shared out;
docs/detection.md has the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from detectors.series.budgeted import Budgeted, TestParams
from detectors.series.normal import HOUR_S, NormalPrior, RateLevel, ShareLevel
from detectors.series.spike import Spike
from detectors.series.tail import TOP_S, TailPrior
from detectors.series.tide import Tide
from engine.domain.errors import StateError
from engine.domain.series import BinCount, Reading, SignalReading, Verdict, WarmingUp

VERSION: Final = 1
_NO_PEAK: Final = (0.0, 0)
_UNHEARD: Final = -9.0
"""Without a total the rate is heard only when it alarms: bursts of volume have a tail that no few weeks can teach, so
its surprise below the threshold does not compare with that of others."""
_FADE_S: Final = 24.0 * HOUR_S
"""Half-life of the peak that a further score has to top: a day, so that one story is told once."""
_NO_TIDE: Final = SignalReading("tide", -1.0, False, False, 0.0, 0.0, 0)
_SILENCE: Final = 6.0
"""So many negatives expected and not one mention (chance alone: once in 400) is a source that fell silent. That is no
calm to learn from: its return to normal would look like a storm."""
BLOCK_S: Final = 900
"""Learning happens every quarter of an hour: often enough to follow the day; no bin is learnt at once."""


@dataclass(frozen=True, slots=True)
class VigieParams:
    """What the default detector believes before it has seen the series; docs/detection.md says why."""

    warm_up_s: int = 24 * HOUR_S
    """A whole day: every hour has been seen once."""
    tide_part: float = 0.25
    """Of the budget, where there is a total and the share has no room to rise: the absolute rate over hours."""
    rate_part: float = 0.15
    """The same of the rate of minutes. The share test has the rest, all of it where the share has room."""
    share_room: float = 0.2
    """Up to this usual share a storm shows in the share, and more of everything at an unchanged share is a buzz:
    four in five of its mentions are not negative. There the absolute rates have no part of the budget."""
    share_full: float = 0.4
    """From this usual share on they have their whole part: a storm may leave the share as it is."""
    spike_part: float = 0.5
    """Of the budget, where there is none: neither is known to be the better."""
    share_normal: NormalPrior = field(default_factory=NormalPrior)
    rate_normal: NormalPrior = field(default_factory=lambda: NormalPrior(phi=1.3, drift=0.4, span_s=3600.0))
    """Volumes wander more than shares, and a wave of them goes on for an hour."""
    share_tail: TailPrior = field(default_factory=lambda: TailPrior(level=-3.5, scale=1.0))
    """A scale of 1 is the model's own: R >= A once in A weeks."""
    rate_tail: TailPrior = field(default_factory=lambda: TailPrior(level=-2.5, scale=2.0))
    """Bursts of volume have a heavy tail on every series looked at: mean excess 2 to 5."""


class VigieDetector:
    """Judges the bins of one series.

    Args:
        params: the priors.
        bin_s: length of a bin, 60 to 3600 seconds.
        false_alarms_per_week: the budget for all alarms of this series together.

    Raises:
        ValueError: `bin_s` or the budget is out of range.

    >>> d = VigieDetector(VigieParams(), bin_s=300, false_alarms_per_week=0.25)
    >>> day = [d.step(BinCount(300 * i, 300, 1.0, 10.0)) for i in range(288)]
    >>> day[-1]
    WarmingUp(reason='first day of the series', remaining_s=0)
    >>> d.step(BinCount(86_400, 300, 1.0, 10.0)).alarm, d.step(BinCount(86_700, 300, 30.0, 40.0)).alarm
    (False, True)
    """

    def __init__(self, params: VigieParams, *, bin_s: int, false_alarms_per_week: float) -> None:
        if not 60 <= bin_s <= HOUR_S:
            raise ValueError(f"bin_s must be 60 to {HOUR_S}, not {bin_s}")
        if not 0.0 < false_alarms_per_week < 1000.0:
            raise ValueError(f"false_alarms_per_week must be over 0 and under 1000, not {false_alarms_per_week}")
        self._params = params
        self._bin_s = bin_s
        self._budget = false_alarms_per_week
        self._first_s: int | None = None
        self._block = 0
        self._warm = False
        self._stormy = False
        self._seconds = 0
        self._mentions = 0.0
        self._rate_level = RateLevel()
        self._share_level = ShareLevel()
        self._peaks = [_NO_PEAK, _NO_PEAK, _NO_PEAK]
        self._hour_n, self._hour_s = 0.0, 0
        self._tide_over = False
        self._missing = 0.0  # negatives expected since the last mention of any feeling
        self._tide_reading = _NO_TIDE
        self._make_tests(with_total=False)

    def _make_tests(self, *, with_total: bool) -> None:
        p = self._params
        rate = TestParams("rate", 1.0 - p.spike_part, p.rate_normal, p.rate_tail)
        share = TestParams("share", 1.0, p.share_normal, p.share_tail)
        self._tide = Tide(self._budget) if with_total else None
        self._rate = Budgeted(rate, self._bin_s, self._budget)
        self._share = Budgeted(share, self._bin_s, self._budget) if with_total else None
        self._spike = None if with_total else Spike(self._bin_s, self._budget * p.spike_part)
        self._share_out()

    def _share_out(self) -> None:
        """Part the budget among the tests, by how much room the usual share has to rise."""
        p, share, tide = self._params, self._share, self._tide
        if share is None or tide is None:
            return
        full = (self._share_level.share - p.share_room) / (p.share_full - p.share_room)
        full = min(max(full, 0.0), 1.0)
        tide.take_part(full * p.tide_part)
        self._rate.take_part(full * p.rate_part)
        share.take_part(1.0 - full * (p.tide_part + p.rate_part))

    def score_one(self, x: BinCount) -> Verdict:
        """What `step` would say of this bin. Changes nothing (a copy takes the step)."""
        twin = VigieDetector(self._params, bin_s=self._bin_s, false_alarms_per_week=self._budget)
        twin.restore(self.snapshot())
        return twin.step(x)

    def learn_one(self, x: BinCount) -> None:
        self.step(x)

    def step(self, x: BinCount) -> Verdict:
        start_s, _, n, total = x
        if self._first_s is None:
            self._first_s, self._block = start_s, start_s // BLOCK_S
            self._make_tests(with_total=total is not None)
            self._rate_level.turn(start_s // HOUR_S)
        elif start_s // BLOCK_S != self._block:
            self._close_block(start_s)
        self._seconds += self._bin_s
        level, rate, share, spike = self._rate_level, self._rate, self._share, self._spike
        other = spike if share is None else share
        was_active = self._any_active()  # of the tests of minutes: a swell does not silence a storm on top of it
        base = level.at(start_s % HOUR_S + 0.5 * self._bin_s) * self._bin_s / HOUR_S
        rate_over = rate.take_rate(n, base, level.unsure, start_s)
        if rate.moved:
            level.move(rate.moved * rate.drift.m)
            level.turn(start_s // HOUR_S)
            rate.settle()
        self._hour_n += n
        self._hour_s += self._bin_s
        self._missing = self._missing + base if n == 0.0 and not total else 0.0
        other_over = False
        if share is not None:
            mentions = n if total is None or total < n else total
            self._mentions += mentions
            other_over = share.take_share(n, mentions, self._share_level.share, start_s)
            if share.moved:
                self._move_share(share)
        elif spike is not None:
            other_over = spike.take(n, start_s)
        if not self._warm:
            return self._warming(start_s)
        other_alarm = rate_alarm = False
        if rate_over and not rate.active:
            rate.open(start_s)
            rate_alarm = not was_active
        tests: tuple[SignalReading, ...] = (rate.reading(rate_alarm),)
        if other is not None:
            if other_over and not other.active:
                other.open(start_s)
                other_alarm = not was_active
            tests = (other.reading(other_alarm), tests[0])
        active = rate.active or (other is not None and other.active)
        tide = self._tide
        if tide is not None:
            tide_alarm = False
            if self._tide_over:
                self._tide_over = False
                if not tide.active:
                    tide.open(start_s // HOUR_S)
                    tide_alarm = not was_active and not active
                    self._tide_reading = tide.reading(False)
            # between two hours the tide says the same: one reading serves them all
            tests = (*tests, tide.reading(True) if tide_alarm else self._tide_reading)
            shared = _UNHEARD if share is None else share.surprise + share.margin
            score = self._freshest(rate.surprise + rate.margin, shared, tide.surprise + tide.margin, start_s)
            if other_alarm or rate_alarm or tide_alarm:  # an alarm is news, whatever peak came before
                score = max(
                    score,
                    rate.surprise + rate.margin if rate_alarm else score,
                    shared if other_alarm else score,
                    tide.surprise + tide.margin if tide_alarm else score,
                )
            usual = tide.expected(start_s, self._bin_s)
            return Reading(tests, usual, score, other_alarm or rate_alarm or tide_alarm, active or tide.active)
        heard = rate.surprise if rate_alarm else _UNHEARD
        score = max(heard, self._fresh(1, other.surprise, start_s)) if other is not None else heard
        if other_alarm and other is not None:
            score = max(score, other.surprise)
        return Reading(tests, base * rate.drift.m, score, other_alarm or rate_alarm, active)

    def _move_share(self, share: Budgeted) -> None:
        """A storm of the share outlasted all patience: what it came to is usual now, and the budget is parted anew."""
        self._share_level.move(min(share.present(self._share_level.share) * share.moved, 0.95))
        share.settle()
        self._share_out()

    def _any_active(self) -> bool:
        share, spike = self._share, self._spike
        return self._rate.active or (share is not None and share.active) or (spike is not None and spike.active)

    def _turn_hour(self, hour: int) -> None:
        """An hour is over: let the tide judge it."""
        n, seconds = self._hour_n, self._hour_s
        self._hour_n, self._hour_s = 0.0, 0
        tide, share = self._tide, self._share
        if tide is None:
            return
        if self._warm and (seconds < HOUR_S or self._missing > _SILENCE):
            tide.skip(hour)
        elif self._warm:
            stormy = self._rate.active or (share is not None and share.active)
            self._tide_over = tide.turn(n, hour, stormy=stormy)
        else:
            tide.first(n, seconds / HOUR_S, hour)
        self._tide_reading = tide.reading(False)

    def _freshest(self, rate: float, share: float, tide: float, start_s: int) -> float:
        """The largest of the tests' fresh surprises; most bins have none above zero."""
        best = rate if rate > share else share
        best = tide if tide > best else best
        if best <= 0.0:
            return best
        return max(self._fresh(0, rate, start_s), self._fresh(1, share, start_s), self._fresh(2, tide, start_s))

    def _fresh(self, test: int, surprise: float, start_s: int) -> float:
        """After a peak of surprise only a higher one is news, until the peak has faded: refractory for the score."""
        if surprise <= 0.0:
            return surprise
        peak, at_s = self._peaks[test]
        if peak and surprise <= peak * 0.5 ** ((start_s - at_s) / _FADE_S):
            return 0.0
        self._peaks[test] = (surprise, start_s)
        return surprise

    def _warming(self, start_s: int) -> WarmingUp:
        first_s = start_s if self._first_s is None else self._first_s
        left_s = max(0, first_s + self._params.warm_up_s - start_s - self._bin_s)
        if left_s == 0:
            self._close_block(start_s)
            self._warm = True
            self._rate_level.settle()
            self._rate_level.turn((start_s + self._bin_s) // HOUR_S)
            self._rate.begin()
            if self._share is not None:
                self._share.begin()
            if self._tide is not None:
                self._tide.begin()
        return WarmingUp("first day of the series", left_s)

    def _close_block(self, start_s: int) -> None:
        """Learn from the quarter of an hour that is over, and every six hours from their tops."""
        block, self._block = self._block, start_s // BLOCK_S
        hours, mentions = self._seconds / HOUR_S, self._mentions
        seconds, self._seconds, self._mentions = self._seconds, 0, 0.0
        rate, share, spike = self._rate, self._share, self._spike
        self._stormy = self._stormy or (share is not None and share.storm)
        if start_s // TOP_S != block * BLOCK_S // TOP_S:
            calm = self._warm and not self._stormy
            for test in (rate, share, spike):
                if test is not None:
                    test.tail.close(calm=calm)
            if self._tide is not None:
                self._tide.close_top(calm=calm)
            self._stormy = False
        hour = block * BLOCK_S // HOUR_S
        if start_s // HOUR_S != hour:
            self._turn_hour(hour)
        if not self._any_active() and not (self._warm and self._missing > _SILENCE):
            if self._warm:
                n, inflation = rate.close(seconds)
                self._rate_level.close(hour, n, hours, inflation)
            else:
                self._rate_level.first(hour, rate.first(seconds)[0], hours)
            if share is not None:
                n, inflation = share.close(seconds) if self._warm else share.first(seconds)
                self._share_level.close(n, mentions, hours, inflation)
                self._share_out()
        else:
            rate.drift.coast(seconds)
            if share is not None:
                share.drift.coast(seconds)
        self._rate_level.turn(start_s // HOUR_S)

    def snapshot(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "clock": [self._first_s, self._block, self._seconds, self._mentions, self._warm, self._stormy],
            "peaks": [list(peak) for peak in self._peaks],
            "hour": [self._hour_n, self._hour_s, self._tide_over, self._missing],
            "tide": None if self._tide is None else self._tide.dump(),
            "rate": self._rate.dump(),
            "share": None if self._share is None else self._share.dump(),
            "spike": None if self._spike is None else self._spike.dump(),
            "rate_level": self._rate_level.dump(),
            "share_level": self._share_level.dump(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        if snapshot.get("version") != VERSION:
            raise StateError(f"detector state of version {snapshot.get('version')}: this Vigie reads {VERSION}")
        self._make_tests(with_total=snapshot["share"] is not None)
        self._first_s, self._block, self._seconds, self._mentions, self._warm, self._stormy = snapshot["clock"]
        self._peaks = [(peak, at_s) for peak, at_s in snapshot["peaks"]]
        self._hour_n, self._hour_s, self._tide_over, self._missing = snapshot["hour"]
        if self._tide is not None:
            self._tide.load(snapshot["tide"])
            self._tide_reading = self._tide.reading(False)
        self._rate.load(snapshot["rate"])
        if self._share is not None:
            self._share.load(snapshot["share"])
        if self._spike is not None:
            self._spike.load(snapshot["spike"])
        self._rate_level.load(snapshot["rate_level"], self._block * BLOCK_S // HOUR_S)
        self._share_level.load(snapshot["share_level"])
        self._share_out()
