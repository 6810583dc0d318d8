"""Records that could not be read: found again, sent on once they are mended, or dropped by somebody who says why.

A letter is `new` until it is `replayed` or `dropped`; both say who, when and why, and neither is taken back. To replay
is to hand the record to what the workers read and to mark the letter, in one transaction: so two people who do it at
once send it once, and a crash in between leaves the letter new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, select, update

from ops.store import tables
from ops.store.apply import writable
from ops.store.database import Database

NEW, REPLAYED, DROPPED = "new", "replayed", "dropped"
STATES = (NEW, REPLAYED, DROPPED)
CHUNK = 500
"""Letters that one transaction marks: a service that shares the database waits no longer than for these."""


class Letter(NamedTuple):
    """A record that could not be read, and what became of it. `size_bytes` is how long the record was; `raw` may be
    its beginning only."""

    id: int
    at_ms: int
    source: str
    position: str
    field: str
    reason: str
    raw: bytes
    size_bytes: int
    state: str
    done_at_ms: int | None
    done_by: str | None
    done_why: str | None

    @property
    def whole(self) -> bool:
        """Is all of the record here?"""
        return self.size_bytes <= len(self.raw)


class Wanted(NamedTuple):
    """Which letters: all that every given condition holds for."""

    ids: tuple[int, ...] = ()
    since_ms: int | None = None
    reason: str = ""
    """A part of the reason or of the field's name, whatever its case."""
    state: str | None = NEW


class DeadLetters:
    """The letters of one store; safe from any thread."""

    def __init__(self, database: Database, clock_ms: Callable[[], int]) -> None:
        self._database = database
        self._clock_ms = clock_ms

    def find(self, wanted: Wanted, *, after: int = 0, limit: int = CHUNK) -> list[Letter]:
        """Letters above the number `after`, oldest first."""
        table = tables.dead_letters
        columns = [table.c[name] for name in Letter._fields]
        query = self._where(select(*columns), wanted).where(table.c.id > after).order_by(table.c.id).limit(limit)
        with self._database.read() as connection:
            return [Letter(*row) for row in connection.execute(query)]

    def unpublished(self, limit: int = CHUNK) -> list[Letter]:
        """Letters that their topic has not got yet, oldest first."""
        table = tables.dead_letters
        columns = [table.c[name] for name in Letter._fields]
        query = select(*columns).where(table.c.published == 0).order_by(table.c.id).limit(limit)
        with self._database.read() as connection:
            return [Letter(*row) for row in connection.execute(query)]

    def published(self, ids: Sequence[int]) -> None:
        """Their topic has these."""
        table = tables.dead_letters
        with self._database.write() as connection:
            connection.execute(update(table).where(table.c.id.in_(list(ids))).values(published=1))

    def count(self, wanted: Wanted) -> int:
        """How many there are."""
        query = self._where(select(func.count()).select_from(tables.dead_letters), wanted)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def to_inbox(self, records: Mapping[int, bytes], actor: str, why: str) -> list[int]:
        """Put mended records into the inbox and mark their letters replayed, in one transaction.

        Returns the letters that this call sent; the others were not new any more.
        """
        with self._database.write() as connection:
            self._database.in_turn(connection, "inbox")
            mine = self._mark(connection, list(records), REPLAYED, actor, why)
            if mine:
                rows = [{"received_at_ms": self._clock_ms(), "raw": records[i]} for i in mine]
                connection.execute(tables.inbox.insert(), rows)
        return mine

    @contextmanager
    def sending(self, ids: Sequence[int], actor: str, why: str) -> Iterator[list[int]]:
        """Mark letters replayed if the block that sends them ends well; it is told which of them are still new."""
        with self._database.write() as connection:
            yield self._mark(connection, ids, REPLAYED, actor, why)

    def drop(self, ids: Sequence[int], actor: str, why: str) -> list[int]:
        """Say that these will never be replayed; returns those that were new. They stay in the table."""
        with self._database.write() as connection:
            return self._mark(connection, ids, DROPPED, actor, why)

    def _mark(self, connection: Connection, ids: Sequence[int], state: str, actor: str, why: str) -> list[int]:
        table = tables.dead_letters
        # Locked where rows can be locked: who comes second waits, and then finds that they are not new.
        new = select(table.c.id).where(table.c.id.in_(list(ids)), table.c.state == NEW).order_by(table.c.id)
        mine = list(connection.execute(new.with_for_update()).scalars())
        done: dict[str, Any] = {
            "state": state, "done_at_ms": self._clock_ms(), "done_by": writable(actor), "done_why": writable(why),
        }  # fmt: skip
        connection.execute(update(table).where(table.c.id.in_(mine)).values(**done))
        return mine

    @staticmethod
    def _where(query: Select[Any], wanted: Wanted) -> Select[Any]:
        table = tables.dead_letters
        if wanted.ids:
            query = query.where(table.c.id.in_(wanted.ids))
        if wanted.since_ms is not None:
            query = query.where(table.c.at_ms >= wanted.since_ms)
        if wanted.state is not None:
            query = query.where(table.c.state == wanted.state)
        if wanted.reason:
            part = wanted.reason.lower()
            query = query.where(
                func.lower(table.c.field + ": " + table.c.reason).contains(part, autoescape=True)
            )  # fmt: skip
        return query
