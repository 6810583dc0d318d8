"""Stand-ins for the ports, and a synthetic storm: what tests of the inside need and no more."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from detectors.table import DETECTORS
from engine.core.engine import Engine
from engine.core.slot import JsonPacking
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.effects import AlertRaised, Counted, Effect, IncidentSaved, PlanMade, StateDropped, StateSaved
from engine.domain.incident import Incident
from engine.domain.mention import Mention
from engine.domain.playbook import Draft, Plan, PlanRequest
from engine.domain.scores import Scores
from engine.domain.series import BinCount, Reading, SignalReading, Verdict

START_MS = 1_767_225_600_000  # 2026-01-01T00:00:00Z, a Thursday
MINUTE_MS = 60_000


class WordScorer:
    """Negative when the text holds "panne" or "nul"; so a test can say what it means."""

    def score_many(
        self, texts: Sequence[str], langs: Sequence[str | None], usual: Sequence[str | None] | None = None
    ) -> Scores:
        negative = np.array(["panne" in t or "nul" in t for t in texts], dtype=np.float32)
        probabilities = np.stack([negative, 1 - negative, np.zeros_like(negative)], axis=1)
        return Scores(
            langs=tuple(lang or "fr" for lang in langs),
            probabilities=probabilities,
            categories=self.categorise_many(texts),
            urgency=np.zeros(len(texts), dtype=np.float32),
        )

    def categorise_many(
        self, texts: Sequence[str], langs: Sequence[str | None] | None = None
    ) -> tuple[tuple[str, ...], ...]:
        return tuple(("outage",) if "panne" in t else () for t in texts)


class OnePlaybook:
    """Always the same plan, naming what it was asked."""

    def __init__(self) -> None:
        self.requests: list[PlanRequest] = []

    def plan(self, request: PlanRequest) -> Plan:
        self.requests.append(request)
        drafts = tuple(Draft(n, "fr", "vous", "holding", f"Nous regardons ({n}).", ()) for n in request.networks)
        return Plan("generic", "Bad buzz", "rien de plus précis", None, "", (), drafts, ())


class Threshold:
    """Alarms at `n` negatives in a bin; active while a bin holds half of that."""

    packs = True

    def __init__(self, n: float = 5.0) -> None:
        self.n, self.active, self.since_s = n, False, 0

    def step(self, x: BinCount) -> Verdict:
        over = x.negatives >= self.n
        alarm = over and not self.active
        if alarm:
            self.since_s = x.start_s
        self.active = over or (self.active and x.negatives >= self.n / 2)
        score = 1.0 if over else 0.0 if x.negatives >= self.n / 2 else -3.0
        test = SignalReading("rate", score, alarm, self.active, x.negatives, 0.2, self.since_s)
        return Reading((test,), 0.2, score, alarm, self.active)

    def score_one(self, x: BinCount) -> Verdict:
        twin = Threshold(self.n)
        twin.restore(self.snapshot())
        return twin.step(x)

    def learn_one(self, x: BinCount) -> None:
        self.step(x)

    def snapshot(self) -> dict[str, Any]:
        return {"v": 1, "active": self.active, "since_s": self.since_s}

    def restore(self, snapshot: dict[str, Any]) -> None:
        self.active, self.since_s = snapshot["active"], snapshot["since_s"]


def mention(
    minute: float, n: int = 0, text: str = "Belle journée", brand: str | None = "Nordalia", **more: Any
) -> Mention:
    """A mention `minute` minutes after the start."""
    author = more.pop("author_id", f"a{n}")
    return Mention(
        id=f"{minute}/{n}", source=more.pop("source", "x"), kind="comment", text=text,
        created_at_ms=START_MS + round(minute * MINUTE_MS), brand=brand, author_id=author, **more,
    )  # fmt: skip


def storm(minutes: int = 120, at: int = 60, lasts: int = 20, size: int = 8, brand: str = "Nordalia") -> list[Mention]:
    """Quiet mentions, one a minute, and `size` angry ones a minute from minute `at` on."""
    quiet = [mention(i, 0, f"Bonne visite numéro {i}", brand) for i in range(minutes)]
    angry = [
        mention(i + k / 100, k + 1, f"Encore une panne du réseau, message {i} {k}", brand,
                author_id=f"a{i}-{k}", author_followers=10 * k)
        for i in range(at, at + lasts) for k in range(size)
    ]  # fmt: skip
    return sorted(quiet + angry, key=lambda m: (m.created_at_ms, m.id))


def synthetic(days: int, seed: int = 1, brand: str = "Nordalia", per_hour: float = 20.0) -> list[Mention]:
    """Some days of ordinary mentions with a day-and-night rhythm, for the real detector."""
    rng = random.Random(seed)
    found = []
    for minute in range(days * 1440):
        rate = per_hour / 60 * (0.4 if minute % 1440 < 420 else 1.3)
        n = sum(rng.random() < rate / 4 for _ in range(4))
        for k in range(n):
            text = "Service nul" if rng.random() < 0.2 else "Merci pour tout"
            found.append(mention(minute + rng.random(), k, f"{text} {minute}", brand))
    return sorted(found, key=lambda m: (m.created_at_ms, m.id))


def make_engine(
    detector: str | None = None,
    planner: OnePlaybook | None = None,
    scorer: WordScorer | None = None,
    **settings: Any,
) -> Engine:
    """An engine of fakes; `detector` names a real one."""
    config = EngineConfig(**{"open_brands": True, "bin_s": 60, **settings})

    def make(brand: BrandConfig) -> Any:
        if detector is None:
            return Threshold()
        return DETECTORS[detector](bin_s=config.bin_s, false_alarms_per_week=config.false_alarms_per_week)

    return Engine(config, scorer or WordScorer(), make, planner or OnePlaybook())


class Recorder:
    """Carries effects out in memory: what a store would hold."""

    def __init__(self) -> None:
        self.incidents: dict[str, Incident] = {}
        self.plans: dict[str, Plan] = {}
        self.alerts: dict[str, AlertRaised] = {}
        self.state: dict[str, dict[str, Any]] = {}
        self.counts: dict[tuple[str, tuple[str, ...]], float] = {}
        self.effects: list[Effect] = []

    def apply(self, effects: Sequence[Effect]) -> None:
        self.effects += effects
        for e in effects:
            match e:
                case IncidentSaved():
                    self.incidents[e.incident.id] = e.incident
                case AlertRaised():
                    self.alerts.setdefault(e.alert.delivery_key, e)
                case PlanMade():
                    self.plans[e.incident_id] = e.plan
                case StateSaved(part, bytes() as packed):
                    self.state[part] = JsonPacking().unpack(packed)
                case StateSaved():
                    self.state[e.part] = e.data
                case StateDropped():
                    self.state.pop(e.part, None)
                case Counted():
                    key = (e.name, e.labels)
                    self.counts[key] = self.counts.get(key, 0) + e.n
                case _:
                    pass
