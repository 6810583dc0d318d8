"""The audit log: who approved which text, when, in a chain of hashes that shows any later change.

Each row's hash covers the row and the hash of the row before it, so a row that is changed, removed, moved or put in
between breaks every hash after it. The newest number and hash (the head) stand in the table `meta` too: a chain cut
short no longer reaches it. Whoever can write the whole database could still make the chain anew, head and all; against
that the head is printed at every approval, to be kept outside (a log, a mail): `vigie audit verify --head` compares.

Spec of the idea: Schneier & Kelsey, Secure audit logs to support computer forensics (TISSEC 2(2), 1999).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from engine.domain.draft_state import DraftState, StoredDraft, hash_of
from engine.domain.errors import InputError
from ops.store import tables
from ops.store.apply import writable
from ops.store.codec import decode
from ops.store.database import Database

START = "0" * 64
"""The hash before the first row."""
HEAD = "audit_head"
"""The head's name in `meta`."""
DETAIL_CHARS_MAX = 200_000
PAGE_ROWS = 1_000


class Entry(NamedTuple):
    """One row. `detail` is JSON; `text_hash` is the SHA-256 of the text that it is about, or empty."""

    seq: int
    at_ms: int
    actor: str
    kind: str
    subject: str
    text_hash: str
    detail: str
    prev_hash: str
    hash: str


class Head(NamedTuple):
    """The newest row's number and hash; 0 for an empty chain.

    >>> str(Head(0, START))[:6], Head.parse("3:" + "a" * 64).seq
    ('0:0000', 3)
    """

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Raises InputError for anything but a number, a colon and 64 hexadecimal digits."""
        seq, _, digest = text.strip().partition(":")
        if not (seq.isdecimal() and len(seq) < 16 and len(digest) == 64 and not digest.strip("0123456789abcdef")):
            raise InputError(f"{text[:80]!r} is no head of the audit log; write it as printed, number:hash")
        return cls(int(seq), digest)


def row_hash(prev_hash: str, entry: tuple[int, int, str, str, str, str, str]) -> str:
    """The hash of a row: SHA-256 of its fields and the hash before it, as canonical JSON."""
    fields = json.dumps([prev_hash, *entry], ensure_ascii=True, separators=(",", ":"))
    return sha256(fields.encode("ascii")).hexdigest()


class Audit:
    """Appends and verifies. Safe from any thread."""

    def __init__(self, database: Database, clock_ms: Callable[[], int]) -> None:
        self._database = database
        self._clock_ms = clock_ms

    def append(
        self, connection: Connection, at_ms: int, actor: str, kind: str, subject: str, text_hash: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> Head:  # fmt: skip
        """Add a row inside the caller's transaction: it is kept if what it tells of is kept. Returns the new head."""
        before = _head(connection, locked=True)
        told = writable(json.dumps(detail or {}, ensure_ascii=True, separators=(",", ":"), sort_keys=True))
        if len(told) > DETAIL_CHARS_MAX:
            raise InputError(f"audit: the details of {kind} are longer than {DETAIL_CHARS_MAX} characters")
        fields = (before.seq + 1, at_ms, writable(actor), kind, writable(subject), text_hash, told)
        entry = Entry(*fields, before.hash, row_hash(before.hash, fields))
        connection.execute(tables.audit.insert().values(**entry._asdict()))
        head = Head(entry.seq, entry.hash)
        row = {"name": HEAD, "value": str(head)}
        connection.execute(self._database.upsert(tables.meta, ["name"]), row)
        return head

    def note(self, actor: str, kind: str, subject: str, detail: Mapping[str, Any] | None = None) -> Head:
        """Add a row on its own."""
        with self._database.write() as connection:
            return self.append(connection, self._clock_ms(), actor, kind, subject, "", detail)

    def head(self) -> Head:
        """The newest row, as `meta` has it."""
        with self._database.read() as connection:
            return _head(connection)

    def entries(self, *, subject: str | None = None, after: int = 0) -> Iterator[Entry]:
        """The rows in order, all or those about `subject`."""
        a = tables.audit
        while True:
            query = select(a).where(a.c.seq > after).order_by(a.c.seq).limit(PAGE_ROWS)
            if subject is not None:
                query = query.where(a.c.subject == subject)
            with self._database.read() as connection:
                page = [Entry(*row) for row in connection.execute(query)]
            yield from page
            if len(page) < PAGE_ROWS:
                return
            after = page[-1].seq

    def verify(self, kept: Head | None = None) -> list[str]:
        """Everything wrong with the chain, with approved texts against it, and with the head that somebody kept.

        Empty for a log that is whole. One consistent view of the database.
        """
        a = tables.audit
        with self._database.read() as connection:
            head = _head(connection)
            rows = [Entry(*row) for row in connection.execute(select(a).order_by(a.c.seq))]
            drafts = [
                decode(StoredDraft, payload) for (payload,) in connection.execute(select(tables.drafts.c.payload))
            ]
        return [*_chain_faults(rows, head, kept), *_text_faults(rows, drafts)]


def _head(connection: Connection, *, locked: bool = False) -> Head:
    query = select(tables.meta.c.value).where(tables.meta.c.name == HEAD)
    if locked:
        query = query.with_for_update()
    found = connection.execute(query).scalar()
    return Head(0, START) if found is None else Head.parse(found)


def _chain_faults(rows: list[Entry], head: Head, kept: Head | None) -> Iterator[str]:
    before = Head(0, START)
    for row in rows:
        if row.seq != before.seq + 1:
            gone = f"{before.seq + 1}" if row.seq == before.seq + 2 else f"{before.seq + 1} to {row.seq - 1}"
            yield f"row {gone}: missing"
        if row.prev_hash != before.hash:
            yield f"row {row.seq}: does not follow row {before.seq} (its link is another hash)"
        if row.hash != row_hash(row.prev_hash, row[:7]):
            yield f"row {row.seq}: changed since it was written"
        before = Head(row.seq, row.hash)
    if before != head:
        yield f"the log ends at row {before.seq}, its recorded head is row {head.seq}: rows were cut off, or the head"
    if kept is not None:
        here = next((row.hash for row in rows if row.seq == kept.seq), START if kept.seq == 0 else None)
        if here is None:
            yield f"row {kept.seq}, whose hash was kept outside, is gone"
        elif here != kept.hash:
            yield f"row {kept.seq} is not the row whose hash was kept outside: the log was made anew"


def _text_faults(rows: list[Entry], drafts: list[StoredDraft]) -> Iterator[str]:
    """Approved and published drafts whose text nobody approved, by the log."""
    approved: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        if row.kind == "draft.approved":
            approved.setdefault((row.subject, row.text_hash), set()).add(row.actor)
    for draft in drafts:
        if draft.state in (DraftState.APPROVED, DraftState.PUBLISHED):
            who = approved.get((draft.id, hash_of(draft.text)), set())
            if len(who) < draft.needed:
                yield f"draft {draft.id}: {draft.state.value}, and the log has {len(who)} approvals of its text"
