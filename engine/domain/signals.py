"""What the signals beside the count are told of ten minutes of one brand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Literal, NamedTuple, Protocol, TypeAlias

SignalMode: TypeAlias = Literal["off", "note", "open"]
"""`note` adds its sentence to an incident; `open` opens one (or, of the feed, alerts) and shares the budget."""

SIGNAL_MODES: tuple[tuple[str, SignalMode], ...] = (
    ("raid", "note"),
    ("reach", "note"),
    ("arousal", "note"),
    ("viral", "note"),
    ("drift", "note"),
    ("silence", "open"),
)
"""What each does where the settings say nothing.

The first five tell how a storm is made rather than whether there is one: opening by them would cost the tests of the
count a part of their budget, and a raid or a viral post that matters shows in the count within minutes. Silence has no
other test that would tell of it: without its own alarm a dead feed looks like the calmest of days.
"""

OPENING_PART = 0.05
"""The part of a brand's budget of false alarms that each signal set to `open` takes; the detector keeps the rest.

Small, since the tests of the count find most storms; and even six leave the detector 70 %.
"""


def detector_part(modes: Sequence[tuple[str, str]]) -> float:
    """The part of the budget that is left to the detector of the count.

    >>> detector_part([("raid", "note"), ("silence", "open")])
    0.95
    """
    return 1.0 - OPENING_PART * sum(mode == "open" for _, mode in modes)


class Past(Protocol):
    """What a signal may look back at: an earlier ten minutes."""

    @property
    def negatives(self) -> int: ...
    @property
    def authors(self) -> Set[int]: ...
    @property
    def threads(self) -> Mapping[int, int]: ...


class SpanFacts(NamedTuple):
    """Ten minutes (or one bin, where bins are wider) of one brand, closed: [start_s, end_s), event time.

    Sums of whole numbers, unions and maxima only, so it depends on the set of mentions and not on their order.
    """

    start_s: int
    end_s: int
    calm: bool
    """No incident is open: what comes now is the brand's normal, and may be learnt."""
    total: int = 0
    units: float = 0.0
    """Negatives, as the sum of probabilities."""
    expected: float = 0.0
    """Negatives that the detector's own normal would have brought; 0 while it warms up."""
    negatives: int = 0
    """Mentions with P(neg) >= 0.5; all that follows is about these, but for `sources`."""
    authored: int = 0
    """Those of them whose author is known."""
    authors: set[int] | frozenset[int] = frozenset()
    """Hashes of their authors: a bounded sample by smallest hash when there are thousands."""
    reach: int = 0
    """Sum over them of views, or followers."""
    top: int = 0
    """The largest of them alone: its views, its author's followers, or its likes, shares and replies together."""
    urgency: int = 0
    """Sum of urgencies, in hundredths."""
    severe: int = 0
    """Mentions of categories that are grave by themselves: danger, data leak, hate."""
    threads: Mapping[int, int] = {}
    """How many of them stand under the same post, by hash of the post."""
    sources: Mapping[str, int] = {}
    """All mentions by network."""
    before: Sequence[Past] = ()
    """The earlier spans of the last hour, where there were mentions."""
