"""Judging a file of counts: each series by a detector of its own, or many that share their bins by the bank.

Both say the same. The bank serves the default detector with a total, where enough series stand on one grid of bins.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from detectors.bank.bank import Bank, BankReading
from detectors.bank.fields import TESTS
from detectors.params import read_params
from detectors.table import DEFAULT, SETTABLE, MakeDetector, detector_maker
from engine.domain.series import BinCount, Reading
from ops.counts import Counts, bin_lengths, check_one_length

GAP_S_MAX: Final = 28 * 86_400
BANK_SERIES_MIN: Final = 16
"""Fewer are served faster one by one."""
_ROWS: Final = 65_536
"""Rows that are written together, as Python's own numbers."""
COLUMNS: Final = ("timestamp", "series", "negatives", "expected", "score", "alarm", "active", "signals")
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(slots=True)
class Judged:
    """What is said of each row. Rows that are `warming` say nothing."""

    warming: npt.NDArray[np.bool_]
    expected: Floats
    score: Floats
    alarm: npt.NDArray[np.bool_]
    active: npt.NDArray[np.bool_]
    signals: dict[int, str]
    """Of the rows where an alarm is raised."""


@dataclass(frozen=True, slots=True)
class _Series:
    """Of one series the distinct bins in time order: when, and at which row of the file each stands."""

    name: str
    at_s: Ints
    rows: Ints
    bin_s: int


def judge(
    counts: Counts, budget: float, detector: str = DEFAULT, params: Mapping[str, Any] | None = None,
    *, bank_series_min: int = BANK_SERIES_MIN,
) -> tuple[Judged, list[str]]:  # fmt: skip
    """What a detector says of each row, and notes on what was put right in the file. Raises InputError."""
    n = len(counts.at_s)
    judged = Judged(
        np.ones(n, bool), np.zeros(n), np.zeros(n), np.zeros(n, bool), np.zeros(n, bool), {}
    )  # fmt: skip
    make = detector_maker(detector, params)
    found, repeats, of = _split(counts)
    negatives = np.frombuffer(counts.negatives, dtype=np.float64) if n else np.zeros(0)
    totals = None if counts.totals is None else np.frombuffer(counts.totals, dtype=np.float64) if n else np.zeros(0)
    notes = _notes(counts, repeats, negatives, totals)
    alone = found
    if totals is not None:
        totals = np.maximum(totals, negatives)  # a bin can't hold more negatives than mentions
        if detector == DEFAULT:
            banked, alone = _divide(found, bank_series_min)
            for group in banked:
                _judge_banked(group, negatives, totals, budget, params or {}, judged)
    for series in alone:
        _judge_alone(series, negatives, totals, budget, make, judged)
    # the same bin told twice: the first counts, the repeat says the same and never alarms again
    for column in (judged.warming, judged.expected, judged.score, judged.active):
        column[repeats] = column[of]
    return judged, notes


