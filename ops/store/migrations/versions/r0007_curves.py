"""The curve of each incident, for its reports.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

Long = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "curves",
        sa.Column("incident_id", sa.String(128), primary_key=True),
        sa.Column("start_ms", Long, primary_key=True, autoincrement=False),
        sa.Column("negative", sa.Float(53), nullable=False),
        sa.Column("total", Long, nullable=False),
        sa.Column("expected", sa.Float(53), nullable=False),
    )  # fmt: skip
