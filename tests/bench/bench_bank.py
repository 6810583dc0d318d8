"""What a series costs in a bank of many, in one thread: `python -m tests.bench.bench_bank`.

A bin is one of three kinds: most only judge, the first of a quarter of an hour also learns from the last one, the first
of an hour also turns the tide. Each kind is given as its median and its best of a day, in processor time (the machine
may have other work), and the day as the mean over its bins at these medians.
"""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from detectors.bank.bank import Bank
from detectors.series.vigie import VigieDetector, VigieParams
from engine.domain.series import BinCount

SERIES = 100_000
START_S = 1_772_323_200
DAY_S = 86_400
BINS_S = (60, 300, 900, 3600)
TIMED_MAX = 192
Floats = npt.NDArray[np.float64]


def counts(series: int, bin_s: int, bins: int) -> list[tuple[Floats, Floats]]:
    """Series of 0.1 to 300 mentions an hour, a fifth of them negative."""
    rng = np.random.default_rng(1)
    due = 10 ** rng.uniform(-1, 2.5, series) * bin_s / 3600
    out = []
    for _ in range(bins):
        total = rng.poisson(due * rng.gamma(20, 0.05, series))
        out.append((rng.binomial(total, 0.2).astype(float), total.astype(float)))
    return out


def kind(start_s: int) -> str:
    if start_s % 3600 == 0:
        return "hour"
    return "quarter" if start_s % 900 == 0 else "bin"


def bank(bin_s: int, *, single: bool) -> None:
    made = Bank(SERIES, VigieParams(), bin_s=bin_s, false_alarms_per_week=0.25, single=single)
    kind_of = np.float32 if single else np.float64
    pool = [(n.astype(kind_of), total.astype(kind_of)) for n, total in counts(SERIES, bin_s, 16)]
    rng = np.random.default_rng(2)
    times_ns: dict[str, list[float]] = {}
    bins = DAY_S // bin_s
    for i in range(bins + min(bins, TIMED_MAX)):
        n, total = pool[rng.integers(len(pool))]
        began_s = time.process_time()
        made.step(START_S + i * bin_s, n, total)
        if i >= bins + 1:  # after the day of warming up
            times_ns.setdefault(kind(i * bin_s), []).append((time.process_time() - began_s) / SERIES * 1e9)
    share = {name: sum(kind(at_s) == name for at_s in range(0, DAY_S, bin_s)) / bins for name in times_ns}
    day = {
        name: sum(share[k] * float(of(np.array(v))) for k, v in times_ns.items())
        for name, of in (("median", np.median), ("best", np.min))
    }
    parts = ", ".join(f"{k} {np.median(v):.0f} (best {min(v):.0f})" for k, v in sorted(times_ns.items()))
    name = "bank, single" if single else "bank, double"
    print(f"{name}, bins of {bin_s:>4} s   {day['median']:>5.0f} ns a series-update (best {day['best']:.0f}): {parts}")
    if bin_s == BINS_S[-1]:
        print(f"{name}, memory           {made.state_bytes / SERIES:>5.0f} bytes a series")
        print(f"{name}, snapshot         {len(made.snapshot()) / SERIES:>5.0f} bytes a series")


def scalar(bin_s: int) -> None:
    pool = [(float(n[0]), float(total[0])) for n, total in counts(1, bin_s, 4096)]
    best_us = float("inf")
    for _ in range(3):
        detector = VigieDetector(VigieParams(), bin_s=bin_s, false_alarms_per_week=0.25)
        bins = [BinCount(START_S + i * bin_s, bin_s, *pool[i % len(pool)]) for i in range(20_000)]
        began_s = time.process_time()
        for x in bins:
            detector.step(x)
        best_us = min(best_us, (time.process_time() - began_s) / len(bins) * 1e6)
    print(f"scalar, bins of {bin_s:>4} s {best_us:>5.1f} µs a bin")


def main() -> None:
    for bin_s in BINS_S:
        for single in (False, True):
            bank(bin_s, single=single)
    for bin_s in (60, 300):
        scalar(bin_s)


if __name__ == "__main__":
    main()
