"""Slack through an incoming webhook: a card with buttons.

Spec: https://api.slack.com/reference/block-kit/blocks. Every text is of type plain_text, in which Slack reads neither
mentions nor links nor markup; the fallback line is escaped besides. The buttons open addresses, so no Slack app has to
answer: the signed link shows a page that asks, and only its button takes the incident.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ops.delivery.cards import LIMITS, buttons, lines
from ops.delivery.http import post
from ops.delivery.message import Message
from ops.render.neutral import shortened
from ops.store.codec import dumps

HEADER_CHARS_MAX = 150
BUTTON_CHARS_MAX = 75
URL_CHARS_MAX = 3_000


@dataclass(frozen=True, slots=True)
class SlackParams:
    """`url` is the webhook's address: a secret."""

    url: str = field(repr=False)
    allow_private: bool = False
    timeout_s: float = 10.0


class SlackNotifier:
    """Delivered means: Slack answered 2xx."""

    def __init__(self, params: SlackParams) -> None:
        self._params = params

    def send(self, message: Message) -> None:
        params = self._params
        headers = {"Idempotency-Key": message.key}
        post(params.url, dumps(card(message)), headers, timeout_s=params.timeout_s, allow_private=params.allow_private)

    def close(self) -> None:
        """Every attempt has its own connection."""


def card(message: Message) -> dict[str, Any]:
    """The payload: a header, the alert, the buttons."""
    title = shortened(message.title, HEADER_CHARS_MAX)
    blocks: list[dict[str, Any]] = [{"type": "header", "text": _plain(title)}]
    body = lines(message, LIMITS["slack"])
    if body:
        blocks.append({"type": "section", "text": _plain(body)})
    elements = [
        {
            "type": "button",
            "text": _plain(shortened(button.text, BUTTON_CHARS_MAX)),
            "url": button.url,
            "action_id": f"vigie-{i}",
            **({"style": "primary"} if button.weight == "primary" else {}),
        }
        for i, button in enumerate(buttons(message))
        if len(button.url) <= URL_CHARS_MAX
    ]
    if elements:
        blocks.append({"type": "actions", "elements": elements})
    fallback = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": fallback, "mrkdwn": False, "unfurl_links": False, "unfurl_media": False, "blocks": blocks}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}
