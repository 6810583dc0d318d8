"""The signals through `Engine.step`: sentences beside an incident, alarms of their own, the feed's alert."""

from __future__ import annotations

import random
from typing import Any

import orjson
import pytest

from engine.core.engine import Engine
from engine.domain.batch import Batch
from engine.domain.config import EngineConfig
from engine.domain.effects import AlertRaised, Gauged, IncidentSaved
from engine.domain.incident import AlertKind, Phase
from engine.domain.mention import Mention
from engine.domain.signals import SIGNAL_MODES, detector_part
from ops.app import Choices, brand_detectors, signals_maker
from ops.delivery.message import Message
from ops.delivery.notifiers.alertmanager import alerts
from ops.metrics import METRICS
from ops.render.alert import Look, as_dict, short, text, title
from ops.store.codec import decode, encode
from tests.infra.fakes import MINUTE_MS, START_MS, OnePlaybook, Recorder, Threshold, WordScorer, mention, synthetic

NOW_MS = START_MS + 400 * 86_400_000
DAY = 1440


def engine_of(*, real: bool = False, **modes: str) -> Engine:
    signals = tuple((name, modes.get(name, mode)) for name, mode in SIGNAL_MODES)
    config = EngineConfig(open_brands=True, bin_s=60, lang="en", signals=signals)  # type: ignore[arg-type]
    make: Any = brand_detectors(config, Choices()) if real else lambda _: Threshold(40.0)
    return Engine(config, WordScorer(), make, OnePlaybook(), signals_maker(config))


def calm(days: int, seed: int = 2) -> list[Mention]:
    """Days of people who write once."""
    found = synthetic(days, seed, per_hour=30)
    return [m._replace(author_id=f"c{i}", author_followers=300 + i % 400) for i, m in enumerate(found)]


def raid(at: int, minutes: int = 40, a_minute: int = 3) -> list[Mention]:
    """Three accounts that write on and on."""
    return [
        mention(at + i + k / 100, 900 + k, f"C'est nul, fuyez {i} {k}", author_id=f"raider{k % 3}", author_followers=50)
        for i in range(minutes)
        for k in range(a_minute)
    ]


def replay(engine: Engine, mentions: list[Mention], size: int = 500, *, end: bool = True) -> Recorder:
    recorder = Recorder()
    ordered = sorted(mentions, key=lambda m: (m.created_at_ms, m.id))
    for i in range(0, len(ordered), size):
        last = end and i + size >= len(ordered)
        recorder.apply(engine.step(Batch(mentions=tuple(ordered[i : i + size]), end=last), NOW_MS))
    return recorder


def test_a_raid_beside_an_open_incident_goes_into_its_log() -> None:
    storm = [mention(9 * DAY + k / 100, 500 + k, f"panne {k}", author_id=f"s{k}") for k in range(45)]
    recorder = replay(engine_of(), [*calm(9), *storm, *raid(9 * DAY + 3)])
    (incident,) = recorder.incidents.values()
    said = [entry.text for entry in incident.timeline if entry.kind == "signal"]
    assert any(line.startswith("Many messages, few authors") for line in said), said


def test_what_stands_out_when_an_incident_opens_is_among_its_reasons() -> None:
    storm = [mention(9 * DAY + 35 + k / 100, 500 + k, f"panne {k}", author_id=f"s{k}") for k in range(45)]
    recorder = replay(engine_of(), [*calm(9), *raid(9 * DAY), *storm])
    (incident,) = recorder.incidents.values()
    assert any(reason.startswith("Many messages, few authors") for reason in incident.levels[0].reasons)
    assert incident.opened_at_ms >= START_MS + (9 * DAY + 35) * MINUTE_MS


def test_note_opens_nothing_and_open_does() -> None:
    mentions = [*calm(9), *raid(9 * DAY), *(mention(9 * DAY + 50 + i, 0) for i in range(20))]
    assert not replay(engine_of(), mentions).incidents
    recorder = replay(engine_of(raid="open"), mentions)
    (incident,) = recorder.incidents.values()
    assert incident.levels[0].reasons[0].startswith("Many messages, few authors")
    assert [a.alert.kind for a in recorder.alerts.values()].count(AlertKind.OPENED) == 1
    assert not any(line.kind == "alarm" for line in incident.timeline), "one raid is told of once"


def test_off_is_off() -> None:
    off = dict.fromkeys((name for name, _ in SIGNAL_MODES), "off")
    recorder = replay(engine_of(**off), [*calm(9), *raid(9 * DAY, 80)])
    assert {e.labels[1] for e in recorder.effects if isinstance(e, Gauged) and e.name == "surprise"} == {"rate"}


def test_those_that_open_share_the_budget() -> None:

    def part(**modes: str) -> float:
        return detector_part([(name, modes.get(name, mode)) for name, mode in SIGNAL_MODES])

    asked = [part(silence="note"), part(), part(raid="open"), part(raid="open", viral="open")]
    assert asked == [1.0, 0.95, 0.9, pytest.approx(0.85)]


def feed(recorder: Recorder) -> list[AlertRaised]:
    return [a for a in recorder.alerts.values() if a.alert.kind in (AlertKind.SILENT, AlertKind.HEARD)]


