"""A case file out of the store."""

from __future__ import annotations

from engine.domain.errors import InputError
from engine.domain.incident import Incident
from ops.replaying import REPLAYED
from ops.reports.casefile import SPAN_MS, CaseFile
from ops.store.store import Store, wall_clock_ms


def gather(store: Store, incident_id: str, now_ms: int | None = None) -> CaseFile:
    """All that the store knows of an incident by `now_ms`; without it by now, or by the end of a replay.

    Raises InputError when there is none of that id.
    """
    incident = store.incident(incident_id)
    if incident is None:
        raise InputError(f"{store.name}: no incident {incident_id!r}; `vigie incidents list` shows them")
    if now_ms is None:
        now_ms = end_of_replay(store, incident) if REPLAYED in store.get_meta() else wall_clock_ms()
    return CaseFile(
        incident=incident,
        now_ms=now_ms,
        plan=store.plan(incident.id),
        curve=[point for point in store.curve(incident.id) if point.start_ms + SPAN_MS <= now_ms],
        log=incident.timeline,
    )


def end_of_replay(store: Store, incident: Incident) -> int:
    """The last moment that a replay tells of an incident: nobody waits for anything after it."""
    last = max((entry.at_ms for entry in incident.timeline), default=incident.opened_at_ms)
    curve = store.curve(incident.id)
    return max(last, incident.closed_at_ms or 0, curve[-1].start_ms + SPAN_MS if curve else 0)
