"""Runs in the store: begun and changed with the effects, ticked, acted on, and what they ask for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.domain.effects import IncidentSaved, PlanMade
from engine.domain.errors import DeliveryError, InputError
from engine.domain.incident import Level, LevelChange, Phase, TimelineEntry
from engine.domain.playbook import Plan, PlanRole, Step
from engine.domain.run import FreezePosts, FreezeState, Page, Run, RunPhase, StepState
from ops.run_asks import RETRY_MS, Asks, FreezeHook
from ops.runs import RunKeeper, RunRules
from ops.store import Store, tables
from playbooks.running import Act
from tests.infra.sample_alerts import T0, incident

MINUTE_MS = 60_000
ID = incident().id
ROLES = (
    PlanRole("community_manager", "CM", "incident_lead"), PlanRole("legal", "Legal", "decision_maker"),
    PlanRole("incident_lead", "Lead", "decision_maker"),
)  # fmt: skip


def plan(level: Level = Level.ORANGE, playbook: str = "outage", **changes: object) -> Plan:
    cm, ack = "community_manager", 15 if level is Level.JAUNE else 5
    steps = (
        Step("acknowledge", "", ack, "Take it", "a name", role_id=cm, clock="acknowledge"),
        Step("freeze_posts", "", 30, "Freeze", "frozen", ("acknowledge",), cm, "freeze", action="freeze"),
        Step("legal_check", "", 40, "Read", "read", ("acknowledge",), "legal"),
        Step("holding_line", "", 60, "Post", "posted", ("legal_check",), cm, "holding_line", publishes="holding"),
        Step("situation_report", "", 60, "Report", "sent", (), "incident_lead", "situation_report", 60),
    )
    closing = (Step("debrief", "", 7_200, "Review", "held", role_id="incident_lead", clock="debrief"),)
    found = Plan(playbook, "Outage", "why", None, "", steps, (), (), level=level, roles=ROLES, closing=closing)
    return replace(found, **changes)  # type: ignore[arg-type]


class World:
    """A store, a keeper and a clock."""

    def __init__(self, store: Store, rules: RunRules) -> None:
        self.store, self.now_ms = store, T0
        self.keeper = RunKeeper(store, rules, lambda: self.now_ms)
        store.also(self.keeper.on_effects)
        self.incident = incident(Level.ORANGE)

    def later(self, minutes: float) -> None:
        self.now_ms += int(minutes * MINUTE_MS)

    def open(self, made: Plan | None = None) -> Run:
        made = made or plan()
        self.store.apply([PlanMade(ID, self.now_ms, made), IncidentSaved(self.incident)])
        return self.run

    def turn(self, phase: Phase, *entries: TimelineEntry, waves: int = 1, made: Plan | None = None) -> Run:
        self.incident = replace(
            self.incident, phase=phase, waves=waves, timeline=(*self.incident.timeline, *entries)
        )  # fmt: skip
        effects = [IncidentSaved(self.incident)]
        self.store.apply([PlanMade(ID, self.now_ms, made), *effects] if made else effects)
        return self.run

    @property
    def run(self) -> Run:
        found = self.store.runs.run(ID)
        assert found is not None
        return found

    def state(self, step_id: str) -> StepState:
        step = self.run.step(step_id)
        assert step is not None
        return step.state

    def act(self, name: str, step: str = "", text: str = "", actor: str = "Camille") -> Run:
        return self.keeper.act(ID, Act(name, actor, step, text))

    def kinds(self) -> list[str]:
        return [event.kind for event in self.store.runs.timeline(ID)]


@pytest.fixture
def world() -> Iterator[World]:
    with Store.temporary() as store:
        yield World(store, RunRules(lang="en"))


@pytest.fixture
def freezer() -> Iterator[World]:
    with Store.temporary() as store:
        yield World(store, RunRules(lang="en", can_freeze=True, freeze_from=Level.ORANGE))


def test_a_run_begins_with_its_plan_in_the_same_transaction(world: World) -> None:
    run = world.open()
    assert (run.playbook, run.level, run.started_at_ms, run.exercise) == ("outage", Level.ORANGE, T0, False)
    assert world.state("acknowledge") is StepState.DUE
    assert world.state("holding_line") is StepState.WAITING
    assert world.kinds() == ["started"]
    world.store.apply([IncidentSaved(world.incident)])
    assert world.kinds() == ["started"], "an incident saved again tells nothing"


def test_nothing_is_kept_when_the_step_fails(world: World) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("killed")

    world.store.also(broken)
    with pytest.raises(RuntimeError):
        world.open()
    assert world.store.runs.run(ID) is None
    assert world.store.plan(ID) is None


def test_who_takes_the_incident_has_done_the_first_step(world: World) -> None:
    world.open()
    world.later(3)
    world.turn(Phase.ACKNOWLEDGED, TimelineEntry(world.now_ms, "Camille", "ack", "Taken"))
    step = world.run.step("acknowledge")
    assert step is not None
    assert (step.state, step.owner) == (StepState.DONE, "Camille")
    assert world.state("freeze_posts") is StepState.DUE


def test_overdue_steps_are_told_once_and_after_a_restart(world: World) -> None:
    world.open()
    world.later(300)  # nobody ticked: the service was down
    again = RunKeeper(world.store, RunRules(lang="en"), lambda: world.now_ms)
    assert again.tick() == 1
    assert again.tick() == 0
    assert world.keeper.tick() == 0
    late = [event for event in world.store.runs.timeline(ID) if event.kind == "overdue"]
    assert [(event.step, (event.at_ms - T0) // MINUTE_MS) for event in late] == [
        ("acknowledge", 5), ("freeze_posts", 30), ("legal_check", 40), ("holding_line", 60), ("situation_report", 60),
    ]  # fmt: skip
    pages = [stored.ask for stored in world.store.runs.asks(ID)]
    assert [(p.role, p.key) for p in pages if isinstance(p, Page)][:2] == [
        ("community_manager", f"{ID}:acknowledge:overdue:1"), ("incident_lead", f"{ID}:acknowledge:escalated:1"),
    ]  # fmt: skip


def test_a_rising_level_tightens_and_keeps_what_is_done(world: World) -> None:
    world.incident = incident(Level.JAUNE)
    world.open(plan(Level.JAUNE))
    world.later(4)
    world.act("done", "acknowledge")
    world.later(16)
    world.incident = replace(
        world.incident, levels=(*world.incident.levels, LevelChange(world.now_ms, Level.ROUGE, ()))
    )
    run = world.turn(Phase.ACKNOWLEDGED, made=plan(Level.ROUGE))
    due = {step.id: (step.due_at_ms - T0) // MINUTE_MS for step in run.steps}
    assert due["freeze_posts"] == 30, "what was promised for 30 minutes is not put off to 50"
    assert due["holding_line"] == 60
    assert world.state("acknowledge") is StepState.DONE
    assert "raised" in world.kinds()


def test_another_playbook_leaves_out_what_it_does_not_ask_for(world: World) -> None:
    world.open()
    made = plan(playbook="data_leak", steps=plan().steps[:1], reason="leak", duties=("rgpd_notice",))
    run = world.turn(Phase.OPEN, made=made)
    assert world.state("holding_line") is StepState.SKIPPED
    notice = run.step("rgpd_notice")
    assert notice is not None
    assert notice.due_at_ms - T0 == 72 * 60 * MINUTE_MS
    back = world.turn(Phase.OPEN, made=plan())
    assert world.state("holding_line") is StepState.WAITING
    assert back.step("rgpd_notice") == notice, "the hours of the law go on"


def test_stand_down_closes_and_the_review_is_due_in_five_working_days(world: World) -> None:
    world.open()
    world.later(60 * 30)
    world.turn(Phase.CONTAINED)
    assert world.state("situation_report") is StepState.SKIPPED
    assert world.state("holding_line") is StepState.WAITING
    run = world.turn(Phase.RESOLVED)
    assert (run.phase, world.state("holding_line")) == (RunPhase.CLOSING, StepState.SKIPPED)
    review = run.step("debrief")
    assert review is not None
    assert review.due_at_ms == 1_764_349_200_000  # Friday 28 November 2025, 18:00 in Paris; stood down on Saturday
    world.act("done", "debrief")
    assert world.run.phase is RunPhase.ENDED
    with pytest.raises(InputError, match="closed"):
        world.act("done", "debrief")


def test_a_second_wave_begins_the_playbook_again(world: World) -> None:
    world.open()
    world.act("done", "acknowledge")
    world.turn(Phase.RESOLVED)
    world.later(600)
    run = world.turn(Phase.OPEN, waves=2, made=plan())
    assert (run.phase, run.wave) == (RunPhase.CRISIS, 2)
    assert world.state("acknowledge") is StepState.DONE
    assert world.state("acknowledge-2") is StepState.DUE
    holding = run.step("holding_line-2")
    assert holding is not None
    assert holding.after == ("legal_check-2",)
    world.act("done", "acknowledge")  # by its name alone: the one that is open
    assert world.state("acknowledge-2") is StepState.DONE


def test_a_false_alarm_stops_everything(world: World) -> None:
    world.open()
    run = world.turn(Phase.FALSE_ALARM)
    assert run.phase is RunPhase.ENDED
    assert not [step for step in run.steps if step.is_open]
    world.later(1_000)
    assert world.keeper.tick() == 0


def test_reports_come_again_on_their_own_grid(world: World) -> None:
    world.open()
    world.later(55)
    world.act("done", "situation_report")
    second = world.run.step("situation_report.2")
    assert second is not None
    assert (second.due_at_ms - T0) // MINUTE_MS == 120
    world.later(200)  # at 255: two rounds were missed
    world.act("done", "situation_report")
    third = world.run.step("situation_report.3")
    assert third is not None
    assert (third.due_at_ms - T0) // MINUTE_MS == 300


def test_acts_are_refused_with_the_reason(world: World) -> None:
    world.open()
    with pytest.raises(InputError, match="holding_line still waits for: legal_check"):
        world.act("claim", "holding_line")
    with pytest.raises(InputError, match="no step 'holding'; there are: acknowledge, freeze_posts"):
        world.act("done", "holding")
    with pytest.raises(InputError, match="write why"):
        world.act("skip", "legal_check", "  ")
    with pytest.raises(InputError, match="nobody has taken acknowledge"):
        world.act("release", "acknowledge")
    world.act("done", "acknowledge")
    with pytest.raises(InputError, match="acknowledge is closed already"):
        world.act("done", "acknowledge")
    with pytest.raises(InputError, match="no webhook is set"):
        world.act("freeze")
    with pytest.raises(InputError, match="no playbook runs"):
        world.keeper.act("inc-other", Act("claim", "Camille", "x"))


def test_legal_that_stays_silent_may_be_passed_over(world: World) -> None:
    world.open()
    with pytest.raises(InputError, match="legal was not asked"):
        world.act("release_holding")
    world.act("done", "acknowledge")  # legal_check can begin: legal is asked
    world.later(12)
    with pytest.raises(InputError, match="legal has 20 minutes to answer; 8 are left"):
        world.act("release_holding")
    world.later(8)
    world.keeper.tick()
    assert "legal_silent" in world.kinds()
    assert [a.ask.role for a in world.store.runs.asks(ID) if isinstance(a.ask, Page)][-1] == "decision_maker"
    run = world.act("release_holding", actor="Inès")
    assert run.released_by == "Inès"
    assert world.state("legal_check") is StepState.SKIPPED
    assert world.state("holding_line") is StepState.DUE


def test_legal_that_answers_stops_its_clock(world: World) -> None:
    world.open()
    world.act("done", "acknowledge")
    world.act("claim", "legal_check", actor="Maître Lenoir")
    world.later(30)
    world.keeper.tick()
    assert "legal_silent" not in world.kinds()


def test_silence_takes_back_what_would_be_posted(world: World) -> None:
    world.open(plan(silence="A raid → keep the evidence"))
    assert world.state("holding_line") is StepState.SKIPPED
    world.turn(Phase.OPEN, made=plan())
    assert world.state("holding_line") is StepState.WAITING
    assert [kind for kind in world.kinds() if kind in ("silence", "answer")] == ["silence", "answer"]


class Hook(FreezeHook):
    """Answers as it is told."""

    def __init__(self, *failures: DeliveryError) -> None:
        super().__init__("https://posts.example")
        object.__setattr__(self, "calls", [])
        object.__setattr__(self, "failures", list(failures))

    def send(self, ask: FreezePosts, now_ms: int) -> None:
        self.calls.append((ask.on, ask.key))  # type: ignore[attr-defined]
        if self.failures:  # type: ignore[attr-defined]
            raise self.failures.pop(0)  # type: ignore[attr-defined]


def test_posts_are_frozen_by_itself_and_go_again_at_the_stand_down(freezer: World) -> None:
    freezer.open()
    assert freezer.run.freeze is FreezeState.NONE
    freezer.act("done", "acknowledge")
    assert freezer.run.freeze is FreezeState.ASKED
    hook = Hook(DeliveryError("posts.example: answered 503"))
    asks = Asks(freezer.store, freezer.keeper, lambda: freezer.now_ms, hook)
    asks.work_off()
    assert freezer.run.freeze is FreezeState.ASKED
    freezer.now_ms += RETRY_MS[0]
    asks.work_off()
    assert freezer.run.freeze is FreezeState.FROZEN
    assert freezer.state("freeze_posts") is StepState.DONE
    freezer.turn(Phase.RESOLVED)
    asks.work_off()
    assert freezer.run.freeze is FreezeState.THAWED
    assert [on for on, _ in hook.calls] == [True, True, False]  # type: ignore[attr-defined]
    assert hook.calls[0][1] == hook.calls[1][1]  # type: ignore[attr-defined]
    assert [k for k in freezer.kinds() if "thaw" in k or "fr" in k] == [
        "freeze_asked",
        "frozen",
        "thaw_asked",
        "thawed",
    ]


def test_a_freeze_that_fails_for_good_calls_a_person(freezer: World) -> None:
    freezer.open()
    freezer.act("done", "acknowledge")
    Asks(freezer.store, freezer.keeper, lambda: freezer.now_ms, Hook(DeliveryError("no", retry=False))).work_off()
    assert freezer.run.freeze is FreezeState.FAILED
    assert freezer.state("freeze_posts") is StepState.DUE
    last = freezer.store.runs.asks(ID)[-1].ask
    assert isinstance(last, Page)
    assert "by hand" in last.text


def test_an_exercise_never_calls_the_webhook(freezer: World) -> None:
    freezer.incident = incident(Level.ORANGE, exercise=True)
    freezer.open()
    freezer.act("done", "acknowledge")
    hook = Hook()
    Asks(freezer.store, freezer.keeper, lambda: freezer.now_ms, hook).work_off()
    assert hook.calls == []  # type: ignore[attr-defined]
    assert freezer.run.exercise
    assert all(stored.ask.exercise for stored in freezer.store.runs.asks(ID))


def test_incidents_of_an_earlier_release_get_their_runs(world: World) -> None:
    with Store.temporary() as store:
        store.apply([PlanMade(ID, T0, plan()), IncidentSaved(incident(Level.ORANGE))])
        keeper = RunKeeper(store, RunRules(lang="en"), lambda: T0)
        assert keeper.adopt() == 1
        assert keeper.adopt() == 0
        assert store.runs.run(ID) is not None


def test_facts_are_approved_once_and_a_newer_proposal_waits(world: World) -> None:
    world.open()
    with pytest.raises(InputError, match="no proposal waits"):
        world.keeper.approve(ID, "since", "Inès")
    world.keeper.propose(ID, "since", "10:40", "Camille")
    assert world.store.runs.approved(ID) == {}
    fact = world.keeper.approve(ID, "since", "Inès")
    assert (fact.approved_by, world.store.runs.approved(ID)) == ("Inès", {"since": "10:40"})
    with pytest.raises(InputError, match="no proposal waits"):
        world.keeper.approve(ID, "since", "Noé")
    world.keeper.propose(ID, "since", "10:20", "Camille")
    assert world.store.runs.approved(ID) == {"since": "10:40"}
    assert [(f.value, f.approved_by) for f in world.store.runs.facts(ID)] == [("10:40", "Inès"), ("10:20", None)]
    world.keeper.approve(ID, "since", "Noé")
    assert world.store.runs.approved(ID) == {"since": "10:20"}
    assert world.kinds().count("fact_approved") == 2
    with pytest.raises(InputError, match="an empty value"):
        world.keeper.propose(ID, "since", " ", "Camille")


@pytest.mark.parametrize("value", ["⟦since⟧", "10:40\x1b[31m", "10:40\u202e", "10:40\nBcc: x", "a" * 1_001])
def test_a_fact_is_plain_words(world: World, value: str) -> None:
    world.open()
    with pytest.raises(InputError, match="since: "):
        world.keeper.propose(ID, "since", value, "Camille")
    assert world.store.runs.facts(ID) == ()


def test_a_stale_timer_is_put_right(world: World) -> None:
    world.open()
    with world.store.runs.transaction() as connection:
        connection.execute(tables.runs.update().values(next_due_ms=1))
    assert world.keeper.tick() == 1
    assert world.store.runs.next_due_ms() == T0 + 5 * MINUTE_MS
    assert world.kinds() == ["started"]
