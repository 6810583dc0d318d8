"""Readers of a file's form: lines of JSON, the same with mapped fields, and tables (CSV). All give `Chunk`s."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol

import orjson

from engine.domain.batch import Reject
from engine.domain.errors import InputError, MentionError
from engine.domain.mention import Mention
from streams.decode import RECORD_BYTES_MAX, TOO_LONG, DecodedMany, decode_fields, decode_many, rejected
from streams.lines import BOM, LineReader
from streams.mapping import fields_of_object, fields_of_row, paths_in, require, resolve

DELIMITERS = (",", ";", "\t", "|")


class Chunk(NamedTuple):
    """Some records of a file, where they end, and whether the file ends there."""

    mentions: list[Mention]
    rejects: list[Reject]
    unknown_fields: int
    truncated: int
    position: str
    end: bool


class Reader(Protocol):
    """Chunks of a file, one after the other."""

    def read(self, count_max: int) -> Chunk:
        """At most so many records."""
        ...


def chunk_of(many: DecodedMany, lines: LineReader) -> Chunk:
    """What was decoded, with the reader's position; damaged compression is one more reject, at the end."""
    end = lines.at_end
    if lines.damaged is not None:
        many.rejects.append(Reject(f"line {lines.number + 1}", "", lines.damaged, b""))
    return Chunk(*many, lines.position, end)


class NdjsonReader:
    """One JSON object a line."""

    def __init__(self, lines: LineReader) -> None:
        self._lines = lines

    def read(self, count_max: int) -> Chunk:
        """See `Reader`."""
        lines = self._lines
        return chunk_of(decode_many(lines.lines(count_max), lambda _: f"line {lines.number}"), lines)


class MappedReader:
    """One JSON object a line, its fields found where a mapping says."""

    def __init__(self, lines: LineReader, mapping: Mapping[str, str]) -> None:
        self._lines = lines
        self._mapping = mapping

    def read(self, count_max: int) -> Chunk:
        """See `Reader`."""
        tally = _Tally()
        for raw in self._lines.lines(count_max):
            number = self._lines.number
            try:
                fields = fields_of_object(self._mapping, _object(raw), number, raw)
            except MentionError as error:
                tally.refuse(f"line {number}", error, raw)
                continue
            tally.add(fields, f"line {number}", raw)
        return chunk_of(tally.many(), self._lines)


class CsvReader:
    """A table with a header. Cells may be quoted and hold line breaks; a row ends where its last line ends."""

    def __init__(self, path: str, lines: LineReader, mapping: Mapping[str, str]) -> None:
        csv.field_size_limit(RECORD_BYTES_MAX)
        self._lines = lines
        self._fault = ""
        first = _text(lines.next_line())
        try:
            delimiter = max(DELIMITERS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), [])))
            # The header itself may hold quoted line breaks: hand its first line back and let the reader take more.
            self._rows = csv.reader(_chain(first, self._feed()), delimiter=delimiter)
            header = next(self._rows, [])
        except csv.Error as error:
            raise InputError(f"{path}: the header is no CSV ({error})") from None
        self._header = [name.strip() or f"column {i}" for i, name in enumerate(header, 1)]
        self._found = resolve(path, self._header, mapping)
        require(path, self._found, self._header)
        self._unknown = len(set(self._header) - set(self._found.values()))

    def read(self, count_max: int) -> Chunk:
        """See `Reader`."""
        tally = _Tally()
        lines = self._lines
        count = 0
        while count < count_max and not lines.at_end:
            self._fault = ""
            first = lines.number + 1
            try:
                row = next(self._rows, None)
            except csv.Error as error:
                row, self._fault = [], f"not CSV: {error}"
            if row is None:
                break
            if self._fault:
                tally.refuse(f"line {first}", MentionError("", self._fault), row)
            elif any(row):
                fields = fields_of_row(self._found, dict(zip(self._header, row, strict=False)), first)
                tally.add(fields, f"line {first}", row, self._unknown)
            else:
                continue
            count += 1
        return chunk_of(tally.many(), lines)

    def _feed(self) -> Iterator[str]:
        while line := self._lines.next_line():
            if len(line) > RECORD_BYTES_MAX:
                self._fault = TOO_LONG
                yield "\n"
                continue
            try:
                yield line.decode()
            except UnicodeDecodeError:
                self._fault = "not UTF-8"
                yield _text(line)


class _Tally:
    """Counts and lists of one chunk while it is read."""

    def __init__(self) -> None:
        self._mentions: list[Mention] = []
        self._rejects: list[Reject] = []
        self._unknown = self._truncated = 0

    def add(self, fields: Mapping[str, object], position: str, raw: bytes | list[str], unknown: int = 0) -> None:
        try:
            mention, more_unknown, cut = decode_fields(fields)
        except MentionError as error:
            self.refuse(position, error, raw)
            return
        self._mentions.append(mention)
        self._unknown += unknown + more_unknown
        self._truncated += cut

    def refuse(self, position: str, error: MentionError, raw: bytes | list[str]) -> None:
        if isinstance(raw, list):
            raw = "\t".join(raw).encode()
        self._rejects.append(rejected(position, error, raw))

    def many(self) -> DecodedMany:
        return DecodedMany(self._mentions, self._rejects, self._unknown, self._truncated)


def check_mapping(path: str, sample: bytes, mapping: Mapping[str, str]) -> None:
    """Raises `InputError` if the mapping names a field that no mention has, or that no object of the sample holds."""
    names: dict[str, None] = {}
    for raw in sample.removeprefix(BOM).split(b"\n"):
        try:
            names.update(dict.fromkeys(paths_in(_object(raw))))
        except MentionError:
            continue  # refused one by one later; here only names are gathered
    resolve(path, names or mapping.values(), mapping)


def _object(raw: bytes) -> dict[str, object]:
    if len(raw) > RECORD_BYTES_MAX:
        raise MentionError("", TOO_LONG)
    try:
        record = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise MentionError("", f"not JSON: {error}") from None
    if not isinstance(record, dict):
        raise MentionError("", "not a JSON object")
    return record


def _text(line: bytes) -> str:
    return line.decode(errors="replace")


def _chain(first: str, rest: Iterator[str]) -> Iterator[str]:
    yield first
    yield from rest
