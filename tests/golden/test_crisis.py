"""One whole crisis through the real engine: calm, storm, levels, calm again, second wave; the full timeline.

After a wanted change: `VIGIE_GOLDEN=write python -m pytest tests/golden/test_crisis.py`, then read the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from engine.domain.batch import Batch, Command
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.playbook import BrandVoice
from ops.app import build_engine
from ops.render.alert import Look, text
from ops.render.moments import utc
from ops.render.report import incident_view
from tests.infra.fakes import MINUTE_MS, START_MS, Recorder, storm, synthetic

HERE = Path(__file__).parent
NOW_MS = START_MS + 400 * 86_400_000
DAY = 1_440


def mentions():
    """Five days; a storm on the fourth evening, a second wave on the fifth."""
    calm = synthetic(6, per_hour=12)
    first = [m for m in storm(minutes=3 * DAY + 1_200, at=3 * DAY + 1_080, lasts=90, size=5) if "panne" in m.text]
    second = [m for m in storm(minutes=5 * DAY + 700, at=5 * DAY + 600, lasts=40, size=4) if "panne" in m.text]
    whole = sorted([*calm, *first, *second], key=lambda m: (m.created_at_ms, m.id))
    return [m._replace(sentiment=-0.9 if "panne" in m.text or "nul" in m.text else 0.4) for m in whole]


def play(lang):
    voice = BrandVoice("Nordalia", langs=("fr", "en"), signature="L'équipe Nordalia")
    config = EngineConfig(brands=(BrandConfig("Nordalia", voice=voice),), lang=lang)
    engine, recorder, acked = build_engine(config), Recorder(), False
    stream = mentions()
    for i in range(0, len(stream), 100):
        commands = ()
        if recorder.incidents and not acked:
            acked = True
            opened = next(iter(recorder.incidents.values()))
            at_ms = opened.opened_at_ms + 4 * MINUTE_MS
            commands = (Command(1, "ack", opened.id, "Camille", "", at_ms),)
        batch = Batch(mentions=tuple(stream[i : i + 100]), commands=commands, end=i + 100 >= len(stream))
        recorder.apply(engine.step(batch, NOW_MS))
    return recorder


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_whole_timeline(lang):
    recorder = play(lang)
    look = Look(lang, "Europe/Paris")
    story = {
        "incidents": [
            incident_view(incident, recorder.plans[incident.id])
            | {"phase": incident.phase.value, "waves": incident.waves,
               "timeline": [[utc(e.at_ms), e.actor, e.kind, e.text] for e in incident.timeline]}
            for incident in recorder.incidents.values()
        ],
        "alerts": [text(raised, look, raised.alert.at_ms).splitlines() for raised in recorder.alerts.values()],
        "counts": sorted([name, list(labels), n] for (name, labels), n in recorder.counts.items()),
    }  # fmt: skip
    body = orjson.dumps(story, option=orjson.OPT_INDENT_2) + b"\n"
    golden = HERE / f"crisis.{lang}.json"
    if os.environ.get("VIGIE_GOLDEN") == "write":
        golden.write_bytes(body)
    assert orjson.loads(body) == orjson.loads(golden.read_bytes())
