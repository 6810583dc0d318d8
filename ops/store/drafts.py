"""Drafts as rows, and the log of what people did to them, both in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from engine.domain.draft_state import StoredDraft
from engine.domain.incident import ACTIVE_PHASES
from ops.store import tables
from ops.store.apply import writable
from ops.store.audit import Audit, Head
from ops.store.codec import decode, encode
from ops.store.database import Database

DRAFTS_AN_INCIDENT_MAX = 5_000
"""More are refused: a draft for every network, language and kind, and for some dozens of mentions, is a tenth of it."""


class Logged(NamedTuple):
    """A line for the audit log."""

    actor: str
    kind: str
    draft: StoredDraft
    detail: Mapping[str, Any]


class Drafts:
    """Read, and change in one transaction with the log. Safe from any thread."""

    def __init__(self, database: Database, clock_ms: Callable[[], int]) -> None:
        self._database = database
        self._upsert = database.upsert(tables.drafts, ["id"])
        self.audit = Audit(database, clock_ms)

    def of(self, incident_id: str) -> list[StoredDraft]:
        """Every draft of an incident, in the order of their ids."""
        with self._database.read() as connection:
            return self._of(connection, incident_id)

    def get(self, draft_id: str) -> StoredDraft | None:
        """One draft by its id."""
        with self._database.read() as connection:
            payload = connection.execute(select(tables.drafts.c.payload).where(tables.drafts.c.id == draft_id)).scalar()
        return None if payload is None else decode(StoredDraft, payload)

    def ids(self, beginning: str, limit: int = 20) -> list[str]:
        """Ids that begin so, for short names and hints."""
        d = tables.drafts.c
        with self._database.read() as connection:
            query = select(d.id).where(d.id.startswith(beginning, autoescape=True)).order_by(d.id).limit(limit)
            return list(connection.execute(query).scalars())

    def planned(self) -> dict[str, tuple[int, int]]:
        """The open incidents that have a plan: when it was made, and the level. What changes wants other drafts."""
        i, p = tables.incidents.c, tables.plans.c
        query = select(i.id, p.at_ms, i.level).join(tables.plans, p.incident_id == i.id)
        query = query.where(i.phase.in_([phase.value for phase in ACTIVE_PHASES]))
        with self._database.read() as connection:
            return {row.id: (int(row.at_ms), int(row.level)) for row in connection.execute(query)}

    def incidents(self) -> list[str]:
        """The incidents that have drafts."""
        with self._database.read() as connection:
            return list(connection.execute(select(tables.drafts.c.incident_id).distinct()).scalars())

    @contextmanager
    def changing(self, incident_id: str) -> Iterator[Changing]:
        """A transaction over an incident's drafts: what is put and logged inside is kept together, or not at all."""
        with self._database.write() as connection:
            yield Changing(connection, self._of(connection, incident_id), self._upsert, self.audit)

    def forget(self, incident_id: str, reply_to: str) -> int:
        """Delete the drafts that answer a mention, when its author is to be forgotten. Returns how many."""
        d = tables.drafts
        with self._database.write() as connection:
            gone = connection.execute(d.delete().where(d.c.incident_id == incident_id, d.c.reply_to == reply_to))
        return gone.rowcount

    @staticmethod
    def _of(connection: Connection, incident_id: str) -> list[StoredDraft]:
        d = tables.drafts.c
        query = select(d.payload).where(d.incident_id == incident_id).order_by(d.id).limit(DRAFTS_AN_INCIDENT_MAX)
        return [decode(StoredDraft, payload) for (payload,) in connection.execute(query)]


class Changing:
    """An open transaction: `drafts` as they are in it, and what is to be written."""

    def __init__(self, connection: Connection, drafts: list[StoredDraft], upsert: Any, audit: Audit) -> None:
        self.connection = connection
        self.drafts = drafts
        self._upsert = upsert
        self._audit = audit

    def put(self, drafts: Sequence[StoredDraft]) -> None:
        """Write these as they are now."""
        rows = [
            {
                "id": draft.id, "incident_id": draft.incident_id, "state": draft.state.value,
                "reply_to": None if draft.reply_to is None else writable(draft.reply_to),
                "changed_at_ms": draft.changed_at_ms, "payload": encode(draft),
            }
            for draft in drafts
        ]  # fmt: skip
        if rows:
            self.connection.execute(self._upsert, rows)

    def log(self, at_ms: int, line: Logged) -> Head:
        """Add a line about a draft to the audit log."""
        draft = line.draft
        detail = {"incident": draft.incident_id, "network": draft.network, "draft": draft.kind, **line.detail}
        return self._audit.append(self.connection, at_ms, line.actor, line.kind, draft.id, draft.text_hash, detail)
