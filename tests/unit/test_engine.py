"""The engine from a batch to its effects, with fakes at the ports."""

from __future__ import annotations

import orjson

from engine.core.seen import Seen
from engine.domain.batch import Batch, Command, Cursor, Reject
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.effects import CommandDone, CursorMoved, CurveDrawn, DeadLettered, LateStored
from engine.domain.incident import AlertKind, Level, Phase
from engine.domain.playbook import BrandVoice
from ops.app import build_engine
from tests.infra.fakes import MINUTE_MS, START_MS, OnePlaybook, Recorder, WordScorer, make_engine, mention, storm

NOW_MS = START_MS + 400 * 86_400_000


def replay(engine, mentions, size=50, **more):
    recorder = Recorder()
    for i in range(0, len(mentions), size):
        batch = Batch(mentions=tuple(mentions[i : i + size]), end=i + size >= len(mentions), **more)
        recorder.apply(engine.step(batch, NOW_MS))
    return recorder


def test_a_storm_opens_one_incident_with_its_reasons():
    recorder = replay(make_engine(lang="en"), storm())
    (incident,) = recorder.incidents.values()
    assert incident.brand == "Nordalia"
    assert incident.opened_at_ms == START_MS + 61 * MINUTE_MS
    assert incident.levels[0].at_ms == incident.opened_at_ms
    assert incident.level_max >= Level.ORANGE  # eight times the usual volume, from 160 messages
    assert incident.levels[0].reasons[0].startswith("Surge of negatives: 8 observed, 0.2 expected since 2026-01-01")
    assert incident.playbook == "generic"
    assert next(iter(recorder.alerts.values())).alert.kind is AlertKind.OPENED


def test_the_evidence_holds_figures_words_and_mentions():
    recorder = replay(make_engine(), storm())
    evidence = next(iter(recorder.incidents.values())).evidence
    assert evidence.networks == (("x", 160),)
    assert evidence.authors == 160
    assert evidence.categories == (("outage", 160),)
    assert any("panne" in term for term in evidence.top_terms)
    assert not any("bonne" in term for term in evidence.top_terms)
    roles = [m.role for m in evidence.mentions]
    assert roles.count("first") == 1
    assert roles.count("reach") == 2
    assert evidence.mentions[0].mention.created_at_ms == START_MS + 60 * MINUTE_MS
    assert evidence.mentions[1].mention.author_followers == 70


def test_the_curve_holds_what_led_to_the_incident_and_how_it_went_on():
    drawn = {}
    for size in (10_000, 7):
        recorder = replay(make_engine(), storm(), size=size)
        (incident,) = recorder.incidents
        points = {e.start_ms: e for e in recorder.effects if isinstance(e, CurveDrawn)}
        assert {e.incident_id for e in points.values()} == {incident}
        drawn[size] = list(points.values())
    assert drawn[7] == drawn[10_000]
    starts = [point.start_ms for point in drawn[7]]
    assert starts == list(range(START_MS, starts[-1] + 1, 600_000))
    assert [point.total for point in drawn[7][5:8]] == [10, 90, 90]
    assert drawn[7][6].negative > 10 * drawn[7][5].negative


def test_evidence_looks_no_further_than_the_bin_that_decided():
    """At the opening the storm's later mentions are already in memory; they must not colour what is recorded."""
    whole = replay(make_engine(), storm(), size=1_000)
    opened = next(iter(whole.alerts.values())).alert.incident
    assert opened.evidence.observed == 8.0


def test_calm_contains_then_resolves_and_a_second_wave_reopens():
    quiet = [mention(i, 0, "Rien à dire") for i in range(0, 3_000, 5)]
    waves = [mention(m + k / 100, k + 1, f"panne {m} {k}") for start in (100, 2_000) for m in range(start, start + 10)
             for k in range(8)]  # fmt: skip
    recorder = replay(make_engine(), sorted(quiet + waves, key=lambda m: m.created_at_ms), size=200)
    (incident,) = recorder.incidents.values()
    assert incident.waves == 2
    kinds = [a.alert.kind.value for a in recorder.alerts.values() if a.alert.kind not in (AlertKind.RAISED,)]
    assert kinds == ["opened", "contained", "resolved", "reopened", "contained"]
    assert incident.phase is Phase.CONTAINED
    assert incident.closed_at_ms is None
    reopened = [entry for entry in incident.timeline if entry.kind == "reopened"]
    assert "vague" in reopened[0].text


