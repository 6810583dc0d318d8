"""The HTTP API: the acts of the desk under `/v1/...`, for whoever bears a token.

Every answer is JSON (a report is a file, and `Accept: text/plain` gets what a terminal would show); every refusal is
`application/problem+json` (RFC 9457) with one sentence that says what to do. An act may carry `Idempotency-Key`: a
retry with the same key gets the first answer and does nothing. `If-Match` names the version that was read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from engine.domain.errors import InputError, TransientError, VigieError
from ops.desk.acts import ACTS, Act
from ops.desk.office import ChangedError, Desk, NotAllowedError, NotFoundError, Office, Reply, UnreadError, checked
from ops.desk.openapi import add_document, described
from ops.drill.db import DRILL
from ops.store.codec import dumps
from ops.store.tokens import BEGINNING, Token
from streams.http import Refusal, read_body

log = logging.getLogger("vigie.api")

PROBLEM = "application/problem+json"
KEY_CHARS_MAX = 200
SHOWN_ONCE = frozenset({"tokens.create"})
"""Acts whose answer holds a secret: it is not kept for retries."""
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    "Referrer-Policy": "no-referrer",
}
_STATUS: Mapping[type[VigieError], int] = {
    NotFoundError: 404,
    NotAllowedError: 403,
    ChangedError: 409,
    UnreadError: 428,
    InputError: 422,
    TransientError: 503,
}
"""The kind of a refusal -> its HTTP status; the first that fits."""
_TITLES = {
    400: "Bad request", 401: "No entry", 403: "Not allowed", 404: "Not found", 405: "Method not allowed",
    408: "Too slow", 409: "Changed meanwhile", 413: "Too large", 415: "Not JSON", 422: "Can't be done as asked",
    428: "Say what you have read", 500: "Our fault", 503: "Try again",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class ApiParams:
    """Limits."""

    body_bytes_max: int = 262_144
    read_timeout_s: float = 20.0
    retry_after_s: int = 2


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal: what it is, and what to do."""
    told = {"type": "about:blank", "title": _TITLES.get(status, "Refused"), "status": status, "detail": detail}
    return Response(dumps(told) + b"\n", status, {**HEADERS, **(headers or {})}, PROBLEM)


