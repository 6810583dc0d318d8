"""Learning on a real stream: what one correction in fifty must bring, and may not cost."""

from __future__ import annotations

import pytest

from tests.bench.bench_learning import Stream, airline, run

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def stream() -> Stream:
    return airline()


@pytest.mark.slow
def test_one_correction_in_fifty_that_vigie_asked_for(stream: Stream) -> None:
    outcome = run(stream, "pick")
    assert outcome.corrections == 135
    assert outcome.f1 >= 0.855  # 0.86 is the aim; with the tables of before it was 0.868
    assert outcome.own_worst >= -0.01


@pytest.mark.slow
def test_one_correction_in_fifty_whichever_it_is(stream: Stream) -> None:
    outcomes = [run(stream, "nth", place) for place in (0, 25, 49)]
    assert sum(outcome.f1 for outcome in outcomes) / 3 >= 0.853
    assert min(outcome.own_worst for outcome in outcomes) >= -0.01


def test_none_leaves_the_shipped_figure(stream: Stream) -> None:
    outcome = run(stream, "none")
    assert outcome.f1 == outcome.first_half_only_f1
    assert outcome.f1 >= 0.80
    assert outcome.own_worst == 0
