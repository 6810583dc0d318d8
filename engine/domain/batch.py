"""What a source hands to the engine: mentions, rejects, and how far it has read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from engine.domain.mention import Mention


class Reject(NamedTuple):
    """A record that could not be read as a mention. It becomes a dead letter; its neighbours are not harmed.

    `position` says where it stands, for a person ("line 12", "vigie.mentions/3@1042"); `field` is the offending
    field's name, "" when the whole record is unreadable; `raw` holds the first bytes as they came, `size_bytes` how
    many there were. `key` tells it from every other record for good, so that a repeat is known; "" where nothing does.
    """

    position: str
    field: str
    reason: str
    raw: bytes
    key: str = ""
    size_bytes: int = 0


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


class Scored(NamedTuple):
    """What another process has already told of a mention: its brands here, and how it reads.

    `units` is P(negative) in ten-thousandths, `urgency` in hundredths. A mention of brands that several engines watch
    comes to each of them; one alone has `counted` set and counts it in the figures of the whole. `future` says that
    its date lay ahead of the clock and was put right.
    """

    brands: tuple[str, ...]
    units: int = 0
    label: str = "neu"
    lang: str = "und"
    categories: tuple[str, ...] = ()
    urgency: int = 0
    counted: bool = True
    future: bool = False


class Progress(NamedTuple):
    """How far in event time a lane has come. `idle`: nothing waits in it, and nothing came for a while."""

    lane: str
    reached_ms: int = 0
    idle: bool = False


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
    lanes: tuple[str, ...] = ()
    """For each mention the lane that it came in (a partition), within which it is in order; empty: none has any."""
    reached_ms: tuple[int, ...] = ()
    """For each mention the newest event time in its lane before it, where more came in the lane than is handed on."""
    scored: tuple[Scored, ...] = ()
    """For each mention what is known of it; empty: the engine reads them itself."""
    progress: tuple[Progress, ...] = ()
    """News of lanes, true after the mentions above."""
    all_lanes: tuple[str, ...] = ()
    """The lanes that there are, where that has changed; time waits for those that have not been heard of yet."""
