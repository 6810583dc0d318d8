"""What comes of a backtest, as data."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean, median

from engine.domain.incident import AlertKind, Incident, Level, LevelChange
from engine.domain.playbook import Plan


@dataclass(frozen=True, slots=True)
class Figures:
    """What a budget would have cost one brand, or all of them. Times lie in event time.

    `weeks` is the time watched after warming up, from the first bin judged to the last; `brand_weeks` adds up those of
    the brands. `levels` counts alerts by the level that they told, `warning_levels` openings and reopenings by the
    highest level that followed. `delays_s` holds the delay of each of them that has one, `leads_s` how long before the
    peak of its wave it was told (below zero: after it), both smallest first.
    """

    weeks: float
    brand_weeks: float
    opened: int
    reopened: int
    alerts: int
    levels: tuple[tuple[Level, int], ...]
    warning_levels: tuple[tuple[Level, int], ...]
    paged: int
    delays_s: tuple[float, ...]
    leads_s: tuple[float, ...]

    @property
    def alerts_per_week(self) -> float | None:
        return self.alerts / self.weeks if self.weeks else None

    @property
    def paged_per_week(self) -> float | None:
        return self.paged / self.weeks if self.weeks else None

    @property
    def delay_mean_s(self) -> float | None:
        return fmean(self.delays_s) if self.delays_s else None

    @property
    def delay_median_s(self) -> float | None:
        return median(self.delays_s) if self.delays_s else None

    @property
    def lead_median_s(self) -> float | None:
        return median(self.leads_s) if self.leads_s else None

    @property
    def alerts_per_brand_week(self) -> float | None:
        return self.alerts / self.brand_weeks if self.brand_weeks else None


@dataclass(frozen=True, slots=True)
class Found:
    """One warning of a storm: an incident that would have opened, or opened again; `number` counts them in time.

    `incident` is its form when that wave was over, or at the end of the file; `levels` are those of this wave alone.
    `delay_ms` runs from the estimated onset, None where a wave that had been contained came back: its onset is past.
    `peak_ms` is the middle of the wave's busiest quarter of an hour, None where the history is too long to tell.
    """

    number: int
    kind: AlertKind
    at_ms: int
    delay_ms: int | None
    peak_ms: int | None
    levels: tuple[LevelChange, ...]
    incident: Incident
    plan: Plan | None

    @property
    def lead_ms(self) -> int | None:
        """How long before its peak it was told; below zero: after it."""
        return None if self.peak_ms is None else self.peak_ms - self.at_ms

    @property
    def first(self) -> LevelChange:
        return self.levels[0]

    @property
    def highest(self) -> LevelChange:
        return max(self.levels, key=lambda change: change.level)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One budget: in all, brand by brand, and what it would have found."""

    budget: float
    total: Figures
    brands: tuple[tuple[str, Figures], ...]
    found: tuple[Found, ...]


@dataclass(frozen=True, slots=True)
class History:
    """What one brand's series looked like: negatives by spans of `width_s` from `start_s` on, and when it was watched.

    `judged_from_s` is the end of warming up, None where the history is shorter than that.
    """

    brand: str
    mentions: int
    start_s: int
    width_s: int
    negatives: tuple[float, ...]
    judged_from_s: int | None
    end_s: int


@dataclass(frozen=True, slots=True)
class Backtest:
    """Everything that came of it; `file` is the name of the file without its folder."""

    file: str
    lang: str
    mentions: int
    rejected: int
    duplicates: int
    late: int
    unmatched: int
    first_ms: int | None
    last_ms: int | None
    histories: tuple[History, ...]
    outcomes: tuple[Outcome, ...]
