"""What each budget of false alarms would have cost and found on a history, before one is chosen.

The file goes through once. Every batch is given to one engine a budget, side by side; what they would each ask of the
text model is the same question, so it is answered once. Nothing is stored and nobody is told.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from statistics import fmean, median
from typing import Any

from detectors.text import load_scorer
from engine.core.engine import Engine
from engine.domain.batch import Batch
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.effects import AlertRaised, Counted, Effect, IncidentSaved
from engine.domain.errors import InputError
from engine.domain.incident import Alert, AlertKind, Incident, Level, LevelChange
from engine.domain.playbook import Plan
from engine.domain.scores import Scores
from engine.domain.series import BinCount, Verdict, WarmingUp
from engine.ports.detector import SeriesDetector
from engine.ports.planner import Planner
from engine.ports.text import TextScorer
from ops.app import PlannerWhenNeeded, detector_maker, engine_config
from ops.settings import Settings
from playbooks.catalogue import load_catalogue
from playbooks.planner import CataloguePlanner
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


@dataclass(frozen=True, slots=True)
class Figures:
    """What a budget would have cost one brand, or all of them. Times lie in event time.

    `weeks` is the time watched after warming up, from the first bin judged to the last; `brand_weeks` adds up those of
    the brands. `levels` counts alerts by the level that they told, `warning_levels` openings and reopenings by the
    highest level that followed. `delays_s` holds the delay of each of them that has one, shortest first.
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


@dataclass(frozen=True, slots=True)
class Found:
    """One warning of a storm: an incident that would have opened, or opened again; `number` counts them in time.

    `incident` is its form when that wave was over, or at the end of the file; `levels` are those of this wave alone.
    `delay_ms` runs from the estimated onset, None where a wave that had been contained came back: its onset is past.
    """

    number: int
    kind: AlertKind
    at_ms: int
    delay_ms: int | None
    levels: tuple[LevelChange, ...]
    incident: Incident
    plan: Plan | None

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


