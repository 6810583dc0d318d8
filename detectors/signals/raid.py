"""Raid: many messages from few authors.

Of the negatives of the last hour whose author is known, how many come from someone who has written one within that hour
already? Against the brand's own usual share of such repeats, as a binomial likelihood ratio. A storm of many authors
leaves that share where it was.
"""

from __future__ import annotations

from typing import Any, Final

from detectors.series.normal import HOUR_S
from detectors.signals.judge import KEEP, VERSION, Judge, binomial_nats, checked
from engine.domain.series import SignalReading
from engine.domain.signals import SpanFacts

_SHARE: Final = 0.15
_SHARE_MIN: Final = 0.05
"""Somebody always writes twice: one message in twenty is no sign of anything."""
_WEIGHT: Final = 20.0
"""Before the brand has spoken: three in twenty are repeats."""
_AUTHORS_MAX: Final = 2_000
"""More distinct authors in ten minutes are no raid, and their hashes are a sample only."""


class Raid:
    """The share of repeats among the negatives of an hour.

    >>> r = Raid(0.25)
    >>> def span(i, n, *authors): return SpanFacts(600 * i, 600 * i + 600, True, authored=n, authors=frozenset(authors))
    >>> calm = [r.step(span(i, 2, i, i + 10**6)) for i in range(400)]
    >>> any(calm), r.step(span(400, 30, 1, 2)).name
    (False, 'raid')
    """

    name = "raid"
    hears_silence = False
    __slots__ = ("_hour", "_judge", "_seen", "_usual")

    def __init__(self, false_alarms_per_week: float) -> None:
        self._judge = Judge(false_alarms_per_week)
        self._hour: list[tuple[int, int, int]] = []  # start, messages, repeats
        self._seen = _WEIGHT
        self._usual = _WEIGHT * _SHARE

    @property
    def surprise(self) -> float | None:
        return self._judge.surprise

    def step(self, facts: SpanFacts) -> SignalReading | None:
        n = facts.authored
        judge = self._judge
        if not n and not judge.active:
            return None
        hour, oldest_s = self._hour, facts.end_s - HOUR_S
        while hour and hour[0][0] < oldest_s:
            del hour[0]
        repeats = 0
        authors = facts.authors
        if n and len(authors) < _AUTHORS_MAX:
            known = len(authors)
            for past in facts.before:
                if not authors.isdisjoint(past.authors):  # seldom, and a quick look saves the copy
                    earlier = [p.authors for p in facts.before if len(p.authors) < _AUTHORS_MAX]
                    known = len(authors.difference(*earlier))
                    break
            repeats = n - known
        if n:
            hour.append((facts.start_s, n, repeats))
        messages = repeated = 0
        for _, m, r in hour:
            messages += m
            repeated += r
        share = self._usual / self._seen
        alarm = False
        if repeated < 2 and judge.idle:
            judge.low()
        else:
            alarm = judge.take(binomial_nats(repeated, messages, share), facts)
        if facts.calm and judge.learns:
            keep = KEEP**n
            limit = n * share + 3.0 * (n * share) ** 0.5 + 1.0
            seen = self._seen = self._seen * keep + n
            usual = self._usual * keep + (repeats if repeats < limit else limit)
            self._usual = usual if usual > _SHARE_MIN * seen else _SHARE_MIN * seen
        if not judge.active:
            return None
        return judge.reading("raid", alarm, messages / max(1, messages - repeated), 1.0 / (1.0 - min(share, 0.9)))

    def snapshot(self) -> dict[str, Any]:
        return {
            "v": VERSION, "judge": self._judge.dump(), "hour": [list(p) for p in self._hour],
            "usual": [self._seen, self._usual],
        }  # fmt: skip

    def restore(self, snapshot: dict[str, Any]) -> None:
        state = checked(snapshot, self.name)
        self._judge.load(state["judge"])
        self._hour = [(s, n, r) for s, n, r in state["hour"]]
        self._seen, self._usual = state["usual"]
