"""Bytes to `Mention`, one record at a time: the edge where everything doubtful is refused, with field and reason.

A refused record harms nobody: `decode` raises `MentionError`, and only that, whatever the bytes are. Limits: a record
of 1,000,000 bytes, a text of 10,000 characters (cut, counted), ids and names of 256, and those of `streams.schema`.

Control characters (U+0000 to U+001F) are taken out of every string save line breaks and tabs of the text: no store and
no terminal is any better for them. An id that holds one is refused, since cleaned it could be another's id.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from engine.domain.batch import Reject
from engine.domain.errors import MentionError
from engine.domain.mention import CREATED_AT_MS_MIN, TEXT_CHARS_MAX, Mention
from streams.schema import ADAPTER, AUTHOR_FIELDS, ENGAGEMENT_FIELDS, FIELDS, MentionFields

RECORD_BYTES_MAX = 1_000_000
RAW_BYTES_MAX = 64_000
"""A dead letter keeps this many first bytes of the record."""
TOO_LONG = "line longer than 1 MB"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d):(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x1f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_validate_json = ADAPTER.validator.validate_json
_validate_python = ADAPTER.validator.validate_python
_iso = datetime.fromisoformat
_new = tuple.__new__
_NOT_A_DATE = "not an RFC 3339 date-time such as 2026-03-04T08:15:00Z"


class Decoded(NamedTuple):
    """A mention, how many fields of its record nobody knows, and whether its text was cut."""

    mention: Mention
    unknown_fields: int
    truncated: bool


class DecodedMany(NamedTuple):
    """What `decode_many` made of a run of records: every record is a mention or a reject."""

    mentions: list[Mention]
    rejects: list[Reject]
    unknown_fields: int
    truncated: int


def decode(raw: bytes) -> Decoded:
    """One JSON object to a mention.

    Raises `MentionError`, and nothing else, if it is none.

    >>> line = b'{"id": "1", "source": "forum", "text": "Merci !", "created_at": "2026-03-04T09:15:00+01:00", "tag": 7}'
    >>> decoded = decode(line)
    >>> decoded.mention.created_at_ms, decoded.mention.kind, decoded.unknown_fields
    (1772612100000, 'mention', 1)
    >>> decode(b'{"id": "1", "source": "forum", "text": "Merci !", "created_at": "yesterday"}')
    Traceback (most recent call last):
    engine.domain.errors.MentionError: created_at: not an RFC 3339 date-time such as 2026-03-04T08:15:00Z
    """
    if len(raw) > RECORD_BYTES_MAX:
        raise MentionError("", TOO_LONG)
    try:
        fields: MentionFields = _validate_json(raw)
    except ValidationError as error:
        fields = _second_try(raw, error)
    # JSON can bring a control character only as an escape, so the many records without a backslash need no cleaning.
    if b"\\" in raw:
        _clean(fields)
    decoded = _mention(fields)
    if decoded[1] and (b"NaN" in raw or b"Infinity" in raw):
        _refuse_nan(raw)
    return decoded


def decode_fields(record: Mapping[str, Any]) -> Decoded:
    """The same for a record that is parsed already (a row of a table, a mapped object); raises `MentionError`."""
    try:
        fields: MentionFields = _validate_python(record)
    except ValidationError as error:
        raise _explained(error) from None
    _clean(fields)
    return _mention(fields)


def decode_many(lines: Iterable[bytes], where: Callable[[int], str]) -> DecodedMany:
    """Decode a run of records; `where(i)` names the position of the i-th for its reject.

    >>> many = decode_many([b"{", b'{"id": "1", "source": "x", "text": "ok", "created_at": "2026-03-04T09:15:00Z"}'],
    ...                    lambda i: f"line {i + 1}")
    >>> [m.text for m in many.mentions], [(r.position, r.raw) for r in many.rejects]
    (['ok'], [('line 1', b'{')])
    """
    mentions: list[Mention] = []
    rejects: list[Reject] = []
    unknown_fields = truncated = 0
    for i, raw in enumerate(lines):
        try:
            mention, unknown, cut = decode(raw)
        except MentionError as error:
            rejects.append(rejected(where(i), error, raw))
            continue
        mentions.append(mention)
        unknown_fields += unknown
        truncated += cut
    return DecodedMany(mentions, rejects, unknown_fields, truncated)


def rejected(position: str, error: MentionError, raw: bytes) -> Reject:
    """The dead letter of a record: where it stood, which field, why, and its first bytes."""
    return Reject(position, error.field, error.reason, raw[:RAW_BYTES_MAX].rstrip(b"\r\n"), size_bytes=len(raw))


def parse_created_at_ms(text: str) -> int:
    """RFC 3339 to milliseconds since 1970 (UTC), rounded down. Raises `MentionError`.

    A leap second counts as the last second of its minute.

    >>> parse_created_at_ms("2016-12-31T23:59:60Z") == parse_created_at_ms("2016-12-31T23:59:59Z")
    True
    """
    try:
        # The common forms, told by a few characters; whatever else ISO 8601 allows goes through the pattern below.
        if (
            text[10] == "T" and text[7] == "-" and text[16] == ":" and text[17] != "6"
            and (text[-1] == "Z" or (
                text[-6] in "+-" and text[-3] == ":"
                and (len(text) == 25 or (text[19] == "." and "0" <= text[20] <= "9"))
            ))
        ):  # fmt: skip
            ms = (_iso(text) - _EPOCH) // _MS
        else:
            found = _RFC3339.fullmatch(text)
            if found is None:
                raise MentionError("created_at", _NOT_A_DATE)
            day, minute, second, fraction, zone = found.groups()
            if second == "60":
                second = "59"
            ms = (_iso(f"{day}T{minute}:{second}{fraction or ''}{zone.upper()}") - _EPOCH) // _MS
    except (ValueError, IndexError, OverflowError):
        raise MentionError("created_at", _NOT_A_DATE) from None
    if ms < CREATED_AT_MS_MIN:
        raise MentionError("created_at", "before 1990")
    return ms


def _mention(fields: MentionFields) -> Decoded:
    get: Callable[[str], Any] = fields.get
    created_at_ms = parse_created_at_ms(fields["created_at"])
    text = fields["text"]
    if not text or text.isspace():
        raise MentionError("text", "empty")
    truncated = len(text) > TEXT_CHARS_MAX
    if truncated:
        text = text[:TEXT_CHARS_MAX]
    # pydantic puts what it does not know behind what it does: the last key tells whether there is any.
    unknown = 0 if next(reversed(fields.keys())) in FIELDS else len(fields.keys() - FIELDS)
    author_id = author_name = None
    followers = likes = shares = replies = views = 0
    verified = False
    if author := fields.get("author"):
        author_id, author_name = author.get("id"), author.get("name")
        followers, verified = author.get("followers") or 0, author.get("verified") or False
        if next(reversed(author.keys())) not in AUTHOR_FIELDS:
            unknown += len(author.keys() - AUTHOR_FIELDS)
    if engagement := fields.get("engagement"):
        likes, shares = engagement.get("likes") or 0, engagement.get("shares") or 0
        replies, views = engagement.get("replies") or 0, engagement.get("views") or 0
        if next(reversed(engagement.keys())) not in ENGAGEMENT_FIELDS:
            unknown += len(engagement.keys() - ENGAGEMENT_FIELDS)
    # Straight from a tuple: the class's own __new__ costs four times as much, and this runs for every mention.
    mention = _new(Mention, (
        fields["id"], fields["source"], get("kind") or "mention", text, created_at_ms,
        get("brand") or None, get("lang") or None, author_id or None, author_name or None, followers, verified,
        get("url") or None, get("parent_id") or None, get("thread_id") or None,
        likes, shares, replies, views, get("sentiment"),
    ))  # fmt: skip
    return _new(Decoded, (mention, unknown, truncated))


def _clean(fields: MentionFields) -> None:
    """Take control characters out of every string, in place."""
    if _CONTROL.search(fields["id"]):
        raise MentionError("id", "holds a control character")
    author: Any = fields.get("author") or {}
    whole: Any = fields
    for holder in (whole, author):
        for name, value in holder.items():
            if type(value) is str and not value.isprintable():
                pattern = _CONTROL_IN_TEXT if name == "text" and holder is whole else _CONTROL
                holder[name] = pattern.sub("", value)


def _refuse_nan(raw: bytes) -> None:
    """The JSON reader behind pydantic takes the bare words NaN and Infinity, which are not JSON, in unknown fields."""
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MentionError("", f"not JSON: {error}") from None


def _second_try(raw: bytes, error: ValidationError) -> MentionFields:
    """JSON Schema calls 12.0 an integer, and table exports write counts so: accept it, on this slower way."""
    first = error.errors(include_url=False, include_context=False, include_input=False)
    if any(item["type"] not in ("int_type", "int_from_float") for item in first):
        raise _explained(error) from None
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as problem:
        raise MentionError("", f"not JSON: {problem}") from None
    for item in first:
        holder = record
        *path, name = item["loc"]
        for step in path:
            holder = holder[step]
        value = holder[name]
        if type(value) is float and value.is_integer():
            holder[name] = int(value)
    try:
        fields: MentionFields = _validate_python(record)
    except ValidationError as still:
        raise _explained(still) from None
    return fields


_REASONS = {
    "missing": "missing",
    "string_type": "not a string",
    "string_too_short": "empty",
    "int_type": "not a whole number",
    "int_from_float": "not a whole number",
    "float_type": "not a number",
    "finite_number": "not a finite number",
    "bool_type": "neither true nor false",
    "dict_type": "not a JSON object",
}


def _explained(error: ValidationError) -> MentionError:
    """The first of pydantic's errors as a field and a short reason."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = ".".join(str(step) for step in first["loc"])
    kind, context = first["type"], first.get("ctx", {})
    if kind == "json_invalid":
        reason = f"not JSON: {context.get('error', 'unreadable')}".replace("at line 1 column", "at column")
    elif kind == "literal_error":
        reason = f"not one of {str(context['expected']).replace(' or ', ', ')}".replace("'", "")
    elif kind == "string_too_long":
        reason = f"longer than {context['max_length']:,} characters"
    elif kind == "greater_than_equal":
        reason = f"less than {context['ge']:g}"
    elif kind == "less_than_equal":
        reason = f"more than {context['le']:g}"
    elif kind == "string_type" and field.endswith("id"):
        reason = 'not a string (ids are strings: "123", not 123)'
    else:
        reason = _REASONS.get(kind, first["msg"])
    return MentionError(field, reason)
