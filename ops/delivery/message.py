"""What a notifier gets, and what it must be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from engine.domain.effects import AlertRaised
from engine.domain.incident import Standing
from ops.oncall.escalation import CallKind
from ops.oncall.page import Page
from ops.render import alert as render
from ops.render import page as pages
from ops.render.alert import Look


@dataclass(frozen=True, slots=True)
class Message:
    """One alert for one channel, or a page for one person.

    The team's clock runs from `told_at_ms`; `now_ms` is the time of this attempt.
    """

    raised: AlertRaised
    look: Look
    told_at_ms: int
    now_ms: int
    page: Page | None = None

    @property
    def key(self) -> str:
        """The same for the same fact, however often it is sent: receivers may drop what they have seen."""
        return self.raised.alert.delivery_key

    @property
    def is_update(self) -> bool:
        """Whether this channel has been told before, and hears now how that ended: no second page."""
        if self.page is not None:
            return self.page.kind in (CallKind.TAKEN, CallKind.OVER)
        return self.raised.alert.standing in (Standing.CONFIRMED, Standing.WITHDRAWN)

    @property
    def link(self) -> str | None:
        """The signed link that takes the incident; None where there is nothing to take, or no links are set up."""
        look, page, alert = self.look, self.page, self.raised.alert
        if look.link_of is None or (page is not None and page.kind not in LINKED):
            return None
        if page is None and (not render.is_urgent(alert) or alert.incident.acked_by is not None):
            return None
        return look.link_of(alert.incident.id, 0 if page is None else page.seq, self.told_at_ms)

    @property
    def open_url(self) -> str | None:
        """The incident's own page; None where there is none."""
        found: str | None = self.data()["url"]
        return found

    @property
    def title(self) -> str:
        """One line, safe to show anywhere."""
        if self.page is not None:
            return pages.title(self.raised, self.look, self.page)
        return render.title(self.raised, self.look)

    def text(self, *, with_link: bool = True) -> str:
        """The whole alert, one screen, safe to show anywhere. Who has the link can take the incident."""
        link = self.link if with_link else None
        if self.page is not None:
            return pages.text(self.raised, self.look, self.told_at_ms, self.page, link)
        return render.text(self.raised, self.look, self.told_at_ms, link)

    def short(self, chars_max: int = 160) -> str:
        """For an SMS."""
        if self.page is not None:
            return pages.short(self.raised, self.look, self.told_at_ms, self.page, chars_max, self.link)
        return render.short(self.raised, self.look, self.told_at_ms, chars_max, self.link)

    def data(self, *, with_link: bool = True) -> dict[str, Any]:
        """Plain data with stable keys, as `ops.render.alert.as_dict` describes; a page has a key `page` beside."""
        found = render.as_dict(self.raised, self.look, self.told_at_ms, self.link if with_link else None)
        if self.page is None:
            return found
        text = self.text(with_link=with_link)
        return found | {"title": self.title, "text": text, "page": pages.as_dict(self.page)}


LINKED = frozenset(
    {CallKind.CALL, CallKind.MORNING, CallKind.RISE, CallKind.HANDOVER, CallKind.UNANSWERED, CallKind.TEST}
)
"""Pages that ask for an answer."""


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
