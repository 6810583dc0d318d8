"""The rota in lines that a person reads."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.domain.incident import Level
from ops.oncall.rota import Quiet, Rota, Turn

if TYPE_CHECKING:
    from ops.settings import Settings
    from ops.store.pages import PageRow

FORM = "%a %d.%m.%Y %H:%M"


def moment(at_ms: int, zone: ZoneInfo) -> str:
    """A time of the team's calendar, with its zone where the clock is being changed.

    >>> moment(1_774_771_200_000, ZoneInfo("Europe/Paris"))
    'Sun 29.03.2026 10:00'
    """
    return datetime.fromtimestamp(at_ms / 1000, zone).strftime(FORM)


def span(start_ms: int, end_ms: int, zone: ZoneInfo) -> str:
    """From when to when; the day is said once when it is the same."""
    start, end = moment(start_ms, zone), moment(end_ms, zone)
    return f"{start} to {end[-5:] if start[:-5] == end[:-5] else end}"


def turn_line(turn: Turn, settings: Settings) -> str:
    """A turn: from, to, who."""
    who = ", ".join(turn.people) or "NOBODY"
    return f"{span(turn.start_ms, turn.end_ms, ZoneInfo(settings.timezone))}  {who}"


def ladder_lines(settings: Settings, rota: Rota, quiet: Quiet | None, at_ms: int) -> Iterator[str]:
    """Who is called at this moment, minute by minute, by level."""
    zone = ZoneInfo(settings.timezone)
    yield f"{moment(at_ms, zone)} {settings.timezone}"
    for level in (Level.JAUNE, Level.ORANGE, Level.ROUGE):
        minutes, step = 0, settings.oncall.ack_min.ms()[level] // 60_000
        called: list[str] = []
        parts = []
        for rung in settings.oncall.ladder:
            people = rota.who(rung.role, at_ms)
            fresh = [name for name in (people[1:] if rung.deputy else people[:1]) if name not in called]
            if fresh:
                called.append(fresh[0])
                parts.append(f"{minutes} min {fresh[0]}")
                minutes += step
            if len(called) == 1 and fresh:
                for role in settings.oncall.at_once.of(level):
                    for name in rota.who(role, at_ms)[:1]:
                        if name not in called:
                            called.append(name)
                            parts.append(f"0 min {name}")
        held = quiet.until_ms(at_ms) if quiet is not None and level is Level.JAUNE else None
        waits = f" (waits until {moment(held, zone)} unless it grows)" if held is not None else ""
        yield f"{level.label:<7}{', '.join(parts) or 'NOBODY'}{waits}"
    for role in rota.roles:
        change_ms = rota.next_change_ms(role, at_ms)
        who = ", ".join(rota.on_call(role, at_ms)) or "NOBODY"
        after = f", until {moment(change_ms, zone)}" if change_ms is not None else ""
        yield f"{role}: {who}{after}"


def calls_lines(pages: list[PageRow], due_ms: int | None, state: str, zone: ZoneInfo, next_person: str) -> list[str]:
    """Who was called for an incident and when, and who is next."""
    if not pages:
        return []
    lines = [f"CALLS ({state}):"]
    for page in pages:
        link = f", link used {moment(page.acked_at_ms, zone)[-5:]}" if page.acked_at_ms is not None else ""
        role = f" ({page.role})" if page.role else ""
        lines.append(f"  {moment(page.at_ms, zone)[-5:]}  {page.kind:<10} {page.person or 'the team'}{role}{link}")
    if due_ms is not None:
        lines.append(f"  {moment(due_ms, zone)[-5:]}  next       {next_person or 'nobody is left: the team is told'}")
    return lines
