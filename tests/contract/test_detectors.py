"""The contract that every series detector passes, whatever its method."""

from __future__ import annotations

import json
import math
import random
import sys
from itertools import permutations

import pytest

from detectors.table import DETECTORS, MakeDetector
from engine.domain.errors import StateError
from engine.domain.series import BinCount, Reading, WarmingUp

WIDTHS_S = (60, 300, 3600)
START_S = 1_772_323_200  # a Sunday, 00:00 UTC


def bins(width_s: int, count: int, *, seed: int = 7, total: bool = True, a_day: float = 400.0) -> list[BinCount]:
    """A seasonal, fractional series with one storm near its end."""
    rng = random.Random(seed)
    out = []
    for i in range(count):
        hour = i * width_s / 3600 % 24
        due = a_day * width_s / 86_400 * (1.0 + 0.6 * math.sin(hour * math.tau / 24))
        n = sum(rng.random() < 0.5 for _ in range(int(2 * due) + (rng.random() < 2 * due % 1)))
        storm = 0.9 * count < i < 0.92 * count
        heat = n * 12.0 + 40.0 if storm else 0.3 * n
        out.append(BinCount(START_S + i * width_s, width_s, heat, n + heat if total else None))
    return out


@pytest.fixture(params=sorted(DETECTORS))
def make(request: pytest.FixtureRequest) -> MakeDetector:
    return DETECTORS[request.param]


