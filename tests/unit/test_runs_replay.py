"""A storm replayed with settings has its run, by the mentions' own clock, and calls nobody for the past."""

from __future__ import annotations

from pathlib import Path

from engine.domain.run import RunPhase
from ops.app import engine_config
from ops.replaying import Replay, ReplayParams
from ops.settings import load_settings
from ops.store import Store
from ops.store.store import wall_clock_ms
from tests.infra.fakes import START_MS, storm, synthetic
from tests.infra.service import record


def test_a_replay_leaves_the_run_as_it_would_have_been(tmp_path: Path) -> None:
    angry = [m for m in storm(minutes=2_870, at=2_800, lasts=45, size=6) if "panne" in m.text]
    whole = sorted([*synthetic(4, per_hour=12), *angry], key=lambda m: (m.created_at_ms, m.id))
    scored = [m._replace(sentiment=-0.9 if "panne" in m.text or "nul" in m.text else 0.4) for m in whole]
    (tmp_path / "m.ndjson").write_bytes(b"\n".join(map(record, scored)) + b"\n")
    (tmp_path / "vigie.yaml").write_text(
        "database: vigie.db\nlang: en\nincidents: {calm_s: 3600, stand_down_s: 7200}\n"
        "freeze: {url: 'https://posts.example'}\ndetection: {bin_s: 60, lateness_s: 120}\n", encoding="utf-8"
    )  # fmt: skip
    settings = load_settings(tmp_path / "vigie.yaml")
    assert engine_config(settings).lang == "en"
    with Replay(ReplayParams(str(tmp_path / "m.ndjson"), settings), wall_clock_ms) as replay:
        for _ in replay:
            pass
    with Store.open(tmp_path / "vigie.db") as store:
        (run,) = store.runs.all()
        (incident,) = store.incidents()
        events = store.runs.timeline(run.incident_id)
        assert run.started_at_ms == incident.opened_at_ms
        assert START_MS < run.started_at_ms < START_MS + 3 * 86_400_000
        kinds = [event.kind for event in events]
        assert kinds[0] == "started"
        assert "overdue" in kinds
        assert kinds.index("contained") < kinds.index("closing")
        assert run.phase is RunPhase.CLOSING
        assert store.runs.asks(run.incident_id) == []
        assert store.runs.due(wall_clock_ms()) == [], "a service that comes later tells nobody of it"
        late = [e for e in events if e.kind == "overdue" and e.step == "acknowledge"]
        jaune, orange = incident.levels[:2]
        assert (jaune.level.label, orange.level.label) == ("jaune", "orange")
        expected_ms = min(jaune.at_ms + 15 * 60_000, orange.at_ms + 5 * 60_000)
        assert [event.at_ms for event in late] == [expected_ms], "the level rose, the clock tightened"
