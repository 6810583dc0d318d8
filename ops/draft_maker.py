"""The service's thread for drafts: they lie ready when somebody looks, and follow the facts that are approved."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from engine.domain.effects import AlertRaised, Effect, PlanMade
from engine.domain.errors import VigieError
from ops.drafting import Drafting
from ops.store import Store

log = logging.getLogger(__name__)

POLL_S = 2.0
"""How soon a fact that was approved elsewhere, or a plan that another process made, is in the drafts."""


class DraftMaker(threading.Thread):
    """Makes the drafts of incidents whose plan, level or facts changed. Never holds up the engine; what a crash leaves
    undone is done after the restart, since every open incident is looked at then."""

    def __init__(self, store: Store, drafting: Drafting) -> None:
        super().__init__(name="drafts", daemon=True)
        self._store, self._drafting = store, drafting
        self._lock = threading.Lock()
        self._waiting: dict[str, None] = {}
        self._facts_seen = -1
        self._plans_seen: dict[str, tuple[int, int]] = {}
        self._wake, self._stopping = threading.Event(), threading.Event()

    def heard(self, effects: Sequence[Effect]) -> None:
        """A step's effects, once they are stored."""
        changed = [e.incident_id for e in effects if isinstance(e, PlanMade)]
        changed += [e.alert.incident.id for e in effects if isinstance(e, AlertRaised) and e.plan is not None]
        if changed:
            with self._lock:
                self._waiting.update(dict.fromkeys(changed))
            self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End after what is under way."""
        self._stopping.set()
        self._wake.set()
        if self.ident is not None:
            self.join(timeout_s)

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.turn()
            except VigieError as error:  # the store is busy or gone: the next turn does it
                log.warning("drafts: %s", error)
            except Exception:  # the thread must live on: without it no draft is made
                log.exception("drafts: unexpected")
            self._wake.wait(POLL_S)
            self._wake.clear()

    def turn(self) -> int:
        """Make what waits. Returns the number of incidents looked at."""
        seen, plans = self._store.runs.facts_changed_ms(), self._store.drafts.planned()
        if seen != self._facts_seen:
            self._plans_seen = {}  # a fact may stand in any of them: look at all
        with self._lock:
            self._waiting.update({id_: None for id_, plan in plans.items() if plan != self._plans_seen.get(id_)})
        self._facts_seen, self._plans_seen = seen, plans
        n = 0
        while not self._stopping.is_set():
            with self._lock:
                if not self._waiting:
                    return n
                incident_id = next(iter(self._waiting))
            self._drafting.refresh(incident_id)
            with self._lock:
                self._waiting.pop(incident_id, None)
            n += 1
        return n