def test_a_feed_that_falls_silent_has_an_alert_of_its_own_and_no_incident() -> None:
    mentions = [m for m in calm(14) if not 12 * DAY <= (m.created_at_ms - START_MS) / MINUTE_MS < 12.7 * DAY]
    recorder = replay(engine_of(real=True), mentions)
    silent, heard = feed(recorder)
    assert (silent.alert.kind, heard.alert.kind) == (AlertKind.SILENT, AlertKind.HEARD)
    assert silent.plan is None
    assert silent.alert.incident.id == heard.alert.incident.id
    assert silent.alert.incident.id not in recorder.incidents
    assert heard.alert.incident.phase is Phase.RESOLVED
    assert START_MS + 12 * DAY * MINUTE_MS < silent.alert.at_ms < START_MS + 12.7 * DAY * MINUTE_MS
    assert heard.alert.at_ms <= START_MS + (12.7 * DAY + 40) * MINUTE_MS
    assert silent.alert.incident.levels[-1].reasons[0].startswith("No message at all, from anywhere: 0, ")


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_feed_s_alert_reads_as_one(lang: str) -> None:
    mentions = [m for m in calm(14) if not 12 * DAY <= (m.created_at_ms - START_MS) / MINUTE_MS < 12.7 * DAY]
    for raised in feed(replay(engine_of(real=True), mentions)):
        look = Look(lang=lang)
        page = text(raised, look, NOW_MS)
        assert raised.alert.incident.levels[-1].reasons[0].split(",")[0] in page
        assert "incidents ack" not in page
        assert "incidents show" not in page
        assert title(raised, look) in page
        assert len(short(raised, look, NOW_MS)) <= 160
        assert as_dict(raised, look, NOW_MS)["playbook"] is None
        assert decode(AlertRaised, encode(raised)) == raised
        (one, *_) = alerts(Message(raised, look, NOW_MS, NOW_MS))
        assert one["labels"]["alertname"] == "VigieSilentSource"


def test_every_signal_has_its_gauge() -> None:
    recorder = replay(engine_of(), calm(12), end=False)
    told = {e.labels[1] for e in recorder.effects if isinstance(e, Gauged) and e.name == "surprise"}
    assert told >= {"raid", "reach", "arousal", "viral", "silence"}
    assert METRICS["surprise"].labels == ("brand", "test")


@pytest.mark.parametrize("cut", [0.3, 0.93, 0.97])
def test_restored_in_the_midst_the_story_goes_on_the_same(cut: float) -> None:
    storm = [mention(9 * DAY + 35 + k / 100, 500 + k, f"panne {k}", author_id=f"s{k}") for k in range(45)]
    mentions = sorted([*calm(9), *raid(9 * DAY), *storm], key=lambda m: (m.created_at_ms, m.id))
    at = int(cut * len(mentions))
    whole = replay(engine_of(raid="open"), mentions)
    first = engine_of(raid="open")
    recorder = replay(first, mentions[:at], end=False)
    second = engine_of(raid="open")
    second.restore(orjson.loads(orjson.dumps(recorder.state)), recorder.incidents, recorder.plans)
    for i in range(at, len(mentions), 500):
        recorder.apply(second.step(Batch(mentions=tuple(mentions[i : i + 500]), end=i + 500 >= len(mentions)), NOW_MS))
    assert recorder.incidents == whole.incidents
    assert list(recorder.alerts) == list(whole.alerts)
    ours = {part: data for part, data in recorder.state.items() if part.startswith("brand:")}
    assert ours == {part: data for part, data in whole.state.items() if part.startswith("brand:")}


def test_neither_order_nor_batches_change_what_is_recorded() -> None:
    storm = [mention(9 * DAY + 35 + k / 100, 500 + k, f"panne {k}", author_id=f"s{k}", thread_id=f"t{k % 3}")
             for k in range(45)]  # fmt: skip
    mentions = sorted([*calm(9), *raid(9 * DAY), *storm], key=lambda m: (m.created_at_ms, m.id))
    straight = replay(engine_of(raid="open", viral="open"), mentions, 10**6)
    rng = random.Random(4)
    shaken = sorted(mentions, key=lambda m: (m.created_at_ms + rng.randrange(299_000), m.id))
    engine, recorder, i = engine_of(raid="open", viral="open"), Recorder(), 0
    while i < len(shaken):
        n = rng.randrange(1, 400)
        recorder.apply(engine.step(Batch(mentions=tuple(shaken[i : i + n]), end=i + n >= len(shaken)), NOW_MS))
        i += n
    assert recorder.incidents == straight.incidents
    assert list(recorder.alerts) == list(straight.alerts)
    kept = {part: data for part, data in recorder.state.items() if not part.startswith("seen:")}
    assert kept == {part: data for part, data in straight.state.items() if not part.startswith("seen:")}


def test_a_state_of_before_there_were_signals_is_read() -> None:
    recorder = replay(engine_of(), calm(2), end=False)
    state = orjson.loads(orjson.dumps(recorder.state))
    for part, data in state.items():
        if part.startswith("brand:"):
            del data["signals"]
            del data["case"]["notes"]
        if part.startswith(("span:", "bin:")):
            for key in ("sources", "threads", "single"):
                del data[key]
    engine = engine_of()
    engine.restore(state, {}, {})
    effects = engine.step(Batch(mentions=tuple(raid(2 * DAY + 5)), end=True), NOW_MS)
    assert not [e for e in effects if isinstance(e, IncidentSaved)]
