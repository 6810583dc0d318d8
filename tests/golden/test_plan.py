"""One plan in full, in French and in English: `python tests/golden/test_plan.py` writes them anew."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from engine.domain.incident import Level
from engine.domain.playbook import BrandVoice, PlanRequest
from playbooks.catalogue import load_catalogue
from playbooks.filelint import example_facts
from playbooks.planner import CataloguePlanner

HERE = Path(__file__).parent


def plan_of(lang: str) -> str:
    catalogue = load_catalogue()
    facts = example_facts(catalogue["dangerous_product"], lang)
    facts.pop("finding")
    request = PlanRequest(
        incident_id="nordalia-1",
        brand=BrandVoice("Nordalia", (lang,), "vous", facts=tuple(facts.items())),
        level=Level.ROUGE,
        categories=(("dangerous_product", 64), ("quality", 20)),
        negatives=120,
        networks=("x", "facebook", "tiktok", "review"),
        lang=lang,
    )
    plan = asdict(CataloguePlanner(catalogue).plan(request))
    plan["steps"] = [step._asdict() for step in plan["steps"]]
    plan["drafts"] = [_draft(draft) for draft in plan["drafts"]]
    return json.dumps(plan, ensure_ascii=False, indent=1) + "\n"


def _draft(draft: Any) -> dict[str, Any]:
    return {**draft._asdict(), "text": draft.text.splitlines(), "findings": [tuple(f) for f in draft.findings]}


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_plan_is_the_golden_one(lang: str) -> None:
    assert plan_of(lang) == (HERE / f"plan.{lang}.json").read_text(encoding="utf-8")


if __name__ == "__main__":
    for one in ("fr", "en"):
        (HERE / f"plan.{one}.json").write_text(plan_of(one), encoding="utf-8")
