"""What a notifier gets, and what it must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from engine.domain.effects import AlertRaised
from engine.domain.incident import Standing
from ops.render import alert as render
from ops.render.alert import Look


@dataclass(frozen=True, slots=True)
class Message:
    """One alert for one channel. The team's clock runs from `told_at_ms`; `now_ms` is the time of this attempt."""

    raised: AlertRaised
    look: Look
    told_at_ms: int
    now_ms: int

    @property
    def key(self) -> str:
        """The same for the same fact, however often it is sent: receivers may drop what they have seen."""
        return self.raised.alert.delivery_key

    @property
    def is_update(self) -> bool:
        """Whether this channel has been told before, and hears now how that ended: no second page."""
        return self.raised.alert.standing in (Standing.CONFIRMED, Standing.WITHDRAWN)

    @property
    def title(self) -> str:
        """One line, safe to show anywhere."""
        return render.title(self.raised, self.look)

    def text(self) -> str:
        """The whole alert, one screen, safe to show anywhere."""
        return render.text(self.raised, self.look, self.told_at_ms)

    def short(self, chars_max: int = 160) -> str:
        """For an SMS."""
        return render.short(self.raised, self.look, self.told_at_ms, chars_max)

    def data(self) -> dict[str, Any]:
        """Plain data with stable keys, as `ops.render.alert.as_dict` describes."""
        return render.as_dict(self.raised, self.look, self.told_at_ms)


class Notifier(Protocol):
    """One way to reach people. The constructor opens nothing."""

    def send(self, message: Message) -> None:
        """Return when the channel has taken it.

        Raises DeliveryError when it did not, with `retry=False` where trying again is useless. May block: the worker
        gives up on it after the channel's time-out. Must bear being called again with the same key.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...
