"""Each stage of delivery by itself, over a real store and a clock that the test turns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from engine.domain.effects import AlertRaised
from engine.domain.errors import DeliveryError, TransientError
from engine.domain.incident import AlertKind, Level, Phase, Standing
from ops.delivery.channel import Channel
from ops.delivery.message import Message
from ops.delivery.stages import STAGES
from ops.delivery.stages.retry import ATTEMPTS_MAX, WAIT_MS_MAX, wait_ms
from ops.delivery.worker import Delivery
from ops.render.alert import Look
from ops.store import Store
from ops.store.outbox import Delivery as Row
from tests.infra.sample_alerts import T0, incident, raised


class Clock:
    def __init__(self) -> None:
        self.ms = T0

    def __call__(self) -> int:
        return self.ms


class Fake:
    """Keeps what it is sent; raises `error` while there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.sent: list[str] = []
        self.titles: list[str] = []
        self.error = error
        self.attempts = 0

    def send(self, message: Message) -> None:
        self.attempts += 1
        if self.error is not None:
            raise self.error
        self.sent.append(message.key)
        self.titles.append(message.title)

    def close(self) -> None: ...


class Bench:
    """A store, a channel and a clock."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store, self.clock, self.fake = store, clock, Fake()

    def deliver(self, level_min: Level = Level.JAUNE, brands: tuple[str, ...] = ()) -> Row:
        """Try what is due; the newest delivery as it stands then."""
        channel = Channel("c", self.fake, level_min=level_min, brands=brands)
        Delivery(self.store, [channel], Look(), self.clock).deliver_now()
        return self.store.outbox.deliveries()[-1]


@pytest.fixture
def bench(place: str) -> Iterator[Bench]:
    clock = Clock()
    with Store.open(place, clock_ms=clock, durable=False) as store:
        yield Bench(store, clock)


def test_the_stages_stand_in_their_order() -> None:
    assert [stage.__name__ for stage in STAGES] == ["early", "route", "mute", "dedup", "retry", "record"]


def test_route_by_level(bench: Bench) -> None:
    bench.store.apply([raised(of=incident(Level.JAUNE))])
    row = bench.deliver(level_min=Level.ORANGE)
    assert (row.state, row.reason, row.attempts) == ("muted", "level jaune is below the channel's orange", 0)
    assert bench.fake.sent == []


def test_route_by_brand(bench: Bench) -> None:
    bench.store.apply([raised()])
    assert bench.deliver(brands=("Nordalia",)).reason == "the channel is not for this brand"
    bench.store.apply([raised(key="k2", of=incident(brand="Nordalia"))])
    assert bench.deliver(brands=("Nordalia",)).state == "delivered"


def test_who_was_told_of_the_fire_is_told_that_it_is_out(bench: Bench) -> None:
    over = incident(Level.ORANGE, Level.VERT, phase=Phase.RESOLVED, closed_at_ms=T0)
    bench.store.apply([raised(AlertKind.RESOLVED, over, "k1")])
    assert bench.deliver(level_min=Level.ORANGE).state == "delivered"
    bench.store.apply([raised(AlertKind.RESOLVED, over, "k2")])
    assert bench.deliver(level_min=Level.ROUGE).state == "muted"


def test_mutes_hold_back_what_they_name_and_nothing_graver(bench: Bench) -> None:
    mute = bench.store.outbox.add_mute(
        T0 + 60_000, brand="Vélorine", level_max=Level.ORANGE, actor="Camille", reason="salon"
    )
    bench.store.apply([raised(key="k1")])
    row = bench.deliver()
    assert (row.state, row.reason) == ("muted", f"mute {mute} by Camille: salon")
    bench.store.apply([raised(key="k2", of=incident(Level.ROUGE, id_="i2"))])
    assert bench.deliver().state == "delivered"
    bench.store.apply([raised(key="k3", of=incident(id_="i3", brand="Nordalia"))])
    assert bench.deliver().state == "delivered"
    bench.clock.ms += 60_000
    bench.store.apply([raised(key="k4", of=incident(id_="i4"))])
    assert bench.deliver().state == "delivered"


def test_a_key_goes_out_once_a_channel(bench: Bench) -> None:
    bench.store.apply([raised(key="k1")])
    bench.deliver()
    bench.store.apply([raised(key="k1")])
    bench.deliver()
    assert bench.fake.sent == ["k1"]


def test_what_another_process_recorded_meanwhile_is_not_sent(bench: Bench) -> None:
    bench.store.apply([raised(key="k1")])
    Delivery(bench.store, [Channel("c", bench.fake)], Look(), bench.clock).fan_out()
    (due,) = bench.store.outbox.due("c", T0)
    bench.store.outbox.record(due.delivery.id, due.delivery.state.DELIVERED, 1, T0, "", T0)
    bench.store.outbox.claim = lambda _c, _n, *_more: [due] if bench.clock.ms == T0 else []  # type: ignore[method-assign]

    def tick() -> int:
        bench.clock.ms += 1
        return bench.clock.ms - 1

    Delivery(bench.store, [Channel("c", bench.fake)], Look(), tick).deliver_now()
    assert bench.fake.sent == []


def test_old_news_does_not_follow_newer_ones(bench: Bench) -> None:
    bench.fake.error = DeliveryError("away")
    bench.store.apply([raised(key="opened")])
    first = bench.deliver()
    bench.fake.error = None
    bench.clock.ms += 10
    bench.store.apply([raised(AlertKind.RAISED, incident(Level.ORANGE, Level.ROUGE), "raised")])
    bench.deliver()
    bench.clock.ms = first.next_at_ms
    bench.deliver()
    assert bench.fake.sent == ["raised"]
    assert [(r.key, r.state, r.reason) for r in bench.store.outbox.deliveries()] == [
        ("opened", "muted", "overtaken by raised"),
        ("raised", "delivered", ""),
    ]


def test_retries_wait_longer_each_time_and_survive_in_the_table(bench: Bench) -> None:
    bench.fake.error = DeliveryError("away")
    bench.store.apply([raised()])
    waits = []
    for n in range(1, ATTEMPTS_MAX + 1):
        row = bench.deliver()
        assert (row.attempts, row.reason) == (n, "away")
        waits.append(row.next_at_ms - bench.clock.ms)
        bench.deliver()
        assert bench.fake.attempts == n  # not before its time
        bench.clock.ms = max(bench.clock.ms, row.next_at_ms)
    assert row.state == "failed"
    assert waits[:3] == [wait_ms(n, "k1/c") for n in (1, 2, 3)]
    assert max(waits) <= 1.2 * WAIT_MS_MAX
    assert waits[0] < waits[3] < waits[6]
    bench.clock.ms += WAIT_MS_MAX * 10
    bench.deliver()
    assert bench.fake.attempts == ATTEMPTS_MAX


def test_a_final_refusal_is_not_tried_again(bench: Bench) -> None:
    bench.fake.error = DeliveryError("no such thing", retry=False)
    bench.store.apply([raised()])
    assert bench.deliver().state == "failed"


def test_a_bug_in_a_notifier_loses_no_alert(bench: Bench) -> None:
    bench.fake.error = ZeroDivisionError("hush")
    bench.store.apply([raised()])
    row = bench.deliver()
    assert (row.state, row.reason) == ("pending", "ZeroDivisionError in the notifier")


def test_nobody_is_paged_again_because_the_store_was_busy(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.store.apply([raised()])
    delivery = Delivery(bench.store, [Channel("c", bench.fake)], Look(), bench.clock)
    with monkeypatch.context() as patch:

        def busy(*_args: object) -> None:
            raise TransientError("another process holds the store")

        patch.setattr(bench.store.outbox, "record", busy)
        with pytest.raises(TransientError):
            delivery.deliver_now()
        with pytest.raises(TransientError):
            delivery.deliver_now()
    delivery.deliver_now()
    assert bench.fake.sent == ["k1"]
    assert [row.state for row in bench.store.outbox.deliveries()] == ["delivered"]


def test_figures_for_the_metrics(bench: Bench) -> None:
    assert bench.store.outbox.oldest_pending_ms() == {}
    assert bench.store.outbox.next_due_ms("c") is None
    bench.fake.error = DeliveryError("away")
    bench.store.apply([raised()])
    row = bench.deliver()
    assert bench.store.outbox.figures() == {("c", row.state): 1}
    assert bench.store.outbox.next_due_ms("c") == row.next_at_ms
    assert bench.store.outbox.oldest_pending_ms() == {"c": T0}


def told_early(standing: Standing, level: Level = Level.ORANGE, serial: int = 1) -> AlertRaised:
    found = raised(of=incident(level), key="k")
    return replace(
        found, alert=found.alert._replace(standing=standing, serial=serial, early_id=found.alert.incident.id)
    )


def test_a_confirmation_is_an_update_where_the_provisional_alert_was_taken(bench: Bench) -> None:
    for standing in (Standing.PROVISIONAL, Standing.CONFIRMED):
        bench.store.apply([told_early(standing)])
        assert bench.deliver().state == "delivered"
    assert bench.fake.sent == ["k~provisional1", "k"]
    assert "provisoire" in bench.fake.titles[0]
    assert "alerte provisoire confirmée" in bench.fake.titles[1]


def test_a_confirmation_is_a_first_alert_where_the_provisional_one_was_below_the_channels_level(bench: Bench) -> None:
    bench.store.apply([told_early(Standing.PROVISIONAL, Level.JAUNE)])
    assert bench.deliver(level_min=Level.ORANGE).state == "muted"
    bench.store.apply([told_early(Standing.CONFIRMED, Level.ORANGE)])
    assert bench.deliver(level_min=Level.ORANGE).state == "delivered"
    assert bench.fake.sent == ["k"]
    assert "provisoire" not in bench.fake.titles[0]


def test_who_was_told_early_hears_the_end_whatever_the_level_became(bench: Bench) -> None:
    bench.store.apply([told_early(Standing.PROVISIONAL, Level.ORANGE)])
    bench.deliver(level_min=Level.ORANGE)
    bench.store.apply([told_early(Standing.CONFIRMED, Level.JAUNE)])
    assert bench.deliver(level_min=Level.ORANGE).state == "delivered"


def test_a_withdrawal_goes_where_the_provisional_alert_went_and_nowhere_else(bench: Bench) -> None:
    bench.store.apply([told_early(Standing.PROVISIONAL, Level.JAUNE)])
    bench.deliver(level_min=Level.ORANGE)
    bench.store.apply([told_early(Standing.WITHDRAWN, Level.JAUNE)])
    row = bench.deliver(level_min=Level.ORANGE)
    assert (row.state, row.reason) == ("muted", "the channel never heard of it")
    bench.store.apply([told_early(Standing.PROVISIONAL, serial=2)])
    bench.deliver()
    bench.store.apply([told_early(Standing.WITHDRAWN, serial=2)])
    assert bench.deliver().state == "delivered"
    assert bench.fake.sent == ["k~provisional2", "k~withdrawn2"]


@pytest.mark.parametrize("answer", [Standing.CONFIRMED, Standing.WITHDRAWN])
def test_a_provisional_alert_that_waits_is_overtaken_by_its_answer(bench: Bench, answer: Standing) -> None:
    bench.store.apply([told_early(Standing.PROVISIONAL)])
    bench.fake.error = TransientError("away")
    assert bench.deliver().state == "pending"
    bench.fake.error = None
    bench.store.apply([told_early(answer)])
    bench.clock.ms += 600_000
    assert bench.deliver().state == "delivered"
    states = {row.key: (row.state.value, row.reason) for row in bench.store.outbox.deliveries()}
    key = "k" if answer is Standing.CONFIRMED else "k~withdrawn1"
    assert states["k~provisional1"] == ("muted", f"overtaken by {key}")
    assert bench.fake.sent == [key]  # it may have arrived before the error: who may have heard is told the end
    assert ("confirmée" in bench.fake.titles[0]) is False
