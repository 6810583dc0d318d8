"""Planned events: the calendar of the settings and an ICS file, as the plain intervals that the engine judges by.

An ICS file is read by icalendar (RFC 5545) and its repetitions are unfolded by recurring-ical-events, exceptions and
daylight saving included. Of each VEVENT these count: SUMMARY, DTSTART, DTEND or DURATION, RRULE and its kin,
`X-VIGIE-RATIO`, and the brands of `X-VIGIE-BRANDS`, or else of CATEGORIES; without either the event is for all brands.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from engine.domain.config import PlannedEvent
from engine.domain.errors import ConfigError
from ops.moment import second_of
from ops.settings import Settings
from ops.watched import EVENT_RATIO, EVENT_RATIO_MAX

BYTES_MAX = 2_000_000
OCCURRENCES_MAX = 20_000
AHEAD_S = 2 * 366 * 86_400
"""Repetitions are unfolded so far ahead of the start of the program."""
FIRST_S, LAST_S = 631_152_000, 4_102_444_800
"""1990 to 2100: a date beyond is a mistake, and repetitions up to the year 9999 would never be unfolded."""
NAME_CHARS_MAX = 100
ALL = "*"
_TOO_OFTEN = ("BYHOUR", "BYMINUTE", "BYSECOND")


def planned_events(settings: Settings, now_s: float) -> tuple[PlannedEvent, ...]:
    """Every planned event, those of the settings first. What lies in the past does not depend on `now_s`.

    Raises ConfigError, one line: file, line, what to do.
    """
    zone = ZoneInfo(settings.timezone)
    own = [
        PlannedEvent(
            event.name,
            () if event.brands == "all" else event.brands,
            second_of(event.start, zone),
            second_of(event.end, zone, is_end=True),
            event.expected_ratio,
        )
        for event in settings.events
    ]
    if settings.events_ics is not None:
        names = [brand.name for brand in settings.brands]
        own += read_ics(settings.events_ics, zone, names, now_s)
    return tuple(own)


def read_ics(path: Path, zone: ZoneInfo, brands: list[str], now_s: float) -> list[PlannedEvent]:
    """The events of an ICS file. Times without a zone are of `zone`; brands must be among `brands` where there are any.

    Raises ConfigError, one line: file, line, what to do.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror or error}; mend events_ics, or take it out") from None
    if len(raw) > BYTES_MAX:
        raise ConfigError(f"{path}: larger than {BYTES_MAX} bytes; export a calendar of its own for these events")
    return _Ics(path, raw, zone, brands).events(now_s)


