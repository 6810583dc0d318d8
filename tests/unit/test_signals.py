"""Each signal beside the count: finds what it is for, leaves its lookalike alone, and keeps its promise in calm."""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from detectors.signals import drift
from detectors.signals.judge import Judge
from detectors.signals.table import SIGNALS
from engine.core.wording import SENTENCES, why
from engine.domain.series import SignalReading
from engine.domain.signals import SIGNAL_MODES, SpanFacts

DAY = 144  # spans
START_S = 1_772_323_200  # a Sunday, 00:00 UTC


class Past:
    def __init__(self, facts: SpanFacts) -> None:
        self.negatives, self.authors, self.threads = facts.negatives, facts.authors, facts.threads


def poisson(rng: random.Random, mean: float) -> int:
    n, p = 0, rng.random()
    term = total = math.exp(-mean)
    while p > total and n < 1000:
        n += 1
        term *= mean / n
        total += term
    return n


def span(
    i: int, rng: random.Random, per_span: float = 3.0, share: float = 0.3, *, messages: int | None = None,
    authors: int = 10**9, heat: float = 0.2, reach: float = 6.0, top: int = 0, thread: float = 0.1,
    networks: tuple[str, ...] = ("x",), past: tuple[SpanFacts, ...] = (), calm: bool = True,
) -> SpanFacts:  # fmt: skip
    """Ten minutes of a brand with a day-and-night rhythm, log-normal reach, a tenth of repeats by chance."""
    day = 1.0 + 0.7 * math.sin(i % DAY / DAY * math.tau)
    total = poisson(rng, per_span * day)
    negatives = sum(rng.random() < share for _ in range(total)) if messages is None else messages
    total = max(total, negatives)
    reaches = [max(1, int(math.exp(rng.gauss(reach, 1.3)))) for _ in range(negatives)]
    threads: dict[int, int] = {}
    for _ in range(negatives):
        key = 1 if rng.random() < thread else rng.randrange(10**9)
        threads[key] = threads.get(key, 0) + 1
    names = [rng.randrange(40) if rng.random() < 0.1 else rng.randrange(authors) for _ in range(negatives)]
    return SpanFacts(
        START_S + 600 * i, START_S + 600 * i + 600, calm, total, float(negatives), per_span * day * share, negatives,
        negatives, frozenset(names), sum(reaches), max([top, *reaches]) if negatives else 0,
        sum(min(100, max(0, int(rng.gauss(100 * heat, 20)))) for _ in range(negatives)), 0, threads,
        dict.fromkeys(networks, total) if total else {}, [Past(f) for f in past if f.negatives],
    )  # fmt: skip


def calm_days(days: int, rng: random.Random, **more: float) -> Iterator[SpanFacts]:
    hour: list[SpanFacts] = []
    for i in range(days * DAY):
        facts = span(i, rng, past=tuple(hour[-5:]), **more)  # type: ignore[arg-type]
        hour = [*hour[-5:], facts]
        yield facts


def alarms_after(
    name: str, days: int, hours: float, seed: int, late: Callable[[int, random.Random], SpanFacts]
) -> tuple[list[SignalReading], list[SignalReading]]:
    """The alarms of so many days of calm, and the readings of the hours after them."""
    rng = random.Random(seed)
    signal = SIGNALS[name](0.25)
    before = [signal.step(facts) for facts in calm_days(days, rng)]
    after = [signal.step(late(days * DAY + i, rng)) for i in range(round(6 * hours))]
    return [r for r in before if r is not None and r.alarm], [r for r in after if r is not None]


SENT = {
    "raid": lambda i, rng: span(i, rng, messages=12, authors=3),
    "reach": lambda i, rng: span(i, rng, messages=8, reach=12.0),
    "arousal": lambda i, rng: span(i, rng, messages=6, heat=0.75),
    "viral": lambda i, rng: span(i, rng, messages=2, top=2_000_000),
    "silence": lambda i, rng: SpanFacts(START_S + 600 * i, START_S + 600 * i + 600, True),
    "drift": lambda i, rng: span(i, rng, share=0.5),
}
HOURS = {"silence": 6.0, "drift": 96.0}

ALIKE = {
    # a storm of many authors, or twice the messages, is none of these
    "raid": lambda i, rng: span(i, rng, messages=30),
    "reach": lambda i, rng: span(i, rng),
    "arousal": lambda i, rng: span(i, rng, messages=30),
    "viral": lambda i, rng: span(i, rng, messages=10),
    "silence": lambda i, rng: span(i, rng, per_span=1.5),
    "drift": lambda i, rng: span(i, rng, per_span=9.0),
}


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_it_is_found_once_and_says_since_when(name: str) -> None:
    days = 21
    before, after = alarms_after(name, days, HOURS.get(name, 2.0), 5, SENT[name])
    assert before == []
    alarms = [r for r in after if r.alarm]
    assert len(alarms) == 1
    (found,) = alarms
    assert found.name.partition("/")[0] == name
    assert found.active
    assert found.surprise >= -math.log10(0.25)
    onset_s = START_S + 600 * days * DAY
    assert onset_s - 3 * 86_400 <= found.since_s <= onset_s + 3_600 * HOURS.get(name, 2.0)
    assert (found.observed < found.expected) if name == "silence" else (found.observed > found.expected)


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_its_lookalike_is_left_alone(name: str) -> None:
    before, after = alarms_after(name, 14, 6.0, 6, ALIKE[name])
    assert before == []
    assert not [r for r in after if r.alarm]


