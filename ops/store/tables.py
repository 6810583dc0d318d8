"""The tables, for statements only: what makes and changes them are the migrations.

Times are milliseconds since 1970, `payload` and `labels` are JSON as text (readable with any SQL shell), `data` and
`raw` are bytes. A test compares these tables with what the migrations make.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, MetaData, String, Table, Text

metadata = MetaData()

Long = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere; SQLite numbers rows by itself only for INTEGER."""


def _seq(name: str) -> Column[int]:
    """A row number that is never given twice, not even after the highest rows were deleted."""
    return Column(name, Long, primary_key=True, autoincrement=True)


incidents = Table(
    "incidents", metadata,
    Column("id", String(128), primary_key=True),
    Column("brand", Text, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("phase", String(16), nullable=False),
    Column("level", Integer, nullable=False),
    Column("opened_at_ms", Long, nullable=False),
    Column("closed_at_ms", Long),
    Column("payload", Text, nullable=False),
    Index("incidents_opened", "opened_at_ms"),
)  # fmt: skip

plans = Table(
    "plans", metadata,
    Column("incident_id", String(128), primary_key=True),
    Column("at_ms", Long, nullable=False),
    Column("payload", Text, nullable=False),
)  # fmt: skip

curves = Table(
    "curves", metadata,
    Column("incident_id", String(128), primary_key=True),
    Column("start_ms", Long, primary_key=True, autoincrement=False),
    Column("negative", Float(53), nullable=False),
    Column("total", Long, nullable=False),
    Column("expected", Float(53), nullable=False),
)  # fmt: skip

outbox = Table(
    "outbox", metadata,
    _seq("id"),
    Column("key", String(256), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("incident_id", String(128), nullable=False),
    Column("brand", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("at_ms", Long, nullable=False),
    Column("stored_at_ms", Long, nullable=False),
    Column("routed", Integer, nullable=False),
    Column("payload", Text, nullable=False),
    Column("page", Text),
    Index("outbox_routed", "routed", "id"),
    sqlite_autoincrement=True,
)  # fmt: skip

deliveries = Table(
    "deliveries", metadata,
    _seq("id"),
    Column("outbox_id", Long, nullable=False),
    Column("key", String(256), nullable=False),
    Column("channel", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at_ms", Long, nullable=False),
    Column("updated_at_ms", Long, nullable=False),
    Column("last_error", Text, nullable=False),
    Column("lease_by", String(256), nullable=False, server_default=""),
    Column("lease_until_ms", Long, nullable=False, server_default="0"),
    Index("deliveries_key_channel", "key", "channel", unique=True),
    Index("deliveries_due", "channel", "state", "next_at_ms"),
    sqlite_autoincrement=True,
)  # fmt: skip

dead_letters = Table(
    "dead_letters", metadata,
    _seq("id"),
    Column("at_ms", Long, nullable=False),
    Column("position", Text, nullable=False),
    Column("field", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Column("source", String(256), nullable=False, server_default=""),
    Column("key", String(512)),
    Column("size_bytes", Long, nullable=False, server_default="0"),
    Column("published", Integer, nullable=False, server_default="0"),
    Column("state", String(16), nullable=False, server_default="new"),
    Column("done_at_ms", Long),
    Column("done_by", Text),
    Column("done_why", Text),
    Index("dead_letters_key", "source", "key", unique=True),
    Index("dead_letters_published", "published", "id"),
    sqlite_autoincrement=True,
)  # fmt: skip

late_mentions = Table(
    "late_mentions", metadata,
    _seq("id"),
    Column("at_ms", Long, nullable=False),
    Column("brands", Text, nullable=False),
    Column("payload", Text, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip

cursors = Table(
    "cursors", metadata,
    Column("source", String(256), primary_key=True),
    Column("partition", String(256), primary_key=True),
    Column("epoch", Long, nullable=False),
    Column("position", Text, nullable=False),
)  # fmt: skip

state = Table(
    "state", metadata,
    Column("owner", String(256), primary_key=True),
    Column("part", String(512), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
)  # fmt: skip

counters = Table(
    "counters", metadata,
    Column("owner", String(256), primary_key=True),
    Column("name", String(128), primary_key=True),
    Column("labels", String(512), primary_key=True),
    Column("value", Float(53), nullable=False),
)  # fmt: skip

inbox = Table(
    "inbox", metadata,
    _seq("seq"),
    Column("received_at_ms", Long, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip

commands = Table(
    "commands", metadata,
    _seq("seq"),
    Column("name", String(32), nullable=False),
    Column("incident_id", String(128), nullable=False),
    Column("actor", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("at_ms", Long, nullable=False),
    Column("done", Integer, nullable=False),
    Column("ok", Integer),
    Column("answer", Text, nullable=False),
    Index("commands_done", "done", "seq"),
    sqlite_autoincrement=True,
)  # fmt: skip

labels = Table(
    "labels", metadata,
    _seq("seq"),
    Column("at_ms", Long, nullable=False),
    Column("actor", Text, nullable=False),
    Column("mention_id", Text),
    Column("brand", Text),
    Column("lang", String(35)),
    Column("text", Text, nullable=False),
    Column("sentiment", String(3), nullable=False),
    Column("undone_at_ms", Long),
    Column("undone_by", Text),
    sqlite_autoincrement=True,
)  # fmt: skip

overlays = Table(
    "overlays", metadata,
    Column("version", Long, primary_key=True, autoincrement=False),
    Column("at_ms", Long, nullable=False),
    Column("model", String(16), nullable=False),
    Column("upto_seq", Long, nullable=False),
    Column("undone", Long, nullable=False),
    Column("report", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)  # fmt: skip

drafts = Table(
    "drafts", metadata,
    Column("id", String(64), primary_key=True),
    Column("incident_id", String(128), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reply_to", Text),
    Column("changed_at_ms", Long, nullable=False),
    Column("payload", Text, nullable=False),
    Index("drafts_incident", "incident_id", "id"),
)  # fmt: skip

audit = Table(
    "audit", metadata,
    Column("seq", Long, primary_key=True, autoincrement=False),
    Column("at_ms", Long, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("subject", Text, nullable=False),
    Column("text_hash", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    Column("prev_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)  # fmt: skip

runs = Table(
    "runs", metadata,
    Column("incident_id", String(128), primary_key=True),
    Column("phase", String(16), nullable=False),
    Column("next_due_ms", Long),
    Column("payload", Text, nullable=False),
    Index("runs_due", "next_due_ms"),
)  # fmt: skip

timeline = Table(
    "timeline", metadata,
    _seq("seq"),
    Column("incident_id", String(128), nullable=False),
    Column("at_ms", Long, nullable=False),
    Column("actor", Text, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("step", String(128), nullable=False),
    Column("text", Text, nullable=False),
    Column("exercise", Integer, nullable=False),
    Index("timeline_incident", "incident_id", "seq"),
    sqlite_autoincrement=True,
)  # fmt: skip

facts = Table(
    "facts", metadata,
    _seq("seq"),
    Column("incident_id", String(128), nullable=False),
    Column("name", String(128), nullable=False),
    Column("value", Text, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at_ms", Long, nullable=False),
    Column("approved_by", Text),
    Column("approved_at_ms", Long),
    Index("facts_incident", "incident_id", "seq"),
    sqlite_autoincrement=True,
)  # fmt: skip

asks = Table(
    "asks", metadata,
    _seq("seq"),
    Column("key", String(300), nullable=False, unique=True),
    Column("incident_id", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at_ms", Long, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("payload", Text, nullable=False),
    Index("asks_due", "state", "next_at_ms"),
    sqlite_autoincrement=True,
)  # fmt: skip

mutes = Table(
    "mutes", metadata,
    _seq("id"),
    Column("brand", Text),
    Column("level_max", Integer),
    Column("incident_id", String(128)),
    Column("until_ms", Long, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip

heartbeat = Table(
    "heartbeat", metadata,
    Column("name", String(64), primary_key=True),
    Column("pid", Long, nullable=False),
    Column("host", Text, nullable=False),
    Column("at_ms", Long, nullable=False),
)  # fmt: skip

meta = Table(
    "meta", metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)  # fmt: skip

pages = Table(
    "pages", metadata,
    _seq("seq"),
    Column("key", String(256), nullable=False),
    Column("incident_id", String(128), nullable=False),
    Column("person", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("level", Integer, nullable=False),
    Column("at_ms", Long, nullable=False),
    Column("acked_at_ms", Long),
    Index("pages_key", "key", unique=True),
    Index("pages_incident", "incident_id"),
    sqlite_autoincrement=True,
)  # fmt: skip

escalations = Table(
    "escalations", metadata,
    Column("incident_id", String(128), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("due_at_ms", Long),
    Column("payload", Text, nullable=False),
    Index("escalations_due", "due_at_ms"),
)  # fmt: skip

timers = Table(
    "timers", metadata,
    Column("name", String(128), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("due_at_ms", Long, nullable=False),
)  # fmt: skip

overrides = Table(
    "overrides", metadata,
    _seq("id"),
    Column("role", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("start_ms", Long, nullable=False),
    Column("end_ms", Long, nullable=False),
    Column("actor", Text, nullable=False),
    sqlite_autoincrement=True,
)  # fmt: skip

tokens = Table(
    "tokens", metadata,
    _seq("id"),
    Column("hash", String(64), nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("person", Text),
    Column("created_by", Text, nullable=False),
    Column("created_at_ms", Long, nullable=False),
    Column("expires_at_ms", Long),
    Column("used_at_ms", Long),
    Column("revoked_at_ms", Long),
    sqlite_autoincrement=True,
)  # fmt: skip

requests = Table(
    "requests", metadata,
    Column("token_id", Long, primary_key=True, autoincrement=False),
    Column("key", String(200), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("at_ms", Long, nullable=False),
    Column("status", Integer),
    Column("answer", Text, nullable=False),
    Index("requests_at", "at_ms"),
)  # fmt: skip
