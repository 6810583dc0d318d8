"""Quiet brands rest and are packed. Neither changes what is recorded, and packing changes nothing at all."""

from __future__ import annotations

import random

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.signals.table import SIGNALS
from detectors.table import DETECTORS
from engine.core.engine import TURNS_MAX, Engine
from engine.core.slot import JsonPacking
from engine.domain.batch import Batch, Command
from engine.domain.config import EngineConfig
from engine.domain.effects import AlertRaised, Counted, CurveDrawn, Gauged, StateDropped, StateSaved
from engine.domain.signals import SIGNAL_MODES
from engine.ports.signal import Watched
from tests.infra.fakes import START_MS, OnePlaybook, Recorder, Threshold, WordScorer, mention, storm

NOW_MS = START_MS + 400 * 86_400_000
DAY = 1_440


def engine(real=False, modes=SIGNAL_MODES, **more):
    config = EngineConfig(**{"open_brands": True, "bin_s": 300 if real else 60, "lateness_s": 60, **more})

    def make(_brand):
        return DETECTORS["vigie"](bin_s=config.bin_s, false_alarms_per_week=0.25) if real else Threshold()

    def watched(_brand):
        return tuple(Watched(SIGNALS[name](0.25), mode == "open") for name, mode in modes)

    return Engine(config, WordScorer(), make, OnePlaybook(), watched)


def sparse(seed, days, brands=5, a_day=10.0):
    """Brands that are seldom spoken of, one that is often, and a storm on two of them at the end."""
    rng = random.Random(seed)
    found = []
    for i in range(brands):
        for k in range(round(days * a_day * (8 if i == 0 else 1))):
            text = "Service nul" if rng.random() < 0.15 else "Merci pour tout"
            found.append(mention(rng.uniform(0, days * DAY), 1_000 * i + k, f"{text} {k}", f"Marque {i}",
                                 source=rng.choice(("x", "news", "blog"))))  # fmt: skip
    end = days * DAY - 200
    for brand in ("Marque 0", "Marque 3"):
        found += storm(minutes=0, at=end, lasts=40, size=7, brand=brand)
    return sorted(found, key=lambda m: (m.created_at_ms, m.id))


def play(one, mentions, size, *, live=False, commands=False, end=True):
    recorder, rng, given_s = Recorder(), random.Random(size), set()
    for i in range(0, len(mentions), size):
        some = tuple(mentions[i : i + size])
        told = []
        for seq, known in enumerate(recorder.incidents.values()):
            if commands and known.id not in given_s and rng.random() < 0.3:
                given_s.add(known.id)
                at_ms = some[0].created_at_ms
                told.append(Command(seq, rng.choice(("ack", "resolve", "reject")), known.id, "Camille", "", at_ms))
        now_ms = some[-1].created_at_ms if live else NOW_MS
        recorder.apply(one.step(Batch(mentions=some, live=live, commands=tuple(told)), now_ms))
    if end:
        recorder.apply(one.step(Batch(live=live, end=True), NOW_MS))
    return recorder


def recorded(recorder):
    """What is kept for good, whenever it was said."""
    curves = {(e.incident_id, e.start_ms): e for e in recorder.effects if isinstance(e, CurveDrawn)}
    return recorder.incidents, recorder.plans, dict(sorted(recorder.alerts.items())), curves, recorder.counts


def opened(one):
    """Every brand's whole state, in one form whether it rests or not."""
    found = {}
    for name, slot in one._brands.items():
        whole = slot.stream().at_rest()
        del whole["head"], whole["rest"]["until_s"]
        for start_s, span in whole["rest"]["spans"]:
            span["candidates"].sort()
            assert start_s % 600 == 0
        found[name] = orjson.loads(orjson.dumps(whole))
    return found


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(40, 900))
def test_resting_changes_nothing_that_is_recorded(seed, size):
    mentions = sparse(seed, 2)
    eager, lazy = engine(rests=False), engine()
    said = play(eager, mentions, size)
    assert said.incidents
    assert recorded(play(lazy, mentions, size)) == recorded(said)
    assert opened(lazy) == opened(eager)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(40, 900))
def test_nor_with_the_real_detector_and_every_signal_opening(seed, size):
    mentions = sparse(seed, 4)
    modes = tuple((name, "open") for name, _ in SIGNAL_MODES)
    eager, lazy = engine(real=True, modes=modes, rests=False), engine(real=True, modes=modes)
    said = play(eager, mentions, size)
    assert said.incidents
    assert recorded(play(lazy, mentions, size)) == recorded(said)
    assert opened(lazy) == opened(eager)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(30, 400), real=st.booleans(), live=st.booleans())
