"""A signal beside the count, seen from inside."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from engine.domain.series import SignalReading
from engine.domain.signals import SpanFacts


class Signal(Protocol):
    """Judges one aspect of a brand's mentions every ten minutes, oldest first.

    Spans without a mention may be left out, unless `hears_silence`; a signal reckons with the time that has passed.
    One that hears silence may have a method `quiet_until_s(now_s)`: a time before which silence alone raises no alarm;
    without it a brand is never left alone.

    Every signal passes one contract suite: its reading depends on the spans alone; snapshot and restore give the same
    future; memory is bounded; two made alike are independent.
    """

    name: str
    hears_silence: bool
    """Wants the spans without mentions too, and speaks of the feed rather than of the brand."""

    @property
    def surprise(self) -> float | None:
        """-log10 of the false alarms a week at which it would still stand out; None while it does not know yet."""
        ...

    def step(self, facts: SpanFacts) -> SignalReading | None:
        """Judge a span, then learn from it. A reading while it stands out (`alarm` on the first), else None."""
        ...

    def snapshot(self) -> dict[str, Any]:
        """Everything needed to go on elsewhere, as versioned JSON values."""
        ...

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Become what `snapshot` says. Raises StateError if it is of an unknown version."""
        ...


class Watched(NamedTuple):
    """A signal and whether it opens by itself."""

    signal: Signal
    opens: bool
