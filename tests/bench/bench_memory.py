"""What a watched brand costs in memory: one engine, many brands, ten mentions each over a day.

`python -m tests.bench.bench_memory [BRANDS]`. Prints resident memory before and after, and what that is a brand.
"""

from __future__ import annotations

import sys
import time

from engine.domain.batch import Batch
from engine.domain.config import EngineConfig
from engine.domain.mention import Mention
from ops.app import build_engine

START_MS = 1_767_225_600_000
EACH = 10
BATCH = 5_000


def resident_mb() -> float:
    """Resident memory of this process, in MB."""
    with open("/proc/self/statm", encoding="ascii") as figures:
        return int(figures.read().split()[1]) * 4096 / 1e6


def main(brands: int) -> None:
    engine = build_engine(EngineConfig(open_brands=True), in_a_hurry=True)
    total = brands * EACH
    step_ms = 86_400_000 // total
    before, started = resident_mb(), time.process_time()
    for first in range(0, total, BATCH):
        batch = tuple(
            Mention(
                str(i), "x", "mention", f"Un mot sur la commande numéro {i}", START_MS + i * step_ms,
                brand=f"Marque {i % brands}", author_id=str(i), lang="fr", sentiment=-0.6 if i % 7 == 0 else 0.2,
            )
            for i in range(first, min(first + BATCH, total))
        )  # fmt: skip
        engine.step(Batch(mentions=batch), START_MS + 90_000_000)
    after = resident_mb()
    took_s = time.process_time() - started
    print(f"{brands:,} brands, {total:,} mentions: {before:.0f} MB before, {after:.0f} MB after, ", end="")
    print(f"{(after - before) * 1000 / brands:.0f} kB a brand, {took_s:.1f} s of CPU")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
