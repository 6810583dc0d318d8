"""Many workers on one store: state and counters by owner, deliveries on lease, dead letters that are known again.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

Long = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _state()
    _counters()
    _deliveries()
    _dead_letters()


def _state() -> None:
    op.rename_table("state", "state_before")
    op.create_table(
        "state",
        sa.Column("owner", sa.String(256), primary_key=True),
        sa.Column("part", sa.String(512), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
    )  # fmt: skip
    op.execute("INSERT INTO state (owner, part, version, data) SELECT 'engine', part, version, data FROM state_before")
    op.drop_table("state_before")


def _counters() -> None:
    op.rename_table("counters", "counters_before")
    op.create_table(
        "counters",
        sa.Column("owner", sa.String(256), primary_key=True),
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("labels", sa.String(512), primary_key=True),
        sa.Column("value", sa.Float(53), nullable=False),
    )  # fmt: skip
    op.execute(
        "INSERT INTO counters (owner, name, labels, value) SELECT 'engine', name, labels, value FROM counters_before"
    )
    op.drop_table("counters_before")


def _deliveries() -> None:
    op.add_column("deliveries", sa.Column("lease_by", sa.String(256), nullable=False, server_default=""))
    op.add_column("deliveries", sa.Column("lease_until_ms", Long, nullable=False, server_default="0"))


def _dead_letters() -> None:
    op.add_column("dead_letters", sa.Column("source", sa.String(256), nullable=False, server_default=""))
    op.add_column("dead_letters", sa.Column("key", sa.String(512)))
    op.add_column("dead_letters", sa.Column("size_bytes", Long, nullable=False, server_default="0"))
    op.add_column("dead_letters", sa.Column("published", sa.Integer, nullable=False, server_default="0"))
    op.add_column("dead_letters", sa.Column("state", sa.String(16), nullable=False, server_default="new"))
    op.add_column("dead_letters", sa.Column("done_at_ms", Long))
    op.add_column("dead_letters", sa.Column("done_by", sa.Text))
    op.add_column("dead_letters", sa.Column("done_why", sa.Text))
    op.create_index("dead_letters_key", "dead_letters", ["source", "key"], unique=True)
    op.create_index("dead_letters_published", "dead_letters", ["published", "id"])
