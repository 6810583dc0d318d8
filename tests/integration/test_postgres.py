"""What only a PostgreSQL can do to the store: it goes, freezes, fills up, is written by several at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.domain.batch import Cursor
from engine.domain.effects import Counted, CursorMoved
from engine.domain.errors import InputError, TransientError
from ops.store import Store
from tests.infra.postgres import Postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One that may be stopped."""
    with Postgres.started() as server:
        yield server


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_server_that_goes_and_comes_back_costs_nothing(server: Postgres, kill: bool) -> None:
    with Store.open(server.new_database()) as store:
        store.take(["kafka"])
        step = [Counted("n", (), 1), CursorMoved(Cursor("kafka", "m/0", "7"))]
        store.apply(step)
        server.stop(kill=kill)
        for _ in range(3):
            with pytest.raises(TransientError) as caught:
                store.apply(step)
            assert "\n" not in str(caught.value)
            with pytest.raises(TransientError):
                store.counters()
        server.start()
        store.apply(step)
        assert store.counters() == {("n", ()): 2.0}
        assert store.positions() == (Cursor("kafka", "m/0", "7"),)


def test_a_transaction_that_is_cut_leaves_nothing_and_is_tried_again(server: Postgres) -> None:
    with Store.open(server.new_database()) as store:
        with pytest.raises(TransientError), store._database.write() as connection:  # noqa: PT012
            connection.execute(store.inbox._insert, [{"received_at_ms": 1, "raw": b"x"}])
            server.stop()
            connection.execute(store.inbox._insert, [{"received_at_ms": 1, "raw": b"y"}])
        server.start()
        assert store.inbox.read(0, 10) == []
        store.inbox.append([b"z"])
        assert [row.raw for row in store.inbox.read(0, 10)] == [b"z"]


def test_a_server_that_stands_still_is_given_up_on(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.store.database.CONNECT_S_MAX", 2)
    url = server.new_database()
    with server.frozen(), pytest.raises(TransientError, match="timeout"):
        Store.open(url)
    Store.open(url).close()


def test_a_lock_that_another_program_holds_is_waited_for_and_then_said(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.store.database.LOCK_MS_MAX", 200)
    url = server.new_database()
    with Store.open(url) as store, Store.open(url) as other:
        with other._database.write() as connection:
            connection.exec_driver_sql("LOCK TABLE counters")
            with pytest.raises(TransientError, match="lock"):
                store.apply([Counted("n", (), 1)])
        store.apply([Counted("n", (), 1)])
        assert store.counters() == {("n", ()): 1.0}


def test_readers_of_the_inbox_miss_nothing_that_several_programs_append(postgres_url: str) -> None:
    """Numbers are given before a commit: without turns a higher one could be seen first, and the lower one never."""
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        with Store.open(postgres_url) as store:
            while True:
                last = done.is_set()
                seen.extend(row.seq for row in store.inbox.read(seen[-1] if seen else 0, 50))
                if last:
                    return

    def append(program: int) -> None:
        with Store.open(postgres_url) as store:
            for i in range(60):
                store.inbox.append([f"{program}/{i}".encode()] * (1 + i % 3))

    Store.open(postgres_url).close()
    with ThreadPoolExecutor(5) as pool:
        reader = pool.submit(read)
        for appender in [pool.submit(append, program) for program in range(4)]:
            appender.result()
        done.set()
        reader.result()
    assert len(seen) == 4 * 120 == len(set(seen))


@pytest.mark.parametrize(
    ("change", "says"), [(("/t", "/none_t"), "does not exist"), (("vigie@", "nobody@"), 'role "nobody" does not exist')]
)
def test_a_wrong_address_is_the_users_to_mend(postgres_url: str, change: tuple[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        Store.open(postgres_url.replace(*change))
    assert "\n" not in str(caught.value)


def test_a_driver_that_is_not_there_is_named() -> None:
    with pytest.raises(InputError, match=r"vigie\[postgres\]"):
        Store.open("postgresql+asyncpgx://vigie@127.0.0.1/x")
