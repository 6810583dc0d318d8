"""POST /v1/mentions, with friendly and with hostile senders."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import orjson
import pytest
from starlette.testclient import TestClient

from engine.domain.batch import Reject
from engine.domain.errors import TransientError
from streams.decode import RAW_BYTES_MAX
from streams.http import IngestParams, create_ingest_app
from streams.inbox import InboxSource
from tests.infra.sources import MemoryInbox, record

NDJSON = "application/x-ndjson"
SMALL = IngestParams(body_bytes_max=10_000, records_max=50, errors_max=3)


class Door:
    """An app with its inbox and what it was told to refuse."""

    def __init__(self, **settings: Any) -> None:
        self.inbox = settings.pop("inbox", MemoryInbox())
        self.refused: list[Reject] = []
        app = create_ingest_app(self.inbox, on_reject=self.refused.extend, **settings)
        self.client = TestClient(app, raise_server_exceptions=False)

    def post(self, body: bytes | Iterator[bytes], kind: str | None = NDJSON, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if kind is not None:
            named["content-type"] = kind
        return self.client.post("/v1/mentions", content=body, headers=named)

    @property
    def ids(self) -> list[str]:
        return [m.id for m in InboxSource(self.inbox).poll(1000, 0).mentions]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (NDJSON, record(1) + b"\n\n" + record(2) + b"\r\n"),
        ("application/json", b"[" + record(1) + b"," + record(2) + b"]"),
        ("application/json; charset=utf-8", b" \n[" + record(1) + b"," + record(2) + b"]\n"),
        ("application/json", record(1) + b"\n" + record(2)),
        (None, b"\xef\xbb\xbf" + record(1) + b"\n" + record(2)),
        ("application/x-www-form-urlencoded", b"[" + record(1) + b"," + record(2) + b"]"),
    ],
)
def test_accepted_forms(kind: str | None, body: bytes) -> None:
    door = Door()
    answer = door.post(body, kind)
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2, "rejected": 0, "errors": []}
    assert door.ids == ["1", "2"]


def test_one_object_over_many_lines() -> None:
    door = Door()
    body = orjson.dumps(orjson.loads(record(7)), option=orjson.OPT_INDENT_2)
    assert door.post(body, "application/json").json()["accepted"] == 1
    assert door.ids == ["7"]


def test_bad_lines_are_named_and_harm_nobody() -> None:
    door = Door()
    answer = door.post(b"\n".join([record(1), b"{", record(2, sentiment=3), b'"hello"', record(3)]))
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    assert [(e["line"], e["field"]) for e in answer.json()["errors"]] == [(2, ""), (3, "sentiment"), (4, "")]
    assert answer.json()["errors"][1]["reason"] == "more than 1"
    assert door.ids == ["1", "3"]
    assert [r.position for r in door.refused] == ["http line 2", "http line 3", "http line 4"]


def test_all_bad_is_400_with_the_same_body() -> None:
    door = Door()
    answer = door.post(b"[1, null, [], {}]", "application/json")
    assert answer.status_code == 400
    assert (answer.json()["accepted"], answer.json()["rejected"]) == (0, 4)
    assert door.inbox.rows == []
    assert len(door.refused) == 4


def test_an_empty_list_is_fine_and_an_empty_body_is_not() -> None:
    door = Door()
    assert door.post(b"[]").status_code == 202
    for body in (b"", b"  \n\n"):
        answer = door.post(body)
        assert answer.status_code == 400
        assert "no mention" in answer.json()["error"]


def test_errors_told_are_limited_and_all_are_counted() -> None:
    door = Door(params=SMALL)
    answer = door.post(b"{\n" * 40)
    assert (answer.json()["rejected"], len(answer.json()["errors"]), len(door.refused)) == (40, 3, 40)


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00\x01binary" * 50,
        b"[" * 5_000,
        b'{"a":' * 1_000,
        b'{"id": "1", "source": "x", "text": "a", "created_at": "2026-03-04T09:15:00Z", "engagement": {"likes": '
        + b"9" * 3_000
        + b"}}",
        b'{"id": "\\ud800", "source": "x", "text": "a", "created_at": "2026-03-04T09:15:00Z"}',
        b'{"id": "1", "source": "x", "text": "a", "created_at": "2026-03-04T09:15:00Z", "sentiment": NaN}',
        b"\x00" * 100,
        b"--boundary\r\nContent-Disposition: form-data\r\n\r\nhello\r\n--boundary--",
    ],
)
@pytest.mark.parametrize("kind", [NDJSON, "application/json", "multipart/form-data; boundary=boundary", "\u00e9/x", ""])
def test_hostile_bodies_are_refused_in_json(body: bytes, kind: str) -> None:
    door = Door()
    answer = door.client.post("/v1/mentions", content=body, headers={b"content-type": kind.encode()})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    assert answer.content.count(b"\n") == 1
    assert door.inbox.rows == []


def test_a_line_over_a_megabyte_is_refused_alone() -> None:
    door = Door()
    answer = door.post(record(1) + b"\n" + record(2, url="x" * 1_000_001) + b"\n" + record(3))
    assert answer.json()["errors"] == [{"line": 2, "field": "", "reason": "line longer than 1 MB"}]
    assert len(door.refused[0].raw) == RAW_BYTES_MAX
    assert door.refused[0].size_bytes > 1_000_000


def test_too_large_announced_or_not() -> None:
    door = Door(params=SMALL)
    assert door.post(b" " * 10_001).status_code == 413
    assert door.post(iter([b" " * 6_000] * 2)).status_code == 413
    assert door.post(b"1\n" * 60).status_code == 413
    assert door.post(b"[" + b"1," * 60 + b"1]").status_code == 413
    assert door.post(record(1)).status_code == 202


def test_gzip() -> None:
    door = Door()
    packed = gzip.compress(record(1) + b"\n") + gzip.compress(record(2))
    assert door.post(packed, content_encoding="gzip").json()["accepted"] == 2


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(record(1) * 20)[:-12], "gzip", 400),
        (b"not gzip at all", "gzip", 400),
        (gzip.compress(record(1)) + b"trailing", "gzip", 400),
        (gzip.compress(b" " * 50_000_000), "gzip", 413),
        (record(1), "br", 415),
        (record(1), "gzip, gzip", 415),
    ],
)
def test_broken_or_exploding_encodings(body: bytes, encoding: str, status: int) -> None:
    door = Door()
    answer = door.post(body, content_encoding=encoding)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert door.inbox.rows == []


def test_a_full_inbox_asks_to_come_back() -> None:
    door = Door(inbox=MemoryInbox(rows_max=1))
    answer = door.post(record(1) + b"\n{\n" + record(2))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert "full" in answer.json()["error"]
    assert door.refused == []
    assert door.post(record(1)).status_code == 202


def test_dead_letters_that_cannot_be_kept_ask_to_come_back() -> None:
    def locked(rejects: Sequence[Reject]) -> None:
        raise TransientError("database: locked")

    client = TestClient(create_ingest_app(MemoryInbox(), on_reject=locked))
    assert client.post("/v1/mentions", content=b"{").status_code == 503


def test_a_broken_inbox_acknowledges_nothing() -> None:
    class Broken(MemoryInbox):
        def append(self, records: Sequence[bytes]) -> None:
            raise ZeroDivisionError

    answer = Door(inbox=Broken()).post(record(1))
    assert answer.status_code == 500
    assert "send again" in answer.json()["error"]


def test_news_is_told() -> None:
    told: list[int] = []
    door = Door(on_accept=lambda: told.append(1))
    door.post(b"{")
    assert told == []
    door.post(record(1))
    assert told == [1]


def signed(body: bytes, key: str = "clé") -> str:
    return "sha256=" + hmac.new(key.encode(), body, hashlib.sha256).hexdigest()


def test_token() -> None:
    door = Door(token="s3cret")
    refused = door.post(record(1))
    assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
    for wrong in ("Bearer nope", "Bearer ", "Bearer s3cre", "Basic s3cret", "s3cret", ""):
        assert door.post(record(1), authorization=wrong).status_code == 401
    assert door.ids == []
    assert door.post(record(1), authorization="bearer s3cret").status_code == 202


def test_signature() -> None:
    door = Door(secret="clé")
    body = record(1)
    assert door.post(body).status_code == 401
    for wrong in (signed(body, "key"), signed(body + b" "), "sha256=", "sha1=abc", ""):
        assert door.post(body, x_hub_signature_256=wrong).status_code == 401
    assert door.ids == []
    assert door.post(body, x_hub_signature_256=signed(body)).status_code == 202
    packed = gzip.compress(body)
    assert door.post(packed, content_encoding="gzip", x_hub_signature_256=signed(packed)).status_code == 202


def test_token_or_signature_and_a_wrong_one_never() -> None:
    door = Door(token="s3cret", secret="clé")
    body = record(1)
    assert door.post(body).status_code == 401
    assert door.post(body, authorization="Bearer s3cret").status_code == 202
    assert door.post(body, x_hub_signature_256=signed(body)).status_code == 202
    assert door.post(body, authorization="Bearer s3cret", x_hub_signature_256="sha256=0").status_code == 401
    assert door.post(body, authorization="Bearer x", x_hub_signature_256=signed(body)).status_code == 401


def test_other_methods_and_paths() -> None:
    door = Door()
    assert door.client.get("/v1/mentions").status_code == 405
    assert door.client.get("/docs").status_code == 404


def test_openapi_describes_the_body_and_the_answers() -> None:
    operation = Door().client.get("/openapi.json").json()["paths"]["/v1/mentions"]["post"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert "created_at" in schema["anyOf"][1]["properties"]
    assert "$ref" not in orjson.dumps(schema).decode()
    assert {"202", "400", "401", "413", "503"} <= set(operation["responses"])


def raw_answer(receive: Callable[[], Awaitable[dict[str, Any]]], **settings: Any) -> tuple[int, bytes]:
    """What the bare application sends when its server hands it these messages."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/mentions", "headers": [], "query_string": b""}
    app: Any = create_ingest_app(MemoryInbox(), **settings)
    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_a_body_that_never_comes_is_given_up() -> None:
    async def receive() -> dict[str, Any]:
        await asyncio.sleep(60)
        raise AssertionError

    status, body = raw_answer(receive, params=IngestParams(read_timeout_s=0.05))
    assert (status, orjson.loads(body)) == (408, {"error": "the body did not arrive within 0.05 s"})


def test_a_sender_that_goes_away_midway_leaves_nothing() -> None:
    messages = iter([{"type": "http.request", "body": record(1), "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> dict[str, Any]:
        return next(messages)

    assert raw_answer(receive)[0] == 400
