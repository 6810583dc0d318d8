"""River's anomaly detectors as detectors of a series: the same port, budget, refractory and snapshots.

A river detector gives one number for one value and leaves the threshold to its user. Here the value is
`log(1 + negatives)` of the last quarter of an hour (exponential window); every bin is judged, and a value is learnt
every quarter of an hour, never during a storm. The score becomes a departure z, upwards only, in units of its own:

    GaussianScorer              the standard normal quantile of the score         ends at 8.2, where float64 rounds to 1
    StandardAbsoluteDeviation   the score: standard deviations from the mean
    HalfSpaceTrees              -log of what separates the score from the highest one that the trees can give
    PredictiveAnomalyDetection  the root of the score: standard deviations of the forecast's error (Holt and Winters)

and z goes through the same learnt tail as Vigie's own tests, so that the budget holds. Where a score has an end, so has
z: on a series that often comes near it no alarm is within the budget.

During a planned event counts are divided by their lift before anything else sees them.

Snapshots hold the models' own numbers and no pickle: three for a mean and a variance, a season for Holt and Winters,
and for the trees the values of the last two windows, which fill seeded trees anew (trees count, so this is exact). That
is 0.6 to 3 kB of JSON; in memory river's trees take about a megabyte for each series, the others a few kB.

River: Montiel et al. 2021, "River: machine learning for streaming data in Python", JMLR 22. Half-space trees: Tan, Ting
and Liu 2011, IJCAI. Predictive: Laptev et al. 2015, KDD.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from math import exp, expm1, log, log1p, log10, sqrt
from statistics import NormalDist
from typing import Any, Final, NamedTuple, Protocol

from detectors.series.normal import DAY_S, HOUR_S
from detectors.series.tail import STORM_SURPRISE, TOP_S, Tail, TailPrior
from engine.domain.errors import StateError
from engine.domain.series import BinCount, Reading, SignalReading, Verdict, WarmingUp

VERSION: Final = 1
SPAN_S: Final = 900
"""The window of a value, and how often one is learnt."""
_EVENTS: Final = 3.0
"""A departure by fewer negatives than these counts in proportion: one mention to a silent brand is no storm."""
_Z_MAX: Final = 100.0
_Z_NEW: Final = 8.0
"""Where nothing has ever varied, whatever comes is as far from usual as a normal score goes."""
_PATIENCE_S: Final = DAY_S


def _strict() -> TailPrior:
    """Above the 1.3 to 2.3 where series settle: what a young series takes for a storm it doesn't learn from."""
    return TailPrior(level=2.5, scale=0.7)


@dataclass(frozen=True, slots=True)
class GaussianScorerParams:
    """river.anomaly.GaussianScorer over everything seen."""

    tail: TailPrior = field(default_factory=_strict)


@dataclass(frozen=True, slots=True)
class StandardAbsoluteDeviationParams:
    """river.anomaly.StandardAbsoluteDeviation from the mean."""

    tail: TailPrior = field(default_factory=_strict)


@dataclass(frozen=True, slots=True)
class HalfSpaceTreesParams:
    """river.anomaly.HalfSpaceTrees with river's own size; the window is a day, so that it holds every hour."""

    n_trees: int = 10
    height: int = 8
    window_s: int = DAY_S
    seed: int = 1
    tail: TailPrior = field(default_factory=lambda: TailPrior(level=4.5, scale=1.0))


@dataclass(frozen=True, slots=True)
class PredictiveParams:
    """river.anomaly.PredictiveAnomalyDetection with river.time_series.HoltWinters, additive, a day being the season."""

    alpha: float = 0.1
    """The level follows in ten values: two hours and a half."""
    beta: float = 0.001
    """River has no season without a trend: hardly any, since nobody's mentions grow for ever."""
    gamma: float = 0.1
    """The hours of day follow in ten days."""
    n_std: float = 1000.0
    """River's score ends at so many standard deviations of the squared error: beyond all that are of interest."""
    tail: TailPrior = field(default_factory=_strict)


class _Model(Protocol):
    """A river detector of values y = log(1 + negatives of the window)."""

    warm_s: int

    def departure(self, y: float) -> float:
        """How far above the usual, from 0. Changes nothing."""
        ...

    def usual(self) -> float:
        """The y that would be no news."""
        ...

    def learn(self, y: float) -> None: ...

    def dump(self) -> list[Any]: ...

    def load(self, state: list[Any]) -> None: ...


def _anomaly() -> Any:
    """River is imported when one of its detectors is wanted: it takes a second. It is typed in part only."""
    from river import anomaly

    return anomaly


