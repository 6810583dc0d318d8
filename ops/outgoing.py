"""What leaves: alerts and pages from the outbox, events and dead letters for other programs. Every process that serves
a store sends them in the same way; each takes what no other has in hand."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from ops.app import brand_configs
from ops.delivery.build import channels_of, links_of, look_of, windows_of
from ops.delivery.worker import Delivery
from ops.learning import reader_of
from ops.publish import LetterPublisher, event_channels
from ops.render.explain import Reasons
from ops.settings import Settings
from ops.store import Store
from ops.store.store import SERVICE


class Outgoing:
    """The delivery of one process, `by` its name. Building it opens nothing.

    Raises ConfigError when a secret of a channel can't be read.
    """

    def __init__(self, settings: Settings, store: Store, clock_ms: Callable[[], int], by: str = SERVICE) -> None:
        self._settings, self._store = settings, store
        self.links = links_of(settings, clock_ms=clock_ms)
        self.look = look_of(settings, self._reasons(), self.links)
        channels = (*channels_of(settings), *event_channels(settings))
        self._delivery = Delivery(store, channels, self.look, clock_ms, windows_of(settings), by)

    def start(self, stack: ExitStack) -> None:
        """Begin, with what an earlier process of this name left; `stack` ends it. Raises TransientError."""
        self._delivery.start()
        stack.callback(self._delivery.stop)
        letters = LetterPublisher(self._settings, self._store)
        letters.start()
        stack.callback(letters.stop)

    def wake(self) -> None:
        """New alerts may stand in the outbox."""
        self._delivery.wake()

    def _reasons(self) -> Reasons:
        """What tells the telling words of an alert's samples, by what has been learnt when the first one goes out."""
        use = self._settings.learning
        brands = brand_configs(self._settings)
        return Reasons(lambda: reader_of(self._store, brands, use=use.use, version=use.version))
