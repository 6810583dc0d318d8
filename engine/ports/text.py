"""The text model, seen from inside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from engine.domain.scores import Scores


class TextScorer(Protocol):
    """Reads comments. Pure: the same text gives the same row, bit for bit, in whatever batch it stands."""

    def score_many(
        self, texts: Sequence[str], langs: Sequence[str | None], usual: Sequence[str | None] | None = None
    ) -> Scores:
        """Score a batch. `langs` holds what the source said (ISO 639-1), None where it said nothing; `usual` what each
        text is probably in when it is too short to tell: the first language of its brand."""
        ...

    def categorise_many(
        self, texts: Sequence[str], langs: Sequence[str | None] | None = None
    ) -> tuple[tuple[str, ...], ...]:
        """Categories only: for mentions whose sentiment came from upstream."""
        ...
