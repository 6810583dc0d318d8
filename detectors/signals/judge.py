"""From evidence to surprise: one calibration for all signals.

Every signal gives its evidence z in nats, as the log of a likelihood ratio (or half a squared z-score): while nothing
happens a span tops z with probability e^-z at most (Chernoff), hence

    false alarms a week <= 1008 e^-z                      1008 spans of ten minutes a week,

if its model holds. Models do not, so the signal's own tail is learnt beside it (`detectors.series.tail`), and the
smaller of both surprises counts: the learnt tail can only make a signal more careful. That matters for counts of two or
three, whose tops are too lumpy to extrapolate from.
"""

from __future__ import annotations

from math import log, log10, sqrt
from typing import Any, Final

from detectors.series.normal import DAY_S, HOUR_S
from detectors.series.tail import STORM_SURPRISE, TOP_S, Tail, TailPrior
from engine.domain.errors import StateError
from engine.domain.series import SignalReading
from engine.domain.signals import SpanFacts

VERSION: Final = 1
_LN10: Final = log(10.0)
_SPANS_A_WEEK: Final = 1008.0
KEEP: Final = 0.5 ** (1 / 2000)
"""Half of what is usual of negatives or messages is forgotten after two thousand of them."""
AUDIENCE_MIN: Final = 1_000
"""What fewer people may have seen is neither viral nor widely seen, however small the brand."""
LOW: Final = 1.0
"""Evidence of less than a nat is nothing to weigh: with `idle`, it may be passed by `low`."""
_LOW_SURPRISE: Final = (LOW - log(_SPANS_A_WEEK)) / _LN10
WARM_UP_S: Final = DAY_S
"""A whole day: every hour has been seen once."""
PRIOR: Final = TailPrior(level=2.0, scale=1.0)
"""The top of 36 spans that share windows of an hour, some six of them independent: one in four is above two nats. A
scale of 1 is the model's own."""


class Judge:
    """Turns the evidence of one signal into surprise, alarm and activity.

    Args:
        false_alarms_per_week: what this signal may cost.
        patience_s: an alarm that lasts longer is the new normal.
        looks_a_week: how often evidence comes: a span of ten minutes, if nothing else is said.

    >>> j = Judge(0.25)
    >>> calm = [j.take(0.1, SpanFacts(600 * i, 600 * i + 600, True)) for i in range(300)]
    >>> any(calm), j.take(30.0, SpanFacts(180_000, 180_600, True)), j.active
    (False, True, True)
    """

    __slots__ = (
        "_alarm_s", "_block", "_first_s", "_log_looks", "_patience_s", "_rising", "_storm", "_tail", "_threshold",
        "active", "idle", "since_s", "surprise",
    )  # fmt: skip

    def __init__(
        self, false_alarms_per_week: float, patience_s: int = DAY_S, looks_a_week: float = _SPANS_A_WEEK
    ) -> None:
        self._log_looks = log(looks_a_week)
        self._threshold = -log10(false_alarms_per_week)
        self._patience_s = patience_s
        self._tail = Tail(PRIOR)
        self._first_s: int | None = None
        self._block = 0
        self._storm = self._rising = False
        self._alarm_s = 0
        self.since_s = 0
        self.active = False
        self.idle = False
        """It knows the brand and is not active."""
        self.surprise: float | None = None

    def low(self) -> None:
        """`take` for evidence below `LOW` while `idle`; costs next to nothing."""
        self._rising = False
        self.surprise = _LOW_SURPRISE

    def take(self, z: float, facts: SpanFacts) -> bool:
        """Judge the evidence `z` after a span; True if it raises the alarm."""
        start_s = facts.start_s
        if self._first_s is None:
            self._first_s = start_s
        block = start_s // TOP_S
        if block != self._block:
            self._tail.learn(0.0)  # what was passed by as low was no more than that
            self._tail.close(calm=not self._storm)
            self._block, self._storm = block, False
        if z <= 0.0:
            self._rising = False
        elif not self._rising:
            self._rising, self.since_s = True, start_s
        if start_s - self._first_s < WARM_UP_S:
            return False
        surprise = self.surprise = min(self._tail.surprise(z), (z - self._log_looks) / _LN10)
        self._tail.learn(z)
        if surprise > STORM_SURPRISE or not facts.calm:
            self._storm = True
        if self.active:
            since = start_s - self._alarm_s
            if (since >= HOUR_S and surprise < 0.0) or since >= self._patience_s:
                self.over()
            return False
        if surprise < self._threshold:
            self.idle = True
            return False
        self.active, self.idle, self._alarm_s = True, False, start_s
        return True

    @property
    def nats_min(self) -> float:
        """Evidence below this never raises the alarm."""
        return self._threshold * _LN10 + self._log_looks

    @property
    def learns(self) -> bool:
        """Whether the last span was normal enough to learn from."""
        return not self.active and (self.surprise is None or self.surprise <= STORM_SURPRISE)

    def over(self) -> None:
        """What it alarmed of has ended."""
        self.active, self.idle = False, True

    def reading(self, name: str, alarm: bool, observed: float, expected: float) -> SignalReading:
        return SignalReading(name, self.surprise or 0.0, alarm, self.active, observed, expected, self.since_s)

    def dump(self) -> list[Any]:
        return [
            self._first_s, self._block, self._storm, self._rising, self._alarm_s, self.since_s, self.active,
            self.surprise, self._tail.dump(),
        ]  # fmt: skip

    def load(self, state: list[Any]) -> None:
        (
            self._first_s, self._block, self._storm, self._rising, self._alarm_s, self.since_s, self.active,
            self.surprise, tail,
        ) = state  # fmt: skip
        self.idle = self.surprise is not None and not self.active
        self._tail.load(tail)


