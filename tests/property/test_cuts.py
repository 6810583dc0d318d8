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
    return crowd(MENTIONS, brands=BRANDS, stormy=0.6, storms=6, seed=5)


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