class Api:
    """The acts over HTTP."""

    def __init__(self, office: Office, params: ApiParams | None = None) -> None:
        self._office, self._params = office, params or ApiParams()
        self._exercise = DRILL in office.store.get_meta()

    def add(self, app: FastAPI) -> None:
        """Add every route, and the answers to what is no route."""
        for name, act in ACTS.items():
            app.add_api_route(
                act.path, self._route(name, act), methods=[act.method], response_class=Response, operation_id=name,
                summary=act.summary, openapi_extra=described(name, act), status_code=200, tags=[name.partition(".")[0]],
            )  # fmt: skip
        app.add_exception_handler(HTTPException, _no_route)
        add_document(app)

    def _route(self, name: str, act: Act) -> Any:
        async def answer(request: Request) -> Response:
            try:
                answered = await self._answer(name, act, request)
            except Refusal as refusal:
                answered = problem(refusal.status, str(refusal), refusal.headers)
            except TimeoutError:
                answered = problem(408, f"the body did not arrive within {self._params.read_timeout_s:g} s; send again")
            except ClientDisconnect:
                answered = problem(400, "the sender went away")
            if self._exercise:
                answered.headers["X-Vigie-Exercise"] = "EXERCICE / EXERCISE"
            return answered

        return answer

    async def _answer(self, name: str, act: Act, request: Request) -> Response:
        words = _bearer(request.headers.get("authorization"))
        token = await run_in_threadpool(self._admitted, words)
        told: dict[str, Any] = dict(request.path_params)
        body = b""
        if act.reads:
            told |= _query(request)
        else:
            async with asyncio.timeout(self._params.read_timeout_s):
                body = await read_body(request, self._params.body_bytes_max)
            told |= _body(body, request.headers.get("content-type", ""), told)
        if "version" in act.form.model_fields and "if-match" in request.headers:
            told.setdefault("version", request.headers["if-match"].strip().removeprefix("W/").strip('"')[:200])
        key = None if act.reads else _key(request.headers.get("idempotency-key"))
        as_text = "text/plain" in request.headers.get("accept", "") and act.reads
        if key is None:
            return await run_in_threadpool(self._carried_out, name, act, token, told, as_text)
        digest = sha256(f"{act.method} {request.url.path}\n".encode("utf-8", "replace") + body).hexdigest()
        return await run_in_threadpool(self._once, name, act, token, told, key, digest)

    def _admitted(self, words: str) -> Token:
        try:
            token = self._office.store.tokens.find(words)
        except TransientError as error:
            raise Refusal(503, str(error), Retry_After=str(self._params.retry_after_s)) from None
        if token is None:
            raise Refusal(
                401, "the token is wrong, over or revoked: ask an admin for one (vigie tokens create)",
                WWW_Authenticate='Bearer error="invalid_token"',
            )  # fmt: skip
        return token

    def _carried_out(self, name: str, act: Act, token: Token, told: dict[str, Any], as_text: bool) -> Response:
        """On a worker thread: the act, and its reply or refusal as an answer."""
        desk = Desk(self._office, token.actor, token.role, token.person is not None)
        try:
            if token.role < act.role:  # told before what is wrong with the form
                raise NotAllowedError(f"this takes the role {act.role.label}; {token.actor} has {token.role.label}")
            reply = desk.carry_out(name, checked(act.form, told))
            return self._answered(reply, as_text=as_text)
        except VigieError as error:
            status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
            if status == 500:
                log.error("%s: %s", name, error)
            retry = {"Retry-After": str(self._params.retry_after_s)} if status == 503 else {}
            return problem(status, str(error), retry)
        except Exception:  # a mistake of ours must not become a stack trace for whoever asks
            log.exception("%s: unexpected", name)
            return problem(500, "an error of Vigie's own; it stands in the service's log")

    @staticmethod
    def _answered(reply: Reply, *, as_text: bool) -> Response:
        headers = dict(HEADERS)
        if reply.version is not None:
            headers["ETag"] = f'"{reply.version}"'
        if reply.raw is not None:
            return Response(reply.raw, reply.status, headers, reply.media_type)
        if as_text:
            text = reply.text().encode("utf-8", "replace")
            return Response(text + b"\n", reply.status, headers, "text/plain; charset=utf-8")
        return Response(dumps(reply.data).lstrip() + b"\n", reply.status, headers, "application/json")

    def _once(self, name: str, act: Act, token: Token, told: dict[str, Any], key: str, digest: str) -> Response:
        """With a key: carried out once, however often it is sent."""
        tokens = self._office.store.tokens
        try:
            before = tokens.begin(token.id, key, digest)
        except TransientError as error:
            return problem(503, str(error), {"Retry-After": str(self._params.retry_after_s)})
        if before is not None:
            if before.digest != digest:
                return problem(422, "this Idempotency-Key was used for another request; take a new one")
            if before.status is None:
                return problem(409, "the first request with this Idempotency-Key is under way, or was cut off: look")
            media = PROBLEM if before.status >= 400 else "application/json"
            return Response(before.answer.encode(), before.status, {**HEADERS, "Idempotent-Replayed": "true"}, media)
        try:
            answer = self._carried_out(name, act, token, told, as_text=False)
        except BaseException:  # whatever ends it, a retry may try again; then it goes on
            tokens.forget(token.id, key)
            raise
        if answer.status_code >= 500:
            tokens.forget(token.id, key)
        elif name in SHOWN_ONCE and answer.status_code < 400:
            kept = problem(409, "it is made already, and its words were shown once: revoke it and make another")
            tokens.finish(token.id, key, 409, bytes(kept.body).decode())
        else:
            tokens.finish(token.id, key, answer.status_code, bytes(answer.body).decode())
        return answer


def _bearer(header: str | None) -> str:
    scheme, _, words = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not words.strip():
        raise Refusal(
            401, "a bearer token is needed: Authorization: Bearer vigie_... (vigie tokens create makes one)",
            WWW_Authenticate="Bearer",
        )  # fmt: skip
    words = words.strip()
    if not words.startswith(BEGINNING):
        raise Refusal(401, "this is no token of the API", WWW_Authenticate='Bearer error="invalid_token"')
    return words


def _query(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in found or name in request.path_params:
            raise Refusal(422, f"{name[:80]}: stands there twice")
        found[name] = value
    return found


def _body(body: bytes, content_type: str, path: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a JSON object; nothing is an empty one."""
    if not body.strip():
        return {}
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in ("", "application/json"):
        raise Refusal(415, "the body is to be JSON: Content-Type: application/json")
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refusal(422, f"the body is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise Refusal(422, "the body is to be a JSON object")
    for name in path:
        if name in found:
            raise Refusal(422, f"{name}: stands in the path already; leave it out of the body")
    return found


def _key(header: str | None) -> str | None:
    if header is None:
        return None
    key = header.strip()
    if not 0 < len(key) <= KEY_CHARS_MAX or not key.isascii() or not key.isprintable():
        raise Refusal(422, f"Idempotency-Key: 1 to {KEY_CHARS_MAX} printable ASCII characters")
    return key


def _no_route(request: Request, error: Exception) -> Response:
    """What the router refuses: an unknown path, a method that a path has not."""
    status = getattr(error, "status_code", 500)
    said = {404: "no such path; /openapi.json lists them", 405: "this path does not take that method"}
    return problem(status, said.get(status, str(getattr(error, "detail", ""))), getattr(error, "headers", None))
