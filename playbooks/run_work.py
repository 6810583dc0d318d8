"""A run in the making: what the acts, the timers and the plans of `playbooks.running` are built of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.domain.run import (
    MINUTE_MS,
    ROUNDS_MAX,
    STEP_TRANSITIONS,
    Ask,
    FreezePosts,
    FreezeState,
    Outcome,
    Page,
    Run,
    RunEvent,
    RunPhase,
    RunStep,
    StepState,
    StepTrigger,
)
from playbooks.run_words import said

VIGIE = "vigie"
LEGAL, APPROVER = "legal", "decision_maker"


class Work:
    """A run in the making, with what it told and asked so far."""

    def __init__(self, run: Run, at_ms: int) -> None:
        self.run, self.at_ms = run, at_ms
        self.events: list[RunEvent] = []
        self.asks: list[Ask] = []

    def outcome(self) -> Outcome:
        return Outcome(self.run, tuple(self.events), tuple(self.asks))

    def say(self, kind: str, *args: object, actor: str = VIGIE, step: str = "", key: str = "") -> None:
        text = said(self.run.lang, key or kind, *args)
        self.events.append(RunEvent(self.run.incident_id, self.at_ms, actor, kind, step, text))

    def step(self, step_id: str) -> RunStep:
        """The step of that id, which is known to be there."""
        return next(step for step in self.run.steps if step.id == step_id)

    def set(self, step: RunStep) -> None:
        steps = tuple(step if known.id == step.id else known for known in self.run.steps)
        self.run = replace(self.run, steps=steps)

    def move(self, step: RunStep, trigger: StepTrigger, actor: str = VIGIE, reason: str = "") -> RunStep:
        """The step after the trigger, by the table. LAPSE and ESCALATE don't change who has it or since when."""
        state = STEP_TRANSITIONS[step.state, trigger]
        moved = step
        if trigger not in (StepTrigger.LAPSE, StepTrigger.ESCALATE):
            owner = "" if state in (StepState.WAITING, StepState.DUE) else actor
            moved = step._replace(state=state, owner=owner, reason=reason, changed_at_ms=self.at_ms)
        self.set(moved)
        return moved

    def page(self, key: str, step: RunStep | None, role: str, text: str, person: str = "") -> None:
        run = self.run
        full = f"{run.incident_id}:{step.id if step else 'run'}:{key}:{run.wave}"
        clock = step.clock if step else None
        self.asks.append(Page(full, run.incident_id, role, text, self.at_ms, run.exercise, clock, person))

    def call_webhook(self, *, on: bool) -> None:
        run = self.run
        key = f"{run.incident_id}:{'freeze' if on else 'thaw'}:{self.at_ms}"
        self.asks.append(FreezePosts(key, run.incident_id, run.brand, on, self.at_ms, run.exercise))


def step_id_of(base: str, wave: int, round_: int = 1) -> str:
    return base + (f"-{wave}" if wave > 1 else "") + (f".{round_}" if round_ > 1 else "")


def newest(run: Run, base: str) -> RunStep | None:
    mine = [step for step in run.steps if step.base == base]
    return max(mine, key=lambda step: (step.wave, step.round)) if mine else None


def drop(work: Work, which: Callable[[RunStep], bool], why: str) -> None:
    reason = said(work.run.lang, why)
    for step in work.run.steps:
        if step.is_open and which(step):
            work.move(step, StepTrigger.SKIP, reason=reason)
            work.say("skipped", step.title, reason, step=step.id)


def ready(work: Work, *, tell: bool = False) -> None:
    """Steps whose dependencies are closed can be done; legal's clock starts with the first that is legal's."""
    closed = {step.id for step in work.run.steps if not step.is_open}
    present = {step.id for step in work.run.steps}
    legal = {step.id for step in holding_up(work.run)}
    for step in work.run.steps:
        if step.state is StepState.WAITING and all(name in closed or name not in present for name in step.after):
            work.move(step, StepTrigger.READY)
            if tell and step.round == 1:
                work.say("due", step.title, step=step.id)
            if step.id in legal and work.run.legal_asked_at_ms is None:
                work.run = replace(work.run, legal_asked_at_ms=work.at_ms)
                work.say("legal_asked", step=step.id)
    if work.run.phase is RunPhase.CLOSING and not any(step.is_open for step in work.run.steps):
        work.run = replace(work.run, phase=RunPhase.ENDED, ended_at_ms=work.at_ms)
        work.say("ended")


def next_round(work: Work, step: RunStep) -> None:
    """What repeats comes again at the next point of its own grid that lies ahead."""
    if not step.every_min or work.run.phase is not RunPhase.CRISIS or step.round >= ROUNDS_MAX:
        return
    every_ms = step.every_min * MINUTE_MS
    missed = max(0, work.at_ms - step.due_at_ms) // every_ms
    fresh = step._replace(
        id=step_id_of(step.base, step.wave, step.round + 1), round=step.round + 1, after=(), owner="", reason="",
        due_at_ms=step.due_at_ms + (missed + 1) * every_ms, state=StepState.WAITING, changed_at_ms=work.at_ms,
        overdue_at_ms=None, escalated_at_ms=None, escalated_to="",
    )  # fmt: skip
    work.run = replace(work.run, steps=(*work.run.steps, fresh))
    work.say("again", fresh.title, step=fresh.id)


def holding_up(run: Run) -> list[RunStep]:
    """The steps of legal that the holding line waits for, whether open or not."""
    steps = {step.id: step for step in run.steps}
    ahead = [step.id for step in run.steps if step.publishes == "holding"]
    seen: set[str] = set()
    while ahead:
        step_id = ahead.pop()
        if step_id not in seen and step_id in steps:
            seen.add(step_id)
            ahead += steps[step_id].after
    return [steps[step_id] for step_id in sorted(seen) if steps[step_id].role == LEGAL]


def answered(work: Work) -> None:
    """Legal has said something: its clock stops."""
    if work.run.legal_asked_at_ms is not None:
        work.run = replace(work.run, legal_asked_at_ms=None, legal_silent_at_ms=None)
        work.say("legal_answered")


def freeze(work: Work, actor: str = VIGIE) -> None:
    """Ask for the freeze of scheduled posts, once."""
    if work.run.freeze in (FreezeState.NONE, FreezeState.FAILED, FreezeState.THAWED):
        work.run = replace(work.run, freeze=FreezeState.ASKED)
        work.say("freeze_asked", actor=actor)
        work.call_webhook(on=True)


def thaw(work: Work, actor: str = VIGIE) -> None:
    """Let the scheduled posts go again, if they were frozen."""
    if work.run.freeze in (FreezeState.ASKED, FreezeState.FROZEN):
        work.run = replace(work.run, freeze=FreezeState.THAWING)
        work.say("thaw_asked", actor=actor)
        work.call_webhook(on=False)