@pytest.mark.parametrize("width_s", WIDTHS_S)
@pytest.mark.parametrize("total", [True, False])
def test_scoring_changes_nothing_and_step_is_score_then_learn(make: MakeDetector, width_s: int, total: bool) -> None:
    scored = make(bin_s=width_s, false_alarms_per_week=0.25)
    stepped = make(bin_s=width_s, false_alarms_per_week=0.25)
    for x in bins(width_s, 40 * 3600 // width_s if width_s < 3600 else 200, total=total)[:700]:
        before = scored.snapshot()
        verdict = scored.score_one(x)
        assert scored.snapshot() == before
        assert scored.score_one(x) == verdict
        scored.learn_one(x)
        assert stepped.step(x) == verdict
    assert scored.snapshot() == stepped.snapshot()


@pytest.mark.parametrize("width_s", WIDTHS_S)
def test_a_restored_detector_has_the_same_future(make: MakeDetector, width_s: int) -> None:
    series = bins(width_s, 3 * 86_400 // width_s)
    for cut in (0, 1, len(series) // 3, int(len(series) * 0.91)):
        one = make(bin_s=width_s, false_alarms_per_week=0.25)
        for x in series[:cut]:
            one.step(x)
        stored = json.dumps(one.snapshot(), allow_nan=False)
        other = make(bin_s=width_s, false_alarms_per_week=0.25)
        for x in series[:50]:
            other.step(x)  # whatever it was before, it becomes what was stored
        other.restore(json.loads(stored))
        assert [one.step(x) for x in series[cut:]] == [other.step(x) for x in series[cut:]]
        assert one.snapshot() == other.snapshot()


def test_what_is_restored_is_stored_again_as_it_was(make: MakeDetector) -> None:
    """A worker may die twice within the hour: what the second one stores is what the first one stored."""
    detector = make(bin_s=300, false_alarms_per_week=0.25)
    for i, x in enumerate(bins(300, 340)):
        detector.step(x)
        if i > 280 and i % 5 == 0:
            snapshot = json.loads(json.dumps(detector.snapshot()))
            detector = make(bin_s=300, false_alarms_per_week=0.25)
            detector.restore(snapshot)
            assert json.loads(json.dumps(detector.snapshot())) == snapshot


def test_a_snapshot_is_its_own(make: MakeDetector) -> None:
    series = bins(300, 600)
    detector = make(bin_s=300, false_alarms_per_week=0.25)
    for x in series[:400]:
        detector.step(x)
    snapshot = detector.snapshot()
    text = json.dumps(snapshot)
    twin = make(bin_s=300, false_alarms_per_week=0.25)
    twin.restore(snapshot)
    for x in series[400:]:
        detector.step(x)
        twin.step(x)
    assert json.dumps(snapshot) == text


def test_an_unknown_version_is_refused(make: MakeDetector) -> None:
    detector = make(bin_s=300, false_alarms_per_week=0.25)
    with pytest.raises(StateError):
        detector.restore({**detector.snapshot(), "version": 999})


def test_two_made_alike_agree_and_are_independent(make: MakeDetector) -> None:
    series = bins(300, 900)
    one, two, noise = (make(bin_s=300, false_alarms_per_week=0.25) for _ in range(3))
    for x, other in zip(series, bins(300, 900, seed=99, a_day=90_000.0), strict=True):
        noise.step(other)
        assert one.step(x) == two.step(x)


def test_memory_is_bounded(make: MakeDetector) -> None:
    detector = make(bin_s=3600, false_alarms_per_week=0.25)
    series = bins(3600, 24 * 7 * 12)
    sizes = []
    for i, x in enumerate(series):
        detector.step(x)
        if i % 168 == 167:
            sizes.append(len(json.dumps(detector.snapshot())))
    assert max(sizes) < 8_000
    assert sizes[-1] < 1.2 * sizes[2]


@pytest.mark.parametrize("width_s", WIDTHS_S)
@pytest.mark.parametrize("total", [True, False])
def test_it_warms_up_then_raises_one_alarm_on_the_storm(make: MakeDetector, width_s: int, total: bool) -> None:
    series = bins(width_s, 10 * 86_400 // width_s, total=total)
    detector = make(bin_s=width_s, false_alarms_per_week=0.25)
    verdicts = [detector.step(x) for x in series]
    warming = [v for v in verdicts if isinstance(v, WarmingUp)]
    assert warming
    assert isinstance(verdicts[0], WarmingUp)
    assert all(v.reason and v.remaining_s >= 0 for v in warming)
    assert len(warming) * width_s <= 2 * 86_400
    storm = [i for i in range(len(series)) if 0.9 * len(series) < i < 0.92 * len(series)]
    alarms = [i for i, v in enumerate(verdicts) if isinstance(v, Reading) and v.alarm]
    assert [i for i in alarms if i in storm] == alarms
    assert len(alarms) == 1
    alarm = verdicts[alarms[0]]
    assert isinstance(alarm, Reading)
    assert alarm.active
    (first, *_) = [t for t in alarm.tests if t.alarm]
    assert first.observed > 2 * first.expected
    assert series[0].start_s < first.since_s <= series[alarms[0]].start_s
    last = verdicts[-1]
    assert isinstance(last, Reading)
    assert not last.active, "it finds back to normal"


@pytest.mark.parametrize("n", [0.0, 1e-9, 1e6, 1e12])
def test_every_number_it_says_is_finite(make: MakeDetector, n: float) -> None:
    detector = make(bin_s=300, false_alarms_per_week=0.25)
    for i in range(900):
        x = BinCount(START_S + 300 * i, 300, n if i % 7 < 5 else 0.0, 2 * n if i % 7 < 6 else 0.0)
        v = detector.step(x)
        if isinstance(v, Reading):
            said = [v.score, v.expected, *(f for t in v.tests for f in (t.surprise, t.observed, t.expected))]
            assert all(math.isfinite(f) for f in said), (i, v)
    json.dumps(detector.snapshot(), allow_nan=False)


def test_weeks_of_silence_end_in_an_ordinary_bin(make: MakeDetector) -> None:
    detector = make(bin_s=300, false_alarms_per_week=0.25)
    for i in range(6 * 2016):
        v = detector.step(BinCount(START_S + 300 * i, 300, 0.0, 0.0))
        assert isinstance(v, WarmingUp) or not v.alarm
    assert sys.getsizeof(json.dumps(detector.snapshot())) < 8_000


def test_a_lift_of_one_is_no_event(make: MakeDetector) -> None:
    plain, planned = (make(bin_s=300, false_alarms_per_week=0.25) for _ in range(2))
    for x in bins(300, 3 * 288):
        assert plain.step(x) == planned.step(x._replace(lift=1.0))
    assert plain.snapshot() == planned.snapshot()


@pytest.mark.parametrize("cut", [0, 100, 700, 706, 730, 800])
def test_a_restored_detector_goes_on_within_an_event(make: MakeDetector, cut: int) -> None:
    series = [x._replace(lift=2.5) if i < 40 or 700 < i < 790 else x for i, x in enumerate(bins(300, 3 * 288))]
    one, other = (make(bin_s=300, false_alarms_per_week=0.25) for _ in range(2))
    for x in series[:cut]:
        one.step(x)
    other.restore(json.loads(json.dumps(one.snapshot())))
    for x in series[cut:]:
        assert one.score_one(x) == other.step(x)
        one.learn_one(x)


@pytest.mark.parametrize(("name", "other"), list(permutations(sorted(DETECTORS), 2)))
def test_the_state_of_another_detector_is_refused_in_one_line(name: str, other: str) -> None:
    mine, theirs = (DETECTORS[one](bin_s=300, false_alarms_per_week=0.25) for one in (name, other))
    for x in bins(300, 10):
        mine.step(x)
        theirs.step(x)
    before = mine.snapshot()
    with pytest.raises(StateError, match="detector"):
        mine.restore(json.loads(json.dumps(theirs.snapshot())))
    assert mine.snapshot() == before