def test_after_the_watch_a_new_storm_is_a_new_incident():
    waves = [mention(m + k / 100, k + 1, f"panne {m} {k}") for start in (100, 5_000) for m in range(start, start + 10)
             for k in range(8)]  # fmt: skip
    recorder = replay(make_engine(watch_s=3_600), waves, size=200)
    assert sorted(i.ordinal for i in recorder.incidents.values()) == [1, 2]
    assert len({a.alert.key for a in recorder.alerts.values()}) == len(recorder.alerts)


def test_people_move_it_through_commands():
    engine = make_engine()
    recorder = replay(engine, storm(minutes=70, lasts=8))
    incident = next(iter(recorder.incidents.values()))
    command = Command(1, "ack", incident.id, "Camille", "je prends", START_MS + 80 * MINUTE_MS)
    effects = engine.step(Batch(commands=(command,)), NOW_MS)
    recorder.apply(effects)
    now = recorder.incidents[incident.id]
    assert now.phase is Phase.ACKNOWLEDGED
    assert (now.acked_by, now.acked_at_ms) == ("Camille", START_MS + 80 * MINUTE_MS)
    assert "je prends" in now.timeline[-1].text
    (done,) = [e for e in effects if isinstance(e, CommandDone)]
    assert done.ok
    reject = engine.step(Batch(commands=(command._replace(seq=2, name="reject"),)), NOW_MS)
    assert [e.incident.phase for e in reject if hasattr(e, "incident")][-1] is Phase.FALSE_ALARM
    refused = engine.step(Batch(commands=(command._replace(seq=3, name="ack"),)), NOW_MS)
    (answer,) = [e for e in refused if isinstance(e, CommandDone)]
    assert not answer.ok
    assert "false_alarm" in answer.text
    unknown = engine.step(Batch(commands=(command._replace(seq=4, incident_id="inc-x"),)), NOW_MS)
    assert not next(e for e in unknown if isinstance(e, CommandDone)).ok


def test_repeats_are_counted_once():
    mentions = storm(minutes=70, lasts=8)
    once = replay(make_engine(), mentions)
    thrice = replay(make_engine(), [m for m in mentions for _ in range(3)])
    assert thrice.counts["duplicates", ()] == 2 * len(mentions)
    assert thrice.incidents == once.incidents


def test_a_late_mention_is_kept_and_counts_in_no_series():
    engine = make_engine(lateness_s=300)
    recorder = Recorder()
    recorder.apply(engine.step(Batch(mentions=(mention(60),)), NOW_MS))
    effects = engine.step(Batch(mentions=(mention(54, 1), mention(55.5, 2))), NOW_MS)
    late = [e for e in effects if isinstance(e, LateStored)]
    assert [e.mention.id for e in late] == ["54/1"]
    assert late[0].brands == ("Nordalia",)


def test_a_date_in_the_future_becomes_the_present():
    engine = make_engine()
    recorder = Recorder()
    far = mention(0, 1)._replace(created_at_ms=NOW_MS + 10**12, id="far")
    recorder.apply(engine.step(Batch(mentions=(mention(10), far, mention(11, 2))), NOW_MS))
    assert recorder.counts["future_clamped", ()] == 1
    assert ("late", ()) not in recorder.counts


def test_rejects_cursors_and_counts_pass_through():
    engine = make_engine()
    reject = Reject("line 2", "text", "empty", b"{}")
    cursor = Cursor("file", "a", "12")
    effects = engine.step(Batch(rejects=(reject,), cursors=(cursor,), unknown_fields=3, truncated=1), NOW_MS)
    assert DeadLettered(reject) in effects
    assert effects[-1] == CursorMoved(cursor)
    recorder = Recorder()
    recorder.apply(effects)
    refused = {("rejected", ("", "text")): 1, ("dead_letters", ()): 1}
    assert recorder.counts == {**refused, ("unknown_fields", ()): 3, ("truncated", ()): 1}


def test_sentiment_from_upstream_is_used_as_it_is():
    recorder = Recorder()
    engine = make_engine()
    recorder.apply(engine.step(Batch(mentions=(mention(0, 1, "panne", sentiment=0.9),)), NOW_MS))
    recorder.apply(engine.step(Batch(mentions=(mention(0, 2, "super", sentiment=-0.9),), end=True), NOW_MS))
    assert recorder.counts["mentions", ("Nordalia", "x", "pos")] == 1
    assert recorder.counts["mentions", ("Nordalia", "x", "neg")] == 1


