"""What is wrong with the rota, before anybody finds out at night: holes, and people who can't be reached."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from engine.domain.errors import ConfigError
from engine.domain.incident import Level
from ops.oncall.build import roles_of, rota_of
from ops.oncall.rota import DAY_MS, Rota

if TYPE_CHECKING:
    from ops.settings import Settings
    from ops.store import Store

GAPS_SHOWN_MAX = 5


def summary(settings: Settings) -> Iterator[str]:
    """The rotas in a few lines."""
    if not settings.oncall.rotas and not roles_of(settings):
        yield "nobody: alerts go to the channels alone"
        return
    for rota in settings.oncall.rotas:
        parts = []
        if rota.rotation is not None:
            every = rota.rotation.every_days
            parts.append(f"{', '.join(rota.rotation.people)} in turn, {every} day{'s' if every > 1 else ''} each")
        if rota.people:
            parts.append(f"always {', '.join(rota.people)}")
        if rota.shifts:
            parts.append(f"{len(rota.shifts)} shift{'s' if len(rota.shifts) > 1 else ''}")
        if rota.ics is not None:
            parts.append(f"calendar {rota.ics}")
        deputies = f"; then {', '.join(rota.deputies)}" if rota.deputies else ""
        yield f"{rota.role}: {', '.join(parts)}{deputies}"
    quiet = settings.oncall.quiet
    yield f"jaune waits from {quiet.start} to {quiet.end}" if quiet else "no quiet hours: every jaune is told at once"
    has_links = settings.oncall.link_secret_env or settings.oncall.link_secret_file
    if not has_links or settings.alerts.base_url is None:
        yield "no signed links: set alerts.base_url and oncall.link_secret_env"


def troubles(settings: Settings, now_ms: int, days: int = 60) -> list[str]:
    """Each a sentence with its place or dates. Empty when all is well."""
    if not settings.oncall.rotas and not roles_of(settings):
        return []
    try:
        rota = rota_of(settings, now_ms)
    except ConfigError as error:
        return [str(error)]
    found = [*_gaps(settings, rota, now_ms, days), *_unreachable(settings, rota, now_ms, days)]
    for section in settings.oncall.rotas:
        alone = [name for name in section.deputies if set(_names(rota, section.role, now_ms, days)) == {name}]
        if alone:
            found.append(f"oncall.rotas {section.role}: {alone[0]} is the deputy of nobody else")
    held = {*(section.role for section in settings.oncall.rotas), *rota.roles}
    missing = [rung.role for rung in settings.oncall.ladder if rung.role not in held]
    if missing:
        names = ", ".join(dict.fromkeys(missing))
        found.append(f"oncall.ladder: nobody holds {names}; the ladder ends sooner. Add a rota, or set oncall.ladder")
    return found


def _gaps(settings: Settings, rota: Rota, now_ms: int, days: int) -> Iterator[str]:
    from zoneinfo import ZoneInfo

    from ops.render.oncall import span

    zone = ZoneInfo(settings.timezone)
    meant = {section.role for section in settings.oncall.rotas if section.gaps}
    for role in rota.roles:
        if role in meant:
            continue
        gaps = rota.gaps(role, now_ms, now_ms + days * DAY_MS)
        shown = "; ".join(span(gap.start_ms, gap.end_ms, zone) for gap in gaps[:GAPS_SHOWN_MAX])
        more = f" and {len(gaps) - GAPS_SHOWN_MAX} more" if len(gaps) > GAPS_SHOWN_MAX else ""
        if gaps:
            yield f"oncall.rotas {role}: nobody is on call {shown}{more} (within {days} days)"


def _unreachable(settings: Settings, rota: Rota, now_ms: int, days: int) -> Iterator[str]:
    for name in sorted(rota.people(now_ms, now_ms + days * DAY_MS)):
        person = settings.people.get(name)
        if person is None:
            yield f"people: {name} is on call and not listed, so no message would arrive"
        elif all(Level[contact.level_min.upper()] > Level.JAUNE for contact in person.contacts):
            lowest = min((Level[contact.level_min.upper()] for contact in person.contacts), default=Level.ROUGE)
            yield f"people: {name} is told of nothing below {lowest.label}; give one contact level_min: jaune"


def _names(rota: Rota, role: str, now_ms: int, days: int) -> set[str]:
    return {name for turn in rota.timeline(role, now_ms, now_ms + days * DAY_MS) for name in turn.people}


def calls_of(settings: Settings, store: Store, incident_id: str) -> list[str]:
    """Who was called for an incident, and who is next and when; empty when nobody was."""
    from zoneinfo import ZoneInfo

    from ops.oncall.build import Desk, ladder_of, quiet_of
    from ops.oncall.escalation import upcoming
    from ops.render.oncall import calls_lines
    from ops.store.store import wall_clock_ms

    found, pages = store.pages.get(incident_id), store.pages.of_incident(incident_id)
    if found is None:
        return calls_lines(pages, None, "", ZoneInfo(settings.timezone), "")
    name, now_ms = "", wall_clock_ms()
    if found.due_at_ms is not None:
        rota = rota_of(settings, now_ms).with_overrides(store.pages.overrides(now_ms))
        name = upcoming(found, now_ms, Desk(rota, quiet_of(settings), store.outbox.mutes), ladder_of(settings))
    return calls_lines(pages, found.due_at_ms, found.state.value, ZoneInfo(settings.timezone), name)
