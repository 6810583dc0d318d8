"""The store: the one place of truth, and the executor of effects.

A step of the engine is one transaction (`Store.apply`): incidents, plans, outbox, dead letters, the engine's state,
counters, answers to commands and the sources' cursors are all kept, or none of them. On start a worker takes its
sources (`Store.take`), which raises their epoch; from then on whoever held them before gets `FencedError` and must
drop what it has in memory.

>>> from engine.domain.effects import CursorMoved, StateSaved
>>> with Store.temporary() as store:
...     positions = store.take(["inbox"])
...     store.apply([StateSaved("series/Nordalia", {"n": 3}), CursorMoved(Cursor("inbox", "0", "17"))])
...     store.load_state(), store.take(["inbox"])
({'series/Nordalia': {'n': 3}}, {'inbox': {'0': '17'}})
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, cast

from sqlalchemy import Connection, delete, func, or_, select, update

from engine.domain.batch import Command, Cursor
from engine.domain.effects import CurveDrawn, Effect
from engine.domain.errors import FencedError, StateError
from engine.domain.incident import Incident, Phase
from engine.domain.mention import Mention
from engine.domain.playbook import Plan
from ops.store import tables
from ops.store.apply import STATE_VERSION, Applier, fold, writable
from ops.store.codec import decode, loads
from ops.store.database import Database
from ops.store.deadletters import DeadLetters
from ops.store.drafts import Drafts
from ops.store.inbox import ROWS_MAX, Inbox
from ops.store.labels import Labels
from ops.store.lease import Lease
from ops.store.names import SERVICE as SERVICE
from ops.store.outbox import Outbox
from ops.store.pages import Pages
from ops.store.runs import Runs
from ops.store.tokens import Tokens

ENGINE = "engine"
"""The name under which the engine's state itself is owned, whatever the sources are."""
_OWNER = "*"
"""The partition whose row says who owns a whole source."""

HEARTBEAT_MS_MAX = 10_000
"""A service whose last heartbeat is older is taken for dead."""

IDS_A_QUERY = ROWS_A_FETCH = 500

Positions = dict[str, dict[str, str]]
Hook = Callable[[Connection, Sequence[Effect]], None]


class Answer(NamedTuple):
    """What became of a command."""

    ok: bool
    text: str


class DeadLetter(NamedTuple):
    """A record that could not be read: its first bytes, where it stood, and why."""

    id: int
    at_ms: int
    position: str
    field: str
    reason: str
    raw: bytes


class LateMention(NamedTuple):
    """A mention that came after its bin was closed."""

    id: int
    at_ms: int
    brands: tuple[str, ...]
    mention: Mention


class Heartbeat(NamedTuple):
    """A running service's last sign of life."""

    pid: int
    host: str
    at_ms: int


def wall_clock_ms() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1_000_000


