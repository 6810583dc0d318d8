"""A file of counts judged by the bank says what it says judged series by series, to the last printed digit."""

from __future__ import annotations

import io
import random
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops.counts import Counts
from ops.detecting import judge, write

START_S = 1_772_323_200
NEVER = 10**9


def file_of(seed: int, series: int, bin_s: int, days: float) -> Counts:
    """Series with storms, holes, late beginnings, early ends, repeated rows and more negatives than mentions."""
    rng, dice = np.random.default_rng(seed), random.Random(seed)
    bins = int(days * 86_400 / bin_s)
    counts = Counts("counts.csv", [f"s{j}" for j in range(series)], totals=array("d"))
    rows = []
    for j in range(series):
        begins = dice.choice([0, 0, 0, 7, bins // 3])
        ends = dice.choice([bins, bins, bins - 9])
        due = 10 ** dice.uniform(-1, 2) * bin_s / 3600
        total = rng.poisson(due * (1.0 + 0.6 * np.sin(np.arange(bins) * bin_s * np.pi / 43_200)))
        negatives = rng.binomial(total, 0.15) * rng.uniform(0.8, 1.0, bins)
        for at in rng.integers(0, bins, 2):
            surge = rng.poisson(8 * due + 3, min(6, bins - at))
            negatives[at : at + 6] += surge
            total[at : at + 6] += surge * dice.randrange(2)
        for i in range(begins, ends):
            if dice.random() > 0.1:
                rows.append((i, j, float(negatives[i]), float(total[i])))
                if dice.random() < 0.01:
                    rows.append((i, j, 5.0, 1.0))
    dice.shuffle(rows)
    for line, (i, j, n, total) in enumerate(rows, 2):
        counts.series.append(j)
        counts.at_s.append(START_S + i * bin_s)
        counts.lines.append(line)
        counts.stamps.append(str(START_S + i * bin_s))
        counts.texts.append(f"{n:.3f}")
        counts.negatives.append(n)
        counts.totals.append(total)
    return counts


def written(counts: Counts, budget: float, bank_series_min: int, params: dict[str, float] | None = None) -> str:
    judged, _ = judge(counts, budget, params=params, bank_series_min=bank_series_min)
    out = io.StringIO()
    write(out, counts, judged)
    return out.getvalue()


@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    series=st.integers(16, 24),
    bin_s=st.sampled_from([900, 1800, 3600]),
    budget=st.sampled_from([0.05, 0.25, 5.0]),
)
def test_both_ways_print_the_same(seed: int, series: int, bin_s: int, budget: float) -> None:
    counts = file_of(seed, series, bin_s, days=6)
    assert written(counts, budget, bank_series_min=2) == written(counts, budget, NEVER)


@pytest.mark.parametrize(("bin_s", "days"), [(60, 1.6), (300, 4), (3600, 20)])
def test_both_ways_print_the_same_alarms(bin_s: int, days: float) -> None:
    counts = file_of(bin_s, 20, bin_s, days)
    alone = written(counts, 0.25, NEVER)
    assert written(counts, 0.25, bank_series_min=2) == alone
    assert sum(line.split(",")[5] == "1" for line in alone.splitlines()[1:]) > 5


def test_parameters_hold_both_ways() -> None:
    counts = file_of(11, 18, 1800, days=6)
    params = {"tide_part": 0.3, "rate_tail.scale": 1.0}
    changed = written(counts, 1.0, 2, params)
    assert changed == written(counts, 1.0, NEVER, params)
    assert changed != written(counts, 1.0, 2)
