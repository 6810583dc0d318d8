"""The first tables.

Revision ID: 0001
Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

Long = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _seq(name: str) -> sa.Column[int]:
    return sa.Column(name, Long, primary_key=True, autoincrement=True)


def upgrade() -> None:
    _incidents()
    _alerts()
    _engine()
    _records()
    _service()


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("ordinal", sa.Integer, nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("opened_at_ms", Long, nullable=False),
        sa.Column("closed_at_ms", Long),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Index("incidents_opened", "opened_at_ms"),
    )  # fmt: skip
    op.create_table(
        "plans",
        sa.Column("incident_id", sa.String(128), primary_key=True),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
    )  # fmt: skip
    op.create_table(
        "commands",
        _seq("seq"),
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("incident_id", sa.String(128), nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("ok", sa.Integer),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Index("commands_done", "done", "seq"),
        sqlite_autoincrement=True,
    )  # fmt: skip


def _alerts() -> None:
    op.create_table(
        "outbox",
        _seq("id"),
        sa.Column("key", sa.String(256), nullable=False, unique=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("incident_id", sa.String(128), nullable=False),
        sa.Column("brand", sa.Text, nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("stored_at_ms", Long, nullable=False),
        sa.Column("routed", sa.Integer, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Index("outbox_routed", "routed", "id"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_table(
        "deliveries",
        _seq("id"),
        sa.Column("outbox_id", Long, nullable=False),
        sa.Column("key", sa.String(256), nullable=False),
        sa.Column("channel", sa.String(128), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at_ms", Long, nullable=False),
        sa.Column("updated_at_ms", Long, nullable=False),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.Index("deliveries_key_channel", "key", "channel", unique=True),
        sa.Index("deliveries_due", "channel", "state", "next_at_ms"),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_table(
        "mutes",
        _seq("id"),
        sa.Column("brand", sa.Text),
        sa.Column("level_max", sa.Integer),
        sa.Column("incident_id", sa.String(128)),
        sa.Column("until_ms", Long, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )  # fmt: skip


def _engine() -> None:
    op.create_table(
        "cursors",
        sa.Column("source", sa.String(256), primary_key=True),
        sa.Column("partition", sa.String(256), primary_key=True),
        sa.Column("epoch", Long, nullable=False),
        sa.Column("position", sa.Text, nullable=False),
    )  # fmt: skip
    op.create_table(
        "state",
        sa.Column("part", sa.String(512), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )  # fmt: skip
    op.create_table(
        "counters",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("labels", sa.String(512), primary_key=True),
        sa.Column("value", sa.Float(53), nullable=False),
    )  # fmt: skip


def _records() -> None:
    op.create_table(
        "inbox",
        _seq("seq"),
        sa.Column("received_at_ms", Long, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_table(
        "dead_letters",
        _seq("id"),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("position", sa.Text, nullable=False),
        sa.Column("field", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_table(
        "late_mentions",
        _seq("id"),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("brands", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )  # fmt: skip


def _service() -> None:
    op.create_table(
        "heartbeat",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("pid", Long, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("at_ms", Long, nullable=False),
    )  # fmt: skip
    op.create_table(
        "meta",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )  # fmt: skip
