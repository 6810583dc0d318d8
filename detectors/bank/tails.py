"""The learnt tails of many series: `Tail` with one column a series, for the three tests."""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np

from detectors.bank.fields import TIDE, Arrays, Bools, Floats
from detectors.series.evidence import _LOG_N
from detectors.series.tail import _ABOVE, _KEEP, _LN10, _TOPS_A_WEEK
from detectors.series.tide import PRIOR as TIDE_TAIL
from detectors.series.vigie import VigieParams


class Tails:
    """Surprise is `statistic x slope + offset`: for the tests of minutes the statistic is the log of the sum of R."""

    def __init__(self, arrays: Arrays, params: VigieParams) -> None:
        self._priors: Final = (params.share_tail, params.rate_tail, TIDE_TAIL)
        self._level: Floats = arrays["tail_level"]
        self._above: Floats = arrays["above"]
        self._excess: Floats = arrays["excess"]
        self._seen: Floats = arrays["seen"]
        self._top: Floats = arrays["top"]
        self._scale: Floats = arrays["scale"]
        self._slope: Floats = arrays["slope"]
        self._offset: Floats = arrays["offset"]
        for test in range(3):
            self.refresh(test)

    def close(self, test: int, calm: Bools) -> None:
        """Six hours are over: learn from the tops of the series that were `calm`."""
        p = self._priors[test]
        level, scale = self._level[test], self._scale[test]
        top = self._top[test] if test == TIDE else self._top[test] - _LOG_N
        learns = calm & (top > -np.inf)
        excess = top - level
        over = excess > 0.0
        seen = self._seen[test] * _KEEP + 1.0
        peak = np.where(over, np.minimum(excess, p.excess_max * scale), 0.0)
        step = scale / _ABOVE / (p.level_tops + seen)
        np.copyto(self._seen[test], seen, where=learns)
        np.copyto(self._above[test], self._above[test] * _KEEP + over, where=learns)
        np.copyto(self._excess[test], self._excess[test] * _KEEP + peak, where=learns)
        np.copyto(level, level + step * (over - _ABOVE), where=learns)
        self._top[test] = -np.inf
        self.refresh(test)

    def refresh(self, test: int) -> None:
        p = self._priors[test]
        above = (_ABOVE * p.level_tops + self._above[test]) / (p.level_tops + self._seen[test])
        self._scale[test] = (p.scale * p.scale_peaks + self._excess[test]) / (p.scale_peaks + self._above[test])
        self._slope[test] = 1.0 / (self._scale[test] * _LN10)
        zero = self._level[test] if test == TIDE else self._level[test] + _LOG_N
        self._offset[test] = -zero * self._slope[test] - (np.log(above) + log(_TOPS_A_WEEK)) / _LN10
