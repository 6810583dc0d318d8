"""A step's effects as the few statements of one transaction.

Effects are first folded, outside the transaction: of several that say what something looks like now only the last is
written, counts are added up. Then each table is written by one statement with many rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select, update

from engine.domain.batch import Cursor
from engine.domain.effects import (
    AlertRaised,
    CommandDone,
    Counted,
    CursorMoved,
    CurveDrawn,
    DeadLettered,
    Effect,
    Gauged,
    IncidentSaved,
    LateStored,
    PlanMade,
    StateDropped,
    StateSaved,
)
from ops.store import tables
from ops.store.codec import dumps, encode, to_data
from ops.store.database import Database

STATE_VERSION = 1

DEAD_LETTERS_MAX = 100_000
"""Beyond this many the oldest go, and are counted."""
LATE_MENTIONS_MAX = 100_000

Row = dict[str, Any]


@dataclass
class Folded:
    """A step's effects by table, each row ready to be written."""

    incidents: dict[str, Row] = field(default_factory=dict)
    plans: dict[str, Row] = field(default_factory=dict)
    curves: dict[tuple[str, int], Row] = field(default_factory=dict)
    alerts: list[Row] = field(default_factory=list)
    dead_letters: list[Row] = field(default_factory=list)
    late: list[Row] = field(default_factory=list)
    state: dict[str, bytes | None] = field(default_factory=dict)
    counts: dict[tuple[str, tuple[str, ...]], float] = field(default_factory=dict)
    commands: list[Row] = field(default_factory=list)
    cursors: dict[tuple[str, str], Cursor] = field(default_factory=dict)


