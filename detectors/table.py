"""The series detectors by name. A new one: one file in `detectors/series`, one line here, and what may be set of it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Protocol

from detectors.params import ParamError, Range, Settable, read_params
from detectors.series.normal import DAY_S
from detectors.series.river_adapter import (
    GaussianScorerParams,
    HalfSpaceTreesParams,
    PredictiveParams,
    StandardAbsoluteDeviationParams,
    gaussian_scorer,
    half_space_trees,
    predictive,
    standard_absolute_deviation,
)
from detectors.series.vigie import VigieDetector, VigieParams
from engine.ports.detector import SeriesDetector


class MakeDetector(Protocol):
    """Makes a fresh detector of one series."""

    def __call__(self, *, bin_s: int, false_alarms_per_week: float) -> SeriesDetector: ...


class MakeWithParams(MakeDetector, Protocol):
    """The same, with the default params of its kind or others."""

    def __call__(self, params: Any = ..., *, bin_s: int, false_alarms_per_week: float) -> SeriesDetector: ...


DEFAULT: Final = "vigie"


def vigie(
    params: VigieParams = VigieParams(),  # noqa: B008 frozen, so sharing the default is safe
    *,
    bin_s: int,
    false_alarms_per_week: float,
) -> SeriesDetector:
    """Share, rate, tide and spike under one budget (docs/detection.md).

    >>> type(DETECTORS[DEFAULT](bin_s=60, false_alarms_per_week=0.25)).__name__
    'VigieDetector'
    """
    return VigieDetector(params, bin_s=bin_s, false_alarms_per_week=false_alarms_per_week)


DETECTORS: Final[dict[str, MakeWithParams]] = {
    "vigie": vigie,
    "river/GaussianScorer": gaussian_scorer,
    "river/StandardAbsoluteDeviation": standard_absolute_deviation,
    "river/HalfSpaceTrees": half_space_trees,
    "river/PredictiveAnomalyDetection": predictive,
}

_PART = Range(0.01, 0.98)


def _tail(name: str) -> dict[str, Range]:
    """Of a `TailPrior`."""
    return {
        f"{name}.level": Range(-20.0, 50.0),
        f"{name}.scale": Range(0.01, 100.0),
        f"{name}.level_tops": Range(0.1, 1_000.0),
        f"{name}.scale_peaks": Range(0.1, 1_000.0),
        f"{name}.excess_max": Range(0.1, 100.0),
    }


def _normal(name: str) -> dict[str, Range]:
    """Of a `NormalPrior`."""
    return {
        f"{name}.phi": Range(1.0, 100.0),
        f"{name}.drift": Range(0.001, 5.0),
        f"{name}.memory_s": Range(900.0, 28.0 * DAY_S),
        f"{name}.span_s": Range(60.0, DAY_S),
        f"{name}.phi_events": Range(0.1, 100_000.0),
        f"{name}.drift_blocks": Range(0.1, 10_000.0),
    }


def _parts_fit(params: VigieParams) -> str | None:
    """The share test has what the others leave."""
    if params.tide_part + params.rate_part > 0.99:
        return (
            f"tide_part {params.tide_part:g} and rate_part {params.rate_part:g} leave nothing to the share; lower one"
        )
    if params.share_room >= params.share_full:
        return f"share_room {params.share_room:g} must be below share_full {params.share_full:g}"
    return None


def _trees_fit(params: HalfSpaceTreesParams) -> str | None:
    """A node costs half a kilobyte, for every brand."""
    nodes = params.n_trees * 2 ** (params.height + 1)
    if nodes <= 40_000:
        return None
    return f"{params.n_trees} trees of height {params.height} are {nodes} nodes, at most 40000; lower n_trees or height"


SETTABLE: Final[dict[str, Settable]] = {
    "vigie": Settable(
        VigieParams(),
        {
            "warm_up_s": Range(DAY_S, 28 * DAY_S),
            "tide_part": _PART,
            "rate_part": _PART,
            "share_room": Range(0.0, 1.0),
            "share_full": Range(0.0, 1.0),
            "spike_part": _PART,
            **_normal("share_normal"),
            **_normal("rate_normal"),
            **_tail("share_tail"),
            **_tail("rate_tail"),
        },
        _parts_fit,
    ),
    "river/GaussianScorer": Settable(GaussianScorerParams(), _tail("tail")),
    "river/StandardAbsoluteDeviation": Settable(StandardAbsoluteDeviationParams(), _tail("tail")),
    "river/HalfSpaceTrees": Settable(
        HalfSpaceTreesParams(),
        {
            "n_trees": Range(1, 200),
            "height": Range(1, 14),
            "window_s": Range(3_600, 14 * DAY_S),
            "seed": Range(0, 2**31 - 1),
            **_tail("tail"),
        },
        _trees_fit,
    ),
    "river/PredictiveAnomalyDetection": Settable(
        PredictiveParams(),
        {
            "alpha": Range(0.0001, 1.0),
            "beta": Range(0.0001, 1.0),
            "gamma": Range(0.0001, 1.0),
            "n_std": Range(1.0, 1_000_000.0),
            **_tail("tail"),
        },
    ),
}
"""What may be set of each, and within what bounds: docs/detection.md says what the defaults rest on."""


def detector_maker(name: str, params: Mapping[str, Any] | None = None) -> MakeDetector:
    """Makes detectors of that name, with what `params` holds instead of the defaults.

    Raises ParamError: there is no such detector (then its `name` is "detector"), or a parameter can't be used.

    >>> make = detector_maker("river/HalfSpaceTrees", {"n_trees": 5})
    >>> type(make(bin_s=300, false_alarms_per_week=0.25)).__name__
    'RiverDetector'
    >>> detector_maker("HalfSpaceTree")
    Traceback (most recent call last):
    detectors.params.ParamError: detector: there is no detector 'HalfSpaceTree'; did you mean 'river/HalfSpaceTrees'?
    """
    make = DETECTORS.get(name)
    if make is None:
        short = {known.rpartition("/")[2].lower(): known for known in DETECTORS}
        close = difflib.get_close_matches(name.rpartition("/")[2].lower(), short, n=1, cutoff=0.5)
        hint = f"did you mean {short[close[0]]!r}?" if close else f"there are: {', '.join(DETECTORS)}"
        raise ParamError("detector", f"there is no detector {name[:60]!r}; {hint}")
    if not params:
        return make
    return partial(make, read_params(SETTABLE[name], params))
