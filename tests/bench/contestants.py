"""Who stands in the comparison of detectors: each takes one bin after another and gives a score, higher for a storm.

River's detectors are given several readings of the same counts, and the bench shows the best of them; deviations
downwards score nothing. The rules of thumb know the hour of the week or the brand's size where that helps them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import exp, log1p, sqrt
from typing import Any, Final, Protocol

from detectors.table import DETECTORS
from engine.domain.series import BinCount, Reading
from engine.ports.detector import SeriesDetector

BIN_S: Final = 300
HOUR_BINS: Final = 12
DAY_BINS: Final = 288
WEEK_BINS: Final = 2016
BUDGET: Final = 0.25


class Contestant(Protocol):
    def take(self, start_s: int, n: float, total: float) -> float: ...


class InVigie:
    """A detector of the table; the score is the larger surprise of its tests, before refractory."""

    def __init__(self, name: str) -> None:
        self.detector: SeriesDetector = DETECTORS[name](bin_s=BIN_S, false_alarms_per_week=BUDGET)
        self.alarm = False

    def take(self, start_s: int, n: float, total: float) -> float:
        verdict = self.detector.step(BinCount(start_s, BIN_S, n, total))
        if not isinstance(verdict, Reading):
            return -9.0
        self.alarm = verdict.alarm
        return max(test.surprise for test in verdict.tests)


class Value:
    """What river is given: negatives of the bin, the log of the last quarter of an hour's (exponential window), those
    of the last hour, or their share in the hour's mentions (as if ten more had come, one of them negative)."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._level = 0.0
        self._hour: deque[float] = deque(maxlen=HOUR_BINS)
        self._totals: deque[float] = deque(maxlen=HOUR_BINS)

    def take(self, n: float, total: float) -> float:
        if self.kind == "bin":
            return n
        if self.kind == "log of a quarter":
            self._level += (1.0 - exp(-1.0 / 3.0)) * (n - self._level)
            return log1p(3.0 * self._level)
        self._hour.append(n)
        if self.kind == "hour":
            return float(sum(self._hour))
        self._totals.append(total)
        return (sum(self._hour) + 1.0) / (sum(self._totals) + 10.0)


class River:
    """One of river's detectors of a single value, as it is."""

    def __init__(self, make: Callable[[], Any], kind: str) -> None:
        self._model = make()
        self._value = Value(kind)
        self._mean = 0.0
        self._seen = 0

    def take(self, start_s: int, n: float, total: float) -> float:
        y = self._value.take(n, total)
        score = self.score(y) if self._seen and y > self._mean else 0.0
        self.learn(y)
        self._seen += 1
        self._mean += (y - self._mean) / self._seen
        return score

    def score(self, y: float) -> float:
        return float(self._model.score_one(None, y))

    def learn(self, y: float) -> None:
        self._model.learn_one(None, y)


class Trees(River):
    """River's documented pipeline: values scaled to the range seen, then half-space trees of river's own size."""

    def score(self, y: float) -> float:
        return float(self._model.score_one({"y": y}))

    def learn(self, y: float) -> None:
        self._model.learn_one({"y": y})


class Predictive(River):
    """Holt and Winters can say nothing before the first season is over; values from 1, since they are divided."""

    def score(self, y: float) -> float:
        return float(self._model.score_one(None, 1.0 + y)) if self._seen >= DAY_BINS else 0.0

    def learn(self, y: float) -> None:
        self._model.learn_one(None, 1.0 + y)


def gaussian(kind: str) -> River:
    from river.anomaly import GaussianScorer

    return River(GaussianScorer, kind)


def deviation(kind: str) -> River:
    from river.anomaly import StandardAbsoluteDeviation

    return River(StandardAbsoluteDeviation, kind)


def trees(kind: str) -> River:
    from river.anomaly import HalfSpaceTrees
    from river.preprocessing import MinMaxScaler

    return Trees(lambda: MinMaxScaler() | HalfSpaceTrees(seed=1), kind)


