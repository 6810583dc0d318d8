"""What everything that groups texts must hold: `engine.ports.themes.TextGroups`."""

from __future__ import annotations

import subprocess
import sys

import pytest

from detectors.themes import RiverGroups
from engine.core.themes import TEXTS_MAX
from engine.ports.themes import TextGroups

LONG = "le reseau est en panne a lyon depuis ce matin et personne ne repond"
TEXTS = [
    LONG,
    "colis perdu",
    LONG + " 69",
    "colis perdu",
    "",
    "ok",
    "mot " * 5_000,
    "\U0001f621",
    "\ud800 bruit",
    "rien a voir avec le reste",
]
BAGS = [{"panne": 1.0, "reseau": 1.0}, {}, {"colis": 1.0}, {"reseau": 1.0, "panne": 1.0}, {"colis": 1.0, "perdu": 1.0}]


@pytest.fixture(params=[RiverGroups])
def groups(request: pytest.FixtureRequest) -> TextGroups:
    made: TextGroups = request.param()
    return made


def test_nothing_in_nothing_out(groups: TextGroups) -> None:
    assert groups.near_copies([]) == []
    assert groups.subjects([]) == []
    assert groups.subjects([{}, {}]) == [-1, -1]


def test_a_copy_points_to_an_earlier_text_that_is_none_itself(groups: TextGroups) -> None:
    heads = groups.near_copies(TEXTS)
    assert len(heads) == len(TEXTS)
    assert all(head <= i and heads[head] == head for i, head in enumerate(heads))
    assert heads[2] == 0
    assert heads[9] == 9


def test_groups_are_numbered_in_the_order_of_their_first_bag(groups: TextGroups) -> None:
    assert groups.subjects(BAGS) == [0, -1, 1, 0, 1]


def test_the_order_of_terms_in_a_bag_does_not_matter(groups: TextGroups) -> None:
    turned = [dict(reversed(list(bag.items()))) for bag in BAGS]
    assert groups.subjects(turned) == groups.subjects(BAGS)


def test_asking_changes_nothing(groups: TextGroups) -> None:
    first = (groups.near_copies(TEXTS), groups.subjects(BAGS))
    groups.subjects([{"autre": 1.0}] * 5)
    assert (groups.near_copies(TEXTS), groups.subjects(BAGS)) == first
    assert (type(groups)().near_copies(TEXTS), type(groups)().subjects(BAGS)) == first


def test_as_many_as_the_engine_may_ask_for(groups: TextGroups) -> None:
    bags = [{f"mot{i}": 1.0, f"mot{i % 7}": 1.0} for i in range(TEXTS_MAX)]
    numbers = groups.subjects(bags)
    assert len(numbers) == TEXTS_MAX
    assert set(numbers) == set(range(max(numbers) + 1))
    assert (
        len(groups.near_copies([f"texte {i} sans copie {i * 7} du tout {i * 13}" for i in range(TEXTS_MAX)]))
        == TEXTS_MAX
    )


def test_river_is_loaded_when_it_is_needed() -> None:
    code = "import sys, detectors.themes as t; t.RiverGroups().near_copies(['a b c d']); print('river' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_same_in_every_process() -> None:
    asked = f"print(G().subjects({BAGS!r}), G().near_copies([{LONG!r}, 'x']))"
    code = f"from detectors.themes import RiverGroups as G; {asked}"
    said = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
