"""Every scenario, in both languages, through the real engine: one grave incident, led by the playbook it is about."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ops.drill.scenario import Storm, shipped
from ops.render.moments import utc
from ops.replaying import Replay, ReplayParams

START_MS = int(datetime(2026, 3, 24, 13, 0, tzinfo=UTC).timestamp()) * 1000
CASES = [(scenario, lang) for scenario in shipped() for lang in ("fr", "en")]


@pytest.mark.parametrize(("scenario", "lang"), CASES, ids=lambda value: getattr(value, "id", value))
def test_a_storm_opens_an_incident_with_its_playbook(scenario, lang: str, tmp_path: Path) -> None:
    storm = Storm(scenario, "Lumeo", lang, START_MS)
    path = tmp_path / "storm.ndjson"
    with path.open("w", encoding="utf-8") as file:
        for m in (*storm.before(), *storm.storm()):
            row = {
                "id": m.id, "source": m.source, "kind": m.kind, "text": m.text, "created_at": utc(m.created_at_ms),
                "brand": m.brand, "lang": m.lang, "views": m.views, "shares": m.shares,
                "author": {"id": m.author_id, "followers": m.author_followers},
            }  # fmt: skip
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    with Replay(ReplayParams(str(path), lang=lang), lambda: START_MS) as run:
        for _ in run:
            pass
        found = run.incidents()
    assert len(found) == 1
    incident, plan = found[0]
    assert incident.level_max.label in ("orange", "rouge")
    assert 0 <= incident.opened_at_ms - START_MS <= 60 * 60_000
    assert plan is not None
    assert plan.playbook == scenario.expects, plan.reason
