"""People act on a run: each act is done, or refused with the sentence that says what stands in its way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from engine.domain.errors import InputError
from engine.domain.run import (
    LEGAL_SILENT_MIN,
    MINUTE_MS,
    FreezeState,
    Outcome,
    Page,
    Run,
    RunPhase,
    RunStep,
    StepState,
    StepTrigger,
)
from playbooks.run_time import caught_up
from playbooks.run_words import said, state_name
from playbooks.run_work import VIGIE, Work, answered, freeze, holding_up, next_round, ready, thaw


class Act(NamedTuple):
    """What a person does: claim, release, done, skip, ask_legal, legal_answered, release_holding, freeze, unfreeze.

    Or what Vigie tells of its own work: frozen, freeze_failed, thawed, thaw_failed. `text` is the reason or outcome.
    """

    name: str
    actor: str
    step: str = ""
    text: str = ""


def act(run: Run, action: Act, now_ms: int) -> Outcome:
    """What a person does, or Vigie tells of its own work. Raises InputError when it can't be, saying why."""
    if action.name not in _ACTS:
        raise InputError(f"unknown act {action.name!r}")
    work = caught_up(run, now_ms)
    if work.run.phase is RunPhase.ENDED and action.name not in _AFTERWARDS:
        raise InputError(said(run.lang, "over"))
    _ACTS[action.name](work, action)
    if action.step:  # nobody is called for what is being closed right now
        closed = {step.id for step in work.run.steps if not step.is_open}
        gone = tuple(f"{run.incident_id}:{step_id}:" for step_id in closed)
        work.asks = [ask for ask in work.asks if not (isinstance(ask, Page) and ask.key.startswith(gone))]
    return work.outcome()


def _known(run: Run, step_id: str) -> RunStep:
    step = run.step(step_id) or next((s for s in reversed(run.steps) if s.base == step_id and s.is_open), None)
    if step is None:
        ids = ", ".join(step.id for step in run.steps if step.is_open) or "-"
        raise InputError(said(run.lang, "no_step", repr(step_id[:60]), ids))
    return step


def _openable(work: Work, step_id: str, *, waiting: bool = False) -> RunStep:
    """The step, if it is open and (unless `waiting` is allowed) nothing stands before it."""
    run = work.run
    step = _known(run, step_id)
    if not step.is_open:
        newer = next((s for s in reversed(run.steps) if s.base == step.id and s.is_open), None)
        if newer is None:
            raise InputError(said(run.lang, "closed", step.id, state_name(run.lang, step.state.value), step.owner))
        step = newer
    if step.state is StepState.WAITING and not waiting:
        before = [name for name in step.after if (other := run.step(name)) is not None and other.is_open]
        raise InputError(f"{step.id} {said(run.lang, 'not_yet', ', '.join(before))}")
    return step


def _claim(work: Work, action: Act) -> None:
    step = _openable(work, action.step)
    if step.state is StepState.CLAIMED and step.owner == action.actor:
        return
    before = step.owner
    work.move(step, StepTrigger.CLAIM, action.actor)
    key = "handed" if before else "claimed"
    work.say("claimed", step.title, action.actor, before, actor=action.actor, step=step.id, key=key)
    _heard(work, step)


def _release(work: Work, action: Act) -> None:
    step = _openable(work, action.step)
    if step.state is not StepState.CLAIMED:
        raise InputError(said(work.run.lang, "nobody", step.id))
    work.move(step, StepTrigger.RELEASE)
    work.say("released", step.title, action.actor, actor=action.actor, step=step.id)


def _finish(work: Work, action: Act) -> None:
    step = _openable(work, action.step)
    done = work.move(step, StepTrigger.FINISH, action.actor, action.text)
    work.say("done", _with(step.title, action.text), actor=action.actor, step=step.id)
    _heard(work, step)
    next_round(work, done)
    ready(work, tell=True)


def _skip(work: Work, action: Act) -> None:
    if not action.text.strip():
        raise InputError(said(work.run.lang, "why"))
    step = _openable(work, action.step, waiting=True)
    skipped = work.move(step, StepTrigger.SKIP, action.actor, action.text)
    work.say("skipped", step.title, action.text, actor=action.actor, step=step.id)
    _heard(work, step)
    next_round(work, skipped)
    ready(work, tell=True)


def _with(title: str, text: str) -> str:
    return f"{title} — {text}" if text else title


