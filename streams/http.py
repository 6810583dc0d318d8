"""Mentions over HTTP: `POST /v1/mentions`, answered only once they are durable in the inbox.

A JSON list, one object, or one object a line; each is judged alone. 202 says how many were taken and names what was
not, line by line; 400 is the same answer when nothing was. Limits: a body of 10 MB, inflated too, 100,000 records, the
first 1,000 errors told, 30 s for a body to arrive.

Who may send: with a token, whoever bears it (RFC 6750); with a signing key, whoever signs the raw body with it
(`X-Hub-Signature-256: sha256=HEX`, as WebSub and many webhooks do); with both, either will do. A wrong one is refused
even beside a right one.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from engine.domain.batch import Reject
from engine.domain.errors import MentionError, TransientError
from streams.decode import decode, rejected
from streams.inbox import Inbox
from streams.schema import json_schema

PATH = "/v1/mentions"
_NDJSON_TYPES = frozenset(
    ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines")
)


@dataclass(frozen=True, slots=True)
class IngestParams:
    """Limits of the endpoint. `retry_after_s` is what a sender is told when the inbox is full."""

    body_bytes_max: int = 10_000_000
    records_max: int = 100_000
    errors_max: int = 1_000
    read_timeout_s: float = 30.0
    retry_after_s: int = 5


class Refusal(Exception):  # noqa: N818 (an answer, not a fault)
    """The request as a whole is answered with this status and reason."""

    def __init__(self, status: int, reason: str, **headers: str) -> None:
        super().__init__(reason)
        self.status = status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class Judged(NamedTuple):
    """What became of the records of one body."""

    accepted: list[bytes]
    rejects: list[tuple[int, Reject]]


def create_app() -> FastAPI:
    """An ASGI application without a route, whose own mistakes are told as one sentence."""
    app = FastAPI(title="Vigie", version="1", docs_url=None, redoc_url=None)
    app.add_exception_handler(Exception, _internal_error)
    return app


def create_ingest_app(
    inbox: Inbox,
    *,
    token: str | None = None,
    secret: str | None = None,
    on_reject: Callable[[Sequence[Reject]], None] | None = None,
    on_accept: Callable[[], None] | None = None,
    params: IngestParams | None = None,
) -> FastAPI:
    """The ASGI application; whoever runs it may add routes of its own.

    `on_reject` is given what was refused, for the dead letters, and `on_accept` is called when there is news in the
    inbox (hand it `InboxSource.notify`). Both, and the inbox, are called on a worker thread.
    """
    app = create_app()
    params = params or IngestParams()
    endpoint = Door(_Ingest(inbox, on_reject, on_accept, params).take, token, secret, params)
    app.add_api_route(
        PATH,
        endpoint.answer,
        methods=["POST"],
        status_code=202,
        summary="Hand in mentions; answered once they are durable",
        openapi_extra=_openapi(),
        response_class=Response,
    )
    return app


class Door:
    """An endpoint that takes a body: who may hand one in, how large it may be, and how it is packed.

    `take` is called on a worker thread with the inflated body and its media type; it answers, or raises `Refusal`.
    """

    def __init__(
        self, take: Callable[[bytes, str], Response], token: str | None, secret: str | None, params: IngestParams
    ) -> None:
        self._take = take
        self._token = token.encode() if token else None
        self._secret = secret.encode() if secret else None
        self._params = params

    async def answer(self, request: Request) -> Response:
        """The route."""
        try:
            allowed = self._check_token(request.headers.get("authorization"))
            async with asyncio.timeout(self._params.read_timeout_s):
                body = await read_body(request, self._params.body_bytes_max)
            self._check_signature(request.headers.get("x-hub-signature-256"), body, allowed)
            encoding = request.headers.get("content-encoding", "identity").strip().lower()
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            return await run_in_threadpool(self._taken, body, encoding, media_type)
        except Refusal as refusal:
            return json_answer(refusal.status, {"error": str(refusal)}, refusal.headers)
        except TimeoutError:
            return json_answer(408, {"error": f"the body did not arrive within {self._params.read_timeout_s:g} s"})
        except ClientDisconnect:
            return json_answer(400, {"error": "the sender went away"})

    def _taken(self, body: bytes, encoding: str, media_type: str) -> Response:
        return self._take(inflated(body, encoding, self._params.body_bytes_max), media_type)

    def _check_token(self, header: str | None) -> bool:
        """Whether a right token was shown; a wrong one is refused, and none at all if nothing else lets in."""
        if self._token is None:
            return self._secret is None
        scheme, _, shown = (header or "").partition(" ")
        if header is not None and scheme.lower() == "bearer":
            if hmac.compare_digest(shown.strip().encode("latin-1"), self._token):
                return True
            raise Refusal(401, "the bearer token is wrong", WWW_Authenticate='Bearer error="invalid_token"')
        if self._secret is None:
            raise Refusal(401, "a bearer token is needed", WWW_Authenticate="Bearer")
        return False

    def _check_signature(self, header: str | None, body: bytes, allowed: bool) -> None:
        if self._secret is None:
            return
        if header is None:
            if not allowed:
                raise Refusal(401, "X-Hub-Signature-256 is needed: sha256= and the HMAC of the raw body")
            return
        right = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(header.strip().lower().encode("latin-1"), right.encode()):
            raise Refusal(401, "X-Hub-Signature-256 does not fit the body")


class _Ingest:
    """What is done with a body of mentions."""

    def __init__(
        self,
        inbox: Inbox,
        on_reject: Callable[[Sequence[Reject]], None] | None,
        on_accept: Callable[[], None] | None,
        params: IngestParams,
    ) -> None:
        self._inbox = inbox
        self._on_reject = on_reject
        self._on_accept = on_accept
        self._params = params

    def take(self, body: bytes, media_type: str) -> Response:
        """Judge the records, append what is good, and say what became of each."""
        params = self._params
        accepted, rejects = judged(body, media_type, params.records_max)
        if not accepted and not rejects and body.strip() != b"[]":
            raise Refusal(400, "no mention in the body: a JSON list, one object, or one object a line")
        try:
            if accepted:
                self._inbox.append(accepted)
            if rejects and self._on_reject is not None:
                self._on_reject([reject for _, reject in rejects])
        except TransientError as error:
            raise Refusal(503, str(error), Retry_After=str(params.retry_after_s)) from None
        if accepted and self._on_accept is not None:
            self._on_accept()
        told = [
            {"line": line, "field": reject.field, "reason": reject.reason}
            for line, reject in rejects[: params.errors_max]
        ]
        answer = {"accepted": len(accepted), "rejected": len(rejects), "errors": told}
        return json_answer(400 if rejects and not accepted else 202, answer)


def inflated(body: bytes, encoding: str, bytes_max: int) -> bytes:
    """The body without its Content-Encoding. Raises `Refusal`: 413 over the limit, 400 if broken, 415 if unknown.

    >>> import gzip
    >>> inflated(gzip.compress(b"[]"), "gzip", 100)
    b'[]'
    """
    if encoding in ("", "identity"):
        return body
    if encoding not in ("gzip", "x-gzip"):
        raise Refusal(415, f"Content-Encoding {encoding[:40]!r}: send gzip or none", Accept_Encoding="gzip, identity")
    whole = bytearray()
    try:
        while body:
            member = zlib.decompressobj(wbits=31)
            whole += member.decompress(body, bytes_max + 1 - len(whole))
            if len(whole) > bytes_max:
                raise Refusal(413, f"the body inflates to more than {bytes_max:,} bytes: send it in parts")
            if not member.eof:
                raise Refusal(400, "the gzip body ends early")
            body = member.unused_data
    except zlib.error as error:
        raise Refusal(400, f"the body is not gzip: {error}") from None
    return bytes(whole)


def judged(body: bytes, media_type: str, records_max: int) -> Judged:
    """Decode every record of a body to tell the good from the bad. Raises `Refusal` over `records_max`.

    >>> judged(b'[{"id": 5}]', "application/json", 10).rejects[0][1].reason
    'not a string (ids are strings: "123", not 123)'
    """
    accepted: list[bytes] = []
    rejects: list[tuple[int, Reject]] = []
    for line, raw in records_of(body, media_type, records_max):
        try:
            decode(raw)
        except MentionError as error:
            rejects.append((line, rejected(f"http line {line}", error, raw)))
        else:
            accepted.append(raw)
    return Judged(accepted, rejects)


def records_of(body: bytes, media_type: str, records_max: int) -> list[tuple[int, bytes]]:
    """Numbered records: items of a list, one object, or lines that are not blank. Raises `Refusal`."""
    body = body.removeprefix(b"\xef\xbb\xbf")
    head = body.lstrip()[:1]
    whole: Any = None
    by_line = media_type in _NDJSON_TYPES
    if head == b"[" or (head == b"{" and not by_line):
        try:
            whole = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            if head == b"[" and not by_line:
                raise Refusal(400, f"the body is not JSON: {error}") from None
    if isinstance(whole, list):
        _check_count(len(whole), records_max)
        return [(i, orjson.dumps(item)) for i, item in enumerate(whole, 1)]
    if whole is not None:
        return [(1, body)]
    _check_count(body.count(b"\n"), records_max)
    return [(i, raw) for i, raw in enumerate(body.split(b"\n"), 1) if raw and not raw.isspace()]


def _check_count(count: int, records_max: int) -> None:
    if count > records_max:
        raise Refusal(413, f"more than {records_max:,} records: send them in parts")


async def read_body(request: Request, bytes_max: int) -> bytes:
    """The raw body, given up as soon as it is over the limit, announced or not."""
    too_large = Refusal(413, f"the body is over {bytes_max:,} bytes: send it in parts", Connection="close")
    announced = request.headers.get("content-length", "")
    if announced.isascii() and announced.isdigit() and (len(announced) > 18 or int(announced) > bytes_max):
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > bytes_max:
            raise too_large
    return bytes(body)


def json_answer(status: int, content: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    """An answer as JSON, one line."""
    return Response(orjson.dumps(content) + b"\n", status, headers, "application/json")


def _internal_error(request: Request, error: Exception) -> Response:
    # The server logs the traceback; the sender learns that it was not their fault, and that nothing was promised.
    return json_answer(500, {"error": "internal error: nothing was acknowledged, send again"})


def _openapi() -> dict[str, Any]:
    """The request and the answers, for the OpenAPI document."""
    mention = {name: value for name, value in json_schema().items() if name not in ("$schema", "$defs")}
    # The document has no place for the definitions of one body: the nested objects stand where they are used.
    definitions = json_schema().get("$defs", {})
    text = orjson.dumps(mention).decode()
    for name, definition in definitions.items():
        text = text.replace(f'{{"$ref":"#/$defs/{name}"}}', orjson.dumps(definition).decode())
    mention = orjson.loads(text)
    error = {
        "type": "object",
        "properties": {"line": {"type": "integer"}, "field": {"type": "string"}, "reason": {"type": "string"}},
        "required": ["line", "field", "reason"],
    }
    counts = {
        "type": "object",
        "properties": {
            "accepted": {"type": "integer"},
            "rejected": {"type": "integer"},
            "errors": {"type": "array", "items": error},
        },
        "required": ["accepted", "rejected", "errors"],
    }
    refusal = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
    answers: dict[str, Any] = {
        "202": {"description": "Durable", "content": {"application/json": {"schema": counts}}},
        "400": {
            "description": "Nothing was taken",
            "content": {"application/json": {"schema": {"anyOf": [counts, refusal]}}},
        },
    }
    for status, description in {
        "401": "Token or signature missing or wrong",
        "408": "The body did not arrive in time",
        "413": "Too much at once",
        "415": "Unknown Content-Encoding",
        "503": "The inbox is full: send again after Retry-After",
    }.items():
        answers[status] = {"description": description, "content": {"application/json": {"schema": refusal}}}
    body = {
        "required": True,
        "content": {
            "application/json": {"schema": {"anyOf": [{"type": "array", "items": mention}, mention]}},
            "application/x-ndjson": {"schema": {"type": "string", "description": "One mention a line"}},
        },
    }
    return {"requestBody": body, "responses": answers}
