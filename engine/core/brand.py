"""One brand's stream in event time: open bins, the detector, closed spans, and the case."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from engine.core.bins import EMPTY, OpenBins
from engine.core.board import SPAN_S, Board
from engine.core.case import Case
from engine.core.early import Early
from engine.core.rest import AWAKE_NEGATIVES, AWAKE_S, NEVER_S, SPANS_MAX, next_turn_s
from engine.core.spans import Spans
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


class BrandStream:
    """Folds mentions into bins, closes the bins that the watermark has passed, oldest first and without holes."""

    __slots__ = (
        "_active", "_at_rest", "_config", "_detector", "_dirty", "_dirty_baseline", "_drawn_of", "_dropped", "_last",
        "_likeness", "_next_s", "_rest_until_s", "_rests", "_spans", "_stored", "_usual", "baseline", "board", "case",
        "early", "name", "open", "owns_bins", "resting",
    )  # fmt: skip

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
        self.open = OpenBins()
        self.owns_bins = True
        """Whether closed bins are this stream's to change; others may read them otherwise."""
        self.resting = False
        """Its bins are closed when it is due, many at once, and all of it is one part of the state."""
        self._rests = config.rests and bool(getattr(self._detector, "packs", False))
        self._rest_until_s = NEVER_S
        self._active = False  # by the verdict on the last bin
        self._spans = Spans()
        self._next_s: int | None = None
        self._dropped: list[str] = []
        self._stored: set[str] = set()
        self._dirty = False
        self._dirty_baseline = False
        self._last: tuple[Reading | WarmingUp, int] | None = None
        self._at_rest = False  # how the store holds it
        self._drawn_of = ""  # whose curve has been begun; after a restart it is begun again, with the same values

    @property
    def bins(self) -> dict[int, Tally]:
        """The open bins, by their start."""
        return self.open.by_start

    @bins.setter
    def bins(self, by_start: dict[int, Tally]) -> None:
        self.open.by_start = by_start

    @property
    def bin_s(self) -> int:
        return self._config.bin_s

    @property
    def closed_until_s(self) -> int:
        """Bins that start before this are decided."""
        return self._next_s or 0

    @property
    def due_s(self) -> int:
        """When the watermark reaches this time, bins are to be closed."""
        if self._next_s is not None and not self.resting:
            return self._next_s + self._config.bin_s
        first_s = self.open.first_s
        if first_s is None:
            return self._rest_until_s
        if self._next_s is not None and first_s < self._next_s:  # it came after the end of a file: it stays open
            return self._next_s + self._config.bin_s
        return min(self._rest_until_s, first_s + self._config.bin_s)

    def advance(self, watermark_s: int) -> list[Effect]:
        """Close what is due by then, moment by moment: so where it stands does not depend on how often it is asked."""
        effects: list[Effect] = []
        while (due_s := self.due_s) <= watermark_s:
            effects += self.close(due_s)
            self.settle_down()
        return effects

    def settle_down(self) -> None:
        """Decide from its own state whether it rests, and until when."""
        self.resting = False
        self._rest_until_s = NEVER_S
        if self._next_s is None or not self._rests or self._active or self.case.phase in _DRAWN or self.board.opened:
            return
        spans = self._spans.held
        if len(spans) > SPANS_MAX:
            return
        first_s, units = self._next_s - AWAKE_S, 0
        for start_s in reversed(spans):
            if start_s < first_s:
                break
            units += spans[start_s].units
        if units >= AWAKE_NEGATIVES * UNITS:
            return
        width = self._config.bin_s
        last_s = (self._next_s - width) // SPAN_S * SPAN_S
        if last_s in spans and self._next_s < last_s + SPAN_S and self.board.has_news:
            return
        news_s = self.board.quiet_until_s(self._next_s)
        until_s = min(next_turn_s(self.name, self._next_s, width), -(-news_s // width) * width)
        if until_s > self._next_s + width:
            self.resting, self._rest_until_s = True, until_s
            for span in spans.values():
                span.canonise()

    def close(self, watermark_s: int) -> list[Effect]:
        """Judge every bin that ended by then."""
        width = self._config.bin_s
        if self._next_s is None:
            # an earlier mention may still come, in time, until the first bin itself is decided
            first_s = self.open.first_s
            if first_s is None or first_s + width > watermark_s:
                return []
            self._next_s = first_s
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
        tally = self.open.pop(start_s)
        lift = case.calendar.lift(start_s, end_s) if case.calendar else 1.0
        # straight from a tuple: the class's own __new__ costs twice as much, and this runs for every bin
        verdict = self._detector.step(_new(BinCount, (start_s, width, tally.units / UNITS, float(tally.total), lift)))
        reading = verdict if isinstance(verdict, Reading) else None
        expected = 0.0 if reading is None else reading.expected
        if tally is not EMPTY:
            self._keep(start_s, span_s, tally, expected)
        elif expected:  # by far the most common: nobody wrote in that minute
            self._spans.expect(span_s, expected)
        self._usual = expected / lift
        self._last = (verdict, tally.units)
        self._active = reading is not None and reading.active
        effects: list[Effect] = []
        if end_s >= span_s + SPAN_S:
            effects = board.close(span_s, end_s, self._spans.held.get(span_s), calm=case.phase not in ACTIVE_PHASES)
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
            span = self._spans.get(start_s) or EMPTY
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
        tally.expected = expected
        self._spans.add(span_s, tally, ours=self.owns_bins)

    def _recent(self, end_s: int) -> list[Tally]:
        first = end_s - RECENT_S - end_s % SPAN_S
        return [span for s in range(first, end_s, SPAN_S) if (span := self._spans.get(s)) is not None]

    def _turn_hour(self, end_s: int) -> None:
        """An hour is over: a calm one teaches the usual words; spans that no onset can reach any more go."""
        if self.case.is_calm:
            usual = sorted(item for span in self._recent(end_s) for item in span.usual)[:TERMS_AN_HOUR]
            if usual:
                ignored = self.case.ignored_words
                self.baseline.learn([terms_of(text, ignored) for _, text in usual], end_s * 1000)
                self._dirty_baseline = True
        for old in self._spans.forget(end_s - LOOKBACK_S):
            self._drop(f"span:{old}:{self.name}")

    def _drop(self, part: str) -> None:
        """A part is over; the store is told if it ever heard of it."""
        if part in self._stored:
            self._stored.discard(part)
            self._dropped.append(part)

    # -- ahead of the watermark ----------------------------------------------------------------------------------

    def foresee(self, closed_to_s: int) -> list[Effect]:
        """A provisional alert, if the evidence for an opening already stands in the open bins.

        What would be recorded if they closed as they are now is asked of a twin, so whatever decides the final alert
        decides this one, its key included. A partial bin counts what it holds so far. Nothing here is changed but
        what was told early. The watermark stands at `closed_to_s`: of a brand that rests, later bins are open.
        """
        if not self.bins or self._next_s is None or self.case.phase in (Phase.OPEN, Phase.ACKNOWLEDGED):
            return []
        width, until_s = self._config.bin_s, max(self.bins) + self._config.bin_s
        from_s = min(max(self._next_s, closed_to_s), until_s - width)
        lift = self.case.calendar.lift(from_s, until_s)
        usual = self._usual * lift * ((until_s - from_s) // width)
        negatives = sum(tally.units for tally in self.bins.values()) / UNITS
        if not self.early.is_worth_asking(negatives, usual, from_s):
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
        twin._spans = self._spans.twin(self.closed_until_s - self.closed_until_s % SPAN_S)
        for start_s, tally in self.bins.items():
            twin.bins[start_s] = Tally.from_json(tally.to_json())
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

    def take_dirty(self, pack: Callable[[Any], bytes]) -> list[Effect]:
        """The parts of the state that changed since the last call; at rest all of it is one, packed."""
        effects = self.open.take_dirty(self.name)
        if self._dirty:
            if self.resting:
                for part in sorted(self._stored):
                    self._drop(part)
            elif self._at_rest:
                self._spans.touch_all()
                self._dirty_baseline = self._dirty_baseline or bool(self.baseline.documents)
            self._at_rest = self.resting
        effects += [StateDropped(part) for part in self._dropped]
        if self._dirty and self.resting:
            effects.append(StateSaved(f"brand:0:{self.name}", pack(self.at_rest())))
        elif not self._at_rest:
            for start_s, span in self._spans.take_dirty():
                effects.append(self._saved(f"span:{start_s}:{self.name}", span.to_json()))
            if self._dirty_baseline:
                effects.append(self._saved(f"terms:0:{self.name}", self.baseline.snapshot()))
            if self._dirty:
                effects.append(StateSaved(f"brand:0:{self.name}", self._core()))
        self._dirty = self._dirty_baseline = False
        self._dropped = []
        return effects

    def _saved(self, part: str, data: dict[str, Any]) -> StateSaved:
        self._stored.add(part)
        return StateSaved(part, data)

    def _core(self) -> dict[str, Any]:
        core = {"v": 1, "next_s": self._next_s, "detector": self._detector.snapshot(), "case": self.case.snapshot(),
                "signals": self.board.snapshot(), "usual": self._usual, "quiet": self._spans.quiet_runs()}  # fmt: skip
        early = self.early.snapshot()
        return core if early is None else {**core, "early": early}

    def at_rest(self) -> dict[str, Any]:
        """All of it but the open bins. In front stands what a restart asks of every brand: until when it rests, its
        incident, the kind of its detector."""
        spans = [[start_s, span.to_json()] for start_s, span in self._spans.held.items()]
        rest = {"until_s": self._rest_until_s, "spans": spans, "terms": self.baseline.snapshot()}
        core = self._core()
        head = [self._rest_until_s, core["case"]["incident"], core["detector"].get("kind")]
        return {"head": head, **core, "rest": rest}

    def asides(self) -> tuple[float, str]:
        """What is no part of the state, and yet has to be known again when it is packed and unpacked."""
        return self.early.asked, self._drawn_of

    def recall_asides(self, asked: float, drawn_of: str) -> None:
        """Take `asides` back."""
        self.early.asked, self._drawn_of = asked, drawn_of

    def touch(self) -> None:
        """A person changed the case: store it."""
        self._dirty = True

    def restore(self, kind: str, at_s: int, data: dict[str, Any], incidents: dict[str, Incident],
                plans: dict[str, Plan]) -> None:  # fmt: skip
        """Take one stored part back."""
        if kind == "bin":
            self.open.recall(at_s, Tally.from_json(data))
        elif kind == "span":
            self._recall(at_s, data)
            self._stored.add(f"span:{at_s}:{self.name}")
        elif kind == "terms":
            self.baseline.restore(data)
            self._stored.add(f"terms:0:{self.name}")
        else:
            self._next_s, self._usual = data["next_s"], data.get("usual", 0.0)
            self._detector.restore(data["detector"])
            self.case.restore(data["case"], incidents, plans)
            self.early.restore(data.get("early"))
            if "signals" in data:  # a state of before there were signals has none
                self.board.restore(data["signals"])
            self._spans.recall_quiet(data.get("quiet", ()))
            rest = data.get("rest")
            if rest is not None:
                self.resting = self._at_rest = True
                self._rest_until_s = rest["until_s"]
                for start_s, span in rest["spans"]:
                    self._recall(start_s, span)
                self.baseline.restore(rest["terms"])

    def _recall(self, start_s: int, data: dict[str, Any]) -> None:
        span = Tally.from_json(data)
        self._spans.recall(start_s, span)
        self.board.recall(start_s, span)
