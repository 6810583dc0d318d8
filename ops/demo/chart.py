"""A bar chart of negatives, five minutes a column, against what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from engine.domain.incident import Incident
from ops.demo.scenario import MINUTE_MS

SLOT_MS = 5 * MINUTE_MS
BLOCKS = " ▁▂▃▄▅▆▇█"
UNITS = 10_000
TOP_MIN = 4.0


class Chart:
    """Bars from `observed` (negatives by slot, in ten-thousandths), a line from `expected`; `last` is now."""

    def __init__(
        self, observed: Mapping[int, int], expected: Mapping[int, float], last: int, zone: ZoneInfo,
        incident: Incident | None,
    ) -> None:  # fmt: skip
        self._observed, self._expected, self._last, self._zone = observed, expected, last, zone
        self._since = incident.since_ms // SLOT_MS if incident else None
        self._opened = incident.opened_at_ms // SLOT_MS if incident else None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        axis = 4
        width, rows = max(8, options.max_width - axis), max(2, (options.height or 9) - 1)
        slots = range(self._last - width + 1, self._last + 1)
        values = [self._observed.get(slot, 0) / UNITS for slot in slots]
        foreseen = self._foreseen(slots)
        top = max(TOP_MIN, *values, *(value for value in foreseen if value is not None))
        for row in range(rows - 1, -1, -1):
            label = f"{top:.0f}" if row == rows - 1 else "0" if row == 0 else ""
            line = Text(no_wrap=True)
            line.append(f"{label:>{axis - 1}} ", "dim")
            for slot, value, expected in zip(slots, values, foreseen, strict=True):
                line.append(*self._cell(slot, value, expected, top, row, rows))
            yield line
        yield self._hours(slots, axis)

    def _foreseen(self, slots: range) -> list[float | None]:
        """What was expected, held from one known slot to the next."""
        known = [slot for slot in self._expected if slot <= slots[0]]
        value = self._expected[known[-1]] if known else None
        found = []
        for slot in slots:
            value = self._expected.get(slot, value)
            found.append(value)
        return found

    def _cell(
        self, slot: int, value: float, expected: float | None, top: float, row: int, rows: int
    ) -> tuple[str, str]:  # fmt: skip
        eighths = round(value / top * rows * 8) - row * 8
        level_row = None if expected is None else min(rows - 1, int(expected / top * rows))
        if eighths <= 0:
            return ("╌", "yellow") if level_row == row else (" ", "")
        style = "cyan"
        if self._since is not None and slot >= self._since:
            style = "red" if self._opened is not None and slot >= self._opened else "dark_orange"
        return BLOCKS[min(8, eighths)], style

    def _hours(self, slots: range, axis: int) -> Text:
        cells = [" "] * (axis + len(slots))
        free = 0
        for i, slot in enumerate(slots):
            moment = datetime.fromtimestamp(slot * SLOT_MS / 1000, self._zone)
            label = f"{moment.hour:02d}:00"
            if moment.minute == 0 and axis + i >= free and axis + i + len(label) <= len(cells):
                cells[axis + i : axis + i + len(label)] = label
                free = axis + i + len(label) + 1
        return Text("".join(cells), style="dim", no_wrap=True)
