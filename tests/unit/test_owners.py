"""One store, many workers: parts of the work by owner, each fenced; deliveries on lease; repeats of dead letters."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.domain.batch import Cursor, Reject
from engine.domain.effects import Counted, CursorMoved, DeadLettered, StateDropped, StateSaved
from engine.domain.errors import FencedError
from ops.store import Store
from ops.store.outbox import LEASE_MS, DeliveryState
from tests.infra.sample_alerts import T0, raised

A, B = "vigie.scored/0", "vigie.scored/1"


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store.open(place, clock_ms=lambda: T0) as opened:
        yield opened


@pytest.fixture
def other(place: str, store: Store) -> Iterator[Store]:
    with Store.open(place, clock_ms=lambda: T0) as opened:
        yield opened


def step(owner: str, n: int) -> list[object]:
    return [StateSaved("engine", {"n": n}), Counted("received", (), 1), CursorMoved(Cursor(owner, owner, str(n)))]


def test_parts_are_apart_and_counts_add_up(store: Store) -> None:
    assert [store.take_part(owner) for owner in (A, B)] == [{}, {}]
    assert store.apply_parts({A: step(A, 1), B: step(B, 2)}) == frozenset()
    assert store.load_state(A) == {"engine": {"n": 1}}
    assert store.load_state(B) == {"engine": {"n": 2}}
    assert store.counters() == {("received", ()): 2.0}
    assert store.owners() == [A, B]
    store.apply([StateDropped("engine")], A)
    assert store.owners() == [B]
    assert store.take_part(B) == {B: "2"}


def test_a_part_that_was_taken_is_fenced_and_the_others_are_not(store: Store, other: Store) -> None:
    for owner in (A, B):
        store.take_part(owner)
    store.apply_parts({A: step(A, 1), B: step(B, 1)})
    assert other.take_part(A) == {A: "1"}
    assert store.apply_parts({A: step(A, 7), B: step(B, 2)}) == frozenset({A})
    assert store.load_state(A) == {"engine": {"n": 1}}
    assert store.load_state(B) == {"engine": {"n": 2}}
    assert store.counters() == {("received", ()): 3.0}
    with pytest.raises(FencedError, match=r"has taken vigie\.scored/0"):
        store.apply(step(A, 8), A)
    other.apply(step(A, 2), A)
    assert other.load_state(A) == {"engine": {"n": 2}}


def test_the_owner_of_a_brand(store: Store) -> None:
    store.take_part(A)
    store.apply([StateSaved("brand:0:Nordalia", {})], A)
    assert store.owner_of("Nordalia") == A
    assert store.owner_of("Lumeo") is None


def test_a_delivery_is_one_workers_until_its_lease_is_over(store: Store, other: Store) -> None:
    store.apply([raised(key="k")])
    (alert,) = store.outbox.unrouted()
    store.outbox.fan_out(alert, ["c"], T0)
    (mine,) = store.outbox.claim("c", T0, "one")
    assert other.outbox.claim("c", T0 + LEASE_MS - 1, "two") == []
    assert [due.delivery.key for due in store.outbox.claim("c", T0, "one")] == ["k"]  # one's own, after a failed record
    assert [due.delivery.key for due in other.outbox.claim("c", T0 + LEASE_MS, "two")] == ["k"]
    other.outbox.release("two")
    assert [due.delivery.key for due in store.outbox.claim("c", T0 + 1, "one")] == ["k"]
    store.outbox.record(mine.delivery.id, DeliveryState.DELIVERED, 1, T0, "", T0)
    assert other.outbox.claim("c", T0 + 10 * LEASE_MS, "two") == []


def test_the_same_dead_letter_is_one_row(store: Store) -> None:
    known = Reject("m/0@7", "id", "missing", b"{}", "m/0@7", 2)
    unknown = Reject("http line 1", "id", "missing", b"{}")
    for _ in range(2):
        store.apply([DeadLettered(known, "kafka"), DeadLettered(unknown, "http")])
    assert [letter.position for letter in store.dead_letters()] == ["m/0@7", "http line 1", "http line 1"]
    assert len(store.letters.unpublished()) == 3
    store.letters.published([letter.id for letter in store.letters.unpublished()])
    assert store.letters.unpublished() == []


def test_workers_are_a_service_too(store: Store) -> None:
    from tests.infra.heart import beat_elsewhere

    beat_elsewhere(store)
    assert store.service("service") is not None
    assert store.service("watch:%") is None
