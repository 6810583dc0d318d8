"""Keeps the runs of playbooks: begun and changed in the same transaction as the engine's effects, ticked, acted on.

Every change reads the run, works it out and writes it back inside one transaction, so that a service, its ticker and
the command line never overwrite one another, and what was told stays told after a crash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from sqlalchemy import Connection, select

from engine.domain.draft_state import hash_of
from engine.domain.effects import AlertRaised, Effect, IncidentSaved, PlanMade
from engine.domain.errors import InputError
from engine.domain.incident import ACTIVE_PHASES, AlertKind, Incident, Level, Phase
from engine.domain.playbook import Plan
from engine.domain.run import Fact, FreezeState, Outcome, Run, RunEvent, RunPhase, StepState
from ops.settings import Settings
from ops.store import Store, tables
from ops.store.codec import decode
from playbooks.run_words import said
from playbooks.running import Act, Opening, act, close, contain, reject, relevel, replan, start, tick

FACT_CHARS_MAX = 1_000
"""A fact is a name, an hour, a clause, at most two sentences; the networks' own limits come after."""
_NO_FACT = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u202a-\\u202e\\u2066-\\u2069⟦⟧]")
RUNS_A_TRANSACTION = 20
"""Runs that are ticked in one: a tenth of a second of the one writer."""
PLANNING = frozenset({AlertKind.OPENED, AlertKind.RAISED, AlertKind.REOPENED})
"""The alerts that come with a plan made anew."""


@dataclass(frozen=True, slots=True)
class RunRules:
    """What the settings say of runs."""

    lang: str = "fr"
    zone: str = "Europe/Paris"
    can_freeze: bool = False
    """A webhook freezes scheduled posts: when someone takes the step, or by itself from `freeze_from` on."""
    freeze_from: Level | None = None
    event_time: bool = False
    """Replays: a run's clock is that of the mentions and not of this machine."""


def rules_of(settings: Settings, *, event_time: bool = False) -> RunRules:
    """What the settings say of runs."""
    freeze = settings.freeze
    by_itself = freeze is not None and freeze.automatic_from != "never"
    return RunRules(
        lang=settings.lang,
        zone=settings.timezone,
        can_freeze=freeze is not None,
        freeze_from=Level[freeze.automatic_from.upper()] if freeze is not None and by_itself else None,
        event_time=event_time,
    )


class Changed(NamedTuple):
    """What a step's effects say of one incident."""

    incident: Incident | None
    plan: PlanMade | None


