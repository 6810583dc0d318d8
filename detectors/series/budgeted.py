"""One sequential test under its own share of the budget: evidence, calibrated tail, alarm, refractory."""

from __future__ import annotations

from dataclasses import dataclass
from math import log10
from typing import Any, Final

from detectors.series.evidence import WEEK_S, Evidence
from detectors.series.normal import HOUR_S, Drift, NormalPrior
from detectors.series.tail import Tail, TailPrior
from engine.domain.series import SignalReading

_FORGET: Final = 0.5 ** (1 / (8 * 168))
"""An hour's forgetting of the tail: half in eight weeks; rare excursions need a long memory."""
_SPAN_S: Final = 600.0
"""Drift is one and the same for about ten minutes of bins, however short the bins are."""
QUIET_S: Final = 3 * HOUR_S
"""Nobody is told of the same storm twice within three hours."""
_PATIENCE_S: Final = 24 * HOUR_S
"""A storm that lasts longer is the new normal: learning resumes."""


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
        "_alarm_s", "_bin_s", "_ebb", "_evidence", "_expected", "_name", "_observed", "_part", "_span", "_tail",
        "_threshold", "active", "drift", "surprise",
    )  # fmt: skip

    def __init__(self, params: TestParams, bin_s: int, false_alarms_per_week: float) -> None:
        self._name = params.name
        self._bin_s = bin_s
        self._span = max(1.0, _SPAN_S / bin_s)
        self._ebb = 0.5 ** (bin_s / HOUR_S)
        self._threshold = -log10(false_alarms_per_week * params.part)
        self._evidence = Evidence(bin_s)
        self._tail = Tail(params.tail)
        self.drift = Drift(params.normal)
        self._alarm_s = 0
        self._observed = self._expected = 0.0
        self.active = False
        self.surprise = 0.0

    def take(self, n: float, base: float, unsure: float, start_s: int) -> bool:
        """Take in a bin; True if the evidence stands over the threshold."""
        drift = self.drift
        expected = base * drift.m
        v = drift.phi * (1.0 + (drift.delta2 + unsure) * self._span * expected)
        z = self._evidence.update(n, expected, v, start_s)
        self.surprise = self._tail.surprise(z)
        if self.active:
            self._ebbing(n, expected, start_s)
        else:
            drift.add(n, base, expected)
            self._tail.learn(z)
        return self.surprise >= self._threshold

    def _ebbing(self, n: float, expected: float, start_s: int) -> None:
        """Back to normal: for an hour, by weight, hardly more than expected."""
        self._observed = self._observed * self._ebb + n
        self._expected = self._expected * self._ebb + expected
        since = start_s - self._alarm_s
        if (since >= QUIET_S and self._observed <= 1.5 * self._expected + 0.25) or since >= _PATIENCE_S:
            self.active = False
            self._evidence.reset()

    def open(self, start_s: int) -> None:
        """The evidence stood over the threshold: stay active until normal again, and learn nothing meanwhile."""
        self.active = True
        self._alarm_s = start_s
        self._observed, self._expected = self._evidence.observed, 0.0
        self._tail.drop()
        self.drift.clear()

    def close_hour(self) -> tuple[float, float]:
        """End an hour of calm: the clipped count and its inflation, for the slow level."""
        self._tail.tick(HOUR_S / WEEK_S, _FORGET)
        return self.drift.close()

    def reading(self, alarm: bool) -> SignalReading:
        e = self._evidence
        return SignalReading(self._name, self.surprise, alarm, self.active, e.observed, e.expected, e.since_s)

    def dump(self) -> dict[str, Any]:
        return {
            "evidence": self._evidence.dump(),
            "tail": self._tail.dump(),
            "drift": self.drift.dump(),
            "alarm": [self._alarm_s, self._observed, self._expected, self.active, self.surprise],
        }

    def load(self, state: dict[str, Any]) -> None:
        self._evidence.load(state["evidence"])
        self._tail.load(state["tail"])
        self.drift.load(state["drift"])
        self._alarm_s, self._observed, self._expected, self.active, self.surprise = state["alarm"]
