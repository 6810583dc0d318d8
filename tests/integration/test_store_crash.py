"""kill -9 in the middle of a step leaves all of it or nothing, and what the inbox said yes to is there."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

from engine.domain.batch import Cursor
from ops.store import Store

ROOT = Path(__file__).resolve().parents[2]

STEPS = """
import sys
from engine.domain.batch import Cursor, Reject
from engine.domain.effects import Counted, CursorMoved, DeadLettered, StateSaved
from ops.store import Store

store = Store.open(sys.argv[1])
positions = store.take(["inbox"])
n = int(positions["inbox"].get("0", "0"))
while True:
    n += 1
    store.apply(
        [StateSaved(f"series/{i}", {"n": n, "pad": "x" * 5_000}) for i in range(20)]
        + [DeadLettered(Reject(str(n), "", "no JSON", b"{")), Counted("steps", (), 1)]
        + [CursorMoved(Cursor("inbox", "0", str(n)))]
    )
    print(n, flush=True)
"""

APPENDS = """
import sys, threading
from ops.store import Store

store = Store.open(sys.argv[1])
turn = threading.Lock()

def append(worker):
    n = 0
    while True:
        n += 1
        store.inbox.append([f"{worker}/{n}".encode()])
        with turn:
            print(f"{worker}/{n}", flush=True)

for worker in range(4):
    threading.Thread(target=append, args=(worker,)).start()
"""


def kill_after(script: str, place: str, lines: int) -> list[str]:
    """Run the script, kill it -9 once it has said that many lines, return all that it said."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, place], stdout=subprocess.PIPE, text=True, cwd=ROOT, bufsize=1
    )
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(lines)]
    os.kill(process.pid, signal.SIGKILL)
    said += process.stdout.read().split()
    process.wait()
    process.stdout.close()
    return said


def test_a_killed_step_is_whole_or_absent(place: str) -> None:
    for lines in (1, 7, 20, 33):
        said = int(kill_after(STEPS, place, lines)[-1])
        with Store.open(place) as store:
            (cursor,) = store.positions()
            n = int(cursor.position)
            assert n in (said, said + 1)  # a step may have been kept without having said so
            assert cursor == Cursor("inbox", "0", str(n))
            state = store.load_state()
            assert {part["n"] for part in state.values()} == {n}
            assert len(state) == 20
            assert store.counters() == {("steps", ()): float(n)}
            assert [letter.position for letter in store.dead_letters()] == [str(i) for i in range(1, n + 1)]
    if "://" not in place:
        with sqlite3.connect(place) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        connection.close()


def test_what_the_inbox_accepted_survives(place: str) -> None:
    said = kill_after(APPENDS, place, 200)
    with Store.open(place) as store:
        kept = [row.raw.decode() for row in store.inbox.read(0, 1_000_000)]
    assert set(said) <= set(kept)
    assert len(kept) == len(set(kept))
