"""The harness of the comparison of detectors: alarms, judging, thresholds from other companies."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.bench_detection import COMPANIES, Series, Table, judge, on_others, raised, summary
from tests.bench.contestants import BIN_S, ENTRIES, WEEK_BINS, contestant

LENGTH = 3 * WEEK_BINS
ONSET = 2 * WEEK_BINS


def series(name: str) -> Series:
    onset_s = ONSET * BIN_S
    return Series(name, 0, [0.0] * LENGTH, [0.0] * LENGTH, [("step3", onset_s, onset_s + 36_000)], [], 2.0)


def test_an_alarm_needs_an_hour_below_before_the_next() -> None:
    scores = np.array([0, 5, 5, 0, 5] + 12 * [0] + [5] + 11 * [0] + [5])
    assert raised(scores, 5.0).tolist() == [1, 17]
    assert raised(scores, 6.0).tolist() == []


def test_alarms_are_judged_by_storm_event_and_distance() -> None:
    at = np.array([10, WEEK_BINS + 5, WEEK_BINS + 20, WEEK_BINS + 80, ONSET + 2, ONSET + 40])
    outcome = judge(series("AAPL#0"), at)
    assert outcome.false == 2, "the first week is not judged, and two within three hours are one"
    assert outcome.found == 1
    assert outcome.delays_s == (("step3", 3.0 * BIN_S),)
    missed = judge(series("AAPL#0"), np.array([ONSET + 37]))
    assert missed.delays_s == (("step3", float("inf")),), "over three hours late is too late"


def test_thresholds_come_from_other_companies() -> None:
    """One company is ten times as loud: what is calm on the others costs false alarms there, and the reverse misses."""
    names = [f"{company}#0" for company in COMPANIES]
    every = [series(name) for name in names]
    rng = np.random.default_rng(1)
    scores = {}
    for name in names:
        scores[name] = rng.exponential(1.0, LENGTH)
        scores[name][ONSET : ONSET + 12] += 30.0
        scores[name][:WEEK_BINS] = -np.inf
    even = summary(*on_others(Table(every, scores), names, 0.5))
    assert even["kinds"]["step3"] == (1.0, 5.0)
    assert 0.1 < even["false"] < 1.5
    scores[names[0]] = scores[names[0]] * 10.0
    table = Table(every, scores)
    loud = summary(*on_others(table, names, 0.5))
    assert loud["kinds"]["step3"][0] < 1.0
    assert loud["false"] > 1.0, "twice what was asked"
    outcomes, weeks = table.test(names, table.calibrate(names, 0.5))
    assert sum(o.false for o in outcomes) / weeks <= 0.5


@pytest.mark.parametrize(("name", "variant"), ENTRIES)
def test_every_contestant_scores_a_storm_highest(name: str, variant: str) -> None:
    entrant = contestant(name, variant)
    rng = np.random.default_rng(2)
    calm = rng.poisson(3.0, 9 * 288).tolist()
    before = [entrant.take(i * BIN_S, float(n), 10.0 * n) for i, n in enumerate(calm)]
    storm = [entrant.take((len(calm) + i) * BIN_S, 60.0, 120.0) for i in range(6)]
    assert max(storm) > np.quantile(before[-288:], 0.98)
