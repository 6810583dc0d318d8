"""Mail through a real SMTP server, a real Alertmanager that groups, cards over sockets, a channel that hangs."""

from __future__ import annotations

import email
import email.policy
import json
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from engine.domain.incident import AlertKind, Level, Phase
from ops.delivery.channel import Channel
from ops.delivery.message import Notifier
from ops.delivery.notifiers.alertmanager import AlertmanagerNotifier, AlertmanagerParams
from ops.delivery.notifiers.apprise import AppriseNotifier, AppriseParams, refuse_private
from ops.delivery.notifiers.pagerduty import PagerDutyNotifier, PagerDutyParams
from ops.delivery.notifiers.slack import SlackNotifier, SlackParams
from ops.delivery.notifiers.teams import TeamsNotifier, TeamsParams
from ops.delivery.notifiers.webhook import WebhookNotifier, WebhookParams
from ops.delivery.worker import Delivery
from ops.oncall.deadman import DeadManSwitch
from ops.render.alert import Look
from ops.store import Store
from ops.store.outbox import DeliveryState
from ops.store.store import wall_clock_ms
from tests.infra.alertmanager import Alertmanager, free_port
from tests.infra.hostile import HOSTILE
from tests.infra.receiver import Receiver
from tests.infra.sample_alerts import T0, incident, later, raised


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "vigie.db", durable=False) as opened:
        yield opened


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "did not come about"
        time.sleep(0.02)


# --- mail -------------------------------------------------------------------------------------------------------------


