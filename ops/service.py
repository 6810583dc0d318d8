"""`vigie run`: sources into the engine, effects into the store, alerts out. One engine thread; everything else waits.

The order of a turn is the promise of the house: poll, step, one transaction, and only then does the source hear of it.
When the store can't take a transaction the same effects are tried again, and nothing more is polled meanwhile: the
sources feel it as back-pressure.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from engine.domain.batch import Reject
from engine.domain.effects import AlertRaised, Counted, DeadLettered, Effect, Gauged
from engine.domain.errors import FencedError, InputError, TransientError, VigieError
from engine.loop import run_once
from engine.ports.source import Source
from ops.app import brand_configs, make_scorer, open_engine, program_version
from ops.collector import quieten_collector
from ops.drafting import reader
from ops.learning import Follower, Freshened
from ops.metrics import Metrics
from ops.outbox_figures import OutboxFigures
from ops.outgoing import Outgoing
from ops.people_side import PeopleSide
from ops.replaying import REPLAYED
from ops.runs import run_keeper
from ops.settings import Settings
from ops.store.store import ENGINE, HEARTBEAT_MS_MAX, Store
from ops.web import WebServer, add_probes, bind
from ops.workers.base import kafka_params
from streams.follow import FollowedFileSource, FollowParams, StdinSource
from streams.http import create_ingest_app
from streams.inbox import InboxSource
from streams.kafka import KafkaSource

if TYPE_CHECKING:
    from fastapi import FastAPI

log = logging.getLogger("vigie")

BEAT_S = 2.0
STUCK_S_MAX = 30.0
"""A turn that takes longer than this is not ready to take more."""

RETRY_S = (0.1, 0.25, 0.5, 1.0, 2.0)
DRAIN_S_MAX = 20.0
POLL_S = 0.25
BATCH_MAX = 8_192
"""Mentions of a turn that catches up; one that keeps up takes what came meanwhile. A turn is one transaction, and what
it writes grows with the brands, not with the mentions."""


class Service:
    """The running engine. `run` returns once `stop` was called and everything accepted has been worked through."""

    def __init__(self, settings: Settings, clock_ms: Callable[[], int], *, exercise: bool = False) -> None:
        self._settings = settings
        self._exercise = exercise
        self._clock_ms = clock_ms
        self._stopping = threading.Event()
        self._turned_at_s = time.monotonic()
        self._trouble = ""
        self.metrics = Metrics(program_version())
        self._stack = ExitStack()

    def stop(self) -> None:
        """Finish: take nothing new, work through what was accepted, deliver, end. Safe from a signal handler."""
        self._stopping.set()

    def run(self, announce: Callable[[str], None]) -> None:
        """Serve until `stop`. Raises InputError before the start, FencedError when another process took over."""
        with self._stack as stack:
            self._start(stack, announce)
            quieten_collector()
            announce("ready")
            self._serve()
            log.info("stopped")

    # -- start and end -------------------------------------------------------------------------------------------

    def _start(self, stack: ExitStack, announce: Callable[[str], None]) -> None:
        settings = self._settings
        http = settings.sources.http
        listener = bind(http.host, http.port) if http is not None else None
        if listener is not None:
            stack.callback(listener.close)
        self._store = stack.enter_context(Store.open(settings.database, clock_ms=self._clock_ms))
        self._wait_for_other()
        self._refuse_mixing()
        self._sources = self._make_sources(settings)
        if not self._sources:
            raise InputError("the settings name no source: set sources.http, files, stdin or kafka")
        self._store.unset_meta(REPLAYED)  # from here on it holds more than a replay
        positions = self._store.take(dict.fromkeys(source.name for source in self._sources))
        runs = run_keeper(settings, self._store, self._clock_ms)
        scorer = make_scorer(settings.text, brand_configs(settings))
        self._engine = open_engine(settings, self._store, scorer, exercise=self._exercise)
        use = settings.learning
        self._learnt = Follower(self._store, scorer, use=use.use, version=use.version)
        self._learnt.refresh()
        self.metrics.seed(self._store.counters())
        for source in self._sources:
            source.seek(positions[source.name])
            stack.callback(source.close)
        self._store.beat()
        stack.callback(self._quietly, self._store.unbeat)
        self._outgoing = Outgoing(settings, self._store, self._clock_ms)
        self._outbox_figures = OutboxFigures(settings, self._store, self._clock_ms)
        self._people = PeopleSide(
            settings, self._store, self._clock_ms, outgoing=self._outgoing, runs=runs,
            engine_turns=lambda: self._ready()[0], read=reader(scorer),
        )  # fmt: skip
        self._outgoing.start(stack)
        self._people.start(stack)
        self._web: WebServer | None = None
        if listener is not None:
            self._web = WebServer(self._make_app(), listener)
            self._web.start()
            announce(f"listening on {self._web.address}")
            stack.callback(self._web.stop)
        self._start_metrics(stack, announce)
        beat = threading.Thread(target=self._beat, name="beat", daemon=True)
        beat.start()

    def _wait_for_other(self) -> None:
        """One service a database. Another one that died without a word is waited for until its heartbeat is stale."""
        deadline_s = time.monotonic() + HEARTBEAT_MS_MAX / 1000 + 1
        while (other := self._store.service()) is not None:
            if other.host == socket.gethostname() or time.monotonic() > deadline_s:
                raise InputError(
                    f"{self._store.name}: vigie run already serves this database "
                    f"(process {other.pid} on {other.host}); stop it first"
                )
            time.sleep(0.5)

    def _refuse_mixing(self) -> None:
        """The state of workers is not that of one process that does all."""
        if any(owner != ENGINE for owner in self._store.owners()):
            raise InputError(
                f"{self._store.name}: holds the state of `vigie worker watch`, which vigie run can't share; "
                "start workers, or name another database"
            )

    def _make_sources(self, settings: Settings) -> list[Source]:
        """The sources that the settings name. Building one opens nothing."""
        sources: list[Source] = []
        if settings.sources.http is not None:
            self._inbox_source = InboxSource(self._store.inbox, name="http")
            sources.append(self._inbox_source)
        sources += [FollowedFileSource(FollowParams(str(file.path))) for file in settings.sources.files]
        if settings.sources.stdin:
            sources.append(StdinSource())
        if settings.sources.kafka is not None:
            params = kafka_params(settings.sources.kafka)
            sources.append(KafkaSource(params, lambda: self._stored_positions(params.name)))
        return sources

    def _stored_positions(self, source: str) -> dict[str, str]:
        return {c.partition: c.position for c in self._store.positions() if c.source == source}

    def _make_app(self) -> FastAPI:
        http = self._settings.sources.http
        assert http is not None
        token, secret = http.token(), http.secret()
        app = create_ingest_app(
            self._store.inbox,
            token=token.get_secret_value() if token else None,
            secret=secret.get_secret_value() if secret else None,
            on_reject=self._refused,
            on_accept=self._inbox_source.notify,
        )
        own_port = self._settings.metrics.port is not None
        self._people.add_routes(app)
        add_probes(app, self._healthy, self._ready, None if own_port else self.metrics)
        return app

    def _start_metrics(self, stack: ExitStack, announce: Callable[[str], None]) -> None:
        section = self._settings.metrics
        if section.port is None:
            return
        from fastapi import FastAPI

        listener = bind(section.host, section.port)
        app = FastAPI(title="Vigie metrics", openapi_url=None)
        add_probes(app, self._healthy, self._ready, self.metrics)
        server = WebServer(app, listener)
        server.start()
        announce(f"metrics on {server.address}/metrics")
        stack.callback(server.stop)

    def _quietly(self, action: Callable[[], None]) -> None:
        try:
            action()
        except VigieError as error:
            log.warning("%s", error)

    # -- the loop ------------------------------------------------------------------------------------------------

    def _serve(self) -> None:
        ended: set[Source] = set()
        while not self._stopping.is_set():
            timeout_s = POLL_S / len(self._sources)
            for source in self._sources:
                if source not in ended and self._turn(source, timeout_s):
                    ended.add(source)
            if len(ended) == len(self._sources):
                break
        if self._web is not None:
            self._web.stop()
        self._drain(ended)

    def _turn(self, source: Source, timeout_s: float) -> bool:
        """One turn of one source; True when it is over for good."""
        started = time.perf_counter()
        try:
            commands = self._store.pending_commands()
            batch = run_once(
                self._engine, Freshened(source, self._learnt), self, self._clock_ms, commands=commands,
                batch_max=BATCH_MAX, timeout_s=timeout_s, live=True, may_end=len(self._sources) == 1,
            )  # fmt: skip
        except TransientError as error:
            self._in_trouble(f"{source.name}: {error}")
            self._stopping.wait(1.0)
            return False
        self._trouble = ""
        self._turned_at_s = time.monotonic()
        if batch.rejects:
            first = batch.rejects[0]
            why = f"{first.field}: {first.reason}" if first.field else first.reason
            log.warning(
                "%s: %d records refused, the first at %s: %s", source.name, len(batch.rejects), first.position, why
            )
        if batch.mentions:
            self.metrics.step_took(time.perf_counter() - started)
        if isinstance(source, KafkaSource):
            self.metrics.observe([Gauged("source_lag", (source.name, p), float(n)) for p, n in source.lag.items()])
        return batch.end

    def _drain(self, ended: set[Source]) -> None:
        """Work through what was already accepted: the inbox; the other sources keep theirs for the next start."""
        deadline_s = time.monotonic() + DRAIN_S_MAX
        for source in self._sources:
            if source in ended or not isinstance(source, InboxSource):
                continue
            while time.monotonic() < deadline_s:
                batch = run_once(self._engine, source, self, self._clock_ms, timeout_s=0.0, live=True, may_end=False)
                if not batch.mentions and not batch.rejects:
                    break
        self._outgoing.wake()

    def apply(self, effects: Sequence[Effect]) -> None:
        """Carry a step's effects out; when the store can't, try again until it can, and take nothing else meanwhile.

        Raises FencedError when another process has taken over, TransientError when asked to stop meanwhile: what is
        lost then is memory only, since the sources keep what no transaction holds.
        """
        if any(not isinstance(effect, Gauged) for effect in effects):
            self._store_effects(effects)
        self.metrics.observe(effects)
        if any(isinstance(effect, AlertRaised) for effect in effects):
            self._outgoing.wake()
        self._people.heard(effects)

    def _store_effects(self, effects: Sequence[Effect]) -> None:
        tries = 0
        while True:
            try:
                self._store.apply(effects)
                break
            except TransientError as error:
                self.metrics.observe([Counted("store_errors", (), 1)])
                self._in_trouble(str(error))
                self.metrics.observe([Gauged("backpressure", (), 1.0)])
                for source in self._sources:
                    if isinstance(source, KafkaSource):
                        source.hold()
                if self._stopping.is_set() and tries > len(RETRY_S):
                    raise FencedError(f"stopped while the store could not write ({error}); nothing is lost") from None
                time.sleep(RETRY_S[min(tries, len(RETRY_S) - 1)])
                tries += 1
        if tries:
            log.info("the store writes again")
            self.metrics.observe([Gauged("backpressure", (), 0.0)])
            self._trouble = ""

    def _in_trouble(self, text: str) -> None:
        if text != self._trouble:
            log.error("%s; trying again", text)
        self._trouble = text

    def _refused(self, rejects: Sequence[Reject]) -> None:
        """What HTTP refused: answered already, and kept as dead letters."""
        fields: dict[str, int] = {}
        for reject in rejects:
            fields[reject.field] = fields.get(reject.field, 0) + 1
        counts = [Counted("rejected", ("http", field), n) for field, n in fields.items()]
        effects: list[Effect] = [*map(DeadLettered, rejects), *counts, Counted("dead_letters", (), len(rejects))]
        self._store.apply(effects)
        self.metrics.observe(effects)

    # -- health --------------------------------------------------------------------------------------------------

    def _healthy(self) -> tuple[bool, str]:
        silent_s = time.monotonic() - self._turned_at_s
        if silent_s > 10 * STUCK_S_MAX and not self._trouble:
            return False, f"the engine has not turned for {silent_s:.0f} s"
        return True, "ok"

    def _ready(self) -> tuple[bool, str]:
        if self._stopping.is_set():
            return False, "stopping"
        if self._trouble:
            return False, self._trouble
        silent_s = time.monotonic() - self._turned_at_s
        if silent_s > STUCK_S_MAX:
            return False, f"the engine has not turned for {silent_s:.0f} s"
        return True, "ready"

    def _beat(self) -> None:
        """Every two seconds: say that we live, and the figures that nobody else tells."""
        while not self._stopping.is_set():
            try:
                self._store.beat()
                self.metrics.observe(self._figures())
            except TransientError as error:
                log.warning("heartbeat: %s", error)
            self._stopping.wait(BEAT_S)

    def _figures(self) -> list[Effect]:
        figures: list[Effect] = [
            Gauged("heartbeat_timestamp_seconds", (), self._clock_ms() / 1000),
            Gauged("source_lag", ("http", "0"), float(self._store.inbox.waiting())),
            Gauged("exercise", (), float(self._exercise)),
        ]
        return [*figures, *self._people.figures(), *self._outbox_figures.now()]
