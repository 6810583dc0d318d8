"""What stands in examples/ works."""

from __future__ import annotations

from pathlib import Path

from engine.core.match import Matcher
from ops.app import engine_config
from ops.settings import load_settings
from streams.decode import decode

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_the_mentions_are_read_whole_and_concern_the_brands_of_the_settings() -> None:
    matcher = Matcher(engine_config(load_settings(EXAMPLES / "vigie.yaml", {})).brands)
    decoded = [decode(line) for line in (EXAMPLES / "mentions.ndjson").read_bytes().splitlines()]
    assert [one.unknown_fields for one in decoded] == [0] * 5
    brands = [matcher.brands(one.mention) for one in decoded]
    assert brands == [("Nordalia",)] * 4 + [("Vélorine",)]
