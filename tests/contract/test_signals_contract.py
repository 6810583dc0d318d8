"""The contract that every signal beside the count passes."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable

import pytest

from detectors.signals.table import SIGNALS
from engine.domain.errors import StateError
from engine.domain.signals import SpanFacts
from engine.ports.signal import Signal

START_S = 1_772_323_200
Make = Callable[[float], Signal]


class Past:
    def __init__(self, facts: SpanFacts) -> None:
        self.negatives, self.authors, self.threads = facts.negatives, facts.authors, facts.threads


def spans(count: int, seed: int = 1, *, scale: int = 3) -> list[SpanFacts]:
    """Some weeks with nights, a storm of everything at once, and a silence; empty spans are left in."""
    rng = random.Random(seed)
    out: list[SpanFacts] = []
    for i in range(count):
        storm, quiet = 0.85 * count < i < 0.86 * count, 0.9 * count < i < 0.95 * count
        total = 0 if quiet else rng.randrange(scale + 1) + (20 * scale if storm else 0)
        negatives = total if storm else sum(rng.random() < 0.3 for _ in range(total))
        authors = frozenset(rng.randrange(3 if storm else 10**9) for _ in range(negatives))
        hour = [Past(f) for f in out[-5:] if f.negatives]
        out.append(
            SpanFacts(
                START_S + 600 * i, START_S + 600 * i + 600, not storm, total, float(negatives), 0.3 * scale,
                negatives, negatives, authors, 400 * negatives * (200 if storm else 1),
                (10**6 if storm else 500) * bool(negatives), negatives * (90 if storm else 20), 0,
                {rng.randrange(2 if storm else 10**6): negatives} if negatives else {},
                {"x": total} if total else {}, hour,
            )
        )  # fmt: skip
    return out


@pytest.fixture(params=sorted(SIGNALS))
def make(request: pytest.FixtureRequest) -> Make:
    return SIGNALS[request.param]


def fed(signal: Signal, facts: SpanFacts) -> object:
    return signal.step(facts), signal.surprise


def test_a_restored_signal_has_the_same_future(make: Make) -> None:
    series = spans(4_000)
    for cut in (0, 1, 200, 3_000, 3_420, 3_700):
        one, other = make(0.25), make(0.25)
        for facts in series[:cut]:
            one.step(facts)
        for facts in series[:50]:
            other.step(facts)  # whatever it was before, it becomes what was stored
        other.restore(json.loads(json.dumps(one.snapshot(), allow_nan=False)))
        assert [fed(one, f) for f in series[cut:]] == [fed(other, f) for f in series[cut:]]
        assert one.snapshot() == other.snapshot()


def test_a_snapshot_is_its_own(make: Make) -> None:
    series = spans(2_000)
    signal = make(0.25)
    for facts in series[:1_000]:
        signal.step(facts)
    snapshot = signal.snapshot()
    text = json.dumps(snapshot)
    twin = make(0.25)
    twin.restore(snapshot)
    for facts in series[1_000:]:
        signal.step(facts)
        twin.step(facts)
    assert json.dumps(snapshot) == text


def test_an_unknown_version_is_refused(make: Make) -> None:
    signal = make(0.25)
    with pytest.raises(StateError):
        signal.restore({**signal.snapshot(), "v": 999})


def test_two_made_alike_agree_and_are_independent(make: Make) -> None:
    one, two, noise = make(0.25), make(0.25), make(0.25)
    for facts, other in zip(spans(2_000), spans(2_000, seed=9, scale=300), strict=True):
        noise.step(other)
        assert fed(one, facts) == fed(two, facts)


def test_memory_is_bounded(make: Make) -> None:
    signal = make(0.25)
    sizes = []
    for i, facts in enumerate(spans(144 * 63)):
        signal.step(facts)
        if i % 1_008 == 1_007:
            sizes.append(len(json.dumps(signal.snapshot())))
    assert max(sizes) < 8_000
    assert sizes[-1] < 1.2 * sizes[5]


def test_spans_without_a_mention_may_be_left_out(make: Make) -> None:
    """Unless it hears silence; and while it is active it is told of every span."""
    series = spans(3_000)
    whole, sparse = make(0.25), make(0.25)
    if whole.hears_silence:
        assert whole.step(series[0]) is None
        return
    active = False
    for facts in series:
        said = whole.step(facts)
        if facts.total or active:
            assert sparse.step(facts) == said
            active = said is not None
        else:
            assert said is None


def test_every_number_it_says_is_finite(make: Make) -> None:
    signal = make(0.25)
    for i, facts in enumerate(spans(2_500, scale=2)):
        if i % 97 == 5:
            facts = facts._replace(reach=10**15, top=10**15, urgency=10**9, severe=10**6, total=10**9, units=1e9)
        said = signal.step(facts)
        if said is not None:
            assert all(math.isfinite(x) for x in (said.surprise, said.observed, said.expected))
            assert said.since_s > 0
        assert signal.surprise is None or math.isfinite(signal.surprise)
    json.dumps(signal.snapshot(), allow_nan=False)
