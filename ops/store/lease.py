"""The right to be the one process of a kind on a store: taken, renewed, lost, and checked by every transaction.

It is a row of `cursors` with an epoch, like any other ownership. Who holds it writes a new beat every few seconds. Who
waits looks whether the beat moves, by its own monotonic clock, so clocks that differ between machines do no harm; once
it has stood still for `LEASE_S` the epoch is raised, and from then on every transaction of the former holder is refused
(`Database.fence`): one that was frozen and wakes up writes nothing.

>>> from ops.store import Store
>>> with Store.temporary() as store:
...     lease = store.lease("desk", "desk-1")
...     lease.try_take(), lease.epoch
(True, 1)
"""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy import Connection, select, update

from engine.domain.errors import FencedError
from ops.store import tables
from ops.store.database import Database

LEASE_S = 9.0
"""A holder whose beat has stood still for so long is taken for dead."""
_OWNER = "*"


class Lease:
    """One process's view of it. While it is held, the whole database of this process is fenced by it."""

    def __init__(
        self, database: Database, name: str, by: str, clock_s: Callable[[], float] = time.monotonic,
        lease_s: float = LEASE_S,
    ) -> None:  # fmt: skip
        self._database, self._name, self._by, self._clock_s, self._lease_s = database, name, by, clock_s, lease_s
        c = tables.cursors.c
        self._row = (c.source == f"lease:{name}") & (c.partition == _OWNER)
        self._beats = 0
        self._seen: tuple[int, str] | None = None
        self._seen_at_s = 0.0
        self.epoch = 0
        """The epoch under which it is held; 0 while it is not."""

    def try_take(self) -> bool:
        """Take it if it is free, or its holder has been silent for too long. Raises TransientError."""
        c = tables.cursors.c
        with self._database.read() as connection:
            row = connection.execute(select(c.epoch, c.position).where(self._row)).first()
        if row is None:
            values = {"source": f"lease:{self._name}", "partition": _OWNER, "epoch": 1, "position": self._beat()}
            insert = self._database.insert(tables.cursors).values(**values).on_conflict_do_nothing().returning(c.epoch)
            with self._database.write() as connection:
                taken = connection.execute(insert).first() is not None
            return self._took(1) if taken else False
        found = (int(row.epoch), str(row.position))
        if found[1]:
            if found != self._seen:
                self._seen, self._seen_at_s = found, self._clock_s()
            if self._clock_s() - self._seen_at_s < self._lease_s:
                return False
        as_seen = self._row & (c.epoch == found[0]) & (c.position == found[1])
        mine = update(tables.cursors).where(as_seen).values(epoch=found[0] + 1, position=self._beat())
        with self._database.write() as connection:
            taken = connection.execute(mine).rowcount == 1
        return self._took(found[0] + 1) if taken else False

    def forget(self) -> None:
        """The store was away, so nobody could renew: whether the beat moves is watched anew."""
        self._seen = None

    @property
    def holder(self) -> str:
        """Who held it when it was looked at last; "" for nobody."""
        return self._seen[1].rpartition(" ")[0] if self._seen else ""

    def renew(self) -> None:
        """Say that we live. Raises FencedError when another process has taken it, TransientError."""
        self._write(self._beat())

    def release(self) -> None:
        """Give it up: who waits takes it at once. Raises as `renew`."""
        if self.epoch:
            self._write("")
            self._database.fence, self.epoch = None, 0

    def _write(self, position: str) -> None:
        mine = update(tables.cursors).where(self._row & (tables.cursors.c.epoch == self.epoch))
        with self._database.write() as connection:
            if connection.execute(mine.values(position=position)).rowcount != 1:
                raise self._lost()

    def _took(self, epoch: int) -> bool:
        self.epoch = epoch
        self._database.fence = self._check
        return True

    def _check(self, connection: Connection) -> None:
        """The row is shared until the transaction ends: who wants to take it waits for what is under way."""
        query = select(tables.cursors.c.epoch).where(self._row).with_for_update(read=True)
        if connection.execute(query).scalar() != self.epoch:
            raise self._lost()

    def _lost(self) -> FencedError:
        return FencedError(f"{self._database.name}: another process is the {self._name} by now; this one stops writing")

    def _beat(self) -> str:
        self._beats += 1
        return f"{self._by} {self._beats}"
