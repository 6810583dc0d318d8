"""Series of counts and what a detector says of one bin."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class BinCount(NamedTuple):
    """One bin of one series, in event time: [start_s, start_s + width_s).

    `negatives` is fractional: each mention adds its probability of being negative. `total` is the exposure, None
    when only negatives are counted. `lift` is how many times its usual volume of negatives is expected because of a
    planned event: 1 where nothing is planned.
    """

    start_s: int
    width_s: int
    negatives: float
    total: float | None
    lift: float = 1.0

    @property
    def end_s(self) -> int:
        return self.start_s + self.width_s


class WarmingUp(NamedTuple):
    """The detector does not know yet; it is not calm, and it is not a score of 0."""

    reason: str
    remaining_s: int


class SignalReading(NamedTuple):
    """What one sequential test says after a bin.

    `surprise` is -log10 of the false alarms a week that a threshold at this value would cost: 0 means one a week,
    2 one in a hundred weeks. `active` lasts from the alarm until the signal has been back to normal. `observed` and
    `expected` are negatives counted since `since_s`, the onset that the test finds most likely.
    """

    name: str
    surprise: float
    alarm: bool
    active: bool
    observed: float
    expected: float
    since_s: int


class Reading(NamedTuple):
    """What a detector says of a bin: its tests, and their sum."""

    tests: tuple[SignalReading, ...]
    expected: float
    """Negatives expected in this bin from the brand's own normal."""
    score: float
    """The larger of the tests' surprises, after refractory; comparable across series."""
    alarm: bool
    active: bool


Verdict: TypeAlias = Reading | WarmingUp