def predictive(kind: str) -> River:
    from river.anomaly import PredictiveAnomalyDetection
    from river.time_series import HoltWinters

    # river's score ends at n_std: with its usual 3 no threshold could cost less than several alarms a week
    return Predictive(lambda: PredictiveAnomalyDetection(HoltWinters(0.1, 0.001, 0.1, DAY_BINS), n_std=1000.0), kind)


class SeasonalZ:
    """The last hour against the mean and the deviation of this hour of the week, at least those of chance."""

    def __init__(self) -> None:
        self._hour: deque[float] = deque(maxlen=HOUR_BINS)
        self._cells = [[0.0, 0.0, 0.0] for _ in range(168)]

    def take(self, start_s: int, n: float, total: float) -> float:
        self._hour.append(n)
        v = float(sum(self._hour))
        cell = self._cells[start_s // 3600 % 168]
        seen, mean, square = cell
        score = (v - mean) / sqrt(max(square / seen, mean) + 1.0) if seen >= HOUR_BINS else 0.0
        cell[0] = seen + 1.0
        cell[1] = mean + (v - mean) / cell[0]
        cell[2] = square + (v - mean) * (v - cell[1])
        return score


class Static:
    """A fixed threshold on the last hour: a number, a multiple of the brand's mean in its first week, or a share."""

    def __init__(self, kind: str) -> None:
        self._relative = kind == "of the first week"
        self._value = Value(kind if kind == "share of the hour" else "hour")
        self._sum = 0.0
        self._seen = 0

    def take(self, start_s: int, n: float, total: float) -> float:
        if self._seen < WEEK_BINS:
            self._seen += 1
            self._sum += n
        scale = 1.0 + self._sum / self._seen * HOUR_BINS if self._relative else 1.0
        return self._value.take(n, total) / scale


class SameHour:
    """The last hour over the mean of the same hour 12 hours, a day and a week before (one is added to both)."""

    def __init__(self) -> None:
        self._hour: deque[float] = deque(maxlen=HOUR_BINS)
        self._past: deque[float] = deque(maxlen=WEEK_BINS)

    def take(self, start_s: int, n: float, total: float) -> float:
        self._hour.append(n)
        v = float(sum(self._hour))
        past, score = self._past, 0.0
        if len(past) == WEEK_BINS:
            usual = (past[-DAY_BINS // 2] + past[-DAY_BINS] + past[0]) / 3.0
            score = (v + 1.0) / (usual + 1.0)
        past.append(v)
        return score


VALUES: Final = ("bin", "log of a quarter", "hour", "share of the hour")
IN_VIGIE: Final = "as river/… in Vigie"
_RIVER: Final[dict[str, Callable[[str], River]]] = {
    "river GaussianScorer": gaussian,
    "river StandardAbsoluteDeviation": deviation,
    "river HalfSpaceTrees": trees,
    "river PredictiveAnomalyDetection": predictive,
}
ENTRIES: Final[tuple[tuple[str, str], ...]] = (
    ("Vigie", ""),
    *((name, kind) for name in _RIVER for kind in (*VALUES, IN_VIGIE)),
    ("seasonal z-score", ""),
    ("static threshold", "absolute"),
    ("static threshold", "of the first week"),
    ("static threshold", "share of the hour"),
    ("last hour over 12 h, day, week before", ""),
)
"""Name and variant; of one name's variants the bench shows the best."""


def contestant(name: str, variant: str) -> Contestant:
    """A fresh one."""
    if name == "Vigie":
        return InVigie("vigie")
    if variant == IN_VIGIE:
        return InVigie(name.replace(" ", "/"))
    if name in _RIVER:
        return _RIVER[name](variant)
    if name == "static threshold":
        return Static(variant)
    return SeasonalZ() if name == "seasonal z-score" else SameHour()
