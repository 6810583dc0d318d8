"""The contract of a source as checks over a rig, and rigs for the sources that need nothing but a folder.

A rig fills something (a file, a topic, an inbox) and makes sources that read it. `None` among what is put is poison.
"""

from __future__ import annotations

import gzip
import io
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import orjson

from engine.domain.batch import Batch
from engine.domain.errors import TransientError
from engine.ports.source import Source
from streams.files import FileParams, FileSource
from streams.follow import FollowedFileSource, FollowParams, StdinSource
from streams.inbox import InboxSource

ITEMS: list[int | None] = [0, 1, None, 2, 3, 4, None, None, 5, 6]
IDS = [item for item in ITEMS if item is not None]
POISON = ITEMS.count(None)
POLLS_MAX = 400
START = 1_772_615_700


def record(i: int, **more: object) -> bytes:
    fields = {"id": str(i), "source": "forum", "text": f"Colis {i} égaré", "created_at": stamp(i)}
    return orjson.dumps({**fields, **more})


def stamp(i: int) -> str:
    return datetime.fromtimestamp(START + i, UTC).isoformat().replace("+00:00", "Z")


class Rig(Protocol):
    resumable: bool
    """Whether a new source goes on after a stored position."""

    def put(self, items: Sequence[int | None]) -> None: ...

    def make(self) -> Source: ...


class MemoryInbox:
    """The inbox without a disk; full above `rows_max`."""

    def __init__(self, rows_max: int = 10**6) -> None:
        self.rows: list[tuple[int, int, bytes]] = []
        self.rows_max = rows_max
        self._seq = 0

    def append(self, records: Sequence[bytes]) -> None:
        if len(self.rows) + len(records) > self.rows_max:
            raise TransientError("inbox: full; send again later")
        for raw in records:
            self._seq += 1
            self.rows.append((self._seq, 0, raw))

    def read(self, after: int, limit: int) -> list[tuple[int, int, bytes]]:
        return [row for row in self.rows if row[0] > after][:limit]

    def trim(self, upto: int) -> None:
        self.rows = [row for row in self.rows if row[0] > upto]


class FileRig:
    resumable = True

    def __init__(self, folder: Path, write: Callable[[Path, Sequence[int | None]], None], order: bool | None) -> None:
        self._path, self._write, self._order = folder / "mentions", write, order
        self._write(self._path, [])

    def put(self, items: Sequence[int | None]) -> None:
        self._write(self._path, items)

    def make(self) -> Source:
        return FileSource(FileParams(str(self._path), order=self._order))


def write_ndjson(path: Path, items: Sequence[int | None]) -> None:
    # Blank lines, a byte order mark and a last line without an end are all in order.
    path.write_bytes(b"\xef\xbb\xbf" * bool(items) + b"\n\n".join(_lines(items)))


def write_gzip(path: Path, items: Sequence[int | None]) -> None:
    with gzip.open(path, "wb") as file:
        file.write(b"\n".join(_lines(items)))


def write_backwards(path: Path, items: Sequence[int | None]) -> None:
    path.write_bytes(b"".join(line + b"\n" for line in reversed(_lines(items))))


def write_gzip_backwards(path: Path, items: Sequence[int | None]) -> None:
    with gzip.open(path, "wb") as file:
        file.write(b"".join(line + b"\n" for line in reversed(_lines(items))))


def write_csv(path: Path, items: Sequence[int | None]) -> None:
    rows = ["id;text;created_at"]
    rows += [f'"{i}";"Colis ; {i}\négaré";{stamp(i)}' if i is not None else "x;Perdu;hier" for i in items]
    path.write_text("\r\n".join(rows), encoding="utf-8-sig")


class PipedFileRig:
    """`vigie replay -`: the same bytes come down the pipe again."""

    resumable = True

    def __init__(self, folder: Path) -> None:
        self._bytes = b""

    def put(self, items: Sequence[int | None]) -> None:
        self._bytes = b"\n".join(_lines(items))

    def make(self) -> Source:
        return FileSource(FileParams("-"), stdin=io.BytesIO(self._bytes))


class FollowRig:
    resumable = True

    def __init__(self, folder: Path) -> None:
        self._path = folder / "live.ndjson"

    def put(self, items: Sequence[int | None]) -> None:
        with self._path.open("ab") as file:
            file.writelines(line + b"\n" for line in _lines(items))

    def make(self) -> Source:
        return FollowedFileSource(FollowParams(str(self._path)))


class StdinRig:
    resumable = False

    def __init__(self, folder: Path) -> None:
        self._items: Sequence[int | None] = []

    def put(self, items: Sequence[int | None]) -> None:
        self._items = items

    def make(self) -> Source:
        reading, writing = os.pipe()
        os.write(writing, b"\n".join(_lines(self._items)))
        os.close(writing)
        return StdinSource(descriptor=reading)


