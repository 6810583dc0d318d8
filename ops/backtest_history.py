"""What a backtest keeps of a history: sums over spans of time, when a detector judged, and where a wave peaked."""

from __future__ import annotations

from array import array
from typing import Any

from engine.domain.series import BinCount, Verdict, WarmingUp
from engine.ports.detector import SeriesDetector

PEAK_S = 900
"""A peak is the quarter of an hour with the most negatives: a bin of a minute would say more of chance."""
PEAK_S_MAX = 3_600
"""Over wider spans no peak is told: a lead of minutes could not be read from them."""
PEAK_SPANS_MAX = 8_192
"""Spans kept for peaks: twelve weeks of quarters of an hour, a year of hours."""


class Strip:
    """Sums over equal spans of time, at most `spans_max` of them: when there would be more, they get wider.

    >>> strip = Strip(3_600)
    >>> for hour in range(1_000):
    ...     strip.add(hour * 3_600, 1.0)
    >>> strip.width_s // 3_600, len(strip.sums), sum(strip.sums)
    (3, 334, 1000.0)
    """

    SPANS_MAX = 480
    """As many as a drawing shows."""
    WIDTHS_S = (60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 4 * 604_800, 52 * 604_800)

    def __init__(self, bin_s: int, spans_max: int = SPANS_MAX) -> None:
        self.width_s = next(width for width in self.WIDTHS_S if width >= min(bin_s, 86_400))
        self._spans_max = spans_max
        self._first = 0
        self.sums = array("d")

    @property
    def start_s(self) -> int:
        return self._first * self.width_s

    def add(self, at_s: int, value: float) -> None:
        """Add to the span that holds `at_s`; times never go back."""
        if not self.sums:
            self._first = at_s // self.width_s
        while at_s // self.width_s - self._first >= self._spans_max and self.width_s < self.WIDTHS_S[-1]:
            self._widen()
        place = min(at_s // self.width_s - self._first, self._spans_max - 1)
        self.sums.extend([0.0] * (place + 1 - len(self.sums)))
        self.sums[place] += value

    def _widen(self) -> None:
        narrow_s, start_s, sums = self.width_s, self.start_s, self.sums
        self.width_s = self.WIDTHS_S[self.WIDTHS_S.index(narrow_s) + 1]
        self._first = start_s // self.width_s
        self.sums = array("d", bytes(8 * ((start_s + (len(sums) - 1) * narrow_s) // self.width_s - self._first + 1)))
        for i, value in enumerate(sums):
            self.sums[(start_s + i * narrow_s) // self.width_s - self._first] += value


class Past:
    """One brand's negatives: a strip to draw, and a finer one where peaks are looked for."""

    def __init__(self, bin_s: int) -> None:
        self.strip = Strip(bin_s)
        self._fine = Strip(max(bin_s, PEAK_S), PEAK_SPANS_MAX)

    def add(self, x: BinCount) -> None:
        """Add a bin; times never go back."""
        self.strip.add(x.start_s, x.negatives)
        self._fine.add(x.start_s, x.negatives)

    def peak_s(self, since_s: int, until_s: int) -> int | None:
        """The middle of the span with the most negatives among those between the two times, the first of several.

        >>> past = Past(300)
        >>> for i in range(100):
        ...     past.add(BinCount(300 * i, 300, 5.0 if i == 50 else 1.0, None))
        >>> past.peak_s(9_000, 30_000)
        14850
        """
        width_s, start_s, sums = self._fine.width_s, self._fine.start_s, self._fine.sums
        if width_s > PEAK_S_MAX or not sums:
            return None
        first = max(0, (since_s - start_s) // width_s)
        last = min(len(sums) - 1, (until_s - 1 - start_s) // width_s)
        if last < first:
            return None
        place = max(range(first, last + 1), key=lambda i: (sums[i], -i))
        return start_s + place * width_s + width_s // 2


class Watched:
    """A detector that notes on its way through when it judged; the first of a brand's tells its past, too."""

    def __init__(self, detector: SeriesDetector, past: Past | None = None) -> None:
        self._detector = detector
        self._past = past
        self.judged_s = 0
        self.judged_from_s: int | None = None
        self.end_s = 0

    def step(self, x: BinCount) -> Verdict:
        """See `engine.ports.detector.SeriesDetector`."""
        verdict = self._detector.step(x)
        if self._past is not None:
            self._past.add(x)
        self.end_s = x.end_s
        if not isinstance(verdict, WarmingUp):
            self.judged_s += x.width_s
            if self.judged_from_s is None:
                self.judged_from_s = x.start_s
        return verdict

    def score_one(self, x: BinCount) -> Verdict:
        return self._detector.score_one(x)

    def learn_one(self, x: BinCount) -> None:
        self._detector.learn_one(x)

    def snapshot(self) -> dict[str, Any]:
        return self._detector.snapshot()

    def restore(self, snapshot: dict[str, Any]) -> None:
        self._detector.restore(snapshot)
