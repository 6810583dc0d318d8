"""What runs want done outside: pages for people, the freeze webhook. Tried until it works or has failed for good.

An ask stands in the store with its key until it is settled, so that a process killed in the middle goes on after its
restart. A webhook may then be called twice: it carries the key in `Idempotency-Key`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from engine.domain.errors import DeliveryError, VigieError
from engine.domain.run import FreezePosts, Page
from ops.delivery.http import post
from ops.delivery.notifiers.webhook import signature
from ops.runs import RunKeeper
from ops.settings import Settings
from ops.store import Store
from ops.store.codec import dumps
from ops.store.runs import AskState, StoredAsk
from playbooks.run_words import said
from playbooks.running import Act

log = logging.getLogger("vigie.runs")

RETRY_MS = (2_000, 5_000, 15_000, 60_000, 120_000)
"""Between one attempt and the next; after the last one it has failed and a person must do it."""
POLL_S = 1.0


class Pager(Protocol):
    """Tells whoever holds a role. Calling it again with the same key must page nobody twice."""

    def __call__(self, page: Page) -> None: ...


def log_page(page: Page) -> None:
    """The pager of a team without one: a line of the log."""
    mark = "EXERCISE " if page.exercise else ""
    log.warning("%s%s, %s: %s", mark, page.incident_id, page.role, page.text)


@dataclass(frozen=True, slots=True)
class FreezeHook:
    """The webhook of the settings. `url` may hold a token, so neither it nor the secret is shown."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    allow_private: bool = False
    timeout_s: float = 10.0

    def send(self, ask: FreezePosts, now_ms: int) -> None:
        """POST it, signed like an alert's webhook. Raises DeliveryError."""
        body = dumps({
            "type": "freeze" if ask.on else "unfreeze", "incident": ask.incident_id, "brand": ask.brand,
            "at_ms": ask.at_ms, "exercise": ask.exercise,
        })  # fmt: skip
        timestamp = str(now_ms // 1000)
        headers = {"Idempotency-Key": ask.key, "X-Vigie-Timestamp": timestamp}
        if self.secret is not None:
            headers["X-Vigie-Signature-256"] = signature(self.secret, timestamp, body)
        post(self.url, body, headers, timeout_s=self.timeout_s, allow_private=self.allow_private)


def hook_of(settings: Settings) -> FreezeHook | None:
    """The freeze webhook of the settings. Raises ConfigError when its secret can't be read."""
    section = settings.freeze
    if section is None:
        return None
    secret = section.secret()
    return FreezeHook(section.url, secret.get_secret_value() if secret else None, section.allow_private)


class Asks:
    """Works off the asks that are due; one at a time, oldest first."""

    def __init__(
        self, store: Store, keeper: RunKeeper, clock_ms: Callable[[], int], hook: FreezeHook | None = None,
        pager: Pager = log_page,
    ) -> None:  # fmt: skip
        self._store, self._keeper, self._clock_ms, self._hook, self._pager = store, keeper, clock_ms, hook, pager

    def work_off(self, *, pages: bool = True, freezes: bool = True) -> int:
        """Try everything of these kinds that is due once. Returns how many were tried."""
        asks = [
            stored
            for stored in self._store.runs.pending(self._clock_ms())
            if (freezes if isinstance(stored.ask, FreezePosts) else pages)
        ]
        for stored in asks:
            self._try(stored)
        return len(asks)

    def _try(self, stored: StoredAsk) -> None:
        try:
            outcome = self._do(stored)
        except DeliveryError as error:
            self._again(stored, str(error), final=not error.retry)
            return
        self._settle(stored, AskState.DONE, outcome)

    def _do(self, stored: StoredAsk) -> str:
        ask = stored.ask
        if isinstance(ask, Page):
            if ask.clock == "acknowledge" and self._pager is not log_page:
                return "the escalation of the incident calls for it"
            self._pager(ask)
            return ""
        if ask.exercise:
            return said(self._lang(ask.incident_id), "freeze_exercise")
        if self._hook is None:
            raise DeliveryError(said(self._lang(ask.incident_id), "freeze_unset"), retry=False)
        self._hook.send(ask, self._clock_ms())
        return said(self._lang(ask.incident_id), "freeze_answered")

    def _again(self, stored: StoredAsk, why: str, *, final: bool) -> None:
        if final or stored.attempts >= len(RETRY_MS):
            self._settle(stored, AskState.FAILED, why)
            return
        next_ms = self._clock_ms() + RETRY_MS[stored.attempts]
        with self._store.runs.transaction() as connection:
            self._store.runs.record(connection, stored.seq, AskState.PENDING, stored.attempts + 1, next_ms, why)

    def _settle(self, stored: StoredAsk, state: AskState, outcome: str) -> None:
        """Record how it ended and tell the run, in one transaction."""
        runs, ask = self._store.runs, stored.ask
        with runs.transaction() as connection:
            runs.hold(connection, [ask.incident_id])  # first, as everywhere: the run, then its asks
            settled = runs.record(connection, stored.seq, state, stored.attempts + 1, self._clock_ms(), outcome)
            if settled and isinstance(ask, FreezePosts):
                good = state is AskState.DONE
                name = ("frozen" if good else "freeze_failed") if ask.on else ("thawed" if good else "thaw_failed")
                self._keeper.act_in(connection, ask.incident_id, Act(name, "vigie", text=outcome))

    def _lang(self, incident_id: str) -> str:
        run = self._store.runs.run(incident_id)
        return run.lang if run else "fr"


class RunTicker:
    """The service's threads for runs: one ticks them and calls people, one calls the webhook, which may hang."""

    def __init__(self, keeper: RunKeeper, asks: Asks) -> None:
        def tick() -> None:
            keeper.tick()
            asks.work_off(freezes=False)

        self._wake = (threading.Event(), threading.Event())
        self._stopping = threading.Event()
        works: tuple[Callable[[], object], ...] = (tick, lambda: asks.work_off(pages=False))
        self._threads = [
            threading.Thread(target=self._run, args=(work, wake), name=name, daemon=True)
            for work, wake, name in zip(works, self._wake, ("runs", "runs-freeze"), strict=True)
        ]

    def start(self) -> None:
        """Begin, with what an earlier process left due."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """A run may have changed."""
        for wake in self._wake:
            wake.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End after what is under way; what hangs is left, and tried again after the next start."""
        self._stopping.set()
        self.wake()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout_s)

    def _run(self, work: Callable[[], object], wake: threading.Event) -> None:
        while not self._stopping.is_set():
            try:
                work()
            except VigieError as error:  # the store is busy or gone: what is due stays due
                log.warning("runs: %s", error)
            except Exception:  # the thread must live on: without it no overdue step is told
                log.exception("runs: unexpected")
            wake.wait(POLL_S)
            wake.clear()
