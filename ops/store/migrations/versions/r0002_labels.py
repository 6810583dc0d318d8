"""Corrections by the team, and what was learnt from them.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

Long = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "labels",
        sa.Column("seq", Long, primary_key=True, autoincrement=True),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("mention_id", sa.Text),
        sa.Column("brand", sa.Text),
        sa.Column("lang", sa.String(35)),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("sentiment", sa.String(3), nullable=False),
        sa.Column("undone_at_ms", Long),
        sa.Column("undone_by", sa.Text),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_table(
        "overlays",
        sa.Column("version", Long, primary_key=True, autoincrement=False),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("model", sa.String(16), nullable=False),
        sa.Column("upto_seq", Long, nullable=False),
        sa.Column("undone", Long, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
    )  # fmt: skip
