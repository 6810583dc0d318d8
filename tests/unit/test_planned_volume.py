"""A planned event in the series: judged against a raised baseline, not hidden, and not learnt."""

from __future__ import annotations

import random

import pytest

from detectors.table import DETECTORS
from engine.domain.batch import Batch
from engine.domain.config import PlannedEvent
from engine.domain.series import BinCount, Reading
from tests.infra.fakes import MINUTE_MS, START_MS, Recorder, make_engine, synthetic

DAY_S, BIN_S = 86_400, 300
WAVE = range(10 * DAY_S + 9 * 3_600, 10 * DAY_S + 21 * 3_600)
"""The eleventh day, from nine to nine."""


def judged(*, times: float, lift: float, negatives: bool = True, name: str = "vigie", days: int = 13, seed: int = 6):
    """What is said of 20 mentions an hour, a fifth of them negative, `times` as many while the event lasts. Where
    `negatives` the whole volume rises, negatives with it; else only their share does."""
    rng = random.Random(seed)
    detector = DETECTORS[name](bin_s=BIN_S, false_alarms_per_week=0.25)
    found = []
    for at_s in range(0, days * DAY_S, BIN_S):
        wave = at_s in WAVE
        volume = 20 * (times if wave and negatives else 1.0)
        share = 0.2 if negatives or not wave else min(1.0, 0.2 * times)
        mentions = sum(rng.random() < volume / 12 / 20 for _ in range(20))
        n = sum(rng.random() < share for _ in range(mentions))
        x = BinCount(at_s, BIN_S, float(n), float(mentions), lift if wave else 1.0)
        found.append((at_s, detector.step(x)))
    return found


def alarms(found):
    return [(at_s, [t.name for t in r.tests if t.alarm]) for at_s, r in found if isinstance(r, Reading) and r.alarm]


def test_an_expected_wave_of_the_expected_size_is_no_alarm() -> None:
    unplanned = {name for at_s, names in alarms(judged(times=5.0, lift=1.0)) if at_s in WAVE for name in names}
    assert unplanned & {"rate", "tide"}
    assert [at_s for at_s, _ in alarms(judged(times=5.0, lift=5.0)) if at_s >= WAVE.start] == []


def test_a_wave_far_beyond_what_was_planned_is_one() -> None:
    found = [at_s for at_s, _ in alarms(judged(times=15.0, lift=3.0)) if at_s >= WAVE.start]
    assert found
    assert found[0] in WAVE


def test_a_shift_of_the_share_is_found_as_soon_as_without_the_event() -> None:
    plain, planned = (alarms(judged(times=4.0, lift=lift, negatives=False)) for lift in (1.0, 5.0))
    assert planned[0] == plain[0]
    assert "share" in planned[0][1]


@pytest.mark.parametrize(("times", "lift"), [(1.0, 5.0), (5.0, 5.0), (3.0, 5.0)])
def test_the_event_teaches_nothing_of_the_usual_volume(times: float, lift: float) -> None:
    """Whatever came, and however wrong the ratio was: afterwards as many are expected as if no event had been."""
    calm = dict(judged(times=1.0, lift=1.0))
    after = range(WAVE.stop + 2 * 3_600, 12 * DAY_S, BIN_S)
    planned = dict(judged(times=times, lift=lift))
    expected = [planned[at_s].expected for at_s in after]
    usual = [calm[at_s].expected for at_s in after]
    assert sum(expected) == pytest.approx(sum(usual), rel=0.1)
    assert not any(planned[at_s].alarm for at_s in (WAVE.stop, WAVE.stop + BIN_S))


def test_what_is_expected_during_the_event_is_raised() -> None:
    planned, calm = (dict(judged(times=1.0, lift=lift)) for lift in (4.0, 1.0))
    at_s = WAVE.start + 6 * BIN_S
    assert planned[at_s].expected == pytest.approx(4.0 * calm[at_s].expected)


def test_river_sees_counts_divided_by_their_lift() -> None:
    name = "river/StandardAbsoluteDeviation"
    assert alarms(judged(times=5.0, lift=5.0, name=name)) == []
    assert [at_s in WAVE for at_s, _ in alarms(judged(times=15.0, lift=1.0, name=name))][:1] == [True]


def whole(ratio: float | None, heat: float) -> Recorder:
    """Nine days through the engine; on the last but one a wave at an unchanged share, planned at `ratio` or not."""
    start_min = 7 * 1_440 + 600
    wave = [
        m._replace(id=f"w{m.id}", created_at_ms=m.created_at_ms + start_min * MINUTE_MS, author_id=f"w{m.id}")
        for m in synthetic(1, seed=9, per_hour=20.0 * heat)
        if 600 <= (m.created_at_ms - START_MS) // MINUTE_MS < 960
    ]
    event = PlannedEvent(
        "Soldes d'hiver", ("Nordalia",), START_MS // 1000 + (start_min + 600) * 60,
        START_MS // 1000 + (start_min + 960) * 60, ratio or 1.0,
    )  # fmt: skip
    engine = make_engine("vigie", bin_s=300, lang="en", events=(event,) if ratio else ())
    recorder = Recorder()
    mentions = tuple(sorted([*synthetic(9), *wave], key=lambda m: (m.created_at_ms, m.id)))
    recorder.apply(engine.step(Batch(mentions=mentions, end=True), START_MS + 10**10))
    return recorder


def test_through_the_engine_the_planned_wave_opens_nothing_and_a_larger_one_says_during_what() -> None:
    (unplanned,) = whole(None, 6.0).incidents.values()
    assert not any("Soldes" in reason for reason in unplanned.levels[0].reasons)
    assert not whole(7.0, 6.0).incidents
    (larger,) = whole(1.5, 12.0).incidents.values()
    assert "During the planned event “Soldes d'hiver” (×1.5 expected)" in larger.levels[0].reasons
    assert any("Soldes" in entry.text for entry in larger.timeline if entry.kind == "opened")
