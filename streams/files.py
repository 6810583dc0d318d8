"""A file of mentions, read once from start to end: NDJSON or CSV, plain or gzipped, or standard input ("-")."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from engine.domain.batch import Batch, Cursor
from engine.domain.errors import InputError
from streams.lines import STDIN, LineReader, Opened, is_pipe, open_input, tell_form
from streams.order import RankedReader, disorder_of, index_json_lines, no_room, spool, unspool
from streams.readers import Chunk, CsvReader, MappedReader, NdjsonReader, Reader, check_mapping


@dataclass(frozen=True, slots=True)
class FileParams:
    """Which file, and how to read it.

    `mapping` takes fields to columns ({"text": "Tweet", "author.followers": "Followers"}); `brand` is given to
    mentions that name none. With `order`, a mention more than `lateness_ms` behind the newest one before it makes the
    file be served sorted by time; None is yes for a file and no for a pipe, which would have to be copied to disk
    first.
    """

    path: str
    mapping: Mapping[str, str] = field(default_factory=dict)
    brand: str | None = None
    order: bool | None = None
    lateness_ms: int = 0
    name: str = "file"


class FileSource:
    """A finished file as a source. Its one partition is the path; a last line without an end counts.

    Raises `InputError` at the first poll if the file can't be used.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "avis.csv")
    >>> _ = path.write_text("Date;Avis\\n2026-03-04 09:15:00;Livraison en retard\\nhier;Parfait\\n")
    >>> source = FileSource(FileParams(str(path), {"created_at": "Date", "text": "Avis"}, brand="Vélorine"))
    >>> batch = source.poll(100, timeout_s=0)
    >>> [(m.text, m.brand, m.source) for m in batch.mentions], batch.rejects[0].position, batch.end
    ([('Livraison en retard', 'Vélorine', 'other')], 'line 3', True)
    >>> source.close(); folder.cleanup()
    """

    def __init__(self, params: FileParams, stdin: IO[bytes] | None = None) -> None:
        self.name = params.name
        self._params = params
        self._pipe = stdin
        self._own_pipe: IO[bytes] | None = None
        self._opened: Opened | None = None
        self._lines: LineReader | None = None
        self._reader: Reader | None = None
        self._ranked: RankedReader | None = None
        self._position: str | None = None
        self._ended = False

    @property
    def progress(self) -> float | None:
        """The share that was read, 0 to 1; None if the length is not known."""
        if self._ranked is not None:
            return self._ranked.progress
        if self._opened is None or not self._opened.size_bytes or self._lines is None:
            return None
        done = self._opened.below.tell() if self._opened.compressed else self._lines.offset
        return min(done / self._opened.size_bytes, 1.0)

    @property
    def sorted_by_time(self) -> bool:
        """Whether the file lay out of order and is served sorted (known after the first poll)."""
        return self._ranked is not None

    def seek(self, positions: Mapping[str, str]) -> None:
        """See `engine.ports.source.Source`."""
        self._position = positions.get(self._params.path)

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        """At most so many records. A file never makes one wait, so `timeout_s` is not needed."""
        if self._ended:
            return Batch(end=True)
        if self._reader is None:
            self._reader = self._start()
        chunk = self._reader.read(max_mentions)
        self._ended = chunk.end
        return self._batch(chunk)

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """Nothing to tell: the store alone remembers."""

    def close(self) -> None:
        """Close the file; twice is fine."""
        if self._ranked is not None:
            self._ranked.close()
        if self._opened is not None:
            self._opened.close()
        if self._own_pipe is not None and self._own_pipe is not sys.stdin.buffer:
            self._own_pipe.close()
        self._ended = True

    def _batch(self, chunk: Chunk) -> Batch:
        brand = self._params.brand
        mentions = chunk.mentions
        if brand:
            mentions = [mention if mention.brand else mention._replace(brand=brand) for mention in mentions]
        return Batch(
            mentions=tuple(mentions),
            rejects=tuple(chunk.rejects),
            cursors=(Cursor(self.name, self._params.path, chunk.position),),
            unknown_fields=chunk.unknown_fields,
            truncated=chunk.truncated,
            end=chunk.end,
        )

    def _start(self) -> Reader:
        params = self._params
        ordered = not is_pipe(params.path) if params.order is None else params.order
        reader = self._open()
        if not ordered:
            return self._resumed(reader)
        opened, lines = self._opened, self._lines
        assert opened is not None
        assert lines is not None
        plain = isinstance(reader, NdjsonReader) and not opened.compressed
        if plain:
            index = index_json_lines(lines)
            disorder_ms = index.disorder_ms
        else:
            disorder_ms = disorder_of(reader)
        opened.close()
        if disorder_ms <= params.lateness_ms:
            return self._resumed(self._open())
        if plain:
            opened = self._opened = self._input()
            self._ranked = RankedReader(params.path, index, opened.below)
        else:
            index, file = spool(self._open())
            self._ranked = RankedReader(params.path, index, file, unspool)
        if self._position is not None:
            self._ranked.skip_to(self._position)
        return self._ranked

    def _resumed(self, reader: Reader) -> Reader:
        if self._position is not None and self._lines is not None:
            self._lines.skip_to(self._position)
        return reader

    def _input(self) -> Opened:
        path = self._params.path
        if not is_pipe(path):
            return open_input(path)
        if self._pipe is None:
            self._pipe = self._own_pipe = _opened_pipe(path)
        if self._params.order:
            if self._opened is None:
                copy = _copied(self._pipe)
                if path != STDIN:
                    self._pipe.close()
                self._pipe = self._own_pipe = copy
            self._pipe.seek(0)
        return open_input(STDIN, self._pipe)

    def _open(self) -> Reader:
        params = self._params
        opened = self._opened = self._input()
        lines = self._lines = LineReader(opened.stream)
        if tell_form(params.path, opened.sample) == "csv":
            return CsvReader(params.path, lines, params.mapping)
        if params.mapping:
            check_mapping(params.path, opened.sample, params.mapping)
            return MappedReader(lines, params.mapping)
        return NdjsonReader(lines)


def _opened_pipe(path: str) -> IO[bytes]:
    try:
        return sys.stdin.buffer if path == STDIN else open(path, "rb")
    except OSError as error:
        raise InputError(f"{path}: can't be read ({error.strerror or error})") from None


def _copied(pipe: IO[bytes]) -> IO[bytes]:
    """A pipe on disk, so that it can be looked through before it is served."""
    copy = tempfile.TemporaryFile("w+b", prefix="vigie-")  # noqa: SIM115 (lives as long as the source)
    try:
        shutil.copyfileobj(pipe, copy)
        copy.flush()
    except OSError as error:
        raise no_room(error) from None
    return copy
