"""A store with one incident whose playbook runs, its facts approved and its drafts made; and the API over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
from fastapi import FastAPI

from engine.domain.effects import IncidentSaved, PlanMade
from engine.domain.incident import Incident, Level
from engine.domain.playbook import BrandVoice, PlanRequest
from engine.domain.run import Fact
from ops.api import Api
from ops.desk.office import Desk, Office
from ops.oncall.build import rota_of
from ops.runs import RunKeeper, rules_of
from ops.settings import Settings
from ops.store import Store
from ops.store.store import wall_clock_ms
from ops.store.tokens import role_of
from ops.web import WebServer, bind
from playbooks.catalogue import load_catalogue
from playbooks.filelint import example_facts
from playbooks.planner import CataloguePlanner
from tests.infra.oncall import TEAM, settings_of
from tests.infra.sample_alerts import incident

CATALOGUE = load_catalogue()
TEXTS = ("Le site est en panne depuis ce matin, c'est une honte !!", "Quand est-ce que ça remarche ?", "Encore eux")
PEOPLE = {"Rémi": "reader", "Camille": "manager", "Nour": "approver", "Léa": "approver", "Ada": "admin"}


def opened(store: Store, settings: Settings, *, texts: tuple[str, ...] = TEXTS, exercise: bool = False) -> Incident:
    """An outage at orange, its run begun, its facts approved."""
    found = incident(Level.ORANGE, texts=texts, brand="Vélorine", exercise=exercise)
    negatives = (("outage", 60),)
    request = PlanRequest(found.id, BrandVoice(found.brand), found.level, negatives, 80, ("x", "facebook"))
    plan = CataloguePlanner(CATALOGUE).plan(request)
    now_ms = wall_clock_ms()
    store.also(RunKeeper(store, rules_of(settings)).on_effects)
    store.apply([PlanMade(found.id, now_ms, plan), IncidentSaved(found)])
    for name, value in example_facts(CATALOGUE["outage"], "fr").items():
        if name != "brand":
            with store.runs.transaction() as connection:
                seq = store.runs.propose(connection, found.id, Fact(name, value, "Camille", now_ms))
                store.runs.approve(connection, seq, "Sacha", now_ms)
    return found


class Counter:
    """The API on a port of this machine, with a token for each of `PEOPLE` and one of a program."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings = store, settings
        self.office = Office(store, settings, wall_clock_ms, wait_s=2.0)
        self.app = FastAPI(title="Vigie", version="1", docs_url=None, redoc_url=None)
        Api(self.office).add(self.app)
        made = {who: store.tokens.create(who, role_of(role), person=who)[1] for who, role in PEOPLE.items()}
        self.tokens = made | {"robot": store.tokens.create("robot", role_of("approver"))[1]}

    def __call__(self, who: str | None, method: str, path: str, json: Any = None, **headers: str) -> httpx2.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if who is not None:
            sent["authorization"] = f"Bearer {self.tokens[who]}"
        return httpx2.request(method, self.url + path, json=json, headers=sent, timeout=30)

    def desk(self, who: str) -> Desk:
        """The same person at the near desk."""
        return Desk(self.office, who, role_of(PEOPLE[who]))

    @contextmanager
    def serving(self) -> Iterator[Counter]:
        server = WebServer(self.app, bind("127.0.0.1", 0))
        self.url = server.address
        server.start()
        try:
            yield self
        finally:
            server.stop()


@contextmanager
def counter(text: str = TEAM, **how: Any) -> Iterator[tuple[Counter, Incident]]:
    """All of it, in a store of its own."""
    settings = settings_of(text)
    assert rota_of(settings, wall_clock_ms()).roles
    with Store.temporary() as store:
        found = opened(store, settings, **how)
        with Counter(store, settings).serving() as served:
            yield served, found