@pytest.mark.parametrize("name", sorted(SIGNALS))
@pytest.mark.parametrize("per_span", [0.3, 4.0])
def test_a_calm_stream_costs_no_more_than_promised(name: str, per_span: float) -> None:
    budget, weeks, series = 1.0, 6, 4
    found = 0
    for seed in range(series):
        signal = SIGNALS[name](budget)
        readings = [signal.step(f) for f in calm_days(7 * weeks, random.Random(seed), per_span=per_span)]
        found += sum(r is not None and r.alarm for r in readings)
    assert found <= 1.2 * budget * weeks * series


def test_a_thread_that_draws_the_negatives_is_found() -> None:
    before, after = alarms_after("viral", 14, 1.0, 7, lambda i, rng: span(i, rng, messages=20, thread=0.9))
    assert before == []
    assert [r.name for r in after if r.alarm] == ["thread"]


def test_one_network_of_two_that_falls_silent_is_named_and_is_heard_again() -> None:
    rng = random.Random(8)
    signal = SIGNALS["silence"](0.25)
    said = []
    for i in range(20 * DAY):
        quiet = 15 * DAY <= i < 16 * DAY
        facts = span(i, rng, networks=("x",) if quiet else ("x", "forum"))
        if not quiet and facts.total:
            facts = facts._replace(total=2 * facts.total)
        said.append(signal.step(facts))
    alarms = [(i, r) for i, r in enumerate(said) if r is not None and r.alarm]
    assert [r.name for _, r in alarms] == ["silence/forum"]
    assert 15 * DAY < alarms[0][0] < 16 * DAY
    assert said[16 * DAY + 6] is None
    assert abs(alarms[0][1].since_s - (START_S + 600 * 15 * DAY)) <= 3_600


def test_nothing_is_said_on_the_first_day() -> None:
    for make in SIGNALS.values():
        signal = make(0.25)
        rng = random.Random(1)
        for i in range(DAY - 1):
            assert signal.step(span(i, rng, messages=40, authors=2, heat=0.9, top=10**7)) is None
            assert signal.surprise is None


def test_a_storm_teaches_no_signal() -> None:
    """While an incident is open, what comes is not the brand's normal."""
    rng = random.Random(9)
    signal = SIGNALS["arousal"](0.25)
    for facts in calm_days(10, rng):
        signal.step(facts)
    usual = signal.snapshot()["usual"]
    for i in range(10 * DAY, 11 * DAY):
        signal.step(span(i, rng, messages=20, heat=0.3, calm=False))
    assert signal.snapshot()["usual"] == usual


def test_a_generous_budget_is_kept_by_the_judge_on_what_its_model_says() -> None:
    """Exponential evidence, one nat for a factor e: the bound is met and not by far."""
    rng = random.Random(3)
    judge = Judge(4.0)
    weeks = 40
    found = 0
    for i in range(weeks * 1008):
        facts = SpanFacts(600 * i, 600 * i + 600, True)
        found += judge.take(rng.expovariate(1.0), facts)
    assert 0.3 * 4.0 * weeks <= found <= 1.2 * 4.0 * weeks


def test_every_signal_has_a_mode_and_a_sentence_with_its_figures() -> None:
    assert [name for name, _ in SIGNAL_MODES] == list(SIGNALS)
    for lang in SENTENCES:
        for name in (*SIGNALS, "thread", "silence/forum", "silence/*"):
            sentence = why(lang, SignalReading(name, 2.0, True, True, 71.0, 23.0, START_S))
            assert "71" in sentence
            assert "23" in sentence
            assert "2026-03-01 00:00 UTC" in sentence
            assert "Signal" not in sentence


def test_page_hinkley_loaded_alone_is_river_s_own() -> None:
    from river.drift import PageHinkley

    rng = random.Random(5)
    values = [rng.gauss(0.0 if i < 80 else 1.5, 1.0) for i in range(160)]
    found: list[list[bool]] = []
    for make in (_load_page_hinkley_alone(), PageHinkley):
        test = make(min_instances=28, delta=0.25, threshold=5.0, alpha=1.0, mode="up")
        found.append([])
        for value in values:
            test.update(value)
            found[-1].append(test.drift_detected)
    assert found[0] == found[1]
    assert any(found[0])


def _load_page_hinkley_alone() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in sys.modules if name.startswith("river.drift")]:
            patch.delitem(sys.modules, name)
        return drift._page_hinkley()
