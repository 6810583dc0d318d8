"""Does the budget hold on simulated calm, and how near is the delay to its limit: `make bench-simulated`.

**Calm**: 500 series of 8 weeks in bins of five minutes, 0.02 to 200 negatives an hour, over-dispersed (a gamma factor a
bin), seasonal (hour of day), drifting: false alarms realised over those asked for, in all and by tenths of the rate.
**Steps**: rates known, Poisson, minute bins; after two weeks of learning the rate of negatives is multiplied by 2, 5 or
10. The delay stands over its limit, log(gamma) / KL minutes and at least one bin (Lorden 1971), with gamma the mean
time between false alarms that the budget asks for. Each with a total beside the negatives, and without.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from math import ceil, log

import numpy as np

from detectors.series.vigie import VigieDetector, VigieParams
from engine.domain.series import BinCount, Reading

BUDGET = 0.25
WEEK_MIN = 7 * 24 * 60
DAY_S = 86_400
RATIOS = (2.0, 5.0, 10.0)
RATES = (0.05, 0.3, 2.0, 20.0)
"""Negatives a minute."""
SHARE = 0.2


def calm(job: tuple[int, bool]) -> tuple[float, int]:
    """One calm series: negatives an hour, and how many alarms after the first week."""
    seed, with_total = job
    rng = np.random.default_rng([1, seed])
    bins = 8 * 2016
    hourly, share = 10 ** rng.uniform(np.log10(0.02), np.log10(200.0)), rng.uniform(0.05, 0.4)
    at = np.arange(bins)
    day = 1.0 + rng.uniform(0.2, 0.8) * np.sin(2 * np.pi * (at / 288 + rng.random()))
    rho = np.exp(-1 / rng.uniform(36, 144))  # volumes and shares wander, with a memory of 3 to 12 hours
    drifts = np.zeros((2, bins))
    for i in range(1, bins):
        drifts[:, i] = rho * drifts[:, i - 1] + rng.normal(0, np.sqrt(1 - rho**2), 2)
    shape = rng.uniform(5, 20)
    due = hourly / 12 * day * np.exp(0.2 * drifts[0]) * rng.gamma(shape, 1 / shape, bins)
    odds = share / (1 - share) * np.exp(rng.uniform(0.05, 0.25) * drifts[1])
    total = rng.poisson(due / share)
    negatives = rng.binomial(total, odds / (1 + odds)) if with_total else rng.poisson(due)
    detector = VigieDetector(VigieParams(), bin_s=300, false_alarms_per_week=BUDGET)
    alarms = 0
    for i in range(bins):
        x = BinCount(300 * i, 300, float(negatives[i]), float(total[i]) if with_total else None)
        verdict = detector.step(x)
        alarms += isinstance(verdict, Reading) and verdict.alarm
    return hourly, alarms


def step(job: tuple[int, float, float, bool]) -> tuple[float, float, float]:
    """One step: its ratio, its rate a minute, its delay in minutes (infinite if not found within its window)."""
    seed, ratio, rate, with_total = job
    rng = np.random.default_rng([2, seed, int(ratio), int(100 * rate)])
    detector = VigieDetector(VigieParams(), bin_s=60, false_alarms_per_week=BUDGET)
    onset = 2 * WEEK_MIN + int(rng.integers(0, 1440))
    window = 60 + ceil(20 * limit_min(ratio, rate))
    others = rng.poisson(rate * (1 - SHARE) / SHARE, onset + window)
    negatives = rng.poisson(np.where(np.arange(onset + window) < onset, rate, rate * ratio))
    active = False
    for i in range(onset + window):
        n = float(negatives[i])
        verdict = detector.step(BinCount(60 * i, 60, n, n + float(others[i]) if with_total else None))
        if isinstance(verdict, Reading):
            if i >= onset and (verdict.alarm or active):
                return ratio, rate, float(i + 1 - onset)
            active = verdict.active if i < onset else False
    return ratio, rate, float("inf")


def limit_min(ratio: float, rate: float) -> float:
    """log(gamma) / KL in minutes, of the Poisson counts of negatives."""
    kl = rate * (ratio * log(ratio) - ratio + 1)
    return max(1.0, log(WEEK_MIN / BUDGET) / kl)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--steps", type=int, default=12, help="series for each ratio and rate")
    args = parser.parse_args()
    began = time.monotonic()
    with multiprocessing.Pool() as pool:
        for with_total in (True, False):
            print("with a total" if with_total else "without a total")
            found = sorted(pool.map(calm, [(seed, with_total) for seed in range(args.series)], chunksize=4))
            asked = BUDGET * 8.0 - BUDGET / 7.0
            tenths = np.array_split(np.array([alarms for _, alarms in found], dtype=float), 10)
            print(
                f"  calm: realised over asked {np.mean([a for _, a in found]) / asked:.2f}; by tenths of the rate",
                end=" ",
            )
            print(" ".join(f"{t.mean() / asked:.2f}" for t in tenths))
            jobs = [(s, r, rate, with_total) for r in RATIOS for rate in RATES for s in range(args.steps)]
            delays: dict[tuple[float, float], list[float]] = {}
            for ratio, rate, delay in pool.imap_unordered(step, jobs):
                delays.setdefault((ratio, rate), []).append(delay)
            over = {k: float(np.median(v)) / limit_min(*k) for k, v in sorted(delays.items())}
            print(f"  steps: median of delay over limit {np.median(list(over.values())):.2f};", end=" ")
            print(", ".join(f"x{r:g} at {rate:g}/min {v:.2f}" for (r, rate), v in over.items()), flush=True)
    print(f"in {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
