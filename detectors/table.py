"""The series detectors by name. A new one: one file in `detectors/series`, one line here."""

from __future__ import annotations

from typing import Final, Protocol

from detectors.series.river_adapter import (
    gaussian_scorer,
    half_space_trees,
    predictive,
    standard_absolute_deviation,
)
from detectors.series.vigie import VigieDetector, VigieParams
from engine.ports.detector import SeriesDetector


class MakeDetector(Protocol):
    """Makes a fresh detector of one series, with the default params of its kind."""

    def __call__(self, *, bin_s: int, false_alarms_per_week: float) -> SeriesDetector: ...


DEFAULT: Final = "vigie"


def vigie(
    params: VigieParams = VigieParams(),  # noqa: B008 frozen, so sharing the default is safe
    *,
    bin_s: int,
    false_alarms_per_week: float,
) -> SeriesDetector:
    """Two sequential tests (share and rate) under one budget.

    >>> type(DETECTORS[DEFAULT](bin_s=60, false_alarms_per_week=0.25)).__name__
    'VigieDetector'
    """
    return VigieDetector(params, bin_s=bin_s, false_alarms_per_week=false_alarms_per_week)


DETECTORS: Final[dict[str, MakeDetector]] = {
    "vigie": vigie,
    "river/GaussianScorer": gaussian_scorer,
    "river/StandardAbsoluteDeviation": standard_absolute_deviation,
    "river/HalfSpaceTrees": half_space_trees,
    "river/PredictiveAnomalyDetection": predictive,
}
