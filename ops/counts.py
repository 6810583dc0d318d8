"""Files of counts: a CSV with a row for each bin of each series, read into columns.

Rows may stand in any order. Commas, semicolons or tabs; with semicolons or tabs a decimal comma is understood. A date
without an offset is UTC.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import math
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NamedTuple

from engine.domain.errors import InputError

COUNT_MAX = 1e12
_KNOWN_MAX = 200_000


@dataclass(slots=True)
class Counts:
    """The file as columns, a place a row. Texts are kept as they stood, since they are written again."""

    where: str
    names: list[str] = field(default_factory=list)
    series: array[int] = field(default_factory=lambda: array("I"))
    """Which of `names`."""
    at_s: array[int] = field(default_factory=lambda: array("q"))
    lines: array[int] = field(default_factory=lambda: array("Q"))
    stamps: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    negatives: array[float] = field(default_factory=lambda: array("d"))
    totals: array[float] | None = None


class _Columns(NamedTuple):
    timestamp: int
    series: int | None
    negatives: int
    total: int | None
    names: list[str]


def read_counts(path: Path, negatives: str, total: str | None) -> Counts:
    """Read a file, or standard input for `-`. Raises InputError with the line and column of a mistake."""
    if str(path) == "-":
        return _parse(sys.stdin, "stdin", "standard input", negatives, total)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parse(file, path.stem, str(path), negatives, total)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _parse(file: IO[str], stem: str, where: str, negatives: str, total: str | None) -> Counts:
    line = 0
    try:
        head = file.readline().removeprefix("\ufeff")
        if not head.strip():
            raise InputError(f"{where}: empty, wanted a header line with timestamp and {negatives}")
        mark = next((m for m in ",;\t" if "timestamp" in _cells(head, m)), ",")
        columns = _columns(_cells(head, mark), where, negatives, total)
        reader = csv.reader(file, strict=True, delimiter=mark)
        try:
            return _rows(reader, columns, stem, where, mark)
        finally:
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{where}, line {max(line, 1)}: not CSV ({error})") from None
    except UnicodeDecodeError:
        raise InputError(f"{where}, after line {max(line, 1)}: not UTF-8 text") from None


def _cells(head: str, mark: str) -> list[str]:
    return [name.strip() for name in next(csv.reader([head], delimiter=mark), [])]


def _columns(names: list[str], where: str, negatives: str, total: str | None) -> _Columns:
    def find(name: str) -> int:
        if name not in names:
            raise InputError(f"{where}, line 1: no column {name!r}, found {', '.join(names)[:200]}")
        return names.index(name)

    return _Columns(
        find("timestamp"),
        names.index("series") if "series" in names else None,
        find(negatives),
        None if total is None else find(total),
        names,
    )


def _rows(reader: Iterator[list[str]], columns: _Columns, stem: str, where: str, mark: str) -> Counts:
    counts = Counts(where, totals=None if columns.total is None else array("d"))
    seconds: dict[str, tuple[str, int]] = {}  # series share their timestamps and counts: each text is kept once
    values: dict[str, tuple[str, float]] = {}
    places: dict[str, int] = {}
    wanted = max(c for c in columns[:4] if c is not None)

    def count(text: str, column: int, line: int) -> tuple[str, float]:
        found = values.get(text)
        if found is None:
            if len(values) > _KNOWN_MAX:
                values.clear()
            found = values[text] = (text, _count(text, where, line, columns.names[column], mark))
        return found

    for cells in reader:
        if not cells:
            continue
        line: int = reader.line_num + 1  # type: ignore[attr-defined]  # the header was read before
        if len(cells) <= wanted:
            column = columns.names[len(cells)]
            raise InputError(f"{where}, line {line}, column {column}: missing, the line has {len(cells)} cells")
        stamp = seconds.get(cells[columns.timestamp])
        if stamp is None:
            if len(seconds) > _KNOWN_MAX:
                seconds.clear()
            text = cells[columns.timestamp]
            stamp = seconds[text] = (text, _seconds(text, where, line))
        text, value = count(cells[columns.negatives], columns.negatives, line)
        if columns.total is not None and counts.totals is not None:
            counts.totals.append(count(cells[columns.total], columns.total, line)[1])
        name = stem if columns.series is None else cells[columns.series]
        place = places.get(name)
        if place is None:
            place = places[name] = len(places)
        counts.series.append(place)
        counts.at_s.append(stamp[1])
        counts.lines.append(line)
        counts.stamps.append(stamp[0])
        counts.texts.append(text)
        counts.negatives.append(value)
    counts.names = list(places)
    return counts


def _seconds(text: str, where: str, line: int) -> int:
    try:
        when = dt.datetime.fromisoformat(text.strip())
        return int((when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp())
    except (ValueError, OverflowError):
        raise InputError(
            f"{where}, line {line}, column timestamp: {text[:60]!r} is no date, wanted e.g. 2026-03-01T08:05:00Z"
        ) from None


def _count(text: str, where: str, line: int, column: str, mark: str) -> float:
    try:
        # Python takes 1_000 for a number, and nobody else does
        value = math.nan if "_" in text else float(text if mark == "," else text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= COUNT_MAX:
        raise InputError(
            f"{where}, line {line}, column {column}: {text[:60]!r} is no count, wanted a number from 0 to {COUNT_MAX:g}"
        )
    return value


# -- the length of bins ------------------------------------------------------------------------------------------------

_STEPS_LOOKED_AT = 100
_RUN = 96
"""So many equal steps of another length in a row are no gaps, but other bins."""


def bin_lengths(times: dict[str, list[int]], lines: dict[str, int]) -> dict[str, int]:
    """The length of the bins of each series in seconds, from its first distinct times (sorted).

    It is the most common step of a minute to an hour; where none is common, what all of them are multiples of. A series
    too sparse to tell has that of the others. Raises InputError when no series has a step that can be a bin.
    """
    steps = {name: _steps(found) for name, found in times.items()}
    sure = {name: _most_common(found) for name, found in steps.items()}
    known = [step for step in sure.values() if step is not None]
    usual = min(set(known), key=lambda step: (-known.count(step), step)) if known else None
    lengths: dict[str, int] = {}
    for name, found in steps.items():
        step = sure[name]
        if step is None and found:
            shared = math.gcd(*found)
            if usual is not None and shared % usual == 0:
                step = usual
            else:
                step = shared if shared >= 60 else min(found, key=lambda s: (-found.count(s), s))
        if step is not None:
            lengths[name] = step
    if not lengths:
        for name, found in times.items():
            if len(found) > 1:
                step = found[1] - found[0]
                raise InputError(
                    f"series {name[:80]!r}: bins of {step} s (line {lines[name]} on), wanted 60 s to 3600 s"
                )
    rest = usual or (min(lengths.values()) if lengths else 300)
    return {name: lengths.get(name, rest) for name in times}


def _steps(times: list[int]) -> list[int]:
    return [b - a for a, b in itertools.pairwise(times[: _STEPS_LOOKED_AT + 1]) if 60 <= b - a <= 3600]


def _most_common(steps: list[int]) -> int | None:
    """The step that at least half of them are, if any."""
    if not steps:
        return None
    best = min(set(steps), key=lambda step: (-steps.count(step), step))
    return best if 2 * steps.count(best) >= len(steps) else None


def check_one_length(times: list[int], bin_s: int, name: str, line_of: list[int]) -> None:
    """Raises InputError where a series goes on with bins of another length."""
    run = 0
    before = 0
    for i in range(1, len(times)):
        step = times[i] - times[i - 1]
        run = run + 1 if step == before and step != bin_s else 1
        before = step
        if run >= _RUN and step != bin_s and 60 <= step <= 86_400:
            raise InputError(
                f"series {name[:80]!r}: bins of {bin_s} s, and of {step} s from line {line_of[i - run]} on; "
                "write one file for each length"
            )
