"""Time passes over a run: timers, worked off one by one in the order of their dates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from engine.domain.incident import Level
from engine.domain.run import (
    GRACE_MIN,
    LEGAL_SILENT_MIN,
    MINUTE_MS,
    Outcome,
    Run,
    RunPhase,
    RunStep,
    StepState,
    StepTrigger,
)
from playbooks.run_words import said
from playbooks.run_work import APPROVER, Work, ready

TIMERS_MAX = 10_000
"""Timers that one tick may work off: a bound, never reached by a plan of bounded size."""


class _Timer(NamedTuple):
    at_ms: int
    kind: str
    step: str


def next_due_ms(run: Run) -> int | None:
    """When `tick` will next have something to tell; None when nothing is to come."""
    timer = _next_timer(run)
    return None if timer is None else timer.at_ms


def tick(run: Run, now_ms: int) -> Outcome:
    """What has become due up to now, each told once, in the order of its date."""
    return caught_up(run, now_ms, move_clock=False).outcome()


def caught_up(run: Run, now_ms: int, *, move_clock: bool = True) -> Work:
    work = Work(run, now_ms)
    for _ in range(TIMERS_MAX):
        timer = _next_timer(work.run)
        if timer is None or timer.at_ms > now_ms:
            break
        work.at_ms = timer.at_ms
        _TIMERS[timer.kind](work, timer.step)
    if move_clock:
        work.at_ms = now_ms
    return work


def _next_timer(run: Run) -> _Timer | None:
    if run.phase is RunPhase.ENDED:
        return None
    found: list[_Timer] = []
    for step in run.steps:
        if step.is_open:
            found.append(_step_timer(run, step))
    if run.legal_asked_at_ms is not None and run.legal_silent_at_ms is None:
        found.append(_Timer(run.legal_asked_at_ms + LEGAL_SILENT_MIN * MINUTE_MS, "legal", ""))
    told = [timer for timer in found if timer.at_ms >= 0]
    return min(told, default=None)


def _step_timer(run: Run, step: RunStep) -> _Timer:
    if step.clock == "second_wave_watch" and step.state in (StepState.DUE, StepState.CLAIMED):
        return _Timer(max(step.due_at_ms, step.changed_at_ms), "watched", step.id)
    if step.overdue_at_ms is None:
        return _Timer(step.due_at_ms, "overdue", step.id)
    if step.escalated_at_ms is None:
        level = Level.VERT if step.closing else run.level
        after_ms = step.overdue_at_ms + GRACE_MIN[level] * MINUTE_MS
        return _Timer(max(after_ms, run.level_at_ms, step.changed_at_ms), "escalate", step.id)
    return _Timer(-1, "none", step.id)


def _lapse(work: Work, step_id: str) -> None:
    step = work.step(step_id)
    work.move(step, StepTrigger.LAPSE)
    work.set(step._replace(overdue_at_ms=work.at_ms))
    work.say("overdue", step.title, step=step_id)
    text = said(work.run.lang, "page_overdue", step.title, step.done_when)
    person = step.owner if step.state is StepState.CLAIMED else ""
    work.page("overdue", step, step.role, text, person)


def _escalate(work: Work, step_id: str) -> None:
    step = work.step(step_id)
    role = work.run.role(step.role)
    to = role.deputy if role else APPROVER
    work.move(step, StepTrigger.ESCALATE)
    work.set(step._replace(escalated_to=to, escalated_at_ms=work.at_ms))
    title = work.run.role_title(to)
    work.say("escalated", step.title, title, step=step_id)
    first = work.run.role_title(step.role)
    work.page("escalated", step, to, said(work.run.lang, "page_escalated", step.title, first, step.done_when))


def _watched(work: Work, step_id: str) -> None:
    step = work.move(work.step(step_id), StepTrigger.FINISH)
    work.say("done", step.title, step=step_id)
    ready(work, tell=True)


def _legal_silent(work: Work, _step_id: str) -> None:
    work.run = replace(work.run, legal_silent_at_ms=work.at_ms)
    work.say("legal_silent", LEGAL_SILENT_MIN)
    work.page(
        f"legal:{work.run.legal_asked_at_ms}", None, APPROVER, said(work.run.lang, "page_legal", LEGAL_SILENT_MIN)
    )


_TIMERS: Mapping[str, Callable[[Work, str], None]] = {
    "overdue": _lapse,
    "escalate": _escalate,
    "watched": _watched,
    "legal": _legal_silent,
}
