"""Bytes of a file or a pipe to lines: gzip told by its magic bytes, memory bounded by one line, positions that resume.

A position is "offset:line": the byte after the last line read (of the inflated bytes, if compressed) and its number.
"""

from __future__ import annotations

import gzip
import io
import os
import stat
import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, Literal, cast

from engine.domain.errors import InputError
from streams.decode import RECORD_BYTES_MAX

SAMPLE_BYTES = 65_536
"""The form of a file is told from this many first bytes."""
STDIN = "-"
BOM = b"\xef\xbb\xbf"
Form = Literal["ndjson", "csv"]

_BUFFER_BYTES = 262_144
_DAMAGE = (EOFError, gzip.BadGzipFile, zlib.error)
_CONTROL = bytes(set(range(32)) - set(b"\t\n\r\x0c\x1b"))


@dataclass(frozen=True, slots=True)
class Opened:
    """An open input: its bytes inflated, the first of them, the stream below, and its size if it is a file."""

    stream: io.BufferedReader
    sample: bytes
    below: IO[bytes]
    size_bytes: int | None
    compressed: bool

    def close(self) -> None:
        """Close what was opened here; standard input is left alone."""
        if self.size_bytes is not None:
            self.stream.close()
            self.below.close()


class _Prefixed(io.RawIOBase):
    """Bytes that were read for a look, then the rest of the stream."""

    def __init__(self, head: bytes, rest: IO[bytes]) -> None:
        self._head, self._rest = head, rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        if self._head:
            data, self._head = self._head[: len(buffer)], self._head[len(buffer) :]
        else:
            data = self._rest.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Inflated(io.RawIOBase):
    """A gzip stream in small reads: where the data is broken, nothing that came before it is lost."""

    def __init__(self, packed: IO[bytes]) -> None:
        self._file = gzip.GzipFile(fileobj=packed, mode="rb")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._file.read1(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def open_input(path: str, stdin: IO[bytes] | None = None) -> Opened:
    """Open a file, or standard input for "-", inflating gzip. Raises `InputError` in one line if it can't be read."""
    try:
        if path == STDIN:
            below = stdin if stdin is not None else sys.stdin.buffer
            size_bytes = None
            magic = below.read(2)
            whole: io.RawIOBase | IO[bytes] = _Prefixed(magic, below)
        else:
            if os.path.isdir(path):
                raise InputError(f"{path} is a directory: name a file of mentions (NDJSON or CSV, also gzipped)")
            below = open(path, "rb", buffering=0)  # noqa: SIM115 (closed by Opened.close)
            size_bytes = os.fstat(below.fileno()).st_size
            magic = below.read(2)
            below.seek(0)
            whole = below
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error})") from None
    compressed = magic == b"\x1f\x8b"
    if compressed:
        whole = _Inflated(cast(IO[bytes], whole))
    stream = io.BufferedReader(cast(Any, whole), _BUFFER_BYTES)
    return _with_sample(path, stream, below, size_bytes, compressed)


def _with_sample(
    path: str, stream: io.BufferedReader, below: IO[bytes], size_bytes: int | None, compressed: bool
) -> Opened:
    sample = b""
    try:
        while len(sample) < SAMPLE_BYTES and (more := stream.read1(SAMPLE_BYTES - len(sample))):
            sample += more
            if size_bytes is None and b"\n" in sample:
                break  # a pipe may be slow: one line is enough for a look
    except _DAMAGE as error:
        if not sample:
            raise InputError(f"{path}: looks like gzip but can't be inflated ({error})") from None
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error})") from None
    if size_bytes is None:
        stream = io.BufferedReader(_Prefixed(sample, stream), _BUFFER_BYTES)
    else:
        stream.seek(0)
    return Opened(stream, sample, below, size_bytes, compressed)


def is_pipe(path: str) -> bool:
    """Whether it can be read only once: standard input, a named pipe, a process substitution, a device."""
    if path == STDIN:
        return True
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False  # said when it is opened
    return stat.S_ISFIFO(mode) or stat.S_ISCHR(mode) or stat.S_ISSOCK(mode)


