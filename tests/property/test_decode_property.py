"""Whatever the bytes: a mention or a `MentionError`, and what was written comes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import orjson
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.errors import MentionError
from engine.domain.mention import KINDS, SOURCES, TEXT_CHARS_MAX
from streams.decode import decode
from streams.mapping import fields_of_row, read_date
from streams.schema import PATHS

GOOD = {"id": "7", "source": "forum", "text": "Colis perdu", "created_at": "2026-03-04T09:15:00Z"}
FIELDS = [*{path.partition(".")[0] for path in PATHS}, "other"]

clean = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=60)
names = clean.filter(bool) | st.none()
counts = st.integers(0, 10**15)
anything = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.text(), inner, max_size=4),
    max_leaves=12,
)


def check_said(error: MentionError) -> None:
    assert error.reason
    assert "\n" not in str(error)


def judged(raw: bytes) -> None:
    try:
        mention = decode(raw).mention
    except MentionError as error:
        check_said(error)
        return
    assert mention.id
    assert mention.text.strip()
    assert len(mention.text) <= TEXT_CHARS_MAX
    assert mention.source in SOURCES
    assert mention.kind in KINDS
    assert min(mention.likes, mention.shares, mention.replies, mention.views, mention.author_followers) >= 0


@given(st.binary(max_size=300))
def test_bytes(raw: bytes) -> None:
    judged(raw)


@given(anything)
def test_any_json(value: object) -> None:
    judged(orjson.dumps(value))


@given(st.dictionaries(st.sampled_from(FIELDS), anything, max_size=3))
def test_a_good_record_with_some_fields_spoiled(changes: dict[str, object]) -> None:
    judged(orjson.dumps({**GOOD, **changes}))


@given(st.integers(0, 90), st.binary(min_size=1, max_size=3))
def test_a_good_record_with_bytes_overwritten(at: int, spoiled: bytes) -> None:
    raw = orjson.dumps({**GOOD, "author": {"followers": 3}})
    judged(raw[:at] + spoiled + raw[at + len(spoiled) :])


@given(
    record_id=clean.filter(bool),
    source=st.sampled_from(SOURCES),
    kind=st.sampled_from(KINDS),
    text=clean.filter(str.strip),
    at=st.datetimes(datetime(1990, 1, 2), datetime(2100, 1, 1)),
    zone_minutes=st.integers(-14 * 60, 14 * 60),
    brand=names,
    author=names,
    likes=counts,
    verified=st.booleans(),
    sentiment=st.floats(-1, 1) | st.none(),
)
def test_round_trip(
    record_id: str, source: str, kind: str, text: str, at: datetime, zone_minutes: int, brand: str | None,
    author: str | None, likes: int, verified: bool, sentiment: float | None,
) -> None:  # fmt: skip
    moment = at.replace(tzinfo=timezone(timedelta(minutes=zone_minutes)))
    record = {
        "id": record_id, "source": source, "kind": kind, "text": text, "created_at": moment.isoformat(),
        "brand": brand, "author": {"name": author, "verified": verified}, "engagement": {"likes": likes},
        "sentiment": sentiment,
    }  # fmt: skip
    decoded = decode(orjson.dumps(record))
    mention = decoded.mention
    assert (mention.id, mention.source, mention.kind, mention.text) == (record_id, source, kind, text)
    assert mention.created_at_ms == (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    assert (mention.brand, mention.author_name, mention.author_verified) == (brand, author, verified)
    assert (mention.likes, mention.sentiment) == (likes, sentiment)
    assert (decoded.unknown_fields, decoded.truncated) == (0, False)


@given(st.text(max_size=40) | st.integers() | st.floats() | st.none())
def test_reading_a_date_never_fails(value: object) -> None:
    read_date(value)


@given(st.lists(st.text(max_size=30), min_size=len(PATHS), max_size=len(PATHS)))
def test_any_row_of_a_table_is_judged(cells: list[str]) -> None:
    from streams.decode import decode_fields

    row = dict(zip(PATHS, cells, strict=True))
    try:
        decode_fields(fields_of_row({path: path for path in PATHS}, row, 3))
    except MentionError as error:
        check_said(error)
