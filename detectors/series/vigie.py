"""The default detector: two sequential tests of one brand under one budget of false alarms.

**share**: negatives given the total, so that mere volume is no alarm. **rate**: negatives against the brand's own
hour of day and weekday, so that a storm whose volume rises at an unchanged share is one too. The budget is shared
out between them; see docs/detection.md for the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from detectors.series.budgeted import Budgeted, TestParams
from detectors.series.normal import HOUR_S, NormalPrior, RateLevel, ShareLevel
from detectors.series.tail import TOP_S, TailPrior
from engine.domain.errors import StateError
from engine.domain.series import BinCount, Reading, SignalReading, Verdict, WarmingUp

VERSION: Final = 1
BLOCK_S: Final = 900
"""Learning happens every quarter of an hour: often enough to follow the day, and a bin of the storm is not learnt first."""


@dataclass(frozen=True, slots=True)
class VigieParams:
    """What the default detector believes before it has seen the series.

    `share_part` of the budget goes to the share test: it is the sharper of the two, since volume bursts for many a
    harmless reason. Without a total the rate test has the whole budget.
    """

    warm_up_s: int = 24 * HOUR_S
    """A whole day: every hour has been seen once."""
    share_part: float = 0.8
    share_normal: NormalPrior = field(default_factory=NormalPrior)
    rate_normal: NormalPrior = field(default_factory=lambda: NormalPrior(phi=1.3, drift=0.4, span_s=3600.0))
    share_tail: TailPrior = field(default_factory=lambda: TailPrior(level=-3.5, scale=1.1))
    rate_tail: TailPrior = field(default_factory=lambda: TailPrior(level=-2.5, scale=2.5))


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
        self._with_total = False
        self._rate_level = RateLevel()
        self._share_level = ShareLevel()
        self._make_tests(with_total=False)

    def _make_tests(self, *, with_total: bool) -> None:
        p = self._params
        share_part = p.share_part if with_total else 0.0
        rate = TestParams("rate", 1.0 - share_part, p.rate_normal, p.rate_tail)
        share = TestParams("share", p.share_part, p.share_normal, p.share_tail)
        self._with_total = with_total
        self._rate = Budgeted(rate, self._bin_s, self._budget)
        self._share = Budgeted(share, self._bin_s, self._budget)

    def score_one(self, x: BinCount) -> Verdict:
        """What `step` would say of this bin. Changes nothing (a copy takes the step)."""
        twin = VigieDetector(self._params, bin_s=self._bin_s, false_alarms_per_week=self._budget)
        twin.restore(self.snapshot())
        return twin.step(x)

    def learn_one(self, x: BinCount) -> None:
        self.step(x)

    def step(self, x: BinCount) -> Verdict:
        start_s, _, n, total = x
        block = start_s // BLOCK_S
        if self._first_s is None:
            self._first_s, self._block = start_s, block
            if total is not None:
                self._make_tests(with_total=True)
            self._rate_level.turn(start_s // HOUR_S)
        elif block != self._block:
            self._close_block(start_s)
            self._block = block
            self._rate_level.turn(start_s // HOUR_S)
        self._seconds += self._bin_s
        level = self._rate_level
        rate, share = self._rate, self._share
        was_active = rate.active or share.active
        base = level.at(start_s % HOUR_S + 0.5 * self._bin_s) * self._bin_s / HOUR_S
        rate_over = rate.take_rate(n, base, level.unsure, start_s)
        share_over = False
        if total is not None:
            self._mentions += total
            share_over = share.take_share(n, total, self._share_level.share, start_s)
        waited = start_s + self._bin_s - self._first_s
        if waited < self._params.warm_up_s:
            return WarmingUp("first day of the series", self._params.warm_up_s - waited)
        if not self._warm:
            self._warm = True
            rate.begin()
            share.begin()
            return WarmingUp("first day of the series", 0)
        share_alarm = self._judge(share, share_over, was_active, start_s)
        rate_alarm = self._judge(rate, rate_over, was_active, start_s)
        tests: tuple[SignalReading, ...] = (rate.reading(rate_alarm),)
        score = rate.surprise
        if self._with_total:
            tests = (share.reading(share_alarm), *tests)
            score = max(score, share.surprise)
        return Reading(
            tests,
            base * rate.drift.m,
            0.0 if was_active else score,
            share_alarm or rate_alarm,
            rate.active or share.active,
        )

    def _judge(self, test: Budgeted, over: bool, was_active: bool, start_s: int) -> bool:
        if not over or test.active:
            return False
        test.open(start_s)
        return not was_active

    def _close_block(self, start_s: int) -> None:
        seconds, mentions = self._seconds, self._mentions
        self._seconds, self._mentions = 0, 0.0
        rate, share = self._rate, self._share
        share_calm = not (share.storm or self._stormy)
        if start_s // TOP_S != self._block * BLOCK_S // TOP_S:
            rate.tail.close(calm=share_calm and self._warm)
            share.tail.close(calm=share_calm and self._warm)
            self._stormy = False
        elif share.storm:
            self._stormy = True
        if rate.active or share.active:
            rate.drift.coast(seconds)
            share.drift.coast(seconds)
            return
        if not self._warm:
            rate_n = share_n = rate.drift.n
            rate_inflation = share_inflation = 1.0
            rate.drift.clear()
            share.drift.clear()
        else:
            rate_n, rate_inflation = rate.close(seconds)
            share_n, share_inflation = share.close(seconds)
        hours = seconds / HOUR_S
        self._rate_level.close(self._block * BLOCK_S // HOUR_S, rate_n, hours, rate_inflation)
        if self._with_total:
            self._share_level.close(share_n, mentions, hours, share_inflation)

    def snapshot(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "clock": [self._first_s, self._block, self._seconds, self._mentions, self._with_total, self._warm, self._stormy],
            "rate": self._rate.dump(),
            "share": self._share.dump(),
            "rate_level": self._rate_level.dump(),
            "share_level": self._share_level.dump(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        if snapshot.get("version") != VERSION:
            raise StateError(f"detector state of version {snapshot.get('version')}: this Vigie reads {VERSION}")
        self._first_s, self._block, self._seconds, self._mentions, with_total, self._warm, self._stormy = snapshot["clock"]
        self._make_tests(with_total=with_total)
        self._rate.load(snapshot["rate"])
        self._share.load(snapshot["share"])
        self._rate_level.load(snapshot["rate_level"], self._block * BLOCK_S // HOUR_S)
        self._share_level.load(snapshot["share_level"])
