"""Alerts over real sockets: signed webhooks, a channel that hangs, a crash before the mark, a real Alertmanager."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from engine.domain.incident import AlertKind, Incident, Level, Phase, Standing
from ops.delivery.channel import Channel
from ops.delivery.message import Message
from ops.delivery.notifiers.alertmanager import AlertmanagerNotifier, AlertmanagerParams, alerts
from ops.delivery.notifiers.apprise import AppriseNotifier, AppriseParams
from ops.delivery.notifiers.webhook import WebhookNotifier, WebhookParams
from ops.delivery.worker import Delivery
from ops.render.alert import Look
from ops.store import Store
from ops.store.outbox import DeliveryState
from ops.store.store import wall_clock_ms
from tests.infra.alertmanager import Alertmanager
from tests.infra.receiver import Receiver
from tests.infra.sample_alerts import T0, incident, later, raised

ROOT = Path(__file__).resolve().parents[2]
SECRET = "s3cret-of-the-test"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "vigie.db") as opened:
        yield opened


def webhook(receiver: Receiver, name: str = "hook", *, timeout_s: float = 30.0) -> Channel:
    params = WebhookParams(url=receiver.url, secret=SECRET, allow_private=True, timeout_s=timeout_s)
    return Channel(name, WebhookNotifier(params), timeout_s=timeout_s)


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.02)


def states(store: Store) -> dict[tuple[str, str], DeliveryState]:
    return {(found.key, found.channel): found.state for found in store.outbox.deliveries()}


def test_a_signed_webhook_arrives_once(store: Store) -> None:
    with Receiver() as receiver, Delivery(store, [webhook(receiver)], Look()) as delivery:
        store.apply([raised(key="k1"), raised(key="k1")])
        delivery.wake()
        (received,) = receiver.wait_for(1)
        eventually(lambda: states(store) == {("k1", "hook"): DeliveryState.DELIVERED})
    timestamp = received.headers["x-vigie-timestamp"]
    expected = hmac.new(SECRET.encode(), f"{timestamp}.".encode() + received.body, hashlib.sha256).hexdigest()
    assert received.headers["x-vigie-signature-256"] == f"sha256={expected}"
    assert received.headers["idempotency-key"] == "k1"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    data = json.loads(received.body)
    assert (data["key"], data["incident"]["level"], data["playbook"]["id"]) == ("k1", "orange", "dangerous-product")
    assert len(receiver.received) == 1


def test_a_channel_that_hangs_delays_no_other(store: Store) -> None:
    release = threading.Event()

    def hang(_received: object) -> int:
        release.wait(60)
        return 200

    with Receiver(hang) as hanging, Receiver() as healthy:
        channels = [webhook(hanging, "a-hangs"), webhook(healthy, "b-healthy")]
        delivery = Delivery(store, channels, Look())
        delivery.start()
        store.apply([raised(key=f"k{n}", of=incident(id_=f"inc-{n}")) for n in range(3)])
        delivery.wake()
        hanging.wait_for(1)
        healthy.wait_for(3)
        eventually(lambda: [s for (_, c), s in states(store).items() if c == "b-healthy"] == ["delivered"] * 3)
        assert {s for (_, c), s in states(store).items() if c == "a-hangs"} == {"pending"}
        release.set()
        delivery.stop()


def test_the_time_out_of_a_channel_holds_whatever_its_notifier_does(store: Store) -> None:
    release = threading.Event()

    class Stuck:
        calls = 0

        def send(self, _message: object) -> None:
            Stuck.calls += 1
            release.wait(60)

        def close(self) -> None: ...

    now = wall_clock_ms()
    delivery = Delivery(store, [Channel("stuck", Stuck(), timeout_s=0.05)], Look(), clock_ms=lambda: now)
    store.apply([raised()])
    delivery.deliver_now()
    (found,) = store.outbox.deliveries()
    assert (found.state, found.attempts, found.reason) == ("pending", 1, "no answer within 0.05 s")
    now = found.next_at_ms
    delivery.deliver_now()
    (found,) = store.outbox.deliveries()
    assert (found.attempts, found.reason, Stuck.calls) == (2, "an earlier attempt still hangs", 1)
    release.set()
    eventually(lambda: not any(t.name == "send-stuck" for t in threading.enumerate()))
    now = found.next_at_ms
    delivery.deliver_now()
    assert states(store) == {("k1", "stuck"): DeliveryState.DELIVERED}


@pytest.mark.parametrize(
    ("status", "state"),
    [(500, "pending"), (404, "pending"), (429, "pending"), (302, "pending"), (400, "failed"), (413, "failed")],
)
def test_answers_other_than_2xx(store: Store, status: int, state: str) -> None:
    with Receiver(lambda _received: status) as receiver:
        store.apply([raised()])
        Delivery(store, [webhook(receiver)], Look()).deliver_now()
        (found,) = store.outbox.deliveries()
        assert (found.state, found.attempts) == (state, 1)
        assert f"answered {status}" in found.reason
        assert "/hook" not in found.reason
        assert [received.path for received in receiver.received] == ["/hook"]


def test_a_stop_sends_what_is_due_first(store: Store) -> None:
    with Receiver() as receiver:
        with Delivery(store, [webhook(receiver)], Look()):
            store.apply([raised(key=f"k{n}", of=incident(id_=f"inc-{n}")) for n in range(5)])
        assert set(states(store).values()) == {DeliveryState.DELIVERED}
        assert len(receiver.received) == 5


SENDER = """
import sys
from ops.delivery.channel import Channel
from ops.delivery.notifiers.webhook import WebhookNotifier, WebhookParams
from ops.delivery.worker import Delivery
from ops.render.alert import Look
from ops.store import Store

