"""Who holds a role at a moment: the rota where it knows the role, else the settings' `roles`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.domain.errors import VigieError

if TYPE_CHECKING:
    from ops.settings import Settings
    from ops.store import Store

WhoAt = Callable[[str, int], tuple[str, ...]]


def who_of(settings: Settings, store: Store) -> WhoAt:
    """Answers for a role and a time: the person, then who stands in."""
    from ops.oncall.keeper import Keeper

    keeper = Keeper(settings, store, store.clock_ms, lambda: None)

    def who(role: str, at_ms: int) -> tuple[str, ...]:
        try:
            found = keeper.who(role, at_ms)
        except VigieError:  # a calendar that can't be read is told by `vigie check`; a run is shown all the same
            found = ()
        return found or settings.roles.get(role, ())

    return who
