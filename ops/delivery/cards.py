"""What the cards of Slack and Teams have in common: the lines that fit, and the buttons."""

from __future__ import annotations

from typing import NamedTuple

from engine.domain.incident import Level
from ops.delivery.message import Message
from ops.oncall.escalation import CallKind

LIMITS = {
    "sms": 160, "teams": 1_000, "pagerduty": 1_024, "discord": 2_000, "slack": 3_000, "telegram": 4_096,
}  # fmt: skip
"""Characters that a channel takes, or shows, of one message."""

_WORDS = {
    "fr": {"take": "Prendre en charge", "confirm": "Confirmer la réception", "open": "Ouvrir l’incident"},
    "en": {"take": "Take it", "confirm": "Confirm", "open": "Open incident"},
}


class Button(NamedTuple):
    """A button that opens an address. `weight` is primary for what is asked, default for the rest."""

    text: str
    url: str
    weight: str


def buttons(message: Message) -> tuple[Button, ...]:
    """Take it, where there is something to take; open the incident, where there is a page of it."""
    say = _WORDS["fr" if message.look.lang == "fr" else "en"]
    found = []
    link = message.link
    if link is not None:
        is_test = message.page is not None and message.page.kind == CallKind.TEST
        found.append(Button(say["confirm" if is_test else "take"], link, "primary"))
    url = message.open_url
    if url is not None and not (message.page is not None and message.page.kind == CallKind.TEST):
        found.append(Button(say["open"], url, "default"))
    return tuple(found)


def lines(message: Message, chars_max: int) -> str:
    """The alert without its title, cut to whole lines; the link is on the button."""
    return whole_lines(message.text(with_link=False).split("\n", 1)[-1], chars_max)


def colour(message: Message) -> Level:
    """The level that the card is coloured by."""
    return message.raised.alert.incident.level


def whole_lines(text: str, chars_max: int) -> str:
    """As many lines as fit. The first ones, which say what to do, come before the last ones, which say where to go, and
    those before the ones of the middle.

    >>> whole_lines("DO NOW\\n\\na\\nb\\nc\\n\\nLINK", 16)
    'DO NOW\\n\\n…\\nLINK'
    """
    if len(text) <= chars_max:
        return text
    head, _, tail = text.rpartition("\n\n")
    first, _, middle = head.partition("\n\n")
    if not middle or len(first) + len(tail) + 4 > chars_max:
        return _cut(text, chars_max)
    kept, room = [first, ""], chars_max - len(first) - len(tail) - 4
    for line in middle.split("\n"):
        if len(line) + 1 > room:
            break
        kept.append(line)
        room -= len(line) + 1
    return "\n".join([*kept, "…", tail])


def _cut(text: str, chars_max: int) -> str:
    """From the front, line by line; a first line that is too long is cut at its end."""
    kept: list[str] = []
    room = chars_max - 1
    for line in text.split("\n"):
        if len(line) > room:
            break
        kept.append(line)
        room -= len(line) + 1
    cut = "\n".join(kept) or text[: max(0, chars_max - 1)]
    return (cut.rstrip("\n") + "…")[:chars_max]
