"""`vigie worker desk`: everything of people beside the watch workers, on their database.

It is one process: a second one waits, and takes over when the first one's lease stands still (`ops.store.lease`). What
it writes is fenced by the lease, so two never both act on the store. What goes outside carries a key: a message or a
webhook that was under way when a desk was frozen may come twice under the same one.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from socket import socket
from typing import TYPE_CHECKING

from engine.domain.effects import Effect, Gauged
from engine.domain.errors import FencedError, InputError, TransientError
from engine.domain.mention import Mention
from ops.app import brand_configs
from ops.drafting import reader
from ops.learning import reader_of
from ops.outbox_figures import OutboxFigures
from ops.outgoing import Outgoing
from ops.people_side import PeopleSide
from ops.runs import RunKeeper, rules_of
from ops.settings import HttpSource, Settings
from ops.store import Store
from ops.store.lease import Lease
from ops.store.names import WATCHERS
from ops.web import WebServer, add_probes, bind
from ops.workers.base import StoreProcess
from playbooks.replies import Reading
from streams.http import create_app

if TYPE_CHECKING:
    from ops.drafting import Read

log = logging.getLogger("vigie")

NAME = "desk"
BEAT_S = 2.0
LOOK_S = 1.0
"""How often one that waits looks at the lease, and one that serves at its own."""
PORT_WAIT_S = 5.0
"""How long a port may still be held by the desk before."""


class DeskWorker(StoreProcess):
    """Calls people, runs the clocks of runs and what they ask for, keeps drafts ready, serves the HTTP API."""

    role = NAME

    def __init__(
        self, settings: Settings, clock_ms: Callable[[], int], instance: str | None = None,
        metrics_port: int | None = None,
    ) -> None:  # fmt: skip
        super().__init__(settings, clock_ms, instance, metrics_port)
        self._lease: Lease | None = None
        self._renewed_at_s = 0.0
        self._lost: FencedError | None = None
        self._beat_at_s = 0.0

    # -- start and end -------------------------------------------------------------------------------------------

    def _start(self, stack: ExitStack) -> None:
        self._store = stack.enter_context(self._opened())
        self._refuse_mixing(self._store)
        lease = self._store.lease(NAME, self.name)
        if not self._waited_for(lease):
            return
        stack.callback(self._quietly, lease.release)
        self._keep(lease, stack)
        self._refuse_mixing(self._store)  # somebody may have begun while this one waited
        self._quietly(lambda: self.metrics.seed(self._store.counters()))
        self._outgoing = Outgoing(self._settings, self._store, self._clock_ms, f"{NAME}:{self.name}"[:64])
        self._figures = OutboxFigures(self._settings, self._store, self._clock_ms)
        self._people = PeopleSide(
            self._settings, self._store, self._clock_ms, outgoing=self._outgoing,
            runs=RunKeeper(self._store, rules_of(self._settings), self._clock_ms), engine_turns=self._watched,
            read=_reader(self._settings, self._store),
        )  # fmt: skip
        if not self._until_stored(lambda: self._outgoing.start(stack), lambda: None):
            return
        if not self._until_stored(lambda: self._people.start(stack), lambda: None):
            return
        self._serve(stack)
        stack.callback(self._quietly, self._store.unbeat)

    def _waited_for(self, lease: Lease) -> bool:
        """Until it is ours; False when asked to stop meanwhile."""
        told = False
        while not self._stopping.is_set():
            try:
                if lease.try_take():
                    log.info("this is the desk now, number %d", lease.epoch)
                    return True
            except TransientError as error:
                self._in_trouble(str(error))
                lease.forget()
            else:
                self._went_well()
                if not told:
                    self._announce(f"another desk serves this database ({lease.holder}); waiting for its place")
                    told = True
            self._stopping.wait(LOOK_S)
        return False

    def _keep(self, lease: Lease, stack: ExitStack) -> None:
        """Renew the lease from a thread that does nothing else."""
        self._lease, self._renewed_at_s = lease, time.monotonic()
        ended = threading.Event()

        def renew() -> None:
            while self._lost is None and not ended.wait(BEAT_S):
                try:
                    lease.renew()
                    self._renewed_at_s = time.monotonic()
                except FencedError as error:
                    self._lost = error
                except TransientError as error:  # whoever waits can't take it either, or has the right to
                    log.warning("lease: %s", error)

        thread = threading.Thread(target=renew, name="lease", daemon=True)
        thread.start()
        stack.callback(thread.join, BEAT_S)
        stack.callback(ended.set)

    def _serve(self, stack: ExitStack) -> None:
        """The API, the links of pages, probes and metrics, where `sources.http` says. Mentions are not taken here."""
        http = self._settings.sources.http
        if http is None:
            return
        listener = self._bound(http)
        stack.callback(listener.close)
        app = create_app()
        self._people.add_routes(app)
        own_port = self._metrics_port is not None
        add_probes(app, self._healthy, self._ready, None if own_port else self.metrics)
        server = WebServer(app, listener)
        server.start()
        stack.callback(server.stop)
        self._announce(f"listening on {server.address}")

    def _bound(self, http: HttpSource) -> socket:
        until_s = time.monotonic() + PORT_WAIT_S
        while True:
            try:
                return bind(http.host, http.port)
            except InputError:
                if time.monotonic() > until_s or self._stopping.wait(0.2):
                    raise

    def _drain(self) -> None:
        """Nothing to do: whatever is under way stands in the store."""

    # -- one turn ------------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        if self._lost is not None:
            raise self._lost
        now_s = time.monotonic()
        if now_s - self._beat_at_s >= BEAT_S:
            self._beat_at_s = now_s
            try:
                self._store.beat(f"{NAME}:{self.name}"[:64])
                self.observe(self._shown())
                self._went_well()
            except TransientError as error:
                self._in_trouble(str(error))
        self._stopping.wait(LOOK_S / 4)

    def _shown(self) -> list[Effect]:
        alive = Gauged("heartbeat_timestamp_seconds", (), self._clock_ms() / 1000)
        return [alive, *self._people.figures(), *self._figures.now()]

    def _watched(self) -> bool:
        """Are brands watched now, and may this process tell so? For the dead man's switch."""
        if not self._ready()[0]:
            return False
        try:
            return self._store.service(*WATCHERS) is not None
        except TransientError as error:
            log.warning("%s", error)
            return False

    def _ready(self) -> tuple[bool, str]:
        if self._lease is None:
            return False, "waiting: another desk serves"
        if self._lost is not None:
            return False, str(self._lost)
        return super()._ready()


def _reader(settings: Settings, store: Store) -> Read:
    """What mentions say, by what has been learnt when they are read; the tables are loaded when it is first asked."""
    use = settings.learning

    def read(mentions: Sequence[Mention]) -> Sequence[Reading]:
        scorer = reader_of(store, brand_configs(settings), use=use.use, version=use.version)
        return reader(scorer)(mentions)

    return read
