"""Vigie's own alarms on storms of several makings: `make bench-storms`, the table of docs/detection.md.

Storms of storms.py in VIGIE_SHARED on five companies' real volumes: other seeds, shares of negatives and drifts of that
share, and volumes of which 40 % are kept. At budgets of 0.25, 1 and 0.05 false alarms a series-week; at the first also
which test raised them, and what they would be if the absolute rates had their part of the budget everywhere.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import os
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from detectors.series.vigie import VigieDetector, VigieParams
from engine.domain.series import BinCount, Reading
from tests.bench.bench_detection import COMPANIES, Outcome, Series, judge, line, storms, summary
from tests.bench.contestants import BIN_S

EVERYWHERE: Final = VigieParams(share_room=0.0, share_full=1e-9)


class Making(NamedTuple):
    """How storms are made: `kept` is the part of the real volumes that stays."""

    seed: int
    share: float
    drift: float
    copies: int
    kept: float = 1.0


MAKINGS: Final = (
    Making(1, 0.1, 0.2, 4), Making(2, 0.1, 0.2, 2), Making(3, 0.05, 0.1, 2), Making(4, 0.15, 0.3, 2),
    Making(7, 0.1, 0.2, 4, 0.4), Making(8, 0.15, 0.25, 4, 0.4),
)  # fmt: skip


def thinned(data: Path, folder: Path, kept: float) -> Path:
    """The volumes with that part of the mentions kept, at random."""
    rng = np.random.default_rng(5)
    shutil.copy(data / "windows.json", folder / "windows.json")
    for company in COMPANIES:
        name = f"Twitter_volume_{company}.csv"
        with (data / name).open(newline="") as given, (folder / name).open("w", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(["timestamp", "value"])
            for row in csv.DictReader(given):
                rows.writerow([row["timestamp"], rng.binomial(int(float(row["value"])), kept)])
    return folder


def made(shared: Path, making: Making, folder: Path) -> list[Series]:
    data = thinned(shared / "data" / "nab_tweets", folder, making.kept) if making.kept < 1.0 else None
    shares = (making.share,) * len(COMPANIES)
    return storms(shared, folder / "out", making.seed, making.copies, shares, making.drift, data)


def watched(task: tuple[Series, VigieParams, float]) -> tuple[Outcome, Counter[str]]:
    """What the detector's own alarms cost and find on one series, and which test raised the false ones."""
    series, params, budget = task
    detector = VigieDetector(params, bin_s=BIN_S, false_alarms_per_week=budget)
    alarms: list[tuple[int, str]] = []
    for i, (n, total) in enumerate(zip(series.negatives, series.totals, strict=True)):
        verdict = detector.step(BinCount(series.start_s + i * BIN_S, BIN_S, n, total))
        if isinstance(verdict, Reading) and verdict.alarm:
            alarms.append((i, next(test.name for test in verdict.tests if test.alarm)))
    blamed: Counter[str] = Counter()
    for k, (_, name) in enumerate(alarms):  # false alone, after those before it: what it adds
        before, after = (judge(series, np.array([i for i, _ in alarms[:end]], dtype=int)) for end in (k, k + 1))
        blamed[name] += after.false - before.false
    return judge(series, np.array([i for i, _ in alarms], dtype=int)), blamed


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    shared = Path(os.environ.get("VIGIE_SHARED", "../shared")).resolve()
    print("| making | false alarms a week | precision | growth3 | growth10 | step3 | growth1 | slow |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with multiprocessing.Pool() as pool, tempfile.TemporaryDirectory() as scratch:
        for number, making in enumerate(MAKINGS):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            all_series = made(shared, making, folder)
            weeks = sum(series.weeks for series in all_series)
            name = f"seed {making.seed}, {making.share:g}, {making.drift:g}" + (", quiet" if making.kept < 1 else "")
            asked = [(VigieParams(), 0.25), (VigieParams(), 1.0), (VigieParams(), 0.05), (EVERYWHERE, 0.25)]
            for params, budget in asked:
                found = pool.map(watched, [(series, params, budget) for series in all_series])
                outcomes, blamed = [o for o, _ in found], sum((b for _, b in found), Counter[str]())
                what = f"{name}, budget {budget:g}" + (", rates everywhere" if params is EVERYWHERE else "")
                tests = ", ".join(f"{test} {n / weeks:.2f}" for test, n in sorted(blamed.items()) if n)
                print(line(what, summary(outcomes, weeks)), f"by test: {tests}", flush=True)


if __name__ == "__main__":
    main()
