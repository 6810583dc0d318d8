"""What leaves for other programs: alerts as CloudEvents 1.0, dead letters as plain JSON.

An event's `id` is the alert's key, so whoever has seen it may drop a repeat. Records are keyed by brand: what is told
of one brand keeps its order. What people wrote is not in an event: it names the mentions, and a topic that nobody can
erase from holds no words of theirs. Drafts, which are the team's, are in it.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from engine.domain.effects import AlertRaised
from engine.domain.incident import AlertKind, Level, Phase, Standing
from ops.render.moments import utc
from ops.store.codec import dumps

SOURCE = "/vigie"
TYPE_PREFIX = "fr.vigie.incident."
CONTENT_TYPE = "application/cloudevents+json"

_CLOSED = ConfigDict(extra="forbid")

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, description="RFC 3339, UTC.")]
LevelWord = Annotated[str, Field(json_schema_extra={"enum": [level.label for level in Level]})]
EventType = Annotated[str, Field(json_schema_extra={"enum": [TYPE_PREFIX + kind.value for kind in AlertKind]})]


class Record(NamedTuple):
    """A Kafka record: key, value, headers."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...] = ()


@with_config(_CLOSED)
class MentionRef(TypedDict):
    """A mention that the incident rests on; its text stays in the store."""

    role: Annotated[str, Field(description="Why it is shown: first, reach, typical, and so on.")]
    id: str
    source: str
    created_at: Time
    url: str | None
    negative: Annotated[float, Field(ge=0, le=1, description="Probability that it is negative.")]


@with_config(_CLOSED)
class EvidenceData(TypedDict):
    """Why the engine believes it."""

    since: Time
    observed: Annotated[float, Field(description="Negatives since the onset, a sum of probabilities.")]
    expected: Annotated[float, Field(description="Negatives that the brand's own normal would have brought.")]
    total: int
    authors: int
    reach: int
    networks: Annotated[dict[str, int], Field(description="Negative mentions by network.")]
    categories: Annotated[dict[str, int], Field(description="Negative mentions by category.")]
    top_terms: list[str]
    mentions: list[MentionRef]


@with_config(_CLOSED)
class IncidentData(TypedDict):
    """The incident as it stands."""

    id: str
    brand: str
    phase: Phase
    level: LevelWord
    level_max: LevelWord
    opened_at: Time
    closed_at: Time | None
    since: Time
    waves: int
    acknowledged_by: str | None
    exercise: Annotated[bool, Field(description="A drill, and no crisis.")]


@with_config(_CLOSED)
class DraftData(TypedDict):
    """A text that a person may approve."""

    network: str
    lang: str
    form: str | None
    kind: str
    text: Annotated[str, Field(description="Facts that are missing stand in it as ⟦name⟧.")]
    missing: list[str]
    findings: Annotated[list[str], Field(description="Rules that it breaks; while there is one it is blocked.")]


@with_config(_CLOSED)
class PlaybookData(TypedDict):
    """The playbook that was chosen, and its drafts."""

    id: str
    title: str
    reason: str
    drafts: list[DraftData]


@with_config(_CLOSED)
class AlertData(TypedDict):
    """What the team is told."""

    key: Annotated[str, Field(description="The same for the same fact; a provisional alert has its final one's key.")]
    standing: Annotated[Standing, Field(description="A provisional alert is later confirmed or withdrawn.")]
    reasons: list[str]
    incident: IncidentData
    evidence: EvidenceData
    playbook: PlaybookData | None


@with_config(_CLOSED)
class IncidentEvent(TypedDict):
    """An alert as a CloudEvent 1.0 in structured mode."""

    specversion: Literal["1.0"]
    id: Annotated[str, Field(description="The alert's delivery key: a repeat has the same.")]
    source: Literal["/vigie"]
    type: EventType
    subject: Annotated[str, Field(description="The brand.")]
    time: Time
    datacontenttype: Literal["application/json"]
    data: AlertData


