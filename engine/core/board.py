"""The signals beside the count of one brand: judged every ten minutes, told to the case, or alerting of the feed."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from engine.core.evidence import figures
from engine.core.levels import GRAVE, HARM
from engine.core.rest import NEVER_S
from engine.core.tally import THREADS_MAX, UNITS, Tally, fewest
from engine.core.wording import say, why
from engine.domain.effects import AlertRaised, Effect, Gauged
from engine.domain.incident import Alert, AlertKind, Incident, Level, LevelChange, Phase, TimelineEntry
from engine.domain.series import SignalReading
from engine.domain.signals import SpanFacts
from engine.ports.signal import Watched

SPAN_S = 600
"""Closed bins are kept, and signals judged, in spans of ten minutes."""

_SEVERE = (*HARM, *GRAVE)
_new = tuple.__new__
_NOTHING = SpanFacts(0, 0, True)[3:]
"""The facts of a span without a mention."""


class Board:
    """What the signals of one brand say.

    `notes` are those that stand out now; `opened` those of them that are set to open an incident by themselves.
    """

    def __init__(self, brand: str, lang: str, watched: tuple[Watched, ...], *, exercise: bool = False) -> None:
        self._brand, self._lang, self._exercise = brand, lang, exercise
        self._watched = watched
        self._all = tuple((w.signal.step, w.signal.name, w.signal.hears_silence, w.opens) for w in watched)
        self._feed = tuple(one for one in self._all if one[2])
        self.notes: tuple[SignalReading, ...] = ()
        self.opened: tuple[SignalReading, ...] = ()
        self._hour: list[tuple[int, Tally]] = []
        """The last spans that held a negative, by their start."""
        self._silent: dict[str, list[Any]] = {}  # signal -> the feed alert that is open: reading, when it was raised

    def close(self, start_s: int, end_s: int, tally: Tally | None, *, calm: bool) -> list[Effect]:
        """Ten minutes are over. `tally` is what came in them, if anything did."""
        if tally is None or not tally.total:
            # nobody wrote, by far the most common: only the feed can be the news, unless a signal may end now
            watched = self._all if self.notes else self._feed
            if not watched:
                return []
            facts = _new(SpanFacts, (start_s, end_s, calm, *_NOTHING))
        else:
            watched = self._all
            if not watched:
                return []
            facts = self._facts(start_s, end_s, tally, calm)
        notes: list[SignalReading] = []
        opened: list[SignalReading] = []
        effects: list[Effect] = []
        for step, name, hears_silence, opens in watched:
            reading = step(facts)
            if reading is None:
                if self._silent and hears_silence and opens and name in self._silent:
                    effects.append(self._heard(name, facts))
                continue
            if hears_silence and opens and reading.alarm:
                if name in self._silent:
                    effects.append(self._heard(name, facts))
                effects.append(self._fell_silent(name, reading, end_s))
            notes.append(reading)
            if opens and not hears_silence:
                opened.append(reading)
        self.notes, self.opened = tuple(notes), tuple(opened)
        return effects

    def _facts(self, start_s: int, end_s: int, tally: Tally, calm: bool) -> SpanFacts:
        if not tally.negatives:
            return SpanFacts(
                start_s, end_s, calm, tally.total, tally.units / UNITS, tally.expected, sources=tally.sources
            )  # fmt: skip
        if len(tally.threads) > THREADS_MAX:
            tally.threads = fewest(tally.threads)  # in one form, whatever the order of arrival
        hour, oldest_s = self._hour, end_s - 3_600
        while hour and hour[-1][0] >= start_s:  # recalled half full, when this span was still open
            hour.pop()
        if hour and hour[-1][0] >= oldest_s:
            before = [span for at_s, span in hour if at_s >= oldest_s]
            if len(before) < len(hour):
                del hour[: len(hour) - len(before)]
        else:
            before = []
            hour.clear()
        hour.append((start_s, tally))
        categories = tally.categories
        return _new(SpanFacts, (
            start_s, end_s, calm, tally.total, tally.units / UNITS, tally.expected,
            tally.negatives, tally.authored, tally.authors, tally.reach, tally.top, tally.urgency,
            sum([categories.get(name, 0) for name in _SEVERE]) if categories else 0,
            tally.threads, tally.sources, before,
        ))  # fmt: skip

    # -- the feed ------------------------------------------------------------------------------------------------

    def _fell_silent(self, name: str, reading: SignalReading, end_s: int) -> Effect:
        self._silent[name] = [list(reading), end_s]
        sentence = why(self._lang, reading)
        return self._alert(name, AlertKind.SILENT, end_s, (sentence,))

    def _heard(self, name: str, facts: SpanFacts) -> Effect:
        network = str(self._silent[name][0][0]).partition("/")[2]
        back = facts.total if network == "*" else facts.sources.get(network, 0)
        key = ("heard_all" if network == "*" else "heard") if back else "unheard"
        effect = self._alert(name, AlertKind.HEARD, facts.end_s, (say(self._lang, key, what=network),))
        del self._silent[name]
        return effect

    def _alert(self, name: str, kind: AlertKind, at_s: int, reasons: tuple[str, ...]) -> Effect:
        """An alert about the feed. Its incident is stored nowhere: it is no crisis, and needs no playbook."""
        state, since_s = self._silent[name]
        reading = SignalReading(*state)
        digest = blake2b(f"feed\x1f{self._brand}\x1f{reading.name}\x1f{since_s}".encode(), digest_size=6).hexdigest()
        over = kind is AlertKind.HEARD
        started_s = min(reading.since_s or since_s, since_s)
        levels: tuple[LevelChange, ...] = (LevelChange(since_s * 1000, Level.JAUNE, reasons),)
        if over:
            levels = (
                LevelChange(since_s * 1000, Level.JAUNE, (why(self._lang, reading),)),
                LevelChange(at_s * 1000, Level.VERT, reasons),
            )
        incident = Incident(
            id=f"feed-{datetime.fromtimestamp(since_s, UTC):%Y%m%d}-{digest}",
            brand=self._brand,
            ordinal=0,
            phase=Phase.RESOLVED if over else Phase.OPEN,
            opened_at_ms=since_s * 1000,
            closed_at_ms=at_s * 1000 if over else None,
            since_ms=started_s * 1000,
            levels=levels,
            evidence=figures(Tally(), started_s, reading.surprise),
            timeline=(TimelineEntry(at_s * 1000, "vigie", kind.value, reasons[0]),),
            exercise=self._exercise,
        )
        return AlertRaised(Alert(f"{digest}-{kind.value}", kind, at_s * 1000, incident), None)

    # -- state ---------------------------------------------------------------------------------------------------

    def gauges(self) -> list[Effect]:
        """The surprise of every signal that knows, for the panels."""
        return [
            Gauged("surprise", (self._brand, signal.name), signal.surprise)
            for signal, _ in self._watched
            if signal.surprise is not None
        ]

    def snapshot(self) -> dict[str, Any]:
        return {
            "v": 1,
            "signals": {signal.name: signal.snapshot() for signal, _ in self._watched},
            "notes": [list(reading) for reading in self.notes],
            "opened": [reading.name for reading in self.opened],
            "silent": self._silent,
        }

    @property
    def has_news(self) -> bool:
        """The end of a span that holds mentions may raise an alert, or end one of the feed."""
        return bool(self._silent) or len(self._feed) < sum(opens for *_, opens in self._all)

    def quiet_until_s(self, now_s: int) -> int:
        """Before this time nothing but mentions can bring news of the feed."""
        soonest_s = NEVER_S
        for signal, opens in self._watched:
            if opens and signal.hears_silence:
                until_s = getattr(signal, "quiet_until_s", None)
                soonest_s = min(soonest_s, now_s if until_s is None else until_s(now_s))
        return soonest_s

    def recall(self, start_s: int, span: Tally) -> None:
        """A stored span is back."""
        if span.negatives:
            self._hour = sorted([*self._hour, (start_s, span)], key=lambda item: item[0])

    def restore(self, data: dict[str, Any]) -> None:
        """Take stored signals back; one that was not watched before begins anew."""
        for signal, _ in self._watched:
            if signal.name in data["signals"]:
                signal.restore(data["signals"][signal.name])
        self.notes = tuple(SignalReading(*fields) for fields in data["notes"])
        self.opened = tuple(reading for reading in self.notes if reading.name in data["opened"])
        self._silent = dict(data["silent"])