with Store.open(sys.argv[1]) as store:
    channel = Channel("hook", WebhookNotifier(WebhookParams(sys.argv[2], allow_private=True)))
    Delivery(store, [channel], Look()).deliver_now()
"""


def test_a_crash_between_send_and_mark_repeats_under_the_same_key(tmp_path: Path) -> None:
    path = tmp_path / "vigie.db"
    with Store.open(path) as store:
        store.apply([raised(key="k1")])
    sender: list[subprocess.Popen[bytes]] = []
    started = threading.Event()

    def kill_the_first(_received: object) -> int:
        if len(receiver.received) == 1:
            started.wait(20)
            os.kill(sender[0].pid, signal.SIGKILL)
        return 200

    with Receiver(kill_the_first) as receiver:
        for attempt in range(3):
            sender[:] = [subprocess.Popen([sys.executable, "-c", SENDER, str(path), receiver.url], cwd=ROOT)]
            started.set()
            assert sender[0].wait(60) == (-signal.SIGKILL if attempt == 0 else 0)
    assert [received.headers["idempotency-key"] for received in receiver.received] == ["k1", "k1"]
    with Store.open(path) as store:
        assert states(store) == {("k1", "hook"): DeliveryState.DELIVERED}


def test_what_an_earlier_process_left_is_sent_on_start(tmp_path: Path) -> None:
    path = tmp_path / "vigie.db"
    with Store.open(path) as store:
        store.apply([raised(key="k1")])
        store.outbox.fan_out(store.outbox.unrouted()[0], ["gone", "hook"], 0)
    with Store.open(path) as store, Receiver() as receiver:
        with Delivery(store, [webhook(receiver)], Look()):
            receiver.wait_for(1)
            eventually(lambda: states(store)["k1", "hook"] is DeliveryState.DELIVERED)
        assert states(store)["k1", "gone"] is DeliveryState.FAILED


def test_apprise_reaches_a_real_server(store: Store) -> None:
    with Receiver() as receiver:
        url = f"json://127.0.0.1:{receiver.port}/apprise"
        hostile = incident(texts=("<!channel> [x](javascript:y) <b>gras</b> @everyone",))
        store.apply([raised(of=hostile)])
        notifier = AppriseNotifier(AppriseParams((url,), allow_private=True))
        Delivery(store, [Channel("app", notifier)], Look(lang="en")).deliver_now()
        (received,) = receiver.received
        assert states(store) == {("k1", "app"): DeliveryState.DELIVERED}
    data = json.loads(received.body)
    assert data["title"] == "ORANGE - Vélorine: incident opened"
    assert "acknowledge by" in data["message"]
    assert not set("<>[]@*`") & set(data["message"])


def test_apprise_says_which_kind_failed_and_hides_the_address(store: Store) -> None:
    with Receiver(lambda _received: 500) as receiver:
        url = f"json://user:hush@127.0.0.1:{receiver.port}/token"
        store.apply([raised()])
        notifier = AppriseNotifier(AppriseParams((url,), allow_private=True))
        Delivery(store, [Channel("app", notifier)], Look()).deliver_now()
    (found,) = store.outbox.deliveries()
    assert (found.state, found.reason) == ("pending", "apprise: json did not take it")
    assert "hush" not in repr(AppriseParams((url,), allow_private=True))


# --- a real Alertmanager ----------------------------------------------------------------------------------------------


def fresh(found: Incident) -> Incident:
    """The incident as if it had opened a minute ago, since a real Alertmanager goes by the real clock."""
    shift = wall_clock_ms() - 60_000 - T0
    levels = tuple(change._replace(at_ms=found.opened_at_ms + shift + i) for i, change in enumerate(found.levels))
    return later(found, opened_at_ms=found.opened_at_ms + shift, levels=levels)


def test_alertmanager_fires_raises_and_resolves(store: Store, tmp_path: Path) -> None:
    with Receiver() as pager, Alertmanager(tmp_path, pager.url) as alertmanager:
        notifier = AlertmanagerNotifier(AlertmanagerParams(url=alertmanager.url, allow_private=True))
        look = Look(base_url="https://vigie.example")
        delivery = Delivery(store, [Channel("am", notifier)], look)

        def tell(key: str, kind: AlertKind, found: Incident) -> list[dict[str, Any]]:
            store.apply([raised(kind, fresh(found), key)])
            delivery.deliver_now()
            assert states(store)[key, "am"] is DeliveryState.DELIVERED, store.outbox.deliveries(key)
            return alertmanager.alerts()

        (alert,) = tell("k1", AlertKind.OPENED, incident(Level.JAUNE))
        assert alert["labels"] == {
            "alertname": "VigieIncident", "service": "vigie", "brand": "Vélorine", "level": "jaune",
            "incident": "inc-20251121-ab12cd34ef56",
        }  # fmt: skip
        assert alert["annotations"]["summary"] == "JAUNE - Vélorine\u00a0: incident ouvert"
        assert alert["generatorURL"] == "https://vigie.example/incidents/inc-20251121-ab12cd34ef56"
        assert alert["status"]["state"] == "active"

        (again,) = tell("k1b", AlertKind.OPENED, incident(Level.JAUNE))
        assert again["fingerprint"] == alert["fingerprint"]

        (alert,) = tell("k2", AlertKind.RAISED, incident(Level.JAUNE, Level.ROUGE))
        assert alert["labels"]["level"] == "rouge"

        calm = incident(Level.JAUNE, Level.ROUGE, Level.VERT, phase=Phase.CONTAINED)
        (alert,) = tell("k3", AlertKind.CONTAINED, calm)
        assert alert["labels"]["level"] == "rouge"

        over = later(calm, phase=Phase.RESOLVED, closed_at_ms=T0)
        assert tell("k4", AlertKind.RESOLVED, over) == []

        def paged() -> set[tuple[str, str]]:
            bodies = [json.loads(received.body) for received in pager.received]
            return {(alert["labels"]["level"], alert["status"]) for body in bodies for alert in body["alerts"]}

        eventually(lambda: {("jaune", "firing"), ("rouge", "resolved")} <= paged())


def test_alertmanager_takes_a_confirmation_as_an_update_and_a_withdrawal_as_the_end(
    store: Store, tmp_path: Path
) -> None:
    with Receiver() as pager, Alertmanager(tmp_path, pager.url) as alertmanager:
        notifier = AlertmanagerNotifier(AlertmanagerParams(url=alertmanager.url, allow_private=True))
        delivery = Delivery(store, [Channel("am", notifier)], Look())

        def tell(standing: Standing, serial: int, found: Incident, early_id: str) -> list[dict[str, Any]]:
            told = raised(AlertKind.OPENED, fresh(found), "k")
            alert = told.alert._replace(standing=standing, serial=serial, early_id=early_id)
            store.apply([replace(told, alert=alert)])
            delivery.deliver_now()
            return alertmanager.alerts()

        first = incident(Level.JAUNE, id_="inc-early")
        (early,) = tell(Standing.PROVISIONAL, 1, first, "inc-early")
        assert "provisoire" in early["annotations"]["summary"]
        assert tell(Standing.WITHDRAWN, 1, later(first, phase=Phase.FALSE_ALARM), "inc-early") == []

        (early,) = tell(Standing.PROVISIONAL, 2, incident(Level.ORANGE), incident().id)
        (final,) = tell(Standing.CONFIRMED, 2, incident(Level.ORANGE), incident().id)
        assert final["fingerprint"] == early["fingerprint"]
        assert "confirmée" in final["annotations"]["summary"]


def test_alertmanager_forgets_the_level_and_name_of_a_provisional_alert_that_came_out_otherwise() -> None:
    told = raised(of=incident(Level.ORANGE, id_="inc-final"))
    told = replace(told, alert=told.alert._replace(standing=Standing.CONFIRMED, early_id="inc-early"))
    sent = alerts(Message(told, Look(), T0, T0 + 1))
    firing = [a["labels"] for a in sent if a["endsAt"] > a["startsAt"]]
    assert [(labels["incident"], labels["level"]) for labels in firing] == [("inc-final", "orange")]
    assert {(a["labels"]["incident"], a["labels"]["level"]) for a in sent} >= {("inc-early", "jaune")}
