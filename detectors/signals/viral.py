"""Viral: one message far above the brand's usual, or one thread that draws the negatives.

**viral**: the log of the largest audience (views, followers) or engagement (likes, shares and replies) of a negative
in ten minutes, against the mean and variance of that log. **thread**: how many of the last hour's negatives stand
under the one post that draws most of them, the first of each thread left out, against the brand's usual share, as a
binomial likelihood ratio. Each has half of the signal's budget.
"""

from __future__ import annotations

from math import exp, log
from typing import Any, Final

from detectors.signals.judge import (
    AUDIENCE_MIN,
    KEEP,
    LOW,
    VERSION,
    Judge,
    Spread,
    binomial_nats,
    checked,
    normal_nats,
)
from engine.domain.series import SignalReading
from engine.domain.signals import SpanFacts

_SHARE: Final = 0.2
_WEIGHT: Final = 20.0
_SHARE_MIN: Final = 0.1
"""Small talk under one post is no story: up to a tenth of the negatives may always answer one another."""


class Viral:
    """One post that is the story."""

    name = "viral"
    hears_silence = False
    __slots__ = ("_judge", "_seen", "_thread", "_top", "_tops", "_usual")

    def __init__(self, false_alarms_per_week: float) -> None:
        self._judge = Judge(0.5 * false_alarms_per_week)
        self._thread = Judge(0.5 * false_alarms_per_week)
        self._tops = Spread(5.0, 1.5)
        self._top = 0
        self._seen = _WEIGHT
        self._usual = _WEIGHT * _SHARE

    @property
    def surprise(self) -> float | None:
        one, thread = self._judge.surprise, self._thread.surprise
        return one if thread is None or (one is not None and one > thread) else thread

    def step(self, facts: SpanFacts) -> SignalReading | None:
        one = self._one(facts) if facts.negatives or self._judge.active else None
        thread = self._threads(facts) if facts.threads or self._thread.active else None
        if one is None or (thread is not None and thread.alarm and not one.alarm):
            return thread
        return one

    def _one(self, facts: SpanFacts) -> SignalReading | None:
        judge, usual = self._judge, self._tops
        x = log(1.0 + facts.top)
        z = normal_nats((x - usual.mean) / usual.sd * usual.unsure)
        alarm = False
        if (z < LOW or facts.top < AUDIENCE_MIN) and judge.idle:
            judge.low()
        else:
            alarm = judge.take(z, facts)
        expected = usual.mean
        if facts.calm and judge.learns and facts.negatives:
            usual.learn(x)
        if alarm or facts.top > self._top:
            self._top = facts.top
        if not judge.active:
            self._top = 0
            return None
        return judge.reading("viral", alarm, float(self._top), float(round(exp(min(expected, 50.0)) - 1.0)))

    def _threads(self, facts: SpanFacts) -> SignalReading | None:
        judge = self._thread
        n = facts.negatives + sum(p.negatives for p in facts.before)
        older = [p.threads for p in facts.before if p.threads]
        top = 0
        for key, count in facts.threads.items():
            for threads in older:
                count += threads.get(key, 0)
            top = max(top, count)
        share = self._usual / self._seen
        z = binomial_nats(top - 1, n - 1, share) if top > 1 else 0.0
        alarm = False
        if z < LOW and judge.idle:
            judge.low()
        else:
            alarm = judge.take(z, facts)
        if top and facts.calm and judge.learns:
            now = facts.negatives
            keep = KEEP**now
            self._seen = self._seen * keep + now
            found = now * max(top - 1, 0) / max(n - 1, 1)
            self._usual = min(max(self._usual * keep + found, _SHARE_MIN * self._seen), 0.9 * self._seen)
        if not judge.active:
            return None
        return judge.reading("thread", alarm, 100.0 * top / max(n, 1), 100.0 * share)

    def snapshot(self) -> dict[str, Any]:
        return {
            "v": VERSION, "judge": self._judge.dump(), "thread": self._thread.dump(), "tops": self._tops.dump(),
            "usual": [self._top, self._seen, self._usual],
        }  # fmt: skip

    def restore(self, snapshot: dict[str, Any]) -> None:
        state = checked(snapshot, self.name)
        self._judge.load(state["judge"])
        self._thread.load(state["thread"])
        self._tops.load(state["tops"])
        self._top, self._seen, self._usual = state["usual"]
