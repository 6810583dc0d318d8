"""What the inside wants done, as data. The executor in `ops` carries a step's effects out in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

from engine.domain.batch import Cursor, Reject
from engine.domain.incident import Alert, Incident
from engine.domain.mention import Mention
from engine.domain.playbook import Plan


@dataclass(frozen=True, slots=True)
class IncidentSaved:
    """This is what the incident looks like now (an upsert by id)."""

    incident: Incident


@dataclass(frozen=True, slots=True)
class AlertRaised:
    """Tell the team; into the outbox, once a key."""

    alert: Alert
    plan: Plan | None


@dataclass(frozen=True, slots=True)
class PlanMade:
    """The playbook for an incident was chosen or chosen anew (an upsert by incident)."""

    incident_id: str
    at_ms: int
    plan: Plan


class DeadLettered(NamedTuple):
    """Keep the bytes of a record that could not be read, with its reason and position."""

    reject: Reject
    source: str = ""


class LateStored(NamedTuple):
    """Keep a mention that came after its bin was closed: it counts in no series."""

    mention: Mention
    brands: tuple[str, ...]


class CurveDrawn(NamedTuple):
    """Ten minutes of an incident's curve: keep them for its reports (an upsert by incident and start)."""

    incident_id: str
    start_ms: int
    negative: float
    """Negatives (sum of probabilities) among `total` mentions,"""
    total: int
    expected: float
    """and how many the brand's own normal would have brought."""


class StateSaved(NamedTuple):
    """A part of the engine's state changed. `data` holds JSON values only; those of a brand at rest as bytes, as the
    engine's packing made them."""

    part: str
    data: dict[str, Any] | bytes


class StateDropped(NamedTuple):
    """A part of the engine's state is no longer needed."""

    part: str


class Counted(NamedTuple):
    """Add `n` to a lasting counter. Labels in a fixed order, never an author or a text."""

    name: str
    labels: tuple[str, ...]
    n: float


class Gauged(NamedTuple):
    """A figure of now, for the metrics only; not stored."""

    name: str
    labels: tuple[str, ...]
    value: float


class CommandDone(NamedTuple):
    """A person's command was carried out or refused, with the sentence to show."""

    seq: int
    ok: bool
    text: str


class CursorMoved(NamedTuple):
    """Everything before this position is now reflected in the state."""

    cursor: Cursor


Effect: TypeAlias = (
    IncidentSaved | AlertRaised | PlanMade | CurveDrawn | DeadLettered | LateStored | StateSaved | StateDropped
    | Counted | Gauged | CommandDone | CursorMoved
)  # fmt: skip
