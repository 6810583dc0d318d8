"""A source that falls silent is not calm: its return is no storm."""

from __future__ import annotations

import random

import pytest

from detectors.table import DETECTORS
from engine.domain.series import BinCount, Reading


@pytest.mark.parametrize("hours", [2, 6, 12, 24])
def test_the_return_of_a_silent_source_is_no_alarm(hours: int) -> None:
    rng = random.Random(3)
    detector = DETECTORS["vigie"](bin_s=300, false_alarms_per_week=0.25)
    gap = range(6 * 288 + 180, 6 * 288 + 180 + 12 * hours)
    alarms = []
    for i in range(10 * 288):
        mentions = 0 if i in gap else sum(rng.random() < 0.5 for _ in range(14))
        negatives = sum(rng.random() < 0.25 for _ in range(mentions))
        verdict = detector.step(BinCount(300 * i, 300, float(negatives), float(mentions)))
        if isinstance(verdict, Reading) and verdict.alarm:
            alarms.append(i)
    assert not alarms
