"""Runs under random acts, plans and ticks: what must hold whatever people do and whenever time is told."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.errors import InputError
from engine.domain.incident import Level
from engine.domain.playbook import Plan, PlanRole, Step
from engine.domain.run import MINUTE_MS, STEP_TRANSITIONS, Outcome, Page, Run, RunPhase, StepState, StepTrigger
from playbooks.running import Act, Opening, act, close, contain, next_due_ms, reject, relevel, replan, start, tick

ROLES = tuple(PlanRole(name, name.title(), "incident_lead") for name in ("community_manager", "legal", "scribe"))
IDS = ("acknowledge", "qualify", "freeze_posts", "legal_check", "holding_line", "situation_report", "position", "x")


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """A plan without cycles: a step waits for earlier ones only."""
    level = draw(st.sampled_from([Level.JAUNE, Level.ORANGE, Level.ROUGE]))
    ids = draw(st.lists(st.sampled_from(IDS), unique=True, min_size=1))
    steps = tuple(
        Step(
            name, "", draw(st.integers(0, 300)), name, "done",
            after=tuple(draw(st.lists(st.sampled_from(ids[:i]), unique=True, max_size=2))) if i else (),
            role_id="legal" if name == "legal_check" else draw(st.sampled_from(ROLES)).id,
            clock=name if name in ("acknowledge", "qualify", "holding_line", "situation_report") else None,
            every_min={Level.ORANGE: 60, Level.ROUGE: 30}.get(level, 0) if name == "situation_report" else 0,
            action="freeze" if name == "freeze_posts" else None,
            publishes="holding" if name == "holding_line" else None,
        )
        for i, name in enumerate(ids)
    )  # fmt: skip
    closing = (Step("debrief", "", 7200, "Review", "held", role_id="scribe"),)
    return Plan(
        draw(st.sampled_from(["outage", "raid"])), "T", "why", None, "", steps, (), (), level=level, roles=ROLES,
        silence=draw(st.sampled_from(["", "", "raid → keep still"])), closing=closing,
        duties=draw(st.sampled_from([(), ("rgpd_notice",)])),
    )  # fmt: skip


NAMES = ("claim", "release", "done", "skip", "ask_legal", "legal_answered", "release_holding", "freeze", "frozen",
         "freeze_failed", "unfreeze", "thawed", "thaw_failed")  # fmt: skip
ACTS = st.builds(Act, st.sampled_from(NAMES), st.sampled_from(["Camille", "Noé"]), st.sampled_from(IDS), st.just("why"))
MOVES = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.one_of(
            ACTS, ACTS, ACTS, plans(), st.just("tick"), st.sampled_from(["contain", "close", "reject", "wave"]),
            st.sampled_from(list(Level)),
        ),
    ),
    max_size=25,
)  # fmt: skip


def moved(run: Run, what: object, now_ms: int, last: Plan) -> Outcome | None:
    """The outcome of one move; None when it was refused."""
    if isinstance(what, Act):
        try:
            return act(run, what, now_ms)
        except InputError:
            return None
    if isinstance(what, Plan):
        return replan(run, what, now_ms, run.wave)
    if isinstance(what, Level):
        return relevel(run, what, now_ms)
    if what == "wave":
        return replan(run, last, now_ms, run.wave + 1)
    if what == "close":
        return close(run, last.closing, now_ms)
    return {"contain": contain, "reject": reject, "tick": tick}[str(what)](run, now_ms)


def check_step(before: Run, after: Run, revivable: set[str]) -> None:
    known = {step.id: step for step in after.steps}
    assert len(known) == len(after.steps), "ids are unique"
    for old in before.steps:
        new = known[old.id]  # nothing is ever forgotten
        if old.state is StepState.DONE:
            assert new.state is StepState.DONE, "a done step never reopens"
        if old.state is StepState.SKIPPED and new.state is not StepState.SKIPPED:
            assert old.owner == "vigie", "what a person left out stays out"
        if old.overdue_at_ms is not None:
            assert new.overdue_at_ms == old.overdue_at_ms, "told once"
            assert new.due_at_ms == old.due_at_ms, "what is overdue is never loosened"
        elif old.is_open and new.is_open and old.id not in revivable:
            assert new.due_at_ms <= old.due_at_ms, "clocks only tighten"
        if new.state is StepState.CLAIMED and old.state is not StepState.CLAIMED:
            assert old.state is StepState.DUE or all(not known[name].is_open for name in old.after if name in known)
    for step in after.steps:
        if step.state in (StepState.CLAIMED, StepState.DUE):
            waits = [name for name in step.after if name in known and known[name].is_open]
            revived = [name for name in waits if known[name].changed_at_ms >= step.changed_at_ms]
            assert waits == revived, "nothing begins before what it waits for"


@settings(max_examples=300, deadline=None)
@given(plans(), MOVES)
def test_whatever_people_do(plan: Plan, moves: list[tuple[int, object]]) -> None:
    now_ms, last = 1_000_000, plan
    outcome = start(plan, Opening("i1", "Nordalia", "fr", now_ms))
    run, told, asked = outcome.run, list(outcome.events), list(outcome.asks)
    for minutes, what in moves:
        now_ms += minutes * MINUTE_MS
        due_ms = next_due_ms(run)
        outcome_or_none = moved(run, what, now_ms, last)
        if isinstance(what, Plan):
            last = what
        if outcome_or_none is None:
            continue
        outcome = outcome_or_none
        check_step(run, outcome.run, {e.step for e in outcome.events if e.kind == "revived"})
        assert all(event.at_ms <= now_ms for event in outcome.events)
        assert [e.at_ms for e in outcome.events] == sorted(e.at_ms for e in outcome.events)
        if due_ms is not None and due_ms <= now_ms:
            assert outcome.events, "what is due is told"
        coming = next_due_ms(outcome.run)
        new_steps_at_once = isinstance(what, Plan | Level) or what in ("wave", "close")
        assert coming is None or coming >= now_ms + (not new_steps_at_once), "a tick leaves nothing behind"
        run, told, asked = outcome.run, told + list(outcome.events), asked + list(outcome.asks)
    for kind in ("overdue", "escalated"):
        steps = [event.step for event in told if event.kind == kind]
        assert len(steps) == len(set(steps)), "each told once"
    keys = [ask.key for ask in asked if isinstance(ask, Page)]
    assert len(keys) == len(set(keys))
    if run.phase is RunPhase.ENDED:
        assert not any(step.is_open for step in run.steps)


@settings(max_examples=200, deadline=None)
@given(plans(), st.lists(st.integers(0, 10_000), min_size=1, max_size=6), st.booleans())
def test_the_order_of_ticks_changes_nothing(plan: Plan, minutes: list[int], closing: bool) -> None:
    run = start(plan, Opening("i1", "Nordalia", "en", 0)).run
    if closing:
        run = close(run, (replace_clock(), *plan.closing), 0).run
    times = sorted(m * MINUTE_MS for m in minutes)
    once = tick(run, times[-1])
    events, asks, many = [], [], run
    for at_ms in times:
        outcome = tick(many, at_ms)
        many, events, asks = outcome.run, [*events, *outcome.events], [*asks, *outcome.asks]
    assert (many, tuple(events), tuple(asks)) == tuple(once)
    assert tick(once.run, times[-1]) == Outcome(once.run)


def replace_clock() -> Step:
    return Step("second_wave_watch", "", 10_080, "Watch", "calm", role_id="scribe", clock="second_wave_watch")


@settings(max_examples=200, deadline=None)
@given(plans(), st.integers(0, 200))
def test_the_same_plan_again_changes_nothing(plan: Plan, minutes: int) -> None:
    run = tick(start(plan, Opening("i1", "Nordalia", "fr", 0)).run, minutes * MINUTE_MS).run
    again = replan(run, plan, minutes * MINUTE_MS)
    assert again.run == run
    assert again.events == ()


@settings(max_examples=100, deadline=None)
@given(plans())
def test_every_overdue_step_is_told_once_after_a_long_sleep(plan: Plan) -> None:
    run = start(replace(plan, silence=""), Opening("i1", "Nordalia", "fr", 0)).run
    slept = tick(run, 10**12)
    late = sorted(event.step for event in slept.events if event.kind == "overdue")
    assert late == sorted(step.id for step in run.steps)
    assert tick(slept.run, 10**13).events == ()


@given(st.lists(st.sampled_from(list(StepTrigger)), max_size=30))
def test_any_triggers_stay_in_the_table(triggers: list[StepTrigger]) -> None:
    state: StepState | None = None
    for trigger in triggers:
        after = STEP_TRANSITIONS.get((state, trigger), state)
        if state is StepState.DONE:
            assert after is StepState.DONE
        if after is StepState.CLAIMED and state is not StepState.CLAIMED:
            assert state is StepState.DUE
        state = after
