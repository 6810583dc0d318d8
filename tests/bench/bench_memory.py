"""What many brands cost a watch worker: memory, time, and a restart with all of them.

`python -m tests.bench.bench_memory [--brands N] [--mentions N] [--hours H] [--database URL]`. The real `WatchWorker`
with its engines, its store and its delivery; only the group of Kafka is a stand-in, which deals invented scored
mentions to twelve partitions. One process watches all mentions. A second one starts on what the first has stored, is
told of a storm on one brand, and stops at the first alert. Each brand has about ten mentions, at random times, each of
a text of its own; the brand of the storm has twenty an hour.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.domain.batch import Scored
from engine.domain.effects import AlertRaised
from engine.domain.mention import Mention
from ops.settings import load_settings
from ops.workers.watch import WatchWorker
from streams.kafka_group import Partition, Polled, Record, partition_name
from streams.scored import Came, encode_mention, partition_of

START_MS = 1_767_225_600_000
PARTITIONS = 12
BATCH = 2_048

STORMY = "Vélorine"
WORDS = (
    "commande", "livraison", "colis", "retard", "facture", "service", "client", "réponse", "magasin", "prix", "produit",
    "qualité", "attente", "appel", "conseiller", "remboursement", "échange", "garantie", "panne", "réseau", "compte",
    "application", "carte", "paiement", "promotion", "boutique", "article", "taille", "couleur", "modèle", "équipe",
    "accueil", "merci", "super", "bravo", "rapide", "simple", "efficace", "déçu", "content", "fidèle", "semaine",
    "matin", "soir", "hier", "demain", "toujours", "encore", "jamais", "souvent", "vraiment", "beaucoup",
)  # fmt: skip


class Tape:
    """Stands in for the group: all partitions are this worker's, and `records` come in turns of a poll's size."""

    rebalances = 0
    lag: Mapping[Partition, int] = {}

    def __init__(self, topic: str, turns: Iterator[list[Mention]], offsets: dict[str, Any]) -> None:
        self._topic, self._turns, self._offsets = topic, turns, offsets
        self._told = False
        self.now_ms = START_MS
        self.over = False

    def poll(self, _max_records: int, _timeout_s: float) -> Polled:
        if not self._told:
            self._told = True
            return Polled({}, frozenset((self._topic, n) for n in range(PARTITIONS)))
        mentions = next(self._turns, None)
        if mentions is None:
            self.over = True
            return Polled({})
        found: dict[Partition, list[Record]] = {}
        at = self._offsets
        for mention in mentions:
            self.now_ms = max(self.now_ms, mention.created_at_ms)
            number = partition_of(str(mention.brand), PARTITIONS)
            came = Came(partition_name("vigie.mentions", 0), at["lane"], at["after"].get(str(number)), at["reached_ms"])
            negative = bool(mention.sentiment and mention.sentiment < 0)
            scored = Scored((str(mention.brand),), 8_500 if negative else 900, "neg" if negative else "neu", "fr")
            offset = at["offset"].get(str(number), 0)
            found.setdefault((self._topic, number), []).append(Record(offset, encode_mention(came, mention, scored)))
            at["offset"][str(number)], at["after"][str(number)] = offset + 1, at["lane"]
            at["lane"], at["reached_ms"] = at["lane"] + 1, self.now_ms
        return Polled(found)

    def partition_counts(self, topics: Iterable[str]) -> dict[str, int]:
        return {topic: PARTITIONS if topic == self._topic else 1 for topic in topics}

    def place(self, _partition: Partition, _offset: int | None) -> None: ...
    def hold(self) -> None: ...
    def commit(self, _offsets: object) -> None: ...
    def idle(self) -> None: ...
    def leave(self) -> None: ...
    def close(self) -> None: ...


def mention_at(n: int, at_ms: int, brand: str, rng: random.Random, *, angry: bool) -> Mention:
    """One of an invented text of some ninety characters."""
    text = " ".join(rng.choices(WORDS, k=12))
    return Mention(
        str(n), "x" if n % 3 else "news", "mention", f"{text} {n}", at_ms, brand=brand, author_id=str(n % 400_000),
        lang="fr", sentiment=-0.7 if angry else 0.1,
    )  # fmt: skip


def calm(brands: int, mentions: int, hours: float) -> Iterator[list[Mention]]:
    """All of them in the order of time, a poll at a time."""
    rng = random.Random(1)
    step_ms, every = hours * 3_600_000 / mentions, max(1, int(mentions / hours / 20))
    for first in range(0, mentions, BATCH):
        turn = []
        for n in range(first, min(first + BATCH, mentions)):
            brand = STORMY if n % every == 0 else f"Marque {rng.randrange(brands)}"
            turn.append(mention_at(n, START_MS + int(n * step_ms), brand, rng, angry=rng.random() < 0.12))
        yield turn


def storm(brands: int, after_ms: int, first: int) -> Iterator[list[Mention]]:
    """Forty angry mentions of one brand a minute among those of others, a second of event time with each poll."""
    rng, n = random.Random(2), first
    for second in range(1, 7_200):
        turn = []
        for k in range(12):
            brand = STORMY if k % 3 else f"Marque {rng.randrange(brands)}"
            turn.append(mention_at(n, after_ms + second * 5_000 + k, brand, rng, angry=brand == STORMY))
            n += 1
        yield turn


def worker_of(folder: Path) -> WatchWorker:
    settings = load_settings(folder / "vigie.yaml", {})
    return WatchWorker(settings, lambda: START_MS, "bench")


def play(worker: WatchWorker, tape: Tape, *, until_alert: bool) -> float:
    """Run until the tape is over, or an alert is stored. The time of that."""
    worker._group = tape  # type: ignore[assignment]
    worker._clock_ms = lambda: tape.now_ms
    found_at = 0.0
    stored = worker._stored

    def storing(steps: Any) -> bool:
        nonlocal found_at
        done = stored(steps)
        if until_alert and any(isinstance(e, AlertRaised) for effects in steps.values() for e in effects):
            found_at = time.time()
            worker.stop()
        return done

    turn = worker._turn

    def turning() -> None:
        turn()
        if tape.over:
            worker.stop()

    worker._stored, worker._turn = storing, turning  # type: ignore[method-assign]
    worker.run(lambda _text: None)
    return found_at


def child(role: str, folder: Path, brands: int, mentions: int, hours: float, started: float) -> None:
    """One of the two processes; its last line is what it measured."""
    worker, kept = worker_of(folder), folder / "offsets.json"
    topic = worker._topic
    if role == "watch":
        tape = Tape(topic, calm(brands, mentions, hours), {"lane": 0, "after": {}, "offset": {}, "reached_ms": 0})
        play(worker, tape, until_alert=False)
        kept.write_text(json.dumps(tape._offsets), encoding="utf-8")
        alert_s = 0.0
    else:
        offsets = json.loads(kept.read_text(encoding="utf-8")) | {"after": {}}
        tape = Tape(topic, storm(brands, offsets["reached_ms"], mentions), offsets)
        alert_s = play(worker, tape, until_alert=True) - started
    usage = resource.getrusage(resource.RUSAGE_SELF)
    said = {"peak_mb": usage.ru_maxrss / 1000, "cpu_s": usage.ru_utime + usage.ru_stime, "alert_s": alert_s,
            "wall_s": time.time() - started, "at": [partition_name(topic, 0), tape._offsets["reached_ms"]]}  # fmt: skip
    print(json.dumps(said))


def run(role: str, folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    command = [
        sys.executable, "-m", "tests.bench.bench_memory", "--role", role, "--folder", str(folder),
        "--brands", str(options.brands), "--mentions", str(options.mentions), "--hours", str(options.hours),
        "--started", str(time.time()),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=dict(os.environ))
    if done.returncode:
        raise SystemExit(done.stderr[-4_000:])
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brands", type=int, default=100_000)
    parser.add_argument("--mentions", type=int, default=1_000_000)
    parser.add_argument("--hours", type=float, default=30.0, help="of event time that the mentions are spread over")
    parser.add_argument("--database", default="", help="PostgreSQL, empty; without it SQLite in a temporary folder")
    parser.add_argument("--role", choices=("watch", "restart"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--started", type=float, default=0.0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.role:
        child(options.role, options.folder, options.brands, options.mentions, options.hours, options.started)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = options.database or str(folder / "vigie.db")
        (folder / "vigie.yaml").write_text(
            f"lang: fr\ndatabase: {json.dumps(database)}\nsources:\n  kafka: {{bootstrap_servers: ['127.0.0.1:1']}}\n"
        )
        watched = run("watch", folder, options)
        per_brand = 1_000 * watched["peak_mb"] / options.brands
        print(f"{options.brands:,} brands, {options.mentions:,} mentions within {options.hours:g} hours of event time:")
        print(f"  watched: {watched['peak_mb']:,.0f} MB at most, {per_brand:.1f} kB a brand with all else, ", end="")
        print(f"{watched['cpu_s']:,.0f} s of CPU, {watched['wall_s']:,.0f} s on the clock", flush=True)
        stored = sum(f.stat().st_size for f in folder.glob("vigie.db*")) / 1e6
        again = run("restart", folder, options)
        print(f"  started again: the first alert of a storm after {again['alert_s']:.1f} s, ", end="")
        print(f"{again['cpu_s']:.1f} s of CPU, {again['peak_mb']:,.0f} MB at most; the database has {stored:,.0f} MB")


if __name__ == "__main__":
    main()
