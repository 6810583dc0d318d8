"""`POST /v1/labels`: corrections over HTTP, behind the same door and limits as mentions."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import FastAPI, Response

from engine.domain.errors import MentionError, TransientError
from streams.http import Door, IngestParams, Refusal, json_answer, records_of
from streams.labels import PATH, RECORDS_MAX, SENTIMENTS, LabelRecord, Take, decode_label

BODY_BYTES_MAX = 5_000_000


def add_label_route(app: FastAPI, take: Take, *, token: str | None = None, secret: str | None = None) -> None:
    """Add the route. `take` is called on a worker thread; its answer is sent once it returns."""
    params = IngestParams(body_bytes_max=BODY_BYTES_MAX, records_max=RECORDS_MAX)
    endpoint = Door(_Labels(take, params).take, token, secret, params)
    app.add_api_route(
        PATH,
        endpoint.answer,
        methods=["POST"],
        status_code=202,
        summary="Correct how comments were read; answered once that is durable and learnt",
        openapi_extra=_openapi(),
        response_class=Response,
    )


class _Labels:
    """What is done with a body of corrections."""

    def __init__(self, take: Take, params: IngestParams) -> None:
        self._learn = take
        self._params = params

    def take(self, body: bytes, media_type: str) -> Response:
        """All corrections of a body, or none: each bad one is named."""
        records: list[LabelRecord] = []
        errors: list[dict[str, Any]] = []
        for line, raw in records_of(body, media_type, self._params.records_max):
            try:
                records.append(decode_label(_object(raw)))
            except MentionError as error:
                errors.append({"line": line, "field": error.field, "reason": error.reason})
        if errors or not records:
            if not errors:
                raise Refusal(400, "no correction in the body: a JSON list, one object, or one object a line")
            told = errors[: self._params.errors_max]
            return json_answer(400, {"accepted": 0, "rejected": len(errors), "errors": told})
        try:
            return json_answer(202, self._learn(records))
        except MentionError as error:
            told = [{"line": 0, "field": error.field, "reason": error.reason}]
            return json_answer(400, {"accepted": 0, "rejected": 1, "errors": told})
        except TransientError as error:
            raise Refusal(503, str(error), Retry_After=str(self._params.retry_after_s)) from None


def _object(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MentionError("", f"not JSON: {error}") from None


def _openapi() -> dict[str, Any]:
    """The request and the answers, for the OpenAPI document."""
    string = {"type": "string"}
    label = {
        "type": "object",
        "properties": {
            "mention_id": string, "text": string, "lang": string, "brand": string, "by": string,
            "sentiment": {"type": "string", "enum": sorted(SENTIMENTS)},
        },
        "required": ["sentiment"],
        "anyOf": [{"required": ["text"]}, {"required": ["mention_id"]}],
    }  # fmt: skip
    lesson = {
        "type": "object",
        "properties": {
            "lang": string, "corrections": {"type": "integer"}, "scale": {"type": "number"},
            "guard_before": {"type": "number"}, "guard_after": {"type": "number"},
        },
    }  # fmt: skip
    done = {
        "type": "object",
        "properties": {
            "accepted": {"type": "integer"}, "version": {"type": "integer"}, "corrections": {"type": "integer"},
            "learnt": {"type": "array", "items": lesson},
        },
        "required": ["accepted", "version", "corrections", "learnt"],
    }  # fmt: skip
    refusal = {
        "description": "Refused, with the reason",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    body = {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [{"type": "array", "items": label}, label]}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "One correction a line"}},
        },
    }
    answers: dict[str, Any] = {"202": {"description": "Durable", "content": {"application/json": {"schema": done}}}}
    answers |= dict.fromkeys(("400", "401", "408", "413", "415", "503"), refusal)
    return {"requestBody": body, "responses": answers}
