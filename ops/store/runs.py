"""Runs of playbooks in the store: each run as it stands, its log, the facts of an incident, and what is to do outside.

A change of a run is one transaction: the run, the lines of its log and its asks are all kept, or none of them
(`Runs.save` inside the caller's transaction). An ask has a key, so that the same fact asks once.

>>> from ops.store import Store
>>> with Store.temporary(clock_ms=lambda: 60_000) as store:
...     store.runs.note("i1", "Camille", "note", "Le SAV est prévenu")
...     [(line.at_ms, line.text) for line in store.runs.timeline("i1")]
[(60000, 'Le SAV est prévenu')]
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, update

from engine.domain.run import Ask, Fact, FreezePosts, Outcome, Page, Run, RunEvent, RunPhase
from ops.store import tables
from ops.store.apply import writable
from ops.store.codec import decode, encode
from ops.store.database import Database
from playbooks.running import next_due_ms

VALUE_CHARS_MAX = 1_000
TEXT_CHARS_MAX = 2_000
FACTS_MAX = 1_000
"""Proposals of one incident; more are refused."""


class AskState(StrEnum):
    """Where an ask stands; all but the first are final."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class StoredAsk(NamedTuple):
    """What a run wants done outside, and how often that was tried."""

    seq: int
    ask: Ask
    state: AskState
    attempts: int
    outcome: str


class NumberedFact(NamedTuple):
    """A proposal with its number, newest last."""

    seq: int
    fact: Fact


