"""What lasts becomes the normal; what swells slowly does not pass for drift; mere volume is a buzz."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest

from detectors.series.normal import Drift, NormalPrior
from detectors.series.vigie import VigieDetector, VigieParams
from engine.domain.series import BinCount, Reading

DAY_BINS = 288
BUDGET = 0.25


def run(negatives: np.ndarray, totals: np.ndarray) -> list[Reading]:
    """The readings after the first day."""
    detector = VigieDetector(VigieParams(), bin_s=300, false_alarms_per_week=BUDGET)
    out = []
    for i, (n, total) in enumerate(zip(negatives.tolist(), totals.tolist(), strict=True)):
        verdict = detector.step(BinCount(300 * i, 300, float(n), float(total)))
        if isinstance(verdict, Reading):
            out.append(verdict)
    return out


def series(days: int, shares: np.ndarray, volume: np.ndarray | float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    totals = rng.poisson(volume, days * DAY_BINS)
    return rng.binomial(totals, shares), totals


@pytest.mark.parametrize(("before", "after"), [(0.1, 0.35), (0.5, 0.85)])
def test_a_lasting_shift_of_the_share_is_told_once_and_then_is_the_normal(before: float, after: float) -> None:
    days, at = 16, 8 * DAY_BINS
    shares = np.where(np.arange(days * DAY_BINS) < at, before, after)
    readings = run(*series(days, shares))
    later = readings[at - DAY_BINS :]  # the first day gives none
    assert sum(r.alarm for r in later[: DAY_BINS // 4]) == 1
    assert not any(r.alarm for r in later[DAY_BINS + 12 :])
    assert not any(r.active for r in later[3 * DAY_BINS :])
    # and what comes on top of the new normal is found again
    again = np.where(np.arange(days * DAY_BINS) < days * DAY_BINS - 24, shares, 0.97)
    assert any(r.alarm for r in run(*series(days, again))[-24:])


def test_a_swell_over_hours_does_not_pass_for_drift() -> None:
    """Of a brand whose share wanders by itself, hence one whose drift is followed closely."""
    rng = np.random.default_rng(3)
    days = 12
    onset = 11 * DAY_BINS
    wander = np.zeros(days * DAY_BINS)
    for i in range(1, wander.size):
        wander[i] = 0.986 * wander[i - 1] + rng.normal(0, 0.3 * np.sqrt(1 - 0.986**2))
    odds = 0.15 / 0.85 * np.exp(wander)
    odds[onset : onset + 96] *= np.linspace(1.0, 8.0, 96)  # eight hours
    readings = run(*series(days, odds / (1.0 + odds), volume=20.0))
    alarms = [i + DAY_BINS - onset for i, r in enumerate(readings) if r.alarm and i + DAY_BINS >= onset]
    assert alarms
    assert alarms[0] < 36  # within three hours


def test_the_drift_stays_within_its_own_reach() -> None:
    drift = Drift(NormalPrior())
    for _ in range(40):  # ten hours in which each quarter brings more than the drift has followed yet
        expected = 50.0 * drift.m
        drift.add(1.6 * expected, expected, expected)
        drift.close(900.0)
    assert 1.2 < drift.m <= exp(2.5 * 2.0 * 0.2)  # s itself has grown on the way, but has not doubled


def test_more_of_everything_is_a_buzz_where_the_share_has_room() -> None:
    days = 10
    volume = np.full(days * DAY_BINS, 20.0)
    volume[9 * DAY_BINS : 9 * DAY_BINS + 12] *= 15
    alarms = [r for r in run(*series(days, np.full(days * DAY_BINS, 0.1), volume)) if r.alarm]
    assert not alarms


def test_more_of_everything_is_a_storm_where_most_of_it_is_negative() -> None:
    days = 10
    volume = np.full(days * DAY_BINS, 20.0)
    volume[9 * DAY_BINS : 9 * DAY_BINS + 36] *= 15
    readings = run(*series(days, np.full(days * DAY_BINS, 0.7), volume))
    alarms = [t.name for r in readings[8 * DAY_BINS :] for t in r.tests if t.alarm]
    assert alarms
    assert alarms[0] in ("rate", "tide")


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3, 0.6])
def test_the_parts_of_the_budget_add_up_to_it(share: float) -> None:
    detector = VigieDetector(VigieParams(), bin_s=300, false_alarms_per_week=BUDGET)
    counts = series(3, np.full(3 * DAY_BINS, share))
    for i, (n, total) in enumerate(zip(*(c.tolist() for c in counts), strict=True)):
        detector.step(BinCount(300 * i, 300, float(n), float(total)))
    parts = detector.parts()
    assert sum(parts.values()) == pytest.approx(1.0)
    assert (parts["rate"] > 1e-6) == (parts["tide"] > 1e-6) == (share >= 0.3)
    assert parts["share"] >= 0.6 - 1e-9
