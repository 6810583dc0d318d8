"""Working days in France: Monday to Friday, without public holidays."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

END_OF_DAY_HOUR = 18


def working_days_after(at_ms: int, days: int, zone: str = "Europe/Paris") -> int:
    """Six in the evening of the working day that comes `days` working days after the day of `at_ms`, as milliseconds.

    >>> from datetime import UTC
    >>> thursday = int(datetime(2026, 4, 30, 9, tzinfo=UTC).timestamp() * 1000)  # the day before May Day
    >>> datetime.fromtimestamp(working_days_after(thursday, 5) / 1000, ZoneInfo("Europe/Paris")).isoformat()
    '2026-05-11T18:00:00+02:00'
    """
    day = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(zone))
    left = days
    while left > 0:
        day += timedelta(days=1)
        if day.weekday() < 5 and (day.year, day.month, day.day) not in _holidays(day.year):
            left -= 1
    return int(day.replace(hour=END_OF_DAY_HOUR, minute=0, second=0, microsecond=0).timestamp() * 1000)


@lru_cache(maxsize=32)
def _holidays(year: int) -> frozenset[tuple[int, int, int]]:
    import holidays  # half a second: only a stand-down needs it

    return frozenset((day.year, day.month, day.day) for day in holidays.country_holidays("FR", years=year))
