"""What the inside can be told. `ops.settings` reads it from a file; here it is plain and frozen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.domain.playbook import BrandVoice
from engine.domain.signals import SIGNAL_MODES, SignalMode


@dataclass(frozen=True, slots=True)
class BrandConfig:
    """One brand: how a text is known to speak of it, how it speaks, and what its false alarms may cost.

    A text concerns the brand when one of `names`, `handles` or `keywords` stands in it at word boundaries, accents and
    case folded, and none of `exclude` does.
    """

    name: str
    names: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    voice: BrandVoice | None = None
    false_alarms_per_week: float | None = None


class PlannedEvent(NamedTuple):
    """A wave that is expected: `ratio` times the usual negatives of these brands (all without any) in [start, end)."""

    name: str
    brands: tuple[str, ...]
    start_s: int
    end_s: int
    ratio: float = 3.0


@dataclass(frozen=True, slots=True)
class EngineConfig:
    """Settings of the inside; every one is a duration, a limit or a budget, none is a threshold to guess.

    `open_brands` makes a brand with default settings of every name found on a mention. `lateness_s` is how far a
    mention may come behind the newest one and still be counted. `idle_s` is how long a live source may be silent
    before its silence moves time on. `provisional` lets a live stream raise an alert before the watermark has passed.
    """

    brands: tuple[BrandConfig, ...] = ()
    open_brands: bool = False
    lang: str = "fr"
    false_alarms_per_week: float = 0.25
    bin_s: int = 300
    lateness_s: int = 300
    idle_s: int = 60
    calm_s: int = 7_200
    stand_down_s: int = 86_400
    watch_s: int = 604_800
    level_hold_s: int = 7_200
    brands_max: int = 100_000
    ids_max: int = 500_000
    unpacked_max: int = 64
    """Brands at rest that are kept ready; more are packed, those untouched for longest first. Changes nothing else."""
    rests: bool = True
    """Quiet brands are looked at when their time comes, instead of with every bin. What is recorded is the same."""
    exercise: bool = False
    events: tuple[PlannedEvent, ...] = ()
    provisional: bool = False
    signals: tuple[tuple[str, SignalMode], ...] = SIGNAL_MODES
    """The signals beside the count, and what each may do."""
