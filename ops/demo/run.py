"""Plays the demonstration: paced on a terminal, at once and as plain lines elsewhere. The clock is handed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from ops.demo.scenario import MINUTE_MS, Marks

if TYPE_CHECKING:
    from rich.console import Console

    from ops.demo.show import Moment

SCREEN_MIN = (60, 16)
"""Columns and rows under which there is no room for a screen; plain lines are printed instead."""

LATE_S = 0.05


class Leg(NamedTuple):
    """A part of the play: until when, in frames of how much event time, in how much time of the spectator's."""

    until_ms: int
    frame_ms: int
    wall_s: float


HOLDS_S: Mapping[str, float] = MappingProxyType(
    {
        "learnt": 1.5, "people": 0.8, "fact": 2.5, "opened": 5.5, "raised": 3.0, "reopened": 3.0, "lowered": 0.5,
        "contained": 1.5, "resolved": 1.0,
    }
)  # fmt: skip
"""How long the play stands still at a key moment, so that it can be read."""


@dataclass(frozen=True, slots=True)
class Clock:
    """The spectator's time: seconds that only grow, and a way to wait."""

    now_s: Callable[[], float]
    sleep_s: Callable[[float], None]


class Pace:
    """Keeps the play at its speed. Time lost on a slow machine is caught up, not slept on top.

    >>> waited = []
    >>> pace = Pace(Clock(lambda: sum(waited), waited.append), speed=2.0)
    >>> pace.spend(3.0)
    >>> waited, pace.is_late
    ([1.5], False)
    """

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock, self._speed = clock, speed
        self._due_s = clock.now_s()

    def spend(self, seconds: float) -> None:
        """Let so much of the play's time pass."""
        self._due_s += seconds / self._speed
        left_s = self._due_s - self._clock.now_s()
        if left_s > 0:
            self._clock.sleep_s(left_s)

    @property
    def is_late(self) -> bool:
        """Drawing this frame would only make it later."""
        return self._clock.now_s() > self._due_s + LATE_S


def legs(when: Marks) -> tuple[Leg, ...]:
    """Calm passes fast, the crisis minute by minute, the return to calm fast again."""
    storm_ms, after_ms = when.onset_ms - 10 * MINUTE_MS, when.statement_ms + 60 * MINUTE_MS
    after_h = (when.end_ms - after_ms) / 3_600_000
    return (
        Leg(storm_ms, 15 * MINUTE_MS, 9.0),
        Leg(after_ms, MINUTE_MS, 17.0),
        Leg(when.end_ms, 20 * MINUTE_MS, after_h * 0.28),
    )


def frames(when: Marks) -> Iterator[tuple[int, float]]:
    """For each frame the event time that it ends at, and its seconds on the screen."""
    at_ms = when.start_ms
    for leg in legs(when):
        count = -(-(leg.until_ms - at_ms) // leg.frame_ms)
        for i in range(1, count + 1):
            yield min(at_ms + i * leg.frame_ms, leg.until_ms), leg.wall_s / count
        at_ms = leg.until_ms


def hold_s(moments: list[Moment]) -> float:
    """How long to stand still at these moments."""
    kinds = [m.raised.alert.kind.value if m.raised is not None else m.kind for m in moments]
    return max((HOLDS_S[kind] for kind in kinds), default=0.0)


def play_plain(lang: str, line: Callable[[str], None]) -> None:
    """The key moments as plain lines, as fast as it goes; the same lines every time."""
    from ops.demo.plain import closing, opening, told
    from ops.demo.show import Show

    with Show(lang) as show:
        for text in opening(show):
            line(text)
        for to_ms, _ in frames(show.marks):
            for moment in show.advance(to_ms):
                for text in told(show, moment):
                    line(text)
            if show.over:
                break
        for text in closing(show):
            line(text)


def play_live(lang: str, speed: float, clock: Clock, console: Console) -> None:
    """The whole play on a terminal, then a summary that stays."""
    from rich.live import Live

    from ops.demo.screen import Screen, summary
    from ops.demo.show import Show

    if console.width < SCREEN_MIN[0] or console.height < SCREEN_MIN[1]:
        play_plain(lang, lambda text: console.print(text, markup=False, highlight=False))
        return
    with Show(lang) as show:
        screen = Screen(show)
        pace = Pace(clock, speed)
        with Live(screen, console=console, screen=True, auto_refresh=False) as live:
            for to_ms, wall_s in frames(show.marks):
                moments = show.advance(to_ms)
                screen.take(moments)
                if moments or not pace.is_late:
                    live.update(screen, refresh=True)
                pace.spend(wall_s + hold_s(moments))
                if show.over:
                    break
        console.print(summary(show))
