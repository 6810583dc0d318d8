"""All that a report tells of, gathered: the incident, its curve, its run, what was said. Plain data, no store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from engine.domain.effects import CurveDrawn
from engine.domain.incident import CLOSED_PHASES, Incident, TimelineEntry
from engine.domain.playbook import Plan

SPAN_MS = 600_000
HOUR_MS = 3_600_000
RISING, FALLING = 1.25, 0.8
"""An hour with a quarter more than the one before rises, with a fifth less it falls; between is steady. Counts below
`STEADY_MAX` are steady whatever they do."""
STEADY_MAX = 5.0
IN_TIME_MS = 60_000
"""Reports tell minutes: what is less late than one is in time."""


class CaseStep(NamedTuple):
    """A step of the run as a report tells it. `state` is open, claimed, done or skipped; times None while not there."""

    title: str
    role: str
    state: str
    due_ms: int
    closed_ms: int | None = None
    owner: str = ""
    overdue_ms: int | None = None
    reason: str = ""
    clock: str | None = None
    """The clock of the level that it answers to: acknowledge, qualify, holding_line and so on; None for other steps."""

    def late_ms(self, now_ms: int) -> int:
        """How late it was done, or is by now; 0 where it was in time."""
        if self.state == "skipped":
            return 0
        return max(0, (now_ms if self.closed_ms is None else self.closed_ms) - self.due_ms)


class CaseFact(NamedTuple):
    """A fact that texts rest on. `value` and `approved_by` are empty until someone writes and approves it."""

    name: str
    question: str
    value: str = ""
    approved_by: str = ""


class CasePost(NamedTuple):
    """A text that the team approved, and whether it stands on the network."""

    network: str
    kind: str
    text: str
    approved_by: tuple[str, ...]
    at_ms: int
    published: bool


@dataclass(frozen=True, slots=True)
class CaseFile:
    """What is known of an incident at `now_ms`."""

    incident: Incident
    now_ms: int
    plan: Plan | None = None
    curve: Sequence[CurveDrawn] = ()
    steps: Sequence[CaseStep] = ()
    log: Sequence[TimelineEntry] = ()
    """Everything that happened, oldest first: the engine's log and people's."""
    facts: Sequence[CaseFact] = ()
    posts: Sequence[CasePost] = ()
    waiting: int = 0
    """Drafts that wait for someone's approval."""
    lang: str | None = None
    """The language in which the team's reasons and log were written, where it is known."""

    @property
    def is_over(self) -> bool:
        return self.incident.phase in CLOSED_PHASES


class Hour(NamedTuple):
    """One hour of the curve; the last one may be a part of one."""

    start_ms: int
    negative: float
    total: int
    expected: float


def hours(curve: Sequence[CurveDrawn]) -> list[Hour]:
    """The curve by the hour of the clock, without holes.

    >>> [h.negative for h in hours([CurveDrawn("i", 0, 2.0, 3, 1.0), CurveDrawn("i", 7_200_000, 1.0, 1, 1.0)])]
    [2.0, 0.0, 1.0]
    """
    sums: dict[int, Hour] = {}
    for point in curve:
        start = point.start_ms - point.start_ms % HOUR_MS
        before = sums.get(start, Hour(start, 0.0, 0, 0.0))
        sums[start] = Hour(
            start, before.negative + point.negative, before.total + point.total, before.expected + point.expected
        )
    if not sums:
        return []
    return [sums.get(at, Hour(at, 0.0, 0, 0.0)) for at in range(min(sums), max(sums) + 1, HOUR_MS)]


def since(curve: Sequence[CurveDrawn], start_ms: int) -> tuple[float, float, int]:
    """Negatives, those expected, and all mentions, of the points that reach beyond `start_ms`.

    >>> since([CurveDrawn("i", 0, 2.0, 3, 1.0), CurveDrawn("i", SPAN_MS, 5.0, 6, 1.5)], SPAN_MS)
    (5.0, 1.5, 6)
    """
    points = [point for point in curve if point.start_ms + SPAN_MS > start_ms]
    return sum(p.negative for p in points), sum(p.expected for p in points), sum(p.total for p in points)


def last_hour(curve: Sequence[CurveDrawn], before: int = 0) -> float:
    """Negatives of the hour that ends with the curve, or `before` hours earlier."""
    if not curve:
        return 0.0
    end = curve[-1].start_ms + SPAN_MS - before * HOUR_MS
    return sum(point.negative for point in curve if end - HOUR_MS <= point.start_ms < end)


def trend(curve: Sequence[CurveDrawn]) -> str:
    """rising, falling or steady: the last hour against the one before.

    >>> trend([CurveDrawn("i", n * SPAN_MS, 1.0 + n, 9, 1.0) for n in range(12)])
    'rising'
    """
    now, before = last_hour(curve), last_hour(curve, 1)
    if max(now, before) < STEADY_MAX:
        return "steady"
    return "rising" if now > RISING * before else "falling" if now < FALLING * before else "steady"


def peak(curve: Sequence[CurveDrawn]) -> CurveDrawn | None:
    """The ten minutes with the most negatives, the first of equals; None without a curve."""
    return max(curve, key=lambda point: (point.negative, -point.start_ms), default=None)
