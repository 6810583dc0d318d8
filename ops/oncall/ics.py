"""A rota out of a calendar: an ICS file as Google Calendar, Outlook and others export it.

Each VEVENT is a turn. Who it is stands in SUMMARY (`Camille`, `Astreinte : Camille`, `On call - Camille & Nour`) or, if
no known name is found there, among the attendees. Parsed by icalendar (RFC 5545); repetitions, exceptions and daylight
saving are unfolded by recurring-ical-events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.core.fold import fold
from engine.domain.errors import ConfigError
from ops.oncall.rota import Fixed, Turn

BYTES_MAX = 2_000_000
TURNS_MAX = 20_000
BEFORE_DAYS, AHEAD_DAYS = 60, 400
"""How much of it is unfolded around now."""


def read_rota(path: Path, zone: ZoneInfo, people: Sequence[str], now_ms: int) -> Fixed:
    """The turns of a calendar file. Times without a zone are of `zone`; `people` are the names to look for.

    Raises ConfigError, one line: file, line, what to do.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; mend oncall.rotas' ics, or take it out") from None
    if len(raw) > BYTES_MAX:
        raise ConfigError(f"{path}: larger than {BYTES_MAX} bytes; export the on-call calendar alone")
    return Fixed(tuple(turns_of(raw, str(path), zone, people, now_ms)))


def turns_of(raw: bytes, name: str, zone: ZoneInfo, people: Sequence[str], now_ms: int) -> list[Turn]:
    """The turns that the calendar's text gives. Raises ConfigError, which begins with `name`."""
    import icalendar
    import recurring_ical_events

    lines = raw.decode("utf-8", "replace").splitlines()
    starts = [i for i, line in enumerate(lines, 1) if line.strip().upper() == "BEGIN:VEVENT"]
    try:
        calendar: Any = icalendar.Calendar.from_ical(raw)
    except (ValueError, KeyError, IndexError) as error:
        why = " ".join(str(error).split())[:120]
        raise ConfigError(f"{name}: not a calendar (BEGIN:VCALENDAR on): {why}; export it again as ICS") from None
    patterns = _patterns(people)
    named: dict[int, tuple[str, ...]] = {}
    for nth, event in enumerate(calendar.walk("VEVENT")):
        line = starts[nth] if nth < len(starts) else 1
        found = _people(event, patterns)
        if not found:
            title = " ".join(str(event.get("SUMMARY", "")).split())[:60]
            raise ConfigError(
                f"{name}:{line}: {title!r} names nobody of `people` ({', '.join(people)[:120]}); "
                "put a name into the event's title, or list the person"
            )
        try:
            _ = event.start, event.end
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"{name}:{line}: no usable time ({error}); give DTSTART and DTEND") from None
        event["X-VIGIE-NTH"], named[nth] = nth, found
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    first, last = now - timedelta(days=BEFORE_DAYS), now + timedelta(days=AHEAD_DAYS)
    try:
        unfolded = recurring_ical_events.of(calendar).between(first, last)
    except (ValueError, TypeError, AttributeError, OverflowError) as error:  # what the libraries can't follow
        raise ConfigError(f"{name}: a repetition can't be unfolded: {error}; mend its RRULE") from None
    if len(unfolded) > TURNS_MAX:
        raise ConfigError(f"{name}: over {TURNS_MAX} turns within {AHEAD_DAYS} days; that is no rota")
    turns = [
        Turn(_ms(event.start, zone), _ms(event.end, zone), named[int(event["X-VIGIE-NTH"])], "calendar")
        for event in unfolded
        if str(event.get("STATUS", "")).upper() != "CANCELLED"
    ]
    return sorted(turn for turn in turns if turn.end_ms > turn.start_ms)


def _ms(moment: date, zone: ZoneInfo) -> int:
    """A day alone begins at midnight of the rota's zone."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, datetime.min.time())
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).timestamp() * 1000)


def _patterns(people: Sequence[str]) -> Mapping[str, re.Pattern[str]]:
    """Whole names, whatever their case and accents; the longest first, so that "Jean" is not found in "Jean-Marc"."""
    longest = sorted(people, key=len, reverse=True)
    return {name: re.compile(rf"(?<![\w-]){re.escape(fold(name))}(?![\w-])") for name in longest}


def _people(event: Any, patterns: Mapping[str, re.Pattern[str]]) -> tuple[str, ...]:
    attendees = event.get("ATTENDEE", [])
    attendees = attendees if isinstance(attendees, list) else [attendees]
    known = [f"{getattr(item, 'params', {}).get('CN', '')} {item}" for item in attendees]
    return _named(str(event.get("SUMMARY", "")), patterns) or _named("; ".join(known), patterns)


def _named(text: str, patterns: Mapping[str, re.Pattern[str]]) -> tuple[str, ...]:
    """The known names in a text, in the order in which they stand there."""
    text = fold(text)
    found: list[tuple[int, str]] = []
    for name, pattern in patterns.items():
        match = pattern.search(text)
        if match:
            found.append((match.start(), name))
            text = text[: match.start()] + " " * (match.end() - match.start()) + text[match.end() :]
    return tuple(name for _, name in sorted(found))
