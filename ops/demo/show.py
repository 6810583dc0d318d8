"""The play itself: the real engine, a real store, simulated people. Event time goes where it is told to; nothing waits.

`Show.advance(to_ms)` takes everything in up to that time and gives the key moments that came of it; what the screens
need stands in the show's attributes.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from detectors.text import load_scorer
from engine.domain.batch import Batch, Cursor
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.effects import AlertRaised, Effect, Gauged, IncidentSaved, PlanMade
from engine.domain.incident import AlertKind, Incident
from engine.domain.mention import Mention
from engine.domain.playbook import Plan, PlanRequest
from engine.loop import run_once
from ops.app import build_engine
from ops.demo.chart import SLOT_MS
from ops.demo.scenario import BRAND, MINUTE_MS, SEED, ZONES, marks, mentions
from ops.demo.script import ACTS, CAUSE, NEXT_UPDATE, WORDS, Act, voice_of
from ops.render.alert import Look
from ops.store.store import Store
from playbooks.catalogue import load_catalogue
from playbooks.planner import CataloguePlanner

FEED_MAX = 60
BIN_S = 60


@dataclass(frozen=True, slots=True)
class Moment:
    """Something worth telling: `kind` is learnt, alert, people or fact."""

    kind: str
    at_ms: int
    raised: AlertRaised | None = None
    act: Act | None = None


@dataclass(frozen=True, slots=True)
class Read:
    """A mention and how the text model read it."""

    mention: Mention
    label: str


class DemoSource:
    """The scenario as a source: what was written by the time that the clock shows."""

    name = "demo"

    def __init__(self, stream: Sequence[Mention]) -> None:
        self._stream = stream
        self._next = 0
        self.now_ms = 0

    def seek(self, positions: Mapping[str, str]) -> None:
        self._next = int(positions.get("0", "0"))

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        first = self._next
        while self._next < len(self._stream) and self._stream[self._next].created_at_ms <= self.now_ms:
            self._next += 1
            if self._next - first == max_mentions:
                break
        taken = tuple(self._stream[first : self._next])
        return Batch(mentions=taken, cursors=(Cursor(self.name, "0", str(self._next)),) if taken else ())

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """Nothing to tell anyone."""

    def close(self) -> None:
        """Nothing is open."""


class Show:
    """The demonstration up to `now_ms`, as a context."""

    def __init__(self, lang: str = "fr", seed: int = SEED) -> None:
        self.lang = lang
        self.say = WORDS[lang]
        self.look = Look(lang=lang, timezone=ZONES[lang])
        self.marks = marks(lang)
        self.now_ms = self.marks.start_ms
        self.feed: deque[Read] = deque(maxlen=FEED_MAX)
        self.observed: Counter[int] = Counter()
        """Negatives by slot of five minutes (its start over its length): sums of probabilities in ten-thousandths."""
        self.expected: dict[int, float] = {}
        self.labels: Counter[str] = Counter()
        self.incident: Incident | None = None
        self.plan: Plan | None = None
        self.alerts: list[AlertRaised] = []
        self.done_steps: set[str] = set()
        self.learnt = False
        self._stream = mentions(lang, seed)
        self._acts = list(ACTS[lang])
        self._voice = voice_of(lang)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        config = EngineConfig(
            brands=(BrandConfig(BRAND, handles=("@nordalia",), voice=self._voice),),
            lang=self.lang, bin_s=BIN_S, lateness_s=60, exercise=True,
        )  # fmt: skip
        self._store = self._stack.enter_context(Store.temporary(lambda: self.now_ms))
        self._engine = build_engine(config)
        self._scorer = load_scorer((self.lang,))
        self._planner = CataloguePlanner(load_catalogue())
        self._source = DemoSource(self._stream)
        self._source.seek(self._store.take([self._source.name])[self._source.name])
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._stack.close()

    @property
    def over(self) -> bool:
        """The incident has been stood down, or the stream is at its end."""
        resolved = any(raised.alert.kind is AlertKind.RESOLVED for raised in self.alerts)
        return resolved or self.now_ms >= self.marks.end_ms

    @property
    def opened_ms(self) -> int | None:
        return self.incident.opened_at_ms if self.incident else None

    def advance(self, to_ms: int) -> list[Moment]:
        """Take in everything up to that time; returns the key moments, in order."""
        self.now_ms = self._source.now_ms = to_ms
        moments = self._people()
        batch = run_once(
            self._engine, self._source, self, lambda: to_ms, commands=self._store.pending_commands(), live=True
        )
        self._watch(batch.mentions)
        return sorted(moments + self._take_moments(), key=lambda moment: moment.at_ms)

    # -- the executor of the loop ----------------------------------------------------------------------------------

    _fresh: tuple[Effect, ...] = ()

    def apply(self, effects: Sequence[Effect]) -> None:
        """The store carries them out; the show looks on."""
        self._store.apply(effects)
        self._fresh = tuple(effects)

    def _take_moments(self) -> list[Moment]:
        moments = []
        for effect in self._fresh:
            match effect:
                case Gauged(name="negatives_expected"):
                    self.expected[self.now_ms // SLOT_MS] = effect.value * SLOT_MS / (BIN_S * 1000)
                    if not self.learnt:
                        self.learnt = True
                        moments.append(Moment("learnt", self.now_ms))
                case IncidentSaved():
                    self.incident = effect.incident
                case PlanMade():
                    self.plan = effect.plan
                    self._fill_drafts()
                case AlertRaised():
                    self.alerts.append(effect)
                    moments.append(Moment("alert", effect.alert.at_ms, raised=effect))
                case _:
                    pass
        self._fresh = ()
        return moments

    def _watch(self, taken: tuple[Mention, ...]) -> None:
        """What the screen shows of the mentions: the engine's own model reads them once more, to the same effect."""
        if not taken:
            return
        scores = self._scorer.score_many([m.text for m in taken], [m.lang for m in taken])
        for mention, label, negative in zip(taken, scores.labels, scores.negative.tolist(), strict=True):
            self.feed.append(Read(mention, label))
            self.labels[label] += 1
            self.observed[mention.created_at_ms // SLOT_MS] += round(negative * 10_000)

    # -- people ----------------------------------------------------------------------------------------------------

    def _people(self) -> list[Moment]:
        """What the simulated people do by now; commands go into the store, the engine answers them in this step."""
        moments: list[Moment] = []
        if self.incident is None:
            return moments
        for act in list(self._acts):
            base_ms = self.marks.statement_ms if act.after_min is None else self.incident.opened_at_ms
            at_ms = base_ms + ((act.after_min or 0) - act.before_min) * MINUTE_MS
            if at_ms > self.now_ms:
                continue
            self._acts.remove(act)
            self.done_steps.update(act.done)
            name = "note" if act.name == "fact" else act.name
            self._store.add_command(name, self.incident.id, act.actor, act.text, at_ms=at_ms)
            if act.name == "fact":
                facts = dict(self._voice.facts) | {"cause": CAUSE[self.lang], "next_update": NEXT_UPDATE[self.lang]}
                self._voice = replace(self._voice, facts=tuple(facts.items()))
                self._fill_drafts()
            moments.append(Moment("fact" if act.name == "fact" else "people", at_ms, act=act))
        return moments

    def _fill_drafts(self) -> None:
        """Draft again with the facts that are approved by now; playbook and steps stay as the engine chose them."""
        if self.plan is None or self.incident is None or "cause" not in dict(self._voice.facts):
            return
        evidence = self.incident.evidence
        request = PlanRequest(
            self.incident.id, self._voice, max(self.incident.level, self.incident.level_max), evidence.categories,
            sum(n for _, n in evidence.networks), tuple(name for name, _ in evidence.networks), lang=self.lang,
        )  # fmt: skip
        planned = self._planner.plan(request)
        if planned.playbook == self.plan.playbook:
            self.plan = replace(self.plan, drafts=planned.drafts)
