"""The bank says what as many scalar detectors would say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detectors.bank.bank import Bank, BankReading
from detectors.bank.fields import TESTS
from detectors.series.vigie import VigieDetector, VigieParams
from engine.domain.errors import StateError
from engine.domain.series import BinCount, Reading, Verdict, WarmingUp

START_S = 1_772_323_200
WEEK_S = 604_800
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class World:
    """Series of 0.03 to 300 mentions an hour, seasonal and over-dispersed, with storms and silences.

    Usual shares are of 0.02 to 0.9, so that the budget is parted in all ways; some storms never end: lasting shifts.
    """

    seed: int
    series: int
    bin_s: int
    bins: int
    storms_a_week: float = 1.0

    def counts(self) -> tuple[Floats, Floats]:
        rng = np.random.default_rng(self.seed)
        n, bins = self.series, self.bins
        hourly, share = 10 ** rng.uniform(-1.5, 2.5, n), 10 ** rng.uniform(-1.7, -0.05, n)
        day = 1.0 + 0.6 * np.sin(np.arange(bins) * self.bin_s * np.pi / 43_200)
        due = hourly * day[:, None] * self.bin_s / 3600
        total = rng.poisson(due * rng.gamma(10, 0.1, (bins, n))).astype(float)
        negatives = rng.binomial(total.astype(int), share) * rng.uniform(0.8, 1.0, (bins, n))
        for at, who in np.argwhere(rng.random((bins, n)) < self.storms_a_week * self.bin_s / WEEK_S):
            hours = rng.integers(1, 31) if rng.random() < 0.7 else rng.integers(26, 100)
            length = 1 + int(hours * 3600 // self.bin_s)
            surge = rng.poisson(due[at : at + length, who] * rng.choice([1.0, 3.0, 10.0]))
            negatives[at : at + length, who] += surge
            total[at : at + length, who] += surge * rng.integers(0, 2)  # or the total was not told of it
        silent = np.arange(bins) % 97 < 5
        negatives[silent] = total[silent] = 0.0
        return negatives, total


def made(series: int, bin_s: int, budget: float = 0.25, width: int = 4) -> Bank:
    return Bank(series, VigieParams(), bin_s=bin_s, false_alarms_per_week=budget, width=width)


def numbers(verdict: Reading) -> tuple[list[float], list[bool]]:
    tests = sorted(verdict.tests, key=lambda t: TESTS.index(t.name))
    said = [verdict.score, verdict.expected, *(f for t in tests for f in (t.surprise, t.observed, t.expected))]
    flags = [verdict.alarm, verdict.active, *(f for t in tests for f in (t.alarm, t.active))]
    return [*said, *(float(t.since_s) for t in tests)], flags


def column(b: BankReading, j: int) -> tuple[list[float], list[bool]]:
    observed, expected, since_s = b.observed_since()
    said = [b.score[j], b.expected()[j]]
    flags = [b.alarm[j], b.active[j]]
    for k in range(3):
        said += [b.surprise[k, j], observed[k, j], expected[k, j]]
        flags += [b.alarms[k, j], b.actives[k, j]]
    return [float(f) for f in (*said, *since_s[:, j])], [bool(f) for f in flags]


def agree(b: BankReading, verdicts: list[Verdict]) -> int:
    """Fails unless they say the same to 1e-9; how many alarms they raise."""
    alarms = 0
    for j, verdict in enumerate(verdicts):
        assert bool(b.warming[j]) == isinstance(verdict, WarmingUp)
        if isinstance(verdict, Reading):
            said, flags = numbers(verdict)
            bank_said, bank_flags = column(b, j)
            assert bank_flags == flags
            np.testing.assert_allclose(bank_said, said, rtol=1e-9, atol=1e-9)
            alarms += verdict.alarm
        else:
            assert np.isnan(b.score[j])
            assert not b.alarm[j]
    return alarms


def compare(world: World, start_s: int, budget: float, width: int) -> int:
    bank = made(world.series, world.bin_s, budget, width)
    scalars = [
        VigieDetector(VigieParams(), bin_s=world.bin_s, false_alarms_per_week=budget) for _ in range(world.series)
    ]
    alarms = 0
    for i, (n, total) in enumerate(zip(*world.counts(), strict=True)):
        at_s = start_s + i * world.bin_s
        verdicts = [d.step(BinCount(at_s, world.bin_s, n[j], total[j])) for j, d in enumerate(scalars)]
        alarms += agree(bank.step(at_s, n, total), verdicts)
    return alarms


@settings(max_examples=6, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    series=st.integers(1, 12),
    bin_s=st.sampled_from([600, 700, 900, 1800, 3600]),
    offset_s=st.integers(0, 7 * 24 * 4),
    budget=st.sampled_from([0.02, 0.25, 5.0]),
    width=st.integers(1, 12),
)
@example(seed=1, series=7, bin_s=3600, offset_s=0, budget=0.25, width=1)
def test_equal_to_the_scalar_form(seed: int, series: int, bin_s: int, offset_s: int, budget: float, width: int) -> None:
    bins = min(3 * WEEK_S // bin_s, 504)
    compare(World(seed, series, bin_s, bins, storms_a_week=2.0), START_S + offset_s * 900, budget, width)


@pytest.mark.parametrize(("bin_s", "weeks", "series"), [(3600, 4, 12), (900, 2, 6), (300, 0.6, 6), (60, 0.25, 4)])
def test_equal_over_weeks_with_storms(bin_s: int, weeks: float, series: int) -> None:
    world = World(seed=bin_s, series=series, bin_s=bin_s, bins=int(weeks * WEEK_S / bin_s), storms_a_week=6.0)
    assert compare(world, START_S, 0.25, 5) > 0


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 250), st.integers(1, 9))
def test_restore_equals_continue(seed: int, cut: int, width: int) -> None:
    world = World(seed, 9, 1800, 250, storms_a_week=4.0)
    n, total = world.counts()
    one, other = made(9, 1800, width=width), made(2, 1800)
    for i in range(cut):
        one.step(START_S + i * 1800, n[i], total[i])
    stored = one.snapshot()
    other.restore(stored)
    assert other.snapshot() == stored
    for i in range(cut, 250):
        here, there = (bank.step(START_S + i * 1800, n[i], total[i]) for bank in (one, other))
        for name in ("surprise", "alarms", "actives", "score", "alarm", "active", "warming"):
            np.testing.assert_array_equal(getattr(here, name), getattr(there, name))
        np.testing.assert_array_equal(here.expected(), there.expected())
    assert one.snapshot() == other.snapshot()


def test_series_that_come_later_warm_up_by_their_own_clock() -> None:
    world = World(5, 8, 1800, 400, storms_a_week=3.0)
    n, total = world.counts()
    bank = made(5, 1800)
    scalars = [VigieDetector(VigieParams(), bin_s=1800, false_alarms_per_week=0.25) for _ in range(8)]
    for i in range(400):
        at_s = START_S + i * 1800
        if i == 113:  # in the middle of a day
            bank.add(3)
        count = len(bank)
        b = bank.step(at_s, n[i, :count], total[i, :count])
        agree(b, [d.step(BinCount(at_s, 1800, n[i, j], total[i, j])) for j, d in enumerate(scalars[:count])])
        if i == 150:
            assert b.warming.tolist() == [False] * 5 + [True] * 3
            bank.restore(bank.snapshot())


@pytest.mark.parametrize(("bin_s", "weeks", "series"), [(3600, 4, 60), (900, 2, 60), (300, 0.6, 60), (60, 0.25, 40)])
def test_single_precision_raises_the_same_alarms(bin_s: int, weeks: float, series: int) -> None:
    world = World(seed=bin_s, series=series, bin_s=bin_s, bins=int(weeks * WEEK_S / bin_s), storms_a_week=6.0)
    single = Bank(series, VigieParams(), bin_s=bin_s, false_alarms_per_week=0.25, single=True)
    double, alarms = made(series, bin_s, width=64), 0
    for i, (n, total) in enumerate(zip(*world.counts(), strict=True)):
        here, there = (bank.step(START_S + i * bin_s, n, total) for bank in (single, double))
        np.testing.assert_array_equal(here.alarms, there.alarms)
        np.testing.assert_array_equal(here.actives, there.actives)
        audible = there.surprise > -2.0
        np.testing.assert_allclose(here.surprise[audible], there.surprise[audible], atol=1e-3)
        alarms += int(here.alarm.sum())
    assert alarms > 20
    assert single.state_bytes < 0.55 * double.state_bytes


def test_single_precision_has_its_own_snapshot() -> None:
    single = Bank(3, VigieParams(), bin_s=3600, false_alarms_per_week=0.25, single=True)
    single.step(START_S, np.ones(3), np.ones(3))
    other = Bank(1, VigieParams(), bin_s=3600, false_alarms_per_week=0.25, single=True)
    other.restore(single.snapshot())
    assert other.snapshot() == single.snapshot()
    with pytest.raises(StateError, match="other fields"):
        made(3, 3600).restore(single.snapshot())


def test_a_lasting_shift_becomes_the_normal() -> None:
    """Six times as many negatives from the third day on, of more of the mentions or of more mentions: told of once."""
    bank, scalars = made(2, 1800), [VigieDetector(VigieParams(), bin_s=1800, false_alarms_per_week=0.25) for _ in "ab"]
    alarms, active = np.zeros(2), []
    for i in range(48 * 6):
        late = i >= 96
        n = np.array([18.0, 72.0]) if late else np.array([3.0, 12.0])
        total = np.array([100.0, 120.0]) if late else np.array([100.0, 20.0])
        b = bank.step(START_S + i * 1800, n, total)
        agree(b, [d.step(BinCount(START_S + i * 1800, 1800, n[j], total[j])) for j, d in enumerate(scalars)])
        alarms += b.alarm
        active.append(b.active.copy())
    assert alarms.tolist() == [1.0, 1.0]
    assert np.array(active)[96:150].sum(axis=0).tolist() == [48, 48]  # the share of minutes, and the tide of hours
    assert not np.array(active)[150:].any()


def test_a_bin_before_1970_is_refused() -> None:
    with pytest.raises(ValueError, match="start_s must be"):
        made(3, 300).step(-300, np.ones(3), np.ones(3))


def stored() -> bytes:
    bank = made(3, 3600)
    bank.step(START_S, np.ones(3), np.ones(3))
    return bank.snapshot()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda s: b"", "not the state of a bank"),
        (lambda s: b"[]" * 40, "not the state of a bank"),
        (lambda s: s[:4] + b"\x09\x00" + s[6:], "version 9"),
        (lambda s: s[:-1], "cut short or damaged"),
        (lambda s: s[:-9] + b"\xff" + s[-8:], "cut short or damaged"),
    ],
)
def test_a_spoilt_snapshot_is_refused(spoil: Any, reason: str) -> None:
    with pytest.raises(StateError, match=reason):
        made(3, 3600).restore(spoil(stored()))


def test_a_snapshot_of_other_bins_is_refused() -> None:
    with pytest.raises(StateError, match="bins of 3600 s"):
        made(3, 300).restore(stored())


def test_a_bin_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(3,\)"):
        made(3, 300).step(START_S, np.ones(2), np.ones(3))


def test_what_it_says_of_huge_counts_is_finite() -> None:
    bank = made(4, 300)
    n = np.array([0.0, 1e-9, 1e6, 1e12])
    for i in range(900):
        b = bank.step(START_S + 300 * i, n if i % 7 < 5 else 0 * n, 2 * n if i % 7 < 6 else 0 * n)
    said = (b.surprise, b.score, b.expected(), *b.observed_since())
    assert all(np.isfinite(a).all() for a in said)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 500), st.sampled_from([900, 1800, 3600]))
def test_whole_weeks_change_nothing(seed: int, weeks: int, bin_s: int) -> None:
    world = World(seed, 7, bin_s, 5 * 86_400 // bin_s, storms_a_week=4.0)
    here, there = made(7, bin_s), made(7, bin_s)
    by_s = weeks * WEEK_S
    for i, (n, total) in enumerate(zip(*world.counts(), strict=True)):
        one, other = (b.step(START_S + i * bin_s + s, n, total) for b, s in ((here, 0), (there, by_s)))
        for name in ("surprise", "alarms", "actives", "score", "alarm", "active", "warming"):
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
        np.testing.assert_array_equal(one.expected(), other.expected())
        (seen, due, since_s), (seen_later, due_later, since_later_s) = one.observed_since(), other.observed_since()
        np.testing.assert_array_equal(seen, seen_later)
        np.testing.assert_array_equal(due, due_later)
        told = since_s > WEEK_S  # a test that has not begun says 1970
        np.testing.assert_array_equal(since_s[told] + by_s, since_later_s[told])


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(0, 5), st.floats(0.0, 1000.0))
def test_more_mentions_that_are_not_negative_never_raise_the_share_sooner(seed: int, place: int, more: float) -> None:
    """With the baseline held: both see the same six bins inside one quarter of an hour, before anything is learnt."""
    world = World(seed, 9, 60, 1_446, storms_a_week=20.0)
    n, total = world.counts()
    total = np.maximum(total, n)
    fewer = made(9, 60)
    for i in range(1_440):
        fewer.step(START_S + 60 * i, n[i], total[i])
    other = made(9, 60)
    other.restore(fewer.snapshot())
    for k in range(6):
        at_s = START_S + 60 * (1_440 + k)
        angry = n[1_440 + k] + 3.0 * (k + 1)
        mentions = total[1_440 + k] + 3.0 * (k + 1)
        plain = fewer.step(at_s, angry, mentions).surprise[0].copy()
        diluted = other.step(at_s, angry, mentions + (more if k == place else 0.0)).surprise[0]
        assert (diluted <= plain + 1e-9).all()
