"""Replaying a file through the engine: event time, as fast as it goes, the same answer every time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter
from types import TracebackType
from typing import Any, Self

from engine.domain.config import EngineConfig
from engine.domain.draft_state import StoredDraft
from engine.domain.effects import AlertRaised, Effect, IncidentSaved, PlanMade
from engine.domain.errors import InputError
from engine.domain.incident import Incident
from engine.domain.playbook import Plan
from engine.loop import run_once
from ops.app import build_engine, detector_choices, engine_config, restore_engine
from ops.collector import quieten_collector
from ops.learning import scorer_of_settings
from ops.rehearsal import Rehearsal
from ops.runs import RunKeeper, rules_of
from ops.settings import Settings
from ops.store.store import Store
from streams.files import FileParams, FileSource

BATCH_MAX = 8_192
REPLAYED = "replayed"
"""The mark of a database that holds a replay and nothing else: a service that starts on it takes the mark away."""


@dataclass(frozen=True, slots=True)
class ReplayParams:
    """What to replay. Without settings every brand found on a mention is a brand with default settings."""

    path: str
    settings: Settings | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    brand: str | None = None
    exercise: bool = False
    batch_max: int = BATCH_MAX
    lang: str | None = None
    """The language of the team, where the settings do not say."""
    whole: bool = False
    """Also say what a service would have made of it: whom it would have told what, the run, the texts."""


@dataclass(frozen=True, slots=True)
class Totals:
    """What came of the mentions; `mentions` are those that were well formed and new."""

    mentions: int
    rejected: int
    duplicates: int
    late: int
    unmatched: int
    future_clamped: int
    truncated: int
    unknown_fields: int


class Replay:
    """One replay, as a context. Iterate over it to run it: each turn gives the alerts that it raised.

    The store is temporary unless the settings name a database. A replay always begins at the beginning, so a database
    that an earlier replay filled is emptied first, and one that a service filled is refused.
    """

    def __init__(self, params: ReplayParams, clock_ms: Callable[[], int]) -> None:
        self._params = params
        self._clock_ms = clock_ms
        self._stack = ExitStack()
        self._runs: RunKeeper | None = None
        self._rehearsal: Rehearsal | None = None
        self.elapsed_s = 0.0
        self.rejects: list[str] = []

    def __enter__(self) -> Self:
        try:
            self._open()
            quieten_collector()
        except BaseException:  # whatever ends it, what was opened is closed; then it goes on
            self._stack.close()
            raise
        return self

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._stack.close()

    def _open(self) -> None:
        params, settings = self._params, self._params.settings
        if settings is not None and "database" in settings.model_fields_set:
            self.store = self._stack.enter_context(fresh_store(settings.database))
        else:
            self.store = self._stack.enter_context(Store.temporary())
        if settings is None:
            config = EngineConfig(open_brands=True, exercise=params.exercise, lang=params.lang or "fr")
            self.engine = build_engine(config, in_a_hurry=True)
        else:
            config = engine_config(settings, exercise=params.exercise)
            self.engine = build_engine(
                config,
                detectors=detector_choices(settings),
                playbook_dirs=settings.playbooks.directories,
                text=settings.text,
                in_a_hurry=True,
                scorer=scorer_of_settings(settings, config),
            )
            self._runs = RunKeeper(self.store, rules_of(settings, event_time=True), self._clock_ms)
            if params.whole:
                self._rehearsal = Rehearsal(settings)
                self._stack.callback(self._rehearsal.close)
        self.lang = config.lang
        name = "replay"
        source_params = FileParams(
            params.path, params.mapping, params.brand, lateness_ms=config.lateness_s * 1000, name=name
        )
        self.source = FileSource(source_params)
        self._stack.callback(self.source.close)
        positions = self.store.take([name])
        restore_engine(self.engine, self.store)
        self.source.seek(positions[name])

    def __iter__(self) -> Iterator[list[AlertRaised]]:
        started = perf_counter()
        executor = _Collecting(self.store, self._runs)
        end, newest_ms = False, 0
        while not end:
            batch = run_once(
                self.engine, self.source, executor, self._clock_ms, batch_max=self._params.batch_max, timeout_s=0.0
            )
            for reject in batch.rejects[: max(0, 10 - len(self.rejects))]:
                what = f"{reject.field}: {reject.reason}" if reject.field else reject.reason
                self.rejects.append(f"{reject.position}: {what}")
            end = batch.end
            newest_ms = max([newest_ms, *(mention.created_at_ms for mention in batch.mentions[-1:])])
            if end and self._runs is not None:
                self._runs.rest(newest_ms)
            alerts = executor.take()
            if self._rehearsal is not None:
                self._rehearsal.hear(alerts)
                if end and (self._rehearsal.told or alerts):
                    self._rehearsal.advance(newest_ms)
            self.elapsed_s = perf_counter() - started
            yield alerts

    def totals(self) -> Totals:
        """The counts so far, from the store."""
        sums: dict[str, float] = {}
        for (name, _), value in self.store.counters().items():
            sums[name] = sums.get(name, 0) + value
        count = {name: int(value) for name, value in sums.items()}
        duplicates = count.get("duplicates", 0)
        return Totals(
            mentions=count.get("received", 0) - duplicates,
            rejected=count.get("rejected", 0),
            duplicates=duplicates,
            late=count.get("late", 0),
            unmatched=count.get("unmatched", 0),
            future_clamped=count.get("future_clamped", 0),
            truncated=count.get("truncated", 0),
            unknown_fields=count.get("unknown_fields", 0),
        )

    def incidents(self) -> list[tuple[Incident, Plan | None]]:
        """Those that reached open, by opening time."""
        return [(incident, self.store.plan(incident.id)) for incident in self.store.incidents()]

    def document(self) -> dict[str, Any]:
        """OUT.json."""
        from ops.render.report import incident_view

        totals = self.totals()
        return {
            "mentions": totals.mentions,
            "rejected": totals.rejected,
            "duplicates": totals.duplicates,
            "mentions_per_s": round((totals.mentions + totals.duplicates) / max(self.elapsed_s, 1e-9), 1),
            "incidents": [incident_view(incident, plan) for incident, plan in self.incidents()],
            **self._chain(),
        }

    def _chain(self) -> dict[str, Any]:
        """With settings: whom they would have had told what, the runs with their logs, the texts that lie ready."""
        settings = self._params.settings
        if self._rehearsal is None or settings is None:
            return {}
        from ops.render.drafts import drafts_view
        from ops.render.run import run_view

        incidents = [incident for incident, _ in self.incidents()]
        runs = [(run, self.store.runs.timeline(one.id)) for one in incidents if (run := self.store.runs.run(one.id))]
        return {
            "messages": self._rehearsal.views(),
            "runs": [{"incident": run.incident_id, **run_view(run, events)} for run, events in runs],
            "texts": [view for one in incidents for view in drafts_view(self._texts(settings, one))],
        }

    def _texts(self, settings: Settings, incident: Incident) -> list[StoredDraft]:
        """The drafts as a service would have made them; no fact is approved, so what is missing is named."""
        from ops.drafting import Drafting, reader
        from ops.reports.gather import end_of_replay
        from playbooks.catalogue import load_catalogue

        end_ms = end_of_replay(self.store, incident)
        catalogue = load_catalogue(settings.playbooks.directories)
        scorer = scorer_of_settings(settings, engine_config(settings))
        Drafting(self.store, settings, catalogue, lambda: end_ms, reader(scorer)).refresh(incident.id)
        return self.store.drafts.of(incident.id)


def fresh_store(place: str) -> Store:
    """The database at `place` as a replay wants it: empty.

    Raises InputError when it holds anything but an earlier replay: the memory of a service and what a team said are not
    to be mixed with mentions of another time, nor thrown away.
    """
    store = Store.open(place)
    try:
        if store.service() is not None:
            raise InputError(f"{store.name}: a service runs on it; name another database for the replay")
        if store.labels.all():
            raise InputError(f"{store.name}: holds corrections of a team; name another database for the replay")
        if REPLAYED in store.get_meta():
            store.empty()
        elif store.load_state() or store.incidents(suspected=True) or store.inbox.waiting():
            raise InputError(f"{store.name}: holds the memory of a service; name another database for the replay")
        store.set_meta(REPLAYED, "yes")
    except BaseException:  # whatever ends it, the store is closed; then it goes on
        store.close()
        raise
    return store


class _Collecting:
    """The store as executor. Alerts are kept to be shown, never stored: nobody is paged for the past, not even by a
    service that is started on the same database later."""

    def __init__(self, store: Store, runs: RunKeeper | None = None) -> None:
        self._store, self._runs = store, runs
        self._alerts: list[AlertRaised] = []

    def apply(self, effects: Sequence[Effect]) -> None:
        self._store.apply([effect for effect in effects if not isinstance(effect, AlertRaised)])
        if self._runs is not None and any(isinstance(e, IncidentSaved | PlanMade | AlertRaised) for e in effects):
            self._runs.on_replay(effects)
        self._alerts += [effect for effect in effects if isinstance(effect, AlertRaised)]

    def take(self) -> list[AlertRaised]:
        alerts, self._alerts = self._alerts, []
        return alerts
