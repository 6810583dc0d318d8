"""A moment as programs read it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc(at_ms: int) -> str:
    """RFC 3339 in UTC, ending in Z; milliseconds only where there are any.

    >>> utc(1_424_520_000_000), utc(1_424_520_000_250)
    ('2015-02-21T12:00:00Z', '2015-02-21T12:00:00.250Z')
    """
    form = "milliseconds" if at_ms % 1000 else "seconds"
    moment = datetime.fromtimestamp(at_ms // 1000, UTC).replace(microsecond=at_ms % 1000 * 1000)
    return moment.isoformat(timespec=form).removesuffix("+00:00") + "Z"
