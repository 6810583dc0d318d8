"""Silence: a network, or the whole feed, has stopped bringing mentions.

How many mentions would the network have brought since its last one? Its rate is the brand's own by hour of day and
weekday (`RateLevel`) times the network's share of it. That none came, where the expectation Lambda is known with the
weight of k events, has the evidence

    z = k log(1 + Lambda / k)                  Gamma-Poisson; Lambda itself for k without bound,

with k growing by one a day from 3 to 20: in the first days nobody knows the weekend. A network of one mention a week
needs weeks to be missed, one of a hundred an hour minutes.
"""

from __future__ import annotations

from math import log1p
from typing import Any, Final

from detectors.series.normal import DAY_S, HOUR_S, RateLevel
from detectors.signals.judge import LOW, VERSION, WARM_UP_S, Judge, checked
from engine.domain.series import SignalReading
from engine.domain.signals import SpanFacts

ALL: Final = "*"
"""Every network at once."""
_SURE: Final = (2.0, 20.0)
_KEEP: Final = 0.5 ** (1 / 168)
"""An hour's forgetting of a network's share: half in a week."""
_GONE: Final = 0.01
"""A network whose decayed count falls below is forgotten."""
_MISSING_MAX: Final = 6.0
"""So many mentions missing are a source that fell silent, and no lesson about its rate."""


class Silence:
    """Networks that speak, and since when one does not.

    >>> s = Silence(0.25)
    >>> def span(i, n): return SpanFacts(600 * i, 600 * i + 600, True, total=n, sources={"x": n} if n else {})
    >>> heard = [s.step(span(i, 10)) for i in range(700)]
    >>> quiet = [s.step(span(700 + i, 0)) for i in range(6)]
    >>> any(heard), quiet[-1].name, quiet[-1].observed
    (False, 'silence/*', 0.0)
    """

    name = "silence"
    hears_silence = True
    __slots__ = ("_clock", "_counts", "_first_s", "_heard", "_hour", "_judge", "_level", "_n", "_of", "_warm")

    def __init__(self, false_alarms_per_week: float) -> None:
        self._judge = Judge(false_alarms_per_week, patience_s=7 * DAY_S)
        self._level = RateLevel()
        self._first_s: int | None = None
        self._hour = 0
        self._n = 0
        self._warm = False
        self._of = ""
        self._counts: dict[str, float] = {}
        self._clock = 0.0  # mentions due of all networks together, since the first day was over
        self._heard: dict[str, tuple[float, int]] = {}  # the clock, and the time, of each network's last mention

    @property
    def surprise(self) -> float | None:
        return self._judge.surprise

    def step(self, facts: SpanFacts) -> SignalReading | None:
        start_s, end_s = facts.start_s, facts.end_s
        hour = start_s // HOUR_S
        if self._first_s is None:
            if not facts.total:
                return None
            self._first_s, self._hour = start_s, hour
        if hour != self._hour:
            self._turn(hour, facts.calm)
        counts, heard, total = self._counts, self._heard, facts.total
        if self._warm:
            width = end_s - start_s
            self._clock += self._level.at(start_s % HOUR_S + 0.5 * width) * width / HOUR_S
        if total:
            self._n += total
            mark = (self._clock, end_s)
            for source, n in sorted(facts.sources.items()):  # whichever of them came first
                counts[source] = counts.get(source, 0.0) + n
                heard[source] = mark
            counts[ALL] = counts.get(ALL, 0.0) + total
            heard[ALL] = mark
        if not self._warm:
            return None
        if total and len(facts.sources) == len(counts) - 1 and self._judge.idle:
            self._judge.low()  # they all speak
            return None
        return self._judged(facts)

    def _judged(self, facts: SpanFacts) -> SignalReading | None:
        counts, heard, judge, clock = self._counts, self._heard, self._judge, self._clock
        total = counts[ALL]
        worst, most = "", 0.0
        for source, count in counts.items():
            lacks = (clock - heard[source][0]) * count / total
            if lacks > most or (lacks == most and source == ALL):
                worst, most = source, lacks
        if most < LOW and judge.idle:
            judge.low()
            return None
        k = min(_SURE[0] + (facts.start_s - (self._first_s or 0)) / DAY_S, _SURE[1])
        lacking = self._lacks(self._of)
        if judge.active and not lacking:
            judge.over()  # it speaks again
        alarm = judge.take(k * log1p(most / k), facts)
        if alarm:
            self._of, lacking = worst, most
        if not judge.active:
            return None
        if self._of in heard:
            judge.since_s = heard[self._of][1]
        return judge.reading(f"silence/{self._of}", alarm, 0.0, lacking)

    def _lacks(self, source: str) -> float:
        """Mentions that the network would have brought since its last one."""
        if source not in self._heard:
            return 0.0
        return (self._clock - self._heard[source][0]) * self._counts[source] / self._counts[ALL]

    def quiet_until_s(self, now_s: int) -> int:
        """Before this time silence raises no alarm, if no mention comes. A bound from below: three quarters of the
        least that would have to be missing, at the highest rate that any hour of the week has."""
        if self._first_s is None or self._judge.active:
            return now_s + DAY_S
        if not self._warm:  # it will be at the first full hour after a day, and then knows how long it may be patient
            return max(now_s + HOUR_S, -(-(self._first_s + WARM_UP_S) // HOUR_S) * HOUR_S + HOUR_S)
        missing = 0.75 * self._judge.nats_min - max(map(self._lacks, self._counts), default=0.0)
        if missing <= 0.0:
            return now_s
        return now_s + int(min(missing / self._level.highest * HOUR_S, DAY_S))

    def _turn(self, hour: int, calm: bool) -> None:
        """An hour is over: learn from it, unless the feed was silent or a storm brought more than usual."""
        before, n = self._hour, self._n
        self._hour, self._n = hour, 0
        level = self._level
        if not self._warm:
            level.first(before, n, 1.0)
            if (hour * HOUR_S) - (self._first_s or 0) >= WARM_UP_S:
                self._warm = True
                level.settle()
        elif self._lacks(ALL) < _MISSING_MAX and not self._judge.active:
            due = level.at(0.5 * HOUR_S)
            limit = due + 4.0 * (due + due * due) ** 0.5 + 2.0
            level.close(before, min(float(n), due) if not calm else min(float(n), limit), 1.0, 1.0 + 0.1 * due)
            self._counts = {s: c * _KEEP for s, c in self._counts.items() if c > _GONE or s == ALL}
            self._heard = {s: mark for s, mark in self._heard.items() if s in self._counts}
        level.turn(hour)

    def snapshot(self) -> dict[str, Any]:
        return {
            "v": VERSION, "judge": self._judge.dump(), "level": self._level.dump(),
            "clock": [self._first_s, self._hour, self._n, self._warm, self._of],
            "counts": dict(self._counts), "due": self._clock,
            "heard": {source: list(mark) for source, mark in self._heard.items()},
        }  # fmt: skip

    def restore(self, snapshot: dict[str, Any]) -> None:
        state = checked(snapshot, self.name)
        self._judge.load(state["judge"])
        self._first_s, self._hour, self._n, self._warm, self._of = state["clock"]
        self._level.load(state["level"], self._hour)
        self._counts, self._clock = dict(state["counts"]), state["due"]
        self._heard = {source: (due, at_s) for source, (due, at_s) in state["heard"].items()}
