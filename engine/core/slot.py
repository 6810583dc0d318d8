"""One brand as the engine holds it: its open bins at hand, all else packed while it rests."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

from engine.core.bins import OpenBins
from engine.core.brand import BrandStream
from engine.core.early import EVENTS
from engine.core.rest import NEVER_S
from engine.core.tally import UNITS, Tally
from engine.domain.effects import Effect, StateSaved
from engine.domain.incident import Incident
from engine.domain.playbook import Plan
from engine.ports.packing import Packing

MakeStream = Callable[[str], BrandStream]


class JsonPacking:
    """Packing with the standard library alone.

    >>> JsonPacking().unpack(JsonPacking().pack({"a": [0.1, None, "é"]}))
    {'a': [0.1, None, 'é']}
    """

    def pack(self, value: Any) -> bytes:
        return zlib.compress(json.dumps(value, separators=(",", ":")).encode("ascii"), 1)

    def unpack(self, raw: bytes) -> Any:
        return json.loads(zlib.decompress(raw))


class Packed(NamedTuple):
    """A brand at rest as it was stored, not unpacked yet. `until_s` and `incident` stand in it, and here once more."""

    raw: bytes
    until_s: int
    incident: str | None


class Slot:
    """A brand's place. Whether its stream is packed changes nothing but the memory that it takes."""

    __slots__ = ("_asked", "_case", "_drawn_of", "_make", "_packing", "_raw", "_stream", "due_s", "name", "open")

    def __init__(self, name: str, make: MakeStream, packing: Packing) -> None:
        self.name = name
        self._make, self._packing = make, packing
        self.open = OpenBins()
        self.due_s = NEVER_S
        """When the watermark reaches this time, bins are to be closed."""
        self._stream: BrandStream | None = None
        self._raw = b""  # what it was packed as; of one that is not packed only while nothing has changed since
        self._case: tuple[Incident, Plan | None] | None = None  # of a packed stream
        self._asked, self._drawn_of = 0.0, ""  # what a packed stream knows beside its state

    @property
    def bins(self) -> dict[int, Tally]:
        """The open bins, by their start."""
        return self.open.by_start

    @property
    def resting(self) -> bool:
        return self._stream is None or self._stream.resting

    @property
    def is_packed(self) -> bool:
        return self._stream is None

    @property
    def incident_id(self) -> str | None:
        """Of the brand's incident, if there is one."""
        incident = self._stream.case.incident if self._stream is not None else self._case[0] if self._case else None
        return incident.id if incident is not None else None

    def bin_at(self, start_s: int) -> Tally:
        """The open bin that starts there, marked as changed."""
        return self.open.at(start_s)

    def stream(self) -> BrandStream:
        """All of it, unpacked."""
        stream = self._stream
        if stream is None:
            stream = self._stream = self._make(self.name)
            stream.open = self.open
            if self._raw:
                data = self._packing.unpack(self._raw)
                incident, plan = self._case or (None, None)
                incidents = {} if incident is None else {incident.id: incident}
                plans = {} if incident is None or plan is None else {incident.id: plan}
                stream.restore("brand", 0, data, incidents, plans)
                stream.recall_asides(self._asked, self._drawn_of)
                self._case = None
        self._raw = b""  # whoever asks for it may change it
        return stream

    def pack(self) -> None:
        """Keep it as bytes. Only what rests, and only after `take_dirty`."""
        stream = self._stream
        if stream is None or not stream.resting:
            return
        incident = stream.case.incident
        self._case = None if incident is None else (incident, stream.case.plan)
        self._asked, self._drawn_of = stream.asides()
        if not self._raw:
            self._raw = self._packing.pack(stream.at_rest())
        self._stream = None

    # -- what the engine asks ------------------------------------------------------------------------------------

    def close(self, watermark_s: int, *, end: bool) -> list[Effect]:
        """Close what is due by then; at the end of a source, every bin that ended by then."""
        stream = self.stream()
        effects = stream.advance(watermark_s)
        if end:
            effects += stream.close(watermark_s)
            stream.settle_down()
        self.due_s = stream.due_s
        return effects

    def foresee(self, closed_to_s: int) -> list[Effect]:
        """A provisional alert, if the open bins hold enough for one."""
        if self._stream is None and sum(tally.units for tally in self.open.by_start.values()) < EVENTS * UNITS:
            return []
        return self.stream().foresee(closed_to_s)

    def gauges(self) -> list[Effect]:
        return self._stream.gauges() if self._stream is not None else []

    def take_dirty(self) -> list[Effect]:
        """The parts of the state that changed since the last call."""
        if self._stream is None:
            return self.open.take_dirty(self.name)
        effects = self._stream.take_dirty(self._packing.pack)
        for effect in effects:
            if isinstance(effect, StateSaved) and isinstance(effect.data, bytes):
                self._raw = effect.data
        return effects

    # -- state ---------------------------------------------------------------------------------------------------

    def restore(self, kind: str, at_s: int, data: Any, incidents: dict[str, Incident], plans: dict[str, Plan]) -> None:
        """Take one stored part back: JSON values, or a brand at rest as it was stored."""
        if isinstance(data, Packed):
            self._raw, self.due_s = data.raw, data.until_s
            if data.incident is not None:
                self._case = (incidents[data.incident], plans.get(data.incident))
        elif kind == "bin":
            self.open.recall(at_s, Tally.from_json(data))
        else:
            if isinstance(data, bytes):
                data = self._packing.unpack(data)
            self.stream().restore(kind, at_s, data, incidents, plans)

    def restored(self, bin_s: int) -> None:
        """All parts are back."""
        if self._stream is not None:
            self.due_s = self._stream.due_s
        elif (first_s := self.open.first_s) is not None:
            self.due_s = min(self.due_s, first_s + bin_s)