class RunKeeper:
    """The one place that changes runs. Safe from any thread.

    >>> from ops.store import Store
    >>> with Store.temporary() as store:
    ...     RunKeeper(store, RunRules()).tick(1_000)
    0
    """

    def __init__(self, store: Store, rules: RunRules, clock_ms: Callable[[], int] | None = None) -> None:
        self._store, self._rules = store, rules
        self._clock_ms = clock_ms or store.clock_ms
        self._runs = store.runs
        self._planned_ms: dict[str, int] = {}  # for replays: the newest plan of each incident

    # -- the engine speaks ---------------------------------------------------------------------------------------

    def on_effects(self, connection: Connection, effects: Sequence[Effect]) -> None:
        """A step's effects, inside their transaction: begin and change the runs of their incidents."""
        changed: dict[str, Changed] = {}
        for effect in effects:
            if isinstance(effect, IncidentSaved):
                known = changed.get(effect.incident.id, Changed(None, None))
                changed[effect.incident.id] = known._replace(incident=effect.incident)
            elif isinstance(effect, PlanMade):
                known = changed.get(effect.incident_id, Changed(None, None))
                changed[effect.incident_id] = known._replace(plan=effect)
        self._runs.hold(connection, changed)
        for incident_id, change in changed.items():
            self._hear(connection, incident_id, change)

    def on_replay(self, effects: Sequence[Effect]) -> None:
        """The effects of a step of a replay, which may hold days: what was told along the way says what happened when.

        A step keeps only the last form of an incident and its plan; its alerts hold the others.
        """
        with self._runs.transaction() as connection:
            for raised in (effect for effect in effects if isinstance(effect, AlertRaised)):
                found, at_ms = raised.alert.incident, raised.alert.at_ms
                made = None
                if raised.alert.kind in PLANNING and raised.plan is not None:
                    made = PlanMade(found.id, at_ms, raised.plan)
                    self._planned_ms[found.id] = at_ms
                self._hear(connection, found.id, Changed(found, made))
            newer = [
                effect
                for effect in effects
                if not isinstance(effect, PlanMade) or effect.at_ms > self._planned_ms.get(effect.incident_id, -1)
            ]
            self.on_effects(connection, newer)

    def _hear(self, connection: Connection, incident_id: str, change: Changed) -> None:
        incident = change.incident or self._incident(connection, incident_id)
        if incident is not None and incident.phase is not Phase.SUSPECTED:
            self._follow(connection, incident, change.plan)

    def adopt(self) -> int:
        """Begin the runs of incidents that are open and have none: those of an earlier release. Returns how many."""
        n = 0
        for incident in self._store.incidents(phases=ACTIVE_PHASES):
            plan = self._store.plan(incident.id)
            with self._runs.transaction() as connection:
                self._runs.hold(connection, [incident.id])
                if plan is not None and self._runs.load(connection, incident.id) is None:
                    plan = replace(plan, level=incident.level)
                    self._follow(connection, incident, PlanMade(incident.id, self._clock_ms(), plan))
                    n += 1
        return n

    def _follow(self, connection: Connection, incident: Incident, made: PlanMade | None) -> None:
        at_ms = self._at_ms(incident, made)
        run = self._runs.load(connection, incident.id)
        if run is None:
            if made is None:
                return
            opening = Opening(incident.id, incident.brand, self._rules.lang, at_ms, incident.exercise)
            run = self._keep(connection, start(made.plan, opening)).run
        elif made is not None:
            run = self._keep(connection, replan(run, made.plan, at_ms, incident.waves)).run
        run = self._acknowledged(connection, run, incident, at_ms)
        if incident.phase is Phase.FALSE_ALARM:
            self._keep(connection, reject(run, at_ms))
        elif incident.phase is Phase.RESOLVED:
            plan = made.plan if made is not None else self._plan(connection, incident.id)
            self._keep(connection, close(run, plan.closing if plan else (), at_ms, self._rules.zone))
        elif incident.phase is Phase.CONTAINED:
            self._keep(connection, contain(run, at_ms))
        elif incident.level < run.level:
            self._keep(connection, relevel(run, incident.level, at_ms))

    def _at_ms(self, incident: Incident, made: PlanMade | None) -> int:
        if not self._rules.event_time:
            return self._clock_ms()
        told = [made.at_ms] if made else []
        return max([*told, *(entry.at_ms for entry in incident.timeline[-1:])], default=incident.opened_at_ms)

    def _acknowledged(self, connection: Connection, run: Run, incident: Incident, at_ms: int) -> Run:
        """Who takes the incident has done the step that asks for it."""
        entry = next((e for e in reversed(incident.timeline) if e.kind == "ack"), None)
        step = next((s for s in run.steps if s.clock == "acknowledge" and s.wave == run.wave and s.is_open), None)
        if step is None or entry is None or incident.phase not in (Phase.ACKNOWLEDGED, Phase.CONTAINED):
            return run
        if step.state is StepState.WAITING:
            return run
        return self._keep(connection, act(run, Act("done", entry.actor, step.id), at_ms)).run

    def _keep(self, connection: Connection, outcome: Outcome) -> Outcome:
        """Save what came of a change, with the freeze that follows from it by itself."""
        outcome = self._frozen_by_itself(outcome)
        if self._rules.event_time:
            outcome = outcome._replace(asks=())  # nobody is called for the past
        if outcome.events or outcome.asks or self._runs.load(connection, outcome.run.incident_id) != outcome.run:
            self._runs.save(connection, outcome)
        return outcome

    def _frozen_by_itself(self, outcome: Outcome) -> Outcome:
        run = outcome.run
        if not self._rules.can_freeze or run.phase is not RunPhase.CRISIS or run.freeze is not FreezeState.NONE:
            return outcome
        steps = [step for step in run.steps if step.action == "freeze"]
        taken = next((step for step in steps if step.state is StepState.CLAIMED), None)
        level = self._rules.freeze_from
        by_itself = level is not None and run.level >= level and any(step.state is StepState.DUE for step in steps)
        if taken is None and not by_itself:
            return outcome
        at_ms = outcome.events[-1].at_ms if outcome.events else self._clock_ms()
        more = act(run, Act("freeze", taken.owner if taken else "vigie"), at_ms)
        return Outcome(more.run, (*outcome.events, *more.events), (*outcome.asks, *more.asks))

    # -- time passes ---------------------------------------------------------------------------------------------

    def tick(self, now_ms: int | None = None) -> int:
        """Tell what has become due, a few runs a transaction. Returns how many runs had something to tell."""
        now_ms = self._clock_ms() if now_ms is None else now_ms
        n = 0
        while ids := self._runs.due(now_ms, RUNS_A_TRANSACTION):
            with self._runs.transaction() as connection:
                self._runs.hold(connection, ids)
                for incident_id in ids:
                    run = self._runs.load(connection, incident_id)
                    if run is not None:  # it may have been changed since: then nothing is told twice
                        outcome = self._keep(connection, tick(run, now_ms))
                        if not outcome.events:  # its timer was stale: put it right, or it would come up for ever
                            self._runs.save(connection, outcome)
                        n += 1
        return n

    def rest(self, now_ms: int) -> None:
        """The end of a replay: what became due until then is told, and no service that comes later tells the rest."""
        self.tick(now_ms)
        self._runs.forget_timers()

    # -- people act ----------------------------------------------------------------------------------------------

    def act(self, incident_id: str, action: Act) -> Run:
        """A person's act. Raises InputError when it can't be done, saying why."""
        if action.name == "freeze" and not self._rules.can_freeze:
            raise InputError("no webhook is set: freeze by hand and mark the step done, or set `freeze` in vigie.yaml")
        with self._runs.transaction() as connection:
            return self.act_in(connection, incident_id, action)

    def act_in(self, connection: Connection, incident_id: str, action: Act) -> Run:
        """The same, inside a transaction of the caller."""
        self._runs.hold(connection, [incident_id])
        run = self._runs.load(connection, incident_id)
        if run is None:
            raise InputError(f"{incident_id}: no playbook runs for this incident")
        outcome = self._keep(connection, act(run, action, self._clock_ms()))
        if action.name == "release_holding":
            now_ms, told = self._clock_ms(), {"text": "; ".join(event.text for event in outcome.events)}
            self._store.audit.append(connection, now_ms, action.actor, "legal.released", incident_id, "", told)
        return outcome.run

    def propose(self, incident_id: str, name: str, value: str, actor: str) -> Fact:
        """Somebody found something out. Approved by another word, or by `approve`.

        Raises InputError for nothing at all, for more than a sentence or two, and for signs that no reader would see or
        would take for a gap that is still to be filled.
        """
        value = value.strip()
        if not value:
            raise InputError(f"{name}: an empty value; write what was found out")
        if len(value) > FACT_CHARS_MAX:
            raise InputError(f"{name}: {len(value)} characters; a fact has {FACT_CHARS_MAX} at most")
        odd = _NO_FACT.search(value)
        if odd:
            raise InputError(f"{name}: U+{ord(odd.group()):04X} has no place in a fact; write plain words")
        fact = Fact(name, value, actor, self._clock_ms())
        with self._runs.transaction() as connection:
            self._runs.propose(connection, incident_id, fact)
            self._note(connection, incident_id, actor, "fact_proposed", f"{name} = {value}")
        return fact

    def approve(self, incident_id: str, name: str, actor: str) -> Fact:
        """Approve the newest proposal of a fact. Raises InputError when none waits."""
        with self._runs.transaction() as connection:
            self._runs.hold(connection, [incident_id])  # two approve it: the second one finds nothing that waits
            waiting = self._runs.waiting(connection, incident_id, name)
            if waiting is None:
                raise InputError(f"{name}: no proposal waits; vigie facts propose says what was found out")
            at_ms = self._clock_ms()
            self._runs.approve(connection, waiting.seq, actor, at_ms)
            fact = waiting.fact._replace(approved_by=actor, approved_at_ms=at_ms)
            self._note(connection, incident_id, actor, "fact_approved", f"{name} = {fact.value}")
            told = {"incident": incident_id, "name": name, "value": fact.value, "proposed_by": fact.proposed_by}
            subject = f"{incident_id}/{name}"
            self._store.audit.append(connection, at_ms, actor, "fact.approved", subject, hash_of(fact.value), told)
        return fact

    def _note(self, connection: Connection, incident_id: str, actor: str, kind: str, text: str) -> None:
        run = self._runs.load(connection, incident_id)
        lang = run.lang if run else self._rules.lang
        event = RunEvent(incident_id, self._clock_ms(), actor, kind, "", said(lang, kind, text))
        self._runs.write_events(connection, [event], exercise=run.exercise if run else False)

    @staticmethod
    def _incident(connection: Connection, incident_id: str) -> Incident | None:
        payload = connection.execute(
            select(tables.incidents.c.payload).where(tables.incidents.c.id == incident_id)
        ).scalar()
        return None if payload is None else decode(Incident, payload)

    @staticmethod
    def _plan(connection: Connection, incident_id: str) -> Plan | None:
        payload = connection.execute(
            select(tables.plans.c.payload).where(tables.plans.c.incident_id == incident_id)
        ).scalar()
        return None if payload is None else decode(Plan, payload)


def run_keeper(settings: Settings, store: Store, clock_ms: Callable[[], int]) -> RunKeeper:
    """A keeper whose runs begin and change in the transaction of every step that this process stores from now on."""
    keeper = RunKeeper(store, rules_of(settings), clock_ms)
    store.also(keeper.on_effects)
    return keeper
