"""One sequential test under its own share of the budget: evidence, calibrated tail, alarm, refractory."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Any, Final

from detectors.series.evidence import POISSON_COSTS, Evidence, binomial_costs
from detectors.series.normal import HOUR_S, Drift, NormalPrior
from detectors.series.tail import STORM_SURPRISE, Tail, TailPrior, margin_of
from engine.domain.series import SignalReading

QUIET_S: Final = HOUR_S
"""Nobody is told of the same storm twice within an hour."""
_EBB_S: Final = 1800.0
"""Half-life of the weight by which a test knows that its storm is over: a storm of hundreds is forgotten in hours."""
_PATIENCE_S: Final = 24 * HOUR_S
"""A storm that lasts longer is the new normal: the level moves there, and learning resumes."""
_SHRINK: Final = 2.0
"""Events by which the new normal is held back to the old one."""


@dataclass(frozen=True, slots=True)
class TestParams:
    """A test's name, its part of the budget, and what other series teach of it."""

    name: str
    part: float
    normal: NormalPrior
    tail: TailPrior
    __test__ = False


class Budgeted:
    """A sequential test of counts against an expectation that is handed in."""

    __slots__ = (
        "_alarm_s", "_costs", "_ebb", "_evidence", "_expected", "_name", "_observed", "_share",
        "_span", "_storm_surprise", "_threshold", "_whole", "active", "drift", "margin", "moved", "storm", "surprise",
        "tail",
    )  # fmt: skip

    def __init__(self, params: TestParams, bin_s: int, false_alarms_per_week: float) -> None:
        self._name = params.name
        self._span = max(1.0, params.normal.span_s / bin_s)
        self._ebb = 0.5 ** (bin_s / _EBB_S)
        self._whole = -log10(false_alarms_per_week)
        self._evidence = Evidence(bin_s)
        self.tail = Tail(params.tail)
        self.drift = Drift(params.normal)
        self._share = -1.0
        self._costs = POISSON_COSTS
        self._alarm_s = 0
        self._observed = self._expected = 0.0
        self.active = False
        self.storm = False
        self.surprise = 0.0
        self.moved = 0.0  # the ratio at which a storm outlasted all patience, for the one that keeps the level
        self.take_part(params.part)

    def take_part(self, part: float) -> None:
        """Give this test a part of the budget."""
        self.margin = margin_of(part, self._whole)
        self._threshold = self._whole - self.margin
        self._storm_surprise = max(STORM_SURPRISE, self._threshold)

    def take_rate(self, n: float, base: float, unsure: float, start_s: int) -> bool:
        """Take in a bin where `base` events are usual, sure up to the relative variance `unsure`."""
        drift = self.drift
        expected = base * drift.m
        v = drift.phi * (1.0 + (drift.unsure + unsure) * self._span * expected)
        z = self._evidence.update(n, expected, POISSON_COSTS, expected, v, start_s)
        return self._judge(z, n, expected, expected, start_s)

    def take_share(self, n: float, total: float, usual: float, start_s: int) -> bool:
        """Take in a bin of `total` mentions, a share `usual` of them usually negative; drift is in the odds."""
        if total <= 0.0:
            return self._judge(self._evidence.idle(start_s), 0.0, 0.0, 0.0, start_s)
        drift = self.drift
        odds = usual / (1.0 - usual) * drift.m
        share = odds / (1.0 + odds)
        if share != self._share:
            self._share, self._costs = share, binomial_costs(share)
        expected = share * total
        info = expected * (1.0 - share)
        v = drift.phi * (1.0 + drift.unsure * self._span * info)
        z = self._evidence.update(n, total, self._costs, expected, v, start_s)
        return self._judge(z, n, expected, info, start_s)

    def _judge(self, z: float, n: float, expected: float, info: float, start_s: int) -> bool:
        self.surprise = self.tail.surprise(z)
        self.tail.learn(z)
        if self.surprise > self._storm_surprise:
            self.storm = True
        if self.active:
            self._ebbing(n, expected, start_s)
            return False
        if info > 0.0 or n > 0.0:
            self.drift.add(n, expected, info)
        return self.surprise >= self._threshold

    def _ebbing(self, n: float, expected: float, start_s: int) -> None:
        """Back to normal: of late, by weight, hardly more than expected."""
        self._observed = self._observed * self._ebb + n
        self._expected = self._expected * self._ebb + expected
        since = start_s - self._alarm_s
        over = since >= QUIET_S and self._observed <= 1.5 * self._expected + 0.25
        if over or since >= _PATIENCE_S:
            self.active = self.storm = False
            self._evidence.reset()
            if not over:
                self.moved = (self._observed + _SHRINK) / (self._expected + _SHRINK)

    def settle(self) -> None:
        """The level has moved to where the storm stayed."""
        self.moved = 0.0
        self.drift.restart()
        self._evidence.reset()

    def present(self, usual: float) -> float:
        """The share that is usual now, drift and all, where `usual` is that of the level."""
        odds = usual / (1.0 - usual) * self.drift.m
        return odds / (1.0 + odds)

    def open(self, start_s: int) -> None:
        """The evidence stood over the threshold: stay active until normal again, and learn nothing meanwhile."""
        self.active = True
        self._alarm_s = start_s
        self._observed, self._expected = self._evidence.observed, 0.0
        self.drift.clear()

    def begin(self) -> None:
        """The series is known now: whatever the evidence says so far, it said of an unknown series."""
        self._evidence.reset()
        self.storm = False

    def close(self, seconds: float) -> tuple[float, float]:
        """End a block of calm: the clipped count and its inflation, for the slow level."""
        return self.drift.close(seconds)

    def first(self, seconds: float) -> tuple[float, float]:
        """End a block of the first day: the count as it is, since nothing is known to clip it by."""
        n = self.drift.n
        self.drift.coast(seconds)
        return n, 1.0

    def reading(self, alarm: bool) -> SignalReading:
        e = self._evidence
        return SignalReading(self._name, self.surprise, alarm, self.active, e.observed, e.expected, e.since_s)

    def dump(self) -> dict[str, Any]:
        return {
            "evidence": self._evidence.dump(),
            "tail": self.tail.dump(),
            "drift": self.drift.dump(),
            "alarm": [self._alarm_s, self._observed, self._expected, self.active, self.storm, self.surprise],
        }

    def load(self, state: dict[str, Any]) -> None:
        self._evidence.load(state["evidence"])
        self.tail.load(state["tail"])
        self.drift.load(state["drift"])
        self._alarm_s, self._observed, self._expected, self.active, self.storm, self.surprise = state["alarm"]
