"""The closed spans of one brand: tallies of those that hold mentions, a number for those that hold none.

Most spans of most brands are of the second kind, and of them only the negatives that were to be expected are known. As
tallies they would be most of what a brand costs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from engine.core.board import SPAN_S
from engine.core.tally import Tally


class Spans(Mapping[int, Tally]):
    """By their start, oldest first. As a mapping it gives a tally for each, made for the occasion where none is held.

    >>> spans = Spans()
    >>> spans.expect(600, 0.5), spans.expect(1_200, 0.25)
    (None, None)
    >>> spans.add(1_200, Tally(), ours=True)
    >>> list(spans), list(spans.held), spans[600].expected, spans[1_200].expected
    ([600, 1200], [1200], 0.5, 0.25)
    """

    __slots__ = ("_dirty", "_quiet", "held")

    def __init__(self) -> None:
        self.held: dict[int, Tally] = {}
        """Those that hold mentions, oldest first."""
        self._quiet: dict[int, float] = {}
        self._dirty: set[int] = set()

    def __iter__(self) -> Iterator[int]:
        return iter(sorted((*self.held, *self._quiet)))

    def __len__(self) -> int:
        return len(self.held) + len(self._quiet)

    def __getitem__(self, start_s: int) -> Tally:
        span = self.held.get(start_s)
        if span is None:
            span = Tally()
            span.expected = self._quiet[start_s]
        return span

    def expect(self, start_s: int, expected: float) -> None:
        """A bin of that span is over, without a mention."""
        span = self.held.get(start_s)
        if span is None:
            self._quiet[start_s] = self._quiet.get(start_s, 0.0) + expected
        else:
            span.expected += expected
            self._dirty.add(start_s)

    def add(self, start_s: int, tally: Tally, *, ours: bool) -> None:
        """A bin of that span is over, with mentions. `ours`: the tally may become the span."""
        span = self.held.get(start_s)
        expected = self._quiet.pop(start_s, None) if span is None else None
        if span is None and expected is None and ours:
            tally.trim_press()
            self.held[start_s] = tally
        else:
            if span is None:
                span = self.held[start_s] = Tally()
                span.expected = expected or 0.0
            span.merge(tally)
        self._dirty.add(start_s)

    def forget(self, before_s: int) -> list[int]:
        """Let go of those that start before; which of them held mentions."""
        quiet, held = self._quiet, self.held
        while quiet and (old := next(iter(quiet))) < before_s:
            del quiet[old]
        gone = []
        while held and (old := next(iter(held))) < before_s:
            del held[old]
            self._dirty.discard(old)
            gone.append(old)
        return gone

    def twin(self, from_s: int) -> Spans:
        """The same spans; those that start at `from_s` or later as copies, so that the twin may add to them."""
        twin = Spans()
        twin._quiet = dict(self._quiet)
        twin.held = {
            start_s: Tally.from_json(span.to_json()) if start_s >= from_s else span
            for start_s, span in self.held.items()
        }
        return twin

    # -- state ---------------------------------------------------------------------------------------------------

    def take_dirty(self) -> list[tuple[int, Tally]]:
        """Those that hold mentions and changed since the last call."""
        dirty, self._dirty = self._dirty, set()
        return [(start_s, self.held[start_s]) for start_s in sorted(dirty)]

    def touch_all(self) -> None:
        """Take all of them for changed."""
        self._dirty.update(self.held)

    def recall(self, start_s: int, span: Tally) -> None:
        """A stored span is back. Those of before there were numbers for quiet ones may hold nothing."""
        before = next(reversed(self.held), start_s)
        self.held[start_s] = span
        if before > start_s:
            self.held = dict(sorted(self.held.items()))

    def quiet_runs(self) -> list[list[Any]]:
        """Those without a mention as JSON values: a list for each run without a hole, its start and then what was
        expected in each."""
        runs: list[list[Any]] = []
        due_s = -1
        for start_s, expected in self._quiet.items():
            if start_s == due_s:
                runs[-1].append(expected)
            else:
                runs.append([start_s, expected])
            due_s = start_s + SPAN_S
        return runs

    def recall_quiet(self, runs: Iterable[Sequence[Any]]) -> None:
        """The inverse of `quiet_runs`."""
        self._quiet = {run[0] + i * SPAN_S: expected for run in runs for i, expected in enumerate(run[1:])}
