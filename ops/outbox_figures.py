"""The figures of the outbox and the disk, which no step of the engine tells."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from engine.domain.effects import Counted, Effect, Gauged
from ops.oncall.page import PEOPLE, label_of
from ops.settings import Settings
from ops.store import Store
from ops.store.outbox import DeliveryState


class OutboxFigures:
    """What waits, what became of the rest since the last call, and the room that is left."""

    def __init__(self, settings: Settings, store: Store, clock_ms: Callable[[], int]) -> None:
        self._settings, self._store, self._clock_ms = settings, store, clock_ms
        self._told: dict[tuple[str, DeliveryState], int] = {}

    def now(self) -> list[Effect]:
        """Raises TransientError when the store can't be read."""
        now_ms = self._clock_ms()
        figures: list[Effect] = []
        pending = {section.name: 0 for section in self._settings.alerts.channels}
        if self._settings.people:
            pending[PEOPLE] = 0
        totals: dict[tuple[str, DeliveryState], int] = {}
        for (channel, state), n in self._store.outbox.figures().items():
            totals[label_of(channel), state] = totals.get((label_of(channel), state), 0) + n
        for (channel, state), n in totals.items():
            if state is DeliveryState.PENDING:
                pending[channel] = n
            else:
                new = n - self._told.get((channel, state), 0)
                self._told[channel, state] = n
                figures.append(Counted("notifications", (channel, state.value), max(0, new)))
        figures += [Gauged("outbox_pending", (channel,), float(n)) for channel, n in pending.items()]
        oldest_ms: dict[str, int] = {}
        for channel, at_ms in self._store.outbox.oldest_pending_ms().items():
            oldest_ms[label_of(channel)] = min(at_ms, oldest_ms.get(label_of(channel), at_ms))
        for channel in pending:
            age_s = (now_ms - oldest_ms.get(channel, now_ms)) / 1000
            figures.append(Gauged("outbox_oldest_seconds", (channel,), max(0.0, age_s)))
        folder = Path(self._settings.database).parent
        if "://" not in self._settings.database and folder.exists():
            figures.append(Gauged("disk_free_bytes", (), float(shutil.disk_usage(folder).free)))
        return figures
