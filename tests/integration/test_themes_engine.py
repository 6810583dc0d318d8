"""Themes from a stream of mentions to what is stored and shown."""

from __future__ import annotations

from dataclasses import replace

import orjson

from detectors.themes import RiverGroups
from engine.core.engine import Engine
from engine.core.themes import TEXTS_MAX
from engine.domain.batch import Batch
from engine.domain.config import EngineConfig
from engine.domain.incident import AlertKind, Incident, Phase
from ops.render.alert import Look, as_dict, text
from ops.render.incident import incident_text
from ops.render.pages import incident_page
from ops.render.replay import incident_lines
from ops.render.report import incident_view
from ops.store import Store
from ops.store.codec import decode, encode
from tests.infra.fakes import START_MS, OnePlaybook, Recorder, Threshold, WordScorer, storm
from tests.infra.themes_storm import three_themes

NOW_MS = START_MS + 400 * 86_400_000


class Counting(RiverGroups):
    """Remembers how much it was asked."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def subjects(self, bags):
        self.asked.append(len(bags))
        return super().subjects(bags)


def engine_of(groups, **settings):
    config = EngineConfig(**{"open_brands": True, "bin_s": 60, **settings})
    return Engine(config, WordScorer(), lambda _: Threshold(), OnePlaybook(), groups=groups)


def negatives(n, minutes=20, at_minute=60.0, seed=7):
    made = three_themes(n, seed=seed, minutes=minutes, at_minute=at_minute)
    return [m._replace(sentiment=-0.9) for _, m in made]


def record(engine, mentions, size=100, **more):
    recorder = Recorder()
    for i in range(0, len(mentions), size):
        batch = Batch(mentions=tuple(mentions[i : i + size]), end=i + size >= len(mentions), **more)
        recorder.apply(engine.step(batch, NOW_MS))
    return recorder


def only(recorder) -> Incident:
    (incident,) = recorder.incidents.values()
    return incident


def test_an_incident_says_what_it_is_about():
    recorder = record(engine_of(RiverGroups()), negatives(200))
    themes = only(recorder).evidence.themes
    assert "réseau" in themes[0].name
    assert 0.35 <= themes[0].share <= 0.65  # half of them were made so
    assert sum(theme.share for theme in themes) <= 1.0
    assert any("hotline" in " ".join(theme.terms) for theme in themes)
    opened = next(e.alert for e in recorder.alerts.values() if e.alert.kind is AlertKind.OPENED)
    assert opened.incident.evidence.themes


def test_without_what_groups_texts_there_are_none():
    assert only(record(engine_of(None), negatives(200))).evidence.themes == ()


def test_ten_thousand_mentions_in_an_hour_are_sampled():
    groups = Counting()
    recorder = record(engine_of(groups), negatives(10_000, minutes=60), size=2_000)
    themes = only(recorder).evidence.themes
    assert max(groups.asked) <= TEXTS_MAX
    assert "réseau" in themes[0].name
    assert not themes[0].exact
    assert sum(theme.mentions for theme in themes) <= 1.3 * 10_000
    assert sum(theme.mentions for theme in themes) >= 0.5 * 10_000


def test_of_a_long_batch_only_what_leaves_it_is_looked_for():
    one, many = Counting(), Counting()
    mentions = negatives(1_600, minutes=200)
    record(engine_of(one), mentions, size=10_000)
    record(engine_of(many), mentions, size=40)
    assert len(one.asked) < len(many.asked)


def test_calm_does_not_wash_the_themes_away():
    groups = RiverGroups()
    quiet = [m for m in storm(minutes=2_000, size=0) if m.created_at_ms > START_MS + 90 * 60_000]
    recorder = record(engine_of(groups), [*negatives(200), *quiet])
    incident = only(recorder)
    assert incident.phase in (Phase.CONTAINED, Phase.RESOLVED)
    assert "réseau" in incident.evidence.themes[0].name
    contained = [e.alert for e in recorder.alerts.values() if e.alert.kind is AlertKind.CONTAINED]
    assert contained[0].incident.evidence.themes == incident.evidence.themes


def test_an_engine_restored_from_its_store_goes_on_alike():
    mentions = negatives(400, minutes=90)
    whole = record(engine_of(RiverGroups()), mentions, size=20)
    recorder, engine = Recorder(), engine_of(RiverGroups())
    for i in range(0, len(mentions), 20):
        if i == 200:
            stored = {part: orjson.loads(orjson.dumps(data)) for part, data in recorder.state.items()}
            saved = {k: decode(Incident, encode(v)) for k, v in recorder.incidents.items()}
            engine = engine_of(RiverGroups())
            engine.restore(stored, saved, recorder.plans)
        batch = Batch(mentions=tuple(mentions[i : i + 20]), end=i + 20 >= len(mentions))
        recorder.apply(engine.step(batch, NOW_MS))
    assert recorder.incidents == whole.incidents
    assert recorder.state == whole.state


def test_a_provisional_alert_has_its_themes():
    engine, recorder = engine_of(RiverGroups(), provisional=True), Recorder()
    for m in storm():
        recorder.apply(engine.step(Batch(mentions=(m,), live=True), m.created_at_ms))
    early = [e.alert for e in recorder.alerts.values() if e.alert.standing == "provisional"]
    assert early
    assert "panne" in early[0].incident.evidence.themes[0].name


def test_it_is_stored_and_an_incident_of_before_is_read():
    incident = only(record(engine_of(RiverGroups()), negatives(200)))
    assert decode(Incident, encode(incident)) == incident
    old = orjson.loads(encode(incident))
    del old["data"]["evidence"]["themes"]
    bare = replace(incident, evidence=replace(incident.evidence, themes=()))
    assert decode(Incident, orjson.dumps(old)) == bare
    with Store.temporary() as store:
        recorder = record(engine_of(RiverGroups()), negatives(200))
        store.take([])
        store.apply([e for e in recorder.effects if type(e).__name__ == "IncidentSaved"])
        assert store.incident(incident.id) == incident


def test_it_is_shown_wherever_an_incident_is():
    recorder = record(engine_of(RiverGroups()), negatives(200))
    raised = next(iter(recorder.alerts.values()))
    incident = only(recorder)
    plan = recorder.plans[incident.id]
    assert "\nThèmes\u00a0: " in text(raised, Look("fr"), raised.alert.at_ms)
    assert "\nThemes: " in text(raised, Look("en"), raised.alert.at_ms)
    assert as_dict(raised, Look(), raised.alert.at_ms)["evidence"]["themes"][0]["name"]
    assert incident_view(incident, plan)["evidence"]["themes"][0]["share"] == incident.evidence.themes[0].share
    assert "\nTHÈMES\n" in incident_text(incident, plan, Look("fr"))
    assert any(line.startswith("  Thèmes\u00a0: ") for line in incident_lines(incident, plan, "fr"))
    assert "## Themes\n" in incident_page(incident, plan, "en")
