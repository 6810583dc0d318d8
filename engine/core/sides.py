"""Several engines for the price of one: what does not depend on how brands are judged is done once for all.

A mention is matched, read and folded once. Only what follows from a closed bin (verdict, incident, usual words) is each
side's own. Nothing is stored: this is for trying ways of judging on a history, not for a service.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from engine.core.brand import BrandStream
from engine.core.engine import Engine, MakeDetector, MakeSignals
from engine.core.rest import NEVER_S
from engine.core.tally import Tally
from engine.core.themes import settled
from engine.domain.config import EngineConfig
from engine.domain.effects import Effect
from engine.ports.planner import Planner
from engine.ports.text import TextScorer


class Side(NamedTuple):
    """One way of judging. Sides may differ in budgets and detectors, not in brands, bins or lateness."""

    config: EngineConfig
    make_detector: MakeDetector
    make_signals: MakeSignals


class SidesStream:
    """One brand on every side: one set of open bins, a stream a side that closes them."""

    def __init__(self, name: str, streams: Sequence[BrandStream]) -> None:
        self.name = name
        self.bins: dict[int, Tally] = {}
        self._streams = streams
        self._said: list[tuple[int, Effect]] = []

    incident_id = None
    is_packed = False
    resting = False

    @property
    def due_s(self) -> int:
        """When the watermark reaches this time, a bin is to be closed."""
        closed_s = self._streams[0].closed_until_s or min(self.bins, default=NEVER_S)
        return closed_s + self._streams[0].bin_s

    def bin_at(self, start_s: int) -> Tally:
        """The open bin that starts there."""
        tally = self.bins.get(start_s)
        if tally is None:
            tally = self.bins[start_s] = Tally()
        return tally

    def close(self, watermark_s: int, *, end: bool) -> list[Effect]:
        """Judge on every side every bin that ended by then; what each says waits for `take`."""
        for i, stream in enumerate(self._streams):
            # a closed tally is only read and copied from, but for `expected`, which each side sets before it reads it
            stream.bins = dict(self.bins)
            # themes are left out: looking for them on every side would cost more than the rest of a backtest
            self._said += [(i, effect) for effect in settled(stream.close(watermark_s), None)]
        closed_s = self._streams[0].closed_until_s
        self.bins = {start_s: tally for start_s, tally in self.bins.items() if start_s >= closed_s}
        return []

    def take(self) -> list[tuple[int, Effect]]:
        """What the sides said since the last call, each with the number of its side."""
        said, self._said = self._said, []
        return said

    def gauges(self) -> list[Effect]:
        return []

    def take_dirty(self) -> list[Effect]:
        return []

    def foresee(self, closed_to_s: int) -> list[Effect]:
        return []  # a history holds all of it already

    def pack(self) -> None:
        """Nothing is stored, and nothing rests."""

    def stream(self) -> BrandStream:
        """What the first side holds."""
        return self._streams[0]


class Sides(Engine):
    """An engine whose brands are judged in several ways at once. Give it batches and no commands.

    `step` answers with what is the same on every side, such as counts; `take` with what each side decided. Every side
    decides what an engine of its own would have decided.
    """

    def __init__(self, sides: Sequence[Side], scorer: TextScorer, planner: Planner) -> None:
        first = sides[0]
        super().__init__(first.config, scorer, first.make_detector, planner, first.make_signals)
        self._sides = sides
        self._own = [{brand.name: brand for brand in side.config.brands} for side in sides]
        self._fanned: dict[str, SidesStream] = {}

    def take(self) -> list[tuple[int, Effect]]:
        """What was decided since the last call, by brand, each with the number of its side."""
        return [said for name in sorted(self._fanned) for said in self._fanned[name].take()]

    def _make_slot(self, name: str) -> SidesStream:
        brand = self._brand(name)
        streams = []
        for side, own in zip(self._sides, self._own, strict=True):
            its = own.get(brand.name, brand)
            make, make_signals = partial(side.make_detector, its), partial(side.make_signals, its)
            stream = BrandStream(its, side.config, make, self._planner, make_signals)
            stream.owns_bins = False
            streams.append(stream)
        self._fanned[brand.name] = SidesStream(brand.name, streams)
        return self._fanned[brand.name]

    def _save(self) -> list[Effect]:
        """Nothing is stored, but what is too old to come again is forgotten."""
        self._seen.take_dirty()
        self._seen.prune(self._watermark.at_ms)
        return []
