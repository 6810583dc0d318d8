"""What a case tells the planner: the brand's earlier crises, who speaks, the playbook that is being followed."""

from __future__ import annotations

from typing import Any

import pytest

from engine.core.engine import Engine
from engine.domain.batch import Batch, Command
from engine.domain.incident import Level
from tests.infra.fakes import MINUTE_MS, START_MS, OnePlaybook, Recorder, make_engine, mention

DAY = 1_440
NOW_MS = START_MS + 2_000 * 86_400_000


def replay(engine: Engine, mentions: list[Any], size: int = 50) -> Recorder:
    """The mentions in steps, and the end of the source."""
    recorder = Recorder()
    for at in range(0, len(mentions), size):
        recorder.apply(engine.step(Batch(mentions=tuple(mentions[at : at + size])), NOW_MS))
    recorder.apply(engine.step(Batch(end=True), NOW_MS))
    return recorder


def wave(start: int, minutes: int = 10, size: int = 12) -> list[Any]:
    """Angry minutes, every message from another author."""
    return [
        mention(m + k / 100, k + 1, f"panne {m} {k}", author_id=f"a{m}-{k}")
        for m in range(start, start + minutes)
        for k in range(size)
    ]


@pytest.mark.parametrize(("minutes", "earlier"), [(10, 1), (2, 0)])
def test_an_earlier_crisis_counts_and_a_small_one_does_not(minutes: int, earlier: int) -> None:
    planner = OnePlaybook()
    recorder = replay(make_engine(planner=planner, watch_s=3_600), [*wave(100, minutes), *wave(5_000)], size=200)
    first, second = sorted(recorder.incidents.values(), key=lambda incident: incident.ordinal)
    assert (first.level_max >= Level.ORANGE) == bool(earlier)
    asked = [request for request in planner.requests if request.incident_id == second.id]
    assert {request.earlier_incidents for request in asked} == {earlier}
    assert {r.earlier_incidents for r in planner.requests if r.incident_id == first.id} == {0}


def test_a_false_alarm_is_no_history() -> None:
    planner = OnePlaybook()
    engine = make_engine(planner=planner, watch_s=3_600)
    recorder = replay(engine, wave(100), size=200)
    (incident,) = recorder.incidents.values()
    engine.step(Batch(commands=(Command(1, "reject", incident.id, "Camille", "", START_MS + 120 * MINUTE_MS),)), NOW_MS)
    replay(engine, wave(5_000), size=200)
    assert {request.earlier_incidents for request in planner.requests} == {0}


def test_history_outlives_a_restart_and_fades_after_two_years() -> None:
    for gap_days, earlier in ((30, 1), (800, 0)):
        before, after = OnePlaybook(), OnePlaybook()
        engine = make_engine(planner=before, watch_s=3_600)
        recorder = replay(engine, [*wave(100), *[mention(4_000 + i, 0, "Rien à dire") for i in range(0, 400, 5)]])
        again = make_engine(planner=after, watch_s=3_600)
        again.restore(recorder.state, recorder.incidents, recorder.plans)
        replay(again, wave(gap_days * DAY), size=200)
        assert {request.earlier_incidents for request in after.requests} == {earlier}


def test_the_planner_is_told_who_speaks_and_what_it_follows() -> None:
    planner = OnePlaybook()
    recorder: Recorder = replay(make_engine(planner=planner), wave(100), size=50)
    assert recorder.incidents
    assert planner.requests[0].current is None
    assert planner.requests[0].authors >= 5
    assert all(request.current == "generic" for request in planner.requests[1:])