def tell_form(path: str, sample: bytes) -> Form:
    """NDJSON or CSV, from the first bytes. Raises `InputError` for what is neither.

    >>> tell_form("a", b'{"id": "1"}'), tell_form("b", b"id;text;created_at")
    ('ndjson', 'csv')
    """
    if sample[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path} is UTF-16 text: save it as UTF-8")
    head = sample.removeprefix(BOM).lstrip()
    if head[:1] == b"{" or not head:
        return "ndjson"
    controls = len(sample) - len(sample.translate(None, _CONTROL))
    if controls > len(sample) * 0.05 or (b"\x00" in sample[:1024] and b"{" not in sample):
        raise InputError(f"{path} is a binary file: give NDJSON or CSV text, plain or gzipped")
    if head[:1] == b"[":
        raise InputError(f"{path} is one JSON list: write one object a line (jq -c '.[]' does it)")
    if path.removesuffix(".gz").endswith((".ndjson", ".jsonl", ".json")):
        return "ndjson"
    lines = [line for line in head.split(b"\n")[:50] if line.strip()]
    objects = sum(line.lstrip()[:1] == b"{" for line in lines)
    return "ndjson" if objects * 2 >= len(lines) else "csv"


class LineReader:
    """Lines of a stream, with where they end. A line over the limit comes cut one byte above it; the rest is skipped.

    `damaged` holds a reason once compressed data turned out to be broken; reading then ends.
    """

    def __init__(self, stream: io.BufferedReader) -> None:
        self._stream = stream
        self.offset = 0
        self.number = 0
        self.damaged: str | None = None

    @property
    def position(self) -> str:
        """Where to go on after the last line that was read."""
        return f"{self.offset}:{self.number}"

    def skip_to(self, position: str) -> None:
        """Go to a stored position. Raises `InputError` if the stream does not reach so far."""
        try:
            offset, number = (int(part) for part in position.split(":"))
        except ValueError:
            raise InputError(f"stored position {position!r} is not one of a file: start over without it") from None
        try:
            if self._stream.seekable():
                self._stream.seek(offset)
            else:
                left = offset - self.offset
                while left > 0 and (skipped := len(self._stream.read(min(left, _BUFFER_BYTES)))):
                    left -= skipped
        except _DAMAGE as error:
            self.damaged = f"compressed data ends early or is damaged ({error})"
        self.offset, self.number = offset, number

    def next_line(self) -> bytes:
        """The next line with its end, blank ones too; b"" at the end."""
        if self.damaged is not None:
            return b""
        try:
            line = self._stream.readline(RECORD_BYTES_MAX + 1)
            self.offset += len(line)
            if len(line) > RECORD_BYTES_MAX and not line.endswith(b"\n"):
                rest = line
                while rest and not rest.endswith(b"\n"):
                    rest = self._stream.readline(_BUFFER_BYTES)
                    self.offset += len(rest)
        except _DAMAGE as error:
            self.damaged = f"compressed data ends early or is damaged ({error})"
            return b""
        except OSError as error:
            raise InputError(f"reading stopped after line {self.number} ({error.strerror or error})") from None
        if line:
            self.number += 1
        if self.number == 1:
            return line.removeprefix(BOM)
        return line

    def lines(self, count_max: int) -> Iterator[bytes]:
        """At most so many lines that are not blank; `number` is that of the line just given."""
        count = 0
        while count < count_max and (line := self.next_line()):
            if not line.isspace():
                count += 1
                yield line

    @property
    def at_end(self) -> bool:
        """Whether nothing follows (known without reading a line)."""
        if self.damaged is not None:
            return True
        try:
            return not self._stream.peek(1)
        except _DAMAGE as error:
            self.damaged = f"compressed data ends early or is damaged ({error})"
            return True
        except OSError as error:
            raise InputError(f"reading stopped after line {self.number} ({error.strerror or error})") from None
