"""What every planner owes: purity, honesty about missing facts, drafts for each network, language and kind asked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.domain.incident import Level
from engine.domain.playbook import BrandVoice, PlanRequest
from engine.ports.planner import Planner
from playbooks.catalogue import load_catalogue
from playbooks.planner import CataloguePlanner

REQUEST = PlanRequest(
    incident_id="nordalia-1",
    brand=BrandVoice("Nordalia", ("fr", "en"), "tu"),
    level=Level.ORANGE,
    categories=(("outage", 60), ("price_billing", 9)),
    negatives=100,
    networks=("x", "tiktok", "review", "other"),
)


@pytest.fixture
def planner() -> Planner:
    return CataloguePlanner(load_catalogue())


def test_the_same_request_gives_the_same_plan(planner: Planner) -> None:
    assert planner.plan(REQUEST) == planner.plan(REQUEST) == CataloguePlanner(load_catalogue()).plan(REQUEST)


def test_one_draft_for_each_network_language_and_kind(planner: Planner) -> None:
    drafts = planner.plan(REQUEST).drafts
    keys = {(draft.network, draft.lang, draft.form, draft.kind) for draft in drafts}
    assert len(keys) == len(drafts) == 4 * 2 * 3
    assert {(lang, form) for _, lang, form, _ in keys} == {("fr", "tu"), ("en", None)}


def test_a_missing_fact_blocks_its_drafts_and_only_those(planner: Planner) -> None:
    plan = planner.plan(REQUEST)
    assert plan.facts_needed[:2] == ("service", "since")
    assert all(draft.blocked and draft.missing for draft in plan.drafts)
    assert all(f"⟦{name}⟧" in draft.text for draft in plan.drafts for name in draft.missing)
    facts = dict.fromkeys(plan.facts_needed, "https://nordalia.example")
    full = planner.plan(replace(REQUEST, brand=replace(REQUEST.brand, facts=tuple(facts.items()))))
    assert [draft.missing for draft in full.drafts] == [()] * len(full.drafts)
    facts.pop("cause")
    less = planner.plan(replace(REQUEST, brand=replace(REQUEST.brand, facts=tuple(facts.items()))))
    blocked = {draft.kind for draft in less.drafts if draft.missing}
    assert blocked == {"position"}
    assert {draft.missing for draft in less.drafts if draft.missing} == {("cause",)}


def test_facts_that_are_no_part_of_the_playbook_change_nothing(planner: Planner) -> None:
    odd = replace(REQUEST.brand, facts=(("nonsense", "x"), ("constructor", "y")))
    assert planner.plan(replace(REQUEST, brand=odd)) == planner.plan(REQUEST)


@pytest.mark.parametrize(
    ("categories", "signals", "chosen"),
    [
        ((("outage", 50),), (), "outage"),
        ((("dangerous_product", 20), ("quality", 45)), (), "dangerous_product"),
        ((("offensive_campaign", 30), ("discrimination", 20)), (), "offensive_campaign"),
        ((("delivery", 40), ("outage", 10)), (), "generic"),
        ((), (), "generic"),
        ((("working_conditions", 10), ("price_billing", 60)), (), "generic"),
        ((("environment", 80),), (), "boycott"),
        ((("quality", 10),), ("harm",), "dangerous_product"),
    ],
)
def test_the_choice_follows_categories_and_signals(
    planner: Planner, categories: tuple[tuple[str, int], ...], signals: tuple[str, ...], chosen: str
) -> None:
    plan = planner.plan(replace(REQUEST, categories=categories, signals=signals))
    assert plan.playbook == chosen
    assert plan.runner_up != chosen
    assert plan.reason.endswith(".")


@pytest.mark.parametrize("level", list(Level))
def test_every_level_has_steps_and_drafts_in_order(planner: Planner, level: Level) -> None:
    plan = planner.plan(replace(REQUEST, level=level))
    assert plan.playbook == "outage"
    assert [step.due_min for step in plan.steps] == sorted(step.due_min for step in plan.steps)
    known = {step.id for step in plan.steps}
    assert known
    assert all(set(step.after) <= known for step in plan.steps)
    assert plan.drafts


def test_clocks_of_the_levels(planner: Planner) -> None:
    due = {
        level: {step.id: step.due_min for step in planner.plan(replace(REQUEST, level=level)).steps} for level in Level
    }
    assert [due[level]["acknowledge"] for level in (Level.JAUNE, Level.ORANGE, Level.ROUGE)] == [15, 5, 5]
    assert [due[level]["holding_line"] for level in (Level.ORANGE, Level.ROUGE)] == [60, 45]
    assert "crisis_cell" not in due[Level.ORANGE]
    assert due[Level.ROUGE]["crisis_cell"] == 30


def test_level_min_keeps_a_playbook_out(planner: Planner, tmp_path: Path) -> None:
    source = Path(__file__).resolve().parents[2] / "playbooks" / "catalogue" / "outage.yaml"
    text = source.read_text(encoding="utf-8").replace("level_min: vert", "level_min: rouge")
    (tmp_path / "outage.yaml").write_text(text, encoding="utf-8")
    strict = CataloguePlanner(load_catalogue([tmp_path]))
    assert strict.plan(REQUEST).playbook == "generic"
    assert strict.plan(replace(REQUEST, level=Level.ROUGE)).playbook == "outage"


def test_an_unknown_network_gets_the_neutral_text_and_an_unknown_language_english(planner: Planner) -> None:
    plan = planner.plan(replace(REQUEST, networks=("threads",), brand=replace(REQUEST.brand, langs=("de",))))
    other = planner.plan(replace(REQUEST, networks=("other",), brand=replace(REQUEST.brand, langs=("en",))))
    assert [draft.text for draft in plan.drafts] == [draft.text for draft in other.drafts]


def test_banned_words_of_the_brand_are_findings(planner: Planner) -> None:
    voice = replace(REQUEST.brand, banned_words=("panne",))
    plan = planner.plan(replace(REQUEST, brand=voice, networks=("blog",)))
    assert {finding.rule for draft in plan.drafts for finding in draft.findings} == {"banned"}


def test_history_and_level_are_told(planner: Planner) -> None:
    plan = planner.plan(replace(REQUEST, earlier_incidents=2))
    assert "60\u00a0%" in plan.reason
    assert "orange" in plan.reason
    assert "2" in plan.reason
    assert "→" in plan.do_not_answer
