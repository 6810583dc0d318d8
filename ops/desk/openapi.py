"""The OpenAPI document of the desk's acts: parameters and bodies from their forms, answers from what they may say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ops.desk.acts import Act

if TYPE_CHECKING:
    from fastapi import FastAPI

SECURITY = "token"
_PROBLEM = {"$ref": "#/components/schemas/Problem"}
_REFUSALS = {
    "401": "No token, or one that is wrong, over or revoked",
    "403": "The token's role does not reach so far, or a person must do this",
    "404": "There is nothing of that name",
    "422": "Can't be done as asked: the field and the reason",
    "503": "The store is busy: send again",
}
_OF_ACTS = {
    "400": "The body did not arrive whole",
    "408": "The body did not arrive in time",
    "409": "Somebody else was faster: who, and when; or the first request of this key is under way",
    "413": "The body is too large",
    "415": "The body is not JSON",
    "428": "The version that was read is missing",
}
PROBLEM_SCHEMA = {
    "type": "object",
    "description": "RFC 9457; `detail` is one sentence that says what to do.",
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
    "required": ["type", "title", "status", "detail"],
}  # fmt: skip


def described(name: str, act: Act) -> dict[str, Any]:
    """What FastAPI can't tell of an act, since its form is read by hand."""
    schema = act.form.model_json_schema()
    fields = schema.get("properties", {})
    required = set(schema.get("required", ()))
    in_path = [field for field in fields if "{" + field + "}" in act.path]
    others = {field: fields[field] for field in fields if field not in in_path}
    parameters = [
        {"name": field, "in": "path", "required": True, "schema": {**fields[field], "type": _type(fields[field])}}
        for field in in_path
    ]
    extra: dict[str, Any] = {"security": [{SECURITY: []}], "responses": _responses(name, act)}
    if act.reads:
        parameters += [
            {"name": field, "in": "query", "required": field in required, "schema": _flat(others[field])}
            for field in others
        ]
    else:
        parameters.append(
            {
                "name": "Idempotency-Key", "in": "header", "required": False,
                "description": "A retry with the same key gets the first answer and does nothing.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
            }
        )  # fmt: skip
        if "version" in others:
            parameters.append(
                {
                    "name": "If-Match", "in": "header", "required": False,
                    "description": "The version that was read, where the body does not name it.",
                    "schema": {"type": "string", "pattern": '^"[!#-~]{1,100}"$'},
                }
            )  # fmt: skip
        body = {"type": "object", "properties": others, "additionalProperties": False}
        needed = sorted(required - set(in_path))
        if needed:
            body["required"] = needed
        if others:
            extra["requestBody"] = {"required": bool(needed), "content": {"application/json": {"schema": body}}}
    return {**extra, "parameters": parameters}


def _type(schema: dict[str, Any]) -> str:
    return str(schema.get("type", "string"))


def _flat(schema: dict[str, Any]) -> dict[str, Any]:
    """In a query nothing is null: it is left out."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind.get("type") != "null"]
    rest = {key: value for key, value in schema.items() if key not in ("anyOf", "default") or value is not None}
    rest.pop("anyOf", None)
    return {**rest, **kinds[0]} if kinds else rest


def _responses(name: str, act: Act) -> dict[str, Any]:
    if name == "report":
        text = {"schema": {"type": "string"}}
        good: dict[str, Any] = {"text/markdown": text, "text/html": text, "application/pdf": text, "text/plain": text}
    else:
        good = {"application/json": {"schema": {}}}
        if act.reads:
            good["text/plain"] = {"schema": {"type": "string"}}
    answers: dict[str, Any] = {"200": {"description": "Done", "content": good}}
    if not act.reads:
        answers["201"] = {"description": "Made", "content": good}
        answers["202"] = {"description": "Stored; the engine has not answered yet", "content": good}
    refusals = _REFUSALS if act.reads else {**_REFUSALS, **_OF_ACTS}
    for status, description in refusals.items():
        answers[status] = {"description": description, "content": {"application/problem+json": {"schema": _PROBLEM}}}
    return answers


def add_document(app: FastAPI) -> None:
    """`/openapi.json` with the token scheme and the form of refusals."""
    made = app.openapi

    def document() -> dict[str, Any]:
        found: dict[str, Any] = made()
        parts = found.setdefault("components", {})
        parts.setdefault("schemas", {})["Problem"] = PROBLEM_SCHEMA
        schemes = parts.setdefault("securitySchemes", {})
        schemes[SECURITY] = {
            "type": "http", "scheme": "bearer",
            "description": "A token of `vigie tokens create`; its role says what it may do.",
        }  # fmt: skip
        return found

    app.openapi = document  # type: ignore[method-assign]
