"""`make soak`: one process at half the load that it is rated for, for twenty minutes: memory and lag stay flat.

A real broker, twelve partitions, twenty brands with one upset comment in five, a storm every few minutes; the process
writes into SQLite. Every ten seconds: memory, how many mentions wait, and the share of a core. Printed by the minute,
with the slope of the second half; drawn into docs/images/soak.svg with `--plot`.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.bench.kafka_rig import (
    BRANDS,
    OTHER_CORES,
    PARTITIONS,
    Position,
    Running,
    make_topics,
    record,
    texts,
    write_config,
)
from tests.infra.kafka import Broker

RATED_PER_S = 2_000
EVERY_S = 10.0
STORM_EVERY_S, STORM_S = 240, 30


class Sample(NamedTuple):
    at_s: float
    memory_mb: float
    lag: int
    cpu_share: float


class Sender(threading.Thread):
    """Steady mentions, and a storm on one brand now and then."""

    def __init__(self, address: str, rate: int, seconds: float) -> None:
        super().__init__(name="sender")
        self._address, self._rate, self._seconds = address, rate, seconds
        self.sent = 0

    def run(self) -> None:
        from kafka import KafkaProducer

        producer = KafkaProducer(bootstrap_servers=self._address, acks="all", linger_ms=20, batch_size=131_072)
        usual, upset = texts("calm"), texts("storm")
        started_s = time.monotonic()
        while (elapsed_s := time.monotonic() - started_s) < self._seconds:
            while self.sent < elapsed_s * self._rate:
                i = self.sent
                storm = elapsed_s % STORM_EVERY_S < STORM_S and i % 8 == 0
                brand = int(elapsed_s // STORM_EVERY_S) % BRANDS if storm else i % BRANDS
                text = upset[i % len(upset)] if storm or i % 5 == 0 else usual[i % len(usual)]
                value = record(i, int(time.time() * 1000), f"Marque {brand:02d}", text)
                producer.send("vigie.mentions", value=value, partition=i % PARTITIONS)
                self.sent += 1
            time.sleep(0.02)
        producer.flush()
        producer.close()


def soak(rate: int, seconds: float) -> list[Sample]:
    """What was seen every ten seconds."""
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as name, Broker.started() as broker:
        config = write_config(Path(name), broker.address)
        make_topics(config)
        running = Running.start(Path(name), "run", "-c", str(config))
        try:
            running.wait_ready()
            position = Position(str(Path(name) / "vigie.db"), "vigie.mentions")
            sender = Sender(broker.address, rate, seconds)
            sender.start()
            started_s, cpu_s, at_s = time.monotonic(), running.cpu_s, time.monotonic()
            while sender.is_alive():
                sender.join(EVERY_S)
                running.alive()
                lag, now_s, used_s = sender.sent - position.reached(), time.monotonic(), running.cpu_s
                share = (used_s - cpu_s) / (now_s - at_s)
                samples.append(Sample(now_s - started_s, running.memory_mb, lag, share))
                cpu_s, at_s = used_s, now_s
            position.wait(sender.sent, [running])
            position.close()
        finally:
            running.stop()
    return samples


def slope_per_hour(samples: Sequence[Sample]) -> float:
    """By how many MB an hour memory grows: a least-squares line."""
    mean_s = sum(s.at_s for s in samples) / len(samples)
    mean_mb = sum(s.memory_mb for s in samples) / len(samples)
    spread = sum((s.at_s - mean_s) ** 2 for s in samples)
    return 3600 * sum((s.at_s - mean_s) * (s.memory_mb - mean_mb) for s in samples) / spread


def plot(samples: Sequence[Sample], title: str) -> str:
    """Memory and lag over the minutes, as SVG."""
    wide, high, left, top = 860, 150, 70, 46
    minutes = samples[-1].at_s / 60
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide + left + 20} {2 * (high + top) + 30}" '
        'font-family="sans-serif" font-size="13">',
        f'<rect width="100%" height="100%" fill="#fff"/><text x="{left}" y="20">{title}</text>',
    ]
    for row, (name, values, colour) in enumerate(
        (
            ("memory, MB", [s.memory_mb for s in samples], "#1f5fa8"),
            ("mentions that wait", [s.lag for s in samples], "#b3492b"),
        )
    ):
        base = top + row * (high + top) + high
        peak = max(*values, 1)
        points = " ".join(
            f"{left + wide * s.at_s / 60 / minutes:.1f},{base - high * value / peak:.1f}"
            for s, value in zip(samples, values, strict=True)
        )
        out += [
            f'<text x="{left}" y="{base - high - 8}">{name}</text>',
            f'<path d="M{left} {base - high}V{base}H{left + wide}" fill="none" stroke="#888"/>',
            f'<text x="{left - 6}" y="{base - high + 10}" text-anchor="end">{peak:,.0f}</text>',
            f'<text x="{left - 6}" y="{base}" text-anchor="end">0</text>',
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.8"/>',
            f'<text x="{left + wide}" y="{base + 16}" text-anchor="end">{minutes:.0f} min</text>',
        ]
    return "\n".join([*out, "</svg>"]) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--rate", type=int, default=RATED_PER_S // 2, help="mentions a second")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg")
    options = parser.parse_args()
    os.sched_setaffinity(0, OTHER_CORES)
    print(
        f"{options.rate:,} mentions a second for {options.minutes:g} minutes, Python {platform.python_version()}, "
        f"{platform.machine()}, machine load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the start"
    )
    samples = soak(options.rate, options.minutes * 60)
    print(f"{'minute':>6} {'memory MB':>10} {'waiting, most':>14} {'of a core':>10}")
    for minute in range(int(samples[-1].at_s // 60) + 1):
        found = [s for s in samples if s.at_s // 60 == minute]
        if found:
            print(f"{minute:>6} {max(s.memory_mb for s in found):>10.0f} {max(s.lag for s in found):>14,} "
                  f"{sum(s.cpu_share for s in found) / len(found):>10.0%}")  # fmt: skip
    half = samples[len(samples) // 2 :]
    share = sum(s.cpu_share for s in half) / len(half)
    print(
        f"second half: memory {half[0].memory_mb:.0f} to {half[-1].memory_mb:.0f} MB, {slope_per_hour(half):+.0f} MB "
        f"an hour; at most {max(s.lag for s in half):,} waiting; {share:.0%} of a core; load {os.getloadavg()[0]:.1f}"
    )
    if options.plot:
        options.plot.write_text(plot(samples, f"{options.rate:,} mentions a second, one process, one core"))


if __name__ == "__main__":
    main()
