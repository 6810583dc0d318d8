"""Whatever the inside can say, the store gives back unchanged."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.domain.batch import Command, Cursor, Reject
from engine.domain.effects import AlertRaised
from engine.domain.errors import StateError
from engine.domain.incident import Incident
from engine.domain.mention import Mention
from engine.domain.playbook import Plan
from ops.store.codec import decode, dumps, encode, loads

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=8)  # lone surrogates too

st.register_type_strategy(str, ANY_TEXT)

QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)


@pytest.mark.parametrize("kind", [Mention, Incident, Plan, AlertRaised, Command, Cursor])
def test_everything_comes_back_equal(kind: type[Any]) -> None:
    @QUICK
    @given(st.from_type(kind))
    def check(value: Any) -> None:
        assert repr(decode(kind, encode(value))) == repr(value)  # repr: NaN equals NaN

    check()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
@QUICK
def test_json_values_come_back_equal(value: Any) -> None:
    assert loads(dumps(value)) == value


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("{", "no JSON"),
        ("[]", "no Cursor"),
        ('{"v":1,"kind":"Plan","data":{}}', "no Cursor"),
        ('{"v":2,"kind":"Cursor","data":{}}', "version 2"),
        ('{"v":1,"kind":"Cursor","data":{"source":"a"}}', "can't be read"),
        ('{"v":1,"kind":"Cursor","data":{"source":1,"partition":"","position":""}}', "can't be read"),
        ('{"v":1,"kind":"Cursor","data":[]}', "can't be read"),
    ],
)
def test_a_wrong_document_is_one_line(raw: str, says: str) -> None:
    with pytest.raises(StateError, match=says) as caught:
        decode(Cursor, raw)
    assert "\n" not in str(caught.value)


def test_an_older_document_without_a_later_field_is_read() -> None:
    old = '{"v":1,"kind":"Mention","data":{"id":"1","source":"x","kind":"post","text":"a","created_at_ms":1,"gone":2}}'
    assert decode(Mention, old) == Mention("1", "x", "post", "a", 1)


def test_bytes_are_no_json() -> None:
    with pytest.raises(TypeError, match="bytes has no JSON form"):
        encode(Reject("line 1", "", "no JSON", b"\xff"))