class Mailbox:
    """A real SMTP server that keeps what it takes."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], EmailMessage]] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((list(envelope.rcpt_tos), mail))
        return "250 OK"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    yield box, port
    server.stop()


def mail_channel(port: int) -> Channel:
    url = f"mailto://127.0.0.1:{port}?from=vigie@nordalia.example&to=astreinte@nordalia.example&mode=insecure"
    return Channel("mail", AppriseNotifier(AppriseParams((url,), allow_private=True)))


def test_a_mail_arrives_whole(store: Store, mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    store.apply([raised()])
    Delivery(store, [mail_channel(port)], Look()).deliver_now()
    ((to, mail),) = box.mails
    assert to == ["astreinte@nordalia.example"]
    assert " ".join(mail["Subject"].split()) == "ORANGE - Vélorine : incident ouvert"
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert text.startswith("À FAIRE\u00a0: accuser réception avant")
    assert "vigie incidents show inc-20251121-ab12cd34ef56" in text


@pytest.mark.parametrize("name", ["newlines", "control", "html", "bidi", "csv_formula", "emoji", "surrogate"])
def test_hostile_words_put_nothing_into_a_mail(store: Store, mailbox: tuple[Mailbox, int], name: str) -> None:
    box, port = mailbox
    hostile = HOSTILE[name]
    store.apply([raised(of=incident(brand=hostile[:200], texts=(hostile,) * 3))])
    Delivery(store, [mail_channel(port)], Look()).deliver_now()
    ((to, mail),) = box.mails
    assert to == ["astreinte@nordalia.example"]
    assert mail.get_all("To") == ["astreinte@nordalia.example"]
    assert mail["Bcc"] is None
    assert set(mail.keys()) & {"Sujet", "INFO"} == set()
    for part in mail.walk():
        if part.get_content_type() == "text/html":
            assert "<script" not in part.get_content()
            assert "<img" not in part.get_content()


@pytest.mark.parametrize(
    "url", ["json://127.0.0.1:9/x", "mailto://localhost?from=a@b.example&to=c@d.example", "jsons://[::1]/x",
            "mailtos://u:p@mail.example?smtp=10.0.0.7&to=c@d.example"],
)  # fmt: skip
def test_apprise_goes_to_no_private_address(store: Store, url: str) -> None:
    store.apply([raised()])
    Delivery(store, [Channel("app", AppriseNotifier(AppriseParams((url,))))], Look()).deliver_now()
    (row,) = store.outbox.deliveries()
    assert (row.state, "leads to a private address" in row.reason) == (DeliveryState.FAILED, True)


def test_a_token_in_the_place_of_a_host_is_never_looked_up() -> None:
    import apprise

    def asked(name: str, _port: int) -> list[str]:
        raise AssertionError(f"looked up {name}")

    refuse_private(
        apprise.Apprise.instantiate("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#astreinte"), asked
    )
    refuse_private(apprise.Apprise.instantiate("tgram://123456789:abcdefg_hijklmnop/12315544/"), asked)


# --- cards over sockets -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "key"),
    [
        (lambda url: SlackNotifier(SlackParams(url, allow_private=True)), "blocks"),
        (lambda url: TeamsNotifier(TeamsParams(url, allow_private=True)), "attachments"),
        (lambda url: PagerDutyNotifier(PagerDutyParams("s3cret", url, allow_private=True)), "event_action"),
    ],
    ids=["slack", "teams", "pagerduty"],
)
def test_cards_travel(store: Store, make: Callable[[str], Notifier], key: str) -> None:
    answers = iter((429, 200))
    now = wall_clock_ms()
    with Receiver(lambda _received: next(answers)) as receiver:
        store.apply([raised()])
        delivery = Delivery(store, [Channel("card", make(receiver.url))], Look(), lambda: now)
        delivery.deliver_now()
        (row,) = store.outbox.deliveries()
        assert (row.state, row.attempts) == (DeliveryState.PENDING, 1)  # too many at once: later
        now = row.next_at_ms
        delivery.deliver_now()
    (row,) = store.outbox.deliveries()
    assert (row.state, row.attempts) == (DeliveryState.DELIVERED, 2)
    first, second = (json.loads(received.body) for received in receiver.received)
    assert first == second
    assert key in first


@pytest.mark.parametrize(
    "notifier",
    [SlackNotifier(SlackParams("http://127.0.0.1:9/x")), TeamsNotifier(TeamsParams("https://169.254.169.254/x")),
     PagerDutyNotifier(PagerDutyParams("k", "https://[::1]/x"))],
    ids=["http", "link-local", "loopback"],
)  # fmt: skip
def test_cards_go_to_no_private_address(store: Store, notifier: Notifier) -> None:
    store.apply([raised()])
    Delivery(store, [Channel("card", notifier)], Look()).deliver_now()
    (row,) = store.outbox.deliveries()
    assert row.state is DeliveryState.FAILED
    assert "refused" in row.reason or "private" in row.reason
    assert "s3cret" not in repr(vars(notifier))


# --- a channel that hangs ---------------------------------------------------------------------------------------------


def test_a_channel_that_hangs_for_five_minutes_delays_no_other(store: Store) -> None:
    """Five minutes of the team's clock, an alert every ten seconds: each is on every other channel before the clock has
    moved by one second more."""
    release, now = threading.Event(), [wall_clock_ms()]

    def hang(_received: object) -> int:
        release.wait(120)
        return 200

    with Receiver(hang) as hanging, Receiver() as first, Receiver() as second:

        def channel(name: str, receiver: Receiver) -> Channel:
            params = WebhookParams(receiver.url, allow_private=True, timeout_s=300.0)
            return Channel(name, WebhookNotifier(params), timeout_s=300.0)

        channels = [channel("a-hangs", hanging), channel("b", first), channel("c", second)]
        with Delivery(store, channels, Look(), lambda: now[0]) as delivery:
            for n in range(30):
                store.apply([raised(key=f"k{n}", of=incident(id_=f"inc-{n}"))])
                delivery.wake()
                for receiver in (first, second):
                    assert len(receiver.wait_for(n + 1)) == n + 1
                now[0] += 10_000
            assert len(hanging.received) == 1
            states = {row.key: row.state for row in store.outbox.deliveries() if row.channel == "a-hangs"}
            assert set(states.values()) == {DeliveryState.PENDING}
            release.set()
            hanging.wait_for(30)


# --- Alertmanager -----------------------------------------------------------------------------------------------------


def test_alertmanager_groups_by_incident_and_resolves_each(store: Store, tmp_path: Path) -> None:
    """Two incidents, three levels, a page to a person: two groups, and each ends by itself."""
    with Receiver() as pager, Alertmanager(tmp_path, pager.url) as alertmanager:
        notifier = AlertmanagerNotifier(AlertmanagerParams(url=alertmanager.url, allow_private=True))
        delivery = Delivery(store, [Channel("am", notifier)], Look())
        shift = wall_clock_ms() - 60_000 - T0

        def tell(key: str, kind: AlertKind, id_: str, *levels: Level, phase: Phase = Phase.OPEN) -> None:
            found = incident(*levels, id_=id_, phase=phase)
            changes = tuple(c._replace(at_ms=T0 + shift + i) for i, c in enumerate(found.levels))
            store.apply([raised(kind, later(found, opened_at_ms=T0 + shift, levels=changes), key)])
            delivery.deliver_now()

        def groups() -> dict[str, set[tuple[str, str]]]:
            seen: dict[str, set[tuple[str, str]]] = {}
            for received in pager.received:
                body: dict[str, Any] = json.loads(received.body)
                told = {(a["labels"]["level"], a["status"]) for a in body["alerts"]}
                seen.setdefault(body["groupLabels"]["incident"], set()).update(told)
            return seen

        tell("k1", AlertKind.OPENED, "inc-1", Level.JAUNE)
        tell("k2", AlertKind.OPENED, "inc-2", Level.ORANGE)
        tell("k3", AlertKind.RAISED, "inc-1", Level.JAUNE, Level.ROUGE)
        assert {(a["labels"]["incident"], a["labels"]["level"]) for a in alertmanager.alerts()} == {
            ("inc-1", "rouge"), ("inc-2", "orange"),
        }  # fmt: skip
        tell("k4", AlertKind.RESOLVED, "inc-1", Level.JAUNE, Level.ROUGE, phase=Phase.RESOLVED)
        assert [a["labels"]["incident"] for a in alertmanager.alerts()] == ["inc-2"]
        eventually(lambda: ("rouge", "resolved") in groups().get("inc-1", set()))
        assert ("orange", "firing") in groups()["inc-2"]
        assert not any(status == "resolved" for _, status in groups()["inc-2"])


# --- the dead man's switch --------------------------------------------------------------------------------------------


def test_a_sign_of_life_goes_out_only_while_there_is_life() -> None:
    alive, now = [True], [1_000]
    with Receiver() as receiver:
        switch = DeadManSwitch(receiver.url, 60, lambda: alive[0], lambda: now[0], allow_private=True)
        assert switch.ping()
        assert switch.told_at_ms == 1_000
        alive[0] = False
        now[0] = 61_000
        assert not switch.ping()
    assert len(receiver.received) == 1
    alive[0] = True
    assert not switch.ping()  # nobody listens any more
    assert switch.told_at_ms == 1_000