def _split(counts: Counts) -> tuple[list[_Series], Ints, Ints]:
    """The series, the rows that tell a bin again, and the rows that they repeat."""
    if not counts.names:
        empty = np.zeros(0, dtype=np.int64)
        return [], empty, empty
    which = np.frombuffer(counts.series, dtype=np.uint32)
    at_s = np.frombuffer(counts.at_s, dtype=np.int64)
    order = np.lexsort((at_s, which))  # stable, so rows of the same bin stay in the order of the file
    who, when = which[order], at_s[order]
    first = np.ones(len(order), bool)
    first[1:] = (who[1:] != who[:-1]) | (when[1:] != when[:-1])
    originals = order[first][np.cumsum(first) - 1]
    kept, owner = order[first], who[first]
    ends = np.searchsorted(owner, np.arange(len(counts.names)), side="right")
    blocks = [kept[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
    times = {name: at_s[block] for name, block in zip(counts.names, blocks, strict=True)}
    lines = {name: counts.lines[int(block[0])] for name, block in zip(counts.names, blocks, strict=True)}
    lengths = bin_lengths({name: t[:101].tolist() for name, t in times.items()}, lines)
    found = []
    for name, block in zip(counts.names, blocks, strict=True):
        t, bin_s = times[name], lengths[name]
        if np.any(np.diff(t) != bin_s):
            check_one_length(t.tolist(), bin_s, name, [counts.lines[row] for row in block.tolist()])
        found.append(_Series(name, t, block, bin_s))
    return found, order[~first], originals[~first]


def _notes(counts: Counts, repeats: Ints, negatives: Floats, totals: Floats | None) -> list[str]:
    notes = []
    if repeats.size:
        line = min(counts.lines[row] for row in repeats.tolist())
        notes.append(
            f"{counts.where}: {repeats.size} rows tell a bin again (first: line {line}); the first of each counts. "
            "Local times without an offset repeat an hour when summer time ends"
        )
    over = np.flatnonzero(negatives > totals) if totals is not None else np.zeros(0, dtype=np.int64)
    if over.size:
        line = counts.lines[int(over[0])]
        notes.append(f"{counts.where}: {over.size} rows hold more negatives than mentions (first: line {line})")
    return notes


def _divide(found: list[_Series], series_min: int) -> tuple[list[list[_Series]], list[_Series]]:
    """The series that share their bins, by grid, and those that are judged alone."""
    grids: dict[tuple[int, int], list[_Series]] = {}
    alone: list[_Series] = []
    for series in found:
        steps = np.diff(series.at_s)
        if np.any(steps % series.bin_s) or np.any(steps - series.bin_s > GAP_S_MAX):
            alone.append(series)
        else:
            grids.setdefault((series.bin_s, int(series.at_s[0]) % series.bin_s), []).append(series)
    banked = []
    for group in grids.values():
        bins = 1 + (max(s.at_s[-1] for s in group) - min(s.at_s[0] for s in group)) // group[0].bin_s
        beginnings = len({int(s.at_s[0]) for s in group})
        is_dense = 2 * sum(len(s.rows) for s in group) >= bins * len(group)
        if len(group) >= series_min and is_dense and beginnings * 8 <= max(len(group), 8):
            banked.append(sorted(group, key=lambda s: int(s.at_s[0])))
        else:
            alone += group
    return banked, alone


def _judge_alone(
    series: _Series, negatives: Floats, totals: Floats | None, budget: float, make: MakeDetector, judged: Judged
) -> None:
    bin_s = series.bin_s
    detector = make(bin_s=bin_s, false_alarms_per_week=budget)
    silence = None if totals is None else 0.0
    due = int(series.at_s[0])
    counted = negatives[series.rows].tolist()
    mentions = [None] * len(counted) if totals is None else totals[series.rows].tolist()
    for at_s, row, n, total in zip(series.at_s.tolist(), series.rows.tolist(), counted, mentions, strict=True):
        if at_s - due > GAP_S_MAX:
            detector = make(bin_s=bin_s, false_alarms_per_week=budget)
            due = at_s
        pending: list[str] = []
        while at_s - due > bin_s // 2:
            empty = detector.step(BinCount(due, bin_s, 0.0, silence))
            if isinstance(empty, Reading) and empty.alarm:  # too few mentions is no storm, yet never lose an alarm
                pending += [t.name for t in empty.tests if t.alarm]
            due += bin_s
        verdict = detector.step(BinCount(at_s, bin_s, n, total))
        due = at_s + bin_s
        if isinstance(verdict, Reading):
            judged.warming[row] = False
            judged.expected[row], judged.score[row] = verdict.expected, verdict.score
            judged.active[row] = verdict.active
            if verdict.alarm or pending:
                judged.alarm[row] = True
                judged.signals[row] = "+".join(pending + [t.name for t in verdict.tests if t.alarm])


def _judge_banked(
    group: list[_Series], negatives: Floats, totals: Floats, budget: float, params: Mapping[str, Any], judged: Judged
) -> None:
    bin_s = group[0].bin_s
    bank = Bank(0, read_params(SETTABLE[DEFAULT], params), bin_s=bin_s, false_alarms_per_week=budget)
    beginnings = [int(s.at_s[0]) for s in group]
    pending: dict[int, list[str]] = {}
    for at_s, rows, who in _by_bin(group):
        ready = sum(b <= at_s for b in beginnings[len(bank) :])
        if ready:
            bank.add(ready)
        n, total = np.zeros(len(bank)), np.zeros(len(bank))
        n[who], total[who] = negatives[rows], totals[rows]
        said = bank.step(at_s, n, total)
        judged.warming[rows] = said.warming[who]
        judged.expected[rows], judged.score[rows] = said.expected()[who], said.score[who]
        judged.active[rows], judged.alarm[rows] = said.active[who], said.alarm[who]
        if pending or said.alarm.any():
            _tell(said, rows, who, pending, judged)


def _tell(said: BankReading, rows: Ints, who: Ints, pending: dict[int, list[str]], judged: Judged) -> None:
    """Name the tests that alarm; those of bins that the file lacks wait for the next row of their series."""
    row_of = dict(zip(who.tolist(), rows.tolist(), strict=True))
    for j in np.flatnonzero(said.alarm).tolist():
        pending.setdefault(j, []).extend(TESTS[k] for k in range(len(TESTS)) if said.alarms[k, j])
    for j in [j for j in pending if j in row_of]:
        judged.alarm[row_of[j]] = True
        judged.signals[row_of[j]] = "+".join(pending.pop(j))


def _by_bin(group: list[_Series]) -> Iterator[tuple[int, Ints, Ints]]:
    """Every bin of the grid with the rows that tell it and the places of their series in the group."""
    bin_s = group[0].bin_s
    rows = np.concatenate([s.rows for s in group])
    at_s = np.concatenate([s.at_s for s in group])
    who = np.repeat(np.arange(len(group)), [len(s.rows) for s in group])
    order = np.argsort(at_s, kind="stable")
    rows, at_s, who = rows[order], at_s[order], who[order]
    edges = np.searchsorted(at_s, np.arange(at_s[0], at_s[-1] + 2 * bin_s, bin_s))
    for i, (a, b) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        yield int(at_s[0]) + i * bin_s, rows[a:b], who[a:b]


def write(file: IO[str], counts: Counts, judged: Judged) -> None:
    """A row for each row read, in the same order."""
    file.write(",".join(COLUMNS) + "\n")
    cells: dict[str, str] = {}

    def cell(text: str) -> str:
        found = cells.get(text)
        if found is None:
            if len(cells) > 200_000:
                cells.clear()
            found = cells[text] = _cell(text)
        return found

    names = [_cell(name) for name in counts.names]
    signals = judged.signals
    for start in range(0, len(counts.stamps), _ROWS):
        part = slice(start, start + _ROWS)
        columns = zip(
            counts.stamps[part], counts.series[part], counts.texts[part], judged.warming[part].tolist(),
            judged.expected[part].tolist(), judged.score[part].tolist(), judged.alarm[part].tolist(),
            judged.active[part].tolist(), strict=True,
        )  # fmt: skip
        for row, (stamp, place, text, warming, expected, score, alarm, active) in enumerate(columns, start):
            head = f"{cell(stamp)},{names[place]},{cell(text)}"
            if warming:
                file.write(f"{head},0,0,0,0,\n")
            else:
                said = signals.get(row, "") if alarm else ""
                file.write(f"{head},{expected:.6g},{score:.6g},{alarm:d},{active:d},{said}\n")


def _cell(text: str) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow((text, ""))
    return line.getvalue()[:-1]
