"""A team on call over a real store, channels that keep what they are sent, and a clock that the test turns."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.domain.effects import AlertRaised, IncidentSaved, PlanMade
from engine.domain.incident import AlertKind, Incident, Level, LevelChange, Phase
from ops.delivery.build import look_of, windows_of
from ops.delivery.channel import Channel
from ops.delivery.message import Message
from ops.delivery.worker import Delivery
from ops.oncall.keeper import Keeper
from ops.oncall.links import Links
from ops.oncall.page import channel_of
from ops.settings import Settings, parse_settings
from ops.store import Store
from ops.yaml_file import parse_yaml
from tests.infra.sample_alerts import incident, later, plan, raised

PARIS = ZoneInfo("Europe/Paris")
KEY = "k" * 40
TEAM = """
brands: [{name: Vélorine}, {name: Nordalia}]
people:
  Camille: {contacts: [{name: sms, type: webhook, url: "https://sms.example/c"}]}
  Nour: {contacts: [{name: sms, type: webhook, url: "https://sms.example/n"}], lang: en}
  Léa: {contacts: [{name: sms, type: webhook, url: "https://sms.example/l"}]}
  Sacha: {contacts: [{name: sms, type: webhook, url: "https://sms.example/s"}]}
  Dominique: {contacts: [{name: sms, type: webhook, url: "https://sms.example/d"}]}
oncall:
  quiet: {start: "22:00", end: "07:00"}
  test: {day: monday, at: "10:00"}
  maintenance: [{start: 2026-02-03T14:00, end: 2026-02-03T16:00, brands: [Nordalia], reason: bascule}]
  rotas:
    - role: community_manager
      rotation: {people: [Camille, Nour], first: 2026-01-05}
      deputies: [Léa]
    - {role: incident_lead, people: [Sacha]}
    - {role: decision_maker, people: [Dominique]}
"""


def settings_of(text: str = TEAM) -> Settings:
    return parse_settings(parse_yaml(text.encode(), "vigie.yaml"), Path("."), {})


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)


class Heard:
    """A channel that keeps what it is sent."""

    def __init__(self, name: str, told: list[tuple[str, Message]]) -> None:
        self._name, self._told = name, told

    def send(self, message: Message) -> None:
        self._told.append((self._name, message))

    def close(self) -> None: ...


class Team:
    """The people of the settings, one store, one clock. `restart` forgets everything that is not in the store."""

    def __init__(self, path: Path, when: str, text: str = TEAM) -> None:
        self.path, self.settings = path, settings_of(text)
        self.now = at(when)
        self.told: list[tuple[str, Message]] = []
        self.store = Store.open(path, clock_ms=lambda: self.now, durable=False)
        self.links = Links(KEY, "https://vigie.example", clock_ms=lambda: self.now)
        self._build()

    def _build(self) -> None:
        self.keeper = Keeper(self.settings, self.store, lambda: self.now)
        channels = [Channel("team", Heard("team", self.told))]
        for name in self.settings.people:
            channels.append(Channel(channel_of(name, "sms"), Heard(name, self.told), person=name))
        look = look_of(self.settings, links=self.links)
        self.delivery = Delivery(self.store, channels, look, lambda: self.now, windows_of(self.settings))

    def restart(self, after_s: float = 0) -> Team:
        """As after a kill: nothing is left but the database."""
        self.store.close()
        self.now += round(after_s * 1000)
        self.store = Store.open(self.path, clock_ms=lambda: self.now, durable=False)
        self._build()
        return self

    def turn(self, minutes: float = 0, step_s: int = 30) -> Team:
        """Let time pass; every step is a turn of the keeper and of the delivery."""
        stop = self.now + round(minutes * 60_000)
        while True:
            self.keeper.turn()
            self.delivery.deliver_now()
            if self.now >= stop:
                return self
            self.now = min(stop, self.now + step_s * 1000)

    def opened(self, level: Level = Level.ORANGE, id_: str = "inc-1", brand: str = "Vélorine") -> Incident:
        """The engine opens an incident now."""
        found = self._at_now(incident(level, id_=id_, brand=brand))
        self.raise_(AlertKind.OPENED, found)
        return found

    def raise_(self, kind: AlertKind, found: Incident) -> None:
        told: AlertRaised = raised(kind, found, f"{found.id}/{kind.value}/{self.now}")
        self.store.apply([IncidentSaved(found), PlanMade(found.id, self.now, plan()), told])

    def rises(self, found: Incident, level: Level) -> Incident:
        risen = later(found, levels=(*found.levels, LevelChange(self.now, level, ("plus grave",))))
        self.raise_(AlertKind.RAISED, risen)
        return risen

    def acked(self, found: Incident, by: str) -> Incident:
        taken = later(found, phase=Phase.ACKNOWLEDGED, acked_by=by, acked_at_ms=self.now)
        self.store.apply([IncidentSaved(taken)])
        return taken

    def _at_now(self, found: Incident) -> Incident:
        levels = tuple(change._replace(at_ms=self.now) for change in found.levels)
        return later(found, opened_at_ms=self.now, since_ms=self.now - 2_400_000, levels=levels)

    def heard(self, *kinds: str, since_ms: int = 0) -> list[tuple[float, str]]:
        """Who was told what, minutes after `since_ms`: pages of these kinds, of all when none is named."""
        return [
            ((message.told_at_ms - since_ms) / 60_000, name)
            for name, message in self.told
            if message.page is not None and (not kinds or message.page.kind in kinds)
        ]
