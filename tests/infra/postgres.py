"""A real PostgreSQL for tests: a throw-away cluster from Debian's package, on a free loopback port.

    python tests/infra/postgres.py run    run one until interrupted, print its address

In tests: the fixture `postgres_url` is the address of a new, empty database; `Postgres.started()` gives a server of
one's own that may be stopped, killed, frozen and started again on the same data and port.

`initdb` and the server refuse to run as root: then both run as the user that Debian's package made, `postgres`.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

USER = "vigie"
PACKAGED_USER = "postgres"
START_S_MAX = 60
PROGRAMS = "/usr/lib/postgresql"

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "32MB",
    # What a killed server wrote is in the system's cache all the same: only a power cut would need the disk.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "10s",
    "log_min_messages": "warning",
}


def program(name: str) -> str:
    """The newest packaged server's program, which Debian keeps off the PATH."""
    found = sorted(Path(PROGRAMS).glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    place = str(found[-1]) if found else shutil.which(name)
    if place is None:
        raise RuntimeError(f"{name} not found: install it first: apt-get install postgresql")
    return place


@dataclass
class Postgres:
    """One server with its data folder. It can be stopped and started again on the same data and port."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @classmethod
    def created(cls) -> Postgres:
        """A free port, an initialised data folder."""
        folder = Path(tempfile.mkdtemp(prefix="vigie-postgres-"))
        if os.geteuid() == 0:
            shutil.chown(folder, PACKAGED_USER)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            server = cls(folder, probe.getsockname()[1])
        done = subprocess.run(
            [program("initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "trust", "-E", "UTF8",
             "--locale=C.UTF-8", "--no-sync"],
            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **_as_somebody(),
        )  # fmt: skip
        if done.returncode:
            shutil.rmtree(folder, ignore_errors=True)
            raise RuntimeError(f"initdb failed: {done.stdout[-1500:]}{done.stderr[-1500:]}")
        return server

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator[Postgres]:
        """A running server for as long as the block lasts."""
        server = cls.created()
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(server.folder, ignore_errors=True)

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def url(self, database: str = "postgres") -> str:
        """A database's address as SQLAlchemy wants it."""
        return f"postgresql+psycopg://{USER}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """Make an empty database and return its address."""
        name = f"t{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        self.execute(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one statement as the server's owner."""
        import psycopg

        address = f"host=127.0.0.1 port={self.port} user={USER} dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> None:
        """Start it and wait until it answers."""
        settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [program("postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *settings],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                **_as_somebody(),
            )  # fmt: skip
        deadline_s = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline_s and self.process.poll() is None:
            if self._answers():
                return
            time.sleep(0.05)
        tail = self.log.read_text(errors="replace")[-3000:]
        self.stop(kill=True)
        raise RuntimeError(f"PostgreSQL did not start:\n{tail}")

    def stop(self, *, kill: bool = False) -> None:
        """Stop it at once: its clients are cut off, and with `kill` it has no time to write anything more."""
        if self.process is None:
            return
        # SIGINT is PostgreSQL's fast shutdown; SIGQUIT the one that recovers at the next start, as after a crash:
        # SIGKILL would leave its other processes behind.
        self.process.send_signal(signal.SIGQUIT if kill else signal.SIGINT)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still: connections stay open and nothing answers."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    def _answers(self) -> bool:
        import psycopg

        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def _as_somebody() -> dict[str, str | int | list[int]]:
    """Whom to run the server as."""
    if os.geteuid() != 0:
        return {}
    try:
        packaged = pwd.getpwnam(PACKAGED_USER)
    except KeyError:
        raise RuntimeError(f"no user {PACKAGED_USER}, and PostgreSQL refuses to run as root") from None
    return {"user": packaged.pw_uid, "group": packaged.pw_gid, "extra_groups": []}


def _run() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Postgres.started() as server, contextlib.suppress(KeyboardInterrupt):
        print(f"PostgreSQL listens: {server.new_database()}; Ctrl-C stops it and removes its data", flush=True)
        assert server.process is not None
        server.process.wait()


if __name__ == "__main__":
    if sys.argv[1:] != ["run"]:
        raise SystemExit(__doc__)
    _run()
