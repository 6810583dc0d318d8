"""A page: one message for one person, as it stands in the outbox beside the alert that it is about."""

from __future__ import annotations

from typing import NamedTuple

PERSON = "person:"
"""What the names of people's own channels begin with."""

PEOPLE = "people"
"""Their label in figures, which name nobody."""


class PageItem(NamedTuple):
    """One of several incidents told together. `seq` is its page's number, for the link."""

    seq: int
    incident_id: str
    line: str


class Page(NamedTuple):
    """Whom to tell and why. A `person` of "" is the team: all of its channels.

    `kind` is one of `ops.oncall.escalation.CallKind`. `next_person` is called at `next_at_ms` if nobody answers;
    `before` are those who were called and did not. `text` is the overdue step, or who has taken it.
    """

    seq: int
    person: str
    role: str
    kind: str
    next_person: str = ""
    next_at_ms: int | None = None
    before: tuple[str, ...] = ()
    text: str = ""
    lang: str | None = None
    items: tuple[PageItem, ...] = ()


def channel_of(person: str, contact: str) -> str:
    """The name of a person's own channel.

    >>> channel_of("Camille", "sms")
    'person:Camille/sms'
    """
    return f"{PERSON}{person}/{contact}"


def label_of(channel: str) -> str:
    """A channel as the figures call it.

    >>> label_of("person:Camille/sms"), label_of("log")
    ('people', 'log')
    """
    return PEOPLE if channel.startswith(PERSON) else channel
