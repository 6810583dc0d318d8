"""Tokens of the API as rows, and the answers that a retry is given again.

Of a token only its SHA-256 is kept: 256 random bits need no salt and no slow hash, and who reads the database can't use
it. A token that was revoked or has expired stays in the list, for the log's sake.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from sqlalchemy import delete, select, update

from engine.domain.errors import InputError
from ops.store import tables
from ops.store.apply import writable
from ops.store.database import Database

BEGINNING = "vigie_"
"""What every token begins with, so that scanners for lost secrets know one."""
TOKEN_CHARS_MAX = 200
USED_EVERY_MS = 60_000
"""The last use is written down once a minute at most."""
KEEP_ANSWERS_MS = 86_400_000
"""A retry gets the first answer for a day."""


class Role(IntEnum):
    """What the bearer of a token may do; each may do all that the ones before may."""

    READER = 1  # reads
    MANAGER = 2  # acts on incidents and steps, proposes facts, writes drafts
    APPROVER = 3  # approves facts and drafts, releases the holding line without legal
    ADMIN = 4  # tokens

    @property
    def label(self) -> str:
        return self.name.lower()


class Token(NamedTuple):
    """A token as it is kept. `person` is whose it is; None for a program's, which can't approve."""

    id: int
    name: str
    role: Role
    person: str | None
    created_by: str
    created_at_ms: int
    expires_at_ms: int | None
    used_at_ms: int | None
    revoked_at_ms: int | None

    @property
    def actor(self) -> str:
        """Who stands in the log."""
        return self.person or self.name


class Told(NamedTuple):
    """What became of a request with this key: its answer, or None while it is carried out (or was cut off)."""

    digest: str
    status: int | None
    answer: str


def role_of(text: str) -> Role:
    """Raises InputError for a word that is no role.

    >>> role_of("approver") > Role.MANAGER
    True
    """
    found = next((role for role in Role if role.label == text.strip().lower()), None)
    if found is None:
        raise InputError(f"{text[:40]!r} is no role; there are {', '.join(role.label for role in Role)}")
    return found


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Tokens:
    """Makes, finds, revokes. Safe from any thread."""

    def __init__(self, database: Database, clock_ms: Callable[[], int]) -> None:
        self._database, self._clock_ms = database, clock_ms

    def create(
        self, name: str, role: Role, *, person: str | None = None, days: int | None = None, by: str = ""
    ) -> tuple[Token, str]:
        """A new token, and the words that open with it: shown once, kept nowhere.

        >>> from ops.store import Store
        >>> with Store.temporary() as store:
        ...     token, words = store.tokens.create("console", Role.READER)
        ...     store.tokens.find(words).name, store.tokens.find(words[:-1] + "-") is None
        ('console', True)
        """
        words = BEGINNING + secrets.token_urlsafe(32)
        now_ms = self._clock_ms()
        row = {
            "hash": digest_of(words), "name": writable(name), "role": role.label, "created_by": writable(by),
            "person": None if person is None else writable(person), "created_at_ms": now_ms,
            "expires_at_ms": None if days is None else now_ms + days * 86_400_000,
        }  # fmt: skip
        with self._database.write() as connection:
            key = connection.execute(tables.tokens.insert().values(**row)).inserted_primary_key
        assert key is not None
        made = next(token for token in self.all() if token.id == int(key[0]))
        return made, words

    def find(self, words: str) -> Token | None:
        """The token that these words are, if it is in force; its use is noted."""
        if not words.startswith(BEGINNING) or len(words) > TOKEN_CHARS_MAX:
            return None
        digest, t = digest_of(words), tables.tokens
        with self._database.read() as connection:
            row = connection.execute(select(t).where(t.c.hash == digest)).first()
        if row is None or not hmac.compare_digest(row.hash, digest):
            return None
        token, now_ms = _token(row), self._clock_ms()
        if token.revoked_at_ms is not None or (token.expires_at_ms is not None and token.expires_at_ms <= now_ms):
            return None
        if now_ms - (token.used_at_ms or 0) >= USED_EVERY_MS:
            with self._database.write() as connection:
                connection.execute(update(t).where(t.c.id == token.id).values(used_at_ms=now_ms))
        return token

    def all(self) -> list[Token]:
        """Every token that was ever made, oldest first."""
        with self._database.read() as connection:
            return [_token(row) for row in connection.execute(select(tables.tokens).order_by(tables.tokens.c.id))]

    def revoke(self, token_id: int) -> bool:
        """From now on it opens nothing. False when there is none of that number, or it was revoked before."""
        t = tables.tokens
        mine = (t.c.id == token_id) & t.c.revoked_at_ms.is_(None)
        with self._database.write() as connection:
            return bool(connection.execute(update(t).where(mine).values(revoked_at_ms=self._clock_ms())).rowcount)

    # -- retries -------------------------------------------------------------------------------------------------

    def begin(self, token_id: int, key: str, digest: str) -> Told | None:
        """Take a request's key; None when it is new, else what became of the first request with it."""
        r, now_ms = tables.requests, self._clock_ms()
        row = {"token_id": token_id, "key": key, "digest": digest, "at_ms": now_ms, "status": None, "answer": ""}
        insert = self._database.insert(r).on_conflict_do_nothing(index_elements=["token_id", "key"])
        with self._database.write() as connection:
            connection.execute(delete(r).where(r.c.at_ms < now_ms - KEEP_ANSWERS_MS))
            if connection.execute(insert, row).rowcount:
                return None
            query = select(r.c.digest, r.c.status, r.c.answer).where(r.c.token_id == token_id, r.c.key == key)
            return Told(*connection.execute(query).one())

    def finish(self, token_id: int, key: str, status: int, answer: str) -> None:
        """Keep the answer for retries."""
        r = tables.requests
        mine = (r.c.token_id == token_id) & (r.c.key == key)
        with self._database.write() as connection:
            connection.execute(update(r).where(mine).values(status=status, answer=answer))

    def forget(self, token_id: int, key: str) -> None:
        """It was not carried out: a retry may."""
        r = tables.requests
        with self._database.write() as connection:
            connection.execute(delete(r).where(r.c.token_id == token_id, r.c.key == key))


def _token(row: tuple[object, ...]) -> Token:
    fields = dict(row._mapping)  # type: ignore[attr-defined]
    fields.pop("hash")
    return Token(**{**fields, "role": role_of(fields["role"])})
