"""What is recorded depends on event time and mentions alone: not on how a stream is cut into steps, nor on which brands
share an engine, nor on who was killed when."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ops.settings import Settings, load_settings
from ops.store import Store
from tests.infra.crowd import brands_of, crowd, shuffled
from tests.infra.hop import Hop
from tests.infra.oracle import NOW_MS, Outcome, one_process, outcome_of

BRANDS = 6
MENTIONS = 9_000


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    config = tmp_path_factory.mktemp("cuts") / "vigie.yaml"
    names = "\n".join(f"  - name: {name}" for name in brands_of(BRANDS))
    config.write_text(f"lang: fr\nbrands:\n{names}\nsources:\n  kafka: {{bootstrap_servers: ['127.0.0.1:1']}}\n")
    return load_settings(config, {})


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    """Storms so dense that a minute holds more than is kept of it as evidence."""
    return crowd(MENTIONS, brands=BRANDS, stormy=0.6, storms=5, fading_s=400, seed=5)


@pytest.fixture(scope="module")
def wanted(settings: Settings, lines: list[bytes]) -> Outcome:
    outcome = one_process(settings, lines)
    assert len(outcome.incidents) >= 3
    return outcome


@pytest.mark.parametrize("most", [40, 700, 100_000])
def test_how_a_stream_is_cut_changes_nothing(
    settings: Settings, lines: list[bytes], wanted: Outcome, most: int
) -> None:
    rng = random.Random(most)
    cuts = sorted(rng.sample(range(1, len(lines)), len(lines) // most))
    assert one_process(settings, lines, cuts=cuts).differences(wanted) == []


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_within_the_bound_changes_nothing(
    settings: Settings, lines: list[bytes], wanted: Outcome, seed: int
) -> None:
    again = one_process(settings, shuffled(lines, 1, 299.0, seed=seed))
    assert again.differences(wanted) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_watches_which_brands_says_the_same(
    settings: Settings, lines: list[bytes], wanted: Outcome, seed: int
) -> None:
    with Store.temporary() as store:
        hop = Hop(settings, store, lines, NOW_MS, seed=seed)
        while hop.unscored:
            for lane in hop.unscored:
                hop.score(lane, hop.rng.randrange(1, 400))
            for number in hop.unwatched:
                hop.watch(number, hop.rng.randrange(1, 400))
        hop.finish()
        assert outcome_of(store).differences(wanted) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whoever_is_killed_and_however_often_mentions_come(
    settings: Settings, lines: list[bytes], wanted: Outcome, seed: int
) -> None:
    """Workers of both kinds die between any two steps and within them; each mention comes three times, out of order;
    lanes that have nothing to read for a while are idle, and go on."""
    with Store.temporary() as store:
        hop = Hop(settings, store, shuffled(lines, 3, 299.0, seed=seed), NOW_MS, seed=seed, produced=False)
        kills = 0
        while hop.unscored or hop.unproduced:
            hop.produce(hop.rng.randrange(1, 4_000))
            for lane in hop.unscored:
                if hop.rng.random() < 0.8:
                    hop.score(lane, hop.rng.randrange(1, 500), hop.rng.choice(("", "", "", "killed", "gap")))
            hop.tell(idle=[lane for lane in hop.lanes if lane not in hop.unscored])
            for number in hop.unwatched:
                fate = hop.rng.random()
                hop.watch(number, hop.rng.randrange(1, 700), stored=fate > 0.1)
                if fate > 0.9:
                    hop.kill(number)
                kills += not 0.1 < fate < 0.9
        hop.finish()
        assert kills >= 30
        assert outcome_of(store).told_once(wanted, 3).differences(wanted) == []
