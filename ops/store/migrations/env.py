"""Alembic's environment: the connection is handed in by `ops.store.migrate`, already inside its transaction."""

from __future__ import annotations

from alembic import context

from ops.store.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
