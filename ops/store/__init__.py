"""The one place of truth: incidents, outbox, state and positions in one database, one transaction a step."""

from ops.store.store import Store

__all__ = ["Store"]
