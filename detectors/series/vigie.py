"""The default detector: sequential tests of one brand under one budget of false alarms.

**share**: negatives given the total, so that mere volume is no alarm. **rate**: negatives against the brand's own hour
of day and weekday, so that a storm whose volume rises at an unchanged share is one too; **tide**: the same over hours.
Where no total is counted there is no share, and a **spike** alarm stands beside the rate. The budget is shared out;
docs/detection.md has the model.

During a planned event rate, tide and spike expect `lift` times as much; the share is untouched. Lifted hours teach the
volume's levels, drift and tails nothing: to learn n / lift would teach the user's guess as a habit where the guess is
wrong, and a few hours less are no loss. On the first day, when nothing else is known, n / lift is what there is.
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
_new = tuple.__new__
_PARTS: Final = frozenset({"clock", "peaks", "hour", "tide", "rate", "share", "spike", "rate_level", "share_level"})
"""What a snapshot holds, whatever wrote it since version 1."""
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

    packs = True

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
        self._lifted_block = self._lifted_top = False  # held a planned event: the block, and the six hours, so far
        self._hour_lift = 0.0  # sum over the hour's bins of their lift, in bins
        self._tide_reading = _NO_TIDE
        self._make_tests(with_total=False)

    def _make_tests(self, *, with_total: bool) -> None:
        p = self._params
        rate = TestParams("rate", 1.0 - p.spike_part, p.rate_normal, p.rate_tail)
        share = TestParams("share", 1.0, p.share_normal, p.share_tail)
        self._tide = Tide(self._budget) if with_total else None
        self._rate = Budgeted(rate, self._bin_s, self._budget)
        self._share = Budgeted(share, self._bin_s, self._budget) if with_total else None
        self._full = -1.0  # where between its room and its fill the usual share stood when the budget was last parted
        self._spike = None if with_total else Spike(self._bin_s, self._budget * p.spike_part)
        self._share_out()

    def _share_out(self) -> None:
        """Part the budget among the tests, by how much room the usual share has to rise."""
        p, share, tide = self._params, self._share, self._tide
        if share is None or tide is None:
            return
        full = (self._share_level.share - p.share_room) / (p.share_full - p.share_room)
        full = 0.0 if full < 0.0 else 1.0 if full > 1.0 else full
        if full == self._full:
            return
        self._full = full
        tide.take_part(full * p.tide_part)
        self._rate.take_part(full * p.rate_part)
        share.take_part(1.0 - full * (p.tide_part + p.rate_part))

    def parts(self) -> dict[str, float]:
        """The part of the budget that each test has now; they add up to one."""
        tests = {"share": self._share, "rate": self._rate, "tide": self._tide}
        parts = {name: 10.0**test.margin for name, test in tests.items() if test is not None}
        return parts if self._spike is None else {**parts, "spike": self._params.spike_part}

    def score_one(self, x: BinCount) -> Verdict:
        """What `step` would say of this bin. Changes nothing (a copy takes the step)."""
        twin = VigieDetector(self._params, bin_s=self._bin_s, false_alarms_per_week=self._budget)
        twin.restore(self.snapshot())
        return twin.step(x)

    def learn_one(self, x: BinCount) -> None:
        self.step(x)

    def step(self, x: BinCount) -> Verdict:
        start_s, _, n, total, lift = x
        bin_s = self._bin_s
        if self._first_s is None:
            self._first_s, self._block = start_s, start_s // BLOCK_S
            self._make_tests(with_total=total is not None)
            self._rate_level.turn(start_s // HOUR_S)
        elif start_s // BLOCK_S != self._block:
            self._close_block(start_s)
        self._seconds += bin_s
        level, rate, share, spike = self._rate_level, self._rate, self._share, self._spike
        # of the tests of minutes: a swell does not silence a storm on top of it
        was_active = self._any_active()
        base = level.at(start_s % HOUR_S + 0.5 * bin_s) * bin_s / HOUR_S
        if n == 0.0 and not total:
            self._missing += base
        else:
            self._missing = 0.0
        volume = n
        if lift != 1.0:
            volume, base = self._lifted(n, base, lift)
        rate_over = rate.take_rate(volume, base, level.unsure, start_s)
        if rate.moved:
            self._move_rates(rate.moved * rate.drift.m, start_s)
        self._hour_n += volume
        self._hour_s += bin_s
        self._hour_lift += lift
        tide = self._tide
        if share is None or tide is None:
            spike_over = spike is not None and spike.take(n / lift, start_s)
            if not self._warm:
                return self._warming(start_s)
            return self._without_total(start_s, rate_over, spike_over, base, was_active)
        mentions = n if total is None or total < n else total
        self._mentions += mentions
        share_over = share.take_share(n, mentions, self._share_level.share, start_s)
        if share.moved:
            self._move_share(share, start_s)
        if not self._warm:
            return self._warming(start_s)
        return self._with_total(share, tide, start_s, rate_over, share_over, was_active, lift)

    def _with_total(
        self,
        share: Budgeted,
        tide: Tide,
        start_s: int,
        rate_over: bool,
        share_over: bool,
        was_active: bool,
        lift: float,
    ) -> Reading:
        rate = self._rate
        share_alarm = rate_alarm = tide_alarm = False
        if rate_over and not rate.active:
            rate.open(start_s)
            rate_alarm = not was_active
        if share_over and not share.active:
            share.open(start_s)
            share_alarm = not was_active
        active = rate.active or share.active
        if self._tide_over:
            self._tide_over = False
            if not tide.active:
                tide.open(start_s // HOUR_S)
                tide_alarm = not was_active and not active
                self._tide_reading = tide.reading(False)
        # between two hours the tide says the same: one reading serves them all
        tided = tide.reading(True) if tide_alarm else self._tide_reading
        told = (rate.surprise + rate.margin, share.surprise + share.margin, tide.surprise + tide.margin)
        score = max(told)
        if score > 0.0:  # most bins have none
            score = max(self._fresh(test, surprise, start_s) for test, surprise in enumerate(told))
        alarm = share_alarm or rate_alarm or tide_alarm
        if alarm:  # it is news, whatever peak came before
            alarms = (rate_alarm, share_alarm, tide_alarm)
            score = max(score, *(s for s, over in zip(told, alarms, strict=True) if over))
        usual = tide.expected(start_s, self._bin_s) * lift
        tests = (share.reading(share_alarm), rate.reading(rate_alarm), tided)
        # straight from a tuple: the class's own __new__ costs twice as much, and this runs for every bin
        return _new(Reading, (tests, usual, score, alarm, active or tide.active))

    def _without_total(self, start_s: int, rate_over: bool, spike_over: bool, base: float, was_active: bool) -> Reading:
        rate, spike = self._rate, self._spike
        assert spike is not None  # beside every rate without a share
        rate_alarm = spike_alarm = False
        if rate_over and not rate.active:
            rate.open(start_s)
            rate_alarm = not was_active
        if spike_over and not spike.active:
            spike.open(start_s)
            spike_alarm = not was_active
        score = max(rate.surprise if rate_alarm else _UNHEARD, self._fresh(1, spike.surprise, start_s))
        if spike_alarm:
            score = max(score, spike.surprise)
        tests = (spike.reading(spike_alarm), rate.reading(rate_alarm))
        return Reading(tests, base * rate.drift.m, score, rate_alarm or spike_alarm, rate.active or spike.active)

    def _move_share(self, share: Budgeted, start_s: int) -> None:
        """A storm outlasted all patience: its share is the usual one now."""
        before = self._share_level.share
        now = min(share.present(before) * share.moved, 0.95)
        self._share_level.move(now)
        share.settle()
        self._share_out()
        if not self._rate.active:  # what it learnt last is of before the storm
            self._move_rates(now / before, start_s)

    def _move_rates(self, ratio: float, start_s: int) -> None:
        """A storm outlasted all patience: its rate is the usual one now."""
        self._rate_level.move(ratio)
        self._rate_level.turn(start_s // HOUR_S)
        self._rate.settle()
        if self._tide is not None:
            self._tide.move(ratio, start_s // HOUR_S)
            self._tide_over = False
            self._tide_reading = self._tide.reading(False)

    def _lifted(self, n: float, base: float, lift: float) -> tuple[float, float]:
        """Volume and expectation of a bin within a planned event."""
        if not self._warm:
            return n / lift, base
        self._lifted_block = self._lifted_top = True
        return n, base * lift

    def _any_active(self) -> bool:
        share, spike = self._share, self._spike
        return self._rate.active or (share is not None and share.active) or (spike is not None and spike.active)

    def _turn_hour(self, hour: int) -> None:
        """An hour is over: let the tide judge it."""
        n, seconds = self._hour_n, self._hour_s
        lift = self._hour_lift * self._bin_s / seconds if self._warm and seconds else 1.0
        self._hour_n, self._hour_s, self._hour_lift = 0.0, 0, 0.0
        tide = self._tide
        if tide is None:
            return
        if self._warm and (seconds < HOUR_S or self._missing > _SILENCE):
            tide.skip(hour)
        elif self._warm:
            self._tide_over = tide.turn(n, hour, stormy=self._any_active(), lift=lift)
        else:
            tide.first(n, seconds / HOUR_S, hour)
        self._tide_reading = tide.reading(False)

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
            usual = calm and not self._lifted_top
            if share is not None:
                share.tail.close(calm=calm)
            for test in (rate, spike):
                if test is not None:
                    test.tail.close(calm=usual)
            if self._tide is not None:
                self._tide.close_top(calm=usual)
            self._stormy = self._lifted_top = False
        hour = block * BLOCK_S // HOUR_S
        if start_s // HOUR_S != hour:
            self._turn_hour(hour)
        if not self._any_active() and not (self._warm and self._missing > _SILENCE):
            if self._lifted_block:
                rate.drift.coast(seconds)
            elif self._warm:
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
        self._lifted_block = False
        self._rate_level.turn(start_s // HOUR_S)

    def snapshot(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "clock": [self._first_s, self._block, self._seconds, self._mentions, self._warm, self._stormy],
            "peaks": [list(peak) for peak in self._peaks],
            "hour": [self._hour_n, self._hour_s, self._tide_over, self._missing],
            "lift": [self._lifted_block, self._lifted_top, self._hour_lift],
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
        if not snapshot.keys() >= _PARTS:
            missing = ", ".join(sorted(_PARTS - snapshot.keys()))
            raise StateError(
                f"the stored detector state is of another detector (it has no {missing}): choose that one again, "
                "or start with a new database"
            )
        self._make_tests(with_total=snapshot["share"] is not None)
        self._first_s, self._block, self._seconds, self._mentions, self._warm, self._stormy = snapshot["clock"]
        self._peaks = [(peak, at_s) for peak, at_s in snapshot["peaks"]]
        self._hour_n, self._hour_s, self._tide_over, self._missing = snapshot["hour"]
        in_bins = self._hour_s / self._bin_s  # a snapshot from before there were planned events
        lift = snapshot.get("lift", [False, False, in_bins])
        self._lifted_block, self._lifted_top, self._hour_lift = lift
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
