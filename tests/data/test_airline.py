"""The real airline mentions of February 2015: a winter storm cancels flights around the 22nd."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.infra.cli import vigie

pytestmark = pytest.mark.data


def test_the_winter_storm_is_found(shared: Path, tmp_path, capsys, monkeypatch) -> None:
    out = tmp_path / "out.json"
    ended = vigie(capsys, monkeypatch, "replay", shared / "data" / "airline" / "mentions.ndjson", "--json", out)
    assert ended.code == 0
    found = orjson.loads(out.read_bytes())
    assert found["mentions"] == 6_746
    united = [i for i in found["incidents"] if i["brand"] == "United"]
    raised = [(i, level) for i in united for level in i["levels"] if level["level"] != "vert"]
    in_storm = [i for i, level in raised if "2015-02-21T00" <= level["at"] < "2015-02-25"]
    assert in_storm
    before = [i for i in found["incidents"] if i["opened_at"] < "2015-02-21T12"]
    assert len(before) <= 1
    terms = " ".join(in_storm[-1]["evidence"]["top_terms"])
    assert "cancelled" in terms
