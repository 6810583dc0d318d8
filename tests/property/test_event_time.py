"""What is recorded depends on the set of mentions alone (house rule 17)."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.watermark import Watermark
from engine.domain.batch import Batch
from engine.domain.incident import Standing
from tests.infra.fakes import START_MS, Recorder, make_engine, storm, synthetic

NOW_MS = START_MS + 400 * 86_400_000


def record(engine, mentions, cuts):
    recorder = Recorder()
    i = 0
    for n in cuts:
        recorder.apply(engine.step(Batch(mentions=tuple(mentions[i : i + n])), NOW_MS))
        i += n
    recorder.apply(engine.step(Batch(mentions=tuple(mentions[i:]), end=True), NOW_MS))
    return recorder


def jittered(mentions, seed, bound_ms):
    rng = random.Random(seed)
    return sorted(mentions, key=lambda m: (m.created_at_ms + rng.randrange(bound_ms), m.id))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(0, 80), max_size=20), copies=st.integers(1, 3))
def test_order_batches_and_repeats_change_nothing(seed, cuts, copies):
    mentions = storm()
    straight = record(make_engine(lateness_s=300), mentions, [])
    shaken = record(make_engine(lateness_s=300), jittered(mentions * copies, seed, 299_000), cuts)
    assert shaken.incidents == straight.incidents
    assert list(shaken.alerts) == list(straight.alerts)
    assert shaken.plans == straight.plans
    kept = {part: data for part, data in shaken.state.items() if not part.startswith("seen:")}
    assert kept == {part: data for part, data in straight.state.items() if not part.startswith("seen:")}


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(1, 400), max_size=8))
def test_the_same_with_the_real_detector(seed, cuts):
    mentions = synthetic(3)
    mentions = sorted([*mentions, *storm(minutes=3_000, at=2_900, lasts=60, size=6)], key=lambda m: m.created_at_ms)
    straight = record(make_engine("vigie"), mentions, [])
    shaken = record(make_engine("vigie"), jittered(mentions, seed, 299_000), cuts)
    assert straight.incidents
    assert shaken.incidents == straight.incidents
    assert list(shaken.alerts) == list(straight.alerts)


@given(st.lists(st.tuples(st.integers(0, 10**7), st.booleans()), max_size=60), st.integers(0, 3_600))
def test_a_watermark_never_moves_back(moves, lateness_s):
    watermark = Watermark(lateness_s=lateness_s, idle_s=60)
    last, now = 0, 10**12
    for ms, is_mention in moves:
        now += ms
        if is_mention:
            watermark.see(10**12 + ms)
        watermark.tick(now, arrived=is_mention)
        assert watermark.at_ms >= last
        last = max(last, watermark.at_ms)


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=60), st.integers(0, 3_600))
def test_a_watermark_is_the_newest_less_the_bound(times, lateness_s):
    watermark = Watermark(lateness_s=lateness_s, idle_s=60)
    for ms in times:
        watermark.see(10**12 + ms)
    assert watermark.at_ms == 10**12 + max(times) - 1000 * lateness_s


def live(engine, mentions, cuts):
    """The same as they come: batches of a live stream, each at the time of its newest mention."""
    recorder, i, now_ms = Recorder(), 0, START_MS
    for n in [*cuts, len(mentions)]:
        batch = tuple(mentions[i : i + n])
        now_ms = max([now_ms, *(m.created_at_ms for m in batch)])
        recorder.apply(engine.step(Batch(mentions=batch, live=True), now_ms))
        i += n
    recorder.apply(engine.step(Batch(live=True, end=True), now_ms))
    return recorder


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(1, 40), min_size=4, max_size=60), copies=st.integers(1, 3))
def test_provisional_alerts_never_change_what_is_recorded(seed, cuts, copies):
    mentions = jittered(storm() * copies, seed, 299_000)
    without, early = (live(make_engine(provisional=told), mentions, cuts) for told in (False, True))
    assert early.incidents == without.incidents
    assert early.plans == without.plans
    assert [key for key in early.alerts if "~" not in key] == list(without.alerts)
    kept = {part: {k: v for k, v in data.items() if k != "early"} for part, data in early.state.items()}
    assert kept == without.state
    told = [a.alert for a in early.alerts.values() if a.alert.standing is Standing.PROVISIONAL]
    ended = [a.alert for a in early.alerts.values() if a.alert.standing in (Standing.CONFIRMED, Standing.WITHDRAWN)]
    assert sorted(a.key for a in told) == sorted(a.key for a in ended)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(3, 60))
def test_the_same_with_the_real_detector_and_provisional_alerts(seed, size):
    mentions = sorted([*synthetic(3), *storm(minutes=3_000, at=2_900, lasts=60, size=6)], key=lambda m: m.created_at_ms)
    straight = record(make_engine("vigie"), mentions, [])
    shaken = jittered(mentions, seed, 299_000)
    early = live(make_engine("vigie", provisional=True), shaken, [size] * (len(shaken) // size))
    assert early.incidents == straight.incidents
    assert [key for key in early.alerts if "~" not in key] == list(straight.alerts)
    if size <= 5:  # larger batches may bring the bins that close together with what would have been told early
        assert early.counts["provisional_alerts", ("raised",)] >= 1
