"""Any of apprise's services, under our own limits on length.

The text holds no markup of any kind (`ops.render.neutral`), so it reads the same as plain text, Markdown and HTML. A
service that takes less than the screen gets the short form, cut by us where we choose and not by them where they do.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from engine.domain.errors import DeliveryError
from ops.delivery.cards import LIMITS, whole_lines
from ops.delivery.guard import Resolve, is_public, resolve
from ops.delivery.message import Message
from ops.render.neutral import shortened

BODY_CHARS_MAX = {
    "msteams": LIMITS["teams"],
    "workflows": LIMITS["teams"],
    "pagerduty": LIMITS["pagerduty"],
    "discord": LIMITS["discord"],
    "tgram": LIMITS["telegram"],
    "slack": LIMITS["slack"],
}
"""By apprise schema, where a service shows less than it says it takes."""

SHORT_BELOW = 800
"""A service that takes less than this gets the short form."""


@dataclass(frozen=True, slots=True)
class AppriseParams:
    """`urls` are apprise addresses; they hold secrets and are never shown."""

    urls: tuple[str, ...] = field(repr=False)
    allow_private: bool = False
    """May they lead to addresses of a private network, such as a mail relay of one's own?"""


class AppriseNotifier:
    """Delivered means: every address took it. A repeat goes to those that did not take it, within one process."""

    def __init__(self, params: AppriseParams) -> None:
        self._params = params
        self._services: list[Any] | None = None
        self._taken: dict[str, set[int]] = {}

    def send(self, message: Message) -> None:
        import apprise

        if self._services is None:
            self._services = _services(self._params.urls)
        if not self._params.allow_private:
            for service in self._services:
                refuse_private(service)
        taken = self._taken.setdefault(message.key, set())
        failed: list[str] = []
        for i, service in enumerate(self._services):
            if i in taken:
                continue
            title, body = fitted(message, service)
            sender = apprise.Apprise()
            sender.add(service)  # it turns our plain text into the service's own format, escaped
            kind = apprise.NotifyType.INFO if message.is_update else apprise.NotifyType.WARNING
            if sender.notify(body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT):
                taken.add(i)
            else:
                failed.append(schema_of(service))
        if failed:
            raise DeliveryError(f"apprise: {', '.join(failed)} did not take it")
        self._taken.pop(message.key, None)

    def close(self) -> None:
        self._services = None


def _services(urls: tuple[str, ...]) -> list[Any]:
    """The services behind the addresses. Raises a final DeliveryError for one that apprise can't read."""
    import apprise

    logging.getLogger("apprise").setLevel(logging.CRITICAL)  # its log lines show addresses, and those hold secrets
    services = []
    for i, url in enumerate(urls, 1):
        service = apprise.Apprise.instantiate(url, suppress_exceptions=True)
        if service is None:
            kind = url.split(":", 1)[0][:20] if ":" in url else "?"
            raise DeliveryError(f"apprise: address {i} ({kind}://…) is none that apprise knows", retry=False)
        service.overflow_mode = apprise.OverflowMode.SPLIT  # should our own limit be too wide, nothing is lost
        services.append(service)
    return services


def refuse_private(service: Any, resolver: Resolve = resolve) -> None:
    """Raises DeliveryError where the service's own host is of a private network.

    Many addresses have a token in the host's place. Those have no dot, and are never looked up: that would tell them.
    """
    hosts = {getattr(service, name, None) for name in ("host", "smtp_host")}
    for host in hosts:
        if not isinstance(host, str) or not ("." in host or ":" in host or host == "localhost"):
            continue
        try:
            addresses = resolver(host.strip("[]"), int(getattr(service, "port", None) or 443))
        except (OSError, ValueError):  # no name that can be asked for: the service says so itself
            continue
        if not all(is_public(address) for address in addresses):
            kind = schema_of(service)
            raise DeliveryError(f"apprise: {kind} leads to a private address; allow_private permits it", retry=False)


def schema_of(service: Any) -> str:
    """The first part of the service's address, which is no secret."""
    return str(service.url()).split(":", 1)[0]


def fitted(message: Message, service: Any) -> tuple[str, str]:
    """Title and body that the service takes in one piece."""
    body_max = min(int(service.body_maxlen), BODY_CHARS_MAX.get(schema_of(service), int(service.body_maxlen)))
    title_max = int(service.title_maxlen)
    if body_max < SHORT_BELOW:
        return "", message.short(max(20, body_max))
    text = message.text()
    if title_max <= 0:
        return "", whole_lines(text, body_max)
    title, rest = text.split("\n", 1)
    title = shortened(title, title_max)
    return title, whole_lines(rest, body_max - len(title) - 2)
