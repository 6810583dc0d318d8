"""The durable queue between what arrives and the loop that reads it.

`append` returns only when its records are on disk. Waiting appenders share one transaction: whoever gets the turn
writes for all that queued up meanwhile, so a hundred small requests cost one fsync and not a hundred.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from sqlalchemy import delete, func, select

from engine.domain.errors import TransientError
from ops.store import tables
from ops.store.database import Database

ROWS_MAX = 1_000_000
TRIM_ROWS = 20_000
"""Rows deleted in one transaction, so that a long trim holds nobody up."""


class InboxRow(NamedTuple):
    """A record as it came. `seq` grows and is never given twice."""

    seq: int
    received_at_ms: int
    raw: bytes


class _Waiting:
    """An appender's records and what became of them."""

    __slots__ = ("done", "error", "records")

    def __init__(self, records: Sequence[bytes]) -> None:
        self.records = records
        self.done = False
        self.error: BaseException | None = None


class Inbox:
    """Append, read, trim; safe from any thread. At most `rows_max` rows stand in it."""

    def __init__(self, database: Database, clock_ms: Callable[[], int], rows_max: int = ROWS_MAX) -> None:
        self._database = database
        self._clock_ms = clock_ms
        self._rows_max = rows_max
        self._queue: list[_Waiting] = []
        self._queue_lock = threading.Lock()
        self._turn = threading.Lock()
        self._rows: int | None = None
        self._insert = tables.inbox.insert()

    def append(self, records: Sequence[bytes]) -> None:
        """Return when every record is durable, in the order given.

        Raises TransientError when the inbox is full or the disk does not take it; then none of them is in.
        """
        if not records:
            return
        mine = _Waiting(records)
        with self._queue_lock:
            self._queue.append(mine)
        with self._turn:  # while one writes, the others queue up here; the next one writes for all of them
            if not mine.done:
                self._write_queue()
        if mine.error is not None:
            raise mine.error

    def _write_queue(self) -> None:
        """Write for all who wait. Each of them is told: accepted, or the error; never nothing."""
        with self._queue_lock:
            group, self._queue = self._queue, []
        failure: BaseException = TransientError("inbox: the write was interrupted; send again")
        written = False
        try:
            self._write_group(group)
            written = True
        except Exception as error:  # noqa: BLE001  (raised in the thread of each of the group)
            failure = error
        finally:
            for waiting in group:
                if not written and waiting.error is None:
                    waiting.error = failure
                waiting.done = True

    def _write_group(self, group: Sequence[_Waiting]) -> None:
        room = self._rows_max - self._counted(sum(len(w.records) for w in group))
        rows = []
        now_ms = self._clock_ms()
        for waiting in group:
            if len(waiting.records) <= room:
                room -= len(waiting.records)
                rows += [{"received_at_ms": now_ms, "raw": raw} for raw in waiting.records]
            else:
                waiting.error = TransientError(f"inbox: full ({self._rows_max} rows wait to be read); send again later")
        if rows:
            with self._database.write() as connection:
                self._database.in_turn(connection, "inbox")
                connection.execute(self._insert, rows)
            self._rows = (self._rows or 0) + len(rows)

    def _counted(self, wanted: int) -> int:
        """Rows that stand in it. Counted in memory; in the table only at first and before refusing anyone."""
        if self._rows is None or self._rows + wanted > self._rows_max:
            with self._database.read() as connection:
                self._rows = int(connection.execute(select(func.count()).select_from(tables.inbox)).scalar_one())
        return self._rows

    def waiting(self) -> int:
        """Rows that wait to be read; for the metrics."""
        return self._counted(0)

    def read(self, after: int, limit: int) -> list[InboxRow]:
        """At most `limit` rows above `after`, oldest first."""
        table = tables.inbox
        query = select(table.c.seq, table.c.received_at_ms, table.c.raw).where(table.c.seq > after)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(table.c.seq).limit(limit)).all()
        return [InboxRow(seq, at_ms, raw) for seq, at_ms, raw in rows]

    def trim(self, upto: int) -> None:
        """Forget everything up to and with `upto`: it is reflected in the state."""
        table = tables.inbox
        with self._database.read() as connection:
            lowest = connection.execute(select(func.min(table.c.seq))).scalar()
        while lowest is not None and lowest <= upto:
            edge = min(upto, lowest + TRIM_ROWS - 1)
            with self._turn, self._database.write() as connection:
                gone = connection.execute(delete(table).where(table.c.seq <= edge)).rowcount
                self._rows = None if self._rows is None else self._rows - gone
            lowest = edge + 1
