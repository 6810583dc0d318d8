"""From an event to its alert, with a thousand incidents open: `python -m tests.bench.bench_alerting`.

A thousand brands have an open incident each, and somebody is called for each. Then twenty new brands, one after the
other, get enough angry mentions for an alarm. The clock runs from the batch that brings the alarm to the moment at
which a real HTTP server has received the alert, and the page of the person on call: the engine's step, the
transaction, the keeper, the workers and the sockets lie between. The promise is a p95 under 5 s.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import update

from engine.domain.batch import Batch
from ops.delivery.channel import Channel
from ops.delivery.notifiers.webhook import WebhookNotifier, WebhookParams
from ops.delivery.worker import Delivery
from ops.oncall.keeper import Keeper, KeeperThread
from ops.oncall.page import channel_of
from ops.render.alert import Look
from ops.store import Store, tables
from tests.infra.fakes import START_MS, make_engine, mention
from tests.infra.oncall import settings_of
from tests.infra.receiver import Receiver

INCIDENTS, EVENTS = 1_000, 20
TEAM = """
people: {Camille: {contacts: [{name: sms, type: webhook, url: "https://sms.example/c"}]}}
oncall: {ladder: [{role: community_manager}], rotas: [{role: community_manager, people: [Camille]}]}
"""


def main() -> None:
    """Print the figures."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Receiver() as team,
        Receiver() as person,
        Store.open(Path(folder) / "vigie.db") as store,
    ):
        run(store, team, person)


def run(store: Store, team: Receiver, person: Receiver) -> None:
    """Open the incidents, then measure."""
    engine = make_engine(lateness_s=0, provisional=False)
    settings = settings_of(TEAM)

    def channel(name: str, receiver: Receiver, of: str | None = None) -> Channel:
        return Channel(name, WebhookNotifier(WebhookParams(receiver.url, allow_private=True)), person=of)

    channels = [channel("team", team), channel(channel_of("Camille", "sms"), person, "Camille")]
    minute = 0
    started = time.perf_counter()
    for brands in (range(n, min(n + 100, INCIDENTS)) for n in range(0, INCIDENTS, 100)):
        minute = storm(store, engine, [f"Marque {n}" for n in brands], minute)
    n_open = len(store.incidents())
    print(f"{n_open} incidents opened in {time.perf_counter() - started:.1f} s")
    keeper = Keeper(settings, store)
    while keeper.turn():
        pass
    print(f"{len(store.pages.open())} of them call somebody")
    with store._database.write() as connection:  # what was told of those is not what is measured
        connection.execute(update(tables.outbox).values(routed=1))
    with Delivery(store, channels, Look()) as delivery:
        thread = KeeperThread(Keeper(settings, store, on_posted=delivery.wake))
        thread.start()
        alerts, pages = [], []
        for n in range(EVENTS):
            told, called = len(team.received), len(person.received)
            began = time.perf_counter()
            minute = storm(store, engine, [f"Nouvelle {n}"], minute)
            delivery.wake()
            thread.wake()
            team.wait_for(told + 1, 60)
            alerts.append(time.perf_counter() - began)
            person.wait_for(called + 1, 60)
            pages.append(time.perf_counter() - began)
        thread.stop()
    for name, found in (("event to alert", alerts), ("event to page", pages)):
        p95 = statistics.quantiles(found, n=20)[-1]
        print(f"{name}: median {statistics.median(found):.3f} s, p95 {p95:.3f} s, worst {max(found):.3f} s")
    if statistics.quantiles(alerts, n=20)[-1] > 5.0:
        sys.exit("over the promise of 5 s")


def storm(store: Store, engine: object, brands: list[str], minute: int) -> int:
    """Six angry mentions of each brand in one minute, and a later one that closes the bin."""
    for at, text, n in ((minute, "Belle journée", 1), (minute + 1, "Encore une panne", 6)):
        batch = [
            mention(at + k / 100, k, f"{text} {b} {k}", b, author_id=f"{b}-{k}")._replace(id=f"{b}/{at}/{k}")
            for b in brands
            for k in range(n)
        ]
        store.apply(engine.step(Batch(tuple(batch)), START_MS + (at + 1) * 60_000))  # type: ignore[attr-defined]
    last = mention(minute + 3, 0, "Belle journée", brands[0])._replace(id=f"{brands[0]}/{minute}/last")
    store.apply(engine.step(Batch((last,)), START_MS + (minute + 3) * 60_000))  # type: ignore[attr-defined]
    return minute + 3


if __name__ == "__main__":
    main()
