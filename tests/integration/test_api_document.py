"""The OpenAPI document: whatever it allows is answered as it says, for every act; schemathesis makes the texts up."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS

from ops.desk.acts import ACTS
from tests.infra.desk import Counter, counter

EXAMPLES = 12
SLOW = frozenset({"oncall.test", "corrections.add"})
"""These send messages and teach the text model; their forms are tried elsewhere."""
TOLD = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


@pytest.fixture(scope="module")
def served() -> Iterator[Counter]:
    with counter() as (call, _):
        yield call


def test_the_document_lists_every_act_and_its_token(served: Counter) -> None:
    document = httpx2.get(f"{served.url}/openapi.json", timeout=30).json()
    assert document["openapi"].startswith("3.1")
    listed = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert listed == {(act.method, act.path) for act in ACTS.values()}
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["security"] == [{"token": []}]
            assert {"401", "403", "422"} <= set(operation["responses"])
            assert operation["summary"]


@pytest.mark.parametrize("name", [name for name in ACTS if name not in SLOW])
def test_what_the_document_allows_is_answered_as_it_says(served: Counter, name: str) -> None:
    schema: Any = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    act = ACTS[name]
    operation = schema[act.path][act.method]
    checks = [CHECKS.get_one(check) for check in TOLD]
    headers = {"authorization": f"Bearer {served.tokens['Ada']}"}

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    def holds(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=checks, timeout=30)

    given(case=operation.as_strategy())(holds)()
