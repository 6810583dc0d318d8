"""What all tests share. The rule that a skipped test fails stands here, so that it holds for every way to run them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.infra.kafka_cluster import Cluster
from tests.infra.postgres import Postgres

ROOT = Path(__file__).resolve().parent.parent

_not_run: list[str] = []


@pytest.fixture(scope="session")
def root() -> Path:
    """The top folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def shared() -> Path:
    """The development data; for tests that are marked `data`."""
    return (ROOT / os.environ.get("VIGIE_SHARED", "../shared")).resolve()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A running PostgreSQL that all tests share: nobody stops it. Those who do take `Postgres.started()`."""
    with Postgres.started() as server:
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    url = postgres.new_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def kafka_cluster() -> Iterator[Cluster]:
    """Three Kafka nodes, to kill and start one by one."""
    with Cluster.started() as cluster:
        yield cluster


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store may be opened; what uses it runs once on each kind of database."""
    if request.param == "sqlite":
        return str(tmp_path / "vigie.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


def pytest_configure() -> None:
    """Who is told to end ends as after Ctrl-C: brokers and databases that tests started go with them."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped or hasattr(report, "wasxfail"):
        _not_run.append(report.nodeid)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.skipped:
        _not_run.append(report.nodeid)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _not_run and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for nodeid in _not_run:
        terminalreporter.write_line(
            f"FAILED {nodeid} - skipped or expected to fail: a test that does not run proves nothing"
        )
