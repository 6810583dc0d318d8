"""A source of mentions, seen from inside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from engine.domain.batch import Batch, Cursor


class Source(Protocol):
    """Bytes to mentions. One file a kind in `streams`; all pass one contract suite.

    The engine's store says where to go on: `seek` is called once with the stored cursors before the first poll. The
    constructor opens nothing.
    """

    name: str

    def seek(self, positions: Mapping[str, str]) -> None:
        """Go on after these positions, by partition; an empty mapping is the very beginning."""
        ...

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        """At most `max_mentions` and at most `timeout_s`; an empty batch when there is nothing yet."""
        ...

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """The store holds these positions for good; the source may tell its own bookkeeping."""
        ...

    def close(self) -> None: ...
