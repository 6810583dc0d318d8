"""Every source keeps the same contract (Kafka's runs with its broker, in tests/integration)."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.table import SOURCES
from tests.infra.sources import CHECKS, RIGS, Rig


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("kind", RIGS)
def test_contract(kind: str, check, tmp_path: Path) -> None:
    rig: Rig = RIGS[kind](tmp_path)
    check(rig)


def test_every_source_stands_in_the_contract(tmp_path: Path) -> None:
    kinds = {type(make(tmp_path).make()) for make in RIGS.values()}
    assert {SOURCES[name] for name in SOURCES if name != "kafka"} == kinds
