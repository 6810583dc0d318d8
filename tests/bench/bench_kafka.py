"""`make bench-kafka`: mentions a second through a real broker, and seconds from a record to its alert.

Broker and producer share one core, the worker has another to itself. All contestants read the same invented mentions:

- bare: kafka-python's poll and Vigie's decoding of each record, nothing else;
- vigie replay: the same records from a file, no broker;
- vigie run: consumer group, engine, one transaction a step into SQLite;
- the workers of two stages, each alone on the core, into PostgreSQL.

Times include starting up, for all of them. Latency: bursts of upset comments on calm brands while 2,000 other mentions
a second pass; from the first record of a burst handed to the producer to its alert in an HTTP server of ours.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

import orjson

from tests.bench.kafka_rig import (
    OTHER_CORES,
    PARTITIONS,
    WORKER_CORE,
    Position,
    Running,
    calm,
    make_topics,
    percentile,
    produce,
    record,
    texts,
    write_config,
)
from tests.infra.kafka import Broker
from tests.infra.postgres import Postgres
from tests.infra.receiver import Receiver

DAY_MS = 86_400_000
QUIET = [f"Enseigne {i:02d}" for i in range(40)]
BURST = 90


def bare(address: str, topic: str, n: int) -> None:
    """Poll and decode, nothing else: run as a process of its own."""
    from importlib.util import find_spec

    from kafka import KafkaConsumer, TopicPartition

    from streams.decode import decode_many

    consumer = KafkaConsumer(
        bootstrap_servers=address, auto_offset_reset="earliest", enable_auto_commit=False,
        check_crcs=find_spec("crc32c") is not None, fetch_max_bytes=16_000_000,
    )  # fmt: skip
    consumer.assign([TopicPartition(topic, i) for i in range(PARTITIONS)])
    seen = 0
    while seen < n:
        for records in consumer.poll(timeout_ms=500, max_records=8_192).values():
            many = decode_many([record.value for record in records], str)
            seen += len(many.mentions) + len(many.rejects)


class Took(NamedTuple):
    """What a contestant needed: seconds on the clock, and seconds of its core. On a machine that does other things
    besides, the second is what says something."""

    wall_s: float
    cpu_s: float
    memory_mb: float


def timed(*command: str) -> Took:
    """Run a process on the worker's core to its end."""
    started_s = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, {WORKER_CORE}),
    ) as process:  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Took(time.perf_counter() - started_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def so_far(running: Running) -> Took:
    """What a worker has needed since its start."""
    return Took(time.perf_counter() - running.started_s, running.cpu_s, running.memory_mb)


def told(name: str, n: int, took: Took) -> Took:
    print(
        f"{name:<40} {n / took.wall_s:>8,.0f} mentions/s {took.wall_s:>7.1f} s "
        f"{n / took.cpu_s:>8,.0f} a CPU second {took.memory_mb:>6.0f} MB",
        flush=True,
    )
    return took


def throughput(folder: Path, broker: Broker, n: int, rounds: int) -> None:
    now_ms = time.time_ns() // 1_000_000
    file = folder / "mentions.ndjson"
    with file.open("wb") as out:
        for line in calm(n, now_ms - 10 * DAY_MS, now_ms - DAY_MS):
            out.write(line + b"\n")
    config = write_config(folder, broker.address)
    make_topics(config)
    produce(broker.address, "vigie.mentions", file.read_bytes().splitlines())
    (folder / "replay.yaml").write_text("detection: {bin_s: 60, lateness_s: 120}\nlang: fr\n")
    me = ("-m", "tests.bench.bench_kafka", "--bare", broker.address, "--mentions", str(n))
    replay = ("-m", "ops.cli", "replay", str(file), "-c", str(folder / "replay.yaml"))
    told("bare kafka-python, poll and decode", n, min(timed(*me) for _ in range(rounds)))
    replayed = told("vigie replay, from the file", n, min(timed(*replay) for _ in range(rounds)))
    ran = told("vigie run, from the topic, into SQLite", n, min(_run(folder, broker, n, i) for i in range(rounds)))
    scored, watched = _stages(folder, broker, n)
    told("vigie worker score", n, scored)
    told("vigie worker watch, into PostgreSQL", n, watched)
    print(
        f"vigie run / vigie replay: {replayed.wall_s / ran.wall_s:.2f} on the clock, "
        f"{replayed.cpu_s / ran.cpu_s:.2f} by CPU seconds"
    )


def _run(folder: Path, broker: Broker, n: int, i: int) -> Took:
    """One process reads all of the topic into a database of its own."""
    inner = folder / f"run{i}"
    inner.mkdir()
    config = write_config(inner, broker.address)
    # a group of its own, so that nobody waits for the one before to be forgotten
    config.write_text(config.read_text().replace("topic_prefix", f"group_id: 'bench{i}', topic_prefix"))
    running = Running.start(inner, "run", "-c", str(config))
    try:
        running.wait_ready()
        position = Position(str(inner / "vigie.db"), "vigie.mentions")
        position.wait(n, [running])
        took = so_far(running)
        position.close()
    finally:
        running.stop()
    return took


def _stages(folder: Path, broker: Broker, n: int) -> tuple[Took, Took]:
    """A score worker and then a watch worker, each alone on the core."""
    inner = folder / "stages"
    inner.mkdir()
    with Postgres.started() as server:
        database = server.new_database()
        config = write_config(inner, broker.address, database=database)
        score = Running.start(inner, "worker", "score", "-c", str(config), name="score")
        try:
            scored = _scored(broker, score, n)
        finally:
            score.stop()
        watch = Running.start(inner, "worker", "watch", "-c", str(config), name="watch")
        try:
            watch.wait_ready()
            position = Position(database, "vigie.mentions")
            position.wait(n, [watch])
            watched = so_far(watch)
            position.close()
        finally:
            watch.stop()
    return scored, watched


def _scored(broker: Broker, running: Running, n: int) -> Took:
    """Until the group of score workers has committed all of the topic."""
    from kafka import KafkaAdminClient

    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    try:
        while True:
            running.alive()
            groups = admin.list_group_offsets({"vigie-score": None})
            offsets = groups.get("vigie-score", {})
            if sum(max(meta.offset, 0) for meta in offsets.values()) >= n:
                return so_far(running)
            time.sleep(0.2)
    finally:
        admin.close()


def latency(folder: Path, broker: Broker, rate: int, seconds: int) -> None:
    """Bursts on calm brands amid a steady stream; each tells how long its alert took."""
    inner = folder / "latency"
    inner.mkdir()
    arrived: dict[str, float] = {}
    with Receiver() as receiver:
        config = write_config(inner, broker.address, prefix="live.", brands=QUIET, webhook=receiver.url)
        make_topics(config)
        now_ms = time.time_ns() // 1_000_000
        past = _past(now_ms)
        n = produce(broker.address, "live.mentions", past)
        running = Running.start(inner, "run", "-c", str(config))
        try:
            running.wait_ready()
            position = Position(str(inner / "vigie.db"), "live.mentions")
            position.wait(n, [running])
            position.close()
            watching = threading.Event()
            listener = threading.Thread(target=_listen, args=(receiver, arrived, watching))
            listener.start()
            before = so_far(running)
            sent, done, behind_s = _stream(broker.address, rate, seconds)
            after = so_far(running)
            position = Position(str(inner / "vigie.db"), "live.mentions")
            lag = n + done - position.reached()
            position.close()
            time.sleep(5)
            watching.set()
            listener.join()
            stored = _stored(inner / "vigie.db")
        finally:
            running.stop()
    took = [arrived[brand] - at_s for brand, at_s in sent.items() if brand in arrived]
    print(f"{done:,} mentions in {seconds} s, {done / seconds:,.0f} a second; the producer was behind by at most "
          f"{behind_s:.2f} s")  # fmt: skip
    share = (after.cpu_s - before.cpu_s) / (after.wall_s - before.wall_s)
    print(f"the worker had {share:.0%} of its core, and {lag:,} mentions waited when the stream ended")
    if not took:
        raise SystemExit(f"no alert came:\n{running.log.read_text()[-2000:]}")
    print(
        f"from the first record of a burst to its alert: p50 {percentile(took, 0.5):.2f} s, "
        f"p95 {percentile(took, 0.95):.2f} s, longest {max(took):.2f} s; {len(took)} alerts of {len(sent)} bursts"
    )
    kept = [stored[brand] - at_s for brand, at_s in sent.items() if brand in stored]
    print(
        f"  of that until it stood in the store: p50 {percentile(kept, 0.5):.2f} s, p95 {percentile(kept, 0.95):.2f} s"
    )


def _stored(database: Path) -> dict[str, float]:
    """When the first alert of each brand was kept."""
    import sqlite3

    with sqlite3.connect(database) as connection:
        rows = connection.execute("SELECT brand, min(stored_at_ms) FROM outbox GROUP BY brand").fetchall()
    connection.close()
    return {brand: at_ms / 1000 for brand, at_ms in rows}


def _past(now_ms: int) -> list[bytes]:
    """Two calm weeks of the quiet brands, four mentions an hour each, and the streaming brands' last minutes."""
    usual = texts("calm")
    rows = []
    step_ms = DAY_MS // 96
    for k in range(14 * 96):
        at_ms = now_ms - 14 * DAY_MS + k * step_ms
        for b, brand in enumerate(QUIET):
            i = k * len(QUIET) + b
            rows.append(record(-i - 1, at_ms + b * 1000, brand, usual[(i * 7) % len(usual)]))
    return rows


def _stream(address: str, rate: int, seconds: int) -> tuple[dict[str, float], int, float]:
    """Steady calm at `rate`, and now and then a burst. Returns when each brand's burst began, and what was sent."""
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=address, acks="all", linger_ms=5, batch_size=65_536)
    usual, upset = texts("calm"), texts("storm")
    sent: dict[str, float] = {}
    started_s, n, behind_s = time.time(), 0, 0.0
    gap_s = (seconds - 10) / len(QUIET)
    while (elapsed_s := time.time() - started_s) < seconds:
        due = int(elapsed_s * rate) - n
        behind_s = max(behind_s, due / rate - 0.02)
        for _ in range(due):
            text = upset[n % len(upset)] if n % 5 == 0 else usual[n % len(usual)]
            at_ms = int(time.time() * 1000)
            producer.send(
                "live.mentions", value=record(n, at_ms, f"Marque {n % 20:02d}", text), partition=n % PARTITIONS
            )
            n += 1
        if len(sent) < len(QUIET) and elapsed_s > 5 + len(sent) * gap_s:
            brand = QUIET[len(sent)]
            sent[brand] = time.time()
            for j in range(BURST):
                value = record(
                    10_000_000 + len(sent) * 1_000 + j, int(time.time() * 1000), brand, upset[j % len(upset)]
                )
                producer.send("live.mentions", value=value, partition=j % PARTITIONS)
        time.sleep(0.01)
    producer.flush()
    producer.close()
    return sent, n + len(sent) * BURST, behind_s


