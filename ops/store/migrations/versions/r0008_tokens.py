"""Tokens of the API, and the requests that a retry must not carry out twice.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

Long = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", Long, primary_key=True, autoincrement=True),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("person", sa.Text),
        sa.Column("created_by", sa.Text, nullable=False),
        sa.Column("created_at_ms", Long, nullable=False),
        sa.Column("expires_at_ms", Long),
        sa.Column("used_at_ms", Long),
        sa.Column("revoked_at_ms", Long),
        sa.UniqueConstraint("hash"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "requests",
        sa.Column("token_id", Long, primary_key=True, autoincrement=False),
        sa.Column("key", sa.String(200), primary_key=True),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("at_ms", Long, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("answer", sa.Text, nullable=False),
    )
    op.create_index("requests_at", "requests", ["at_ms"])
