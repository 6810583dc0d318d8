"""Microsoft Teams through a Workflows webhook: an adaptive card with buttons.

Spec: https://adaptivecards.io/explorer/ (version 1.4, what Teams shows). Texts are TextRun elements of a RichTextBlock,
which know no Markdown; a mention would need an entity of its own, and there is none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.domain.incident import Level
from ops.delivery.cards import LIMITS, buttons, colour, lines
from ops.delivery.http import post
from ops.delivery.message import Message
from ops.render.neutral import shortened
from ops.store.codec import dumps

TITLE_CHARS_MAX = 150
_COLOURS = {Level.VERT: "Good", Level.JAUNE: "Warning", Level.ORANGE: "Warning", Level.ROUGE: "Attention"}


@dataclass(frozen=True, slots=True)
class TeamsParams:
    """`url` is the webhook's address: a secret."""

    url: str = field(repr=False)
    allow_private: bool = False
    timeout_s: float = 15.0


class TeamsNotifier:
    """Delivered means: the workflow answered 2xx."""

    def __init__(self, params: TeamsParams) -> None:
        self._params = params

    def send(self, message: Message) -> None:
        params = self._params
        headers = {"Idempotency-Key": message.key}
        post(params.url, dumps(card(message)), headers, timeout_s=params.timeout_s, allow_private=params.allow_private)

    def close(self) -> None:
        """Every attempt has its own connection."""


def card(message: Message) -> dict[str, Any]:
    """The payload: one message with one card. All its words together stay within Teams' limit."""
    title = shortened(message.title, TITLE_CHARS_MAX)
    body: list[dict[str, Any]] = [
        {
            "type": "RichTextBlock",
            "inlines": [_run(title, weight="Bolder", size="Large", color=_COLOURS[colour(message)])],
        }
    ]
    body += [
        {"type": "RichTextBlock", "inlines": [_run(line)], "spacing": "None" if line else "Small"}
        for line in lines(message, LIMITS["teams"] - len(title)).split("\n")
        if line
    ]
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "fallbackText": title,
        "msteams": {"width": "Full"},
        "body": body,
        "actions": [
            {"type": "Action.OpenUrl", "title": button.text, "url": button.url, "style": _STYLES[button.weight]}
            for button in buttons(message)
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


_STYLES = {"primary": "positive", "default": "default"}


def _run(text: str, **looks: str) -> dict[str, Any]:
    return {"type": "TextRun", "text": text, **looks}
