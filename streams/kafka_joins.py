"""Two faults of kafka-python 3.0 in joining a group, and what keeps them from a member."""

from __future__ import annotations

from typing import Any


class Joins:
    """Around every poll of a consumer: sees to it that a join which was begun is ended.

    kafka-python 3.0 forgets a join that is completed while nobody polls, and joins anew, which makes all other members
    join anew too: with a little work between polls a group never settles. So the end of a join waits for a poll. And it
    forgets one that was begun because partitions became known, if the poll ends before the join does: the member then
    holds nothing, sends no heartbeat, and is put out of the group. So while a join is under way, it is needed.
    """

    def __init__(self) -> None:
        self._inside = False

    def __enter__(self) -> None:
        self._inside = True

    def __exit__(self, *_exc: object) -> None:
        self._inside = False

    def watch_over(self, consumer: Any) -> None:
        """From here on. Does nothing to a client of another version."""
        coordinator: Any = getattr(consumer, "_coordinator", None)
        join = getattr(coordinator, "_do_join_and_sync_async", None)
        net = getattr(coordinator, "_net", None)
        if join is None or net is None:  # another version of the client, and let us hope a better one
            return

        async def join_and_wait() -> Any:
            joined = await join()
            while not self._inside:
                await net.sleep(0.002)
            return joined

        needed = coordinator.need_rejoin
        coordinator._do_join_and_sync_async = join_and_wait
        coordinator.need_rejoin = lambda: coordinator._join_task is not None or needed()
