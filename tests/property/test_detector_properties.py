"""What holds of the default detector for any counts."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.table import DEFAULT, DETECTORS
from engine.domain.series import BinCount, Reading, SignalReading, Verdict
from engine.ports.detector import SeriesDetector

WEEK_S = 604_800
START_S = 1_772_323_200
DAY = 24  # bins of an hour, so that a day is short enough to search

counts = st.lists(
    st.tuples(st.floats(0, 50, allow_nan=False), st.floats(0, 200, allow_nan=False)), min_size=DAY, max_size=4 * DAY
)


def made() -> SeriesDetector:
    return DETECTORS[DEFAULT](bin_s=3600, false_alarms_per_week=0.25)


def run(detector: SeriesDetector, values: list[tuple[float, float]], start_s: int) -> list[Verdict]:
    return [detector.step(BinCount(start_s + 3600 * i, 3600, n, n + others)) for i, (n, others) in enumerate(values)]


def shifted(verdict: Verdict, by_s: int) -> Verdict:
    if not isinstance(verdict, Reading):
        return verdict
    return verdict._replace(tests=tuple(t._replace(since_s=t.since_s + by_s) for t in verdict.tests))


@settings(max_examples=40, deadline=None)
@given(counts, st.integers(0, 4 * DAY))
def test_restore_equals_continue(values: list[tuple[float, float]], cut: int) -> None:
    one, other = made(), made()
    run(one, values[:cut], START_S)
    other.restore(json.loads(json.dumps(one.snapshot())))
    later = START_S + 3600 * len(values[:cut])
    assert run(one, values[cut:], later) == run(other, values[cut:], later)


@settings(max_examples=40, deadline=None)
@given(counts, st.integers(1, 500))
def test_whole_weeks_change_nothing(values: list[tuple[float, float]], weeks: int) -> None:
    by_s = weeks * WEEK_S
    here = run(made(), values, START_S)
    there = run(made(), values, START_S + by_s)
    assert [shifted(v, by_s) for v in here] == there


@settings(max_examples=80, deadline=None)
@given(
    counts,
    st.lists(st.tuples(st.floats(0, 100, allow_nan=False), st.floats(0, 100, allow_nan=False)), min_size=1, max_size=6),
    st.floats(0, 1000, allow_nan=False),
    st.integers(0, 5),
)
def test_more_mentions_that_are_not_negative_never_raise_the_share_sooner(
    past: list[tuple[float, float]], storm: list[tuple[float, float]], extra: float, place: int
) -> None:
    """With the baseline held: both see the storm's bins inside one quarter of an hour, before anything is learnt."""
    place %= len(storm)
    learnt = DETECTORS[DEFAULT](bin_s=60, false_alarms_per_week=0.25)
    for i in range(1440):
        n, others = past[i % len(past)]
        learnt.step(BinCount(START_S + 60 * i, 60, n / 60, (n + others) / 60))
    held = learnt.snapshot()

    def share(more: float) -> list[SignalReading]:
        detector = DETECTORS[DEFAULT](bin_s=60, false_alarms_per_week=0.25)
        detector.restore(held)
        said = []
        for i, (n, others) in enumerate(storm):
            total = n + others + (more if i == place else 0.0)
            verdict = detector.step(BinCount(START_S + 86_400 + 60 * i, 60, n, total))
            assert isinstance(verdict, Reading)
            said += [t for t in verdict.tests if t.name == "share"]
        return said

    for fewer, more in zip(share(0.0), share(extra), strict=True):
        assert more.surprise <= fewer.surprise + 1e-9
