"""One database behind SQLAlchemy Core: SQLite in WAL mode, or PostgreSQL with the same statements.

Writers of one process take turns on a lock, since SQLite has one writer at a time and its own waiting is a poll; across
processes `BEGIN IMMEDIATE` and the busy time-out do it. Transactions are short: nothing is computed inside one.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.sql.dml import Insert

from engine.domain.errors import InputError, StateError, StoreAwayError
from ops.store.migrate import is_current, migrate

BUSY_MS_MAX = 5_000
"""How long to wait for another process's transaction."""
CONNECT_S_MAX = 5
SILENT_MS_MAX = 20_000
"""A PostgreSQL that acknowledges nothing for so long is taken for gone: its host may have died without a word."""
LOCK_MS_MAX = 15_000
STATEMENT_MS_MAX = 60_000


class Database:
    """An open database, brought to the current schema.

    `durable` decides what a commit means: on disk even if the power fails (`synchronous=FULL`), or safe from a crash
    of this process only (`OFF`, for replays in a temporary file).

    Raises InputError, StoreAwayError or StateError, each with one line that names the place.
    """

    def __init__(self, place: str | os.PathLike[str], *, durable: bool = True, create: bool = True) -> None:
        self.url = _url(place)
        self.name = self.url.database if self._is_sqlite else self.url.render_as_string(hide_password=True)
        self._turn = threading.Lock()
        self.fence: Callable[[Connection], None] | None = None
        """Asked first in every transaction that writes; it raises FencedError when this process may write no more."""
        if self._is_sqlite:
            _prepare_file(Path(str(self.url.database)), create)
        with translated(str(self.name)):
            self._engine = _engine(self.url, durable)
            self._writer = self._engine.execution_options(vigie_writes=True)
            self._reader = self._engine
            if not self._is_sqlite:  # several statements see one state, as they do in SQLite
                self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
            try:
                with self.read() as connection:
                    current = is_current(connection)
                if not current:  # only then does opening wait for a writer
                    with self.write() as connection:
                        migrate(connection, str(self.name))
            except BaseException:  # whatever ends it, no connection is left behind; then it goes on
                self._engine.dispose()
                raise

    @property
    def _is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all that is executed inside is kept, or nothing."""
        with self._turn, translated(str(self.name)), self._writer.begin() as connection:
            if self.fence is not None:
                self.fence(connection)
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view. Never waits for a writer."""
        with translated(str(self.name)), self._reader.begin() as connection:
            yield connection

    def in_turn(self, connection: Connection, name: str) -> None:
        """Wait until no other transaction is in this turn; it ends with the transaction.

        For tables that are read from a number on: PostgreSQL gives numbers before it commits, so a reader could see
        a higher one first and never the lower one. SQLite has one writer at a time anyway.
        """
        if not self._is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"vigie {name}"})

    def hold(self, connection: Connection, names: Iterable[str]) -> None:
        """Nobody else holds one of these names until the transaction ends; who comes second waits, then sees what the
        first one wrote. Ask once a transaction, for all that it needs: they are taken in one order everywhere, so no
        two wait for one another. SQLite has one writer at a time anyway.
        """
        if self._is_sqlite:
            return
        digests = (blake2b(name.encode("utf-8", "replace"), digest_size=8, person=b"vigie") for name in names)
        keys = sorted({int.from_bytes(digest.digest(), "big", signed=True) for digest in digests})
        if keys:
            taken = text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k")
            connection.execute(taken, {"keys": keys})

    def insert(self, table: Table) -> Any:
        """An INSERT that knows ON CONFLICT, in the words of this database."""
        return sqlite_insert(table) if self._is_sqlite else postgresql_insert(table)

    def upsert(self, table: Table, keys: Iterable[str]) -> Insert:
        """INSERT a row, or replace all its other columns where `keys` exist already."""
        keys = list(keys)
        statement = self.insert(table)
        others = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
        upsert: Insert = statement.on_conflict_do_update(index_elements=keys, set_=others)
        return upsert

    def close(self) -> None:
        self._engine.dispose()


def _url(place: str | os.PathLike[str]) -> URL:
    text = os.fspath(place)
    if not text or "\0" in text:
        raise InputError("store: an empty name; give a file's path or a database URL")
    try:
        url = make_url(text) if "://" in text else URL.create("sqlite", database=text)
    except ArgumentError as error:
        raise InputError(f"store: {text!r} is neither a path nor a database URL") from error
    if url.get_backend_name() not in ("sqlite", "postgresql"):
        raise InputError(
            f"store: {url.get_backend_name()} is not supported; use a file's path or postgresql+psycopg://"
        )
    if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
        raise InputError("store: a database in memory is lost on exit; give a file's path")
    return url


