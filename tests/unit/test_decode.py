"""One record to a mention, or to a field and a reason."""

from __future__ import annotations

from typing import get_args

import jsonschema
import orjson
import pytest

from engine.domain.errors import MentionError
from engine.domain.mention import KINDS, SOURCES, TEXT_CHARS_MAX, Mention
from streams.decode import decode, decode_many, parse_created_at_ms
from streams.schema import KindName, SourceName, json_schema

GOOD = {"id": "7", "source": "forum", "text": "Colis perdu", "created_at": "2026-03-04T09:15:00Z"}
FULL = {
    **GOOD,
    "kind": "review",
    "brand": "Vélorine",
    "lang": "fr",
    "author": {"id": "u1", "name": "Camille", "followers": 120, "verified": True},
    "url": "https://forum.example/7",
    "parent_id": "6",
    "thread_id": "1",
    "engagement": {"likes": 1, "shares": 2, "replies": 3, "views": 4},
    "sentiment": -0.5,
}


def of(**changes: object) -> bytes:
    return orjson.dumps({**GOOD, **changes})


def test_names_on_the_wire_are_those_of_the_field() -> None:
    assert get_args(SourceName) == SOURCES
    assert get_args(KindName) == KINDS


def test_every_field_arrives() -> None:
    assert decode(orjson.dumps(FULL)).mention == Mention(
        "7", "forum", "review", "Colis perdu", 1_772_615_700_000, "Vélorine", "fr", "u1", "Camille", 120, True,
        "https://forum.example/7", "6", "1", 1, 2, 3, 4, -0.5,
    )  # fmt: skip


def test_null_is_absent() -> None:
    record = {**dict.fromkeys(FULL), **GOOD}
    assert decode(orjson.dumps(record)).mention == decode(of()).mention
    nulls = {"author": dict.fromkeys(FULL["author"]), "engagement": dict.fromkeys(FULL["engagement"])}
    assert decode(of(**nulls)).mention == decode(of()).mention


def test_unknown_fields_are_counted_at_every_level() -> None:
    decoded = decode(of(tags=[1], user=None, author={"name": "Sam", "age": 3}, engagement={"claps": 2, "likes": 1}))
    assert decoded.unknown_fields == 4
    assert (decoded.mention.author_name, decoded.mention.likes) == ("Sam", 1)


def test_unknown_fields_are_counted_wherever_they_stand() -> None:
    known = orjson.dumps(FULL)[1:-1]
    for raw in (b'{"z": 1, ' + known + b"}", b"{" + known + b', "z": 1}', b'{"z": 1, ' + known + b', "y": {"z": 2}}'):
        assert decode(raw).unknown_fields == raw.count(b'"z"')
    nested = b"{" + known.replace(b'"followers"', b'"x": 1, "followers"').replace(b'"views"', b'"y": 2, "views"') + b"}"
    assert decode(nested).unknown_fields == 2


def test_long_text_is_cut_and_counted() -> None:
    assert decode(of(text="é" * TEXT_CHARS_MAX)).truncated is False
    decoded = decode(of(text="é" * (TEXT_CHARS_MAX + 1)))
    assert decoded.truncated is True
    assert decoded.mention.text == "é" * TEXT_CHARS_MAX


def test_control_characters_are_taken_out() -> None:
    decoded = decode(of(text="a\x00b\x1b[31m\r\n\tc", brand="Lu\x00meo", author={"name": "S\nam"}))
    assert decoded.mention.text == "ab[31m\r\n\tc"
    assert (decoded.mention.brand, decoded.mention.author_name) == ("Lumeo", "Sam")


def test_counts_written_as_12_0_are_whole_numbers() -> None:
    mention = decode(of(author={"followers": 12.0}, engagement={"likes": 3.0, "views": 1e3})).mention
    assert (mention.author_followers, mention.likes, mention.views) == (12, 3, 1000)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"id": 7}, 'id: not a string (ids are strings: "123", not 123)'),
        ({"id": ""}, "id: empty"),
        ({"id": "a\x00"}, "id: holds a control character"),
        ({"id": "x" * 257}, "id: longer than 256 characters"),
        ({"source": "myspace"}, f"source: not one of {', '.join(SOURCES)}"),
        ({"source": None}, f"source: not one of {', '.join(SOURCES)}"),
        ({"kind": "poem"}, f"kind: not one of {', '.join(KINDS)}"),
        ({"text": ""}, "text: empty"),
        ({"text": " \n\t\u00a0"}, "text: empty"),
        ({"text": "\x00\x00"}, "text: empty"),
        ({"text": ["a"]}, "text: not a string"),
        ({"lang": "f" * 36}, "lang: longer than 35 characters"),
        ({"url": "u" * 2049}, "url: longer than 2,048 characters"),
        ({"author": "Sam"}, "author: not a JSON object"),
        ({"author": {"followers": True}}, "author.followers: not a whole number"),
        ({"author": {"followers": "12"}}, "author.followers: not a whole number"),
        ({"author": {"followers": 1.5}}, "author.followers: not a whole number"),
        ({"author": {"followers": -1}}, "author.followers: less than 0"),
        ({"author": {"verified": 1}}, "author.verified: neither true nor false"),
        ({"engagement": {"likes": 10**15 + 1}}, "engagement.likes: more than 1e+15"),
        ({"sentiment": 1.01}, "sentiment: more than 1"),
        ({"sentiment": "0.5"}, "sentiment: not a number"),
        ({"sentiment": False}, "sentiment: not a number"),
        ({"created_at": 1_772_615_700}, "created_at: not a string"),
        ({"created_at": "1989-12-31T23:59:59Z"}, "created_at: before 1990"),
    ],
)
def test_refused_with_field_and_reason(changes: dict[str, object], said: str) -> None:
    with pytest.raises(MentionError) as caught:
        decode(of(**changes))
    assert str(caught.value) == said