class OnceScorer:
    """Lets several engines read the same batch for the price of one: it remembers its last answer.

    >>> class Loud:
    ...     def score_many(self, texts, langs):
    ...         print("reading", len(texts))
    >>> scorer = OnceScorer(Loud())
    >>> for _ in range(3):
    ...     _ = scorer.score_many(["Panne", "Merci"], [None, None])
    reading 2
    """

    def __init__(self, scorer: TextScorer) -> None:
        self._scorer = scorer
        self._scored: tuple[list[str], list[str | None], Scores] | None = None
        self._categorised: tuple[list[str], tuple[tuple[str, ...], ...]] | None = None

    def score_many(self, texts: Sequence[str], langs: Sequence[str | None]) -> Scores:
        """See `engine.ports.text.TextScorer`."""
        if self._scored is None or self._scored[0] != texts or self._scored[1] != langs:
            self._scored = list(texts), list(langs), self._scorer.score_many(texts, langs)
        return self._scored[2]

    def categorise_many(self, texts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """See `engine.ports.text.TextScorer`."""
        if self._categorised is None or self._categorised[0] != texts:
            self._categorised = list(texts), self._scorer.categorise_many(texts)
        return self._categorised[1]


class Strip:
    """Sums over equal spans of time, at most `SPANS_MAX` of them: when there would be more, they get wider.

    >>> strip = Strip(3_600)
    >>> for hour in range(1_000):
    ...     strip.add(hour * 3_600, 1.0)
    >>> strip.width_s // 3_600, len(strip.sums), sum(strip.sums)
    (3, 334, 1000.0)
    """

    SPANS_MAX = 480
    WIDTHS_S = (60, 300, 900, 3_600, 10_800, 21_600, 43_200, 86_400, 604_800, 4 * 604_800, 52 * 604_800)

    def __init__(self, bin_s: int) -> None:
        self.width_s = next(width for width in self.WIDTHS_S if width >= min(bin_s, 86_400))
        self._first = 0
        self.sums: list[float] = []

    @property
    def start_s(self) -> int:
        return self._first * self.width_s

    def add(self, at_s: int, value: float) -> None:
        """Add to the span that holds `at_s`; times never go back."""
        if not self.sums:
            self._first = at_s // self.width_s
        while at_s // self.width_s - self._first >= self.SPANS_MAX and self.width_s < self.WIDTHS_S[-1]:
            self._widen()
        place = min(at_s // self.width_s - self._first, self.SPANS_MAX - 1)
        self.sums += [0.0] * (place + 1 - len(self.sums))
        self.sums[place] += value

    def _widen(self) -> None:
        narrow_s, start_s, sums = self.width_s, self.start_s, self.sums
        self.width_s = self.WIDTHS_S[self.WIDTHS_S.index(narrow_s) + 1]
        self._first = start_s // self.width_s
        self.sums = [0.0] * ((start_s + (len(sums) - 1) * narrow_s) // self.width_s - self._first + 1)
        for i, value in enumerate(sums):
            self.sums[(start_s + i * narrow_s) // self.width_s - self._first] += value


class Watched:
    """A detector that notes when it judged, and what it was given, on its way through."""

    def __init__(self, detector: SeriesDetector, bin_s: int) -> None:
        self._detector = detector
        self.strip = Strip(bin_s)
        self.judged_s = 0
        self.judged_from_s: int | None = None
        self.end_s = 0

    def step(self, x: BinCount) -> Verdict:
        """See `engine.ports.detector.SeriesDetector`."""
        verdict = self._detector.step(x)
        self.strip.add(x.start_s, x.negatives)
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


class _Warning:
    """An opening or reopening while its wave goes on."""

    def __init__(self, alert: Alert, plan: Plan | None, waves_before: int) -> None:
        self.kind, self.at_ms, self.plan = alert.kind, alert.at_ms, plan
        self.incident = replace(alert.incident, timeline=())
        self._levels_before = len(alert.incident.levels) - 1
        is_new = alert.incident.waves > waves_before
        self._since_ms = alert.incident.evidence.since_ms if is_new else None

    def found(self, number: int) -> Found:
        delay_ms = None if self._since_ms is None else max(0, self.at_ms - self._since_ms)
        levels = self.incident.levels[self._levels_before :]
        return Found(number, self.kind, self.at_ms, delay_ms, levels, self.incident, self.plan)


class _Side:
    """One engine under one budget, and what it would have done. Keeps incidents without their logs, and sums."""

    def __init__(
        self, config: EngineConfig, budget: float, detector: str, scorer: TextScorer, planner: Planner
    ) -> None:  # fmt: skip
        brands = tuple(replace(brand, false_alarms_per_week=None) for brand in config.brands)
        config = replace(config, brands=brands, false_alarms_per_week=budget)
        make = detector_maker(config, detector)
        self.budget = budget
        self.watched: dict[str, Watched] = {}
        self.counts: Counter[tuple[str, str]] = Counter()

        def watch(brand: BrandConfig) -> SeriesDetector:
            self.watched[brand.name] = Watched(make(brand), config.bin_s)
            return self.watched[brand.name]

        self._engine = Engine(config, scorer, watch, planner)
        self._last: dict[str, Incident] = {}
        self._warnings: dict[str, list[_Warning]] = {}
        self._alerts: dict[str, Counter[tuple[AlertKind, Level]]] = {}

    def step(self, batch: Batch, now_ms: int) -> None:
        for effect in self._engine.step(batch, now_ms):
            self._note(effect)

    def _note(self, effect: Effect) -> None:
        match effect:
            case IncidentSaved(incident):
                self._last[incident.id] = replace(incident, timeline=())
            case AlertRaised(alert, plan):
                self._hear(alert, plan)
            case Counted(name, labels, n):
                # of labels only the brand of a mention counts here
                self.counts[name, labels[0] if name == "mentions" else ""] += int(n)
            case _:  # what would be stored or shown: nothing is
                pass

    def _hear(self, alert: Alert, plan: Plan | None) -> None:
        incident = alert.incident
        self._alerts.setdefault(incident.brand, Counter())[alert.kind, incident.level] += 1
        warnings = self._warnings.setdefault(incident.id, [])
        if alert.kind in (AlertKind.OPENED, AlertKind.REOPENED):
            warnings.append(_Warning(alert, plan, warnings[-1].incident.waves if warnings else 0))
        else:
            # a later wave gathers evidence of its own, so each keeps the last form that was told of it
            warnings[-1].incident, warnings[-1].plan = replace(incident, timeline=()), plan

    def outcome(self) -> Outcome:
        for incident_id, warnings in self._warnings.items():
            warnings[-1].incident = self._last[incident_id]
        ordered = sorted(
            (warning for warnings in self._warnings.values() for warning in warnings),
            key=lambda w: (w.at_ms, w.incident.brand, w.incident.id),
        )
        found = tuple(warning.found(number) for number, warning in enumerate(ordered, 1))
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
        )


class Backtesting:
    """One pass over a file. Iterate over it to run it: each turn is a batch; then `result` tells.

    Memory holds one engine a budget (each with one batch, its brands' open bins and models), the incidents found, and
    at most `Strip.SPANS_MAX` sums a brand and budget: it does not grow with the file.
    """

    def __init__(self, params: BacktestParams, clock_ms: Callable[[], int], scorer: TextScorer | None = None) -> None:
        settings = params.settings
        config = EngineConfig(open_brands=True) if settings is None else engine_config(settings)
        config = replace(config, lang=params.lang or config.lang)
        self._params, self._clock_ms, self.lang = params, clock_ms, config.lang
        if scorer is None:
            spoken = tuple(dict.fromkeys(lang for b in config.brands if b.voice for lang in b.voice.langs))
            scorer = load_scorer(spoken or ("fr", "en"))
        own = () if settings is None else settings.playbooks.directories
        planner: Planner = CataloguePlanner(load_catalogue(own)) if own else PlannerWhenNeeded()
        once = OnceScorer(scorer)
        detector = "vigie" if settings is None else settings.detection.detector
        self._sides = [_Side(config, budget, detector, once, planner) for budget in params.budgets]
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
                now_ms = self._clock_ms()  # once a batch, or engines could differ about what lies in the future
                for side in self._sides:
                    side.step(batch, now_ms)
                self._look_at(batch, now_ms)
                end = batch.end
                yield
        finally:
            self.source.close()

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
        side = self._sides[0]
        counts = {name: n for (name, brand), n in side.counts.items() if not brand}
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
            histories=tuple(
                History(
                    brand, side.counts["mentions", brand], watched.strip.start_s, watched.strip.width_s,
                    tuple(round(value, 3) for value in watched.strip.sums), watched.judged_from_s, watched.end_s,
                )
                for brand, watched in sorted(side.watched.items())
            ),
            outcomes=tuple(side.outcome() for side in self._sides),
        )  # fmt: skip
