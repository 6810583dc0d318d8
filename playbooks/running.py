"""What happens to a run: it starts with a plan, people act on its steps, time passes, the incident changes.

Pure: a run and a time go in; a run, lines for its log and what is to do outside come out. A person's act is refused
with an InputError that says what stands in its way. Time is worked off timer by timer in the order of their dates, so
`tick(t1)` then `tick(t2)` tells the same as `tick(t2)` alone, and a service that was down tells what it missed once.

>>> from engine.domain.incident import Level
>>> from engine.domain.playbook import Plan, Step
>>> ask = Step("ask", "CM", 5, "Ask", "asked", role_id="cm")
>>> plan = Plan("p", "P", "", None, "", (ask,), (), (), level=Level.ORANGE)
>>> run = start(plan, Opening("i1", "Nordalia", "en", 0)).run
>>> [event.text for event in tick(run, 5 * MINUTE_MS).events]
['Overdue: Ask']
>>> act(run, Act("done", "Camille", "ask"), 60_000).run.steps[0].state.value
'done'
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from engine.domain.incident import Level
from engine.domain.playbook import Plan, Step
from engine.domain.run import (
    DEBRIEF_WORKING_DAYS,
    LEVEL_CLOCKS,
    MINUTE_MS,
    RGPD_HOURS,
    STEP_TRANSITIONS,
    Outcome,
    Run,
    RunPhase,
    RunStep,
    StepState,
    StepTrigger,
)
from playbooks.acting import Act, act
from playbooks.run_time import caught_up, next_due_ms, tick
from playbooks.run_words import said
from playbooks.run_work import LEGAL, VIGIE, Work, drop, newest, next_round, ready, step_id_of, thaw
from playbooks.workdays import working_days_after

__all__ = ["Act", "Opening", "act", "close", "contain", "next_due_ms", "reject", "relevel", "replan", "start", "tick"]


class Opening(NamedTuple):
    """What a run needs to know of its incident beside the plan."""

    incident_id: str
    brand: str
    lang: str
    at_ms: int
    exercise: bool = False


def start(plan: Plan, opening: Opening) -> Outcome:
    """A run of `plan` from the moment that the team is told."""
    run = Run(
        incident_id=opening.incident_id, brand=opening.brand, playbook=plan.playbook, title=plan.title,
        level=plan.level, lang=opening.lang, started_at_ms=opening.at_ms, exercise=opening.exercise, roles=plan.roles,
        silence=plan.silence, level_at_ms=opening.at_ms,
    )  # fmt: skip
    work = Work(run, opening.at_ms)
    _add(work, plan.steps, plan.level)
    work.say("started", plan.title, len(work.run.steps))
    if plan.silence:
        _silence(work)
    _duties(work, plan)
    ready(work)
    return work.outcome()


def replan(run: Run, plan: Plan, at_ms: int, waves: int = 1) -> Outcome:
    """The plan was made anew: the level rose, another playbook leads, or it opens again.

    Clocks tighten and never loosen; what is done stays done; what is no longer asked for is left out with its reason.
    A second wave begins the playbook again, under ids of its own.
    """
    work = caught_up(run, at_ms)
    before = work.run
    if waves > before.wave:
        drop(work, lambda step: step.clock != "rgpd_notice", "why_wave")
        work.run = replace(work.run, wave=waves, legal_asked_at_ms=None, legal_silent_at_ms=None, released_by="")
        work.say("wave", waves)
    elif plan.playbook != before.playbook:
        work.say("replanned", plan.title, plan.reason)
    elif plan.level != before.level:
        work.say("raised" if plan.level > before.level else "lowered", plan.level.label)
    roles = {role.id: role for role in (*before.roles, *plan.roles)}
    work.run = replace(
        work.run, playbook=plan.playbook, title=plan.title, level=plan.level, phase=RunPhase.CRISIS, ended_at_ms=None,
        silence=plan.silence, roles=tuple(roles.values()),
        level_at_ms=before.level_at_ms if plan.level == before.level else at_ms,
    )  # fmt: skip
    if waves == before.wave:
        wanted = {step.id for step in plan.steps}
        lost = "why_plan" if plan.playbook != before.playbook else "why_level"
        keep_all = plan.playbook == before.playbook and plan.level < before.level
        drop(work, lambda s: s.closing or (s.base not in wanted and s.clock != "rgpd_notice" and not keep_all), lost)
    _add(work, plan.steps, plan.level)
    _silence(work, tell=bool(plan.silence) != bool(before.silence) or (bool(plan.silence) and waves > before.wave))
    _duties(work, plan)
    ready(work)
    return work.outcome()


def contain(run: Run, at_ms: int) -> Outcome:
    """The incident is in hand: nothing repeats any more."""
    work = caught_up(run, at_ms)
    if work.run.phase is RunPhase.CRISIS:
        work.say("contained")
        work.run = replace(work.run, phase=RunPhase.CONTAINED)
        drop(work, lambda step: bool(step.every_min), "why_contained")
        ready(work)
    return work.outcome()


def close(run: Run, closing: Sequence[Step], at_ms: int, zone: str = "Europe/Paris") -> Outcome:
    """The stand-down: what is open is left out, scheduled posts go again, and what follows begins."""
    work = caught_up(run, at_ms)
    if work.run.phase in (RunPhase.CLOSING, RunPhase.ENDED):
        return work.outcome()
    drop(work, lambda step: step.clock != "rgpd_notice", "why_over")
    work.say("closing")
    work.run = replace(work.run, phase=RunPhase.CLOSING, legal_asked_at_ms=None, legal_silent_at_ms=None)
    _add(work, closing, Level.VERT, zone=zone)
    if work.run.silence:
        _silence(work, tell=False)
    thaw(work)
    ready(work)
    return work.outcome()


def reject(run: Run, at_ms: int) -> Outcome:
    """It was a false alarm: everything stops."""
    work = caught_up(run, at_ms)
    if work.run.phase is not RunPhase.ENDED:
        work.say("false_alarm")
        drop(work, lambda _step: True, "why_false")
        thaw(work)
        work.run = replace(work.run, phase=RunPhase.ENDED, ended_at_ms=at_ms, legal_asked_at_ms=None)
    return work.outcome()


def relevel(run: Run, level: Level, at_ms: int) -> Outcome:
    """The level fell: what runs keeps its clocks, what comes is judged by the new level."""
    work = caught_up(run, at_ms)
    if level < work.run.level and work.run.phase is RunPhase.CRISIS:
        work.say("lowered", level.label)
        work.run = replace(work.run, level=level, level_at_ms=at_ms)
    return work.outcome()


def _add(work: Work, steps: Sequence[Step], level: Level, zone: str = "Europe/Paris") -> None:
    """Steps of a plan into the run: new ones begin, open ones tighten, closed ones stay."""
    run = work.run
    fresh: list[RunStep] = []
    has_notice = any(step.clock == "rgpd_notice" for step in run.steps)
    for step in steps:
        due_ms = work.at_ms + _minutes(step, level) * MINUTE_MS
        if step.clock == "debrief":
            due_ms = working_days_after(work.at_ms, DEBRIEF_WORKING_DAYS, zone)
        last = newest(run, step.id)
        if last is not None and last.wave == run.wave and last.is_open:
            _tighten(work, last, step, due_ms)
        elif step.clock == "rgpd_notice" and has_notice:
            continue  # these hours began once, and only once
        elif last is not None and last.wave == run.wave:
            if not (run.silence and step.publishes):
                _again(work, last, step, due_ms)
        else:
            fresh.append(_begun(step, step_id_of(step.id, run.wave), due_ms, work))
    work.run = replace(work.run, steps=(*work.run.steps, *fresh))


def _tighten(work: Work, last: RunStep, step: Step, due_ms: int) -> None:
    late = last.overdue_at_ms is not None
    after = last.after if last.round > 1 else tuple(step_id_of(name, work.run.wave) for name in step.after)
    if last.state is not StepState.WAITING:
        after = last.after  # it may be done already: nothing new comes before it
    due_ms = last.due_at_ms if late else min(last.due_at_ms, due_ms)
    work.set(last._replace(due_at_ms=due_ms, every_min=step.every_min, after=after))


def _begun(step: Step, step_id: str, due_ms: int, work: Work) -> RunStep:
    wave = work.run.wave
    return RunStep(
        id=step_id, role=step.role_id, title=step.title, done_when=step.done_when, due_at_ms=due_ms,
        after=tuple(step_id_of(name, wave) for name in step.after), state=STEP_TRANSITIONS[None, StepTrigger.START],
        changed_at_ms=work.at_ms, action=step.action, base=step.id, wave=wave, clock=step.clock,
        publishes=step.publishes, every_min=step.every_min, closing=work.run.phase is RunPhase.CLOSING,
    )  # fmt: skip


def _again(work: Work, last: RunStep, step: Step, due_ms: int) -> None:
    """A step of this wave that is closed: what Vigie left out comes back, what repeats goes on, done stays done."""
    if last.state is StepState.SKIPPED and last.owner == VIGIE:
        revived = work.move(last, StepTrigger.REVIVE)
        late = last.overdue_at_ms is not None
        due_ms = last.due_at_ms if late else due_ms
        work.set(revived._replace(due_at_ms=due_ms, every_min=step.every_min, closing=False))
        work.say("revived", last.title, step=last.id)
    elif step.every_min and not last.every_min:
        next_round(work, last._replace(every_min=step.every_min))


def _minutes(step: Step, level: Level) -> int:
    """No later than the level's clock allows."""
    if step.clock == "rgpd_notice":
        return min(step.due_min, RGPD_HOURS * 60)
    return min(step.due_min, LEVEL_CLOCKS.get(step.clock or "", {}).get(level, step.due_min))


def _silence(work: Work, *, tell: bool = True) -> None:
    """The choice not to answer takes back what would be posted; the choice to answer brings it back."""
    if tell:
        work.say("silence", work.run.silence) if work.run.silence else work.say("answer")
    if work.run.silence:
        drop(work, lambda step: step.publishes is not None, "why_silence")


def _duties(work: Work, plan: Plan) -> None:
    """The 72 hours of the GDPR run from the moment that a leak is known, whatever else changes."""
    if "rgpd_notice" not in plan.duties or any(step.clock == "rgpd_notice" for step in work.run.steps):
        return
    lang = work.run.lang
    role = LEGAL if work.run.role(LEGAL) else work.run.roles[0].id if work.run.roles else ""
    title, done = said(lang, "rgpd_title"), said(lang, "rgpd_done")
    step = Step("rgpd_notice", "", RGPD_HOURS * 60, title, done, role_id=role, clock="rgpd_notice")
    begun = _begun(step, "rgpd_notice", work.at_ms + RGPD_HOURS * 60 * MINUTE_MS, work)
    work.run = replace(work.run, steps=(*work.run.steps, begun._replace(wave=1)))
    work.say("leak", step="rgpd_notice")
