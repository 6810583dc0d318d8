"""What leaves on topics is what docs/asyncapi.yaml says."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from jsonschema import Draft7Validator, ValidationError
from ruamel.yaml import YAML

from engine.domain.batch import Reject, Scored
from engine.domain.effects import AlertRaised
from engine.domain.incident import AlertKind, Level, Phase
from ops.asyncapi import asyncapi_text, document, schemas
from ops.events import EVENT, LETTER, incident_event, letter_record
from streams.scored import Came, Word, encode_mention, encode_progress, encode_reject
from tests.infra.sample_alerts import T0, incident, mention, raised

CAME = Came("vigie.mentions/3", 17, 12, T0)


def check(name: str, value: bytes) -> Any:
    record = orjson.loads(value)
    Draft7Validator(schemas()[name]).validate(record)
    return record


@pytest.mark.parametrize("kind", AlertKind)
def test_every_alert_is_an_event_of_the_documented_form(kind: AlertKind) -> None:
    of = incident(Level.JAUNE, Level.ROUGE, phase=Phase.ACKNOWLEDGED, closed_at_ms=T0 + 1, brand="Vélorine")
    for alert in (raised(kind, of=of), AlertRaised(raised(kind, of=of).alert, None)):
        record = incident_event(alert)
        event = check("IncidentEvent", record.value)
        EVENT.validate_json(record.value)
        assert (event["id"], event["subject"], record.key) == ("k1", "Vélorine", "Vélorine".encode())
        assert event["type"] == f"fr.vigie.incident.{kind.value}"
        assert event["data"]["incident"]["level"] == "rouge"
    assert incident_event(alert) == incident_event(alert)


def test_what_people_wrote_does_not_leave() -> None:
    said = "Le vélo de Camille a pris feu"
    value = incident_event(raised(of=incident(texts=(said,)))).value.decode()
    assert said not in value
    assert '"id":"m0"' in value


def test_a_dead_letter_is_of_the_documented_form() -> None:
    row = {
        "source": "kafka", "position": "vigie.mentions/3@17", "field": "text", "reason": "empty", "at_ms": T0,
        "size_bytes": 5, "raw": b"\xff\x00{",
    }  # fmt: skip
    record = letter_record(row)
    letter = check("DeadLetter", record.value)
    LETTER.validate_json(record.value)
    assert record.key == b"vigie.mentions/3@17"
    assert base64.b64decode(letter["raw_base64"]) == b"\xff\x00{"


def test_what_score_workers_write_is_of_the_documented_form() -> None:
    one = mention(1, "Le vélo a pris feu")
    for scored in (Scored(("Vélorine",), 9_000, "neg", "fr", ("dangerous_product",), 55, True, True), Scored(())):
        check("Scored", encode_mention(CAME, one, scored, unknown_fields=2, truncated=True))
    check("Scored", encode_mention(CAME._replace(after=None), one._replace(likes=3), Scored(("Vélorine",))))
    check("Scored", encode_reject(CAME, Reject("p", "text", "empty", b"{", "p", 1)))
    check("Scored", encode_progress([Word("vigie.mentions/3", 17, None, T0, False)], T0))
    with pytest.raises(ValidationError):
        check("Scored", b'{"v": 1, "kind": "other"}')


def test_mentions_are_of_the_documented_form() -> None:
    good = {"id": "1", "source": "forum", "text": "Merci", "created_at": "2026-03-04T09:15:00Z", "author": {"id": "u"}}
    check("Mention", orjson.dumps(good))
    with pytest.raises(ValidationError):
        check("Mention", orjson.dumps(good | {"id": 12}))


# --- the document -----------------------------------------------------------------------------------------------------


def test_the_document_is_a_whole_one() -> None:
    """Every reference leads somewhere, every schema is one, every channel is used."""
    whole = document()
    assert YAML(typ="safe").load(asyncapi_text()) == whole
    for ref in refs(whole):
        place: Any = whole
        for step in ref.removeprefix("#/").split("/"):
            place = place[step]
        assert isinstance(place, dict)
    for schema in whole["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
        assert list(refs(schema)) == []
    used = {operation["channel"]["$ref"] for operation in whole["operations"].values()}
    assert used == {f"#/channels/{name}" for name in whole["channels"]}
    for operation in whole["operations"].values():
        channel = operation["channel"]["$ref"]
        assert operation["action"] in ("send", "receive")
        assert all(message["$ref"].startswith(f"{channel}/messages/") for message in operation["messages"])


def refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield inner
            else:
                yield from refs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from refs(inner)