class Store:
    """An open store; safe from any thread. Use `Store.open` or `Store.temporary`.

    `inbox` is the durable queue of what arrived, `outbox` the alerts and their deliveries, `pages` who is called,
    `labels` what the team said of comments and what was learnt of it, `drafts` the texts, `audit` the
    log of who approved them, `tokens` who may use the API, `letters` what could not be read.
    """

    def __init__(self, database: Database, clock_ms: Callable[[], int], inbox_rows_max: int = ROWS_MAX) -> None:
        self._database = database
        self._clock_ms = clock_ms
        self._applier = Applier(database)
        self._epochs: dict[str, dict[str, int]] = {}  # by owner: its sources and their epochs
        self._folder: Path | None = None
        self.inbox = Inbox(database, clock_ms, inbox_rows_max)
        self.outbox = Outbox(database)
        self.pages = Pages(database)
        self.labels = Labels(database, clock_ms)
        self.letters = DeadLetters(database, clock_ms)
        self.runs = Runs(database, clock_ms)
        self._hooks: list[Hook] = []
        self.drafts = Drafts(database, clock_ms)
        self.audit = self.drafts.audit
        self.tokens = Tokens(database, clock_ms)

    def lease(self, name: str, by: str) -> Lease:
        """The right to be the one process of a kind, for a process of the name `by`."""
        return Lease(self._database, name, by)

    @classmethod
    def open(
        cls,
        place: str | os.PathLike[str],
        *,
        durable: bool = True,
        create: bool = True,
        clock_ms: Callable[[], int] = wall_clock_ms,
        inbox_rows_max: int = ROWS_MAX,
    ) -> Self:
        """Open the store at a path or SQLAlchemy URL; make it (unless `create` is false) and migrate it as needed.

        Raises InputError (not ours, a directory, can't be written), TransientError (locked, disk full) or StateError
        (written by a newer vigie, damaged), each in one line.
        """
        return cls(Database(place, durable=durable, create=create), clock_ms, inbox_rows_max)

    @classmethod
    def temporary(cls, clock_ms: Callable[[], int] = wall_clock_ms) -> Self:
        """A store in a file of its own that is deleted on close: for replays and tests. Not safe from power cuts."""
        folder = Path(tempfile.mkdtemp(prefix="vigie-"))
        try:
            store = cls.open(folder / "vigie.db", durable=False, clock_ms=clock_ms)
        except BaseException:  # whatever ends it, the folder goes; then it goes on
            shutil.rmtree(folder, ignore_errors=True)
            raise
        store._folder = folder
        return store

    @property
    def clock_ms(self) -> Callable[[], int]:
        """The clock that it was opened with."""
        return self._clock_ms

    @property
    def name(self) -> str:
        """Where it is, without password."""
        return str(self._database.name)

    def close(self) -> None:
        """Close every connection; a temporary store is gone after that."""
        self._database.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self.close()

    # --- the step -------------------------------------------------------------------------------------------------

    def take(self, source_names: Iterable[str] = ()) -> Positions:
        """Become the owner of the engine's state and of these sources; whoever was it before is fenced off.

        Returns where to go on: source -> partition -> position; a source never read has an empty mapping.
        """
        positions, self._epochs[ENGINE] = self._taken([*source_names, ENGINE])
        positions.pop(ENGINE)
        return positions

    def take_part(self, owner: str) -> dict[str, str]:
        """Become the owner of one part of the work: an engine's state and counters under that name, and its positions.

        A process may own many parts; each is fenced by an epoch of its own. Returns the positions, by partition.
        """
        positions, self._epochs[owner] = self._taken([owner])
        return positions[owner]

    def leave_part(self, owner: str) -> None:
        """Own it no more; nobody else is told, since whoever takes it next fences this one off."""
        self._epochs.pop(owner, None)

    def _taken(self, source_names: Iterable[str]) -> tuple[Positions, dict[str, int]]:
        """Raise the epochs of these sources. Returns their positions and the epochs."""
        names = list(dict.fromkeys(source_names))
        c = tables.cursors.c
        positions: Positions = {name: {} for name in names}
        epochs: dict[str, int] = {}
        own = self._database.insert(tables.cursors)
        own = own.on_conflict_do_update(index_elements=["source", "partition"], set_={"epoch": c.epoch + 1})
        with self._database.write() as connection:
            for name in names:
                connection.execute(own, {"source": name, "partition": _OWNER, "epoch": 1, "position": ""})
                mine = select(c.epoch).where(c.source == name, c.partition == _OWNER)
                epochs[name] = int(connection.execute(mine).scalar_one())
                connection.execute(update(tables.cursors).where(c.source == name).values(epoch=epochs[name]))
            for row in connection.execute(select(tables.cursors).where(c.source.in_(names), c.partition != _OWNER)):
                positions[row.source][row.partition] = row.position
        return positions, epochs

    def apply(self, effects: Sequence[Effect], owner: str = ENGINE) -> None:
        """Carry a step's effects out in one transaction; all of them or none.

        Raises FencedError when another process took the engine or a source since, TransientError when the database
        can't take them now: the same call may go through later.
        """
        folded = fold(effects, self._clock_ms())
        with self._database.write() as connection:
            lost = self._lost(connection, [owner])
            if lost:
                raise FencedError(f"{self.name}: another process has taken {lost[owner]}; this one stops writing")
            self._applier.write(connection, folded, self._epochs.get(owner, {}), owner)
            for hook in self._hooks:
                hook(connection, effects)

    def also(self, hook: Hook) -> None:
        """From now on `hook` is called with every step's effects, inside their transaction."""
        self._hooks.append(hook)

    def apply_parts(self, steps: Mapping[str, Sequence[Effect]]) -> frozenset[str]:
        """The steps of several parts, by owner, in one transaction. Returns those of which another process is the owner
        by now: of them nothing was written. Raises TransientError as `apply`."""
        at_ms = self._clock_ms()
        folded = {owner: fold(effects, at_ms) for owner, effects in sorted(steps.items())}
        with self._database.write() as connection:
            lost = self._lost(connection, list(folded))
            mine = [owner for owner in folded if owner not in lost]
            for owner in mine:
                self._applier.write(connection, folded[owner], self._epochs[owner], owner)
            for hook in self._hooks:  # once for all of them: what it holds, it takes in one order
                hook(connection, [effect for owner in mine for effect in steps[owner]])
        return frozenset(lost)

    def _lost(self, connection: Connection, owners: Sequence[str]) -> dict[str, str]:
        """Of these owners those whose epoch is not ours any more, each with the source that was taken. The rows are
        held until the transaction ends, in one order everywhere."""
        mine = {name: epoch for owner in owners for name, epoch in self._epochs.get(owner, {}).items()}
        if not mine:
            return {}
        c = tables.cursors.c
        rows = select(c.source, c.epoch).where(c.source.in_(list(mine)), c.partition == _OWNER).order_by(c.source)
        found = {row.source: row.epoch for row in connection.execute(rows.with_for_update())}
        return {
            owner: name
            for owner in owners
            for name, epoch in self._epochs.get(owner, {}).items()
            if found.get(name) != epoch
        }

    def owners(self) -> list[str]:
        """The names under which there is state: "engine" for the one process that does all, else parts of the work."""
        with self._database.read() as connection:
            return list(connection.execute(select(tables.state.c.owner).distinct().order_by("owner")).scalars())

    def owner_of(self, brand: str) -> str | None:
        """The owner of a brand's state; None when there is none yet."""
        return cast(
            "str | None", self._scalar(select(tables.state.c.owner).where(tables.state.c.part == f"brand:0:{brand}"))
        )

    def load_state(self, owner: str | None = None) -> dict[str, dict[str, Any]]:
        """Every part of an engine's state, by name; without `owner` those of all. StateError: unknown version."""
        return {part: loads(data) for part, data in self.stored_state(owner)}

    def stored_state(self, owner: str | None = None) -> Iterator[tuple[str, bytes]]:
        """The same one by one, as they are stored, by name. Raises as `load_state`."""
        s = tables.state.c
        query = select(s.part, s.version, s.data).order_by(s.part)
        if owner is not None:
            query = query.where(s.owner == owner)
        with self._database.read() as connection:
            for part, version, data in connection.execute(query.execution_options(yield_per=ROWS_A_FETCH)):
                if version != STATE_VERSION:
                    raise StateError(f"{self.name}: state {part!r} is of version {version}: upgrade vigie")
                yield part, bytes(data)

    def positions(self) -> tuple[Cursor, ...]:
        """How far every source has been read."""
        c = tables.cursors.c
        query = select(c.source, c.partition, c.position).where(c.partition != _OWNER)
        with self._database.read() as connection:
            return tuple(Cursor(*row) for row in connection.execute(query.order_by(c.source, c.partition)))

    # --- what is known --------------------------------------------------------------------------------------------

    def incidents(
        self, *, brand: str | None = None, phases: Iterable[Phase] | None = None, suspected: bool = False
    ) -> list[Incident]:
        """Incidents by opening time; those that are or were only suspected are left out unless asked for."""
        i = tables.incidents.c
        query = select(i.payload).order_by(i.opened_at_ms, i.id)
        if brand is not None:
            query = query.where(i.brand == brand)
        if phases is not None:
            query = query.where(i.phase.in_([phase.value for phase in phases]))
        elif not suspected:
            query = query.where(i.phase != Phase.SUSPECTED.value)
        with self._database.read() as connection:
            return [decode(Incident, payload) for (payload,) in connection.execute(query)]

    def incidents_of(self, ids: Iterable[str]) -> dict[str, tuple[Incident, Plan | None]]:
        """These incidents with their plans, by id; those that there are none of are left out."""
        i, p = tables.incidents.c, tables.plans.c
        query = select(i.payload, p.payload.label("plan")).join(tables.plans, p.incident_id == i.id, isouter=True)
        found: dict[str, tuple[Incident, Plan | None]] = {}
        wanted = list(ids)
        with self._database.read() as connection:
            for start in range(0, len(wanted), IDS_A_QUERY):
                for payload, plan in connection.execute(query.where(i.id.in_(wanted[start : start + IDS_A_QUERY]))):
                    incident = decode(Incident, payload)
                    found[incident.id] = (incident, None if plan is None else decode(Plan, plan))
        return found

    def incident(self, incident_id: str) -> Incident | None:
        """One incident by its id."""
        query = select(tables.incidents.c.payload).where(tables.incidents.c.id == incident_id)
        payload = self._scalar(query)
        return None if payload is None else decode(Incident, payload)

    def incident_ids(self) -> list[str]:
        """Every id, newest first; for hints on a wrong one."""
        i = tables.incidents.c
        with self._database.read() as connection:
            return list(connection.execute(select(i.id).order_by(i.opened_at_ms.desc(), i.id)).scalars())

    def plan(self, incident_id: str) -> Plan | None:
        """The playbook's plan for an incident, as chosen last."""
        payload = self._scalar(select(tables.plans.c.payload).where(tables.plans.c.incident_id == incident_id))
        return None if payload is None else decode(Plan, payload)

    def curve(self, incident_id: str) -> list[CurveDrawn]:
        """Ten-minute counts around an incident, oldest first: what led to it, and how it went on until its end."""
        c = tables.curves.c
        query = select(tables.curves).where(c.incident_id == incident_id).order_by(c.start_ms)
        with self._database.read() as connection:
            return [CurveDrawn(*row) for row in connection.execute(query)]

    def counters(self) -> dict[tuple[str, tuple[str, ...]], float]:
        """The lasting counters by name and labels."""
        c = tables.counters.c
        query = select(c.name, c.labels, func.sum(c.value)).group_by(c.name, c.labels).order_by(c.name, c.labels)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {(name, tuple(loads(labels))): value for name, labels, value in rows}

    def dead_letters(self, *, after: int = 0, limit: int = 1_000) -> list[DeadLetter]:
        """Records that could not be read, oldest first."""
        table = tables.dead_letters
        columns = [table.c[name] for name in DeadLetter._fields]
        query = select(*columns).where(table.c.id > after).order_by(table.c.id).limit(limit)
        with self._database.read() as connection:
            return [DeadLetter(*row) for row in connection.execute(query)]

    def late_mentions(self, *, after: int = 0, limit: int = 1_000) -> list[LateMention]:
        """Mentions that came after their bin was closed, oldest first."""
        table = tables.late_mentions
        query = select(table).where(table.c.id > after).order_by(table.c.id).limit(limit)
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [LateMention(id_, at_ms, tuple(loads(brands)), decode(Mention, raw)) for id_, at_ms, brands, raw in rows]

    # --- people's commands ----------------------------------------------------------------------------------------

    def add_command(self, name: str, incident_id: str, actor: str, text: str = "", at_ms: int | None = None) -> int:
        """Ask the engine something about an incident; it answers with its next step. Returns the command's number."""
        values = {
            "name": name,
            "incident_id": incident_id,
            "actor": writable(actor),
            "text": writable(text),
            "at_ms": self._clock_ms() if at_ms is None else at_ms,
            "done": 0,
            "answer": "",
        }
        with self._database.write() as connection:
            key = connection.execute(tables.commands.insert().values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def pending_commands(self, limit: int = 100) -> tuple[Command, ...]:
        """Commands that wait for an answer, oldest first."""
        c = tables.commands.c
        query = select(c.seq, c.name, c.incident_id, c.actor, c.text, c.at_ms).where(c.done == 0)
        with self._database.read() as connection:
            return tuple(Command(*row) for row in connection.execute(query.order_by(c.seq).limit(limit)))

    def answer(self, seq: int) -> Answer | None:
        """What became of a command; None while it waits."""
        c = tables.commands.c
        with self._database.read() as connection:
            row = connection.execute(select(c.ok, c.answer).where(c.seq == seq, c.done == 1)).first()
        return None if row is None else Answer(bool(row[0]), row[1])

    # --- the service ----------------------------------------------------------------------------------------------

    def beat(self, name: str = SERVICE) -> None:
        """This process serves the store under that name: say so, every few seconds."""
        row = {"name": name, "pid": os.getpid(), "host": socket.gethostname(), "at_ms": self._clock_ms()}
        with self._database.write() as connection:
            connection.execute(self._database.upsert(tables.heartbeat, ["name"]), row)

    def unbeat(self) -> None:
        """This process stops serving: the last thing that it says."""
        mine = (tables.heartbeat.c.pid == os.getpid()) & (tables.heartbeat.c.host == socket.gethostname())
        with self._database.write() as connection:
            connection.execute(delete(tables.heartbeat).where(mine))

    def service(self, *names: str) -> Heartbeat | None:
        """A service that runs on this store now, of those whose name is like one of these; None when there is none, it
        has been silent for 10 s, or it was a process of this machine that is gone (killed, it could not say so)."""
        h = tables.heartbeat.c
        query = (
            select(h.pid, h.host, h.at_ms)
            .where(or_(*(h.name.like(name) for name in names or "%")))
            .order_by(h.at_ms.desc())
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        for row in rows:
            if self._clock_ms() - row.at_ms >= HEARTBEAT_MS_MAX:
                continue
            if row.host == socket.gethostname() and (row.pid == os.getpid() or not _alive(row.pid)):
                continue
            return Heartbeat(*row)
        return None

    def get_meta(self) -> Mapping[str, str]:
        """Small facts about the store itself, by name."""
        with self._database.read() as connection:
            return {row.name: row.value for row in connection.execute(select(tables.meta))}

    def set_meta(self, name: str, value: str) -> None:
        """Keep a small fact about the store itself."""
        with self._database.write() as connection:
            connection.execute(self._database.upsert(tables.meta, ["name"]), {"name": name, "value": value})

    def unset_meta(self, name: str) -> None:
        """Forget a small fact about the store itself."""
        with self._database.write() as connection:
            connection.execute(delete(tables.meta).where(tables.meta.c.name == name))

    def empty(self) -> None:
        """Forget everything, in one transaction; the schema stays."""
        with self._database.write() as connection:
            for table in reversed(tables.metadata.sorted_tables):
                connection.execute(delete(table))

    def prune(self, before_ms: int) -> int:
        """Forget alerts, deliveries and answered commands from before a time. Returns the rows deleted."""
        o, d, commands = tables.outbox, tables.deliveries, tables.commands
        waiting = select(d.c.outbox_id).where(d.c.state == "pending")
        old = select(o.c.id).where(o.c.at_ms < before_ms, o.c.routed == 1, o.c.id.not_in(waiting))
        with self._database.write() as connection:
            gone = connection.execute(delete(d).where(d.c.outbox_id.in_(old))).rowcount
            gone += connection.execute(delete(o).where(o.c.id.in_(old))).rowcount
            gone += connection.execute(
                delete(commands).where(commands.c.done == 1, commands.c.at_ms < before_ms)
            ).rowcount
        return gone

    def _scalar(self, query: Any) -> Any:
        with self._database.read() as connection:
            return connection.execute(query).scalar()


def _alive(pid: int) -> bool:
    """Whether a process of this machine still runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as another user
        return True
    return True
