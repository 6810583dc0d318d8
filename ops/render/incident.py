"""An incident for the terminal: the list, and all of one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from engine.domain.effects import AlertRaised
from engine.domain.incident import Alert, AlertKind, Incident, Phase
from engine.domain.playbook import Plan
from engine.domain.run import RunEvent, whole_log
from ops.render import alert as render
from ops.render.alert import Look
from ops.render.neutral import plain
from ops.render.themes import theme_lines
from ops.render.wording import in_team_time

_WORDS = {
    "fr": {
        "none": "Aucun incident.", "timeline": "MAIN COURANTE", "steps": "ÉTAPES", "drafts": "BROUILLONS",
        "themes": "THÈMES",
        "missing": "bloqué, il manque", "findings": "à corriger", "ready": "à relire et approuver", "phase": "PHASE",
        "suspected": "suspecté", "open": "ouvert", "acknowledged": "pris en charge", "contained": "maîtrisé",
        "resolved": "terminé", "false_alarm": "fausse alerte",
    },
    "en": {
        "none": "No incident.", "timeline": "LOG", "steps": "STEPS", "drafts": "DRAFTS",
        "missing": "blocked, missing", "findings": "to mend", "ready": "to read over and approve", "phase": "PHASE",
        "themes": "THEMES",
        "suspected": "suspected", "open": "open", "acknowledged": "acknowledged", "contained": "contained",
        "resolved": "over", "false_alarm": "false alarm",
    },
}  # fmt: skip

_KIND_OF = {
    Phase.CONTAINED: AlertKind.CONTAINED,
    Phase.RESOLVED: AlertKind.RESOLVED,
    Phase.FALSE_ALARM: AlertKind.RESOLVED,
}


def _words(look: Look) -> dict[str, str]:
    return _WORDS["fr" if look.lang == "fr" else "en"]


def _moment(at_ms: int, look: Look) -> str:
    return datetime.fromtimestamp(at_ms / 1000, look.zone).strftime("%Y-%m-%d %H:%M")


def incidents_text(incidents: Iterable[Incident], look: Look) -> str:
    """One line an incident, in the team's time."""
    say = _words(look)
    rows = [
        (
            incident.id,
            incident.level.label,
            f"(max {incident.level_max.label})",
            say[incident.phase.value],
            _moment(incident.opened_at_ms, look),
            "" if incident.closed_at_ms is None else _moment(incident.closed_at_ms, look),
            ("EXERCICE / EXERCISE " if incident.exercise else "") + plain(incident.brand, 40),
        )
        for incident in incidents
    ]
    if not rows:
        return say["none"]
    widths = [max(len(row[i]) for row in rows) for i in range(7)]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows)


def incident_text(
    incident: Incident, plan: Plan | None, look: Look, events: Iterable[RunEvent] = ()
) -> str:  # fmt: skip
    """The alert as it would read now, then the log (that of its run, too), the steps and the drafts."""
    say = _words(look)
    kind = _KIND_OF.get(incident.phase, AlertKind.OPENED)
    changed_ms = incident.levels[-1].at_ms if incident.levels else incident.opened_at_ms
    raised = AlertRaised(Alert("", kind, changed_ms, incident), plan)
    lines = [render.text(raised, look, changed_ms), "", f"{say['phase']} {say[incident.phase.value]}"]
    if incident.evidence.themes:
        lines += ["", say["themes"], *(f"  {line}" for line in theme_lines(incident.evidence.themes, look.lang))]
    lines += ["", say["timeline"]]
    for entry in whole_log(incident.timeline, events):
        said = in_team_time(plain(entry.text, 400), look.zone, look.lang, entry.at_ms)
        lines.append(f"  {_moment(entry.at_ms, look)}  {plain(entry.actor, 40)}  {said}")
    if plan is not None:
        lines += ["", f"{say['steps']} - {plain(plan.title, 80)} ({plain(plan.reason, 200)})"]
        lines += [f"  {plain(plan.do_not_answer, 400)}"] if plan.do_not_answer else []
        lines += [
            f"  {_moment(incident.opened_at_ms + step.due_min * 60_000, look)}  {step.role}: {plain(step.title, 200)}"
            for step in plan.steps
        ]
        lines += ["", say["drafts"]]
        for draft in plan.drafts:
            state = f"{say['missing']} {', '.join(draft.missing)}" if draft.missing else say["ready"]
            if draft.findings and not draft.missing:
                state = f"{say['findings']}: {'; '.join(plain(finding.text, 120) for finding in draft.findings)}"
            head = "/".join(part for part in (draft.network, draft.lang, draft.form, draft.kind) if part)
            lines += [f"  [{head}] {state}", f"    {plain(draft.text, 600)}"]
    return "\n".join(lines)
