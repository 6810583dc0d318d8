"""What a planned event does to a bin."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.calendar import Calendar
from engine.domain.config import PlannedEvent


def test_an_event_is_of_its_brands_or_of_all() -> None:
    events = [PlannedEvent("Soldes", ("Nordalia",), 0, 600, 2.0), PlannedEvent("Match", (), 300, 900, 4.0)]
    assert Calendar(events, "Nordalia").lift(0, 600) == pytest.approx(3.0)
    assert Calendar(events, "Lumeo").lift(0, 600) == pytest.approx(2.5)
    assert [event.name for event in Calendar(events, "Lumeo").during(0, 600)] == ["Match"]
    assert Calendar([], "Lumeo").lift(0, 600) == 1.0


event = st.tuples(st.integers(0, 50), st.integers(1, 30), st.sampled_from([1.0, 1.5, 3.0, 10.0]))


@given(st.lists(event, max_size=6), st.integers(0, 90), st.integers(1, 20))
def test_a_bin_is_lifted_by_the_mean_of_the_highest_ratios(drawn, start_s, width_s) -> None:
    events = [PlannedEvent(str(i), (), at_s, at_s + lasts_s, ratio) for i, (at_s, lasts_s, ratio) in enumerate(drawn)]
    seconds = [
        max((e.ratio for e in events if e.start_s <= s < e.end_s), default=1.0)
        for s in range(start_s, start_s + width_s)
    ]
    calendar = Calendar(events, "Nordalia")
    assert calendar.lift(start_s, start_s + width_s) == pytest.approx(sum(seconds) / width_s)
    assert bool(calendar.during(start_s, start_s + width_s)) == any(
        e.start_s < start_s + width_s and e.end_s > start_s for e in events
    )
