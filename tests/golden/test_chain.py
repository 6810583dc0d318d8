"""The whole chain by `vigie replay`: a storm, a rota and three channels give alerts, calls, run, texts and reports.

After a wanted change: `VIGIE_GOLDEN=write python -m pytest tests/golden/test_chain.py`, then read the difference.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ops.drill.scenario import Storm, found
from ops.render.moments import utc
from tests.infra.cli import vigie

HERE = Path(__file__).parent
START_MS = int(datetime(2026, 3, 24, 17, 40, tzinfo=UTC).timestamp()) * 1000
SETTINGS = """
lang: {lang}
brands:
  - {{name: Lumeo, langs: [fr, en], signature: "L'équipe Lumeo"}}
alerts:
  channels:
    - {{name: equipe, type: slack, url_env: HOOK}}
    - {{name: direction, type: webhook, url: "https://direction.example/v", level_min: orange}}
    - {{name: journal, type: console}}
people:
  Camille: {{contacts: [{{name: sms, type: webhook, url: "https://sms.example/c"}}]}}
  Nour: {{contacts: [{{name: sms, type: webhook, url: "https://sms.example/n"}}], lang: en}}
  Sacha: {{contacts: [{{name: sms, type: webhook, url: "https://sms.example/s"}}]}}
oncall:
  quiet: {{start: "22:00", end: "07:00"}}
  rotas:
    - role: community_manager
      rotation: {{people: [Camille, Nour], first: 2026-01-05}}
      deputies: [Camille]
    - {{role: incident_lead, people: [Sacha]}}
roles: {{decision_maker: [Sacha], legal: [Nour]}}
"""


def mentions(path: Path, lang: str) -> None:
    storm = Storm(found("outage"), "Lumeo", lang, START_MS)
    rows = [
        {
            "id": m.id, "source": m.source, "kind": m.kind, "text": m.text, "created_at": utc(m.created_at_ms),
            "brand": m.brand, "lang": m.lang, "views": m.views, "shares": m.shares, "likes": m.likes,
            "author": {"id": m.author_id, "followers": m.author_followers, "verified": m.author_verified},
        }
        for m in (*storm.before(), *storm.storm())
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


def chain(folder: Path, lang: str, call: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """OUT.json and the reports, by their kinds."""
    mentions(folder / "storm.ndjson", lang)
    (folder / "vigie.yaml").write_text(SETTINGS.format(lang=lang), encoding="utf-8")
    out, reports = folder / "out.json", folder / "reports"
    ended = call(
        "replay", folder / "storm.ndjson", "-c", folder / "vigie.yaml", "--json", out, "--report", reports
    )  # fmt: skip
    assert ended.code == 0, ended.err
    document = json.loads(out.read_text(encoding="utf-8"))
    document.pop("mentions_per_s")
    texts = {path.name.split(".")[1]: path.read_text(encoding="utf-8") for path in reports.glob("inc-*.*.md")}
    return document, texts


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_whole_chain(
    lang: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "https://hooks.example/x")
    document, reports = chain(tmp_path, lang, lambda *words: vigie(capsys, monkeypatch, *words))
    assert set(reports) == {"situation", "retex"}
    golden = {f"chain.{lang}.json": json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"}
    golden |= {f"chain.{kind}.{lang}.md": text for kind, text in reports.items()}
    for name, text in golden.items():
        if os.environ.get("VIGIE_GOLDEN") == "write":
            (HERE / name).write_text(text, encoding="utf-8")
        assert text == (HERE / name).read_text(encoding="utf-8"), f"{name}: VIGIE_GOLDEN=write, then read it"


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_what_the_golden_files_tell(lang: str) -> None:
    """The promises that a reader of the golden files would look for."""
    document = json.loads((HERE / f"chain.{lang}.json").read_text(encoding="utf-8"))
    messages, (incident,), (run,) = document["messages"], document["incidents"], document["runs"]
    assert {m["channel"] for m in messages if m["person"] is None} == {"equipe", "direction", "journal"}
    called = [m["person"] for m in messages if m["kind"] == "call"]
    assert called[:3] == ["Nour", "Camille", "Sacha"]
    times = [m["at"] for m in messages]
    assert times == sorted(times)
    assert incident["playbook"] == run["playbook"] == "outage"
    assert [step["state"] for step in run["steps"]].count("due") >= 1
    assert any(step["overdue"] for step in run["steps"])
    whole = [text for text in document["texts"] if text["kind"] == "holding"]
    assert {text["network"] for text in whole} >= {"x", "facebook"}
    assert all(text["missing"] or text["text"] or text["strategy"] == "silence" for text in document["texts"])
    assert all(text["state"] != "approved" for text in document["texts"])
    for kind in ("situation", "retex"):
        report = (HERE / f"chain.{kind}.{lang}.md").read_text(encoding="utf-8")
        assert "Lumeo" in report
