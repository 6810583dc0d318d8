"""`make bench`: mentions a second of `vigie replay`, end to end, beside a naive loop on the same file, in one run.

The file is made from the development data when VIGIE_SHARED has it (every text made distinct, copies eight days apart),
else from synthetic mentions. Every contestant is a process of its own, pinned to one core; its wall time includes
starting up. The naive loop is json, vaderSentiment and river's GaussianScorer on ten-minute bins: it keeps nothing on
disk, reads English only and explains nothing.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson

VIGIE = (sys.executable, "-m", "ops.cli", "replay")


def airline(shared: Path) -> list[dict[str, Any]]:
    """The real mentions with, apart, the sentiment that people gave them."""
    folder = shared / "data" / "airline"
    value = {"negative": -0.9, "neutral": 0.0, "positive": 0.9}
    labels = {}
    for line in (folder / "labels.ndjson").read_bytes().splitlines():
        label = orjson.loads(line)
        labels[label["id"]] = value[label["sentiment"]]
    rows = [orjson.loads(line) for line in (folder / "mentions.ndjson").read_bytes().splitlines()]
    return [row | {"_sentiment": labels[row["id"]]} for row in rows]


def synthetic() -> list[dict[str, Any]]:
    """Invented mentions, where there is no development data."""
    from tests.infra.fakes import synthetic as calm

    rows = []
    for mention in calm(8, per_hour=36):
        created = dt.datetime.fromtimestamp(mention.created_at_ms / 1000, dt.UTC).isoformat()
        sentiment = -0.9 if "nul" in mention.text else 0.4
        rows.append({"id": mention.id, "source": "x", "kind": "mention", "brand": "Nordalia", "lang": "fr",
                     "text": mention.text, "created_at": created, "_sentiment": sentiment})  # fmt: skip
    return rows


def copies(rows: list[dict[str, Any]], n: int, *, scored: bool) -> Iterator[bytes]:
    """`n` records, each text distinct, in the order of time."""
    for k in range(n):
        copy, i = divmod(k, len(rows))
        row = dict(rows[i])
        sentiment = row.pop("_sentiment")
        at = dt.datetime.fromisoformat(row["created_at"].replace("Z", "+00:00")) + dt.timedelta(days=8 * copy)
        row |= {"id": f"{row['id']}-{copy}", "text": f"{row['text']} #{k}", "created_at": at.isoformat()}
        if scored:
            row["sentiment"] = sentiment
        yield orjson.dumps(row) + b"\n"


def naive(path: str) -> None:
    """What one would write in an afternoon."""
    import json

    from river.anomaly import GaussianScorer
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    vader = SentimentIntensityAnalyzer()
    scorers: dict[str, Any] = {}
    counts: dict[str, float] = {}
    current = ""
    alarms = 0
    with open(path) as lines:
        for line in lines:
            row = json.loads(line)
            tenth = row["created_at"][:15]
            if tenth != current:
                for brand, n in counts.items():
                    scorer = scorers.setdefault(brand, GaussianScorer(window_size=2_000))
                    alarms += scorer.score_one(None, n) > 0.9999
                    scorer.learn_one(None, n)
                counts, current = {}, tenth
            negative = row["sentiment"] < 0 if "sentiment" in row else (
                vader.polarity_scores(row["text"])["compound"] < -0.05
            )  # fmt: skip
            counts[row["brand"]] = counts.get(row["brand"], 0) + negative
    print(f"{alarms} alarms", file=sys.stderr)


def run(command: tuple[str, ...]) -> tuple[float, float]:
    """Wall seconds and peak memory in MB of a process on one core."""

    def pin() -> None:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    started = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pin) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def measure(name: str, command: tuple[str, ...], n: int, rounds: int) -> tuple[float, float]:
    """The best of some rounds, printed: the machine's other work only ever slows one down."""
    found = [run(command) for _ in range(rounds)]
    seconds, memory = min(s for s, _ in found), max(m for _, m in found)
    print(f"{name:<44} {n / seconds:>10,.0f} mentions/s {seconds:>8.1f} s {memory:>8.0f} MB", flush=True)
    return n / seconds, memory


def write(path: Path, lines: Callable[[], Iterator[bytes]]) -> None:
    with path.open("wb") as file:
        file.writelines(lines())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--naive", metavar="FILE", help="run the naive loop on a file, and nothing else")
    options = parser.parse_args()
    if options.naive:
        naive(options.naive)
        return
    shared = Path(os.environ.get("VIGIE_SHARED", "../shared"))
    rows = airline(shared) if (shared / "data" / "airline").is_dir() else synthetic()
    n = options.mentions
    print(f"{n:,} mentions, Python {platform.python_version()}, one core of {os.cpu_count()}, {platform.machine()}")
    with tempfile.TemporaryDirectory() as folder:
        text, scored = Path(folder, "text.ndjson"), Path(folder, "scored.ndjson")
        short = Path(folder, "short.ndjson")
        write(text, lambda: copies(rows, n, scored=False))
        write(scored, lambda: copies(rows, n, scored=True))
        write(short, lambda: copies(rows, n // 4, scored=True))
        me = (sys.executable, "-m", "tests.bench.bench_replay", "--naive")
        naive_rate, _ = measure("naive loop, text scored", (*me, str(text)), n, options.rounds)
        text_rate, _ = measure("vigie replay, text scored", (*VIGIE, str(text)), n, options.rounds)
        scored_rate, memory = measure("vigie replay, sentiment given", (*VIGIE, str(scored)), n, options.rounds)
        _, short_memory = measure("vigie replay, sentiment given, a quarter", (*VIGIE, str(short)), n // 4, 1)
    print(f"vigie / naive: {text_rate / naive_rate:.2f} with text, {scored_rate / naive_rate:.2f} with sentiment given")
    print(f"peak memory {memory:.0f} MB, for a quarter of the file {short_memory:.0f} MB")


if __name__ == "__main__":
    main()
