"""Who is called for which incident: escalations with their timers, pages, overrides of the rota.

What one turn of the keeper decides is one transaction: escalations, pages, the outbox rows that carry them, and how far
the alerts have been read. A page enters once a key, whatever is repeated after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from engine.domain.effects import AlertRaised
from engine.domain.incident import Level, Phase
from ops.oncall.escalation import Call, Escalation, State
from ops.oncall.page import Page
from ops.oncall.rota import Override
from ops.store import tables
from ops.store.codec import decode, encode
from ops.store.database import Database

CURSOR = "oncall_cursor"
"""How far the alerts have been read, in the table `meta`."""
OVERRIDES_MAX = 1_000

_OPEN = (State.CALLING.value, State.WAITING.value, State.UNANSWERED.value)
_ENDED = (Phase.CONTAINED.value, Phase.RESOLVED.value, Phase.FALSE_ALARM.value)


class News(NamedTuple):
    """An alert that the keeper has not read yet."""

    id: int
    raised: AlertRaised
    stored_at_ms: int


class Posting(NamedTuple):
    """A message to one person or the team, for one call or several told together."""

    key: str
    calls: tuple[Call, ...]
    page: Page
    raised: AlertRaised


class PageRow(NamedTuple):
    """A page as it is recorded. `acked_at_ms` is when its link was used."""

    seq: int
    key: str
    incident_id: str
    person: str
    role: str
    kind: str
    level: Level
    at_ms: int
    acked_at_ms: int | None


class Pages:
    """Reads and records calls; safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._page = database.insert(tables.pages).on_conflict_do_nothing(index_elements=["key"])
        self._outbox = database.insert(tables.outbox).on_conflict_do_nothing(index_elements=["key"])
        self._escalation = database.upsert(tables.escalations, ["incident_id"])
        self._timer = database.upsert(tables.timers, ["name"])
        self._meta = database.upsert(tables.meta, ["name"])

    # --- what the keeper reads ------------------------------------------------------------------------------------

    def cursor(self) -> int:
        """The number of the last alert that was read."""
        query = select(tables.meta.c.value).where(tables.meta.c.name == CURSOR)
        with self._database.read() as connection:
            found = connection.execute(query).scalar()
        return 0 if found is None else int(found)

    def news(self, after: int, limit: int = 200) -> list[News]:
        """Alerts of the engine since, oldest first."""
        o = tables.outbox.c
        query = select(o.id, o.payload, o.stored_at_ms).where(o.id > after, o.page.is_(None)).order_by(o.id)
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return [News(id_, decode(AlertRaised, payload), at_ms) for id_, payload, at_ms in rows]

    def due(self, now_ms: int, limit: int = 500) -> list[Escalation]:
        """Escalations whose timer has run out, the most urgent first."""
        e = tables.escalations.c
        query = select(e.payload).where(e.due_at_ms <= now_ms).order_by(e.due_at_ms).limit(limit)
        return self._escalations(query)

    def next_due_ms(self) -> int | None:
        """When the next timer of an escalation runs out."""
        with self._database.read() as connection:
            found: int | None = connection.execute(select(func.min(tables.escalations.c.due_at_ms))).scalar()
        return found

    def answered(self) -> list[Escalation]:
        """Those that climb or wait while their incident was acknowledged, and those not over whose incident is."""
        e, i = tables.escalations.c, tables.incidents.c
        taken = e.state.in_(_OPEN) & (i.phase == Phase.ACKNOWLEDGED.value)
        over = (e.state != State.OVER.value) & i.phase.in_(_ENDED)
        query = select(e.payload).join(tables.incidents, i.id == e.incident_id).where(taken | over)
        return self._escalations(query)

    def get(self, incident_id: str) -> Escalation | None:
        """The calls for one incident; None when there were none."""
        found = self._escalations(
            select(tables.escalations.c.payload).where(tables.escalations.c.incident_id == incident_id)
        )
        return found[0] if found else None

    def open(self) -> list[Escalation]:
        """Those that nobody has taken yet."""
        e = tables.escalations.c
        return self._escalations(select(e.payload).where(e.state.in_(_OPEN)).order_by(e.incident_id))

    def state(self, incident_id: str) -> State | None:
        """Where the calls for an incident stand."""
        e = tables.escalations.c
        with self._database.read() as connection:
            found = connection.execute(select(e.state).where(e.incident_id == incident_id)).scalar()
        return None if found is None else State(found)

    def _escalations(self, query: Any) -> list[Escalation]:
        with self._database.read() as connection:
            return [decode(Escalation, payload) for (payload,) in connection.execute(query)]

    # --- what it writes -------------------------------------------------------------------------------------------

    def commit(
        self,
        escalations: Iterable[Escalation],
        postings: Sequence[Posting],
        at_ms: int,
        *,
        cursor: int | None = None,
        timers: Sequence[tuple[str, str, int]] = (),
        within: Callable[[Connection, Sequence[Posting]], None] | None = None,
    ) -> int:
        """One turn, all of it or nothing; `within` is called in the same transaction with what is new.

        Returns how many messages are new.
        """
        rows = [
            {
                "incident_id": found.incident_id,
                "state": found.state.value,
                "due_at_ms": found.due_at_ms,
                "payload": encode(found),
            }
            for found in escalations
        ]
        with self._database.write() as connection:
            if rows:
                connection.execute(self._escalation, rows)
            new = [posting for posting in postings if self.post(connection, posting, at_ms)]
            if new and within is not None:
                within(connection, new)
            if cursor is not None:
                connection.execute(self._meta, {"name": CURSOR, "value": str(cursor)})
            for name, kind, due_at_ms in timers:
                connection.execute(self._timer, {"name": name, "kind": kind, "due_at_ms": due_at_ms})
        return len(new)

    def post(self, connection: Connection, posting: Posting, at_ms: int) -> bool:
        """A message into the outbox, in the caller's transaction. False when it stands there already."""
        seqs: dict[str, int] = {}
        for call in posting.calls:
            row = {
                "key": call.key, "incident_id": call.incident_id, "person": call.person, "role": call.role,
                "kind": call.kind.value, "level": int(call.level), "at_ms": at_ms, "acked_at_ms": None,
            }  # fmt: skip
            seq = connection.execute(self._page.values(**row).returning(tables.pages.c.seq)).scalar()
            if seq is not None:
                seqs[call.incident_id] = int(seq)
        if not seqs:
            return False
        items = tuple(
            item._replace(seq=seqs[item.incident_id]) for item in posting.page.items if item.incident_id in seqs
        )
        alert = posting.raised.alert
        page = posting.page._replace(seq=next(iter(seqs.values())), items=items)
        row = {
            "key": posting.key, "kind": alert.kind.value, "incident_id": alert.incident.id,
            "brand": alert.incident.brand, "level": int(alert.incident.level), "at_ms": at_ms, "stored_at_ms": at_ms,
            "routed": 0, "payload": encode(posting.raised), "page": encode(page),
        }  # fmt: skip
        connection.execute(self._outbox, row)
        return True

    # --- pages ----------------------------------------------------------------------------------------------------

    def page(self, seq: int) -> PageRow | None:
        """One page by its number."""
        found = self._pages(tables.pages.c.seq == seq, 1)
        return found[0] if found else None

    def of_incident(self, incident_id: str, limit: int = 500) -> list[PageRow]:
        """Who was called or told, oldest first."""
        return self._pages(tables.pages.c.incident_id == incident_id, limit)

    def of_kind(self, kind: str, limit: int = 50) -> list[PageRow]:
        """The newest pages of a kind, newest first."""
        p = tables.pages.c
        query = select(tables.pages).where(p.kind == kind).order_by(p.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query)]

    def counts(self) -> dict[str, int]:
        """How many pages there were, by kind; for the metrics."""
        p = tables.pages.c
        with self._database.read() as connection:
            return {kind: int(n) for kind, n in connection.execute(select(p.kind, func.count()).group_by(p.kind))}

    def states(self) -> dict[State, int]:
        """How many incidents stand where; for the metrics."""
        e = tables.escalations.c
        with self._database.read() as connection:
            rows = connection.execute(select(e.state, func.count()).group_by(e.state)).all()
        return {State(state): int(n) for state, n in rows}

    def ack(self, seq: int, at_ms: int) -> None:
        """The link of a page was used; the first time counts."""
        p = tables.pages
        with self._database.write() as connection:
            connection.execute(update(p).where(p.c.seq == seq, p.c.acked_at_ms.is_(None)).values(acked_at_ms=at_ms))

    def _pages(self, where: Any, limit: int) -> list[PageRow]:
        query = select(tables.pages).where(where).order_by(tables.pages.c.seq).limit(limit)
        with self._database.read() as connection:
            return [_row(row) for row in connection.execute(query)]

    # --- timers of the service ------------------------------------------------------------------------------------

    def timer(self, name: str) -> int | None:
        """When a timer is due; None when it was never set."""
        query = select(tables.timers.c.due_at_ms).where(tables.timers.c.name == name)
        with self._database.read() as connection:
            found: int | None = connection.execute(query).scalar()
        return found

    # --- overrides ------------------------------------------------------------------------------------------------

    def overrides(self, after_ms: int = 0) -> list[Override]:
        """Those that end after a time, oldest first."""
        v = tables.overrides.c
        query = select(v.id, v.role, v.person, v.start_ms, v.end_ms, v.actor).where(v.end_ms > after_ms)
        with self._database.read() as connection:
            return [Override(*row) for row in connection.execute(query.order_by(v.id).limit(OVERRIDES_MAX))]

    def add_override(self, role: str, person: str, start_ms: int, end_ms: int, actor: str) -> int:
        """Somebody stands in for a while. Returns its number."""
        values = {"role": role, "person": person, "start_ms": start_ms, "end_ms": end_ms, "actor": actor}
        with self._database.write() as connection:
            key = connection.execute(tables.overrides.insert().values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def drop_override(self, override_id: int) -> bool:
        """Take one back. False if there is none of that number."""
        v = tables.overrides
        with self._database.write() as connection:
            return bool(connection.execute(delete(v).where(v.c.id == override_id)).rowcount)


def _row(row: Any) -> PageRow:
    return PageRow(
        row.seq, row.key, row.incident_id, row.person, row.role, row.kind, Level(row.level), row.at_ms, row.acked_at_ms
    )
