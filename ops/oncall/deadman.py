"""A sign of life to somebody outside: when it no longer comes, they call you.

It is sent only while the engine turns and the alerts can leave, so a process that lives and does nothing is missed too.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from engine.domain.errors import DeliveryError
from ops.delivery.http import post

log = logging.getLogger("vigie.oncall")


class DeadManSwitch:
    """Pings an address every `every_s` seconds while `healthy` says so. `told_at_ms` is when it was last taken."""

    def __init__(
        self,
        url: str,
        every_s: float,
        healthy: Callable[[], bool],
        clock_ms: Callable[[], int],
        *,
        allow_private: bool = False,
    ) -> None:
        self._url, self._every_s, self._healthy, self._clock_ms = url, every_s, healthy, clock_ms
        self._allow_private = allow_private
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="deadman", daemon=True)
        self.told_at_ms: int | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2.0)

    def ping(self) -> bool:
        """One sign of life, if there is life. False when it was not sent or not taken."""
        if not self._healthy():
            log.error("no sign of life is sent: the engine or the alerts are stuck")
            return False
        try:
            post(self._url, b"{}", {}, timeout_s=10.0, allow_private=self._allow_private)
        except DeliveryError as error:
            log.warning("the dead man's switch did not take the sign of life: %s", error)
            return False
        self.told_at_ms = self._clock_ms()
        return True

    def _run(self) -> None:
        while True:
            self.ping()
            if self._stopping.wait(self._every_s):
                return
