"""What a replay would have told to whom: the settings' rota, channels and delivery stages over the replay's own time.

Nothing is sent: each channel is replaced by one that writes down what it was given. Nobody answers in a rehearsal, so
the ladder is climbed to its end. It runs on a store of its own; a service that starts later finds nothing of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from engine.domain.effects import AlertRaised, IncidentSaved
from engine.domain.incident import Level
from ops.channels import Channel as Section
from ops.delivery.build import look_of, windows_of
from ops.delivery.channel import Channel
from ops.delivery.message import Message
from ops.delivery.worker import Delivery
from ops.oncall.keeper import Keeper
from ops.oncall.page import channel_of
from ops.render.moments import utc
from ops.settings import Settings
from ops.store import Store
from ops.store.codec import dumps

TURNS_MAX = 10_000
"""Of one advance; a rehearsal that never comes to rest ends."""


class Told(NamedTuple):
    """A message as a channel was given it."""

    at_ms: int
    channel: str
    kind: str
    person: str | None
    message: Message

    def view(self) -> dict[str, Any]:
        """For JSON; the texts are safe to show anywhere."""
        alert, page = self.message.raised.alert, self.message.page
        return {
            "at": utc(self.at_ms), "channel": self.channel, "type": self.kind, "person": self.person,
            "kind": alert.kind.value if page is None else page.kind, "standing": alert.standing.value,
            "incident": alert.incident.id, "level": alert.incident.level.label,
            "exercise": alert.incident.exercise, "title": self.message.title, "text": self.message.text(),
            "short": self.message.short(),
        }  # fmt: skip


class _Pen:
    """A channel that writes down."""

    def __init__(self, section: Section, name: str, person: str | None, told: list[Told]) -> None:
        self._section, self._name, self._person, self._told = section, name, person, told

    def send(self, message: Message) -> None:
        self._told.append(Told(message.now_ms, self._name, self._section.type, self._person, message))

    def close(self) -> None: ...


class Rehearsal:
    """Hand it the alerts of a replay as they come; `close` when it is over."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings.model_copy(
            update={"oncall": settings.oncall.model_copy(update={"test": None, "deadman": None})}
        )
        self._now_ms = 0
        self.told: list[Told] = []
        self._store = Store.temporary(clock_ms=lambda: self._now_ms)
        self._keeper: Keeper | None = None
        look = look_of(self._settings)
        self._delivery = Delivery(self._store, self._channels(), look, lambda: self._now_ms, windows_of(self._settings))

    def _channels(self) -> list[Channel]:
        settings = self._settings
        named = [(section, section.name, None) for section in settings.alerts.channels]
        named += [
            (section, channel_of(name, section.name), name)  # type: ignore[misc]
            for name, person in settings.people.items()
            for section in person.contacts
        ]
        return [
            Channel(
                name, _Pen(section, name, person, self.told), Level[section.level_min.upper()], section.brands,
                person=person,
            )
            for section, name, person in named
        ]  # fmt: skip

    def hear(self, alerts: Sequence[AlertRaised]) -> None:
        """Alerts of one step, in the order of their times."""
        for raised in sorted(alerts, key=lambda one: one.alert.at_ms):
            self.advance(raised.alert.at_ms)
            self._store.apply([IncidentSaved(raised.alert.incident), raised])
            self._turn()

    def advance(self, to_ms: int) -> None:
        """Let time pass: every timer that runs out on the way does its work at its own time."""
        if self._keeper is None:
            self._now_ms = to_ms
            self._keeper = Keeper(self._settings, self._store, lambda: self._now_ms)
        for _ in range(TURNS_MAX):
            due_ms = self._store.pages.next_due_ms()
            if due_ms is None or due_ms > to_ms:
                break
            self._now_ms = max(self._now_ms, due_ms)
            self._turn()
        self._now_ms = max(self._now_ms, to_ms)

    def _turn(self) -> None:
        assert self._keeper is not None
        self._keeper.turn()
        self._delivery.deliver_now()

    def views(self) -> list[dict[str, Any]]:
        """What was told, by time; of one moment by channel."""
        found = [told.view() for told in self.told]
        return sorted(found, key=lambda view: (view["at"], view["channel"], dumps(view)))

    def close(self) -> None:
        self._store.close()
