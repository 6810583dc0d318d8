"""A mention: one thing that one person wrote about a brand, as the inside of the house carries it."""

from __future__ import annotations

from typing import NamedTuple

SOURCES = (
    "x", "facebook", "instagram", "tiktok", "youtube", "linkedin", "discord", "reddit", "mastodon",
    "bluesky", "forum", "blog", "news", "review", "email", "dm", "other",
)  # fmt: skip
"""The networks a mention may come from; also the `network` of drafts and evidence."""

KINDS = ("comment", "mention", "post", "review", "message")

TEXT_CHARS_MAX = 10_000
"""A longer text is cut there and counted as truncated."""

CREATED_AT_MS_MIN = 631_152_000_000
"""1990-01-01T00:00:00Z: a mention dated before it is a mistake of the source and is rejected."""


class Mention(NamedTuple):
    """One comment, post, review or message.

    A named tuple and not a dataclass because one is made for each of some ten thousand mentions a second.
    Validation happens at the edge (`streams`); what stands here has passed it.

    `created_at_ms` is milliseconds since 1970-01-01T00:00:00Z. `sentiment`, in [-1, 1], is set only when it was
    scored upstream; it is then used as it is.

    >>> m = Mention(id="1", source="x", kind="comment", text="Panne encore ce matin", created_at_ms=1_760_000_000_000)
    >>> m.reach
    1
    """

    id: str
    source: str
    kind: str
    text: str
    created_at_ms: int
    brand: str | None = None
    lang: str | None = None
    author_id: str | None = None
    author_name: str | None = None
    author_followers: int = 0
    author_verified: bool = False
    url: str | None = None
    parent_id: str | None = None
    thread_id: str | None = None
    likes: int = 0
    shares: int = 0
    replies: int = 0
    views: int = 0
    sentiment: float | None = None

    @property
    def reach(self) -> int:
        """How many people may have seen it: its views, or its author's followers, and at least one."""
        return max(self.views, self.author_followers, 1)

    @property
    def author(self) -> str | None:
        """What tells its author from the others on the same network, None if the source names nobody."""
        return self.author_id or self.author_name