def test_restored_state_goes_on_as_if_nothing_had_happened():
    mentions = storm()
    whole = replay(make_engine(), mentions, size=10)
    for cut in range(0, len(mentions), 40):
        recorder = Recorder()
        engine = make_engine()
        for i in range(0, len(mentions), 10):
            if i == cut:
                stored = {part: orjson.loads(orjson.dumps(data)) for part, data in recorder.state.items()}
                engine = make_engine()
                engine.restore(stored, recorder.incidents, recorder.plans)
            end = i + 10 >= len(mentions)
            recorder.apply(engine.step(Batch(mentions=tuple(mentions[i : i + 10]), end=end), NOW_MS))
        assert recorder.incidents == whole.incidents
        assert recorder.state == whole.state
        assert list(recorder.alerts) == list(whole.alerts)


def test_silence_in_a_live_stream_closes_bins():
    engine = make_engine(lateness_s=60, idle_s=60)
    recorder = Recorder()
    angry = tuple(mention(0.5, k, f"panne {k}") for k in range(8))
    now = START_MS + MINUTE_MS
    recorder.apply(engine.step(Batch(mentions=angry, live=True), now))
    assert not recorder.incidents
    for minute in range(5):
        recorder.apply(engine.step(Batch(live=True), now + minute * MINUTE_MS))
    assert len(recorder.incidents) == 1


def test_the_planner_is_asked_again_when_the_level_rises():
    planner = OnePlaybook()
    replay(make_engine(planner=planner), storm())
    levels = [request.level for request in planner.requests]
    assert len(levels) >= 2
    assert levels == sorted(levels)
    assert planner.requests[-1].networks == ("x",)


def test_the_scorer_is_told_the_first_language_of_the_brand():
    asked = []

    class Listening(WordScorer):
        def score_many(self, texts, langs, usual=None):
            asked.extend(zip(texts, langs, usual, strict=True))
            return super().score_many(texts, langs, usual)

    brands = (
        BrandConfig("Lumeo", voice=BrandVoice("Lumeo", langs=("en", "fr"))),
        BrandConfig("Nordalia", voice=BrandVoice("Nordalia", langs=("fr",))),
        BrandConfig("Vélorine"),
    )
    engine = make_engine(brands=brands, scorer=Listening())
    mentions = [
        mention(0, 0, "un", "Lumeo"), mention(0, 1, "deux", "Nordalia", lang="de"), mention(0, 2, "trois", "Vélorine"),
        mention(0, 3, "Nordalia ou Lumeo ?", None), mention(0, 4, "cinq", "Opaline"),
    ]  # fmt: skip
    replay(engine, mentions)
    assert asked == [
        ("un", None, "en"), ("deux", "de", "fr"), ("trois", None, None), ("Nordalia ou Lumeo ?", None, "en"),
        ("cinq", None, None),
    ]  # fmt: skip


def test_a_short_text_is_read_in_the_language_of_its_brand():
    engine = build_engine(
        EngineConfig(brands=(BrandConfig("Lumeo", voice=BrandVoice("Lumeo", langs=("en", "fr"))),
                             BrandConfig("Nordalia", voice=BrandVoice("Nordalia", langs=("fr", "en"))))),
        in_a_hurry=True,
    )  # fmt: skip
    texts = ("Lumeo ???", "Nordalia ???", "Lumeo je n'ai rien")
    matched = [(mention(0, n, text, None), (text.split()[0],), n) for n, text in enumerate(texts)]
    assert [lang for _, _, lang, _, _ in engine._reader.read(matched)] == ["en", "fr", "fr"]


def test_an_hour_with_more_ids_than_are_remembered_keeps_the_newest() -> None:
    seen, again = Seen(ids_max=100), Seen(ids_max=100)
    mentions = [mention(0, n, "bonjour", None) for n in range(250)]
    stored: dict[str, dict[str, object]] = {}
    for start in range(0, 250, 50):
        assert all(seen.new_key(m) is not None for m in mentions[start : start + 50])
        stored |= dict(seen.take_dirty())
        for part in seen.prune(mentions[0].created_at_ms):
            del stored[part]
    for part, data in stored.items():
        again.restore(part, data)
    for one in (seen, again):
        assert [one.new_key(m) is None for m in mentions[150:]] == [True] * 100
        assert one.new_key(mentions[0]) is not None
        one.take_dirty()
