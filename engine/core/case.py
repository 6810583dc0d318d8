"""One brand's incident, from suspicion to the end of the second-wave watch.

What moves it is a table (`engine.domain.incident.TRANSITIONS`); this file says when each trigger is pulled, and what
follows: levels, evidence, the playbook, alerts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import blake2b
from math import log10
from typing import Any

from engine.core.board import SPAN_S
from engine.core.calendar import Calendar
from engine.core.evidence import Words, figures
from engine.core.fold import fold, tokens
from engine.core.levels import Hysteresis, LevelDecision, decide, signals
from engine.core.tally import UNITS, Tally, canonical
from engine.core.terms import TermBaseline, TermCounts
from engine.core.themes import Sought, look
from engine.core.wording import say, why
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.effects import AlertRaised, Effect, IncidentSaved, PlanMade
from engine.domain.incident import (
    ACTIVE_PHASES,
    CLOSED_PHASES,
    TRANSITIONS,
    Alert,
    AlertKind,
    Incident,
    Level,
    LevelChange,
    Phase,
    TimelineEntry,
    Trigger,
)
from engine.domain.playbook import BrandVoice, Plan, PlanRequest
from engine.domain.series import Reading, SignalReading
from engine.ports.planner import Planner

Recent = Callable[[int], list[Tally]]
"""The closed spans of the hour that ended at a time."""

RULE_VERSION = 1
"""Part of every alert's key: rules that decide otherwise get keys of their own."""

WEAK_TIMES = 10
"""A signal ten times as common as the budget allows is suspect; it pages nobody."""

SAMPLE_MAX = 192
TIMELINE_MAX = 5_000
MINUTE_MS = 60_000
EVENTS_SAID_MAX = 3

HISTORY_S = 2 * 365 * 86_400
"""How long an earlier crisis weighs on the posture of the next one; jaune incidents and false alarms never do."""
PAST_MAX = 50


def _digest(*parts: object) -> str:
    return blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