def _ask_legal(work: Work, action: Act) -> None:
    if work.run.legal_asked_at_ms is None:
        work.run = replace(work.run, legal_asked_at_ms=work.at_ms, legal_silent_at_ms=None)
        work.say("legal_asked", actor=action.actor)


def _legal_answered(work: Work, action: Act) -> None:
    if work.run.legal_asked_at_ms is None:
        raise InputError(said(work.run.lang, "not_asked"))
    answered(work)


def _release_holding(work: Work, action: Act) -> None:
    """The approver goes on without legal: the steps of legal that hold the line up are left out."""
    run = work.run
    if run.legal_asked_at_ms is None:
        raise InputError(said(run.lang, "not_asked"))
    if run.legal_silent_at_ms is None:
        left_ms = run.legal_asked_at_ms + LEGAL_SILENT_MIN * MINUTE_MS - work.at_ms
        raise InputError(said(run.lang, "not_silent", LEGAL_SILENT_MIN, -(-left_ms // MINUTE_MS)))
    reason = said(run.lang, "why_released", action.actor)
    for step in holding_up(run):
        if step.is_open:
            work.move(step, StepTrigger.SKIP, action.actor, reason)
            work.say("skipped", step.title, reason, actor=action.actor, step=step.id)
    work.run = replace(work.run, released_by=action.actor, legal_asked_at_ms=None, legal_silent_at_ms=None)
    work.say("legal_released", action.actor, actor=action.actor)
    ready(work, tell=True)


def _heard(work: Work, step: RunStep) -> None:
    if any(step.id == legal.id for legal in holding_up(work.run)):
        answered(work)


def _freeze_now(work: Work, action: Act) -> None:
    if work.run.freeze in (FreezeState.ASKED, FreezeState.FROZEN, FreezeState.THAWING):
        lang = work.run.lang
        raise InputError(said(lang, "freeze_already", state_name(lang, work.run.freeze.value)))
    freeze(work, action.actor)


def _unfreeze(work: Work, action: Act) -> None:
    if work.run.freeze not in (FreezeState.ASKED, FreezeState.FROZEN):
        lang = work.run.lang
        raise InputError(said(lang, "freeze_already", state_name(lang, work.run.freeze.value)))
    thaw(work, action.actor)


def _frozen(work: Work, action: Act) -> None:
    """The webhook took it: the step is done, by Vigie."""
    if work.run.freeze is not FreezeState.ASKED:
        return
    work.run = replace(work.run, freeze=FreezeState.FROZEN)
    work.say("frozen", action.text)
    for step in work.run.steps:
        if step.action == "freeze" and step.state in (StepState.DUE, StepState.CLAIMED):
            actor = step.owner or VIGIE
            work.move(step, StepTrigger.FINISH, actor, action.text)
            work.say("done", step.title, actor=actor, step=step.id)
    ready(work, tell=True)


def _freeze_failed(work: Work, action: Act) -> None:
    if work.run.freeze is not FreezeState.ASKED:
        return
    work.run = replace(work.run, freeze=FreezeState.FAILED)
    work.say("freeze_failed", action.text)
    step = next((s for s in work.run.steps if s.action == "freeze" and s.is_open), None)
    role = step.role if step else "community_manager"
    work.page(f"freeze_failed:{work.at_ms}", step, role, said(work.run.lang, "page_freeze", action.text))


def _thawed(work: Work, action: Act) -> None:
    if work.run.freeze is FreezeState.THAWING:
        work.run = replace(work.run, freeze=FreezeState.THAWED)
        work.say("thawed", action.text)


def _thaw_failed(work: Work, action: Act) -> None:
    if work.run.freeze is FreezeState.THAWING:
        work.run = replace(work.run, freeze=FreezeState.FROZEN)
        work.say("thaw_failed", action.text)
        text = said(work.run.lang, "thaw_failed", action.text)
        work.page(f"thaw_failed:{work.at_ms}", None, "community_manager", text)


_ACTS: Mapping[str, Callable[[Work, Act], None]] = {
    "claim": _claim,
    "release": _release,
    "done": _finish,
    "skip": _skip,
    "ask_legal": _ask_legal,
    "legal_answered": _legal_answered,
    "release_holding": _release_holding,
    "freeze": _freeze_now,
    "unfreeze": _unfreeze,
    "frozen": _frozen,
    "freeze_failed": _freeze_failed,
    "thawed": _thawed,
    "thaw_failed": _thaw_failed,
}
_AFTERWARDS = frozenset({"unfreeze", "thawed", "thaw_failed"})
"""What may still come once the file is closed."""
