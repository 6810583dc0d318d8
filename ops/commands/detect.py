"""`vigie detect`: judge a CSV file of counts, bin by bin, under a budget of false alarms.

Every row is one bin of one series. The length of a bin is the most common step between the first rows of its series
(60 s to an hour); a series too sparse to tell has that of the others. Rows may stand in any order: each series is
judged in time order and written where it stood. Bins missing from the file count as empty, and get no row; a bin told
twice counts once; after a gap of four weeks a series starts afresh.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
import math
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Final, NamedTuple

import typer

from detectors.table import DEFAULT, DETECTORS
from engine.domain.errors import InputError
from engine.domain.series import BinCount, Reading

COLUMNS: Final = ("timestamp", "series", "negatives", "expected", "score", "alarm", "active", "signals")
_STEPS_LOOKED_AT: Final = 100
_GAP_S_MAX: Final = 28 * 86_400
_CALM: Final = ("0", "0", "0", "0", "")


class _Row(NamedTuple):
    at_s: int
    line: int
    place: int
    """Where the row stands among the rows of the file."""
    negatives: float
    total: float | None


class _Table(NamedTuple):
    """The file: the cells to be copied, and the rows of each series."""

    copied: list[tuple[str, str, str]]
    series: dict[str, list[_Row]]


class _Columns(NamedTuple):
    timestamp: int
    series: int | None
    negatives: int
    total: int | None
    names: list[str]


def detect(
    counts: Annotated[
        Path, typer.Argument(help="CSV with the columns timestamp, series (optional) and counts; - = stdin.")
    ],
    negatives: Annotated[str, typer.Option(help="Column of negatives in the bin; may be fractional.", metavar="COL")],
    out: Annotated[Path, typer.Option("-o", "--out", help="CSV to write; - = stdout.")],
    total: Annotated[str | None, typer.Option(help="Column of all mentions in the bin.", metavar="COL")] = None,
    budget: Annotated[
        float, typer.Option(help="False alarms a week that a series may cost, all signals together.")
    ] = 0.25,
) -> None:
    """Find storms in a file of counts, under a budget of false alarms.

    Writes one row for each row read, in the same order: timestamp, series, negatives, expected, score, alarm, active,
    signals. `alarm` is 1 on the row where an alarm is raised; `score` is -log10 of the false alarms a week that an
    alarm at this row would cost (0 while warming up: the first day of a series). A row depends on no later one.

    Example: `vigie detect counts.csv --negatives negatives --total total --budget 0.25 -o alarms.csv`
    """
    if not 0.0 < budget < 1000.0:
        raise InputError(f"--budget {budget:g}: must be over 0 and under 1000 false alarms a week")
    if str(out) != "-" and not out.parent.is_dir():
        raise InputError(f"{out}: no such directory, make {out.parent} first")
    table = _read(counts, negatives, total)
    judged: list[tuple[str, ...]] = [_CALM] * len(table.copied)
    widths = _bins_of(table.series)
    for name, rows in table.series.items():
        _judge(rows, widths[name], budget, judged)
    _write(out, table.copied, judged)


def _read(path: Path, negatives: str, total: str | None) -> _Table:
    if str(path) == "-":
        return _parse(sys.stdin, "stdin", "standard input", negatives, total)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return _parse(file, path.stem, str(path), negatives, total)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror or error}") from None


def _parse(file: IO[str], stem: str, where: str, negatives: str, total: str | None) -> _Table:
    reader = csv.reader(file, strict=True)
    try:
        header = next(reader, None)
        if not header:
            raise InputError(f"{where}: empty, wanted a header line with timestamp and {negatives}")
        return _rows(reader, _columns(header, where, negatives, total), stem, where)
    except csv.Error as error:
        raise InputError(f"{where}, line {reader.line_num}: not CSV ({error})") from None
    except UnicodeDecodeError:
        raise InputError(f"{where}, after line {reader.line_num}: not UTF-8 text") from None


def _columns(header: list[str], where: str, negatives: str, total: str | None) -> _Columns:
    names = [name.strip() for name in header]

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


def _rows(reader: Iterator[list[str]], columns: _Columns, stem: str, where: str) -> _Table:
    copied: list[tuple[str, str, str]] = []
    series: dict[str, list[_Row]] = {}
    seconds: dict[str, int] = {}  # series share their timestamps: each is parsed once
    wanted = max(c for c in columns[:4] if c is not None)
    for cells in reader:
        line: int = reader.line_num  # type: ignore[attr-defined]
        if not cells:
            continue
        if len(cells) <= wanted:
            column = columns.names[len(cells)]
            raise InputError(f"{where}, line {line}, column {column}: missing, the line has {len(cells)} cells")
        stamp, count = cells[columns.timestamp], cells[columns.negatives]
        at_s = seconds.get(stamp)
        if at_s is None:
            if len(seconds) > 100_000:
                seconds.clear()
            at_s = seconds[stamp] = _seconds(stamp, where, line)
        n = _count(count, where, line, columns.names[columns.negatives])
        total = None
        if columns.total is not None:
            total = _count(cells[columns.total], where, line, columns.names[columns.total])
        name = stem if columns.series is None else cells[columns.series]
        series.setdefault(name, []).append(_Row(at_s, line, len(copied), n, total))
        copied.append((stamp, name, count))
    for rows in series.values():
        rows.sort()
    return _Table(copied, series)


def _seconds(text: str, where: str, line: int) -> int:
    try:
        when = dt.datetime.fromisoformat(text.strip())
        return int((when if when.tzinfo else when.replace(tzinfo=dt.UTC)).timestamp())
    except (ValueError, OverflowError):
        raise InputError(
            f"{where}, line {line}, column timestamp: {text[:60]!r} is no date, wanted e.g. 2026-03-01T08:05:00Z"
        ) from None


def _count(text: str, where: str, line: int, column: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value <= 1e12:
        raise InputError(f"{where}, line {line}, column {column}: {text[:60]!r} is no count, wanted a number from 0")
    return value


def _bin_s(rows: list[_Row]) -> int | None:
    """The most common step between the first rows that may be a bin; of equally common ones the shortest."""
    first = rows[: _STEPS_LOOKED_AT + 1]
    steps = Counter(b.at_s - a.at_s for a, b in itertools.pairwise(first))
    found = {step: n for step, n in steps.items() if 60 <= step <= 3600}
    return min(found, key=lambda s: (-found[s], s)) if found else None


def _bins_of(series: dict[str, list[_Row]]) -> dict[str, int]:
    """The length of the bins of each series; one too sparse to tell has those of the other series."""
    own = {name: _bin_s(rows) for name, rows in series.items()}
    known = Counter(bin_s for bin_s in own.values() if bin_s is not None)
    if not known:
        for name, rows in series.items():
            if len({row.at_s for row in rows}) > 1:
                step = rows[1].at_s - rows[0].at_s
                raise InputError(
                    f"series {name[:80]!r}: bins of {step} s (line {rows[0].line} on), wanted 60 s to 3600 s"
                )
    usual = min(known, key=lambda s: (-known[s], s)) if known else 300
    return {name: usual if bin_s is None else bin_s for name, bin_s in own.items()}


def _judge(rows: list[_Row], bin_s: int, budget: float, judged: list[tuple[str, ...]]) -> None:
    make = DETECTORS[DEFAULT]
    detector = make(bin_s=bin_s, false_alarms_per_week=budget)
    silence = None if rows[0].total is None else 0.0
    due = rows[0].at_s
    before: _Row | None = None
    for row in rows:
        if before is not None and row.at_s == before.at_s:
            # the same bin told twice: the first counts, the repeat says the same and never alarms again
            judged[row.place] = (*judged[before.place][:2], "0", *judged[before.place][3:4], "")
            continue
        before = row
        if row.at_s - due > _GAP_S_MAX:
            detector = make(bin_s=bin_s, false_alarms_per_week=budget)
            due = row.at_s
        pending: list[str] = []
        while row.at_s - due > bin_s // 2:
            empty = detector.step(BinCount(due, bin_s, 0.0, silence))
            if isinstance(empty, Reading) and empty.alarm:  # too few mentions is no storm, yet never lose an alarm
                pending += [t.name for t in empty.tests if t.alarm]
            due += bin_s
        # a bin can't hold more negatives than mentions, whatever the file's rounding says
        total = None if row.total is None else max(row.total, row.negatives)
        verdict = detector.step(BinCount(row.at_s, bin_s, row.negatives, total))
        due = row.at_s + bin_s
        if isinstance(verdict, Reading):
            signals = pending + [t.name for t in verdict.tests if t.alarm]
            alarm = "1" if verdict.alarm or pending else "0"
            judged[row.place] = (
                f"{verdict.expected:.6g}",
                f"{verdict.score:.6g}",
                alarm,
                "1" if verdict.active else "0",
                "+".join(signals),
            )


def _write(out: Path, copied: list[tuple[str, str, str]], judged: list[tuple[str, ...]]) -> None:
    def write(file: IO[str]) -> None:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(a + b for a, b in zip(copied, judged, strict=True))

    if str(out) == "-":
        write(sys.stdout)
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            write(file)
    except OSError as error:
        raise InputError(f"{out}: {error.strerror or error}") from None