@pytest.mark.parametrize("field", ["id", "source", "text", "created_at"])
def test_required(field: str) -> None:
    record = {name: value for name, value in GOOD.items() if name != field}
    with pytest.raises(MentionError) as caught:
        decode(orjson.dumps(record))
    assert (caught.value.field, caught.value.reason) == (field, "missing")


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "not JSON"),
        (b"null", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b'{"id": "1"', "not JSON"),
        (of() + b"}", "not JSON"),
        (of(x="y").replace(b'"y"', b"NaN"), "not JSON"),
        (of(sentiment=0).replace(b":0}", b":Infinity}"), "not"),
        (of(text="?").replace(b"?", b"\\ud800"), "not JSON"),
        (of(text="?").replace(b"?", b"\xed\xa0\x80"), "not JSON"),
        (of(text="?").replace(b"?", b"\xc3\x28"), "not JSON"),
        (of(text="?").replace(b"?", b"\x00"), "not JSON"),
        (b"\x80" + of(), "not JSON"),
        (b'{"a":' * 100_000, "not JSON"),
        (b" " * 1_000_001, "line longer than 1 MB"),
    ],
)
def test_what_is_no_json_object_is_refused_as_a_whole(raw: bytes, said: str) -> None:
    with pytest.raises(MentionError, match=said) as caught:
        decode(raw)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1990-01-01T00:00:00Z", 631_152_000_000),
        ("2026-03-04T10:15:00+01:00", 1_772_615_700_000),
        ("2026-03-04t09:15:00z", 1_772_615_700_000),
        ("2026-03-04 09:15:00Z", 1_772_615_700_000),
        ("2026-03-04T09:15:00.9999Z", 1_772_615_700_999),
        ("2026-03-04T09:15:00.123456789-00:00", 1_772_615_700_123),
        ("2016-12-31T23:59:60Z", 1_483_228_799_000),
        ("9999-12-31T23:59:59-23:59", 253_402_387_139_000),
    ],
)
def test_dates(text: str, ms: int) -> None:
    assert parse_created_at_ms(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "", "Z", "yesterday", "2026-03-04", "2026-03-04T09:15:00", "2026-03-04T09:15Z", "20260304T091500Z",
        "2026-W10-3T09:15:00Z", "2026-02-30T09:15:00Z", "2026-03-04T24:00:01Z", "2026-03-04T09:15:61Z",
        "2026-03-04T09:15:00+0100", "2026-03-04T09:15:00+25:00", "٢٠٢٦-03-04T09:15:00Z", "1772615700",
    ],
)  # fmt: skip
def test_dates_that_are_none(text: str) -> None:
    with pytest.raises(MentionError, match="not an RFC 3339 date-time"):
        decode(of(created_at=text))


def test_many_keeps_neighbours_and_first_bytes() -> None:
    many = decode_many([of(), b"x" * 70_000, of(id="8")], lambda i: f"line {i + 1}")
    assert [m.id for m in many.mentions] == ["7", "8"]
    assert [(r.position, r.raw) for r in many.rejects] == [("line 2", b"x" * 64_000)]


def test_the_published_schema_agrees() -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(FULL)
    assert validator.is_valid({**GOOD, "tags": []})
    for wrong in ({"id": 7}, {"source": "myspace"}, {"sentiment": 2}, {"author": {"followers": -1}}, {"text": None}):
        assert not validator.is_valid({**GOOD, **wrong})


@pytest.mark.parametrize("text", [
    "2026-03-04T09:15:00+01:00", "2026-03-04T09:15:00.000+01:00", "2026-03-04T08:15:00Z", "2026-03-04T08:15:00.000999Z",
    "2026-03-04T03:15:00.000000-05:00", "2026-03-04 09:15:00+01:00", "2026-03-04t08:15:00z",
])  # fmt: skip
def test_every_common_form_of_a_date_names_the_same_moment(text: str) -> None:
    assert parse_created_at_ms(text) == 1_772_612_100_000


@pytest.mark.parametrize("text", [
    "2026-03-04T09:15+01:00", "2026-03-04T09:15:00+0100", "2026-03-04T09:15:00,5+01:00", "2026-03-04T09:15:00.+01:00",
    "2026-03-04T09:15:00+01:00:30", "2026-03-04T09:15:00.5+0100:0", "2026-03-04T09:15:00", "20260304T091500+01:00",
])  # fmt: skip
def test_what_rfc_3339_does_not_allow_is_refused(text: str) -> None:
    with pytest.raises(MentionError):
        parse_created_at_ms(text)
