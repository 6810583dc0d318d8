"""The database of a drill: how it is marked, and the clock that all who open it go by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from ops.store import Store

DRILL = "drill"
"""The mark in `meta`: which scenario, and how its clock goes."""


class DrillClock(NamedTuple):
    """The drill's time: it began at `start_ms` when this machine said `wall_ms`, and goes `speed` times as fast.

    >>> DrillClock(1_000, 500, 60.0).at(wall_ms=510)
    1600
    """

    start_ms: int
    wall_ms: int
    speed: float

    def at(self, wall_ms: int) -> int:
        return self.start_ms + round((wall_ms - self.wall_ms) * self.speed)


def mark(store: Store, clock: DrillClock, **more: object) -> None:
    """Say that this database is a drill's."""
    store.set_meta(DRILL, json.dumps({**clock._asdict(), **more}))


def marked(store: Store) -> Mapping[str, object]:
    """What the mark says; empty for a database that is no drill's."""
    found = store.get_meta().get(DRILL)
    return {} if found is None else json.loads(found)


def clock_of(store: Store, wall_clock_ms: Callable[[], int]) -> Callable[[], int]:
    """The clock to go by: the drill's own where the database is a drill's, else this machine's."""
    told = marked(store)
    if not told:
        return wall_clock_ms
    clock = DrillClock(int(str(told["start_ms"])), int(str(told["wall_ms"])), float(str(told["speed"])))
    ended = told.get("ended_ms")
    return (lambda: int(str(ended))) if ended is not None else lambda: clock.at(wall_clock_ms())
