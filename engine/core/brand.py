"""One brand's stream in event time: open bins, the detector, closed spans, and the case."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import itemgetter
from typing import Any

from engine.core.board import SPAN_S, Board
from engine.core.case import Case
from engine.core.early import Early
from engine.core.tally import UNITS, Tally
from engine.core.terms import TermBaseline, terms_of
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.effects import CurveDrawn, Effect, Gauged, StateDropped, StateSaved
from engine.domain.incident import ACTIVE_PHASES, Incident, Phase
from engine.domain.playbook import Plan
from engine.domain.series import BinCount, Reading, WarmingUp
from engine.ports.detector import SeriesDetector
from engine.ports.planner import Planner
from engine.ports.signal import Watched

LOOKBACK_S = 43_200
"""Closed spans are kept for twelve hours: as far back as an onset may lie."""

RECENT_S = 3_600

TERMS_AN_HOUR = 2
"""The usual words are learnt from a sample: so many mentions an hour, of any feeling, say enough."""

_new = tuple.__new__

_DRAWN = frozenset({Phase.OPEN, Phase.ACKNOWLEDGED, Phase.CONTAINED})

EMPTY = Tally()
"""What a bin without a mention holds; read only."""


class BrandStream:
    """Folds mentions into bins, closes the bins that the watermark has passed, oldest first and without holes."""

    def __init__(
        self, brand: BrandConfig, config: EngineConfig, make: Callable[[], SeriesDetector], planner: Planner,
        make_signals: Callable[[], tuple[Watched, ...]] = tuple,
    ) -> None:  # fmt: skip
        self.name = brand.name
        self._config = config
        self._detector = make()
        self._likeness = partial(BrandStream, brand, config, make, planner, make_signals)
        self.early = Early()
        self._usual = 0.0  # negatives expected in a bin, lately, without any planned event
        self.case = Case(brand, config, planner)
        self.board = Board(brand.name, config.lang, make_signals(), exercise=config.exercise)
        self.baseline = TermBaseline()
        self.bins: dict[int, Tally] = {}
        self.owns_bins = True
        """Whether closed bins are this stream's to change; others may read them otherwise."""
        self._spans: dict[int, Tally] = {}
        self._next_s: int | None = None
        self._dirty_bins: set[int] = set()
        self._dirty_spans: set[int] = set()
        self._dropped: list[str] = []
        self._stored: set[str] = set()
        self._dirty = False
        self._dirty_baseline = False
        self._last: tuple[Reading | WarmingUp, int] | None = None
        self._drawn_of = ""  # whose curve has been begun; after a restart it is begun again, with the same values

    def bin_at(self, start_s: int) -> Tally:
        """The open bin that starts there, marked as changed."""
        self._dirty_bins.add(start_s)
        tally = self.bins.get(start_s)
        if tally is None:
            tally = self.bins[start_s] = Tally()
        return tally

    @property
    def closed_until_s(self) -> int:
        """Bins that start before this are decided."""
        return self._next_s or 0

    def close(self, watermark_s: int) -> list[Effect]:
        """Judge every bin that ended by then."""
        width = self._config.bin_s
        if self._next_s is None:
            # an earlier mention may still come, in time, until the first bin itself is decided
            if not self.bins or min(self.bins) + width > watermark_s:
                return []
            self._next_s = min(self.bins)
        effects: list[Effect] = []
        while self._next_s + width <= watermark_s:
            if found := self._close_one(self._next_s, width):
                effects += found
            self._next_s += width
        return effects

    def _close_one(self, start_s: int, width: int) -> list[Effect]:
        self._dirty = True
        case, board, early, end_s = self.case, self.board, self.early, start_s + width
        span_s = start_s - start_s % SPAN_S
        tally = self.bins.pop(start_s, EMPTY)
        lift = case.calendar.lift(start_s, end_s) if case.calendar else 1.0
        # straight from a tuple: the class's own __new__ costs twice as much, and this runs for every bin
        verdict = self._detector.step(_new(BinCount, (start_s, width, tally.units / UNITS, float(tally.total), lift)))
        reading = verdict if isinstance(verdict, Reading) else None
        expected = 0.0 if reading is None else reading.expected
        if tally is not EMPTY:
            self._keep(start_s, span_s, tally, expected)
        elif expected:  # by far the most common: nobody wrote in that minute
            span = self._spans.get(span_s)
            if span is None:
                span = self._spans[span_s] = Tally()
            span.expected += expected
            self._dirty_spans.add(span_s)
        self._usual = expected / lift
        self._last = (verdict, tally.units)
        effects: list[Effect] = []
        if end_s >= span_s + SPAN_S:
            effects = board.close(span_s, end_s, self._spans.get(span_s), calm=case.phase not in ACTIVE_PHASES)
            if board.notes or case.notes:
                effects += case.hear(end_s, board.notes)
        if reading is not None:
            if board.opened:
                reading = self._joined(reading)
            if case.cares(reading):
                effects += case.on_bin(end_s, reading, tally, expected, self._recent, self._spans, self.baseline)
        if early.asked:
            early.closed()
        if early.told is not None:
            effects = early.settle(effects, self.name, end_s, case.incident, exercise=self._config.exercise)
        if end_s >= span_s + SPAN_S and case.phase in _DRAWN:
            effects = [*effects, *self._draw(span_s)]
        if end_s % 3_600 == 0:
            self._turn_hour(end_s)
        return effects

    def _draw(self, span_s: int) -> list[Effect]:
        """The curve of the incident goes on; a new one begins with what led to it."""
        incident = self.case.incident
        assert incident is not None
        first = incident.id != self._drawn_of
        self._drawn_of = incident.id
        starts = range(min(self._spans, default=span_s), span_s + SPAN_S, SPAN_S) if first else (span_s,)
        effects: list[Effect] = []
        for start_s in starts:
            span = self._spans.get(start_s, EMPTY)
            effects.append(CurveDrawn(incident.id, start_s * 1000, span.units / UNITS, span.total, span.expected))
        return effects

    def _joined(self, reading: Reading) -> Reading:
        """The detector's reading together with those of the signals that open incidents by themselves."""
        opened = self.board.opened
        alarms = [signal.surprise for signal in opened if signal.alarm]
        if alarms:  # raised once: until the next ten minutes are over it only goes on
            self.board.opened = tuple(signal._replace(alarm=False) for signal in opened)
        return Reading(
            (*reading.tests, *opened), reading.expected, max([reading.score, *alarms]),
            reading.alarm or bool(alarms), True,
        )  # fmt: skip

    def _keep(self, start_s: int, span_s: int, tally: Tally, expected: float) -> None:
        """Add a closed bin that holds a mention to its span. The first of a span becomes the span, if it is ours."""
        self._dirty_bins.discard(start_s)
        if self._stored:
            self._drop(f"bin:{start_s}:{self.name}")
        tally.expected = expected
        span = self._spans.get(span_s)
        if span is None and self.owns_bins:
            tally.trim_press()
            self._spans[span_s] = tally
        else:
            if span is None:
                span = self._spans[span_s] = Tally()
            span.merge(tally)
        self._dirty_spans.add(span_s)

    def _recent(self, end_s: int) -> list[Tally]:
        first = end_s - RECENT_S - end_s % SPAN_S
        return [self._spans[s] for s in range(first, end_s, SPAN_S) if s in self._spans]

    def _turn_hour(self, end_s: int) -> None:
        """An hour is over: a calm one teaches the usual words; spans that no onset can reach any more go."""
        if self.case.is_calm:
            usual = sorted(item for span in self._recent(end_s) for item in span.usual)[:TERMS_AN_HOUR]
            if usual:
                ignored = self.case.ignored_words
                self.baseline.learn([terms_of(text, ignored) for _, text in usual], end_s * 1000)
                self._dirty_baseline = True
        while self._spans and (old := next(iter(self._spans))) < end_s - LOOKBACK_S:  # they lie oldest first
            del self._spans[old]
            self._dirty_spans.discard(old)
            self._drop(f"span:{old}:{self.name}")

    def _drop(self, part: str) -> None:
        """A part is over; the store is told if it ever heard of it."""
        if part in self._stored:
            self._stored.discard(part)
            self._dropped.append(part)

    # -- ahead of the watermark ----------------------------------------------------------------------------------

    def foresee(self) -> list[Effect]:
        """A provisional alert, if the evidence for an opening already stands in the open bins.

        What would be recorded if they closed as they are now is asked of a twin, so whatever decides the final alert
        decides this one, its key included. A partial bin counts what it holds so far. Nothing here is changed but
        what was told early.
        """
        if not self.bins or self._next_s is None or self.case.phase in (Phase.OPEN, Phase.ACKNOWLEDGED):
            return []
        width, until_s = self._config.bin_s, max(self.bins) + self._config.bin_s
        lift = self.case.calendar.lift(self._next_s, until_s)
        usual = self._usual * lift * ((until_s - self._next_s) // width)
        negatives = sum(tally.units for tally in self.bins.values()) / UNITS
        if not self.early.is_worth_asking(negatives, usual, self._next_s):
            return []
        effects = self.early.raise_from(self._twin().close(until_s), until_s)
        self._dirty = self._dirty or bool(effects)
        return effects

    def _twin(self) -> BrandStream:
        """The same state, as far as closing the open bins can change it; the rest is shared."""
        twin, incident, plan = self._likeness(), self.case.incident, self.case.plan
        incidents = {} if incident is None else {incident.id: incident}
        plans = {} if incident is None or plan is None else {incident.id: plan}
        twin.restore("brand", 0, self._core(), incidents, plans)
        twin.baseline.restore(self.baseline.snapshot())
        first_s = self.closed_until_s - self.closed_until_s % SPAN_S
        twin._spans = {  # those that closing adds to are its own
            span_s: Tally.from_json(span.to_json()) if span_s >= first_s else span
            for span_s, span in self._spans.items()
        }
        twin.bins = {start_s: Tally.from_json(tally.to_json()) for start_s, tally in self.bins.items()}
        return twin

    # -- state ---------------------------------------------------------------------------------------------------

    def gauges(self) -> list[Effect]:
        """The last closed bin, for the panels."""
        if self._last is None:
            return []
        verdict, units = self._last
        labels = (self.name,)
        effects: list[Effect] = [
            Gauged("negatives_observed", labels, units / UNITS),
            Gauged("incident_level", labels, float(self.case.incident.level) if self.case.incident else 0.0),
            Gauged("incidents_open", labels, float(self.case.phase in ACTIVE_PHASES)),
        ]
        if isinstance(verdict, Reading):
            effects.append(Gauged("negatives_expected", labels, verdict.expected))
            effects += [Gauged("surprise", (self.name, t.name), t.surprise) for t in verdict.tests]
        self._last = None
        return effects + self.board.gauges()

    def take_dirty(self) -> list[Effect]:
        """The parts of the state that changed since the last call."""
        effects: list[Effect] = [StateDropped(part) for part in self._dropped]
        for kind, starts, tallies in (("bin", self._dirty_bins, self.bins), ("span", self._dirty_spans, self._spans)):
            for start_s in sorted(starts):
                part = f"{kind}:{start_s}:{self.name}"
                self._stored.add(part)
                effects.append(StateSaved(part, tallies[start_s].to_json()))
        if self._dirty_baseline:
            effects.append(StateSaved(f"terms:0:{self.name}", self.baseline.snapshot()))
        if self._dirty:
            effects.append(StateSaved(f"brand:0:{self.name}", self._core()))
        self._dirty = self._dirty_baseline = False
        self._dirty_bins, self._dirty_spans, self._dropped = set(), set(), []
        return effects

    def _core(self) -> dict[str, Any]:
        core = {"v": 1, "next_s": self._next_s, "detector": self._detector.snapshot(), "case": self.case.snapshot(),
                "signals": self.board.snapshot()}  # fmt: skip
        early = self.early.snapshot()
        return core if early is None else {**core, "early": early}

    def touch(self) -> None:
        """A person changed the case: store it."""
        self._dirty = True

    def restore(self, kind: str, at_s: int, data: dict[str, Any], incidents: dict[str, Incident],
                plans: dict[str, Plan]) -> None:  # fmt: skip
        """Take one stored part back."""
        if kind == "bin":
            self.bins[at_s] = Tally.from_json(data)
            self._stored.add(f"bin:{at_s}:{self.name}")
        elif kind == "span":
            self._spans[at_s] = Tally.from_json(data)
            self._spans = dict(sorted(self._spans.items(), key=itemgetter(0)))
            self._stored.add(f"span:{at_s}:{self.name}")
            self.board.recall(at_s, self._spans[at_s])
        elif kind == "terms":
            self.baseline.restore(data)
        else:
            self._next_s = data["next_s"]
            self._detector.restore(data["detector"])
            self.case.restore(data["case"], incidents, plans)
            self.early.restore(data.get("early"))
            if "signals" in data:  # a state of before there were signals has none
                self.board.restore(data["signals"])
