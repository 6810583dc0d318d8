"""Times as people write them in a settings file: ISO 8601, in the team's time zone unless they name another."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo


def second_of(text: str, zone: ZoneInfo, *, is_end: bool = False) -> int:
    """Seconds since 1970. A day alone begins at midnight; as an end it means the end of that day.

    Raises ValueError when it is no time.

    >>> paris = ZoneInfo("Europe/Paris")
    >>> second_of("2026-01-07T08:00", paris) == second_of("2026-01-07T07:00:00Z", paris)
    True
    >>> second_of("2026-01-07", paris, is_end=True) - second_of("2026-01-07", paris)
    86400
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
    else:
        moment = datetime.combine(day + timedelta(days=1) if is_end else day, datetime.min.time())
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).timestamp())
