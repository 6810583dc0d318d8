"""What all workers share: probes, metrics, a name, a way to stop, and trouble that is said once and not in a loop."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack

from engine.domain.effects import Counted, Effect, Gauged
from engine.domain.errors import ConfigError, InputError, TransientError, VigieError
from ops.app import program_version
from ops.metrics import Metrics
from ops.settings import KafkaSource, Settings
from ops.store import Store
from ops.store.names import SERVICE
from ops.store.store import ENGINE
from ops.web import WebServer, add_probes, bind
from streams.kafka_group import KafkaParams

log = logging.getLogger("vigie")

STUCK_S_MAX = 30.0
"""A turn that takes longer than this is not ready to take more."""
POLL_S = 0.25
BATCH_MAX = 8_192
RETRY_S = (0.1, 0.25, 0.5, 1.0, 2.0)


def kafka_params(section: KafkaSource, role: str = "", instance: str | None = None) -> KafkaParams:
    """The settings' section as a member of a group wants it, secrets read. `role` is "" for the one process that does
    all, "score" or "watch" for a worker.

    Raises ConfigError when a secret can't be read.
    """
    username, password, key_password = section.username(), section.password(), section.key_password()
    name = instance or section.instance()
    return KafkaParams(
        bootstrap_servers=section.bootstrap_servers,
        topics=(section.topic("scored"),) if role == "watch" else section.mention_topics,
        group_id=f"{section.group_id}-{role}" if role else section.group_id,
        group_instance_id=name,
        security_protocol=section.security_protocol,
        sasl_mechanism=section.sasl_mechanism,
        sasl_username=username.get_secret_value() if username else None,
        sasl_password=password.get_secret_value() if password else None,
        ssl_cafile=str(section.ssl_cafile) if section.ssl_cafile else None,
        ssl_certfile=str(section.ssl_certfile) if section.ssl_certfile else None,
        ssl_keyfile=str(section.ssl_keyfile) if section.ssl_keyfile else None,
        ssl_password=key_password.get_secret_value() if key_password else None,
        session_timeout_ms=section.session_timeout_s * 1000,
        max_poll_interval_ms=section.max_poll_interval_s * 1000,
        idle_s=float(section.idle_s),
        stalled_s=float(section.stalled_s),
    )


class StoreProcess:
    """A process of one role on the shared store. `run` returns once `stop` was called and what is under way is done."""

    role = ""

    def __init__(
        self, settings: Settings, clock_ms: Callable[[], int], instance: str | None = None,
        metrics_port: int | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._clock_ms = clock_ms
        self.name = instance or f"{socket.gethostname()}-{os.getpid()}"
        self._metrics_port = settings.metrics.port if metrics_port is None else metrics_port
        self._stopping = threading.Event()
        self._turned_at_s = time.monotonic()
        self._trouble = ""
        self._announce: Callable[[str], None] = log.info
        self.metrics = Metrics(program_version())

    def stop(self) -> None:
        """Finish what is under way and end. Safe from a signal handler."""
        self._stopping.set()

    def run(self, announce: Callable[[str], None]) -> None:
        """Work until `stop`. Raises InputError before the start, StalledError when the client of Kafka is stuck."""
        self._announce = announce
        with ExitStack() as stack:
            self._serve_metrics(stack, announce)
            self._start(stack)
            announce("ready")
            while not self._stopping.is_set():
                self._turn()
            self._drain()
            log.info("stopped")

    def _opened(self) -> Store:
        """The shared store; one that is away is waited for. Raises InputError, TransientError when asked to stop."""
        tries = 0
        while True:
            try:
                return Store.open(self._settings.database, clock_ms=self._clock_ms)
            except TransientError as error:
                if self._stopping.is_set():
                    raise
                self._in_trouble(str(error))
            self._stopping.wait(RETRY_S[min(tries, len(RETRY_S) - 1)])
            tries += 1

    @staticmethod
    def _refuse_mixing(store: Store) -> None:
        """The state of one process that does all is not that of workers. Raises InputError."""
        other = store.service(SERVICE)
        if other is not None:
            raise InputError(
                f"{store.name}: vigie run serves this database (process {other.pid} on {other.host}); stop it"
            )
        if ENGINE in store.owners():
            raise InputError(
                f"{store.name}: holds the state of vigie run, which workers can't share; name another database"
            )

    def _start(self, stack: ExitStack) -> None:
        raise NotImplementedError

    def _turn(self) -> None:
        raise NotImplementedError

    def _drain(self) -> None:
        raise NotImplementedError

    def _serve_metrics(self, stack: ExitStack, announce: Callable[[str], None]) -> None:
        if self._metrics_port is None:
            return
        from fastapi import FastAPI

        listener = bind(self._settings.metrics.host, self._metrics_port)
        app = FastAPI(title="Vigie metrics", openapi_url=None)
        add_probes(app, self._healthy, self._ready, self.metrics)
        server = WebServer(app, listener)
        server.start()
        announce(f"metrics on {server.address}/metrics")
        stack.callback(server.stop)

    def _went_well(self) -> None:
        if self._trouble:
            log.info("it works again")
        self._trouble = ""
        self._turned_at_s = time.monotonic()

    def _in_trouble(self, text: str) -> None:
        if text != self._trouble:
            log.error("%s; trying again", text)
        self._trouble = text
        self._turned_at_s = time.monotonic()

    def _until_stored(self, write: Callable[[], None], hold: Callable[[], None]) -> bool:
        """Write; when the store can't, stay in the group without taking more, and try again until it can. False when
        asked to stop meanwhile: what is lost then is memory only."""
        tries = 0
        while True:
            try:
                write()
                return True
            except TransientError as error:
                self.observe([Counted("store_errors", (), 1)])
                self._in_trouble(str(error))
                self._pressed(True)
                if self._stopping.is_set() and tries > len(RETRY_S):
                    return False
            hold()
            self._stopping.wait(RETRY_S[min(tries, len(RETRY_S) - 1)])
            if self._stopping.is_set():
                time.sleep(0.1)
            tries += 1

    def _pressed(self, on: bool) -> None:
        self.observe([Gauged("backpressure", (), float(on))])

    def observe(self, effects: list[Effect]) -> None:
        """Figures of now, for Prometheus."""
        self.metrics.observe(effects)

    def _quietly(self, action: Callable[[], None]) -> None:
        try:
            action()
        except VigieError as error:
            log.warning("%s", error)

    def _healthy(self) -> tuple[bool, str]:
        silent_s = time.monotonic() - self._turned_at_s
        if silent_s > 10 * STUCK_S_MAX:
            return False, f"no turn for {silent_s:.0f} s"
        return True, "ok"

    def _ready(self) -> tuple[bool, str]:
        if self._stopping.is_set():
            return False, "stopping"
        if self._trouble:
            return False, self._trouble
        silent_s = time.monotonic() - self._turned_at_s
        if silent_s > STUCK_S_MAX:
            return False, f"no turn for {silent_s:.0f} s"
        return True, "ready"


class WorkerProcess(StoreProcess):
    """One that is a member of a group of Kafka."""

    def __init__(
        self, settings: Settings, clock_ms: Callable[[], int], instance: str | None = None,
        metrics_port: int | None = None,
    ) -> None:  # fmt: skip
        if settings.sources.kafka is None:
            raise ConfigError(f"vigie worker {self.role} needs sources.kafka in the settings")
        self._kafka = settings.sources.kafka
        self._params = kafka_params(self._kafka, self.role, instance)
        super().__init__(settings, clock_ms, self._params.group_instance_id, metrics_port)
