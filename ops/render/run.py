"""A run for the terminal, to be read at two in the morning: what now, who, until when; the rest below. 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from engine.domain.run import MINUTE_MS, Fact, FreezeState, Run, RunEvent, RunPhase, RunStep, StepState
from ops.render.alert import Look
from ops.render.moments import utc
from ops.render.neutral import plain
from playbooks.run_words import state_name
from playbooks.typography import typeset

WIDTH = 80
LOG_LINES = 8
HOUR_MS, DAY_MS = 60 * MINUTE_MS, 24 * 60 * MINUTE_MS

Who = Callable[[str], tuple[str, ...]]
"""The people who hold a role now, the first one first."""

_WORDS = {
    "fr": {
        "now": "MAINTENANT", "next": "ENSUITE", "closed": "DÉJÀ FAIT OU ÉCARTÉ", "facts": "FAITS", "log": "JOURNAL",
        "late": "EN RETARD de {0}", "in": "dans {0}", "after": "attend {0}", "taken": "pris par {0}",
        "free": "personne ne l'a pris", "told": "prévenu : {0}", "silence": "NE PAS RÉPONDRE : {0}",
        "since": "lancé il y a {0}", "freeze": "gel des publications {0}", "legal": "juridique saisi il y a {0}",
        "silent": "JURIDIQUE MUET : vigie runs release-holding {0}", "nothing": "rien", "none": "Aucun run.",
        "crisis": "en crise", "contained": "maîtrisé", "closing": "levée de crise", "ended": "clos",
        "todo": "à trouver", "waits": "à approuver", "approved": "approuvé par {0}", "steps": "{0} à faire",
        "lates": "{0} en retard", "next_at": "prochain à {0}", "wave": "vague {0}", "done_when": "Fait quand : {0}",
        "how": "vigie runs claim|done|skip {0} ÉTAPE", "min": "{0} min", "h": "{0} h {1:02d}", "d": "{0} j {1} h",
        "was_late": "en retard de {0}", "nobody": "personne", "exercise": "EXERCICE / EXERCISE",
    },
    "en": {
        "now": "NOW", "next": "NEXT", "closed": "DONE OR LEFT OUT", "facts": "FACTS", "log": "LOG",
        "late": "OVERDUE by {0}", "in": "in {0}", "after": "waits for {0}", "taken": "taken by {0}",
        "free": "nobody has taken it", "told": "told: {0}", "silence": "DO NOT ANSWER: {0}",
        "since": "begun {0} ago", "freeze": "freeze of posts {0}", "legal": "legal asked {0} ago",
        "silent": "LEGAL IS SILENT: vigie runs release-holding {0}", "nothing": "nothing", "none": "No run.",
        "crisis": "in crisis", "contained": "contained", "closing": "stood down", "ended": "closed",
        "todo": "to find out", "waits": "to approve", "approved": "approved by {0}", "steps": "{0} to do",
        "lates": "{0} overdue", "next_at": "next at {0}", "wave": "wave {0}", "done_when": "Done when: {0}",
        "how": "vigie runs claim|done|skip {0} STEP", "min": "{0} min", "h": "{0} h {1:02d}", "d": "{0} d {1} h",
        "was_late": "late by {0}", "nobody": "nobody", "exercise": "EXERCICE / EXERCISE",
    },
}  # fmt: skip


def _say(look: Look, key: str, *args: object) -> str:
    return typeset(_WORDS["fr" if look.lang == "fr" else "en"][key], look.lang).format(*args)


def span(ms: int, look: Look) -> str:
    """How long, in one or two units."""
    minutes = max(0, ms) // MINUTE_MS
    if minutes < 60:
        return _say(look, "min", minutes)
    if minutes < 48 * 60:
        return _say(look, "h", minutes // 60, minutes % 60)
    return _say(look, "d", minutes // 1440, minutes % 1440 // 60)


def _moment(at_ms: int, now_ms: int, look: Look) -> str:
    at, now = (datetime.fromtimestamp(ms / 1000, look.zone) for ms in (at_ms, now_ms))
    return at.strftime("%H:%M" if at.date() == now.date() else "%d/%m %H:%M")


def run_view(run: Run, events: Iterable[RunEvent]) -> dict[str, Any]:
    """A run for programs: its steps with their times, its log; times in RFC 3339, UTC."""

    def at(ms: int | None) -> str | None:
        return None if ms is None else utc(ms)

    return {
        "playbook": run.playbook, "level": run.level.label, "phase": run.phase.value, "wave": run.wave,
        "exercise": run.exercise, "started": utc(run.started_at_ms), "ended": at(run.ended_at_ms),
        "silence": run.silence or None,
        "steps": [
            {
                "id": step.id, "title": step.title, "role": step.role, "state": step.state.value,
                "due": utc(step.due_at_ms), "changed": at(step.changed_at_ms or None), "owner": step.owner or None,
                "after": list(step.after), "overdue": at(step.overdue_at_ms), "told": step.escalated_to or None,
                "reason": step.reason or None,
            }
            for step in run.steps
        ],
        "log": [{"at": utc(e.at_ms), "actor": e.actor, "kind": e.kind, "text": e.text} for e in events],
    }  # fmt: skip


def runs_text(runs: Iterable[Run], now_ms: int, look: Look) -> str:
    """One run in two lines: the brand and where it stands, what is late."""
    lines: list[str] = []
    for run in runs:
        steps = [step for step in run.steps if step.is_open]
        late = [step for step in steps if step.due_at_ms <= now_ms]
        parts = [_say(look, run.phase.value), _say(look, "steps", len(steps))]
        parts += [_say(look, "lates", len(late))] if late else []
        coming = [step.due_at_ms for step in steps if step.due_at_ms > now_ms]
        parts += [_say(look, "next_at", _moment(min(coming), now_ms, look))] if coming else []
        mark = f"{_say(look, 'exercise')} " if run.exercise else ""
        head = f"{mark}{run.incident_id}  {run.level.label}  {plain(run.brand, 30)}  {plain(run.title, 60)}"
        lines += [textwrap.shorten(head, WIDTH, placeholder="…"), "  " + ", ".join(parts)]
    return "\n".join(lines) if lines else _say(look, "none")


def run_text(
    run: Run, events: Sequence[RunEvent], needed: Sequence[str], who: Who, now_ms: int, look: Look, *,
    full: bool = False,
) -> str:  # fmt: skip
    """All of a run. `needed` names the facts that its texts ask for; `full` shows the whole log."""
    return "\n".join(line.rstrip() for line in _lines(run, events, needed, who, now_ms, look, full=full))


def _lines(
    run: Run, events: Sequence[RunEvent], needed: Sequence[str], who: Who, now_ms: int, look: Look, *, full: bool
) -> Iterator[str]:
    yield from _head(run, now_ms, look)
    doable = sorted((s for s in run.steps if s.state in (StepState.DUE, StepState.CLAIMED)), key=_by_due)
    waiting = sorted((s for s in run.steps if s.state is StepState.WAITING), key=_by_due)
    late = [step for step in waiting if step.due_at_ms <= now_ms]
    closed = sorted((s for s in run.steps if not s.is_open), key=lambda step: step.changed_at_ms)
    yield from ("", _say(look, "now"))
    for step in sorted((*doable, *late), key=_by_due):
        yield from _step(run, step, who, now_ms, look)
    if not doable and not late:
        yield f"  {_say(look, 'nothing')}"
    if len(waiting) > len(late):
        yield from ("", _say(look, "next"))
        for step in waiting:
            if step not in late:
                yield from _waiting(step, now_ms, look)
    if closed:
        yield from ("", _say(look, "closed"))
        for step in closed:
            yield from _closed(step, now_ms, look)
    yield from _facts(run.facts, needed, look)
    if events:
        yield from ("", _say(look, "log"))
        for event in events if full else events[-LOG_LINES:]:
            yield from _event(event, now_ms, look)


def _head(run: Run, now_ms: int, look: Look) -> Iterator[str]:
    if run.exercise:
        yield _say(look, "exercise")
    yield from textwrap.wrap(f"{run.level.label.upper()}  {plain(run.brand, 60)}  {plain(run.title, 80)}", WIDTH)
    parts = [_say(look, run.phase.value), _say(look, "since", span(now_ms - run.started_at_ms, look))]
    parts += [_say(look, "wave", run.wave)] if run.wave > 1 else []
    if run.freeze is not FreezeState.NONE:
        parts.append(_say(look, "freeze", state_name(look.lang, run.freeze.value)))
    if run.legal_asked_at_ms is not None:
        parts.append(_say(look, "legal", span(now_ms - run.legal_asked_at_ms, look)))
    yield from textwrap.wrap(", ".join(parts), WIDTH)
    if run.phase is not RunPhase.ENDED:
        yield _say(look, "how", run.incident_id)
    if run.silence:
        yield from textwrap.wrap(_say(look, "silence", plain(run.silence, 400)), WIDTH, subsequent_indent="  ")
    if run.legal_silent_at_ms is not None:
        yield _say(look, "silent", run.incident_id)


def _by_due(step: RunStep) -> tuple[int, str]:
    return (step.due_at_ms, step.id)


def _step(run: Run, step: RunStep, who: Who, now_ms: int, look: Look) -> Iterator[str]:
    late = step.due_at_ms <= now_ms
    left = span(abs(step.due_at_ms - now_ms), look)
    when = _say(look, "late" if late else "in", left)
    head = f"{'!' if late else ' '} {_moment(step.due_at_ms, now_ms, look)}  {when}"
    yield head + step.id.rjust(max(1, WIDTH - len(head)))
    yield from _wrapped(plain(step.title, 200))
    people = ", ".join(plain(name, 40) for name in who(step.role)[:2]) or _say(look, "nobody")
    taken = _say(look, "taken", plain(step.owner, 40)) if step.owner else _say(look, "free")
    parts = [f"{run.role_title(step.role)} ({people})", taken]
    if step.state is StepState.WAITING:
        parts[1] = _say(look, "after", ", ".join(step.after))
    if step.escalated_to:
        parts.append(_say(look, "told", run.role_title(step.escalated_to)))
    yield from _wrapped(" · ".join(parts))
    yield from _wrapped(_say(look, "done_when", plain(step.done_when, 200)))


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _waiting(step: RunStep, now_ms: int, look: Look) -> Iterator[str]:
    text = f"{_moment(step.due_at_ms, now_ms, look)}  {plain(step.title, 120)}"
    if step.after:
        text += f" ({_say(look, 'after', ', '.join(step.after))})"
    yield from textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="         ")


def _closed(step: RunStep, now_ms: int, look: Look) -> Iterator[str]:
    state = state_name(look.lang, step.state.value)
    text = f"{_moment(step.changed_at_ms, now_ms, look)}  {step.id} {state}, {plain(step.owner, 40)}"
    text += f" ({plain(step.reason, 120)})" if step.reason else ""
    if step.overdue_at_ms is not None:
        text += f", {_say(look, 'was_late', span(step.changed_at_ms - step.overdue_at_ms, look))}"
    yield from textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="         ")


def _facts(facts: Sequence[Fact], needed: Sequence[str], look: Look) -> Iterator[str]:
    known = {fact.name for fact in facts}
    missing = [name for name in needed if name not in known]
    if facts or missing:
        yield from ("", _say(look, "facts"))
    for fact in facts:
        approved = fact.approved_by
        state = _say(look, "waits") if approved is None else _say(look, "approved", plain(approved, 40))
        text = f"{fact.name} = {plain(fact.value, 200)} ({state})"
        yield from textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ")
    if missing:
        text = f"{_say(look, 'todo')} : {', '.join(missing)}"
        yield from textwrap.wrap(typeset(text, look.lang), WIDTH, initial_indent="  ", subsequent_indent="    ")


def _event(event: RunEvent, now_ms: int, look: Look) -> Iterator[str]:
    text = f"{_moment(event.at_ms, now_ms, look)}  {plain(event.actor, 30)}  {plain(event.text, 300)}"
    yield from textwrap.wrap(text, WIDTH, initial_indent="  ", subsequent_indent="         ")
