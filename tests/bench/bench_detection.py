"""`make bench-detection`: storms found at equal false alarms, by Vigie, by river's detectors and by rules of thumb.

One harness for all. The storms are those of tools/storms.py in VIGIE_SHARED, on five companies' real volumes. Every
contestant gives a score for each bin. An alarm is raised where the score reaches a threshold, and the next one only
after an hour below it. Thresholds are set on other companies: in each of the ten ways to part five companies in two and
three, the threshold that costs the budget on one part is tested on the other, both ways. Alarms are judged as by
`storms.py score`. All of it twice: with brands alike in their usual share of negatives, and unlike. `--write` puts the
tables into docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import importlib.metadata
import itertools
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tests.bench.contestants import BIN_S, BUDGET, ENTRIES, HOUR_BINS, WEEK_BINS, InVigie, contestant

COMPANIES: Final = ("AAPL", "AMZN", "CRM", "CVS", "FB")
KINDS: Final = ("growth3", "growth10", "step3", "growth1", "slow")
WINDOW_S: Final = {kind: 12 * 3600 if kind == "slow" else 3 * 3600 for kind in KINDS}
ALIKE: Final = (0.1,) * 5
"""The usual share of negatives by company: all alike, as `storms.py make` has it."""
UNLIKE: Final = (0.05, 0.1, 0.2, 0.3, 0.4)
"""As real brands differ: a rule that needs one share for all has no easy life."""
PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- bench-detection: begin -->", "<!-- bench-detection: end -->"
_MEMORY_BINS: Final = 2 * WEEK_BINS


class Series(NamedTuple):
    """One series without holes, and what is true of it; times in seconds."""

    name: str
    start_s: int
    negatives: list[float]
    totals: list[float]
    storms: list[tuple[str, int, int]]
    """Kind, onset, and until when an alarm is none that is false."""
    events: list[tuple[int, int]]
    weeks: float


class Outcome(NamedTuple):
    """What a threshold costs and finds on one series."""

    false: int
    found: int
    delays_s: tuple[tuple[str, float], ...]


class Run(NamedTuple):
    """The scores of one contestant, or for Vigie its own alarms too."""

    scores: dict[str, np.ndarray]
    alarms: dict[str, np.ndarray]
    update_us: float
    live_bytes: int
    stored_bytes: int | None


def seconds(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC).timestamp())


def load(folder: Path) -> list[Series]:
    """What `storms.py make` wrote; bins that are missing count as empty."""
    truth = json.loads((folder / "truth.json").read_text())
    rows: dict[str, list[tuple[int, float, float]]] = {}
    with (folder / "counts.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            counted = (seconds(row["timestamp"]), float(row["negatives"]), float(row["total"]))
            rows.setdefault(row["series"], []).append(counted)
    out = []
    for name, counts in rows.items():
        start_s = counts[0][0]
        length = (counts[-1][0] - start_s) // BIN_S + 1
        negatives, totals = [0.0] * length, [0.0] * length
        for at_s, n, total in counts:
            i = (at_s - start_s) // BIN_S
            negatives[i], totals[i] = n, total
        storms = []
        for storm in (s for s in truth["storms"] if s["series"] == name):
            onset_s = seconds(storm["onset"])
            until_s = max(onset_s + WINDOW_S[storm["kind"]], seconds(storm["end"]) + 6 * 3600)
            storms.append((storm["kind"], onset_s, until_s))
        events = [(seconds(a), seconds(b)) for a, b in truth["events"][name]]
        out.append(Series(name, start_s, negatives, totals, storms, events, truth["weeks"][name]))
    return out


def raised(scores: np.ndarray, threshold: float) -> np.ndarray:
    """Bins where an alarm is raised: at or above the threshold, after an hour below it.

    >>> raised(np.array([0, 5, 5, 0, 5] + 13 * [0] + [5]), 5.0).tolist()
    [1, 18]
    """
    over = np.flatnonzero(scores >= threshold)
    return over[np.diff(over, prepend=-WEEK_BINS) > HOUR_BINS]


def judge(series: Series, alarms: np.ndarray) -> Outcome:
    """As `storms.py score`: false unless in a storm or a labelled event, once in three hours; delays from the onset."""
    times = (series.start_s + (alarms + 1) * BIN_S).tolist()
    fine = [(a, b) for _, a, b in series.storms] + series.events
    begin_s = series.start_s + WEEK_BINS * BIN_S
    false, last, hit = 0, -(10**9), set()
    for x in times:
        if x < begin_s:
            continue
        inside = [i for i, (a, b) in enumerate(fine) if a <= x <= b + 3600]
        if inside:
            hit.update(inside)
        elif x - last >= 3 * 3600:
            false, last = false + 1, x
    delays = []
    for kind, onset_s, _ in series.storms:
        found = [x - onset_s for x in times if onset_s < x <= onset_s + WINDOW_S[kind]]
        delays.append((kind, float(found[0]) if found else float("inf")))
    return Outcome(false, len(hit), tuple(delays))


def run(task: tuple[tuple[str, str], list[Series]]) -> Run:
    """Every series through one contestant."""
    (name, variant), all_series = task
    scores, alarms, spent_s, bins = {}, {}, 0.0, 0
    stored: int | None = None
    for series in all_series:
        entrant = contestant(name, variant)
        take, at_s = entrant.take, series.start_s
        out, own = [], []
        began_s = time.process_time()
        if isinstance(entrant, InVigie):
            for n, total in zip(series.negatives, series.totals, strict=True):
                out.append(take(at_s, n, total))
                own.append(entrant.alarm)
                at_s += BIN_S
        else:
            for n, total in zip(series.negatives, series.totals, strict=True):
                out.append(take(at_s, n, total))
                at_s += BIN_S
        spent_s += time.process_time() - began_s
        bins += len(out)
        scores[series.name] = np.asarray(out)
        scores[series.name][:WEEK_BINS] = -np.inf
        alarms[series.name] = np.flatnonzero(own)
        if isinstance(entrant, InVigie):
            stored = max(stored or 0, len(json.dumps(entrant.detector.snapshot(), separators=(",", ":"))))
    live = live_bytes(name, variant, all_series[0])
    return Run(scores, alarms, spent_s / bins * 1e6, live, stored)


def live_bytes(name: str, variant: str, series: Series) -> int:
    """What Python holds for one series after two weeks."""
    tracemalloc.start()
    entrant = contestant(name, variant)
    for i in range(min(_MEMORY_BINS, len(series.negatives))):
        entrant.take(series.start_s + i * BIN_S, series.negatives[i], series.totals[i])
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


class Table:
    """The outcome of every series at every threshold of a grid, from which calibration and test are look-ups."""

    def __init__(self, all_series: list[Series], scores: dict[str, np.ndarray]) -> None:
        self._weeks = {s.name: s.weeks for s in all_series}
        pooled = np.concatenate([scores[s.name][WEEK_BINS:] for s in all_series])
        levels = np.quantile(pooled, 1.0 - np.geomspace(0.05, 0.5 / len(pooled), 400), method="higher")
        self.thresholds = [*np.unique(levels), np.inf]
        self._outcomes = {s.name: [judge(s, raised(scores[s.name], t)) for t in self.thresholds] for s in all_series}

    def calibrate(self, names: list[str], budget: float) -> int:
        """The lowest threshold from which on up the false alarms of these series stay within the budget."""
        weeks = sum(self._weeks[n] for n in names)
        chosen = len(self.thresholds) - 1
        while chosen and sum(self._outcomes[n][chosen - 1].false for n in names) <= budget * weeks:
            chosen -= 1
        return chosen

    def test(self, names: list[str], chosen: int) -> tuple[list[Outcome], float]:
        return [self._outcomes[n][chosen] for n in names], sum(self._weeks[n] for n in names)


def on_others(table: Table, names: list[str], budget: float) -> tuple[list[Outcome], float]:
    """Thresholds from one part of the companies, tested on the other, in all partings both ways."""
    outcomes: list[Outcome] = []
    weeks = 0.0
    for two in itertools.combinations(COMPANIES, 2):
        parts = [n for n in names if n.split("#")[0] in two], [n for n in names if n.split("#")[0] not in two]
        for here, there in (parts, parts[::-1]):
            tested, tested_weeks = table.test(there, table.calibrate(here, budget))
            outcomes += tested
            weeks += tested_weeks
    return outcomes, weeks


def summary(outcomes: list[Outcome], weeks: float) -> dict[str, Any]:
    """False alarms a week, precision, and by kind (recall, median delay in minutes; a miss counts as infinite)."""
    false, found = sum(o.false for o in outcomes), sum(o.found for o in outcomes)
    by_kind = {}
    for kind in KINDS:
        delays = np.array([d for o in outcomes for k, d in o.delays_s if k == kind]) / 60.0
        if len(delays):
            by_kind[kind] = (float(np.isfinite(delays).mean()), float(np.median(delays)))
    mean = float(np.mean([recall for recall, _ in by_kind.values()]))
    return {"false": false / weeks, "precision": found / max(1, found + false), "mean": mean, "kinds": by_kind}


def line(name: str, s: dict[str, Any]) -> str:
    cells = []
    for kind in KINDS:
        recall, delay = s["kinds"].get(kind, (0.0, float("inf")))
        cells.append(f"{recall:.2f} / {f'{delay:g}' if np.isfinite(delay) else '-'}")
    return f"| {name} | {s['false']:.2f} | {s['precision']:.2f} | {' | '.join(cells)} |"


HEAD: Final = (
    f"| detector | false alarms a week | precision | {' | '.join(KINDS)} |\n| --- | --- | --- |{' --- |' * len(KINDS)}"
)


class Row(NamedTuple):
    """What is shown of one contestant."""

    name: str
    variant: str
    others: dict[str, Any]
    hindsight: dict[str, Any]
    run: Run


def rows(all_series: list[Series], runs: list[Run], budget: float) -> list[Row]:
    names = [s.name for s in all_series]
    out = []
    for (name, variant), one in zip(ENTRIES, runs, strict=True):
        table = Table(all_series, one.scores)
        others = summary(*on_others(table, names, budget))
        hindsight = summary(*table.test(names, table.calibrate(names, budget)))
        out.append(Row(name, variant, others, hindsight, one))
    return out


def best(all_rows: list[Row], key: str) -> list[Row]:
    """Of each name the variant that finds most, which is a choice with hindsight."""
    out: dict[str, Row] = {}
    for row in all_rows:
        if row.name not in out or getattr(row, key)["mean"] > getattr(out[row.name], key)["mean"]:
            out[row.name] = row
    return list(out.values())


def label(row: Row) -> str:
    name = f"**{row.name}**" if row.name == "Vigie" else row.name
    return f"{name} ({row.variant})" if row.variant else name


def tables(all_series: list[Series], all_rows: list[Row]) -> list[str]:
    vigie = all_rows[0].run
    weeks = sum(s.weeks for s in all_series)
    own = summary([judge(s, vigie.alarms[s.name]) for s in all_series], weeks)
    return [
        f"{len(all_series)} series, {weeks:.0f} series-weeks, {sum(len(s.storms) for s in all_series)} storms, a "
        f"budget of {BUDGET:g} false alarms a series-week. Cells are recall / median delay in minutes; `-` where fewer "
        "than half are found.",
        "",
        "Thresholds set on other companies, where they cost the budget; what they cost here is the second column:",
        "",
        HEAD,
        *(line(label(row), row.others) for row in best(all_rows, "others")),
        "",
        "Thresholds set with hindsight on the same series, the best that each can do at these false alarms:",
        "",
        HEAD,
        *(line(label(row), row.hindsight) for row in best(all_rows, "hindsight")),
        "",
        "As shipped, the alarms of `vigie detect`, which has no threshold to set:",
        "",
        HEAD,
        line("**Vigie**", own),
    ]


def readings(all_rows: list[Row]) -> list[str]:
    """Every variant, with what it costs in plain Python."""
    return [
        "Alike in their usual share; mean recall over the kinds, cost in plain Python, bytes in memory and as stored.",
        "",
        "| detector | on others | false alarms a week | with hindsight | µs an update | bytes a series | stored |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(
            f"| {label(r)} | {r.others['mean']:.2f} | {r.others['false']:.2f} | {r.hindsight['mean']:.2f} "
            f"| {r.run.update_us:.1f} | {r.run.live_bytes:,} | {r.run.stored_bytes or '-'} |"
            for r in all_rows
        ),
    ]


def machine(took_s: float) -> str:
    return (
        f"{platform.machine()}, {os.cpu_count()} cores ({processor()}), {platform.system()}; Python "
        f"{platform.python_version()}, numpy {np.__version__}, river {importlib.metadata.version('river')}, Vigie "
        f"{importlib.metadata.version('vigie')}; {dt.datetime.now(dt.UTC):%Y-%m-%d}, in {took_s:.0f} s."
    )


def processor() -> str:
    """What the machine calls its processor."""
    info = Path("/proc/cpuinfo")
    found = [x for x in info.read_text().splitlines() if x.startswith("model name")] if info.exists() else []
    return found[0].split(":", 1)[1].strip() if found else platform.processor() or "unnamed"


def write(text: str) -> None:
    """Put the tables between their marks, and leave the rest of the page as it stands."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def storms(
    shared: Path,
    folder: Path,
    seed: int,
    copies: int,
    shares: tuple[float, ...],
    drift: float = 0.2,
    data: Path | None = None,
) -> list[Series]:
    """Storms on the five companies' volumes (or those in `data`), each with its own usual share of negatives."""
    volumes = data or shared / "data" / "nab_tweets"
    tool = [sys.executable, str(shared / "tools" / "storms.py"), "make", "--data", str(volumes)]
    tool += ["--seed", str(seed), "--copies", str(copies), "--drift", str(drift)]
    out = []
    # one call where the shares are alike, so that the storms are those that anyone makes by the same command
    groups = [(",".join(COMPANIES), shares[0])] if len(set(shares)) == 1 else list(zip(COMPANIES, shares, strict=True))
    for names, share in groups:
        to = folder / names
        subprocess.run(
            [*tool, "--series", names, "--out", str(to), "--thin", str(share)], check=True, capture_output=True
        )
        out += load(to)
    return out


