"""On call inside `vigie run`: the keeper's thread, the dead man's switch, their figures."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

from engine.domain.effects import Counted, Effect, Gauged
from engine.domain.run import Page as StepPage
from ops.oncall.deadman import DeadManSwitch
from ops.oncall.escalation import State
from ops.oncall.keeper import Keeper, KeeperThread
from ops.run_asks import Pager, log_page

if TYPE_CHECKING:
    from ops.settings import Settings
    from ops.store import Store


ACKNOWLEDGE = "acknowledge"
"""The clock of the step that the ladder itself is for."""


class OnCallService:
    """What a service needs of it. `healthy` says whether the engine turns; `on_posted` wakes the delivery."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock_ms: Callable[[], int],
        healthy: Callable[[], bool],
        on_posted: Callable[[], None],
    ) -> None:
        self._settings, self._store, self._clock_ms = settings, store, clock_ms
        self.keeper = Keeper(settings, store, clock_ms, on_posted)
        self._thread = KeeperThread(self.keeper)
        section = settings.oncall.deadman
        self._switch = None
        if section is not None:
            url = section.url().get_secret_value()
            self._switch = DeadManSwitch(url, section.every_s, healthy, clock_ms, allow_private=section.allow_private)
        self._told: dict[str, int] = {}

    def start(self, stack: ExitStack) -> None:
        """Begin, with what an earlier process left due; `stack` ends it."""
        self._thread.start()
        stack.callback(self._thread.stop)
        if self._switch is not None:
            self._switch.start()
            stack.callback(self._switch.stop)

    def wake(self) -> None:
        """Something was raised or answered."""
        self._thread.wake()

    @property
    def pager(self) -> Pager:
        """Tells whoever holds a role that a step is overdue; a line of the log where there is nobody to call."""

        def tell(page: StepPage) -> None:
            if page.clock != ACKNOWLEDGE:  # the ladder is climbed for that already
                self.keeper.page(page.incident_id, page.role, page.text, page.at_ms, page.key, page.person)

        return tell if self.keeper.enabled else log_page

    def figures(self) -> list[Effect]:
        """Gauges of now, and what was posted since the last call."""
        now_ms, pages = self._clock_ms(), self._store.pages
        states = pages.states()
        figures: list[Effect] = [
            Gauged("oncall_people", (role,), float(n)) for role, n in self.keeper.figures(now_ms).items()
        ]
        figures += [Gauged("escalations", (state.value,), float(states.get(state, 0))) for state in State]
        for kind, n in pages.counts().items():
            figures.append(Counted("pages", (kind,), max(0, n - self._told.get(kind, 0))))
            self._told[kind] = n
        if self._switch is not None and self._switch.told_at_ms is not None:
            figures.append(Gauged("deadman_timestamp_seconds", (), self._switch.told_at_ms / 1000))
        return figures
