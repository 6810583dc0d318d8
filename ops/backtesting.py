"""What each budget of false alarms would have cost and found on a history, before one is chosen.

The file goes through once, whatever the number of budgets: a mention is matched, read and folded once for all, and only
what follows from a closed bin is each budget's own (`engine.core.sides`). Nothing is stored and nobody is told.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from engine.domain.batch import Batch
from engine.domain.config import EngineConfig
from engine.domain.effects import AlertRaised, Counted, Effect, IncidentSaved
from engine.domain.errors import InputError
from engine.domain.incident import Alert, AlertKind, Incident, Level
from engine.domain.playbook import Plan
from engine.ports.detector import SeriesDetector
from engine.ports.text import TextScorer
from ops.app import LINEAR, Choices, build_sides, detector_choices, engine_config
from ops.backtest_history import Past, Watched
from ops.backtest_result import Backtest, Figures, Found, History, Outcome
from ops.learning import scorer_of_settings
from ops.settings import Settings
from streams.files import FileParams, FileSource

BATCH_MAX = 8_192
BUDGETS_MAX = 8
BUDGET_MIN, BUDGET_MAX = 0.001, 100.0
REJECTS_SHOWN_MAX = 10
WEEK_S = 604_800

ASKS_ATTENTION = (AlertKind.OPENED, AlertKind.REOPENED, AlertKind.RAISED)
"""The alerts that ask something of the team; the others tell that a storm is abating."""

PAGES_FROM = Level.ORANGE


def parse_budgets(text: str) -> tuple[float, ...]:
    """Budgets as typed, smallest first, each once. Raises InputError.

    >>> parse_budgets("1, 0.25,1.0")
    (0.25, 1.0)
    """
    found: set[float] = set()
    for part in text.split(","):
        try:
            budget = float(part)
        except ValueError:
            budget = math.nan
        if not BUDGET_MIN <= budget <= BUDGET_MAX:
            raise InputError(
                f"--budget {text[:60]!r}: {part[:20]!r} is no number from {BUDGET_MIN:g} to {BUDGET_MAX:g}; write "
                "false alarms a week between commas, with a decimal point, for example 0.25,1"
            )
        found.add(budget)
    if len(found) > BUDGETS_MAX:
        raise InputError(f"--budget: {len(found)} budgets, at most {BUDGETS_MAX} go side by side")
    return tuple(sorted(found))


@dataclass(frozen=True, slots=True)
class BacktestParams:
    """What to judge, and under which budgets (smallest first). Without settings every brand found on a mention is a
    brand with default settings. Budgets that the settings give to brands are set aside."""

    path: str
    budgets: tuple[float, ...]
    settings: Settings | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    brand: str | None = None
    lang: str | None = None
    """The language of the result; None for that of the settings."""
    batch_max: int = BATCH_MAX


class _Warning:
    """An opening or reopening while its wave goes on."""

    def __init__(self, alert: Alert, plan: Plan | None, waves_before: int) -> None:
        self.kind, self.at_ms, self.plan = alert.kind, alert.at_ms, plan
        self.incident = replace(alert.incident, timeline=())
        self.over_ms: int | None = None
        """When it was back to normal."""
        self._levels_before = len(alert.incident.levels) - 1
        self._is_new = alert.incident.waves > waves_before
        self._since_ms = alert.incident.evidence.since_ms

    def found(self, number: int, past: Past, end_s: int) -> Found:
        since_ms = self._since_ms if self._is_new else self.at_ms
        peak_s = past.peak_s(since_ms // 1000, end_s if self.over_ms is None else self.over_ms // 1000)
        return Found(
            number=number,
            kind=self.kind,
            at_ms=self.at_ms,
            delay_ms=max(0, self.at_ms - self._since_ms) if self._is_new else None,
            peak_ms=None if peak_s is None else peak_s * 1000,
            levels=self.incident.levels[self._levels_before :],
            incident=self.incident,
            plan=self.plan,
        )


class _Side:
    """What one budget would have done. Keeps incidents without their logs, and sums."""

    def __init__(self, budget: float) -> None:
        self.budget = budget
        self.watched: dict[str, Watched] = {}
        self._last: dict[str, Incident] = {}
        self._warnings: dict[str, list[_Warning]] = {}
        self._alerts: dict[str, Counter[tuple[AlertKind, Level]]] = {}

    def note(self, effect: Effect) -> None:
        match effect:
            case IncidentSaved(incident):
                self._last[incident.id] = replace(incident, timeline=())
            case AlertRaised(alert, plan):
                self._hear(alert, plan)
            case _:  # what would be stored or shown: nothing is
                pass

    def _hear(self, alert: Alert, plan: Plan | None) -> None:
        incident = alert.incident
        self._alerts.setdefault(incident.brand, Counter())[alert.kind, incident.level] += 1
        warnings = self._warnings.setdefault(incident.id, [])
        if alert.kind in (AlertKind.OPENED, AlertKind.REOPENED):
            warnings.append(_Warning(alert, plan, warnings[-1].incident.waves if warnings else 0))
            return
        # a later wave gathers evidence of its own, so each keeps the last form that was told of it
        warnings[-1].incident, warnings[-1].plan = replace(incident, timeline=()), plan
        if alert.kind in (AlertKind.CONTAINED, AlertKind.RESOLVED) and warnings[-1].over_ms is None:
            warnings[-1].over_ms = alert.at_ms

    def outcome(self, pasts: Mapping[str, Past]) -> Outcome:
        for incident_id, warnings in self._warnings.items():
            warnings[-1].incident = self._last[incident_id]
        ordered = sorted(
            (warning for warnings in self._warnings.values() for warning in warnings),
            key=lambda w: (w.at_ms, w.incident.brand, w.incident.id),
        )
        found = tuple(
            warning.found(number, pasts[warning.incident.brand], self.watched[warning.incident.brand].end_s)
            for number, warning in enumerate(ordered, 1)
        )
        by_brand: dict[str, list[Found]] = {brand: [] for brand in sorted(self.watched)}
        for item in found:
            by_brand[item.incident.brand].append(item)
        return Outcome(
            self.budget,
            self._figures(list(by_brand), found),
            tuple((brand, self._figures([brand], items)) for brand, items in by_brand.items()),
            found,
        )

    def _figures(self, brands: Sequence[str], found: Sequence[Found]) -> Figures:
        judged = [w for w in map(self.watched.__getitem__, brands) if w.judged_from_s is not None]
        from_s = min((w.judged_from_s for w in judged if w.judged_from_s is not None), default=0)
        counts: Counter[tuple[AlertKind, Level]] = Counter()
        for brand in brands:
            counts.update(self._alerts.get(brand, {}))
        asking = {(kind, level): n for (kind, level), n in counts.items() if kind in ASKS_ATTENTION}
        levels = tuple((level, sum(n for (_, told), n in asking.items() if told is level)) for level in Level)
        return Figures(
            weeks=(max((w.end_s for w in judged), default=0) - from_s) / WEEK_S,
            brand_weeks=sum(w.judged_s for w in judged) / WEEK_S,
            opened=sum(item.kind is AlertKind.OPENED for item in found),
            reopened=sum(item.kind is AlertKind.REOPENED for item in found),
            alerts=sum(asking.values()),
            levels=levels,
            warning_levels=tuple((level, sum(item.highest.level is level for item in found)) for level in Level),
            paged=sum(n for level, n in levels if level >= PAGES_FROM),
            delays_s=tuple(sorted(item.delay_ms / 1000 for item in found if item.delay_ms is not None)),
            leads_s=tuple(sorted(item.lead_ms / 1000 for item in found if item.lead_ms is not None)),
        )


class Backtesting:
    """One pass over a file. Iterate over it to run it: each turn is a batch; then `result` tells.

    Memory holds one batch, the brands' open bins, a model a brand and budget, the incidents found, and at most
    `PEAK_SPANS_MAX` sums a brand: it does not grow with the file.
    """

    def __init__(self, params: BacktestParams, clock_ms: Callable[[], int], scorer: TextScorer | None = None) -> None:
        settings = params.settings
        config = EngineConfig(open_brands=True) if settings is None else engine_config(settings)
        config = replace(config, lang=params.lang or config.lang)
        self._params, self._clock_ms, self.lang = params, clock_ms, config.lang
        self._sides = [_Side(budget) for budget in params.budgets]
        self._pasts: dict[str, Past] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

        def watch(place: int, brand: str, detector: SeriesDetector) -> SeriesDetector:
            past = None
            if brand not in self._pasts:
                past = self._pasts[brand] = Past(config.bin_s)
            watched = self._sides[place].watched[brand] = Watched(detector, past)
            return watched

        self._engine = build_sides(
            config,
            params.budgets,
            detectors=Choices() if settings is None else detector_choices(settings),
            playbook_dirs=() if settings is None else settings.playbooks.directories,
            text=LINEAR if settings is None else settings.text,
            scorer=scorer or scorer_of_settings(settings, config),
            watch=watch,
        )
        self.source = FileSource(
            FileParams(params.path, params.mapping, params.brand, lateness_ms=config.lateness_s * 1000, name="backtest")
        )
        self.rejects: list[str] = []
        """The first records that could not be read, each with its place and reason."""
        self._first_ms: int | None = None
        self._last_ms: int | None = None

    def __iter__(self) -> Iterator[None]:
        end = False
        try:
            while not end:
                batch = replace(self.source.poll(self._params.batch_max, 0.0), source=self.source.name)
                now_ms = self._clock_ms()
                for effect in self._engine.step(batch, now_ms):
                    self._count(effect)
                for place, effect in self._engine.take():
                    self._sides[place].note(effect)
                self._look_at(batch, now_ms)
                end = batch.end
                yield
        finally:
            self.source.close()

    def _count(self, effect: Effect) -> None:
        match effect:
            case Counted(name, labels, n):
                # of labels only the brand of a mention counts here
                self._counts[name, labels[0] if name == "mentions" else ""] += int(n)
            case _:
                pass

    def _look_at(self, batch: Batch, now_ms: int) -> None:
        for reject in batch.rejects[: max(0, REJECTS_SHOWN_MAX - len(self.rejects))]:
            what = f"{reject.field}: {reject.reason}" if reject.field else reject.reason
            self.rejects.append(f"{reject.position}: {what}")
        if batch.mentions:
            times = [min(mention.created_at_ms, now_ms) for mention in batch.mentions]
            self._first_ms = min(times) if self._first_ms is None else min(self._first_ms, *times)
            self._last_ms = max(times) if self._last_ms is None else max(self._last_ms, *times)

    def result(self) -> Backtest:
        """What came of it so far."""
        counts = {name: n for (name, brand), n in self._counts.items() if not brand}
        duplicates = counts.get("duplicates", 0)
        path = self._params.path
        return Backtest(
            file=path if path == "-" else PurePath(path).name.encode("utf-8", "replace").decode(),
            lang=self.lang,
            mentions=counts.get("received", 0) - duplicates,
            rejected=counts.get("rejected", 0),
            duplicates=duplicates,
            late=counts.get("late", 0),
            unmatched=counts.get("unmatched", 0),
            first_ms=self._first_ms,
            last_ms=self._last_ms,
            histories=tuple(self._history(brand) for brand in sorted(self._pasts)),
            outcomes=tuple(side.outcome(self._pasts) for side in self._sides),
        )

    def _history(self, brand: str) -> History:
        strip, watched = self._pasts[brand].strip, self._sides[0].watched[brand]
        return History(
            brand=brand,
            mentions=self._counts["mentions", brand],
            start_s=strip.start_s,
            width_s=strip.width_s,
            negatives=tuple(round(value, 3) for value in strip.sums),
            judged_from_s=watched.judged_from_s,
            end_s=watched.end_s,
        )
