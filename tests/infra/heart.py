"""The sign of life of a service in another process."""

from __future__ import annotations

import os
from unittest import mock

from ops.store import Store


def beat_elsewhere(store: Store, pid: int | None = None) -> None:
    """As if the process `pid` (the parent of this one, which surely runs) served the store."""
    pid = os.getppid() if pid is None else pid
    with mock.patch("os.getpid", return_value=pid):
        store.beat()