class _Ics:
    """One file, with where each of its events stands."""

    def __init__(self, path: Path, raw: bytes, zone: ZoneInfo, brands: list[str]) -> None:
        self._path, self._zone, self._brands = path, zone, brands
        self._lines = raw.decode("utf-8", "replace").splitlines()
        self._starts = [i for i, line in enumerate(self._lines) if line.strip().upper() == "BEGIN:VEVENT"]
        self._calendar = self._parse(raw)

    def _parse(self, raw: bytes) -> Any:
        import icalendar

        try:
            return icalendar.Calendar.from_ical(raw)
        except (ValueError, KeyError, IndexError) as error:
            lines = enumerate(self._lines)
            bad = next((i for i, line in lines if line.strip() and ":" not in line and line[0] not in " \t"), 0)
            why = " ".join(str(error).split())[:120]
            raise ConfigError(
                f"{self._path}:{bad + 1}: not a calendar (BEGIN:VCALENDAR on): {why}; export it again as ICS"
            ) from None

    def _fail(self, nth: int, key: str, message: str) -> ConfigError:
        """The error at the line of property `key` of the nth event, or where that event begins."""
        start = self._starts[nth] if nth < len(self._starts) else 0
        for i in range(start + 1, len(self._lines)):
            head = self._lines[i].upper()
            if head.startswith((f"{key}:", f"{key};")):
                return ConfigError(f"{self._path}:{i + 1}: {key}: {message}")
            if head.startswith("END:VEVENT"):
                break
        return ConfigError(f"{self._path}:{start + 1}: {message}")

    def events(self, now_s: float) -> list[PlannedEvent]:
        import recurring_ical_events

        told: dict[int, tuple[str, tuple[str, ...], float]] = {}
        first, last = datetime.fromtimestamp(now_s, UTC), datetime.fromtimestamp(now_s + AHEAD_S, UTC)
        for nth, event in enumerate(self._calendar.walk("VEVENT")):
            start_s, end_s = self._check(nth, event)
            first = min(first, datetime.fromtimestamp(start_s, UTC))
            last = max(last, datetime.fromtimestamp(end_s, UTC))
            event["X-VIGIE-NTH"] = nth
            told[nth] = (self._name(nth, event), self._brands_of(nth, event), self._ratio(nth, event))
        try:
            unfolded = recurring_ical_events.of(self._calendar).between(first, last + timedelta(days=1))
        except (ValueError, TypeError, AttributeError, OverflowError) as error:  # what the libraries can't follow
            raise ConfigError(
                f"{self._path}: a repetition can't be unfolded: {error}; mend its RRULE or RECURRENCE-ID"
            ) from None
        found = []
        for event in unfolded:
            if str(event.get("STATUS", "")).upper() == "CANCELLED":
                continue
            name, brands, ratio = told[int(event["X-VIGIE-NTH"])]
            found.append(PlannedEvent(name, brands, self._second(event.start), self._second(event.end), ratio))
        if len(found) > OCCURRENCES_MAX:
            raise ConfigError(f"{self._path}: over {OCCURRENCES_MAX} occurrences; give its rules an UNTIL or COUNT")
        return sorted((event for event in found if event.end_s > event.start_s), key=lambda e: (e.start_s, e.name))

    def _second(self, moment: date) -> int:
        """A day alone begins at midnight of the team's time; ends are exclusive in ICS, days too."""
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, datetime.min.time())
        return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=self._zone)).timestamp())

    def _check(self, nth: int, event: Any) -> tuple[int, int]:
        """What every event must have; when it begins and ends."""
        for key, reason in event.errors:
            raise self._fail(nth, str(key or ""), f"{' '.join(str(reason).split())[:120]}; mend this line")
        try:
            start, end = event.start, event.end
        except (ValueError, TypeError, KeyError) as error:
            raise self._fail(nth, "DTSTART", f"no usable time ({error}); give DTSTART and DTEND") from None
        start_s, end_s = self._second(start), self._second(end)
        if end_s <= start_s:
            raise self._fail(nth, "DTEND", "the event ends before it begins, or lasts no time; give it a later DTEND")
        if not FIRST_S <= start_s < end_s <= LAST_S:
            raise self._fail(nth, "DTSTART", "events are between 1990 and 2100; mend DTSTART or DTEND")
        rules = event.get("RRULE", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            if any(step < 1 for step in rule.get("INTERVAL", [])):
                raise self._fail(nth, "RRULE", "INTERVAL is below 1; write 1 or more")
            often = str(rule.get("FREQ", [""])[0]).upper() in ("SECONDLY", "MINUTELY", "HOURLY")
            if often or any(part in rule for part in _TOO_OFTEN):
                raise self._fail(nth, "RRULE", "repeats within a day; write one event that covers that time")
        return start_s, end_s

    def _name(self, nth: int, event: Any) -> str:
        name = " ".join(str(event.get("SUMMARY", "")).split())[:NAME_CHARS_MAX]
        if not name:
            raise self._fail(nth, "SUMMARY", "the event has no name; give it a SUMMARY")
        return name

    def _ratio(self, nth: int, event: Any) -> float:
        written = event.get("X-VIGIE-RATIO")
        if written is None:
            return EVENT_RATIO
        try:
            ratio = float(str(written).strip().replace(",", "."))
        except ValueError:
            ratio = 0.0
        if not 1.0 <= ratio <= EVENT_RATIO_MAX:
            raise self._fail(
                nth, "X-VIGIE-RATIO", f"{str(written)[:20]!r} is no ratio; write a number from 1 to {EVENT_RATIO_MAX:g}"
            )
        return ratio

    def _brands_of(self, nth: int, event: Any) -> tuple[str, ...]:
        key = "X-VIGIE-BRANDS" if "X-VIGIE-BRANDS" in event else "CATEGORIES"
        names = list(_listed(event.get(key)))
        if not names or ALL in names:
            return ()
        known = [name for name in names if name in self._brands] if self._brands else names
        if key == "CATEGORIES" and known:
            return tuple(known)  # calendars have categories of other people's, too
        for name in names:
            if self._brands and name not in self._brands:
                close = difflib.get_close_matches(name, self._brands, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"write X-VIGIE-BRANDS:{ALL} for all brands"
                raise self._fail(nth, key, f"no brand of the settings is called {name[:40]!r}; {hint}")
        return tuple(names)


def _listed(value: Any) -> Iterator[str]:
    """The texts of a property that may be absent, repeated, a list, or a text with commas."""
    if value is None:
        return
    for item in value if isinstance(value, list) else [value]:
        parts = [str(part) for part in item.cats] if hasattr(item, "cats") else str(item).replace("\\,", ",").split(",")
        yield from (part.strip() for part in parts if part.strip())
