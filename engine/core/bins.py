"""The open bins of one brand: what mentions are counted into, before the watermark closes it."""

from __future__ import annotations

from engine.core.tally import Tally
from engine.domain.effects import Effect, StateDropped, StateSaved

EMPTY = Tally()
"""What a bin without a mention holds; read only."""


class OpenBins:
    """Bins by their start, which of them changed, and which of them the store holds.

    It stands apart from the rest of a brand, so that a mention can be counted while the rest is packed.
    """

    __slots__ = ("_changed", "_gone", "_stored", "by_start")

    def __init__(self) -> None:
        self.by_start: dict[int, Tally] = {}
        # most brands have no open bin at most times: the sets are made when they are needed
        self._changed: set[int] | None = None
        self._stored: set[int] | None = None
        self._gone: set[int] | None = None

    def at(self, start_s: int) -> Tally:
        """The bin that starts there, marked as changed."""
        if self._changed is None:
            self._changed = {start_s}
        else:
            self._changed.add(start_s)
        tally = self.by_start.get(start_s)
        if tally is None:
            tally = self.by_start[start_s] = Tally()
        return tally

    def pop(self, start_s: int) -> Tally:
        """The bin that starts there, closed; `EMPTY` if nothing was counted in it."""
        tally = self.by_start.pop(start_s, None)
        if tally is None:
            return EMPTY
        if self._changed is not None:
            self._changed.discard(start_s)
        if self._stored is not None and start_s in self._stored:
            self._stored = self._stored - {start_s} or None
            self._gone = {start_s, *(self._gone or ())}
        return tally

    @property
    def first_s(self) -> int | None:
        """Where the oldest one starts."""
        by_start = self.by_start
        return min(by_start) if by_start else None

    def recall(self, start_s: int, tally: Tally) -> None:
        """A stored bin is back."""
        self.by_start[start_s] = tally
        self._stored = {start_s, *(self._stored or ())}

    def take_dirty(self, name: str) -> list[Effect]:
        """What the store is to be told of since the last call."""
        effects: list[Effect] = [StateDropped(f"bin:{start_s}:{name}") for start_s in sorted(self._gone or ())]
        for start_s in sorted(self._changed or ()):
            effects.append(StateSaved(f"bin:{start_s}:{name}", self.by_start[start_s].to_json()))
        if self._changed:
            self._stored = {*self._changed, *(self._stored or ())}
        self._changed = self._gone = None
        return effects
