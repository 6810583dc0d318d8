"""One thread a channel, so that one that hangs delays no other; and one that deals new alerts out to them."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Self, TypeAlias

from engine.domain.errors import DeliveryError, VigieError
from ops.delivery.channel import Channel
from ops.delivery.message import Message
from ops.delivery.stages import Passage, run_stages
from ops.render.alert import Look
from ops.store import Store
from ops.store.outbox import Mute
from ops.store.store import SERVICE, wall_clock_ms

CLAIM_MAX = 2
"""Deliveries taken at once: as many as may fail slowly before their lease is over."""
POLL_S = 1.0
"""How long a worker sleeps at most without looking for work; a new alert wakes it at once."""

Windows: TypeAlias = Callable[[int], Sequence[Mute]]
"""The mutes that the settings plan, in force at a time."""

log = logging.getLogger("vigie.delivery")


class Worker(threading.Thread):
    """Delivers one channel's alerts, oldest first."""

    def __init__(
        self,
        channel: Channel,
        store: Store,
        look: Look,
        clock_ms: Callable[[], int],
        windows: Windows,
        by: str = SERVICE,
    ) -> None:
        super().__init__(name=f"deliver-{channel.name}", daemon=True)
        self._by = by
        self._channel, self._store, self._look, self._clock_ms = channel, store, look, clock_ms
        self._windows = windows
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._sending: threading.Thread | None = None
        self._taken: set[int] = set()

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    def ask_to_stop(self) -> None:
        """Finish what is under way, begin nothing new."""
        self._stopping.set()
        self._wake.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.deliver_due()
            except VigieError as error:  # the store is busy or gone: what is due stays due
                log.warning("channel %s: %s", self._channel.name, error)
            except Exception:  # the thread must live on: a dead worker would be a silent channel
                log.exception("channel %s: unexpected", self._channel.name)
            self._wake.wait(POLL_S)
            self._wake.clear()

    def deliver_due(self) -> int:
        """Take everything that is due through the stages. Returns how many deliveries that were."""
        n = 0
        while not self._stopping.is_set():
            now_ms = self._clock_ms()
            due = self._store.outbox.claim(self._channel.name, now_ms, self._by, CLAIM_MAX)
            for item in due:
                if self._stopping.is_set():
                    return n
                run_stages(
                    Passage(
                        item,
                        self._channel,
                        self._store.outbox,
                        self._look,
                        self._clock_ms(),
                        self._clock_ms,
                        self._send,
                        self._windows,
                    )
                )
                self._taken.discard(item.delivery.id)
                n += 1
            if not due:
                break
        return n

    def _send(self, passage: Passage) -> None:
        """Send in a thread of its own and wait no longer than the time-out: libraries don't all keep theirs.

        A thread that hangs can't be ended; there is one a channel at most, and while it hangs nothing else is begun.
        """
        delivery_id = passage.due.delivery.id
        if delivery_id in self._taken:
            return  # the channel took it, but the store could not record that: record it now, don't page anyone again
        if self._sending is not None and self._sending.is_alive():
            raise DeliveryError("an earlier attempt still hangs")
        page = passage.due.page
        look = self._look if page is None or page.lang is None else replace(self._look, lang=page.lang)
        message = Message(passage.due.raised, look, passage.due.stored_at_ms, passage.now_ms, page)
        failures: list[BaseException] = []

        def attempt() -> None:
            try:
                self._channel.notifier.send(message)
            except BaseException as error:  # noqa: BLE001  (carried over to the worker's thread and raised there)
                failures.append(error)

        self._sending = threading.Thread(target=attempt, name=f"send-{self._channel.name}", daemon=True)
        self._sending.start()
        self._sending.join(self._channel.timeout_s)
        if self._sending.is_alive():
            raise DeliveryError(f"no answer within {self._channel.timeout_s:g} s")
        self._sending = None
        if failures:
            raise failures[0]
        self._taken.add(delivery_id)


class Delivery:
    """All channels of a service: fans alerts out, wakes the workers, stops them.

    Several processes may serve one outbox, each under a name of its own (`by`).

    Call `wake()` after a step that raised alerts; without it they leave within a second.
    """

    def __init__(
        self, store: Store, channels: Sequence[Channel], look: Look, clock_ms: Callable[[], int] = wall_clock_ms,
        windows: Windows = lambda _now_ms: (), by: str = SERVICE,
    ) -> None:  # fmt: skip
        self._store, self._clock_ms, self._by = store, clock_ms, by
        self._channels = tuple(channels)
        self._workers = [Worker(channel, store, look, clock_ms, windows, by) for channel in self._channels]
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._dealer = threading.Thread(target=self._deal, name="deliver-dealer", daemon=True)

    def start(self) -> None:
        """Begin, with what an earlier process of this name left behind."""
        self._store.outbox.release(self._by)
        gone = self._store.outbox.abandon([channel.name for channel in self._channels], self._clock_ms())
        if gone:
            log.warning("%d alerts waited for channels that the settings no longer name", gone)
        self._dealer.start()
        for worker in self._workers:
            worker.start()

    def wake(self) -> None:
        """New alerts may stand in the outbox."""
        self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        """Send what is due now, then stop; all within about `timeout_s`. What is left goes out after the next start."""
        deadline = time.monotonic() + timeout_s
        try:
            while self._dealer.is_alive() and self._has_due() and time.monotonic() < deadline:
                self._wake.set()
                self._stopping.wait(0.02)
        except VigieError as error:  # the store is gone: then there is nothing to wait for
            log.warning("outbox: %s", error)
        self._stopping.set()
        self._wake.set()
        for worker in self._workers:
            worker.ask_to_stop()
        deadline = max(deadline, time.monotonic() + 0.2)
        for thread in (self._dealer, *self._workers):
            if thread.ident is not None:
                thread.join(max(0.0, deadline - time.monotonic()))
        for channel, worker in zip(self._channels, self._workers, strict=True):
            if not worker.is_alive():
                channel.notifier.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _has_due(self) -> bool:
        """Is there an alert that could go out at once?"""
        outbox, now_ms = self._store.outbox, self._clock_ms()
        if outbox.unrouted(1):
            return True
        due = (outbox.next_due_ms(channel.name) for channel in self._channels)
        return any(at_ms is not None and at_ms <= now_ms for at_ms in due)

    def fan_out(self) -> int:
        """Make one delivery a channel of every alert that has none yet. Returns how many alerts that were."""
        n = 0
        while alerts := self._store.outbox.unrouted():
            for alert in alerts:
                names = [channel.name for channel in self._channels if channel.hears(alert.page)]
                if not names and alert.page is not None:
                    log.error("nobody was told: %s has no way to be reached", alert.page.person or "the team")
                self._store.outbox.fan_out(alert, names, self._clock_ms())
            n += len(alerts)
        return n

    def deliver_now(self) -> int:
        """Without threads: fan out and try everything due once. For commands that end, and tests."""
        self.fan_out()
        return sum(worker.deliver_due() for worker in self._workers)

    def _deal(self) -> None:
        while not self._stopping.is_set():
            try:
                if self.fan_out():
                    for worker in self._workers:
                        worker.wake()
            except VigieError as error:  # the store is busy or gone: the alerts stay where they are
                log.warning("outbox: %s", error)
            except Exception:  # the thread must live on: without it no alert leaves
                log.exception("outbox: unexpected")
            self._wake.wait(POLL_S)
            self._wake.clear()
