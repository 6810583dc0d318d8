"""Event time: how far it has come, and what is too late to count."""

from __future__ import annotations

from typing import Any

DAY_MS = 86_400_000


class Watermark:
    """Everything before the watermark is decided. It is the newest event seen, less the lateness bound.

    A mention is late when the bin that it belongs to ended at or before the watermark *as it stood when the mention
    came*, mention by mention and not batch by batch, so that how a stream is cut into batches changes nothing.
    In a live stream silence moves time on too: after `idle_s` without any mention, at the pace of the clock.

    >>> w = Watermark(lateness_s=300, idle_s=60)
    >>> w.see(1_000_000_000_000)
    >>> w.at_ms
    999999700000
    """

    def __init__(self, *, lateness_s: int, idle_s: int) -> None:
        self._lateness_ms = lateness_s * 1000
        self._idle_ms = idle_s * 1000
        self.newest_ms = 0
        self._silence_ms = 0
        self._arrived_at_ms: int | None = None

    @property
    def at_ms(self) -> int:
        """The watermark; never moves back."""
        return self.newest_ms + self._silence_ms - self._lateness_ms if self.newest_ms else 0

    def see(self, created_at_ms: int) -> None:
        """A mention of that time has come."""
        if created_at_ms > self.newest_ms:
            gained = created_at_ms - self.newest_ms
            self._silence_ms = max(0, self._silence_ms - gained)
            self.newest_ms = created_at_ms

    def tick(self, now_ms: int, *, arrived: bool) -> None:
        """The clock of a live stream says `now_ms`; `arrived` tells whether mentions came with this poll."""
        if arrived or self._arrived_at_ms is None:
            self._arrived_at_ms = now_ms
            return
        silent_ms = now_ms - self._arrived_at_ms - self._idle_ms
        if self.newest_ms and silent_ms > 0:
            self._silence_ms += silent_ms
            self._arrived_at_ms += silent_ms

    def clamp(self, created_at_ms: int, now_ms: int) -> int:
        """A time that lies in the future becomes the stream's present (its arrival)."""
        if created_at_ms <= now_ms:
            return created_at_ms
        is_of_today = not self.newest_ms or now_ms - self.newest_ms < DAY_MS
        return now_ms if is_of_today else self.newest_ms

    def snapshot(self) -> dict[str, Any]:
        return {"v": 1, "newest_ms": self.newest_ms, "silence_ms": self._silence_ms}

    def restore(self, data: dict[str, Any]) -> None:
        """Go on from there. The time that the process was away is no silence: nobody was listening."""
        self.newest_ms, self._silence_ms = data["newest_ms"], data["silence_ms"]
        self._arrived_at_ms = None