def checked(snapshot: dict[str, Any], name: str) -> dict[str, Any]:
    """The snapshot, if this program can read it. Raises StateError."""
    if snapshot.get("v") != VERSION:
        raise StateError(f"state of the signal {name} of version {snapshot.get('v')}: this Vigie reads {VERSION}")
    return snapshot


def binomial_nats(k: float, n: float, p: float) -> float:
    """Log-likelihood ratio of `k` out of `n` against the share `p`; negative when there are fewer than expected.

    >>> round(binomial_nats(8, 10, 0.2), 2), binomial_nats(2, 10, 0.2)
    (8.32, 0.0)
    """
    if n <= 0.0:
        return 0.0
    found = (k * log(k / (n * p)) if k > 0.0 else 0.0) + (
        (n - k) * log((n - k) / (n * (1.0 - p))) if n > k else 0.0
    )  # fmt: skip
    return found if k > n * p else 0.0 - found


def normal_nats(z: float) -> float:
    """Half the square of a z-score, with its sign.

    >>> normal_nats(4.0), normal_nats(-2.0)
    (8.0, -2.0)
    """
    return 0.5 * z * abs(z)


class Spread:
    """Mean and variance of a number, forgetting and clipped at three standard deviations.

    Args:
        mean, sd: what is believed before any is seen, with the weight of `SEEN` observations.

    >>> s = Spread(0.0, 1.0)
    >>> for i in range(400): s.learn(5.0 + i % 2)
    >>> round(s.mean), round(s.sd, 1)
    (6, 0.5)
    """

    SEEN = 12.0
    MEMORY = 2016.0
    """Observations: two weeks of spans, if every one holds a negative."""
    SD_MIN = 0.5
    """Of a logarithm: what is within a factor of seven of the usual is never news (four deviations)."""

    __slots__ = ("_n", "_variance", "mean", "sd")

    def __init__(self, mean: float, sd: float) -> None:
        self.mean, self.sd = mean, sd
        self._variance, self._n = sd * sd, 0.0

    def learn(self, x: float) -> None:
        if self._n < self.MEMORY:
            self._n += 1.0
        # the mean follows at once, since no prior knows a brand's reach; the variance trusts its prior for a while
        d = x - self.mean
        n = self._n
        if n > self.SEEN:
            limit = 3.0 * self.sd
            d = limit if d > limit else -limit if d < -limit else d
        self.mean += d / n
        if n > 1.0:
            variance = self._variance = self._variance + (d * d * (1.0 - 1.0 / n) - self._variance) / (n + self.SEEN)
            self.sd = sqrt(variance) if variance > 0.25 else self.SD_MIN

    @property
    def unsure(self) -> float:
        """The factor by which a z-score shrinks while few have been seen (that of a mean, and of a variance)."""
        return 1.0 / sqrt(1.0 + self.SEEN / (1.0 + self._n))

    def dump(self) -> list[float]:
        return [self.mean, self._variance, self._n]

    def load(self, state: list[float]) -> None:
        self.mean, self._variance, self._n = state
        self.sd = sqrt(max(self._variance, self.SD_MIN**2) if self._n > 1.0 else self._variance)
