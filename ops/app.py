"""The composition root: the one place where the pieces meet. Constructors open nothing but the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from detectors.params import ParamError
from detectors.signals.table import SIGNALS
from detectors.table import DEFAULT, detector_maker
from detectors.text import load_scorer
from detectors.themes import RiverGroups
from engine.core.engine import Engine, MakeDetector, MakeSignals
from engine.core.sides import Side, Sides
from engine.core.slot import Packed
from engine.domain.batch import Batch, Command
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.errors import ConfigError
from engine.domain.incident import Incident
from engine.domain.playbook import Plan, PlanRequest
from engine.domain.signals import OPENING_PART, detector_part
from engine.ports.detector import SeriesDetector
from engine.ports.planner import Planner
from engine.ports.signal import Watched
from engine.ports.text import TextScorer
from ops.drill.db import DRILL
from ops.planned import planned_events
from ops.runs import run_keeper
from ops.settings import Settings
from ops.store.codec import StatePacking, loads
from ops.store.store import ENGINE, Store
from ops.watched import Text
from playbooks.catalogue import load_catalogue
from playbooks.planner import CataloguePlanner


def program_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("vigie")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"


def brand_configs(settings: Settings) -> tuple[BrandConfig, ...]:
    """The brands of the settings, as the inside wants them."""
    return tuple(
        BrandConfig(
            name=brand.name,
            names=brand.aliases,
            handles=brand.handles,
            keywords=brand.keywords,
            exclude=brand.exclude,
            voice=brand.voice(),
            false_alarms_per_week=brand.false_alarms_per_week,
        )
        for brand in settings.brands
    )


def engine_config(settings: Settings, *, exercise: bool = False, now_s: float | None = None) -> EngineConfig:
    """The part of the settings that the inside needs. Repeated events are unfolded to two years after `now_s`.

    Raises ConfigError when the ICS file can't be used.
    """
    detection, incidents = settings.detection, settings.incidents
    return EngineConfig(
        brands=brand_configs(settings),
        open_brands=not settings.brands,
        lang=settings.lang,
        false_alarms_per_week=detection.false_alarms_per_week,
        bin_s=detection.bin_s,
        lateness_s=detection.lateness_s,
        calm_s=incidents.calm_s,
        stand_down_s=incidents.stand_down_s,
        watch_s=incidents.watch_s,
        level_hold_s=incidents.level_hold_s,
        exercise=exercise,
        events=planned_events(settings, time.time() if now_s is None else now_s),
        provisional=settings.alerts.provisional,
        signals=detection.signals.modes(),
    )


LINEAR = Text()
"""Comments read by the tables that come with Vigie."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A detector by its name in the table, and what is set of its params."""

    name: str = DEFAULT
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choices:
    """The detector of all brands, and that of those that have one of their own."""

    usual: Choice = Choice()
    own: Mapping[str, Choice] = field(default_factory=dict)

    def of(self, brand: str) -> Choice:
        return self.own.get(brand, self.usual)


def detector_choices(settings: Settings) -> Choices:
    """The detectors that the settings ask for."""
    detection = settings.detection
    return Choices(
        Choice(detection.detector, detection.detector_params),
        {b.name: Choice(b.detector, b.detector_params) for b in settings.brands if b.detector is not None},
    )


def brand_detectors(config: EngineConfig, choices: Choices) -> MakeDetector:
    """Makes the detector of a brand, with what the signals that open leave of its budget.

    Raises ConfigError when one can't be made.
    """
    try:
        makers = {name: detector_maker(c.name, c.params) for name, c in choices.own.items()}
        usual = detector_maker(choices.usual.name, choices.usual.params)
    except ParamError as error:
        raise ConfigError(f"detection: {error}") from None

    def of_brand(brand: BrandConfig) -> SeriesDetector:
        budget = brand.false_alarms_per_week or config.false_alarms_per_week
        return makers.get(brand.name, usual)(
            bin_s=config.bin_s, false_alarms_per_week=budget * detector_part(config.signals)
        )

    return of_brand


def signals_maker(config: EngineConfig) -> MakeSignals:
    """Makes the signals beside the count of a brand.

    One that opens has its part of the budget, so that all alarms together hold it. One that only notes has the whole
    budget for itself: it costs no alarm, and its sentence is as rare as one.
    """
    modes = [(name, mode == "open") for name, mode in config.signals if mode != "off"]

    def of_brand(brand: BrandConfig) -> tuple[Watched, ...]:
        budget = brand.false_alarms_per_week or config.false_alarms_per_week
        return tuple(Watched(SIGNALS[name](budget * (OPENING_PART if opens else 1.0)), opens) for name, opens in modes)

    return of_brand


class PlannerWhenNeeded:
    """The shipped catalogue, read when the first incident asks for it: most replays of calm never do."""

    def __init__(self) -> None:
        self._planner: CataloguePlanner | None = None

    def plan(self, request: PlanRequest) -> Plan:
        if self._planner is None:
            self._planner = CataloguePlanner(load_catalogue())
        return self._planner.plan(request)


def build_engine(
    config: EngineConfig,
    *,
    detectors: Choices = Choices(),
    playbook_dirs: Sequence[Path] = (),
    text: Text = LINEAR,
    in_a_hurry: bool = False,
    scorer: TextScorer | None = None,
    planner: Planner | None = None,
) -> Engine:
    """An engine with the real pieces, its memory empty. `in_a_hurry` leaves the shipped playbooks for later; a planner
    may be shared by many.

    Raises ConfigError or PlaybookError when a setting or a playbook file can't be used.
    """
    scorer = scorer or make_scorer(text, config.brands)
    planner = planner or make_planner(playbook_dirs, in_a_hurry=in_a_hurry)
    return Engine(
        config, scorer, brand_detectors(config, detectors), planner, signals_maker(config), RiverGroups(),
        StatePacking(),
    )  # fmt: skip


