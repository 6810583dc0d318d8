"""A channel: a notifier with a name, and whom it cares about."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.incident import Level
from ops.delivery.message import Notifier
from ops.oncall.page import Page

TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Channel:
    """Where alerts of `level_min` and up go, for these brands (all, when empty).

    `timeout_s` is how long one attempt may take, whatever the notifier does. One that `takes_all` is for programs:
    every alert goes there as it was raised, muted or overtaken or not.
    """

    name: str
    notifier: Notifier
    level_min: Level = Level.JAUNE
    brands: tuple[str, ...] = ()
    timeout_s: float = TIMEOUT_S
    takes_all: bool = False
    person: str | None = None
    """Whose own it is; it gets that person's pages and nothing else. None for a channel of the team."""

    def hears(self, page: Page | None) -> bool:
        """Is this message meant for this channel? The team hears alerts, and pages that are addressed to nobody."""
        addressed = "" if page is None else page.person
        return addressed == (self.person or "")
