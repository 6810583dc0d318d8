"""`vigie detect`: judge a CSV file of counts, bin by bin, under a budget of false alarms.

Every row is one bin of one series. The length of a bin is the most common step between the first rows of its series
(60 s to an hour); a series too sparse to tell has that of the others. Rows may stand in any order: each series is
judged in time order and written where it stood. Bins missing from the file count as empty, and get no row; a bin told
twice counts once; after a gap of four weeks a series starts afresh.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.domain.errors import InputError

if TYPE_CHECKING:
    from ops.counts import Counts
    from ops.detecting import Judged


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
    detector: Annotated[
        str, typer.Option(help="vigie, or one of river's, such as river/HalfSpaceTrees.", metavar="NAME")
    ] = "vigie",
    param: Annotated[
        list[str] | None, typer.Option(help="A parameter of the detector; may repeat.", metavar="KEY=VALUE")
    ] = None,
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
    params = _params(detector, param or [])

    from ops.counts import read_counts
    from ops.detecting import judge

    table = read_counts(counts, negatives, total)
    judged, notes = judge(table, budget, detector, params)
    for note in notes:
        print(f"vigie: {note}", file=sys.stderr)  # noqa: T201
    _write(out, table, judged)


def _params(detector: str, given: list[str]) -> dict[str, str]:
    """KEY=VALUE as a mapping, checked against the detector before the file is read. Raises InputError."""
    from detectors.params import ParamError
    from detectors.table import detector_maker

    params: dict[str, str] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign or not key.strip():
            raise InputError(f"--param {text[:60]}: write KEY=VALUE")
        if key.strip() in params:
            raise InputError(f"--param {key.strip()[:60]}: given twice")
        params[key.strip()] = value.strip()
    try:
        detector_maker(detector, params)
    except ParamError as error:
        option = "--detector" if error.name == "detector" else f"--param {error.name}".rstrip()
        raise InputError(f"{option}: {error.reason}") from None
    return params


def _write(out: Path, table: Counts, judged: Judged) -> None:
    from ops.detecting import write

    if str(out) == "-":
        write(sys.stdout, table, judged)
        return
    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            write(file, table, judged)
    except OSError as error:
        raise InputError(f"{out}: {error.strerror or error}") from None
