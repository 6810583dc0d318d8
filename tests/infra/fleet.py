"""Workers as real processes: `vigie worker score`, `vigie worker watch` and `vigie run` on a broker and a database."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.admin import NewTopic
from kafka.structs import TopicPartition

from ops.settings import Settings, load_settings
from ops.store import Store
from tests.infra.oracle import watermarks

ROOT = Path(__file__).resolve().parents[2]
START_S_MAX = 90

CONFIG = """
database: {database}
lang: fr
sources:
  http: null
  kafka:
    bootstrap_servers: [{servers}]
    topic_prefix: {prefix}
    group_id: {prefix}group
    session_timeout_s: {session_s}
    max_poll_interval_s: {poll_s}
    idle_s: {idle_s}
    stalled_s: 120
alerts: {{channels: [{{name: log, type: console}}]}}
brands:
{brands}
"""


class Worker:
    """One process; `kill` is SIGKILL, `freeze` SIGSTOP."""

    def __init__(self, fleet: Fleet, role: str, name: str, *options: str) -> None:
        self.role, self.name = role, name
        self.log = fleet.folder / f"{name}.log"
        words = ["run"] if role == "run" else ["worker", role]
        self._command = [sys.executable, "-m", "ops.cli", *words, "-c", str(fleet.config), *options]
        self._folder = fleet.folder
        self.process: subprocess.Popen[bytes] | None = None
        self._before = 0  # the length of the log when it was started last

    def start(self) -> Worker:
        self._before = self.log.stat().st_size if self.log.exists() else 0
        environ = {k: v for k, v in os.environ.items() if k != "VIGIE_DATABASE_URL"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self._folder,
                env=environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            )  # fmt: skip
        return self

    def wait_ready(self) -> Worker:
        wait_for(lambda: "vigie: ready" in self.text, START_S_MAX, lambda: f"{self.name} is not ready: {self.text}")
        return self

    @property
    def text(self) -> str:
        """What it has said since it was started last."""
        return self.log.read_bytes()[self._before :].decode(errors="replace") if self.log.exists() else ""

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def url(self) -> str:
        """Where its probes are."""
        found = [line.split()[-1] for line in self.text.splitlines() if "metrics on " in line]
        return found[-1].removesuffix("/metrics")

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def figure(self, name: str) -> float:
        """The sum of a metric over its labels."""
        lines = [line for line in self.get("/metrics")[1].splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
        return sum(float(line.rpartition(" ")[2]) for line in lines)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """SIGTERM, and how it ended."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=60)


