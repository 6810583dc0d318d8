"""What the bank knows of each series: a table of arrays, the last axis over the series.

`KEPT` fields are the state (they go into a snapshot), the others follow from it and are refreshed when a block closes.
Tests are numbered as in a `Reading`: 0 share, 1 rate, 2 tide; arrays over the first two are "of minutes".
"""

from __future__ import annotations

from math import inf, log
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from detectors.series.tide import _SIGMA, _SIGMA_WEIGHT
from detectors.series.tide import PRIOR as TIDE_TAIL
from detectors.series.vigie import VigieParams

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
"""All of a bank in double precision, or all of it in single."""
Bools: TypeAlias = npt.NDArray[np.bool_]
Kind: TypeAlias = np.dtype[Any]
Arrays: TypeAlias = dict[str, npt.NDArray[Any]]

TESTS: Final = ("share", "rate", "tide")
SHARE: Final = 0
RATE: Final = 1
TIDE: Final = 2


class Field(NamedTuple):
    """Shape before the axis of series, and the value (or column of values) of a fresh series."""

    shape: tuple[int, ...]
    fresh: float | list[float] = 0.0
    kind: str = "f"
    """Type of numpy; "f" is that of the bank's numbers."""


def kept(params: VigieParams) -> dict[str, Field]:
    """The state, by name: 201 numbers, 6 times and 7 bytes a series.

    >>> sum(int(np.prod(f.shape)) for f in kept(VigieParams()).values() if f.kind == "f")
    201
    """
    normals = (params.share_normal, params.rate_normal)
    tails = (params.share_tail, params.rate_tail, TIDE_TAIL)
    return {
        # evidence: R of each ratio; what dates the onset; observed, expected and age in seconds since that onset
        "r": Field((2, 5)),
        "gain": Field((2,)),
        "onset": Field((3, 2)),
        # the tail of each test; `top` is the log of the sum of R (of minutes) or z (tide)
        "tail_level": Field((3,), [t.level for t in tails]),
        "above": Field((3,)),
        "excess": Field((3,)),
        "seen": Field((3,)),
        "top": Field((3,), -inf),
        "surprise": Field((3,), [0.0, 0.0, -1.0]),
        "peak": Field((3,)),
        "peak_at": Field((3,), 0.0, "<u4"),
        # drift, and the sums of the block: negatives, mentions (share) or expected (rate), squares
        "x": Field((2,)),
        "p_var": Field((2,), [p.drift**2 for p in normals]),
        "log_s2": Field((2,), [log(p.drift**2) for p in normals]),
        "known": Field((2,)),
        "p_num": Field((2,)),
        "p_den": Field((2,)),
        "block": Field((3, 2)),
        # mentions of the block and negatives of the hour beside those in `block`
        "mentions": Field((1,)),
        # silence: negatives expected since the last mention, up to this block; empty bins at the block's end so far
        "missing": Field((1,)),
        "empties": Field((1,), 0.0, "|u1"),
        "hour_n": Field((1,)),
        # levels: numerator, denominator; hours of day and weekdays likewise
        "share": Field((2,)),
        "rate": Field((2,), [0.02, 1.0]),
        "rate_hours": Field((48,)),
        "rate_days": Field((14,)),
        "slow": Field((2,), [0.02, 1.0]),
        "slow_hours": Field((48,)),
        "slow_days": Field((14,)),
        # tide: observed, expected; square, weight; last sum learnt from, hour of the onset
        "tide_sums": Field((2,)),
        "tide_sigma": Field((2,), [_SIGMA**2 * _SIGMA_WEIGHT, _SIGMA_WEIGHT]),
        "tide_hours": Field((1,), 24.0),  # seen, with the day of warming up
        "tide_last": Field((1,)),
        "tide_since_h": Field((1,)),
        # alarms: when (seconds, or hours for the tide), and what has come since, by weight
        "alarm_at": Field((3,), 0.0, "<u4"),
        "ebb": Field((2, 2)),
        "active": Field((3,), 0.0, "|b1"),
        "storm": Field((1,), 0.0, "|b1"),
        "stormy": Field((1,), 0.0, "|b1"),
        "told": Field((1,), 0.0, "|b1"),
    }


DERIVED: Final[dict[str, Field]] = {
    "scale": Field((3,)),
    "slope": Field((3,)),
    "offset": Field((3,)),
    "margin": Field((3,)),  # surprise + margin of each test is on the scale of the whole budget
    "m": Field((2,)),
    "unsure": Field((2,)),
    "phi": Field((2,)),
    "phi9": Field((2,)),
    "temper": Field((2,)),
    "usual": Field((2,)),  # present share p, p (1 - p)
    "costs": Field((5,)),
    "rate_line": Field((3,)),  # start, step, relative variance of the hour
    "due_line": Field((2,)),  # the same line per bin, times the drift
    "slow_line": Field((2,)),
}
SAID: Final[dict[str, Field]] = {
    "score": Field((1,), float("nan")),
    "alarms": Field((3,), 0.0, "|b1"),
    "alarm": Field((1,), 0.0, "|b1"),
    "any_active": Field((1,), 0.0, "|b1"),
    "warming": Field((1,), 1.0, "|b1"),
}


def of(fields: dict[str, Field], dtype: Kind) -> dict[str, Field]:
    """The same fields with the type of the bank's numbers filled in."""
    return {name: f._replace(kind=dtype.str) if f.kind == "f" else f for name, f in fields.items()}


def fresh(fields: dict[str, Field], n: int) -> Arrays:
    """Arrays of `n` series that nothing is known of."""
    made: Arrays = {}
    for name, field in fields.items():
        array = np.empty((*field.shape, n), dtype=field.kind)
        array[...] = np.asarray(field.fresh)[..., None]
        made[name] = array
    return made