def _dump_variance(v: Any) -> list[float]:
    return [v.mean.n, v.mean._mean, v._S]


def _load_variance(v: Any, state: list[float]) -> None:
    v.mean.n, v.mean._mean, v._S = state


class _Gaussian:
    """GaussianScorer: score = 2 |cdf(y) - 0.5|."""

    warm_s = DAY_S

    def __init__(self) -> None:
        self._river = _anomaly().GaussianScorer(grace_period=2)

    def departure(self, y: float) -> float:
        if y <= self._river.gaussian.mu:
            return 0.0
        if self._river.gaussian.sigma == 0.0:
            return _Z_NEW
        score = min(self._river.score_one(None, y), 1.0 - 2.0**-53)
        return -NormalDist().inv_cdf(0.5 * (1.0 - score))

    def usual(self) -> float:
        return float(self._river.gaussian.mu)

    def learn(self, y: float) -> None:
        self._river.learn_one(None, y)

    def dump(self) -> list[Any]:
        return _dump_variance(self._river.gaussian._var)

    def load(self, state: list[Any]) -> None:
        _load_variance(self._river.gaussian._var, state)


class _Deviation:
    """StandardAbsoluteDeviation: score = |y - mean| / sd."""

    warm_s = DAY_S

    def __init__(self) -> None:
        self._river = _anomaly().StandardAbsoluteDeviation()

    def departure(self, y: float) -> float:
        if y <= self.usual():
            return 0.0
        return float(self._river.score_one(None, y)) if self._river.variance.get() > 0.0 else _Z_NEW

    def usual(self) -> float:
        return float(self._river.sub_stat.get())

    def learn(self, y: float) -> None:
        self._river.learn_one(None, y)

    def dump(self) -> list[Any]:
        mean = self._river.sub_stat
        return [*_dump_variance(self._river.variance), mean.n, mean._mean]

    def load(self, state: list[Any]) -> None:
        _load_variance(self._river.variance, state[:3])
        self._river.sub_stat.n, self._river.sub_stat._mean = state[3:]


