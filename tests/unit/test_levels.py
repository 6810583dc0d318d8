"""How grave an incident is, and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.core.evidence import figures
from engine.core.levels import Hysteresis, decide
from engine.core.tally import Tally
from engine.domain.incident import Level

CALM = replace(figures(Tally(), 0, 1.0), networks=(("x", 40),), observed=40.0, expected=20.0)


@pytest.mark.parametrize(
    ("change", "ratio", "level"),
    [
        ({}, 2.0, Level.JAUNE),
        ({"authors": 10}, 20.0, Level.JAUNE),
        ({"authors": 30}, 9.0, Level.ORANGE),
        ({"authors": 120, "followers_max": 80_000}, 2.5, Level.ORANGE),
        ({"authors": 600, "press": 3}, 5.0, Level.ROUGE),
        ({"authors": 600}, 9.0, Level.ORANGE),
        ({"authors": 30, "categories": (("accident_victims", 9),)}, 1.0, Level.ROUGE),
        ({"authors": 3, "categories": (("accident_victims", 9),)}, 1.0, Level.JAUNE),
        ({"authors": 30, "categories": (("dangerous_product", 4),)}, 1.0, Level.JAUNE),
        ({"authors": 30, "categories": (("dangerous_product", 5),)}, 1.0, Level.JAUNE),
        ({"authors": 30, "categories": (("data_leak", 10),)}, 1.0, Level.ORANGE),
    ],
)
def test_points_make_the_level_and_harm_alone_can_force_it(change, ratio, level):
    assert decide(replace(CALM, **change), ratio, "fr").level is level


def test_every_point_has_its_sentence():
    evidence = replace(
        CALM, authors=600, followers_max=700_000, press=4, urgency=0.8, categories=(("accident_victims", 20),)
    )
    decision = decide(evidence, 4.25, "fr")
    assert decision.level is Level.ROUGE
    text = " | ".join(decision.reasons)
    for part in ("danger", "4,2", "600", "700", "4 titres", "vif"):
        assert part in text, part
    assert "4.2 times" in " | ".join(decide(evidence, 4.25, "en").reasons)


def test_without_names_breadth_is_guessed_from_the_messages():
    many = replace(CALM, networks=(("x", 1_200),), authors=0)
    assert decide(many, 4.0, "fr").level is Level.ORANGE
    assert decide(replace(CALM, authors=0), 4.0, "fr").level is Level.JAUNE


def test_a_level_rises_at_once_and_falls_after_a_while():
    hysteresis = Hysteresis(hold_s=600)
    assert hysteresis.settle(Level.JAUNE, Level.ROUGE, 0) is Level.ROUGE
    assert hysteresis.settle(Level.ROUGE, Level.JAUNE, 60) is Level.ROUGE
    assert hysteresis.settle(Level.ROUGE, Level.ROUGE, 120) is Level.ROUGE  # the wait begins again
    assert hysteresis.settle(Level.ROUGE, Level.JAUNE, 180) is Level.ROUGE
    assert hysteresis.settle(Level.ROUGE, Level.ORANGE, 779) is Level.ROUGE
    assert hysteresis.settle(Level.ROUGE, Level.ORANGE, 780) is Level.ORANGE