def test_packing_changes_no_effect(seed, size, real, live):
    mentions = sparse(seed, 2 if real else 1, brands=4)[:: 1 if real else 2]
    never, always = (engine(real, provisional=True, unpacked_max=n) for n in (10_000, 0))
    one, other = (play(each, mentions, size, live=live, commands=True) for each in (never, always))

    def unpacked(effects):
        """As they are, but for the bytes: equal values may be deflated in another order of their keys."""
        return [
            StateSaved(e.part, JsonPacking().unpack(e.data)) if isinstance(e, StateSaved) and isinstance(e.data, bytes)
            else e for e in effects
        ]  # fmt: skip

    assert unpacked(one.effects) == unpacked(other.effects)


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), one=st.integers(1, 2_000), other=st.integers(1, 2_000))
def test_where_a_brand_stands_does_not_depend_on_the_cut(seed, one, other):
    mentions = sparse(seed, 1)
    states = [play(engine(), mentions, size, end=False).state for size in (one, other)]
    first, second = ({p: d for p, d in s.items() if not p.startswith("seen:")} for s in states)
    assert first == second


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10**6), size=st.integers(20, 200), stops=st.sets(st.integers(1, 40), max_size=4))
def test_a_restart_changes_nothing(seed, size, stops):
    mentions = sparse(seed, 2)
    whole = play(engine(), mentions, size)
    recorder, one = Recorder(), engine()
    for n, i in enumerate(range(0, len(mentions), size)):
        if n in stops:
            one = engine()
            one.restore(orjson.loads(orjson.dumps(recorder.state)), recorder.incidents, recorder.plans)
        recorder.apply(one.step(Batch(mentions=tuple(mentions[i : i + size])), NOW_MS))
    recorder.apply(one.step(Batch(end=True), NOW_MS))
    assert recorded(recorder) == recorded(whole)
    assert recorder.state == whole.state


def test_a_step_asks_only_those_that_have_something_to_say():
    one = engine(lateness_s=60)
    mentions = [mention(1 + i / 1_000, i, "Bonjour", f"Marque {i}") for i in range(600)]
    play(one, mentions, 600, end=False)
    one.step(Batch(mentions=(mention(5, 0, "Bonjour", "Marque 0"),)), NOW_MS)  # closes the bins of all of them
    assert all(slot.resting for name, slot in one._brands.items() if name != "Marque 0")
    effects = one.step(Batch(mentions=(mention(9, 1, "Bonjour", "Marque 1"),)), NOW_MS)
    asked = {e.part.split(":", 2)[2] for e in effects if isinstance(e, StateSaved | StateDropped) and ":0:" in e.part}
    assert "Marque 0" in asked  # its bin is over
    assert len(asked) < 40  # and of the others one in sixty, whose turn it is within six minutes
    assert sum(isinstance(e, Counted) for e in effects) < 5


def test_the_panels_go_dark_after_the_last_bin_with_mentions():
    one = engine()
    play(one, [mention(1, 0, "nul", "Lumeo"), mention(1, 1, "nul", "Vélorine")], 2, end=False)
    lit = one.step(Batch(mentions=(mention(3.5, 2, "Bonjour", "Nordalia"),)), NOW_MS)
    dark = one.step(Batch(mentions=(mention(5.5, 3, "Bonjour", "Nordalia"),)), NOW_MS)

    def shown(effects):
        return {e.labels[0]: e.value for e in effects if isinstance(e, Gauged) and e.name == "negatives_observed"}

    assert shown(lit)["Lumeo"] == 1.0
    assert shown(dark)["Lumeo"] == 0.0


def test_a_state_of_the_version_before_goes_on():
    mentions = sparse(3, 1)
    cut = len(mentions) // 2
    before = play(engine(rests=False), mentions[:cut], 200, end=False)
    old = {}
    for part, data in before.state.items():
        if part.startswith("brand:"):
            data = {key: value for key, value in data.items() if key not in ("quiet", "usual")}
        old[part] = data
    one = engine()
    one.restore(orjson.loads(orjson.dumps(old)), before.incidents, before.plans)
    before.apply(one.step(Batch(mentions=tuple(mentions[cut:])), NOW_MS))
    before.apply(one.step(Batch(end=True), NOW_MS))
    whole = play(engine(), mentions, 200)
    assert set(before.incidents) == set(whole.incidents)
    assert list(before.alerts) == list(whole.alerts)


def test_after_an_outage_turns_wait_and_alerts_do_not():
    one = engine(lateness_s=60)
    play(one, [mention(1 + i / 1_000, i, "Bonjour", f"Marque {i}") for i in range(300)], 300, end=False)
    one.step(Batch(mentions=(mention(5, 0, "Bonjour", "Lumeo"),)), NOW_MS)
    later = 2 * DAY
    angry = tuple(mention(later + k / 100, k, "panne", "Lumeo") for k in range(20))
    visited = []
    for k in range(12):
        batch = Batch(
            mentions=(*(angry if not k else ()), mention(later + 3 + k / 100, 99, "Bonjour", "Nordalia")), live=True
        )
        effects = one.step(batch, START_MS + (later + 4) * 60_000)
        visited.append(sum(isinstance(e, StateSaved) and e.part.startswith("brand:") for e in effects))
        if not k:
            assert any(isinstance(e, AlertRaised) and e.alert.incident.brand == "Lumeo" for e in effects)
    assert max(visited) <= TURNS_MAX + 2
    assert sum(visited) >= 300
    assert all(slot.due_s > START_MS // 1000 + later * 60 for slot in one._brands.values())
