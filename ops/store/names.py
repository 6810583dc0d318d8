"""The names of heartbeats: who serves a store, and as what."""

from __future__ import annotations

SERVICE = "service"
"""The one process that does all."""
ENGINES = (SERVICE, "watch:%")
"""Those that step an engine, and carry out commands."""
WATCHERS = ("watch:%",)
DESKS = (SERVICE, "desk:%")
"""Those that call people, and the webhook of freezes."""
