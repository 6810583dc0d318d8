"""When a brand may be left alone, and until when.

Most brands of a large house are quiet at most times, and their empty bins change nothing that anybody is told. So a
brand *rests*: its bins are still closed one after another and without holes, but many at once, at moments that follow
from its own mentions and from event time alone:

- when a bin that holds a mention ends;
- on its turn, every six hours, at an offset of its own, so that not all brands have theirs at once;
- when the silence of its feed might become news.

A brand with a storm, an open incident, an active test or some negatives within the hour does not rest: each of its bins
is closed as the watermark passes it. What is recorded is the same either way, since every bin is judged as itself;
what only empty bins of a quiet brand can bring is told up to six hours later.
"""

from __future__ import annotations

from engine.core.fold import hash64

NEVER_S = 1 << 62
"""A brand that waits for nothing."""

TURN_S = 21_600
AWAKE_S = 3_600
AWAKE_NEGATIVES = 2.0
"""So many negatives within the last hour, and a brand is followed bin by bin."""
SPANS_MAX = 24
"""A brand with more spans that hold mentions is no quiet one: at rest all of it is one part of the state."""


def next_turn_s(name: str, after_s: int, bin_s: int) -> int:
    """The brand's next turn after that time, at the end of a bin.

    >>> turn_s = next_turn_s("Nordalia", 1_000_000, 300)
    >>> turn_s % 300, 1_000_000 < turn_s <= 1_000_000 + TURN_S, next_turn_s("Nordalia", turn_s, 300) - turn_s
    (0, True, 21600)
    """
    bins = max(1, TURN_S // bin_s)
    offset = hash64("turn", name) % bins
    n = after_s // bin_s + 1
    return (n + (offset - n) % bins) * bin_s
