"""Bring a database to the form that this version knows. Alembic does it; it is imported only when there is work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.domain.errors import InputError, StateError

if TYPE_CHECKING:
    from sqlalchemy import Connection

HEAD = "0008"
"""The newest revision in `migrations/versions`; a test compares."""
KNOWN = frozenset({"0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008"})
"""Every revision that this version can start from."""

LOCK = 0x76696769
"""PostgreSQL's advisory lock under which one process migrates at a time: "vigi"."""

MIGRATIONS = Path(__file__).with_name("migrations")


def is_current(connection: Connection) -> bool:
    """Is there nothing to do?"""
    from sqlalchemy import inspect, text

    tables = inspect(connection).get_table_names()
    if "alembic_version" not in tables or "cursors" not in tables:
        return False
    return bool(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD)


def migrate(connection: Connection, name: str) -> None:
    """Upgrade the database behind `connection` (inside its transaction) to `HEAD`.

    Raises StateError when a newer vigie wrote it, InputError when it belongs to another program.
    """
    from sqlalchemy import inspect, text

    if connection.dialect.name == "postgresql":  # SQLite's writer is alone already
        connection.execute(text(f"SELECT pg_advisory_xact_lock({LOCK})"))
    tables = inspect(connection).get_table_names()
    if "alembic_version" in tables:
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if revision == HEAD and "cursors" in tables:
            return
        if revision is not None and revision not in KNOWN:
            raise StateError(
                f"{name}: written by a newer vigie (schema {revision}, this one knows up to {HEAD}): upgrade vigie"
            )
        if revision is not None and "cursors" not in tables:
            raise InputError(f"{name}: a database of another program; name another file for the store")
    elif tables:
        raise InputError(f"{name}: a database of another program; name another file for the store")
    upgrade(connection)


def upgrade(connection: Connection) -> None:
    """Run every migration that is missing, in the transaction that `connection` is in."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