class _Trees:
    """HalfSpaceTrees over x = v / (v + 4 m), where v is the window's count and m its mean on the first day.

    The trees want values in [0, 1] and are built but once, so the scale is fixed before they begin.
    """

    def __init__(self, params: HalfSpaceTreesParams, learn_s: int) -> None:
        self._params = params
        self.warm_s = DAY_S + params.window_s
        self._window = max(4, params.window_s // learn_s)
        self._first = DAY_S // learn_s
        self._seen = 0
        self._mean = self._scale = 0.0
        self._values: deque[float] = deque(maxlen=2 * self._window)
        self._river = self._fresh()
        self._least = 1.0 / (2 ** (params.height + 1) - 1)

    def _fresh(self) -> Any:
        p = self._params
        return _anomaly().HalfSpaceTrees(n_trees=p.n_trees, height=p.height, window_size=self._window, seed=p.seed)

    def _x(self, y: float) -> float:
        v = expm1(y)
        return round(v / (v + self._scale), 6)

    def departure(self, y: float) -> float:
        if self._seen - self._first < self._window or y <= self._mean:
            return 0.0
        left = 1.0 - self._river.score_one({"x": self._x(y)}) - self._least
        return -log(max(left, 1e-9))

    def usual(self) -> float:
        return self._mean

    def learn(self, y: float) -> None:
        self._seen += 1
        self._mean += (y - self._mean) / min(self._seen, 28 * self._first)
        if self._seen < self._first:
            return
        if self._seen == self._first:
            self._scale = 4.0 * expm1(self._mean) + 1.0
            return
        x = self._x(y)
        self._values.append(x)
        self._river.learn_one({"x": x})

    def dump(self) -> list[Any]:
        return [self._seen, self._mean, self._scale, list(self._values)]

    def load(self, state: list[Any]) -> None:
        self._seen, self._mean, self._scale, values = state
        self._values = deque(values, maxlen=2 * self._window)
        self._river = self._fresh()
        learnt = max(0, self._seen - self._first)
        counted = learnt if learnt < self._window else self._window + learnt % self._window
        for x in values[len(values) - counted :]:
            self._river.learn_one({"x": x})


class _Predictive:
    """PredictiveAnomalyDetection: score = error^2 / (mean + n_std sd of error^2), at most 1.

    Values go in as 1 + y, since river's Holt and Winters divides the first season by its mean.
    """

    warm_s = 2 * DAY_S

    def __init__(self, params: PredictiveParams, learn_s: int) -> None:
        from river import time_series

        make_holt: Any = time_series.HoltWinters
        self._season = DAY_S // learn_s
        self._holt: Any = make_holt(params.alpha, params.beta, params.gamma, self._season)
        self._river = _anomaly().PredictiveAnomalyDetection(self._holt, n_std=params.n_std)
        self._scale = 1.0 + sqrt(2.0) * params.n_std  # of a normal error: E = sd^2 and the sd of e^2 = sqrt(2) sd^2

    def departure(self, y: float) -> float:
        if self._river.iter < self._season or y <= self.usual():
            return 0.0
        if self._river.dynamic_se_variance.get() == 0.0:
            return _Z_NEW
        kept = self._errors()
        score = self._river.score_one(None, 1.0 + y)  # which learns from the error too: that is taken back
        self._put_errors(kept)
        return sqrt(score * self._scale)

    def usual(self) -> float:
        if self._river.iter < self._season:
            return 0.0
        return float(max(0.0, self._holt.forecast(1)[0] - 1.0))

    def learn(self, y: float) -> None:
        if self._river.iter >= self._season:
            self._river.score_one(None, 1.0 + y)
        self._river.learn_one(None, 1.0 + y)

    def _errors(self) -> list[float]:
        mean = self._river.dynamic_mae
        return [mean.n, mean._mean, *_dump_variance(self._river.dynamic_se_variance)]

    def _put_errors(self, state: list[float]) -> None:
        mean = self._river.dynamic_mae
        mean.n, mean._mean = state[:2]
        _load_variance(self._river.dynamic_se_variance, state[2:])

    def dump(self) -> list[Any]:
        holt = self._holt
        parts = [list(holt.level), list(holt.trend), list(holt.season)]
        return [self._river.iter, self._errors(), *parts, [] if holt._initialized else list(holt._first_values)]

    def load(self, state: list[Any]) -> None:
        self._river.iter, errors, level, trend, season, holt_first = state
        self._put_errors(errors)
        holt = self._holt
        for part, values in ((holt.level, level), (holt.trend, trend), (holt.season, season)):
            part.clear()
            part.extend(values)
        holt._initialized = self._river.iter >= self._season
        holt._first_values = list(holt_first)


class _Judged(NamedTuple):
    """What a bin comes to, before anything has changed."""

    verdict: Verdict
    level: float
    z: float
    surprise: float
    active: bool
    alarm_s: int


class RiverDetector:
    """A river detector behind the port of series detectors.

    Args:
        kind: its name in the table; a snapshot of another kind is refused.
        make: makes a fresh model, given how often it learns in seconds.
        tail: what other series teach of its departures.
        bin_s: length of a bin, 60 to 3600 seconds.
        false_alarms_per_week: the budget.

    Raises:
        ValueError: `bin_s` or the budget is out of range.

    >>> d = standard_absolute_deviation(bin_s=300, false_alarms_per_week=0.25)
    >>> day = [d.step(BinCount(300 * i, 300, float(i % 3), None)) for i in range(288)]
    >>> d.step(BinCount(86_400, 300, 1.0, None)).alarm, d.step(BinCount(86_700, 300, 60.0, None)).alarm
    (False, True)
    """

    def __init__(
        self, kind: str, make: Callable[[int], _Model], tail: TailPrior, *, bin_s: int, false_alarms_per_week: float
    ) -> None:
        if not 60 <= bin_s <= HOUR_S:
            raise ValueError(f"bin_s must be 60 to {HOUR_S}, not {bin_s}")
        if not 0.0 < false_alarms_per_week < 1000.0:
            raise ValueError(f"false_alarms_per_week must be over 0 and under 1000, not {false_alarms_per_week}")
        self._kind = kind
        self._make = make
        self._bin_s = bin_s
        self._learn_s = max(SPAN_S, bin_s)
        self._bins = self._learn_s / bin_s
        self._gain = 1.0 if bin_s >= SPAN_S else 1.0 - exp(-bin_s / SPAN_S)
        self._threshold = -log10(false_alarms_per_week)
        self._storm_surprise = max(STORM_SURPRISE, self._threshold)
        self._model = make(self._learn_s)
        self._tail = Tail(tail)
        self._seen_s = 0
        self._level = 0.0
        """Negatives in a bin, lately."""
        self._alarm_s = 0
        self._active = self._storm = False

    def score_one(self, x: BinCount) -> Verdict:
        return self._judge(x).verdict

    def learn_one(self, x: BinCount) -> None:
        self.step(x)

    def step(self, x: BinCount) -> Verdict:
        judged = self._judge(x)
        warm = isinstance(judged.verdict, Reading)
        self._level, self._active, self._alarm_s = judged.level, judged.active, judged.alarm_s
        if warm:
            self._tail.learn(judged.z)
            self._storm = self._storm or judged.active or judged.surprise > self._storm_surprise
        self._seen_s += self._bin_s
        end_s = x.start_s + self._bin_s
        if end_s // self._learn_s != x.start_s // self._learn_s and not self._active:
            self._model.learn(log1p(self._level * self._bins))
        if end_s // TOP_S != x.start_s // TOP_S:
            self._tail.close(calm=not self._storm)
            self._storm = False
        return judged.verdict

    def _judge(self, x: BinCount) -> _Judged:
        level = self._level + self._gain * (x.negatives / x.lift - self._level)
        left_s = self._model.warm_s - self._seen_s
        if left_s > 0:
            verdict = WarmingUp("learning the usual counts", left_s - self._bin_s)
            return _Judged(verdict, level, 0.0, 0.0, False, 0)
        observed = level * self._bins
        y = log1p(observed)
        expected = max(0.0, expm1(self._model.usual()))
        z = min(self._model.departure(y), _Z_MAX) * min(1.0, max(0.0, observed - expected) / _EVENTS)
        surprise = self._tail.surprise(z)
        active, alarm_s = self._active, self._alarm_s
        if active:
            since_s = x.start_s - alarm_s
            active = not ((since_s >= HOUR_S and surprise < 0.0) or since_s >= _PATIENCE_S)
        alarm = surprise >= self._threshold and not self._active
        if alarm:
            active, alarm_s = True, x.start_s
        since = x.start_s + self._bin_s - self._learn_s
        test = SignalReading("spike", surprise, alarm, active, observed * x.lift, expected * x.lift, since)
        score = surprise if alarm or not active else min(surprise, 0.0)
        reading = Reading((test,), expected * x.lift / self._bins, score, alarm, active)
        return _Judged(reading, level, z, surprise, active, alarm_s)

    def snapshot(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "kind": self._kind,
            "clock": [self._seen_s, self._level, self._alarm_s, self._active, self._storm],
            "tail": self._tail.dump(),
            "model": self._model.dump(),
        }

    def restore(self, snapshot: dict[str, Any]) -> None:
        version, kind = snapshot.get("version"), snapshot.get("kind")
        if version != VERSION or kind != self._kind:
            raise StateError(f"detector state {kind} of version {version}: this is {self._kind}, version {VERSION}")
        self._seen_s, self._level, self._alarm_s, self._active, self._storm = snapshot["clock"]
        self._tail.load(snapshot["tail"])
        self._model = self._make(self._learn_s)
        self._model.load(snapshot["model"])


def gaussian_scorer(
    params: GaussianScorerParams = GaussianScorerParams(),
    *,
    bin_s: int,
    false_alarms_per_week: float,
) -> RiverDetector:
    """River's GaussianScorer."""
    return RiverDetector(
        "river/GaussianScorer", lambda _: _Gaussian(), params.tail,
        bin_s=bin_s, false_alarms_per_week=false_alarms_per_week,
    )  # fmt: skip


def standard_absolute_deviation(
    params: StandardAbsoluteDeviationParams = StandardAbsoluteDeviationParams(),
    *,
    bin_s: int,
    false_alarms_per_week: float,
) -> RiverDetector:
    """River's StandardAbsoluteDeviation."""
    return RiverDetector(
        "river/StandardAbsoluteDeviation", lambda _: _Deviation(), params.tail,
        bin_s=bin_s, false_alarms_per_week=false_alarms_per_week,
    )  # fmt: skip


def half_space_trees(
    params: HalfSpaceTreesParams = HalfSpaceTreesParams(),
    *,
    bin_s: int,
    false_alarms_per_week: float,
) -> RiverDetector:
    """River's HalfSpaceTrees."""
    return RiverDetector(
        "river/HalfSpaceTrees", lambda learn_s: _Trees(params, learn_s), params.tail,
        bin_s=bin_s, false_alarms_per_week=false_alarms_per_week,
    )  # fmt: skip


def predictive(
    params: PredictiveParams = PredictiveParams(),
    *,
    bin_s: int,
    false_alarms_per_week: float,
) -> RiverDetector:
    """River's PredictiveAnomalyDetection over HoltWinters."""
    return RiverDetector(
        "river/PredictiveAnomalyDetection", lambda learn_s: _Predictive(params, learn_s), params.tail,
        bin_s=bin_s, false_alarms_per_week=false_alarms_per_week,
    )  # fmt: skip
