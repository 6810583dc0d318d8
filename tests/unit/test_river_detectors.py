"""What the contract does not say of river's detectors: kinds, ends of scores, budget, names in the settings."""

from __future__ import annotations

import json
import random
import subprocess
import sys

import pytest

from detectors.series.river_adapter import HalfSpaceTreesParams, RiverDetector, half_space_trees
from detectors.table import DETECTORS
from engine.domain.errors import StateError
from engine.domain.series import BinCount, Reading, WarmingUp

RIVER = sorted(name for name in DETECTORS if name.startswith("river/"))
START_S = 1_772_323_200


def calm(count: int, *, seed: int, mean: float = 4.0) -> list[BinCount]:
    rng = random.Random(seed)
    return [
        BinCount(START_S + 300 * i, 300, float(sum(rng.random() < mean / 40 for _ in range(40))), None)
        for i in range(count)
    ]


def test_four_of_river_stand_in_the_table() -> None:
    assert RIVER == [
        "river/GaussianScorer",
        "river/HalfSpaceTrees",
        "river/PredictiveAnomalyDetection",
        "river/StandardAbsoluteDeviation",
    ]


@pytest.mark.parametrize("name", RIVER)
def test_calm_costs_about_the_budget_or_less(name: str) -> None:
    alarms = 0
    for seed in range(6):
        detector = DETECTORS[name](bin_s=300, false_alarms_per_week=1.0)
        for x in calm(4 * 2016, seed=seed):
            verdict = detector.step(x)
            alarms += isinstance(verdict, Reading) and verdict.alarm
    assert alarms <= 36, "24 series-weeks at a budget of one a week"


@pytest.mark.parametrize("name", RIVER)
def test_one_mention_to_a_silent_brand_is_no_storm_and_too_few_are_none(name: str) -> None:
    detector = DETECTORS[name](bin_s=300, false_alarms_per_week=0.25)
    for i in range(3 * 288):
        detector.step(BinCount(START_S + 300 * i, 300, 0.0, None))
    verdict = detector.step(BinCount(START_S + 300 * 864, 300, 1.0, None))
    assert isinstance(verdict, Reading)
    assert not verdict.alarm

    busy = DETECTORS[name](bin_s=300, false_alarms_per_week=0.25)
    for x in calm(3 * 288, seed=3, mean=20.0):
        busy.step(x)
    for i in range(864, 864 + 24):
        verdict = busy.step(BinCount(START_S + 300 * i, 300, 0.0, None))
        assert isinstance(verdict, Reading)
        assert not verdict.active, "negatives that fail to come are no storm"


def test_a_snapshot_of_another_kind_is_refused() -> None:
    one = DETECTORS["river/GaussianScorer"](bin_s=300, false_alarms_per_week=0.25)
    other = DETECTORS["river/HalfSpaceTrees"](bin_s=300, false_alarms_per_week=0.25)
    with pytest.raises(StateError, match="HalfSpaceTrees"):
        other.restore(one.snapshot())


@pytest.mark.parametrize("learnt_days", [0, 1, 2, 3, 4])
def test_trees_are_filled_anew_from_their_last_two_windows(learnt_days: int) -> None:
    def fresh() -> RiverDetector:
        return half_space_trees(
            HalfSpaceTreesParams(n_trees=5, height=5, seed=7), bin_s=300, false_alarms_per_week=0.25
        )

    one = fresh()
    series = calm(6 * 288, seed=5)
    cut = learnt_days * 288 + 100
    for x in series[:cut]:
        one.step(x)
    other = fresh()
    other.restore(json.loads(json.dumps(one.snapshot())))
    assert [one.step(x) for x in series[cut:]] == [other.step(x) for x in series[cut:]]


def test_another_seed_gives_other_trees() -> None:
    def surprises(seed: int) -> list[float]:
        params = HalfSpaceTreesParams(seed=seed)
        detector = half_space_trees(params, bin_s=300, false_alarms_per_week=0.25)
        verdicts = [detector.step(x) for x in calm(3 * 288, seed=1)]
        return [v.tests[0].surprise for v in verdicts if isinstance(v, Reading)]

    assert surprises(1) == surprises(1) != surprises(2)


@pytest.mark.parametrize(("name", "days"), list(zip(RIVER, [1, 2, 2, 1], strict=True)))
def test_it_warms_up_for_a_day_and_another_where_the_model_needs_one(name: str, days: int) -> None:
    detector = DETECTORS[name](bin_s=300, false_alarms_per_week=0.25)
    verdicts = [detector.step(x) for x in calm(3 * 288, seed=2)]
    warming = [v for v in verdicts if isinstance(v, WarmingUp)]
    assert len(warming) == days * 288
    assert warming[-1].remaining_s == 0


@pytest.mark.parametrize(("bin_s", "budget"), [(30, 0.25), (7200, 0.25), (300, 0.0), (300, 1000.0)])
def test_nonsense_is_refused(bin_s: int, budget: float) -> None:
    with pytest.raises(ValueError, match="must be"):
        DETECTORS["river/GaussianScorer"](bin_s=bin_s, false_alarms_per_week=budget)


def test_river_is_not_imported_before_it_is_wanted() -> None:
    code = "import sys, detectors.table; sys.exit('river' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
