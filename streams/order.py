"""Time order for a replay, in bounded memory: an index of times and offsets is sorted, never the mentions themselves.

Exports often come newest first; a series in event time would then see nothing but late mentions. So a file is looked
through once: if no mention is further behind the newest one before it than the lateness bound, it is read as it lies.
If one is, the index (16 bytes a line, a third array while it is sorted) is ordered by time, ties as they lie, and
lines are served by offset: from the file itself if they are plain JSON lines, else from a spool on disk.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator
from typing import IO

import numpy as np
import numpy.typing as npt
import orjson

from engine.domain.batch import Reject
from engine.domain.errors import InputError, MentionError
from engine.domain.mention import Mention
from streams.decode import RECORD_BYTES_MAX, DecodedMany, decode, decode_many, parse_created_at_ms
from streams.lines import BOM, LineReader
from streams.readers import Chunk, Reader

SORTED_MAX = 10_000_000
"""More records than this are served only if they lie in order already."""
_CHUNK = 1_000
_READ_BYTES_MAX = RECORD_BYTES_MAX + 1
_CREATED_AT = re.compile(rb'"created_at"\s*:\s*"([^"\\]{1,40})"')

DecodeRun = Callable[[Iterable[bytes], Callable[[int], str]], DecodedMany]


class TimeIndex:
    """Times and offsets of records in the order they lie, and how far the order of time is from that."""

    def __init__(self) -> None:
        self.times_ms: array[int] = array("q")
        self.offsets: array[int] = array("q")
        self.newest_ms = 0
        self.disorder_ms = 0
        self.overfull = False

    def add(self, time_ms: int | None, offset: int) -> None:
        """One record; without a time of its own it stays beside the one before it."""
        if time_ms is None:
            time_ms = self.newest_ms
        elif time_ms >= self.newest_ms:
            self.newest_ms = time_ms
        else:
            self.disorder_ms = max(self.disorder_ms, self.newest_ms - time_ms)
        if len(self.times_ms) < SORTED_MAX:
            self.times_ms.append(time_ms)
            self.offsets.append(offset)
        else:
            self.overfull = True

    def order(self, path: str) -> npt.NDArray[np.int64]:
        """Ranks to indices, stable. Raises `InputError` over the limit."""
        if self.overfull:
            raise InputError(
                f"{path} is out of time order and holds over {SORTED_MAX:,} records: sort it by date first"
            )
        return np.argsort(np.frombuffer(self.times_ms, dtype=np.int64), kind="stable")


def index_json_lines(lines: LineReader) -> TimeIndex:
    """Look through plain JSON lines, blank ones included, without decoding most of them."""
    index = TimeIndex()
    add, next_line = index.add, lines.next_line
    while True:
        offset = lines.offset
        raw = next_line()
        if not raw:
            return index
        add(_time_of(raw), offset)


def disorder_of(reader: Reader) -> int:
    """How far, in ms, any mention of a reader is behind the newest one before it."""
    newest_ms = disorder_ms = 0
    while True:
        chunk = reader.read(_CHUNK)
        for mention in chunk.mentions:
            newest_ms = max(newest_ms, mention.created_at_ms)
            disorder_ms = max(disorder_ms, newest_ms - mention.created_at_ms)
        if chunk.end:
            return disorder_ms


def spool(reader: Reader) -> tuple[TimeIndex, IO[bytes]]:
    """Everything that a reader gives into an unnamed file on disk, with its index.

    Raises `InputError` if there is no room for it.
    """
    file = tempfile.TemporaryFile("w+b", prefix="vigie-")  # noqa: SIM115 (the ranked reader closes it)
    try:
        return _spooled(reader, file), file
    except OSError as error:
        with contextlib.suppress(OSError):  # closing writes what is left, for which there is no room either
            file.close()
        raise no_room(error) from None


def no_room(error: OSError) -> InputError:
    """A copy on disk could not be written: say where it was to go."""
    return InputError(
        f"a copy in {tempfile.gettempdir()} can't be written ({error.strerror or error}): make room, or set TMPDIR"
    )


def _spooled(reader: Reader, file: IO[bytes]) -> TimeIndex:
    index = TimeIndex()
    offset = 0
    while True:
        chunk = reader.read(_CHUNK)
        records: list[tuple[int | None, bytes]] = [
            (mention.created_at_ms, orjson.dumps([1, *mention])) for mention in chunk.mentions
        ]
        records += [
            (None, orjson.dumps([0, item.position, item.field, item.reason, item.raw.decode("latin-1")]))
            for item in chunk.rejects
        ]
        # Counts have no place of their own in time: they ride with the chunk's end.
        records.append((None, orjson.dumps([2, chunk.unknown_fields, chunk.truncated])))
        for time_ms, record in records:
            file.write(record + b"\n")
            index.add(time_ms, offset)
            offset += len(record) + 1
        if chunk.end:
            file.flush()
            return index


class RankedReader:
    """Records in time order, read by offset. Its position is "@rank": the number of records served."""

    def __init__(self, path: str, index: TimeIndex, file: IO[bytes], decode_run: DecodeRun = decode_many) -> None:
        self._order = index.order(path)
        index.offsets.append(os.fstat(file.fileno()).st_size)
        self._offsets = np.frombuffer(index.offsets, dtype=np.int64)
        self._file = file
        self._decode_run = decode_run
        self._rank = 0

    @property
    def progress(self) -> float:
        """The share that was served."""
        return self._rank / max(len(self._order), 1)

    def skip_to(self, position: str) -> None:
        """Go to a stored position."""
        if not position.startswith("@") or not position[1:].isdigit():
            raise InputError(f"stored position {position!r} is not one of a sorted file: start over without it")
        self._rank = min(int(position[1:]), len(self._order))

    def read(self, count_max: int) -> Chunk:
        """See `streams.readers.Reader`."""
        upto = min(self._rank + count_max, len(self._order))
        picked = self._order[self._rank : upto]
        numbers: list[int] = []
        many = self._decode_run(self._lines(picked, numbers), lambda i: f"line {numbers[i]}")
        self._rank = upto
        return Chunk(*many, f"@{upto}", upto == len(self._order))

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _lines(self, picked: npt.NDArray[np.int64], numbers: list[int]) -> Iterator[bytes]:
        descriptor = self._file.fileno()
        starts, ends = self._offsets[picked].tolist(), self._offsets[picked + 1].tolist()
        for i, start, end in zip(picked.tolist(), starts, ends, strict=True):
            raw = os.pread(descriptor, min(end - start, _READ_BYTES_MAX), start)
            if i == 0:
                raw = raw.removeprefix(BOM)
            if raw and not raw.isspace():
                numbers.append(i + 1)
                yield raw


def unspool(lines: Iterable[bytes], where: Callable[[int], str]) -> DecodedMany:
    """Back from a spool."""
    mentions: list[Mention] = []
    rejects: list[Reject] = []
    unknown_fields = truncated = 0
    for raw in lines:
        tag, *values = orjson.loads(raw)
        if tag == 1:
            mentions.append(Mention(*values))
        elif tag == 0:
            position, field, reason, kept = values
            rejects.append(Reject(position, field, reason, kept.encode("latin-1")))
        else:
            unknown_fields += values[0]
            truncated += values[1]
    return DecodedMany(mentions, rejects, unknown_fields, truncated)


def _time_of(raw: bytes) -> int | None:
    """When a line says it was written; None if it will be refused. Decoded only if `created_at` stands there twice."""
    try:
        if raw.count(b'"created_at"') == 1 and (found := _CREATED_AT.search(raw)):
            return parse_created_at_ms(found[1].decode())
        return decode(raw).mention.created_at_ms
    except (MentionError, UnicodeDecodeError):
        return None
