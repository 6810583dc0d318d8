"""Event time: how far it has come, and what is too late to count."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.domain.batch import Progress

DAY_MS = 86_400_000

IDLE_WORD_MS = 5_000
"""For how long the word that a lane is idle counts."""


class Watermark:
    """Everything before the watermark is decided. It is the newest event seen, less the lateness bound.

    A mention is late when the bin that it belongs to ended at or before the watermark *as it stood when the mention
    came*, mention by mention and not batch by batch, so that how a stream is cut into batches changes nothing.
    In a live stream silence moves time on too: after `idle_s` without any mention, at the pace of the clock.

    A stream may come in several lanes (partitions), each with its mentions in order, but none waiting for the others.
    Then the watermark is that of the lane that is furthest behind, and a mention is late by the time of its own lane:
    that depends on what stands in the lane alone, not on who read how fast. A lane that is told to be idle catches up
    with the newest event that stood at the word before, so that what came into it meanwhile is still in time.

    >>> w = Watermark(lateness_s=300, idle_s=60)
    >>> w.see(1_000_000_000_000)
    >>> w.at_ms
    999999700000
    >>> w.expect(["m/0", "m/1"])
    >>> w.see(1_000_000_500_000, "m/0"), w.at_ms
    (None, 999999700000)
    >>> w.see(1_000_000_400_000, "m/1"), w.at_ms
    (None, 1000000100000)
    """

    def __init__(self, *, lateness_s: int, idle_s: int) -> None:
        self._lateness_ms = lateness_s * 1000
        self._idle_ms = idle_s * 1000
        self.newest_ms = 0
        self.at_ms = 0
        """The watermark; never moves back."""
        self._silence_ms = 0
        self._arrived_at_ms: int | None = None
        self._lanes: dict[str, int] = {}  # the newest event of each, 0 before the first
        self._slowest_ms = 0
        self._marks_ms: dict[str, int] = {}  # the newest event when a lane was last told to be idle
        self._idle_until_ms: dict[str, int] = {}

    def expect(self, lanes: Iterable[str]) -> None:
        """These are the lanes that there are. Others are forgotten; one that is new holds time back until it speaks."""
        self._lanes = {lane: self._lanes.get(lane, 0) for lane in lanes}
        self._slowest_ms = min(self._lanes.values(), default=0)
        self._move()

    def late_before_ms(self, lane: str, reached_ms: int = 0) -> int:
        """A mention of that lane is late if its bin ended by this time. `reached_ms` is the newest event that came in
        the lane before it, where not all of them come here."""
        return max(self.at_ms, max(self._lanes.get(lane, 0), reached_ms) - self._lateness_ms)

    def see(self, created_at_ms: int, lane: str = "") -> None:
        """A mention of that time has come."""
        if created_at_ms > self.newest_ms:
            gained = created_at_ms - self.newest_ms
            self._silence_ms = max(0, self._silence_ms - gained)
            self.newest_ms = created_at_ms
            if not self._lanes:
                self._move()
        if lane:
            self._reach(lane, created_at_ms)

    def hear(self, progress: Iterable[Progress], now_ms: int) -> None:
        """News of lanes."""
        for news in progress:
            if news.reached_ms:
                self.see(news.reached_ms, news.lane)
            if news.idle:
                self._reach(news.lane, self._marks_ms.get(news.lane, 0))
                self._marks_ms[news.lane] = self.newest_ms
                self._idle_until_ms[news.lane] = now_ms + IDLE_WORD_MS
            else:
                self._marks_ms.pop(news.lane, None)
                self._idle_until_ms.pop(news.lane, None)

    def _reach(self, lane: str, at_ms: int) -> None:
        before_ms = self._lanes.get(lane, 0)
        if at_ms <= before_ms:
            return
        is_new, self._lanes[lane] = lane not in self._lanes, at_ms
        if is_new or before_ms == self._slowest_ms:
            self._slowest_ms = min(self._lanes.values())
            self._move()

    def _move(self) -> None:
        reached_ms = self._slowest_ms if self._lanes else self.newest_ms
        if reached_ms:
            self.at_ms = max(self.at_ms, reached_ms + self._silence_ms - self._lateness_ms)

    def tick(self, now_ms: int, *, arrived: bool) -> None:
        """The clock of a live stream says `now_ms`; `arrived` tells whether mentions came with this poll.

        Where there are lanes silence counts only while all of them are known to be idle: one that nobody reads is not
        silent.
        """
        if not arrived and self._lanes:
            arrived = any(self._idle_until_ms.get(lane, 0) < now_ms for lane in self._lanes)
        if arrived or self._arrived_at_ms is None:
            self._arrived_at_ms = now_ms
            return
        silent_ms = now_ms - self._arrived_at_ms - self._idle_ms
        if self.newest_ms and silent_ms > 0:
            self._silence_ms += silent_ms
            self._arrived_at_ms += silent_ms
            self._move()

    def clamp(self, created_at_ms: int, now_ms: int) -> int:
        """A time that lies in the future becomes the stream's present (its arrival)."""
        if created_at_ms <= now_ms:
            return created_at_ms
        is_of_today = not self.newest_ms or now_ms - self.newest_ms < DAY_MS
        return now_ms if is_of_today else self.newest_ms

    def snapshot(self) -> dict[str, Any]:
        state: dict[str, Any] = {"v": 1, "newest_ms": self.newest_ms, "silence_ms": self._silence_ms}
        return state | {"lanes": dict(sorted(self._lanes.items())), "at_ms": self.at_ms} if self._lanes else state

    def restore(self, data: dict[str, Any]) -> None:
        """Go on from there. The time that the process was away is no silence: nobody was listening."""
        self.newest_ms, self._silence_ms = data["newest_ms"], data["silence_ms"]
        self._lanes, self.at_ms = dict(data.get("lanes", {})), data.get("at_ms", 0)
        self._slowest_ms = min(self._lanes.values(), default=0)
        self._marks_ms, self._idle_until_ms, self._arrived_at_ms = {}, {}, None
        self._move()