class Runs:
    """Reads and writes runs; safe from any thread."""

    def __init__(self, database: Database, clock_ms: Callable[[], int]) -> None:
        self._database, self._clock_ms = database, clock_ms
        self._upsert = database.upsert(tables.runs, ["incident_id"])
        self._ask = database.insert(tables.asks).on_conflict_do_nothing(index_elements=["key"])

    def transaction(self) -> AbstractContextManager[Connection]:
        """One transaction for what follows."""
        return self._database.write()

    def hold(self, connection: Connection, incident_ids: Iterable[str]) -> None:
        """Nobody else changes the runs of these incidents until the transaction ends, whichever process it is. Ask
        before `load`, once, for all that will be changed."""
        self._database.hold(connection, [f"run {incident_id}" for incident_id in incident_ids])

    # -- runs ----------------------------------------------------------------------------------------------------

    def run(self, incident_id: str) -> Run | None:
        """The run of an incident with its facts; None when it has none."""
        with self._database.read() as connection:
            found = self.load(connection, incident_id)
        return None if found is None else replace(found, facts=self.facts(incident_id))

    def all(self, *, ended: bool = True) -> list[Run]:
        """Every run, in the order in which they began."""
        query = select(tables.runs.c.payload)
        if not ended:
            query = query.where(tables.runs.c.phase != RunPhase.ENDED.value)
        with self._database.read() as connection:
            found = [decode(Run, payload) for (payload,) in connection.execute(query)]
        return sorted(found, key=lambda run: (run.started_at_ms, run.incident_id))

    def load(self, connection: Connection, incident_id: str) -> Run | None:
        """The run as it stands inside a transaction, without its facts."""
        query = select(tables.runs.c.payload).where(tables.runs.c.incident_id == incident_id)
        payload = connection.execute(query).scalar()
        return None if payload is None else decode(Run, payload)

    def save(self, connection: Connection, outcome: Outcome) -> None:
        """Keep what came of a change."""
        run = replace(outcome.run, facts=())
        row = {
            "incident_id": run.incident_id,
            "phase": run.phase.value,
            "next_due_ms": next_due_ms(run),
            "payload": encode(run),
        }
        connection.execute(self._upsert, row)
        self.write_events(connection, outcome.events, exercise=run.exercise)
        asks = [
            {
                "key": ask.key,
                "incident_id": ask.incident_id,
                "kind": "freeze" if isinstance(ask, FreezePosts) else "page",
                "state": AskState.PENDING.value,
                "attempts": 0,
                "next_at_ms": ask.at_ms,
                "outcome": "",
                "payload": encode(ask),
            }
            for ask in outcome.asks
        ]
        if asks:
            connection.execute(self._ask, asks)

    def due(self, now_ms: int, limit: int = 200) -> list[str]:
        """Incidents whose runs have something to tell by now, the oldest first."""
        r = tables.runs.c
        query = select(r.incident_id).where(r.next_due_ms <= now_ms).order_by(r.next_due_ms).limit(limit)
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def forget_timers(self) -> None:
        """No run is ticked any more until something happens to it."""
        with self._database.write() as connection:
            connection.execute(update(tables.runs).values(next_due_ms=None))

    def next_due_ms(self) -> int | None:
        """When the next run has something to tell; None when none ever will."""
        with self._database.read() as connection:
            found: int | None = connection.execute(select(func.min(tables.runs.c.next_due_ms))).scalar()
        return found

    # -- the log -------------------------------------------------------------------------------------------------

    def write_events(self, connection: Connection, events: Iterable[RunEvent], *, exercise: bool) -> None:
        """Lines for the log, inside a transaction."""
        rows = [
            {
                "incident_id": event.incident_id,
                "at_ms": event.at_ms,
                "actor": writable(event.actor),
                "kind": event.kind,
                "step": event.step,
                "text": writable(event.text[:TEXT_CHARS_MAX]),
                "exercise": int(exercise),
            }
            for event in events
        ]
        if rows:
            connection.execute(tables.timeline.insert(), rows)

    def note(
        self, incident_id: str, actor: str, kind: str, text: str, *, step: str = "", at_ms: int | None = None
    ) -> None:
        """One line for the log of an incident, whether it has a run or not."""
        with self._database.write() as connection:
            self.note_in(connection, incident_id, actor, kind, text, step=step, at_ms=at_ms)

    def note_in(
        self, connection: Connection, incident_id: str, actor: str, kind: str, text: str, *,
        step: str = "", at_ms: int | None = None,
    ) -> None:  # fmt: skip
        """The same, inside a transaction of the caller."""
        run = self.load(connection, incident_id)
        event = RunEvent(incident_id, self._clock_ms() if at_ms is None else at_ms, actor, kind, step, text)
        self.write_events(connection, [event], exercise=run.exercise if run else False)

    def timeline(self, incident_id: str) -> list[RunEvent]:
        """The log of an incident's run, as it was written."""
        t = tables.timeline.c
        query = select(t.incident_id, t.at_ms, t.actor, t.kind, t.step, t.text).where(t.incident_id == incident_id)
        with self._database.read() as connection:
            return [RunEvent(*row) for row in connection.execute(query.order_by(t.seq))]

    # -- facts ---------------------------------------------------------------------------------------------------

    def proposals(self, incident_id: str) -> list[NumberedFact]:
        """Everything that was ever proposed, oldest first."""
        with self._database.read() as connection:
            return self._proposals(connection, incident_id)

    def facts(self, incident_id: str) -> tuple[Fact, ...]:
        """Of each fact the approved value, and beside it a newer proposal that waits; in the order of names."""
        by_name: dict[str, list[Fact]] = {}
        for _seq, fact in self.proposals(incident_id):
            by_name.setdefault(fact.name, []).append(fact)
        found: list[Fact] = []
        for name in sorted(by_name):
            said = by_name[name]
            found += sorted((f for f in said if f.approved_by is not None), key=_approved_at_ms)[-1:]
            found += said[-1:] if said[-1].approved_by is None else []
        return tuple(found)

    def facts_changed_ms(self) -> int:
        """When a fact was approved last, 0 for never. Cheap: asked every other second."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.max(tables.facts.c.approved_at_ms))).scalar() or 0)

    def approved(self, incident_id: str) -> dict[str, str]:
        """The approved facts by name: what fills a text."""
        return {fact.name: fact.value for fact in self.facts(incident_id) if fact.approved_by is not None}

    def propose(self, connection: Connection, incident_id: str, fact: Fact) -> int:
        """Keep a proposal. Returns its number."""
        values = {
            "incident_id": incident_id,
            "name": fact.name,
            "value": writable(fact.value[:VALUE_CHARS_MAX]),
            "proposed_by": writable(fact.proposed_by),
            "proposed_at_ms": fact.proposed_at_ms,
        }
        key = connection.execute(tables.facts.insert().values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def approve(self, connection: Connection, seq: int, actor: str, at_ms: int) -> bool:
        """Approve a proposal, once. False when somebody did before."""
        f = tables.facts
        values = {"approved_by": writable(actor), "approved_at_ms": at_ms}
        statement = update(f).where(f.c.seq == seq, f.c.approved_by.is_(None)).values(**values)
        return bool(connection.execute(statement).rowcount)

    def waiting(self, connection: Connection, incident_id: str, name: str) -> NumberedFact | None:
        """The newest proposal of a fact, if it is not approved yet."""
        mine = [item for item in self._proposals(connection, incident_id) if item.fact.name == name]
        return mine[-1] if mine and mine[-1].fact.approved_by is None else None

    def _proposals(self, connection: Connection, incident_id: str) -> list[NumberedFact]:
        f = tables.facts.c
        columns = (f.seq, f.name, f.value, f.proposed_by, f.proposed_at_ms, f.approved_by, f.approved_at_ms)
        query = select(*columns).where(f.incident_id == incident_id).order_by(f.seq).limit(FACTS_MAX)
        return [NumberedFact(row[0], Fact(*row[1:])) for row in connection.execute(query)]

    # -- what is to do outside -----------------------------------------------------------------------------------

    def pending(self, now_ms: int, limit: int = 50) -> list[StoredAsk]:
        """Asks whose time has come, oldest first."""
        a = tables.asks.c
        query = select(tables.asks).where(a.state == AskState.PENDING.value, a.next_at_ms <= now_ms)
        with self._database.read() as connection:
            return [_stored(row) for row in connection.execute(query.order_by(a.seq).limit(limit))]

    def asks(self, incident_id: str) -> list[StoredAsk]:
        """Everything that a run ever asked for."""
        query = select(tables.asks).where(tables.asks.c.incident_id == incident_id).order_by(tables.asks.c.seq)
        with self._database.read() as connection:
            return [_stored(row) for row in connection.execute(query)]

    def record(
        self, connection: Connection, seq: int, state: AskState, attempts: int, next_at_ms: int, outcome: str
    ) -> bool:
        """What an attempt came to; False when the ask was settled meanwhile."""
        a = tables.asks
        values: dict[str, Any] = {
            "state": state.value, "attempts": attempts, "next_at_ms": next_at_ms, "outcome": writable(outcome[:500]),
        }  # fmt: skip
        mine = (a.c.seq == seq) & (a.c.state == AskState.PENDING.value)
        return bool(connection.execute(update(a).where(mine).values(**values)).rowcount)


def _stored(row: Any) -> StoredAsk:
    kind: type[FreezePosts] | type[Page] = FreezePosts if row.kind == "freeze" else Page
    return StoredAsk(row.seq, decode(kind, row.payload), AskState(row.state), row.attempts, row.outcome)


def _approved_at_ms(fact: Fact) -> int:
    return fact.approved_at_ms or 0


def approved_names(facts: Sequence[Fact]) -> frozenset[str]:
    """The names of the facts that are approved."""
    return frozenset(fact.name for fact in facts if fact.approved_by is not None)
