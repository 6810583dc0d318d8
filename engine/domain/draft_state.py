"""Drafts as they are kept: their states as a table, and who approved which text.

A draft is never sent by Vigie. A person approves it, posts it, and says so.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple

from engine.domain.incident import Level
from engine.domain.playbook import Finding


class DraftState(StrEnum):
    """Where a draft stands."""

    DRAFT = "draft"  # waits for approval, or for one more
    APPROVED = "approved"
    PUBLISHED = "published"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"  # no longer asked for: another playbook, a network that went quiet


class DraftAct(StrEnum):
    """What happens to one."""

    REMADE = "remade"  # its text is another: other facts, another level, a person's edit
    SIGNED = "signed"  # a person approves, and more are needed
    APPROVED = "approved"  # the last person needed approves
    REJECTED = "rejected"
    PUBLISHED = "published"
    DROPPED = "dropped"


TRANSITIONS: Mapping[tuple[DraftState, DraftAct], DraftState] = MappingProxyType(
    {
        (DraftState.DRAFT, DraftAct.REMADE): DraftState.DRAFT,
        (DraftState.DRAFT, DraftAct.SIGNED): DraftState.DRAFT,
        (DraftState.DRAFT, DraftAct.APPROVED): DraftState.APPROVED,
        (DraftState.DRAFT, DraftAct.REJECTED): DraftState.REJECTED,
        (DraftState.DRAFT, DraftAct.DROPPED): DraftState.SUPERSEDED,
        (DraftState.APPROVED, DraftAct.REMADE): DraftState.DRAFT,
        (DraftState.APPROVED, DraftAct.REJECTED): DraftState.REJECTED,
        (DraftState.APPROVED, DraftAct.PUBLISHED): DraftState.PUBLISHED,
        (DraftState.APPROVED, DraftAct.DROPPED): DraftState.SUPERSEDED,
        (DraftState.REJECTED, DraftAct.REMADE): DraftState.DRAFT,
        (DraftState.REJECTED, DraftAct.DROPPED): DraftState.SUPERSEDED,
        (DraftState.SUPERSEDED, DraftAct.REMADE): DraftState.DRAFT,
    }
)
"""State × act -> state. A pair that is absent is refused. What was published stays as it was published: the next text
is another draft."""


class Approval(NamedTuple):
    """Who approved, when, and which text (SHA-256, hexadecimal)."""

    who: str
    at_ms: int
    text_hash: str


@dataclass(frozen=True, slots=True)
class StoredDraft:
    """A text for one network, or for one mention there, as it is kept.

    `reply_to` is the id of the mention that it answers, None for a text to everybody. `strategy` is how it answers.
    `round` counts the texts that were published before it. `origin` is "template", "llm" or "person".
    """

    id: str
    incident_id: str
    kind: str
    network: str
    lang: str
    form: str | None
    text: str
    made_at_ms: int
    changed_at_ms: int
    level: Level = Level.VERT
    playbook: str = ""
    reply_to: str | None = None
    strategy: str | None = None
    round: int = 0
    state: DraftState = DraftState.DRAFT
    origin: str = "template"
    base: str = ""
    """The text as the playbook makes it; a person's edit is remade when this changes."""
    edited_by: str | None = None
    missing: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    approvals: tuple[Approval, ...] = ()
    needed: int = 1
    """How many people must approve it."""
    published_at_ms: int | None = None
    published_url: str | None = None
    reason: str = ""
    """Why it was rejected."""
    exercise: bool = False
    """Part of a drill: nothing to post."""

    @property
    def blocked(self) -> bool:
        """Whether it can't be approved as it stands."""
        return bool(self.missing or self.findings)

    @property
    def text_hash(self) -> str:
        return hash_of(self.text)


APPROVALS_NEEDED: Mapping[Level, int] = MappingProxyType(
    {Level.VERT: 1, Level.JAUNE: 1, Level.ORANGE: 2, Level.ROUGE: 2}
)
"""Four eyes from orange up."""


def hash_of(text: str) -> str:
    """SHA-256 of a text, hexadecimal.

    >>> hash_of("")[:8]
    'e3b0c442'
    """
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's, however they are typed.

    >>> same_person("Camille Renaud", " camille  RENAUD")
    True
    """
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    letters = unicodedata.normalize("NFKD", name)
    return " ".join("".join(c for c in letters if not unicodedata.combining(c)).casefold().split())
