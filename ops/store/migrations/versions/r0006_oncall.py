"""On call: pages to people, escalations with their timers, overrides of the rota.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

Long = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("outbox", sa.Column("page", sa.Text))
    op.create_table(
        "pages",
        sa.Column("seq", Long, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(256), nullable=False),
        sa.Column("incident_id", sa.String(128), nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("acked_at_ms", Long),
        sqlite_autoincrement=True,
    )
    op.create_index("pages_key", "pages", ["key"], unique=True)
    op.create_index("pages_incident", "pages", ["incident_id"])
    op.create_table(
        "escalations",
        sa.Column("incident_id", sa.String(128), primary_key=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("due_at_ms", Long),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_index("escalations_due", "escalations", ["due_at_ms"])
    op.create_table(
        "timers",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("due_at_ms", Long, nullable=False),
    )
    op.create_table(
        "overrides",
        sa.Column("id", Long, primary_key=True, autoincrement=True),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("start_ms", Long, nullable=False),
        sa.Column("end_ms", Long, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    # Alerts from before there was anybody to call are nobody's business any more.
    op.execute(
        "INSERT INTO meta (name, value) SELECT 'oncall_cursor', CAST(newest AS VARCHAR(20)) "
        "FROM (SELECT MAX(id) AS newest FROM outbox) AS last WHERE newest IS NOT NULL"
    )
