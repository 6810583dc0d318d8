"""Lines that are still being written: a file that grows and is rotated (like `tail -F`), and standard input."""

from __future__ import annotations

import io
import os
import re
import select
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from engine.domain.batch import Batch, Cursor
from engine.domain.errors import InputError
from streams.decode import RECORD_BYTES_MAX, DecodedMany, decode_many

LOOK_AGAIN_S = 0.1
_READ_BYTES = 65_536
_ROTATED = re.compile(r"[.-]\d[\dT:._-]*")


@dataclass(frozen=True, slots=True)
class FollowParams:
    """The file to follow. It may appear later."""

    path: str
    name: str = "follow"


class FollowedFileSource:
    """A file of JSON lines that grows. A last line without its end waits for the rest.

    When another file takes its name (rotation), what was left of the old one is read first, a last line without end
    included; a file that became shorter (truncation) is read from its start. The position is "inode:offset:line": after
    a restart it goes on in the rotated file if that is still there under a name with a number or a date
    ("log.ndjson.1"). What can't be told from the outside: a file truncated and filled past the old length meanwhile.

    Raises `InputError` at a poll if the path can't be read.
    """

    def __init__(self, params: FollowParams) -> None:
        self.name = params.name
        self._path = params.path
        self._tail: _Tail | None = None
        self._resume: tuple[int, int, int] | None = None
        self._closing = threading.Event()

    def seek(self, positions: Mapping[str, str]) -> None:
        """See `engine.ports.source.Source`. Raises `InputError` for a position of another kind."""
        position = positions.get(self._path)
        if position is None:
            return
        try:
            inode, offset, number = (int(part) for part in position.split(":"))
        except ValueError:
            raise InputError(f"stored position {position!r} is not one of a followed file") from None
        self._resume = (inode, offset, number)

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        """At most so many lines; waits for the first no longer than `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        while not self._closing.is_set():
            if self._tail is None:
                self._tail = self._first()
            tail = self._tail
            if tail is not None:
                batch = self._read(tail, max_mentions)
                if batch is not None:
                    return batch
                if self._moved_on(tail):
                    continue
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                break
            self._closing.wait(min(left_s, LOOK_AGAIN_S))
        return Batch(live=True)

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """Nothing to tell: the store alone remembers."""

    def close(self) -> None:
        """End a waiting poll and close the file; twice is fine."""
        self._closing.set()
        if self._tail is not None:
            self._tail.close()
            self._tail = None

    def _read(self, tail: _Tail, count_max: int) -> Batch | None:
        many = decode_many(tail.lines(count_max), lambda _: f"line {tail.number}")
        if not many.mentions and not many.rejects:
            return None
        return _batch(many, (Cursor(self.name, self._path, tail.position),))

    def _first(self) -> _Tail | None:
        """The file to begin with: where the stored position is, else the path itself."""
        if self._resume is None:
            return self._opened(self._path)
        inode, offset, number = self._resume
        for path in (self._path, *self._rotated()):
            tail = self._opened(path)
            if tail is not None and tail.inode == inode:
                tail.go_to(offset, number)
                return tail
            if tail is not None:
                tail.close()
        return self._opened(self._path)

    def _moved_on(self, tail: _Tail) -> bool:
        """At the end of what is there: whether the next poll has another file, or the same one anew, before it."""
        if tail.finished:
            following = self._following(tail)
            if following is None:
                return False
            tail.close()
            self._tail = following
            return True
        if tail.shrunk:
            tail.close()
            self._tail = self._opened(self._path)
            return self._tail is not None
        try:
            if os.stat(self._path).st_ino == tail.inode:
                return False
        except FileNotFoundError:
            return False
        tail.finished = True  # one more look at it: the writer may have ended it after our last read
        return True

    def _following(self, tail: _Tail) -> _Tail | None:
        """The file after a rotated one: the oldest rotated later, else the path itself."""
        ended_ns = os.fstat(tail.descriptor).st_mtime_ns
        later = [(os.stat(path).st_mtime_ns, path) for path in self._rotated()]
        for mtime_ns, path in sorted(later):
            if mtime_ns > ended_ns:
                found = self._opened(path)
                if found is not None and found.inode != tail.inode:
                    return found
        return self._opened(self._path)

    def _rotated(self) -> list[str]:
        """Other names that the file was given: with a number or a date behind."""
        folder, base = os.path.split(os.path.abspath(self._path))
        try:
            names = os.listdir(folder)
        except OSError:
            return []
        return [
            os.path.join(folder, name)
            for name in names
            if name.startswith(base) and _ROTATED.fullmatch(name[len(base) :])
        ]

    def _opened(self, path: str) -> _Tail | None:
        try:
            return _Tail(path)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise InputError(f"{path}: can't be followed ({error.strerror or error})") from None


class _Tail:
    """One open file that may grow."""

    def __init__(self, path: str) -> None:
        self._file = io.BufferedReader(io.FileIO(path, "rb"), _READ_BYTES)
        self.descriptor = self._file.fileno()
        self.inode = os.fstat(self.descriptor).st_ino
        self.finished = False
        self._go(0, 0)

    @property
    def position(self) -> str:
        return f"{self.inode}:{self._offset}:{self.number}"

    @property
    def shrunk(self) -> bool:
        """Whether it is shorter than what was read of it."""
        return os.fstat(self.descriptor).st_size < self._offset

    def go_to(self, offset: int, number: int) -> None:
        """Go to a stored position; to the start if the file is shorter than that."""
        if os.fstat(self.descriptor).st_size >= offset:
            self._go(offset, number)

    def _go(self, offset: int, number: int) -> None:
        self._offset, self.number = offset, number
        self._scanned = offset
        self._file.seek(offset)

    def lines(self, count_max: int) -> Iterator[bytes]:
        """At most so many whole lines that are not blank."""
        count = 0
        while count < count_max:
            raw = self._file.readline(RECORD_BYTES_MAX + 1)
            end = self._offset + len(raw)
            if len(raw) > RECORD_BYTES_MAX and not raw.endswith(b"\n"):
                end = self._end_of_long_line(end)
            elif not raw.endswith(b"\n") and not (self.finished and raw):
                end = -1
            if end < 0:
                self._file.seek(self._offset)  # it is not whole yet: read it again when more is there
                return
            self._go(end, self.number + 1) if end != self._offset + len(raw) else self._step(end)
            if not raw.isspace():
                count += 1
                yield raw

    def close(self) -> None:
        self._file.close()

    def _step(self, end: int) -> None:
        self._offset = end
        self.number += 1

    def _end_of_long_line(self, offset: int) -> int:
        """Where a line over the limit ends, -1 if not yet. What was looked through is remembered, not kept."""
        offset = max(offset, self._scanned)
        self._file.seek(offset)
        while part := self._file.readline(_READ_BYTES):
            offset += len(part)
            if part.endswith(b"\n"):
                return offset
        self._scanned = offset
        return offset if self.finished else -1


class StdinSource:
    """Lines of standard input as they come; its end is the end of the source.

    A pipe can't be read again: `seek` is of no effect, a restarted service reads what the new pipe brings, and a
    mention sent twice is dropped by its id.
    """

    def __init__(self, name: str = "stdin", descriptor: int | None = None) -> None:
        self.name = name
        self._descriptor = descriptor
        self._ready: deque[bytes] = deque()
        self._pending = bytearray()
        self._eof = False
        self._number = 0

    def seek(self, positions: Mapping[str, str]) -> None:
        """A pipe has no positions."""

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        """At most so many lines; waits for the first no longer than `timeout_s`."""
        deadline_s = time.monotonic() + timeout_s
        while not self._ready and not self._eof:
            self._fill(max(deadline_s - time.monotonic(), 0.0))
            if time.monotonic() >= deadline_s:
                break
        many = decode_many(self._take(max_mentions), lambda _: f"line {self._number}")
        return _batch(many, (), end=self._eof and not self._ready)

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """Nothing to tell."""

    def close(self) -> None:
        """Stop reading; standard input itself is left alone."""
        self._eof = True
        self._ready.clear()

    def _take(self, count_max: int) -> Iterator[bytes]:
        for _ in range(min(count_max, len(self._ready))):
            raw = self._ready.popleft()
            self._number += 1
            if raw and not raw.isspace():
                yield raw

    def _fill(self, wait_s: float) -> None:
        """Read once, if anything comes in time, and cut it into lines."""
        descriptor = sys.stdin.fileno() if self._descriptor is None else self._descriptor
        if not select.select([descriptor], [], [], wait_s)[0]:
            return
        data = os.read(descriptor, _READ_BYTES)
        if not data:
            self._eof = True
            if self._pending:
                self._ready.append(bytes(self._pending))
                self._pending.clear()
            return
        *whole, rest = data.split(b"\n")
        for part in whole:
            self._grow(part)
            self._ready.append(bytes(self._pending))
            self._pending.clear()
        self._grow(rest)

    def _grow(self, part: bytes) -> None:
        """Add to the line in the making, but never beyond one byte above the limit: there it is refused anyway."""
        self._pending += part[: RECORD_BYTES_MAX + 1 - len(self._pending)]


def _batch(many: DecodedMany, cursors: tuple[Cursor, ...], *, end: bool = False) -> Batch:
    return Batch(
        mentions=tuple(many.mentions),
        rejects=tuple(many.rejects),
        cursors=cursors,
        unknown_fields=many.unknown_fields,
        truncated=many.truncated,
        live=True,
        end=end,
    )
