"""Plays an exercise: the real service on a database of its own, a synthetic storm as its source, the drill's clock.

The settings' rota, roles and channels are those of the team; what could reach the outside by mistake is not: no real
source is read, no freeze webhook is called, no dead man's switch is told, and no signed link is made (it would open
the production installation).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from engine.domain.batch import Batch, Cursor
from engine.domain.errors import InputError
from engine.ports.source import Source
from ops.channels import Alerts
from ops.drill.db import DRILL, DrillClock, mark
from ops.drill.scenario import Scenario, Storm
from ops.service import Service
from ops.settings import HttpSource, MetricsSettings, Settings, Sources
from ops.store import Store
from ops.store.store import wall_clock_ms
from ops.watched import Brand

BRAND = "Nordalia"
"""The brand that plays where the settings name none."""
SOURCE = "exercise"
SPEED_MAX = 3_600.0


@dataclass(frozen=True, slots=True)
class DrillParams:
    """What to play, where, how fast. `minutes` is the exercise's own time; `silent` tells no channel."""

    scenario: Scenario
    db: str
    brand: str | None = None
    lang: str | None = None
    speed: float = 1.0
    minutes: int | None = None
    silent: bool = False
    port: int = 0


class ExerciseSource:
    """The storm as a source: the calm days at once, then each comment when the drill's clock has come to it."""

    name = SOURCE

    def __init__(self, storm: Storm, clock_ms: Callable[[], int]) -> None:
        self._mentions = (*storm.before(), *storm.storm())
        self._clock_ms, self._at = clock_ms, 0

    def seek(self, positions: Mapping[str, str]) -> None:
        """Go on after the comment of that number."""
        self._at = int(positions.get("0", "0"))

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        """What has come by now."""
        now_ms, start = self._clock_ms(), self._at
        while self._at < min(len(self._mentions), start + max_mentions):
            if self._mentions[self._at].created_at_ms > now_ms:
                break
            self._at += 1
        if self._at == start:
            time.sleep(min(timeout_s, 0.05))
            return Batch()
        return Batch(self._mentions[start : self._at], cursors=(Cursor(self.name, "0", str(self._at)),))

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """Nobody else reads it."""

    def close(self) -> None:
        """Nothing is open."""


def drill_settings(settings: Settings, params: DrillParams) -> Settings:
    """The team's settings, with everything taken out that an exercise must not touch."""
    brand = params.brand or (settings.brands[0].name if settings.brands else BRAND)
    if settings.brands and settings.brand(brand) is None:
        raise InputError(f"--brand: {brand[:60]!r} is not in the settings")
    people = settings.people
    alerts = settings.alerts.model_copy(update={"base_url": None})
    if params.silent:
        alerts = Alerts(channels=(), provisional=settings.alerts.provisional)
        people = {name: person.model_copy(update={"contacts": ()}) for name, person in people.items()}
    oncall = settings.oncall.model_copy(
        update={"deadman": None, "test": None, "link_secret_env": None, "link_secret_file": None}
    )
    return settings.model_copy(
        update={
            "database": params.db,
            "lang": params.lang or settings.lang,
            "brands": settings.brands or (Brand(name=brand),),
            "alerts": alerts,
            "people": people,
            "oncall": oncall,
            "events": (),
            "events_ics": None,
            "metrics": MetricsSettings(),
            "sources": Sources(http=HttpSource(port=params.port)),
        }
    )


class DrillService(Service):
    """The service with the storm as its only source. Every incident is an exercise from its first suspicion on."""

    def __init__(self, settings: Settings, clock_ms: Callable[[], int], storm: Storm) -> None:
        super().__init__(settings, clock_ms, exercise=True)
        self._storm = storm

    def _make_sources(self, settings: Settings) -> list[Source]:
        super()._make_sources(settings)  # the inbox stays, for the routes; nothing reads it
        return [ExerciseSource(self._storm, self._clock_ms)]


class Drill:
    """One exercise. `run` returns when its time is over, or after `stop`."""

    def __init__(self, settings: Settings, params: DrillParams) -> None:
        if not 0 < params.speed <= SPEED_MAX:
            raise InputError(f"--speed {params.speed:g}: more than 0, at most {SPEED_MAX:g}")
        self.settings, self.params = drill_settings(settings, params), params
        self.brand = params.brand or self.settings.brands[0].name
        now_ms = wall_clock_ms()
        self.clock = DrillClock(now_ms, now_ms, params.speed)
        self.minutes = params.minutes or params.scenario.minutes + 60
        self._prepare()
        storm = Storm(params.scenario, self.brand, self.settings.lang, now_ms)
        self.service = DrillService(self.settings, self.now_ms, storm)

    def now_ms(self) -> int:
        return self.clock.at(wall_clock_ms())

    def _prepare(self) -> None:
        """The database: new, or an earlier drill's that is emptied. Raises InputError for any other."""
        with Store.open(self.params.db) as store:
            if DRILL in store.get_meta():
                if store.service() is not None:
                    raise InputError(f"{store.name}: an exercise runs on it; name another file with --db")
                store.empty()
            elif store.load_state() or store.incidents(suspected=True) or store.get_meta() or store.tokens.all():
                raise InputError(f"{store.name}: not a drill's database; name a new file with --db")
            mark(store, self.clock, **self._told)

    @property
    def _told(self) -> dict[str, object]:
        return {"scenario": self.params.scenario.id, "brand": self.brand, "minutes": self.minutes}

    @property
    def over(self) -> bool:
        return self.now_ms() >= self.clock.start_ms + self.minutes * 60_000

    def stop(self) -> None:
        self.service.stop()

    def run(self, announce: Callable[[str], None]) -> None:
        """Play it to its end."""
        import threading

        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(0.2):
                if self.over:
                    self.service.stop()
                    return

        watcher = threading.Thread(target=watch, name="drill", daemon=True)
        watcher.start()
        try:
            self.service.run(announce)
        finally:
            ended.set()
            end_ms = self.now_ms()
            with Store.open(self.params.db) as store:
                mark(store, self.clock, **self._told, ended_ms=end_ms)