def writable(text: str) -> str:
    """What a text column takes: no lone surrogates, and no NUL (PostgreSQL has none)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def fold(effects: Sequence[Effect], at_ms: int) -> Folded:
    """Sort effects by table and keep of each thing its last form."""
    folded = Folded()
    for effect in effects:
        _FOLDS[type(effect)](folded, effect, at_ms)
    return folded


def _fold_incident(folded: Folded, effect: IncidentSaved, _at_ms: int) -> None:
    incident = effect.incident
    folded.incidents[incident.id] = {
        "id": incident.id,
        "brand": writable(incident.brand),
        "ordinal": incident.ordinal,
        "phase": incident.phase.value,
        "level": int(incident.level),
        "opened_at_ms": incident.opened_at_ms,
        "closed_at_ms": incident.closed_at_ms,
        "payload": encode(incident),
    }


def _fold_plan(folded: Folded, effect: PlanMade, _at_ms: int) -> None:
    folded.plans[effect.incident_id] = {
        "incident_id": effect.incident_id,
        "at_ms": effect.at_ms,
        "payload": encode(effect.plan),
    }


def _fold_curve(folded: Folded, effect: CurveDrawn, _at_ms: int) -> None:
    folded.curves[effect.incident_id, effect.start_ms] = effect._asdict()


def _fold_alert(folded: Folded, effect: AlertRaised, at_ms: int) -> None:
    alert = effect.alert
    folded.alerts.append(
        {
            "key": alert.delivery_key,
            "kind": alert.kind.value,
            "incident_id": alert.incident.id,
            "brand": writable(alert.incident.brand),
            "level": int(alert.incident.level),
            "at_ms": alert.at_ms,
            "stored_at_ms": at_ms,
            "routed": 0,
            "payload": encode(effect),
            "page": None,
        }
    )


def _fold_dead_letter(folded: Folded, effect: DeadLettered, at_ms: int) -> None:
    reject = effect.reject
    folded.dead_letters.append(
        {
            "at_ms": at_ms,
            "position": writable(reject.position),
            "field": writable(reject.field),
            "reason": writable(reject.reason),
            "raw": reject.raw,
            "source": writable(effect.source),
            "key": writable(reject.key) or None,
            "size_bytes": reject.size_bytes or len(reject.raw),
        }
    )


def _fold_late(folded: Folded, effect: LateStored, at_ms: int) -> None:
    brands = dumps(to_data(effect.brands)).decode("utf-8")
    folded.late.append({"at_ms": at_ms, "brands": brands, "payload": encode(effect.mention)})


def _fold_state(folded: Folded, effect: StateSaved, _at_ms: int) -> None:
    folded.state[effect.part] = effect.data if isinstance(effect.data, bytes) else dumps(effect.data)


def _fold_dropped(folded: Folded, effect: StateDropped, _at_ms: int) -> None:
    folded.state[effect.part] = None


def _fold_count(folded: Folded, effect: Counted, _at_ms: int) -> None:
    key = (effect.name, effect.labels)
    folded.counts[key] = folded.counts.get(key, 0.0) + effect.n


def _fold_command(folded: Folded, effect: CommandDone, _at_ms: int) -> None:
    folded.commands.append({"b_seq": effect.seq, "done": 1, "ok": int(effect.ok), "answer": writable(effect.text)})


def _fold_cursor(folded: Folded, effect: CursorMoved, _at_ms: int) -> None:
    folded.cursors[effect.cursor.source, effect.cursor.partition] = effect.cursor


def _fold_gauge(_folded: Folded, _effect: Gauged, _at_ms: int) -> None:
    """A figure of now: the metrics show it, the store does not keep it."""


_FOLDS: dict[type, Callable[[Folded, Any, int], None]] = {
    IncidentSaved: _fold_incident,
    PlanMade: _fold_plan,
    CurveDrawn: _fold_curve,
    AlertRaised: _fold_alert,
    DeadLettered: _fold_dead_letter,
    LateStored: _fold_late,
    StateSaved: _fold_state,
    StateDropped: _fold_dropped,
    Counted: _fold_count,
    CommandDone: _fold_command,
    CursorMoved: _fold_cursor,
    Gauged: _fold_gauge,
}


class Applier:
    """Writes what was folded. Its statements are built once."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._incidents = database.upsert(tables.incidents, ["id"])
        self._plans = database.upsert(tables.plans, ["incident_id"])
        self._curves = database.upsert(tables.curves, ["incident_id", "start_ms"])
        self._alerts = database.insert(tables.outbox).on_conflict_do_nothing(index_elements=["key"])
        self._state = database.upsert(tables.state, ["owner", "part"])
        state = tables.state.c
        self._drop = delete(tables.state).where(state.owner == bindparam("b_owner"), state.part == bindparam("b_part"))
        self._letters = database.insert(tables.dead_letters).on_conflict_do_nothing(index_elements=["source", "key"])
        count = database.insert(tables.counters)
        self._count = count.on_conflict_do_update(
            index_elements=["owner", "name", "labels"], set_={"value": tables.counters.c.value + count.excluded.value}
        )
        self._command = (
            update(tables.commands)
            .where(tables.commands.c.seq == bindparam("b_seq"))
            .values(done=bindparam("done"), ok=bindparam("ok"), answer=bindparam("answer"))
        )
        self._cursor = database.upsert(tables.cursors, ["source", "partition"])

    def write(self, connection: Connection, folded: Folded, epochs: dict[str, int], owner: str) -> None:
        """Execute everything; the caller holds the transaction. A source that nobody took has epoch 0."""
        self._bounded(connection, folded, tables.dead_letters, self._letters, folded.dead_letters, DEAD_LETTERS_MAX)
        if folded.alerts:
            self._database.in_turn(connection, "outbox")  # those who call people read on from a number
        late = tables.late_mentions
        self._bounded(connection, folded, late, late.insert(), folded.late, LATE_MENTIONS_MAX)
        saved = [
            {"owner": owner, "part": part, "version": STATE_VERSION, "data": data}
            for part, data in folded.state.items()
            if data is not None
        ]
        dropped = [{"b_owner": owner, "b_part": part} for part, data in folded.state.items() if data is None]
        # in one order everywhere: two that write the same rows then wait for one another in turn, and never both
        counts = [
            {"owner": owner, "name": name, "labels": dumps(labels).decode("utf-8"), "value": n}
            for (name, labels), n in sorted(folded.counts.items())
        ]
        moved = [
            {"source": c.source, "partition": c.partition, "epoch": epochs.get(c.source, 0), "position": c.position}
            for c in folded.cursors.values()
        ]
        for statement, rows in (
            (self._incidents, list(folded.incidents.values())),
            (self._plans, list(folded.plans.values())),
            (self._curves, list(folded.curves.values())),
            (self._alerts, folded.alerts),
            (self._state, saved),
            (self._drop, dropped),
            (self._count, counts),
            (self._command, folded.commands),
            (self._cursor, moved),
        ):
            if rows:
                connection.execute(statement, rows)

    @staticmethod
    def _bounded(
        connection: Connection, folded: Folded, table: Any, insert: Any, rows: list[Row], rows_max: int
    ) -> None:
        """Append rows to a table that keeps its newest `rows_max` only."""
        if not rows:
            return
        connection.execute(insert, rows)
        newest = connection.execute(select(func.max(table.c.id))).scalar() or 0
        gone = connection.execute(table.delete().where(table.c.id <= newest - rows_max)).rowcount
        if gone:
            key = ("store_rows_dropped", (table.name,))
            folded.counts[key] = folded.counts.get(key, 0.0) + gone
