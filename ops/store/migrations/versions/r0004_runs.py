"""Runs of playbooks: where each stands, its log, facts, and what it wants done outside.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

Long = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "runs",
        sa.Column("incident_id", sa.String(128), primary_key=True),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("next_due_ms", Long),
        sa.Column("payload", sa.Text, nullable=False),
    )
    op.create_index("runs_due", "runs", ["next_due_ms"])
    op.create_table(
        "timeline",
        sa.Column("seq", Long, primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String(128), nullable=False),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("step", sa.String(128), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("exercise", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("timeline_incident", "timeline", ["incident_id", "seq"])
    op.create_table(
        "facts",
        sa.Column("seq", Long, primary_key=True, autoincrement=True),
        sa.Column("incident_id", sa.String(128), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("proposed_by", sa.Text, nullable=False),
        sa.Column("proposed_at_ms", Long, nullable=False),
        sa.Column("approved_by", sa.Text),
        sa.Column("approved_at_ms", Long),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("facts_incident", "facts", ["incident_id", "seq"])
    op.create_table(
        "asks",
        sa.Column("seq", Long, primary_key=True, autoincrement=True),
        sa.Column("key", sa.String(300), nullable=False, unique=True),
        sa.Column("incident_id", sa.String(128), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_at_ms", Long, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("asks_due", "asks", ["state", "next_at_ms"])
