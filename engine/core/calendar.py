"""One brand's planned events: how much more is expected in a bin, and which event that is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

from engine.domain.config import PlannedEvent


class Calendar:
    """The events that concern one brand, cut where one begins or ends. Where several overlap the highest ratio holds:
    two events at once bring one public, not their product.

    >>> sales = PlannedEvent("Soldes d'hiver", (), 3_600, 7_200, 3.0)
    >>> calendar = Calendar([sales], "Nordalia")
    >>> [calendar.lift(at_s, at_s + 600) for at_s in (3_000, 3_300, 3_600, 7_200)]
    [1.0, 2.0, 3.0, 1.0]
    >>> [event.name for event in calendar.during(3_300, 3_900)]
    ["Soldes d'hiver"]
    """

    def __init__(self, events: Iterable[PlannedEvent], brand: str) -> None:
        own = (event for event in events if not event.brands or brand in event.brands)
        self._events = sorted(own, key=lambda event: (event.start_s, event.end_s, event.name))
        self._cuts = sorted({at_s for event in self._events for at_s in (event.start_s, event.end_s)})
        starting = iter([*self._events, None])
        following, running = next(starting), []
        self._ratios: list[float] = []
        for at_s in self._cuts:
            while following is not None and following.start_s <= at_s:
                running.append(following)
                following = next(starting)
            running = [event for event in running if event.end_s > at_s]
            self._ratios.append(max((event.ratio for event in running), default=1.0))

    def __bool__(self) -> bool:
        """Whether anything is planned at all."""
        return bool(self._cuts)

    def lift(self, start_s: int, end_s: int) -> float:
        """How many times its usual negatives are expected in [start_s, end_s): the mean ratio over that time."""
        cuts = self._cuts
        if not cuts or end_s <= cuts[0] or start_s >= cuts[-1]:
            return 1.0
        total, at_s = 0.0, start_s
        i = bisect_right(cuts, start_s)  # the segment that holds `start_s` begins at the cut before
        while at_s < end_s:
            until_s = min(cuts[i], end_s) if i < len(cuts) else end_s
            total += (self._ratios[i - 1] if i else 1.0) * (until_s - at_s)
            at_s, i = until_s, i + 1
        return total / (end_s - start_s)

    def during(self, start_s: int, end_s: int) -> list[PlannedEvent]:
        """The events that touch [start_s, end_s), by their start."""
        return [event for event in self._events if event.start_s < end_s and event.end_s > start_s]