def _listen(receiver: Receiver, arrived: dict[str, float], ended: threading.Event) -> None:
    """Note when the first alert of each brand came."""
    read = 0
    while not ended.is_set():
        with receiver.arrived:
            receiver.arrived.wait_for(lambda: len(receiver.received) > read, 0.2)  # noqa: B023
            fresh, read = receiver.received[read:], len(receiver.received)
        at_s = time.time()
        for received in fresh:
            brand = orjson.loads(received.body)["incident"]["brand"]
            arrived.setdefault(brand, at_s)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mentions", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rate", type=int, default=2_000)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("--only", choices=("throughput", "latency"))
    parser.add_argument("--bare", metavar="ADDRESS", help="poll and decode from there, and nothing else")
    options = parser.parse_args()
    if options.bare:
        bare(options.bare, "vigie.mentions", options.mentions)
        return
    os.sched_setaffinity(0, OTHER_CORES)  # the broker inherits it
    n = options.mentions
    print(f"{n:,} mentions, {PARTITIONS} partitions, Python {platform.python_version()}, {platform.machine()}, "
          f"one core for the worker, {len(OTHER_CORES)} for broker and producer")  # fmt: skip
    with tempfile.TemporaryDirectory() as name, Broker.started() as broker:
        if options.only != "latency":
            throughput(Path(name), broker, n, options.rounds)
        if options.only != "throughput":
            latency(Path(name), broker, options.rate, options.seconds)


if __name__ == "__main__":
    main()
