"""What travels through the stages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from ops.delivery.channel import Channel
from ops.render.alert import Look
from ops.store.outbox import DeliveryState, DueDelivery, Mute, Outbox


class Decision(NamedTuple):
    """What becomes of a delivery, by which stage, and why. `attempts` counts those that are over."""

    stage: str
    state: DeliveryState
    reason: str
    attempts: int
    next_at_ms: int


@dataclass(frozen=True, slots=True)
class Passage:
    """One delivery on its way; `decision` is None until a stage decides."""

    due: DueDelivery
    channel: Channel
    outbox: Outbox
    look: Look
    now_ms: int
    clock_ms: Callable[[], int]
    send: Callable[[Passage], None]
    """Hand the alert to the channel's notifier, within its time-out. Raises DeliveryError."""
    windows: Callable[[int], Sequence[Mute]] = lambda _now_ms: ()
    """Mutes that the settings plan, in force at a time."""
    decision: Decision | None = None

    def decided(self, stage: str, state: DeliveryState, reason: str) -> Passage:
        """A final decision that costs no attempt."""
        delivery = self.due.delivery
        return replace(self, decision=Decision(stage, state, reason, delivery.attempts, delivery.next_at_ms))


Stage: TypeAlias = Callable[[Passage], Passage]
