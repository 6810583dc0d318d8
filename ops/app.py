"""The composition root: the one place where the pieces meet. Constructors open nothing but the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from detectors.signals.table import SIGNALS
from detectors.table import DETECTORS
from detectors.text import load_scorer
from engine.core.engine import Engine, MakeDetector, MakeSignals
from engine.domain.batch import Batch
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.errors import ConfigError
from engine.domain.incident import Incident
from engine.domain.playbook import Plan, PlanRequest
from engine.domain.signals import OPENING_PART, detector_part
from engine.ports.detector import SeriesDetector
from engine.ports.signal import Watched
from ops.planned import planned_events
from ops.settings import Settings
from ops.store.store import Store
from playbooks.catalogue import load_catalogue
from playbooks.planner import CataloguePlanner


def program_version() -> str:
    """The version of the installed distribution."""
    try:
        return version("vigie")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "0"


def engine_config(settings: Settings, *, exercise: bool = False, now_s: float | None = None) -> EngineConfig:
    """The part of the settings that the inside needs. Repeated events are unfolded to two years after `now_s`.

    Raises ConfigError when the ICS file can't be used.
    """
    detection, incidents = settings.detection, settings.incidents
    return EngineConfig(
        brands=tuple(
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
        ),
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


def detector_maker(config: EngineConfig, name: str) -> MakeDetector:
    """Makes the detector of a brand, with what the signals that open leave of its budget.

    Raises ConfigError if none has that name.
    """
    make = DETECTORS.get(name)
    if make is None:
        raise ConfigError(f"detection.detector: there is no detector {name!r}; there are {', '.join(DETECTORS)}")

    def of_brand(brand: BrandConfig) -> SeriesDetector:
        budget = brand.false_alarms_per_week or config.false_alarms_per_week
        return make(bin_s=config.bin_s, false_alarms_per_week=budget * detector_part(config.signals))

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
    detector: str = "vigie",
    playbook_dirs: Sequence[Path] = (),
    langs: tuple[str, ...] = (),
    in_a_hurry: bool = False,
) -> Engine:
    """An engine with the real pieces, its memory empty. `in_a_hurry` leaves the shipped playbooks for later.

    Raises ConfigError or PlaybookError when a setting or a playbook file can't be used.
    """
    spoken = langs or tuple(dict.fromkeys(lang for b in config.brands if b.voice for lang in b.voice.langs))
    scorer = load_scorer(spoken or ("fr", "en"))
    hurried = in_a_hurry and not playbook_dirs
    planner = PlannerWhenNeeded() if hurried else CataloguePlanner(load_catalogue(playbook_dirs))
    return Engine(config, scorer, detector_maker(config, detector), planner, signals_maker(config))


def restore_engine(engine: Engine, store: Store) -> None:
    """Fill the engine's memory with what the store holds."""
    parts = store.load_state()
    if not parts:
        return
    incidents: dict[str, Incident] = {incident.id: incident for incident in store.incidents(suspected=True)}
    plans: dict[str, Plan] = {}
    for incident_id in incidents:
        plan = store.plan(incident_id)
        if plan is not None:
            plans[incident_id] = plan
    engine.restore(parts, incidents, plans)


def open_engine(settings: Settings, store: Store) -> Engine:
    """An engine that goes on where the store says."""
    engine = build_engine(
        engine_config(settings), detector=settings.detection.detector, playbook_dirs=settings.playbooks.directories
    )
    restore_engine(engine, store)
    return engine


def apply_commands(settings: Settings, store: Store, clock_ms: Callable[[], int]) -> None:
    """Carry out the commands that wait in the store, when no service runs that would."""
    store.take()
    engine = open_engine(settings, store)
    store.apply(engine.step(Batch(commands=store.pending_commands()), clock_ms()))
