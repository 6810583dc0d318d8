"""What the benches of Kafka share: a broker on one core, workers pinned to another, invented mentions, a sampler."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

PARTITIONS = 12
BRANDS = 20
WORKER_CORE = max(os.sched_getaffinity(0))
OTHER_CORES = (os.sched_getaffinity(0) - {WORKER_CORE}) or {WORKER_CORE}
PATIENCE_S = 600


def texts(section: str) -> list[str]:
    """The invented comments that the demo is made of, all slots filled."""
    from ops.demo.scenario import load_texts

    return [re.sub(r"\{\w+\}", "12", text) for lang in ("fr", "en") for _, text in load_texts(lang)[section]]


def record(i: int, at_ms: int, brand: str, text: str) -> bytes:
    """A mention as a sender writes it, its text distinct."""
    at_s, ms = divmod(at_ms, 1000)
    created = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at_s))}.{ms:03d}Z"
    return orjson.dumps(
        {
            "id": f"m{i}", "source": "x", "kind": "mention", "brand": brand, "text": f"{text} #{i}",
            "created_at": created, "author": {"id": f"u{i % 50_021}", "followers": i % 997},
        }
    )  # fmt: skip


def calm(n: int, start_ms: int, end_ms: int, *, first: int = 0, brands: int = BRANDS) -> Iterator[bytes]:
    """`n` mentions in the order of time, spread evenly; one in five is negative."""
    rng = random.Random(7)
    usual, upset = texts("calm"), texts("storm")
    for k in range(n):
        text = rng.choice(upset if rng.random() < 0.2 else usual)
        at_ms = start_ms + (end_ms - start_ms) * k // n
        yield record(first + k, at_ms, f"Marque {rng.randrange(brands):02d}", text)


def write_config(
    folder: Path, address: str, *, database: str = "vigie.db", prefix: str = "vigie.", brands: Sequence[str] = (),
    webhook: str | None = None, metrics_port: int | None = None, more: str = "",
) -> Path:  # fmt: skip
    """A settings file for services on that broker."""
    channels = f"[{{name: hook, type: webhook, url: '{webhook}', allow_private: true}}]" if webhook else (
        "[{name: log, type: console}]"
    )  # fmt: skip
    lines = [
        f"database: '{database}'",
        "lang: fr",
        f"brands: [{', '.join(f'{{name: {name}, langs: [fr, en]}}' for name in brands)}]",
        f"sources: {{http: null, kafka: {{bootstrap_servers: ['{address}'], topic_prefix: '{prefix}', "
        f"layout: {{partitions: {PARTITIONS}}}, publish: false}}}}",
        "detection: {bin_s: 60, lateness_s: 120}",
        f"alerts: {{channels: {channels}}}",
        f"metrics: {{port: {metrics_port or 'null'}}}",
        more,
    ]
    path = folder / "vigie.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def make_topics(config: Path) -> None:
    command = [sys.executable, "-m", "ops.cli", "topics", "create", "-c", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)


def produce(address: str, topic: str, records: Iterable[bytes]) -> int:
    """As fast as they go, spread over all partitions in turn; within each they keep their order."""
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=address, acks="all", linger_ms=20, batch_size=262_144)
    n = 0
    for value in records:
        producer.send(topic, value=value, partition=n % PARTITIONS)
        n += 1
    producer.flush()
    producer.close()
    return n


@dataclass
class Running:
    """A `vigie` process on its own core."""

    process: subprocess.Popen[bytes]
    log: Path
    started_s: float = field(default_factory=time.perf_counter)

    @classmethod
    def start(cls, folder: Path, *words: str, name: str = "log") -> Running:
        log = folder / f"{name}.txt"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "ops.cli", *words], stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                preexec_fn=lambda: os.sched_setaffinity(0, {WORKER_CORE}),
            )  # fmt: skip
        return cls(process, log)

    def wait_ready(self) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while "vigie: ready" not in self.log.read_text(errors="replace"):
            if self.process.poll() is not None or time.monotonic() > deadline_s:
                raise SystemExit(f"a worker did not start:\n{self.log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.05)

    def alive(self) -> None:
        if self.process.poll() is not None:
            raise SystemExit(f"a worker ended:\n{self.log.read_text(errors='replace')[-3000:]}")

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    @property
    def memory_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1024 if found else 0.0

    @property
    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Position:
    """How far the workers of a database have come in a topic, read beside them."""

    def __init__(self, database: str, topic: str) -> None:
        from ops.store import Store

        self._store, self._topic = Store.open(database), topic

    def reached(self) -> int:
        """Records of the topic that the store reflects."""
        total = 0
        for cursor in self._store.positions():
            if cursor.partition.rpartition("/")[0] == self._topic:
                total += int(cursor.position)
        return total

    def wait(self, n: int, running: Sequence[Running]) -> None:
        deadline_s = time.monotonic() + PATIENCE_S
        while self.reached() < n:
            for one in running:
                one.alive()
            if time.monotonic() > deadline_s:
                raise SystemExit(f"only {self.reached()} of {n} after {PATIENCE_S} s")
            time.sleep(0.1)

    def close(self) -> None:
        self._store.close()


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def metrics(port: int) -> dict[str, float]:
    """The figures that a process shows, labels summed."""
    import urllib.request

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        text = answer.read().decode()
    found: dict[str, Any] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            name = name.partition("{")[0]
            found[name] = found.get(name, 0.0) + float(value)
    return found