class InboxRig:
    resumable = True

    def __init__(self, folder: Path) -> None:
        self._inbox = MemoryInbox()

    def put(self, items: Sequence[int | None]) -> None:
        self._inbox.append(_lines(items))

    def make(self) -> Source:
        return InboxSource(self._inbox)


RIGS: dict[str, Callable[[Path], Rig]] = {
    "ndjson": lambda folder: FileRig(folder, write_ndjson, None),
    "ndjson as it lies": lambda folder: FileRig(folder, write_ndjson, False),
    "ndjson newest first": lambda folder: FileRig(folder, write_backwards, None),
    "gzip": lambda folder: FileRig(folder, write_gzip, None),
    "gzip newest first": lambda folder: FileRig(folder, write_gzip_backwards, None),
    "csv": lambda folder: FileRig(folder, write_csv, None),
    "piped file": PipedFileRig,
    "follow": FollowRig,
    "stdin": StdinRig,
    "inbox": InboxRig,
}


def check_everything_once_however_it_is_cut(rig: Rig) -> None:
    rig.put(ITEMS)
    for size in (1, 2, 3, 1000):
        batches = drained(rig.make(), len(ITEMS), size)
        assert sorted(ids(batches)) == IDS
        assert rejects(batches) == POISON
        assert all(len(b.mentions) + len(b.rejects) <= size for b in batches)


def check_rejects_say_where_and_why(rig: Rig) -> None:
    rig.put(ITEMS)
    source = rig.make()
    found = [r for b in drained(source, len(ITEMS), 1000) for r in b.rejects]
    assert all(r.position and r.reason and r.raw and len(r.raw) <= 1000 for r in found)
    assert len({r.position for r in found}) == POISON


def check_resumes_after_any_position(rig: Rig) -> None:
    rig.put(ITEMS)
    for polls in range(1, len(ITEMS) + 1):
        source = rig.make()
        source.seek({})
        first: list[Batch] = []
        for _ in range(POLLS_MAX):
            first.append(source.poll(1, 0.2))
            if records(first) >= polls or first[-1].end:
                break
        source.close()
        cursors = [c for b in first for c in b.cursors]
        assert all(c.source == source.name for c in cursors)
        rest = rig.make()
        if rig.resumable:
            rest.seek({c.partition: c.position for c in cursors})
            batches = first + drained(rest, len(ITEMS) - records(first), 2)
        else:
            rest.seek({"0": "7"})  # of no effect, and no harm
            batches = drained(rest, len(ITEMS), 2)
        assert sorted(ids(batches)) == IDS
        assert rejects(batches) == POISON


def check_silence_is_an_empty_batch(rig: Rig) -> None:
    source = rig.make()
    batch = source.poll(10, 0.05)
    assert (batch.mentions, batch.rejects) == ((), ())
    source.committed(())
    source.close()


def check_close_twice_and_unused(rig: Rig) -> None:
    rig.put(ITEMS)
    source = rig.make()
    source.poll(1, 0.05)
    source.close()
    source.close()
    rig.make().close()


def check_committed_loses_nothing(rig: Rig) -> None:
    """Telling the source after every batch, as the loop does."""
    rig.put(ITEMS)
    source = rig.make()
    batches: list[Batch] = []
    for _ in range(POLLS_MAX):
        batches.append(source.poll(2, 0.2))
        source.committed(batches[-1].cursors)
        if records(batches) >= len(ITEMS) or batches[-1].end:
            break
    source.close()
    assert sorted(ids(batches)) == IDS


CHECKS: tuple[Callable[[Rig], None], ...] = (
    check_everything_once_however_it_is_cut,
    check_rejects_say_where_and_why,
    check_resumes_after_any_position,
    check_silence_is_an_empty_batch,
    check_close_twice_and_unused,
    check_committed_loses_nothing,
)


def drained(source: Source, count: int, size: int) -> list[Batch]:
    """Poll until so many records came, and once more: nothing may follow."""
    batches: list[Batch] = []
    for _ in range(POLLS_MAX):
        if records(batches) >= count:
            break
        batches.append(source.poll(size, 0.2))
        if batches[-1].end:
            break
    batches.append(source.poll(size, 0.0))
    source.close()
    return batches


def ids(batches: Sequence[Batch]) -> list[int]:
    return [int(m.id) for b in batches for m in b.mentions]


def rejects(batches: Sequence[Batch]) -> int:
    return sum(len(b.rejects) for b in batches)


def records(batches: Sequence[Batch]) -> int:
    return len(ids(batches)) + rejects(batches)


def _lines(items: Sequence[int | None]) -> list[bytes]:
    return [b'{"id": "x", "created_at": tomorrow}' if item is None else record(item) for item in items]
