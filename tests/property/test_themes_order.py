"""Themes depend on the set of mentions alone: on no order, no cut into batches, no way of merging spans."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.themes import RiverGroups
from detectors.themes.copies import near_copies
from engine.core.engine import Engine
from engine.core.fold import hash64
from engine.core.tally import Candidate, Tally
from engine.core.terms import TermBaseline
from engine.core.themes import TEXTS_MAX, find, look
from engine.domain.batch import Batch
from engine.domain.config import EngineConfig
from tests.infra.fakes import START_MS, OnePlaybook, Recorder, Threshold, WordScorer
from tests.infra.themes_storm import three_themes

NOW_MS = START_MS + 400 * 86_400_000


def spans_of(mentions, parts):
    """Spans folded in `parts` separate tallies that are merged at the end."""
    spans: dict[int, Tally] = {}
    for k in range(parts):
        own: dict[int, Tally] = {}
        for m in mentions[k::parts]:
            start_s = m.created_at_ms // 600_000 * 600
            tally = own.setdefault(start_s, Tally())
            tally.add_negative(Candidate(hash64(m.source, m.id), 9_000, m), None, (), "fr", 0)
        for start_s, tally in own.items():
            spans.setdefault(start_s, Tally()).merge(tally)
    return spans


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), parts=st.integers(1, 5), n=st.sampled_from([40, 160, 900]), stored=st.booleans())
def test_any_order_and_any_merging_gives_the_same_themes(seed, parts, n, stored):
    mentions = [m for _, m in three_themes(n)]
    end_s = START_MS // 1000 + 7_200
    straight = find(look(spans_of(mentions, 1), 0, end_s, TermBaseline()), RiverGroups())
    random.Random(seed).shuffle(mentions)
    spans = spans_of(mentions, parts)
    if stored:
        spans = {start_s: Tally.from_json(tally.to_json()) for start_s, tally in spans.items()}
    asked = look(spans, 0, end_s, TermBaseline())
    assert len(asked.sample) <= TEXTS_MAX
    assert find(asked, RiverGroups()) == straight != ()


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10**6), cuts=st.lists(st.integers(1, 120), max_size=8))
def test_the_engine_records_the_same_themes_however_mentions_come(seed, cuts):
    mentions = [m._replace(sentiment=-0.9) for _, m in three_themes(200, minutes=20)]
    rng = random.Random(seed)
    shaken = sorted(mentions * 2, key=lambda m: (m.created_at_ms + rng.randrange(299_000), m.id))
    straight, other = record(mentions, []), record(shaken, cuts)
    assert other.incidents == straight.incidents
    assert next(iter(straight.incidents.values())).evidence.themes
    final = {key: e.alert.incident.evidence.themes for key, e in straight.alerts.items()}
    assert {key: e.alert.incident.evidence.themes for key, e in other.alerts.items()} == final


def record(mentions, cuts):
    config = EngineConfig(open_brands=True, bin_s=60, lateness_s=300)
    engine = Engine(config, WordScorer(), lambda _: Threshold(), OnePlaybook(), groups=RiverGroups())
    recorder, i = Recorder(), 0
    for n in cuts:
        recorder.apply(engine.step(Batch(mentions=tuple(mentions[i : i + n])), NOW_MS))
        i += n
    recorder.apply(engine.step(Batch(mentions=tuple(mentions[i:]), end=True), NOW_MS))
    return recorder


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60), max_size=12))
def test_any_text_has_a_head(texts):
    heads = near_copies(texts)
    assert all(head <= i and heads[head] == head for i, head in enumerate(heads))