def build_sides(
    config: EngineConfig,
    budgets: Sequence[float],
    *,
    detectors: Choices = Choices(),
    playbook_dirs: Sequence[Path] = (),
    text: Text = LINEAR,
    scorer: TextScorer | None = None,
    watch: Callable[[int, str, SeriesDetector], SeriesDetector],
) -> Sides:
    """Engines for several budgets of false alarms, side by side, with the real pieces; budgets of brands are set aside.

    `watch` is handed each detector, with the number of its budget and its brand, and answers with the one to use.
    Raises as `build_engine`.
    """
    brands = tuple(replace(brand, false_alarms_per_week=None) for brand in config.brands)

    def side(place: int, budget: float) -> Side:
        its = replace(config, brands=brands, false_alarms_per_week=budget)
        make = brand_detectors(its, detectors)
        return Side(its, lambda brand: watch(place, brand.name, make(brand)), signals_maker(its))

    sides = [side(place, budget) for place, budget in enumerate(budgets)]
    return Sides(sides, scorer or make_scorer(text, config.brands), make_planner(playbook_dirs, in_a_hurry=True))


def spoken_langs(text: Text, brands: Sequence[BrandConfig]) -> tuple[str, ...]:
    """The languages that comments are told apart in: those of the brands, then those of the settings."""
    of_brands = dict.fromkeys(lang for brand in brands if brand.voice for lang in brand.voice.langs)
    return tuple(dict.fromkeys((*(of_brands or ("fr", "en")), *text.langs)))


def make_scorer(text: Text, brands: Sequence[BrandConfig] = ()) -> TextScorer:
    """What reads comments, as the settings ask. Raises ConfigError when the model that they name can't be used."""
    linear = load_scorer(spoken_langs(text, brands))
    if text.backend == "linear" or text.model_dir is None:
        return linear
    from detectors.text.onnx_scorer import OnnxParams, load_onnx_scorer

    return load_onnx_scorer(OnnxParams(text.model_dir, text.threads, text.texts_a_run), linear)


def make_planner(playbook_dirs: Sequence[Path], *, in_a_hurry: bool) -> Planner:
    """The shipped playbooks and those of one's own. Raises PlaybookError when a file can't be used."""
    return PlannerWhenNeeded() if in_a_hurry and not playbook_dirs else CataloguePlanner(load_catalogue(playbook_dirs))


def restore_engine(
    engine: Engine,
    store: Store,
    anew: Callable[[str, str], dict[str, Any] | None] | None = None,
    owner: str = ENGINE,
) -> None:
    """Fill the engine's memory with what the store holds under that owner.

    `anew` is asked about each brand and the kind of its stored detector, and may answer with a state to use instead.
    """
    parts: dict[str, Any] = {}
    wanted: list[str] = []
    for part, raw in store.stored_state(owner):
        kind, _, brand = (*part.split(":", 2), "", "")[:3]
        if kind != "brand":
            parts[part] = loads(raw)
            continue
        head, data = StatePacking.head(raw), None
        if head is None:
            data = loads(raw)
            head = [0, data["case"]["incident"], data["detector"].get("kind")]
        until_s, incident, detector = head
        if incident is not None:
            wanted.append(incident)
        other = anew(brand, detector or DEFAULT) if anew else None
        if other is not None:
            data = loads(raw) if data is None else data
            data["detector"] = other
        # most brands are at rest: they stay as they are until somebody asks for them
        parts[part] = Packed(raw, until_s, incident) if data is None else data
    if not parts:
        return
    known = store.incidents_of(wanted)
    incidents: dict[str, Incident] = {id_: incident for id_, (incident, _) in known.items()}
    plans: dict[str, Plan] = {id_: plan for id_, (_, plan) in known.items() if plan is not None}
    engine.restore(parts, incidents, plans)


def open_engine(
    settings: Settings,
    store: Store,
    scorer: TextScorer | None = None,
    *,
    owner: str = ENGINE,
    planner: Planner | None = None,
    exercise: bool = False,
) -> Engine:
    """An engine that goes on where the store says. A brand that was given another detector warms up again."""
    config, choices = engine_config(settings, exercise=exercise), detector_choices(settings)
    make = brand_detectors(config, choices)

    def anew(brand: str, stored: str) -> dict[str, Any] | None:
        return None if stored == choices.of(brand).name else make(BrandConfig(brand)).snapshot()

    engine = build_engine(
        config, detectors=choices, playbook_dirs=settings.playbooks.directories, text=settings.text, scorer=scorer,
        planner=planner,
    )  # fmt: skip
    restore_engine(engine, store, anew, owner)
    return engine


def apply_commands(settings: Settings, store: Store, clock_ms: Callable[[], int]) -> None:
    """Carry out the commands that wait in the store, when no service runs that would."""
    run_keeper(settings, store, clock_ms)
    exercise = DRILL in store.get_meta()
    commands = store.pending_commands()
    by_owner: dict[str, list[Command]] = {}
    for command in commands:
        incident = store.incident(command.incident_id)
        owner = store.owner_of(incident.brand) if incident is not None else None
        by_owner.setdefault(owner or ENGINE, []).append(command)
    for owner, its in by_owner.items():
        if owner == ENGINE:
            store.take()
        else:
            store.take_part(owner)
        engine = open_engine(settings, store, owner=owner, exercise=exercise)
        store.apply(engine.step(Batch(commands=tuple(its)), clock_ms()), owner)
