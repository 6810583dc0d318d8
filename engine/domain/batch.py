"""What a source hands to the engine: mentions, rejects, and how far it has read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from engine.domain.mention import Mention


class Reject(NamedTuple):
    """A record that could not be read as a mention. It becomes a dead letter; its neighbours are not harmed.

    `position` says where it stands, for a person ("line 12", "vigie.mentions/3@1042"); `field` is the offending
    field's name, "" when the whole record is unreadable; `raw` holds the first bytes as they came.
    """

    position: str
    field: str
    reason: str
    raw: bytes


class Cursor(NamedTuple):
    """How far a partition of a source has been read: everything before `position` is in. Opaque to the engine."""

    source: str
    partition: str
    position: str


class Command(NamedTuple):
    """What a person asks of an incident: ack, contain, resolve, reject (a false alarm), note."""

    seq: int
    name: str
    incident_id: str
    actor: str
    text: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One poll of one source. An empty one is the tick: silence is evidence too.

    `live` tells a stream of the present (arrival is now) from a replay (arrival is the time of the stream itself).
    `end` says that the source is over for good: every bin that holds a mention is then closed.
    """

    mentions: tuple[Mention, ...] = ()
    rejects: tuple[Reject, ...] = ()
    cursors: tuple[Cursor, ...] = ()
    source: str = ""
    """The name of the source, for the figures; told by the loop."""
    commands: tuple[Command, ...] = ()
    unknown_fields: int = 0
    truncated: int = 0
    live: bool = False
    end: bool = False
    extra: dict[str, int] = field(default_factory=dict)
    """Further counts of the source, by name, for the metrics."""