class Fleet:
    """A folder, topics, a database, and the workers on them."""

    def __init__(
        self, folder: Path, servers: str, database: str, brands: Sequence[str], *, partitions: int = 12,
        copies: int = 1, idle_s: int = 3, session_s: int = 8, poll_s: int = 12,
    ) -> None:  # fmt: skip
        self.folder, self.servers, self.partitions = folder, servers, partitions
        self.prefix = f"t{random.randrange(16**8):08x}."
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "vigie.yaml"
        self.database = database
        self.config.write_text(
            CONFIG.format(
                database=database, servers=", ".join(f'"{one}"' for one in servers.split(",")), prefix=self.prefix,
                session_s=session_s, poll_s=poll_s, idle_s=idle_s,
                brands="\n".join(f"  - name: {name}" for name in brands),
            )
        )  # fmt: skip
        self.workers: list[Worker] = []
        admin = KafkaAdminClient(bootstrap_servers=servers.split(","))
        admin.create_topics(
            [
                NewTopic(self.prefix + name, num_partitions=n, replication_factor=copies)
                for name, n in (
                    ("mentions", partitions), ("scored", partitions), ("incidents", 3), ("deadletters", 1),
                )
            ]
        )  # fmt: skip
        admin.close()

    @property
    def settings(self) -> Settings:
        return load_settings(self.config, {})

    def add(self, role: str, *options: str) -> Worker:
        """A worker (or "run") of its own name, not started yet."""
        n = sum(worker.role == role for worker in self.workers) + 1
        worker = Worker(self, role, f"{role}-{n}", *options)
        self.workers.append(worker)
        return worker

    def store(self) -> Store:
        return Store.open(self.settings.database)

    def _producer(self) -> KafkaProducer:
        """Idempotent, and patient: what it is given is in the topic once, or `_sent` says so."""
        return KafkaProducer(
            bootstrap_servers=self.servers.split(","), acks="all", linger_ms=20, batch_size=200_000,
            enable_idempotence=True, reconnect_backoff_max_ms=2_000,
        )  # fmt: skip

    @staticmethod
    def _sent(producer: KafkaProducer, futures: Sequence[Any]) -> None:
        producer.flush()
        producer.close()
        lost = [future.exception for future in futures if not future.succeeded()]
        assert not lost, f"{len(lost)} records were not taken: {lost[0]}"

    def produce(self, lines: Sequence[bytes], *, seed: int = 0, rate: float = 0.0) -> None:
        """Each to a partition of its own choice, in their order; at most `rate` a second."""
        rng = random.Random(seed)
        producer, futures = self._producer(), []
        started = time.monotonic()
        for i, line in enumerate(lines):
            partition = rng.randrange(self.partitions)
            futures.append(producer.send(f"{self.prefix}mentions", value=line, partition=partition))
            if rate and i % 200 == 0:
                time.sleep(max(0.0, i / rate - (time.monotonic() - started)))
        self._sent(producer, futures)

    def trickle(self, lines: Sequence[bytes], enough: threading.Event, *, seed: int = 0) -> None:
        """Ever less of them, a part of what is left each second, so that the flow never ends; the rest once it is
        enough. A flow that ended early would let silence move event time on."""
        rng, at = random.Random(seed), 0
        producer, futures = self._producer(), []
        while at < len(lines):
            left = len(lines) - at
            end = len(lines) if enough.is_set() else at + max(1, left // 40)
            for line in lines[at:end]:
                partition = rng.randrange(self.partitions)
                futures.append(producer.send(f"{self.prefix}mentions", value=line, partition=partition))
            at = end
            enough.wait(1.0 if left > 200 else 5.0)
        self._sent(producer, futures)

    def wait_done(
        self, received: int, newest_ms: int, wait_s: float, *, keep_alive: Callable[[], None] | None = None
    ) -> None:
        """Until so many mentions have been counted and event time has come to its end everywhere."""
        detection = self.settings.detection
        target_ms = newest_ms - detection.lateness_s * 1000
        target_ms -= target_ms % (detection.bin_s * 1000)  # within the bin nothing more is decided, nor stored
        last = "nothing yet"

        def done() -> bool:
            nonlocal last
            if keep_alive is not None:
                keep_alive()
            counted = sum(n for (name, _), n in store.counters().items() if name == "received")
            marks = watermarks(store)
            last = (
                f"{counted:.0f} of {received}, watermarks {sorted({target_ms - m for m in marks.values()})} ms behind"
            )
            return counted >= received and bool(marks) and min(marks.values()) >= target_ms

        with self.store() as store:
            wait_for(done, wait_s, lambda: f"not done: {last}", every_s=1.0)

    def records(self, name: str) -> list[Any]:
        """All that stands in one of the topics: keys and values."""
        consumer = KafkaConsumer(
            bootstrap_servers=self.servers.split(","), auto_offset_reset="earliest", enable_auto_commit=False
        )
        topic = self.prefix + name
        parts = [TopicPartition(topic, n) for n in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(parts)
        ends = consumer.end_offsets(parts)
        found: list[Any] = []
        while any(consumer.position(part) < ends[part] for part in parts):
            for records in consumer.poll(timeout_ms=1_000).values():
                found += records
        consumer.close()
        return found

    def end(self) -> None:
        """Kill what still runs."""
        for worker in self.workers:
            if worker.alive:
                worker.thaw()
                worker.kill()


def wait_for(met: Callable[[], bool], wait_s: float, text: str | Callable[[], str], every_s: float = 0.2) -> None:
    """Until it is met. Raises AssertionError with the text when it is not by then."""
    deadline = time.monotonic() + wait_s
    while not met():
        if time.monotonic() > deadline:
            raise AssertionError(text if isinstance(text, str) else text())
        time.sleep(every_s)
