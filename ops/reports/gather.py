"""A case file out of the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.domain.draft_state import DraftState, StoredDraft
from engine.domain.errors import InputError
from engine.domain.incident import Incident
from engine.domain.run import Fact, Run, RunStep, StepState, whole_log
from ops.replaying import REPLAYED
from ops.reports.casefile import SPAN_MS, CaseFact, CaseFile, CasePost, CaseStep
from ops.store.store import Store

if TYPE_CHECKING:
    from engine.domain.playbook import Plan
    from ops.settings import Settings

_POSTED = frozenset({DraftState.APPROVED, DraftState.PUBLISHED})
_OPEN = "open"
_PLAYBOOK, _STEP, _ROLE = "playbook:", "step:", "role:"


def gather(
    store: Store, incident_id: str, now_ms: int | None = None, questions: Mapping[str, str] | None = None
) -> CaseFile:
    """All that the store knows of an incident by `now_ms`; without it by now, or by the end of a replay.

    `questions` are the playbook's words in the reader's language (`questions_of`): without them, those of the team.

    Raises InputError when there is none of that id.
    """
    incident = store.incident(incident_id)
    if incident is None:
        raise InputError(f"{store.name}: no incident {incident_id!r}; `vigie incidents list` shows them")
    if now_ms is None:
        now_ms = end_of_replay(store, incident) if REPLAYED in store.get_meta() else store.clock_ms()
    words = questions or {}
    plan, run, drafts = store.plan(incident.id), store.runs.run(incident.id), store.drafts.of(incident.id)
    log = whole_log(incident.timeline, store.runs.timeline(incident.id))
    return CaseFile(
        incident=incident,
        now_ms=now_ms,
        plan=None if plan is None else replace(plan, title=words.get(_PLAYBOOK, plan.title)),
        curve=[point for point in store.curve(incident.id) if point.start_ms + SPAN_MS <= now_ms],
        steps=[] if run is None else [_step(step, run, now_ms, words) for step in run.steps],
        log=[entry for entry in log if entry.at_ms <= now_ms],
        facts=_facts(plan, store.runs.facts(incident.id), now_ms, words),
        posts=[post for draft in drafts if (post := _post(draft)) is not None and post.at_ms <= now_ms],
        waiting=sum(draft.state is DraftState.DRAFT and not draft.blocked for draft in drafts),
        lang=None if run is None else run.lang,
    )


def _step(step: RunStep, run: Run, now_ms: int, words: Mapping[str, str]) -> CaseStep:
    """A step as it stood at `now_ms`."""
    closed = step.state in (StepState.DONE, StepState.SKIPPED) and step.changed_at_ms <= now_ms
    state = step.state.value if closed or step.state is StepState.CLAIMED else _OPEN
    return CaseStep(
        title=words.get(_STEP + (step.base or step.id), step.title),
        role=words.get(_ROLE + step.role, run.role_title(step.role)), state=state, due_ms=step.due_at_ms,
        closed_ms=step.changed_at_ms if closed else None, owner=step.owner if closed or state != _OPEN else "",
        overdue_ms=step.overdue_at_ms, reason=step.reason, clock=step.clock,
    )  # fmt: skip


def _facts(
    plan: Plan | None, facts: Sequence[Fact], now_ms: int, questions: Mapping[str, str]
) -> list[CaseFact]:  # fmt: skip
    """What the playbook asks for, then what was found out beside it."""
    approved = {f.name: f for f in facts if f.approved_by is not None and (f.approved_at_ms or 0) <= now_ms}
    asked = () if plan is None else plan.facts_needed
    found = []
    for name in dict.fromkeys([*asked, *approved]):
        question, fact = questions.get(name.partition(".")[0], name), approved.get(name)
        found.append(CaseFact(name, question, fact.value if fact else "", (fact.approved_by or "") if fact else ""))
    return found


def questions_of(settings: Settings, plan: Plan | None, lang: str) -> dict[str, str]:
    """A plan's playbook in a language: the facts as questions, by name, and under `playbook:`, `step:ID` and `role:ID`
    the titles."""
    from playbooks.catalogue import load_catalogue
    from playbooks.typography import typeset

    book = load_catalogue(settings.playbooks.directories).playbooks.get(plan.playbook) if plan is not None else None
    if book is None:
        return {}
    titles = {_PLAYBOOK: book.title, **{_STEP + step.id: step.title for step in book.steps}}
    titles |= {_ROLE + name: role.title for name, role in book.roles.items()}
    questions = {name: fact.question.in_lang(lang) for name, fact in book.facts.items()}
    return {name: typeset(title.in_lang(lang), lang) for name, title in titles.items()} | questions


def _post(draft: StoredDraft) -> CasePost | None:
    if draft.state not in _POSTED:
        return None
    at_ms = draft.published_at_ms or max((one.at_ms for one in draft.approvals), default=draft.changed_at_ms)
    who = tuple(one.who for one in draft.approvals)
    return CasePost(draft.network, draft.kind, draft.text, who, at_ms, draft.state is DraftState.PUBLISHED)


def end_of_replay(store: Store, incident: Incident) -> int:
    """The last moment that a replay tells of an incident: nobody waits for anything after it."""
    last = max((entry.at_ms for entry in incident.timeline), default=incident.opened_at_ms)
    curve = store.curve(incident.id)
    return max(last, incident.closed_at_ms or 0, curve[-1].start_ms + SPAN_MS if curve else 0)