class Case:
    """The incident of one brand, if there is one, and what is needed to judge it further."""

    def __init__(self, brand: BrandConfig, config: EngineConfig, planner: Planner) -> None:
        self._brand, self._config, self._planner = brand, config, planner
        budget = brand.false_alarms_per_week or config.false_alarms_per_week
        self._weak_from = -log10(WEAK_TIMES * budget)
        own = (brand.name, *brand.names, *brand.handles, *brand.keywords)
        self.ignored_words = frozenset(token.lstrip("@#") for phrase in own for token in tokens(fold(phrase)))
        self._words = Words(self.ignored_words)
        self.calendar = Calendar(config.events, brand.name)
        self._hysteresis = Hysteresis(config.level_hold_s)
        self.incident: Incident | None = None
        self.plan: Plan | None = None
        self.tally = Tally(SAMPLE_MAX)
        self._terms = TermCounts()
        self._spans: Mapping[int, Tally] = {}  # those of the brand, as they were handed over last
        self.suspected_since_s: int | None = None
        self._ordinal = 0
        self._since_s = 0
        self._calm_since_s: int | None = None
        self._surprise = 0.0
        self.notes: tuple[SignalReading, ...] = ()
        """Signals beside the count that stand out now."""
        self._past_s: list[int] = []  # when its earlier crises ended, oldest first

    # -- what the engine asks ------------------------------------------------------------------------------------

    @property
    def is_calm(self) -> bool:
        """Nothing is suspected or open: what comes now is the brand's normal."""
        open_now = self.incident is not None and self.incident.phase not in CLOSED_PHASES
        return not open_now and self.suspected_since_s is None

    @property
    def phase(self) -> Phase | None:
        if self.incident is not None:
            return self.incident.phase
        return Phase.SUSPECTED if self.suspected_since_s is not None else None

    def cares(self, reading: Reading) -> bool:
        """Whether a bin can change anything here. Most bins of most brands can't, and cost nothing more."""
        if reading.alarm or self.suspected_since_s is not None or reading.score >= self._weak_from:
            return True
        return self.incident is not None and self.incident.phase not in CLOSED_PHASES

    def on_bin(
        self, end_s: int, reading: Reading, closed: Tally, expected: float,
        recent_of: Recent, lookback: Mapping[int, Tally], baseline: TermBaseline,
    ) -> list[Effect]:  # fmt: skip
        """A bin that ended at `end_s` was judged. `closed` is its tally, `recent_of` gives those of the last hour,
        `lookback` the closed spans by their start, for the evidence since the onset."""
        self._expire(end_s)
        self._spans = lookback
        if self.phase in (Phase.OPEN, Phase.ACKNOWLEDGED) or (self.phase is Phase.CONTAINED and reading.alarm):
            # what comes once it is contained is the calm after the storm, and would water its figures down
            if closed.total:
                self.tally.merge(closed)
                self._count(closed)
            else:
                self.tally.expected += expected
        if reading.alarm:
            return self._alarm(end_s, reading, recent_of, lookback, baseline)
        effects: list[Effect] = []
        if self.incident is None:
            self._suspect(end_s, reading)
        elif self.incident.phase not in CLOSED_PHASES:
            effects += self._watch_calm(end_s, reading, baseline)
            if self.incident.phase in (Phase.OPEN, Phase.ACKNOWLEDGED) and (closed.units or end_s % SPAN_S == 0):
                effects += self._follow(end_s, reading, recent_of, baseline)
        return effects

    def hear(self, end_s: int, notes: tuple[SignalReading, ...]) -> list[Effect]:
        """The signals that stand out now. One that is new goes into the log of an incident that is open."""
        known = {note.name for note in self.notes}
        self.notes = notes
        news = [why(self._config.lang, note) for note in notes if note.name not in known]
        if not news or self.incident is None or self.incident.phase not in ACTIVE_PHASES:
            return []
        return self._note(end_s * 1000, "vigie", "signal", "; ".join(news))

    def command(
        self, name: str, actor: str, text: str, at_ms: int, baseline: TermBaseline
    ) -> tuple[bool, list[Effect]]:
        """A person speaks. Returns whether it was possible, and what follows."""
        incident = self.incident
        if incident is None:
            return False, []
        if name == "note":
            return True, self._note(at_ms, actor, "note", text)
        trigger = {"ack": Trigger.ACK, "contain": Trigger.CONTAIN, "resolve": Trigger.RESOLVE, "reject": Trigger.REJECT}
        after = TRANSITIONS.get((incident.phase, trigger[name])) if name in trigger else None
        if after is None:
            return False, []
        key = {"ack": "acknowledged", "contain": "contained_by", "resolve": "resolved", "reject": "rejected"}[name]
        sentence = say(self._config.lang, key) + (f" — {text}" if text else "")
        incident = replace(incident, phase=after)
        if name == "ack" and incident.acked_at_ms is None:
            incident = replace(incident, acked_by=actor, acked_at_ms=at_ms)
        self.incident = incident
        effects: list[Effect] = []
        if after is Phase.CONTAINED and name == "contain":
            effects += self._set_level(Level.VERT, (say(self._config.lang, key),), at_ms, AlertKind.CONTAINED)
        elif after in CLOSED_PHASES:
            self.incident = replace(self.incident, closed_at_ms=at_ms)
            effects += self._set_level(Level.VERT, (say(self._config.lang, key),), at_ms, AlertKind.RESOLVED)
        return True, effects + self._note(at_ms, actor, name, sentence)

    # -- triggers ------------------------------------------------------------------------------------------------

    def _expire(self, end_s: int) -> None:
        """After the watch a closed incident is history: what comes next is another one."""
        incident = self.incident
        if incident is None or incident.phase not in CLOSED_PHASES:
            return
        closed_s = (incident.closed_at_ms or 0) / 1000
        if incident.phase is Phase.FALSE_ALARM or end_s - closed_s > self._config.watch_s:
            if incident.phase is Phase.RESOLVED and incident.level_max >= Level.ORANGE:
                self._past_s = [*self._past_s, int(closed_s)][-PAST_MAX:]
            self.incident = self.plan = None

    def _suspect(self, end_s: int, reading: Reading) -> None:
        trigger = Trigger.WEAK if reading.score >= self._weak_from else Trigger.FADE
        before = Phase.SUSPECTED if self.suspected_since_s is not None else None
        after = TRANSITIONS.get((before, trigger), before)
        if after is Phase.SUSPECTED and before is None:
            self.suspected_since_s = end_s
        elif after is None:
            self.suspected_since_s = None

    def _alarm(
        self,
        end_s: int,
        reading: Reading,
        recent_of: Recent,
        lookback: Mapping[int, Tally],
        baseline: TermBaseline,
    ) -> list[Effect]:
        before = self.phase
        after = TRANSITIONS[before, Trigger.ALARM]
        assert after is not None
        self._calm_since_s, self._surprise = None, reading.score
        test = max((t for t in reading.tests if t.alarm), key=lambda t: t.surprise)
        reasons = (*(why(self._config.lang, t) for t in reading.tests if t.alarm), *self._planned(end_s))
        if before in (Phase.OPEN, Phase.ACKNOWLEDGED):
            note = self._note(end_s * 1000, "vigie", "alarm", "; ".join((say(self._config.lang, "again"), *reasons)))
            return note + self._follow(end_s, reading, recent_of, baseline)
        if before is not Phase.CONTAINED:
            self._since_s = min(test.since_s, end_s - self._config.bin_s)
            self._gather(lookback, end_s)
        kind = AlertKind.REOPENED if self.incident is not None else AlertKind.OPENED
        if self.incident is None:
            self._open(end_s)
        else:
            waves = self.incident.waves + (before is Phase.RESOLVED)
            self.incident = replace(self.incident, phase=after, waves=waves)
        self.suspected_since_s = None
        self._hysteresis.below_since_s = None
        decision = self._judge(recent_of(end_s))
        return self._set_level(
            decision.level, tuple(dict.fromkeys((*reasons, *decision.reasons))), end_s * 1000, kind, baseline
        )

    def _gather(self, lookback: Mapping[int, Tally], end_s: int) -> None:
        """The evidence begins at the onset, as far back as the closed spans go."""
        self.tally = Tally(SAMPLE_MAX)
        self._words.forget()
        self._terms = TermCounts()
        starts = [start for start in sorted(lookback) if start >= self._since_s - self._since_s % SPAN_S]
        for start in starts:
            self.tally.merge(lookback[start])
            self._count(lookback[start])
        since_ms = self._since_s * 1000
        self.tally.candidates = [c for c in self.tally.candidates if c.mention.created_at_ms >= since_ms]

    def _count(self, tally: Tally) -> None:
        for candidate in canonical(tally.candidates, tally.sample_max):
            self._terms.add(self._words.of(candidate))

    def _open(self, end_s: int) -> None:
        self._ordinal += 1
        at_ms = end_s * 1000
        when = datetime.fromtimestamp(end_s, UTC).strftime("%Y%m%d")
        timeline: tuple[TimelineEntry, ...] = ()
        if self.suspected_since_s is not None and self.suspected_since_s < end_s:
            text = say(self._config.lang, "suspected")
            timeline = (TimelineEntry(self.suspected_since_s * 1000, "vigie", "suspected", text),)
        self.incident = Incident(
            id=f"inc-{when}-{_digest(self._brand.name, at_ms)}",
            brand=self._brand.name,
            ordinal=self._ordinal,
            phase=Phase.OPEN,
            opened_at_ms=at_ms,
            closed_at_ms=None,
            since_ms=self._since_s * 1000,
            levels=(),
            evidence=figures(self.tally, self._since_s, self._surprise),
            timeline=timeline,
            exercise=self._config.exercise,
        )

    def _follow(self, end_s: int, reading: Reading, recent_of: Recent, baseline: TermBaseline) -> list[Effect]:
        """Keep the level and, every hour, the evidence up to date."""
        assert self.incident is not None
        self._surprise = max(self._surprise, reading.score)
        decision = self._judge(recent_of(end_s))
        level = self._hysteresis.settle(self.incident.level, decision.level, end_s)
        if level != self.incident.level:
            if level > self.incident.level:
                return self._set_level(level, decision.reasons, end_s * 1000, AlertKind.RAISED, baseline)
            eased = say(self._config.lang, "eased", ratio=round(_ratio(recent_of(end_s)), 1))
            return self._set_level(level, (eased,), end_s * 1000, AlertKind.LOWERED, baseline)
        if end_s % EXPLAIN_S == 0:
            self._explain(end_s, baseline)
            return [*self._plan_anew(end_s * 1000), IncidentSaved(self.incident)]
        return []

    def _watch_calm(self, end_s: int, reading: Reading, baseline: TermBaseline) -> list[Effect]:
        """Count the time since every signal went back to normal: contained after a while, over after a day."""
        assert self.incident is not None
        config = self._config
        if reading.active:
            self._calm_since_s = None
            return []
        if self._calm_since_s is None:
            self._calm_since_s = end_s
        calm_s = end_s - self._calm_since_s
        trigger = Trigger.STAND_DOWN if self.incident.phase is Phase.CONTAINED else Trigger.CALM
        if calm_s < (config.stand_down_s if trigger is Trigger.STAND_DOWN else config.calm_s):
            return []
        after = TRANSITIONS.get((self.incident.phase, trigger))
        if after is None:
            return []
        self.incident = replace(self.incident, phase=after)
        if after is Phase.CONTAINED:
            reason = say(config.lang, "contained", hours=round(calm_s / 3600, 1))
            return self._set_level(Level.VERT, (reason,), end_s * 1000, AlertKind.CONTAINED, baseline)
        self.incident = replace(self.incident, closed_at_ms=end_s * 1000)
        reason = say(
            config.lang, "stood_down", hours=round(calm_s / 3600, 1), days=round(config.watch_s / 86_400, 1)
        )  # fmt: skip
        return self._set_level(Level.VERT, (reason,), end_s * 1000, AlertKind.RESOLVED, baseline)

    # -- what follows --------------------------------------------------------------------------------------------

    def _planned(self, end_s: int) -> list[str]:
        """The planned events during which it alarmed, one sentence each."""
        during = self.calendar.during(end_s - self._config.bin_s, end_s)
        return [
            say(self._config.lang, "planned", name=e.name, ratio=round(e.ratio, 1)) for e in during[:EVENTS_SAID_MAX]
        ]

    def _judge(self, recent: list[Tally]) -> LevelDecision:
        evidence = figures(self.tally, self._since_s, self._surprise)
        decision = decide(evidence, _ratio(recent), self._config.lang)
        beside = tuple(why(self._config.lang, note) for note in self.notes)
        return decision._replace(reasons=(*decision.reasons, *beside))

    def _explain(self, end_s: int, baseline: TermBaseline) -> None:
        assert self.incident is not None
        themes = self.incident.evidence.themes
        if self.incident.phase in (Phase.OPEN, Phase.ACKNOWLEDGED):  # later ones are those of the calm after it
            themes = Sought.of(look(self._spans, self._since_s, end_s, baseline), self.ignored_words)
        evidence = replace(figures(self.tally, self._since_s, self._surprise), themes=themes)
        self.incident = replace(
            self.incident, evidence=self._words.explain(evidence, self.tally, self._terms, baseline)
        )

    def _set_level(
        self, level: Level, reasons: tuple[str, ...], at_ms: int, kind: AlertKind, baseline: TermBaseline | None = None
    ) -> list[Effect]:
        """Record a level with its reasons, plan anew where it rose, and alert."""
        assert self.incident is not None
        lang = self._config.lang
        if baseline is not None:
            self._explain(at_ms // 1000, baseline)
        incident = self.incident
        was_closed = kind is AlertKind.REOPENED and incident.closed_at_ms is not None
        if kind in (AlertKind.OPENED, AlertKind.REOPENED) or level != incident.level:
            incident = replace(incident, levels=(*incident.levels, LevelChange(at_ms, level, reasons)))
        if was_closed:
            incident = replace(incident, closed_at_ms=None)
        key = {AlertKind.RAISED: "raised", AlertKind.LOWERED: "lowered", AlertKind.OPENED: "opened"}.get(kind)
        if kind is AlertKind.REOPENED:
            key = "reopened" if was_closed else "relapse"
        sentence = say(lang, key, level=level.label) if key else reasons[0]
        text = "; ".join((sentence, *reasons)) if key else sentence
        incident = _logged(incident, TimelineEntry(at_ms, "vigie", kind.value, text))
        self.incident = incident
        effects: list[Effect] = []
        if kind in (AlertKind.OPENED, AlertKind.RAISED, AlertKind.REOPENED):
            effects.append(self._make_plan(at_ms))
        alert_key = _digest(
            "alert", RULE_VERSION, self._brand.name, incident.ordinal, incident.waves, len(incident.levels), kind.value
        )  # fmt: skip
        alert = Alert(alert_key, kind, at_ms, self.incident)
        return [*effects, IncidentSaved(self.incident), AlertRaised(alert, self.plan)]

    def _plan_anew(self, at_ms: int) -> list[Effect]:
        """Another playbook, if what people speak of has become another subject."""
        before = self.plan
        made = self._make_plan(at_ms)
        same_choice = before is not None and bool(made.plan.silence) == bool(before.silence)
        if before is not None and same_choice and made.plan.playbook == before.playbook:
            self.plan = before  # the drafts that people may be working on stay as they are
            return []
        return [made]

    def _make_plan(self, at_ms: int) -> PlanMade:
        assert self.incident is not None
        incident = self.incident
        request = PlanRequest(
            incident_id=incident.id,
            brand=self._brand.voice or BrandVoice(self._brand.name, langs=(self._config.lang,)),
            level=incident.level,
            categories=incident.evidence.categories,
            negatives=self.tally.negatives,
            networks=tuple(name for name, _ in incident.evidence.networks),
            signals=tuple(dict.fromkeys((*signals(incident.evidence), *(note.name for note in self.notes)))),
            earlier_incidents=sum(at_ms / 1000 - past_s < HISTORY_S for past_s in self._past_s),
            lang=self._config.lang,
            authors=incident.evidence.authors,
            followers_max=incident.evidence.followers_max,
            current=incident.playbook,
        )
        self.plan = self._planner.plan(request)
        if incident.playbook != self.plan.playbook:
            text = say(self._config.lang, "playbook", title=self.plan.title, reason=self.plan.reason)
            incident = _logged(incident, TimelineEntry(at_ms, "vigie", "playbook", text))
        self.incident = replace(incident, playbook=self.plan.playbook)
        return PlanMade(incident.id, at_ms, self.plan)

    def _note(self, at_ms: int, actor: str, kind: str, text: str) -> list[Effect]:
        assert self.incident is not None
        self.incident = _logged(self.incident, TimelineEntry(at_ms, actor, kind, text))
        return [IncidentSaved(self.incident)]

    # -- state ---------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any]:
        return {
            "v": 1,
            "ordinal": self._ordinal,
            "since_s": self._since_s,
            "calm_since_s": self._calm_since_s,
            "suspected_since_s": self.suspected_since_s,
            "below_since_s": self._hysteresis.below_since_s,
            "surprise": self._surprise,
            "notes": [list(note) for note in self.notes],
            "past_s": self._past_s,
            "incident": self.incident.id if self.incident else None,
            "tally": self.tally.to_json() if self.incident else None,
            "terms": self._terms.snapshot() if self.incident else None,
        }

    def restore(self, data: dict[str, Any], incidents: dict[str, Incident], plans: dict[str, Plan]) -> None:
        self._ordinal, self._since_s = data["ordinal"], data["since_s"]
        self._calm_since_s, self.suspected_since_s = data["calm_since_s"], data["suspected_since_s"]
        self._hysteresis.below_since_s, self._surprise = data["below_since_s"], data["surprise"]
        self.notes = tuple(SignalReading(*note) for note in data.get("notes", ()))
        self._past_s = list(data.get("past_s", ()))
        if data["incident"] is not None:
            self.incident = incidents[data["incident"]]
            self.plan = plans.get(data["incident"])
            self.tally = Tally.from_json(data["tally"])
            self._terms.restore(data["terms"])


EXPLAIN_S = 3_600
"""An open incident's evidence is written anew with every change of its level, and every hour."""


def _logged(incident: Incident, entry: TimelineEntry) -> Incident:
    """The incident with one more line in its log; past the limit the middle goes, the beginning and the end stay."""
    timeline = (*incident.timeline, entry)
    if len(timeline) > TIMELINE_MAX:
        timeline = (*timeline[: TIMELINE_MAX // 2], *timeline[-TIMELINE_MAX // 2 :])
    return replace(incident, timeline=timeline)


def _ratio(spans: list[Tally]) -> float:
    """Negatives over normal."""
    return sum(t.units for t in spans) / UNITS / max(sum(t.expected for t in spans), 1.0)
