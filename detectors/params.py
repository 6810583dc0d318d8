"""Parameters as people write them, checked against a detector's frozen params."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import is_dataclass, replace
from typing import Any, NamedTuple

from engine.domain.errors import ConfigError

SHOWN_MAX = 60


class Range(NamedTuple):
    """The least and the greatest value that makes sense."""

    least: float
    most: float


class Settable(NamedTuple):
    """The params of a detector that may be set: their defaults, and the range of each by its dotted name."""

    defaults: Any
    ranges: Mapping[str, Range]
    check: Callable[[Any], str | None] = lambda params: None
    """What is wrong with values that don't fit together, if anything."""


class ParamError(ConfigError):
    """A parameter that can't be used: `name` is its dotted name as written, the text says why and what to do."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}" if name else reason)
        self.name = name
        self.reason = reason


def flat(given: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings as dotted names.

    >>> dict(flat({"n_trees": 5, "tail": {"level": 4}}))
    {'n_trees': 5, 'tail.level': 4}
    """
    for key, value in given.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def read_params(settable: Settable, given: Mapping[str, Any]) -> Any:
    """The params with what is given instead of the defaults. Values may be texts, as on a command line.

    Raises ParamError: no parameter has that name, or the value is of another kind or out of range.

    >>> from detectors.table import SETTABLE
    >>> read_params(SETTABLE["river/HalfSpaceTrees"], {"n_trees": "25", "tail": {"level": 5}}).n_trees
    25
    >>> read_params(SETTABLE["river/HalfSpaceTrees"], {"n_tree": 25})
    Traceback (most recent call last):
    detectors.params.ParamError: n_tree: unknown parameter; did you mean 'n_trees'?
    """
    params = settable.defaults
    for name, value in flat(given):
        limits = settable.ranges.get(name)
        if limits is None:
            close = difflib.get_close_matches(name, settable.ranges, n=1, cutoff=0.6)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(settable.ranges)}"
            raise ParamError(name[:SHOWN_MAX], f"unknown parameter; {hint}")
        params = _with(params, name.split("."), name, value, limits)
    wrong = settable.check(params)
    if wrong is not None:
        raise ParamError("", wrong)
    return params


def _with(params: Any, path: list[str], name: str, value: Any, limits: Range) -> Any:
    before = getattr(params, path[0])
    after = (
        _with(before, path[1:], name, value, limits) if is_dataclass(before) else _number(before, name, value, limits)
    )
    return replace(params, **{path[0]: after})


def _number(default: float, name: str, value: Any, limits: Range) -> float:
    whole = isinstance(default, int)
    kind = "a whole number" if whole else "a number"
    wanted = f"wanted {kind} from {limits.least:.12g} to {limits.most:.12g}"
    shown = str(value)[:SHOWN_MAX]
    if isinstance(value, bool) or not isinstance(value, int | float | str) or (isinstance(value, str) and "_" in value):
        raise ParamError(name, f"{shown!r} is not {kind}; {wanted}")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ParamError(name, f"{shown!r} is not {kind}; {wanted}") from None
    if whole and math.isfinite(number) and number != int(number):
        raise ParamError(name, f"{shown!r} is not {kind}; {wanted}")
    if not limits.least <= number <= limits.most:
        raise ParamError(name, f"{shown} is out of range; {wanted}")
    return int(number) if whole else number
