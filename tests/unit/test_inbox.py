"""The durable inbox: what was acknowledged is in it, in order, and full is said so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.domain.effects import (
    StateSaved,
)
from engine.domain.errors import TransientError
from ops.store import Store, tables
from tests.infra.sample_alerts import T0


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store.open(place, clock_ms=lambda: T0) as opened:
        yield opened


def test_the_inbox_is_a_queue(store: Store) -> None:
    store.inbox.append([b"a", b"\x00\xff"])
    store.inbox.append([])
    store.inbox.append([b"c"])
    assert store.inbox.read(0, 2) == [(1, T0, b"a"), (2, T0, b"\x00\xff")]
    assert [row.seq for row in store.inbox.read(2, 10)] == [3]
    store.inbox.trim(3)
    assert store.inbox.read(0, 10) == []
    store.inbox.append([b"d"])
    assert [row.seq for row in store.inbox.read(0, 10)] == [4]  # numbers are never given twice


def test_numbers_are_not_given_twice_after_a_restart_either(place: str) -> None:
    with Store.open(place) as store:
        store.inbox.append([b"a", b"b"])
        store.inbox.trim(2)
    with Store.open(place) as store:
        store.inbox.append([b"c"])
        assert [row.seq for row in store.inbox.read(0, 9)] == [3]


def test_a_full_inbox_refuses_whole_requests_and_says_so(place: str) -> None:
    with Store.open(place, inbox_rows_max=3) as store:
        store.inbox.append([b"a", b"b"])
        with pytest.raises(TransientError, match="full"):
            store.inbox.append([b"c", b"d"])
        store.inbox.append([b"c"])
        store.inbox.trim(1)
        store.inbox.append([b"e"])
        assert [row.raw for row in store.inbox.read(0, 9)] == [b"b", b"c", b"e"]


def test_many_appenders_share_transactions_and_lose_nothing(place: str) -> None:
    with Store.open(place) as store:
        commits = 0
        write = store._database.write

        @contextmanager
        def counted() -> Iterator[object]:
            nonlocal commits
            with write() as connection:
                commits += 1
                yield connection

        store._database.write = counted  # type: ignore[method-assign, assignment]
        ready = threading.Barrier(9)

        def appender(n: int) -> None:
            ready.wait()
            for i in range(20):
                store.inbox.append([f"{n}/{i}/a".encode(), f"{n}/{i}/b".encode()])

        threads = [threading.Thread(target=appender, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        ready.wait()
        for i in range(20):
            store.apply([StateSaved("a", {"i": i})])
        for thread in threads:
            thread.join()
        raws = [row.raw.decode() for row in store.inbox.read(0, 1_000)]
        assert len(raws) == len(set(raws)) == 320
        for n in range(8):
            mine = [raw for raw in raws if raw.startswith(f"{n}/")]
            assert mine == [f"{n}/{i}/{half}" for i in range(20) for half in "ab"]
        assert commits < 160 + 20  # some were merged
        assert store.load_state() == {"a": {"i": 19}}


@pytest.mark.parametrize("broken", ["_counted", "_clock_ms", "_insert"])
def test_each_appender_of_a_failed_group_is_told(store: Store, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    def fails(*_args: object) -> int:
        raise TransientError("the disk is full")

    accepted, told = list[int](), list[int]()
    ready = threading.Barrier(8)
    with monkeypatch.context() as patch:
        patch.setattr(store.inbox, broken, tables.inbox.insert().values(nowhere=1) if broken == "_insert" else fails)

        def appender(n: int) -> None:
            ready.wait()
            try:
                store.inbox.append([b"a"])
                accepted.append(n)
            except Exception:  # noqa: BLE001  (whatever it is: what matters is that each one hears of it)
                told.append(n)

        threads = [threading.Thread(target=appender, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (accepted, sorted(told)) == ([], list(range(8)))
    assert store.inbox.read(0, 9) == []
    store.inbox.append([b"b"])
    assert len(store.inbox.read(0, 9)) == 1
