"""The table of phases and triggers: total where it must be, and no way around it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.batch import Batch, Command
from engine.domain.incident import ACTIVE_PHASES, CLOSED_PHASES, TRANSITIONS, Incident, Phase, Trigger
from tests.infra.fakes import MINUTE_MS, START_MS, Recorder, make_engine, mention

NOW_MS = START_MS + 400 * 86_400_000


@given(st.lists(st.sampled_from(list(Trigger)), max_size=40))
def test_any_run_of_triggers_stays_in_the_table(triggers):
    phase = None
    opened = False
    for trigger in triggers:
        after = TRANSITIONS.get((phase, trigger), phase)
        if after in ACTIVE_PHASES and phase not in ACTIVE_PHASES:
            assert trigger is Trigger.ALARM, "only an alarm opens"
        opened |= after is Phase.OPEN
        if opened:
            assert after is not None, "what was opened is never forgotten"
            assert after is not Phase.SUSPECTED
        phase = after


def test_an_alarm_is_heard_in_every_phase_but_a_rejected_one():
    for phase in [None, *Phase]:
        if phase is not Phase.FALSE_ALARM:
            assert TRANSITIONS[phase, Trigger.ALARM] in ACTIVE_PHASES


def test_every_open_phase_can_be_closed_by_a_person():
    for phase in ACTIVE_PHASES:
        assert TRANSITIONS[phase, Trigger.RESOLVE] is Phase.RESOLVED
        assert TRANSITIONS[phase, Trigger.REJECT] is Phase.FALSE_ALARM


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("bin"), st.integers(0, 9), st.integers(1, 200)),
            st.tuples(st.sampled_from(["ack", "contain", "resolve", "reject", "note"]), st.just(0), st.just(0)),
        ),
        max_size=25,
    )
)
def test_whatever_happens_an_incident_is_whole(moves):
    """Storms of any size at any time, people doing anything in between: records stay coherent."""
    engine, recorder, minute = make_engine(watch_s=86_400), Recorder(), 0
    for kind, size, gap in moves:
        if kind == "bin":
            minute += gap
            batch = Batch(mentions=tuple(mention(minute, k, f"panne {k}") for k in range(size)))
        else:
            known = next(iter(recorder.incidents), "inc-none")
            batch = Batch(commands=(Command(1, kind, known, "Camille", "", START_MS + minute * MINUTE_MS),))
        recorder.apply(engine.step(batch, NOW_MS))
    for incident in recorder.incidents.values():
        check(incident)
    assert len({a.alert.key for a in recorder.alerts.values()}) == len(recorder.alerts)


def check(incident: Incident) -> None:
    assert incident.levels, "what is recorded has reached open"
    assert incident.phase is not Phase.SUSPECTED
    assert (incident.closed_at_ms is not None) == (incident.phase in CLOSED_PHASES)
    assert incident.since_ms <= incident.opened_at_ms
    assert all(change.reasons for change in incident.levels)
    assert incident.timeline
    assert incident.playbook == "generic"
