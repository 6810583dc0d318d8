"""The bank: N series that share their bins, judged by one numpy step.

It says what N scalar `VigieDetector`s with a total would say, to rounding. What differs between series is a column of
arrays; what they share (the clock, and with it when blocks, hours and six hours are over) is kept once for all series
that began together. Series that are added later are a group with a clock of their own.

The bank knows no planned events: every bin has a lift of 1.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from detectors.bank.fields import DERIVED, SAID, TIDE, Arrays, Bools, Floats, fresh, kept, of
from detectors.bank.group import Group
from detectors.bank.minutes import Scratch
from detectors.series.normal import HOUR_S
from detectors.series.vigie import VigieParams
from engine.domain.errors import StateError

VERSION: Final = 2
WIDTH: Final = 16_384
"""Series that go through a step together: enough to hide the price of a call, few enough to stay in the cache."""
_HEAD: Final = struct.Struct("<4sHII")
_MAGIC: Final = b"VGBK"


@dataclass(frozen=True, slots=True)
class BankReading:
    """What the bank says after a bin: views of its own arrays, valid until the next step. Copy what you keep.

    Arrays by test are (3, N), in the order of `TESTS` (share, rate, tide), as in the scalar `Reading`; the others (N,).
    Of series that are `warming`, nothing but that is said: their `score` and what is `expected()` are NaN.
    """

    surprise: Floats
    alarms: Bools
    actives: Bools
    score: Floats
    alarm: Bools
    active: Bools
    warming: Bools
    start_s: int
    bin_s: int
    _arrays: Arrays

    def expected(self) -> Floats:
        """Negatives expected in this bin: made when asked for."""
        start, step = self._arrays["slow_line"]
        line: Floats = start + step * (self.start_s % HOUR_S + 0.5 * self.bin_s)
        line *= self.bin_s / HOUR_S
        line[self.warming] = np.nan
        return line

    def observed_since(self) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
        """Of each test the negatives observed, those expected, and since when (epoch seconds): made when asked for."""
        a = self._arrays
        since_s = np.empty(self.surprise.shape, dtype=np.int64)
        since_s[:TIDE] = self.start_s + self.bin_s - a["onset"][2]
        since_s[TIDE] = a["tide_since_h"][0] * HOUR_S
        observed = np.concatenate([a["onset"][0], a["tide_sums"][:1]])
        return observed, np.concatenate([a["onset"][1], a["tide_sums"][1:]]), since_s


class Bank:
    """The default detector for many series at once, each with negatives and a total.

    Args:
        n: how many series begin with the first step.
        params: the priors, the same for all.
        bin_s: length of a bin, 60 to 3600 seconds, the same for all.
        false_alarms_per_week: the budget of each series.
        width: how many series go through a step together.
        single: numbers of single precision: half the memory and more speed, for surprises that differ in their fourth
            decimal from those of the scalar form (an alarm differs where it hung by that).

    Raises:
        ValueError: an argument is out of range.

    >>> bank = Bank(2, VigieParams(), bin_s=300, false_alarms_per_week=0.25)
    >>> for i in range(288):
    ...     day = bank.step(300 * i, np.array([1.0, 2.0]), np.array([10.0, 20.0]))
    >>> bool(day.warming.all())
    True
    >>> bank.step(86_400, np.array([30.0, 2.0]), np.array([40.0, 20.0])).alarm.tolist()
    [True, False]
    """

    def __init__(
        self,
        n: int,
        params: VigieParams,
        *,
        bin_s: int,
        false_alarms_per_week: float,
        width: int = WIDTH,
        single: bool = False,
    ) -> None:
        if not 60 <= bin_s <= HOUR_S:
            raise ValueError(f"bin_s must be 60 to {HOUR_S}, not {bin_s}")
        if not 0.0 < false_alarms_per_week < 1000.0:
            raise ValueError(f"false_alarms_per_week must be over 0 and under 1000, not {false_alarms_per_week}")
        if width < 1:
            raise ValueError(f"width must be at least 1, not {width}")
        self._params = params
        self._bin_s = bin_s
        self._budget = false_alarms_per_week
        self._width = width
        self._dtype = np.dtype("<f4" if single else "<f8")
        self._kept = of(kept(params), self._dtype)
        self._derived = of({**DERIVED, **SAID}, self._dtype)
        self._fields = {**self._kept, **self._derived}
        self._scratch = Scratch(width, self._dtype)
        self._arrays = fresh(self._fields, 0)
        self._groups: list[tuple[int, int, Group]] = []
        self.add(n)

    def __len__(self) -> int:
        return int(self._arrays["score"].shape[-1])

    @property
    def state_bytes(self) -> int:
        """Memory of all series: what is kept, what follows from it, and what is said."""
        return sum(a.nbytes for a in self._arrays.values())

    def add(self, n: int) -> None:
        """Let `n` more series begin with the next step: they come last and are `warming` by their own clock."""
        if n < 0:
            raise ValueError(f"n must not be negative, but is {n}")
        before, ends, clocks = len(self), [b for _, b, _ in self._groups], [g.clock() for *_, g in self._groups]
        more = fresh(self._fields, n)
        self._arrays = {name: np.concatenate([a, more[name]], axis=-1) for name, a in self._arrays.items()}
        self._divide([*ends, *(min(a + self._width, before + n) for a in range(before, before + n, self._width))])
        for (_, _, group), clock in zip(self._groups, clocks, strict=False):
            group.wind(clock)

    def _divide(self, ends: list[int]) -> None:
        """Make groups, one up to each end."""
        self._groups = []
        for start, end in zip([0, *ends], ends, strict=False):
            arrays = {name: a[..., start:end] for name, a in self._arrays.items()}
            room = self._scratch.cut(end - start)
            self._groups.append((start, end, Group(arrays, room, self._params, self._bin_s, self._budget)))

    def step(self, start_s: int, negatives: Floats, totals: Floats) -> BankReading:
        """Judge the bin that starts at `start_s` (epoch seconds), then learn from it.

        Args:
            start_s: from 1970 to 2105.
            negatives, totals: numbers of shape (N,), finite and not below zero; a total below the negatives is raised
                to them. An empty bin is a bin of zeros; bins come in order and without holes.

        Raises:
            ValueError: the arrays are not of that shape, or the bin begins at another time.
        """
        if not 0 <= start_s < 2**32:
            raise ValueError(f"start_s must be 0 to {2**32 - 1}, not {start_s}")
        n, total = np.asarray(negatives, dtype=self._dtype), np.asarray(totals, dtype=self._dtype)
        if n.shape != (len(self),) or total.shape != n.shape:
            raise ValueError(f"a bin of this bank has shape ({len(self)},), not {n.shape} and {total.shape}")
        a = self._arrays
        for start, end, group in self._groups:
            a["warming"][0, start:end] = not group.warm
            group.step(start_s, n[start:end], total[start:end])
        return BankReading(
            a["surprise"], a["alarms"], a["active"], a["score"][0], a["alarm"][0], a["any_active"][0],
            a["warming"][0], start_s, self._bin_s, a,
        )  # fmt: skip

    def snapshot(self) -> bytes:
        """Everything needed to go on elsewhere: a head, a JSON table of fields and clocks, the arrays, a checksum."""
        table = {
            "bin_s": self._bin_s,
            "n": len(self),
            "groups": [[end, group.clock()] for _, end, group in self._groups],
            "fields": [[name, list(f.shape), f.kind] for name, f in self._kept.items()],
        }
        text = orjson.dumps(table)
        parts = [text, *(np.ascontiguousarray(self._arrays[name]).tobytes() for name in self._kept)]
        crc = 0
        for part in parts:
            crc = zlib.crc32(part, crc)
        return b"".join([_HEAD.pack(_MAGIC, VERSION, len(text), crc), *parts])

    def restore(self, snapshot: bytes) -> None:
        """Become what `snapshot` says, with this bank's own budget and priors.

        Raises:
            StateError: it is no snapshot of a bank, of another version or bin, cut short or damaged.
        """
        table, body = _opened(snapshot)
        if table["bin_s"] != self._bin_s:
            raise StateError(f"bank state of bins of {table['bin_s']} s: this bank has bins of {self._bin_s} s")
        if table["fields"] != [[name, list(f.shape), f.kind] for name, f in self._kept.items()]:
            raise StateError("bank state with other fields than this Vigie's: let the bank begin anew")
        n, at = int(table["n"]), 0
        arrays = fresh(self._derived, n)
        for name, field in self._kept.items():
            count = int(np.prod(field.shape)) * n
            flat = np.frombuffer(body, dtype=field.kind, count=count, offset=at)
            arrays[name] = flat.reshape(*field.shape, n).copy()
            at += flat.nbytes
        self._arrays = arrays
        self._width = max([self._width, *(b - a for a, b in _spans(table["groups"]))])
        self._scratch = Scratch(self._width, self._dtype)
        self._divide([end for end, _ in table["groups"]])
        for (_, _, group), (_, clock) in zip(self._groups, table["groups"], strict=True):
            group.wind(clock)


def _spans(groups: list[Any]) -> list[tuple[int, int]]:
    ends = [end for end, _ in groups]
    return list(zip([0, *ends], ends, strict=False))


def _opened(snapshot: bytes) -> tuple[dict[str, Any], memoryview]:
    if len(snapshot) < _HEAD.size or snapshot[:4] != _MAGIC:
        raise StateError("not the state of a bank: give the bytes that Bank.snapshot made")
    _, version, length, crc = _HEAD.unpack_from(snapshot)
    if version != VERSION:
        raise StateError(f"bank state of version {version}: this Vigie reads {VERSION}")
    rest = memoryview(snapshot)[_HEAD.size :]
    if zlib.crc32(rest) != crc:
        raise StateError("bank state cut short or damaged: restore an older one or let the bank begin anew")
    table: dict[str, Any] = orjson.loads(rest[:length])
    return table, rest[length:]
