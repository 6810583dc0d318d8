"""A level's clock: what the team must have done, and by when, from the moment it is told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from engine.domain.incident import Level


class Clock(NamedTuple):
    """`minutes` after the team was told; repeated every `every_min` where set. `name` is a stable word."""

    name: str
    minutes: int
    every_min: int | None = None


CLOCKS: Mapping[Level, tuple[Clock, ...]] = MappingProxyType(
    {
        Level.VERT: (Clock("digest", 1440, 1440),),
        Level.JAUNE: (Clock("ack", 15), Clock("qualify", 30)),
        Level.ORANGE: (
            Clock("ack", 5),
            Clock("qualify", 15),
            Clock("freeze", 30),
            Clock("holding", 60),
            Clock("sitrep", 60, 60),
        ),
        Level.ROUGE: (Clock("ack", 5), Clock("cell", 30), Clock("sitrep", 30, 30), Clock("holding", 45)),
    }
)
"""By level, the most urgent first."""
