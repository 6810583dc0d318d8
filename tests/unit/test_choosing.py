"""Which playbook, whether to answer at all, in which posture: each with its reason."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.domain.incident import Level
from engine.domain.playbook import BrandVoice, PlanRequest
from playbooks.catalogue import HERE, Catalogue, load_voices, read_playbook
from playbooks.choosing import cluster_of, is_met, rank, strategies_of
from playbooks.planner import CataloguePlanner
from playbooks.schema import MetIf, Playbook

BASE = read_playbook(HERE / "catalogue" / "outage.yaml").playbook
REQUEST = PlanRequest(
    "i1", BrandVoice("Nordalia", ("en",)), Level.JAUNE, (("outage", 40), ("quality", 40)), 100, ("x",), lang="en",
    authors=12, followers_max=900,
)  # fmt: skip


def met(**test: Any) -> MetIf:
    return MetIf.model_validate(test)


def playbook(name: str, weights: dict[str, float], test: MetIf | None = None, **changes: Any) -> Playbook:
    case = BASE.do_not_answer[0].model_copy(update={"met_if": test})
    when = BASE.when.model_copy(update={"categories": weights, "signals": [], "base": 0.0})
    return BASE.model_copy(update={"id": name, "when": when, "do_not_answer": [case], **changes})


def plan(request: PlanRequest, *playbooks: Playbook) -> Any:
    return CataloguePlanner(Catalogue({p.id: p for p in playbooks}, load_voices())).plan(request)


def test_the_runner_up_has_its_reason() -> None:
    found = plan(REQUEST, playbook("a", {"outage": 1.0}), playbook("b", {"quality": 0.9}))
    assert (found.playbook, found.runner_up) == ("a", "b")
    assert found.reason.startswith("Topics: outage 40% of 100 negative messages")
    assert found.runner_up_reason.startswith("Topics: quality 40%")


@pytest.mark.parametrize(("lead", "chosen"), [(0.1, "a"), (0.14, "a"), (0.16, "b"), (0.5, "b")])
def test_another_playbook_must_lead_clearly(lead: float, chosen: str) -> None:
    a, b = playbook("a", {"outage": 1.0}), playbook("b", {"quality": 1.0 + lead / 0.4})
    found = plan(replace(REQUEST, current="a"), a, b)
    assert found.playbook == chosen
    assert ("kept, since no other playbook leads clearly" in found.reason) == (chosen == "a")
    assert plan(REQUEST, a, b).playbook == "b", "without a playbook that is being followed the best one is chosen"


def test_a_playbook_that_leads_anyway_is_not_said_to_be_kept() -> None:
    found = plan(replace(REQUEST, current="a"), playbook("a", {"outage": 2.0}), playbook("b", {"quality": 1.0}))
    assert found.playbook == "a"
    assert "kept" not in found.reason


def test_silence_is_a_choice_like_any_other() -> None:
    quiet = playbook("a", {"outage": 1.0}, met(level_max="jaune", authors_below=20))
    found = plan(REQUEST, quiet, playbook("b", {"quality": 0.5}))
    assert found.playbook == "a"
    assert "no answer, since" in found.reason
    assert "→" in found.silence
    loud = plan(replace(REQUEST, authors=200), quiet, playbook("b", {"quality": 0.5}))
    assert (loud.playbook, loud.silence) == ("a", "")
    other = plan(REQUEST, quiet, playbook("b", {"quality": 1.5}))
    assert (other.playbook, other.silence) == ("b", ""), "a better playbook beats silence"


@pytest.mark.parametrize(
    ("test", "changes", "holds"),
    [
        ({"authors_below": 13}, {}, True),
        ({"authors_below": 12}, {}, False),
        ({"authors_below": 13}, {"authors": 0}, False),  # nobody knows how many they are
        ({"reach_below": 1000}, {}, True),
        ({"reach_below": 900}, {}, False),
        ({"level_max": "vert"}, {}, False),
        ({"level_max": "orange"}, {"level": Level.ORANGE}, True),
        ({"level_max": "rouge"}, {"level": Level.ROUGE}, False),  # never at rouge
        ({"authors_below": 50}, {"signals": ("harm",)}, False),  # never where people may be in danger
        ({"signals": ["raid"]}, {}, False),
        ({"signals": ["raid"]}, {"signals": ("raid", "viral")}, True),
        ({"categories": {"outage": 0.4}}, {}, True),
        ({"categories": {"outage": 0.4, "fraud": 0.1}}, {}, False),
        ({}, {}, False),
    ],
)
def test_what_can_be_checked(test: dict[str, Any], changes: dict[str, Any], holds: bool) -> None:
    assert is_met(met(**test), replace(REQUEST, **changes)) is holds


def test_history_moves_one_cluster_harsher() -> None:
    mild = playbook("a", {"outage": 1.0}, cluster="accidental", strategies=["inform", "excuse", "justify", "empathise"])
    once, bad = (
        replace(REQUEST, earlier_incidents=1),
        replace(REQUEST, brand=replace(REQUEST.brand, bad_reputation=True)),
    )
    assert cluster_of(mild, REQUEST) == "accidental"
    assert strategies_of(mild, REQUEST) == ("inform", "excuse", "justify", "empathise")
    for request in (once, bad):
        found = plan(request, mild)
        assert found.cluster == "preventable"
        assert found.strategies == ("inform", "empathise", "apologise")
        assert "one step humbler" in found.reason
        assert "judged preventable" in found.reason
    rumour = playbook("r", {"outage": 1.0}, cluster="victim", strategies=["inform", "deny"])
    assert strategies_of(rumour, once) == ("inform", "deny"), "what is false stays false, and is never mixed with sorry"


def test_a_leak_starts_the_hours_of_the_law_whatever_is_chosen() -> None:
    a = playbook("a", {"outage": 1.0})
    assert plan(REQUEST, a).duties == ()
    leak = (*REQUEST.categories, ("data_leak", 15))
    assert plan(replace(REQUEST, categories=leak), a).duties == ("rgpd_notice",)
    assert plan(replace(REQUEST, categories=(("data_leak", 4),), negatives=10), a).duties == ()
    assert plan(REQUEST, playbook("data_leak", {"outage": 1.0})).duties == ("rgpd_notice",)


def test_steps_carry_what_a_run_needs() -> None:
    found = plan(replace(REQUEST, level=Level.ROUGE), BASE)
    steps = {step.id: step for step in found.steps}
    assert (steps["acknowledge"].role_id, steps["acknowledge"].clock) == ("community_manager", "acknowledge")
    assert (steps["freeze_posts"].clock, steps["freeze_posts"].action) == ("freeze", "freeze")
    assert (steps["situation_report"].every_min, steps["holding_line"].publishes) == (30, "holding")
    assert {step.id for step in found.closing} >= {"closing_message", "second_wave_watch", "debrief"}
    assert found.level is Level.ROUGE
    assert {role.id for role in found.roles} >= {step.role_id for step in found.steps}


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_reasons_are_one_sentence_without_a_trace_of_markup(lang: str) -> None:
    quiet = playbook("a", {"outage": 1.0}, met(authors_below=20))
    request = replace(REQUEST, lang=lang, current="a", earlier_incidents=2)
    for choice in rank([quiet, playbook("b", {"quality": 1.2})], request):
        assert choice.reason.endswith(".")
        assert "{" not in choice.reason
        assert "\n" not in choice.reason