def compare(title: str, all_series: list[Series], jobs: int) -> list[Row]:
    """Every contestant on every series."""
    began_s, runs = time.monotonic(), []
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for entry, one in zip(ENTRIES, pool.imap(run, [(entry, all_series) for entry in ENTRIES]), strict=True):
            print(f"{title}, {time.monotonic() - began_s:3.0f} s: {' '.join(entry)}", file=sys.stderr, flush=True)
            runs.append(one)
    return rows(all_series, runs, BUDGET)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--copies", type=int, default=4, help="series with storms of each company; half for the second")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    args = parser.parse_args()
    shared = Path(os.environ.get("VIGIE_SHARED", "../shared"))
    if not (shared / "tools" / "storms.py").exists():
        sys.exit("make bench-detection: no storms.py in VIGIE_SHARED; set it to the folder of the development data")
    began_s = time.monotonic()
    parts = []
    for title, shares, copies in (("Alike", ALIKE, args.copies), ("Unlike", UNLIKE, max(1, args.copies // 2))):
        with tempfile.TemporaryDirectory() as folder:
            all_series = storms(shared, Path(folder), args.seed, copies, shares)
        told = ", ".join(f"{c} {s:g}" for c, s in zip(COMPANIES, shares, strict=True))
        made = f"Usual share of negatives: {told}. Storms of seed {args.seed}, {copies} copies and a calm one of each."
        compared = compare(title, all_series, args.jobs)
        parts += [f"### {title} in their usual share", "", made, "", *tables(all_series, compared), ""]
        if shares == ALIKE:
            every = readings(compared)
    parts += ["### Every reading that was tried, and its cost", "", *every, "", machine(time.monotonic() - began_s)]
    text = "\n".join(parts)
    print(text)
    if args.write:
        write(text)


if __name__ == "__main__":
    main()