@with_config(_CLOSED)
class LetterRecord(TypedDict):
    """A record that could not be read."""

    source: Annotated[str, Field(description="The name of the source that it came from.")]
    position: Annotated[str, Field(description="Where it stood, such as vigie.mentions/3@1042.")]
    field: Annotated[str, Field(description="The offending field; empty when the whole record is unreadable.")]
    reason: str
    at: Time
    size_bytes: Annotated[int, Field(ge=0, description="How long the record was.")]
    raw_base64: Annotated[str, Field(description="Its first bytes.", json_schema_extra={"contentEncoding": "base64"})]


EVENT: TypeAdapter[IncidentEvent] = TypeAdapter(IncidentEvent)
LETTER: TypeAdapter[LetterRecord] = TypeAdapter(LetterRecord)


def incident_event(raised: AlertRaised) -> Record:
    """An alert as the record that is published; the same alert gives the same bytes."""
    alert = raised.alert
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": alert.delivery_key,
        "source": SOURCE,
        "type": TYPE_PREFIX + alert.kind.value,
        "subject": alert.incident.brand,
        "time": utc(alert.at_ms),
        "datacontenttype": "application/json",
        "data": _data(raised),
    }
    headers = (("content-type", f"{CONTENT_TYPE}; charset=UTF-8".encode()),)
    return Record(alert.incident.brand.encode("utf-8", "replace"), dumps(event), headers)


def letter_record(letter: Mapping[str, Any]) -> Record:
    """A row of the dead letters as the record that is published; keyed by where it stood."""
    record = {
        "source": letter["source"],
        "position": letter["position"],
        "field": letter["field"],
        "reason": letter["reason"],
        "at": utc(letter["at_ms"]),
        "size_bytes": letter["size_bytes"],
        "raw_base64": base64.b64encode(letter["raw"]).decode("ascii"),
    }
    return Record(str(letter["position"]).encode("utf-8", "replace"), dumps(record))


def _data(raised: AlertRaised) -> dict[str, Any]:
    alert, incident = raised.alert, raised.alert.incident
    return {
        "key": alert.key,
        "standing": alert.standing.value,
        "reasons": list(incident.levels[-1].reasons) if incident.levels else [],
        "incident": {
            "id": incident.id,
            "brand": incident.brand,
            "phase": incident.phase.value,
            "level": incident.level.label,
            "level_max": incident.level_max.label,
            "opened_at": utc(incident.opened_at_ms),
            "closed_at": None if incident.closed_at_ms is None else utc(incident.closed_at_ms),
            "since": utc(incident.since_ms),
            "waves": incident.waves,
            "acknowledged_by": incident.acked_by,
            "exercise": incident.exercise,
        },
        "evidence": _evidence(raised),
        "playbook": _playbook(raised),
    }


def _evidence(raised: AlertRaised) -> dict[str, Any]:
    evidence = raised.alert.incident.evidence
    return {
        "since": utc(evidence.since_ms),
        "observed": evidence.observed,
        "expected": evidence.expected,
        "total": evidence.total,
        "authors": evidence.authors,
        "reach": evidence.reach,
        "networks": dict(evidence.networks),
        "categories": dict(evidence.categories),
        "top_terms": list(evidence.top_terms),
        "mentions": [
            {
                "role": item.role,
                "id": item.mention.id,
                "source": item.mention.source,
                "created_at": utc(item.mention.created_at_ms),
                "url": item.mention.url,
                "negative": round(item.negative, 4),
            }
            for item in evidence.mentions
        ],
    }


def _playbook(raised: AlertRaised) -> dict[str, Any] | None:
    plan = raised.plan
    if plan is None:
        return None
    drafts = [
        {
            "network": draft.network,
            "lang": draft.lang,
            "form": draft.form,
            "kind": draft.kind,
            "text": draft.text,
            "missing": list(draft.missing),
            "findings": [finding.rule for finding in draft.findings],
        }
        for draft in plan.drafts
    ]
    return {"id": plan.playbook, "title": plan.title, "reason": plan.reason, "drafts": drafts}
