"""A channel: a notifier with a name, and whom it cares about."""

from __future__ import annotations

from dataclasses import dataclass

from engine.domain.incident import Level
from ops.delivery.message import Notifier

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
