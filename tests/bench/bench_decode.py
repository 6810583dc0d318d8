"""How fast records become mentions on one core: `python tests/bench/bench_decode.py`."""

from __future__ import annotations

import csv
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import orjson

from streams.decode import decode_many
from streams.files import FileParams, FileSource

COUNT = 50_000
ROUNDS = 5


def typical(i: int) -> dict[str, object]:
    return {
        "id": f"x-{i}",
        "source": "x",
        "kind": "comment",
        "text": f"Encore une panne ce matin, impossible de me connecter à l'appli… colis {i}, merci Nordalia 😡",
        "created_at": f"2026-03-04T{i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}Z",
        "brand": "Nordalia",
        "lang": "fr",
    }


def full(i: int) -> dict[str, object]:
    return {
        **typical(i),
        "author": {"id": f"u{i % 977}", "name": "Camille", "followers": 1200, "verified": False},
        "url": f"https://reseau.example/p/{i}",
        "thread_id": "t1",
        "engagement": {"likes": 1, "shares": 2, "replies": 0, "views": 1500},
    }


def best(run: Callable[[], int]) -> float:
    """The best rate of some rounds, in processor time: the machine may have other work."""
    rates = []
    for _ in range(ROUNDS):
        start_s = time.process_time()
        count = run()
        rates.append(count / (time.process_time() - start_s))
    return max(rates)


def from_file(path: Path, **params: object) -> int:
    source = FileSource(FileParams(str(path), **params))  # type: ignore[arg-type]
    count = 0
    while True:
        batch = source.poll(1000, 0)
        count += len(batch.mentions)
        if batch.end:
            source.close()
            return count


def main() -> None:
    for name, make in (("7 fields", typical), ("15 fields", full)):
        lines = [orjson.dumps(make(i)) for i in range(COUNT)]
        escaped = [orjson.dumps({**make(i), "text": f'Il a dit "{i}"\nnon'}) for i in range(COUNT)]
        print(f"decode, {name:<9}            {best(lambda: len(decode_many(lines, str).mentions)):>9,.0f} mentions/s")  # noqa: B023
        print(f"decode, {name:<9} escaped    {best(lambda: len(decode_many(escaped, str).mentions)):>9,.0f} mentions/s")  # noqa: B023
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mentions.ndjson")
        path.write_bytes(b"\n".join(lines))
        print(f"file, as it lies             {best(lambda: from_file(path, order=False)):>9,.0f} mentions/s")
        print(f"file, looked through first   {best(lambda: from_file(path)):>9,.0f} mentions/s")
        path.write_bytes(b"\n".join(reversed(lines)))
        print(f"file, newest first, sorted   {best(lambda: from_file(path)):>9,.0f} mentions/s")
        table = Path(folder, "mentions.csv")
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(typical(0))
            writer.writerows(typical(i).values() for i in range(COUNT))
        print(f"table, as it lies            {best(lambda: from_file(table, order=False)):>9,.0f} mentions/s")


if __name__ == "__main__":
    main()