def _prepare_file(path: Path, create: bool) -> None:
    """Make the file readable by its owner alone: it holds what people wrote."""
    try:
        if path.is_dir():
            raise InputError(f"{path}: a directory; name a file inside it for the store")
        if path.exists():
            return
        if not create:
            raise InputError(f"{path}: no such store; start `vigie run` first or name another file")
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise InputError(f"{path}: can't be created ({error.strerror}); name a place that can be written") from error


def _switch_to_wal(cursor: sqlite3.Cursor) -> None:
    """SQLite does not wait its turn for this one, as it does for all else: two that open a new file may collide."""
    until_s = time.monotonic() + BUSY_MS_MAX / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > until_s:
                raise
            time.sleep(0.02)


def _engine(url: URL, durable: bool) -> Engine:
    if url.get_backend_name() != "sqlite":
        try:
            return create_engine(url, pool_pre_ping=True, pool_recycle=1_800, connect_args=_patience(url))
        except (NoSuchModuleError, ModuleNotFoundError) as error:
            raise InputError(
                f"store: no driver for {url.drivername}; write postgresql+psycopg:// and install vigie[postgres]"
            ) from error
    engine = create_engine(url, connect_args={"timeout": BUSY_MS_MAX / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        cursor = connection.cursor()
        _switch_to_wal(cursor)
        cursor.execute(f"PRAGMA synchronous={'FULL' if durable else 'OFF'}")
        cursor.execute("PRAGMA journal_size_limit=67108864")
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes its turn at once: a transaction that begins as a reader can't always become a writer.
        writes = connection.get_execution_options().get("vigie_writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _patience(url: URL) -> dict[str, Any]:
    """How long to wait for a PostgreSQL; what the address says itself stands."""
    if url.get_driver_name() != "psycopg":
        return {}
    limits = f"-c lock_timeout={LOCK_MS_MAX} -c statement_timeout={STATEMENT_MS_MAX}"
    wanted = {"connect_timeout": CONNECT_S_MAX, "tcp_user_timeout": SILENT_MS_MAX, "application_name": "vigie",
              "options": limits}  # fmt: skip
    return {name: value for name, value in wanted.items() if name not in url.query}


PASSING = frozenset({"40001", "40P01", "25006", "53200", "53300", "55P03", "57014", "57P01", "57P02", "57P03"})
"""PostgreSQL's words for what passes by itself or is mended from outside: two transactions in each other's way, a
standby that is being promoted, no memory or connection left, a wait that was too long, a server that stops or starts.
"""


def _refused(said: str, cause: object, *, invalidated: bool) -> Exception | None:
    """What a PostgreSQL error comes to, without the place; None when it is none that a user can mend."""
    code = getattr(cause, "sqlstate", None) or ""
    if "authentication failed" in said or ("connection failed" in said and "does not exist" in said):
        return InputError(f"{said}; mend the database's address")
    if code == "53100":
        return StoreAwayError(f"{said}; make room on the server's disk")
    if code in ("42P01", "42703"):
        return StateError(f"not the form that this vigie knows ({said})")
    if code == "42501":
        return InputError(f"{said}; give this user the rights to it")
    if code in PASSING or code.startswith("08") or invalidated or "connect" in said or "timeout" in said:
        return StoreAwayError(said)
    return None


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Turn a driver's error into one of the house's, with one line."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:  # the driver's own comes from the statements that open a connection
        cause = error.orig if isinstance(error, DBAPIError) else error
        said = next(iter(str(cause).splitlines()), "") or type(error).__name__
        if "locked" in said or "busy" in said:
            raise StoreAwayError(f"{name}: another process holds the store; try again") from error
        if "disk is full" in said or "disk I/O" in said:
            raise StoreAwayError(f"{name}: {said}; make room on the disk") from error
        if "readonly" in said or "unable to open" in said:
            raise InputError(f"{name}: can't be written ({said}); mend its rights or name another place") from error
        if "not a database" in said:
            raise InputError(f"{name}: not a database of vigie; name another file for the store") from error
        if "malformed" in said:
            raise StateError(f"{name}: damaged ({said}); restore it from a copy") from error
        if "no such table" in said or "no such column" in said:
            raise StateError(f"{name}: not the form that this vigie knows ({said})") from error
        refused = _refused(said, cause, invalidated=isinstance(error, DBAPIError) and error.connection_invalidated)
        if refused is not None:
            raise type(refused)(f"{name}: {refused}") from error
        raise
