"""How the team did: each clock of each run, when it ran out, when it was answered and by whom, met or missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.domain.errors import InputError
from engine.domain.run import MINUTE_MS, Run, RunStep, StepState
from ops.drill.db import DRILL, clock_of, marked
from ops.render.moments import utc
from ops.render.neutral import plain
from ops.store import Store
from ops.store.store import wall_clock_ms
from playbooks.typography import typeset

MET, LATE, MISSED, SKIPPED, AHEAD = "met", "late", "missed", "skipped", "not due"
_WORDS = {
    "fr": {
        MET: "tenu", LATE: "en retard", MISSED: "manqué", SKIPPED: "écarté", AHEAD: "pas encore dû", "due": "échéance",
        "done": "fait", "who": "par", "step": "étape", "result": "résultat", "none": "Aucun incident : rien à noter.",
        "title": "EXERCICE / EXERCISE : les horloges", "sum": "{met} tenues sur {due} échues", "min": "+{n} min",
        "chosen": "playbook : {got} (attendu : {want})",
    },
    "en": {
        MET: "met", LATE: "late", MISSED: "missed", SKIPPED: "left out", AHEAD: "not due yet", "due": "due",
        "done": "done", "who": "by", "step": "step", "result": "result", "none": "No incident: nothing to score.",
        "title": "EXERCICE / EXERCISE: the clocks", "sum": "{met} met of {due} that were due", "min": "+{n} min",
        "chosen": "playbook: {got} (expected: {want})",
    },
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scored:
    """One step: due, closed and by whom; times in milliseconds since 1970."""

    incident_id: str
    step: str
    clock: str | None
    title: str
    role: str
    due_ms: int
    closed_ms: int | None
    owner: str
    result: str
    late_min: int


def scored(run: Run, now_ms: int) -> list[Scored]:
    """The steps of a run in the order of their clocks."""
    return [_scored(run, step, now_ms) for step in sorted(run.steps, key=lambda step: (step.due_at_ms, step.id))]


def _scored(run: Run, step: RunStep, now_ms: int) -> Scored:
    closed = step.changed_at_ms if step.state in (StepState.DONE, StepState.SKIPPED) else None
    late_ms = max(0, (now_ms if closed is None else closed) - step.due_at_ms)
    if step.state is StepState.SKIPPED:
        result = SKIPPED
    elif closed is not None:
        result = LATE if late_ms >= MINUTE_MS else MET
    else:
        result = MISSED if late_ms else AHEAD
    late = 0 if result in (SKIPPED, MET, AHEAD) else -(-late_ms // MINUTE_MS)
    return Scored(
        run.incident_id, step.id, step.clock, step.title, run.role_title(step.role), step.due_at_ms, closed,
        step.owner, result, late,
    )  # fmt: skip


def score(store: Store) -> dict[str, Any]:
    """The score of a drill's database, as JSON values. Raises InputError for another database."""
    told = marked(store)
    if not told:
        raise InputError(f"{store.name}: not a drill's database; `vigie drill` makes one")
    now_ms = clock_of(store, wall_clock_ms)()
    runs = store.runs.all()
    rows = [row for run in runs for row in scored(run, now_ms)]
    due = [row for row in rows if row.result in (MET, LATE, MISSED)]
    met = [row for row in due if row.result == MET]
    return {
        "exercise": True, "mark": "EXERCICE / EXERCISE", "scenario": told.get("scenario"), "brand": told.get("brand"),
        "at": utc(now_ms), "clocks_due": len(due), "clocks_met": len(met),
        "share_met": round(len(met) / len(due), 3) if due else None,
        "incidents": [
            {
                "id": run.incident_id, "playbook": run.playbook, "level": run.level.label,
                "started": utc(run.started_at_ms),
                "steps": [
                    {
                        "step": row.step, "clock": row.clock, "title": row.title, "role": row.role,
                        "due": utc(row.due_ms), "done": None if row.closed_ms is None else utc(row.closed_ms),
                        "by": row.owner or None, "result": row.result, "late_min": row.late_min,
                    }
                    for row in rows if row.incident_id == run.incident_id
                ],
            }
            for run in runs
        ],
    }  # fmt: skip


def score_text(found: dict[str, Any], lang: str, zone: str, expects: str | None = None) -> str:
    """The score as a table of 100 columns."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    say = _WORDS["fr" if lang == "fr" else "en"]

    def at(text: str | None) -> str:
        return "-" if text is None else datetime.fromisoformat(text).astimezone(ZoneInfo(zone)).strftime("%H:%M")

    lines: list[str] = [say["title"]]
    if not found["incidents"]:
        return typeset("\n".join([*lines, say["none"]]), lang)
    for incident in found["incidents"]:
        lines += ["", f"{incident['id']}  {incident['level']}  {found['brand']}"]
        if expects is not None:
            lines.append("  " + say["chosen"].format(got=incident["playbook"], want=expects))
        lines.append(_row((say["due"], say["done"], say["who"], say["result"], say["step"])))
        for step in incident["steps"]:
            late = f" {say['min'].format(n=step['late_min'])}" if step["late_min"] else ""
            result = say[step["result"]] + late
            lines.append(_row((at(step["due"]), at(step["done"]), step["by"] or "-", result, step["title"])))
    lines += ["", say["sum"].format(met=found["clocks_met"], due=found["clocks_due"])]
    return "\n".join(typeset(line, lang) for line in lines)


def _row(cells: Sequence[str]) -> str:
    due, done, who, result, step = (plain(cell, 60) for cell in cells)
    return f"  {due:<9}{done:<7}{who[:14]:<15}{result[:22]:<23}{step[:52]}".rstrip()


__all__ = ["DRILL", "Scored", "score", "score_text", "scored"]
