"""What a mention looks like on the wire: the one description that validates, documents and is published.

The shape is a pydantic v2 typed dictionary and not a model class: it validates a third faster and its values are read
straight into the house's named tuple (`streams.decode`). Strict: a string is no number, a bool is no number, an id is a
string. Fields nobody knows are kept aside to be counted, never an error, so that an export may carry more than we read.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Required

from pydantic import ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from engine.domain.mention import TEXT_CHARS_MAX

ID_CHARS_MAX = 256
NAME_CHARS_MAX = 256
LANG_CHARS_MAX = 35
"""The longest language tag that BCP 47 (RFC 5646, 4.4.1) asks everyone to hold."""
URL_CHARS_MAX = 2048
DATE_CHARS_MAX = 40
COUNT_MAX = 10**15
"""No count of people or clicks is larger; keeps every value within a 64-bit column."""

SourceName = Literal[
    "x", "facebook", "instagram", "tiktok", "youtube", "linkedin", "discord", "reddit", "mastodon",
    "bluesky", "forum", "blog", "news", "review", "email", "dm", "other",
]  # fmt: skip
KindName = Literal["comment", "mention", "post", "review", "message"]

Id = Annotated[str, Field(min_length=1, max_length=ID_CHARS_MAX)]
Name = Annotated[str, Field(max_length=NAME_CHARS_MAX)]
Count = Annotated[int, Field(ge=0, le=COUNT_MAX)]

_CONFIG = ConfigDict(strict=True, extra="allow")


class AuthorFields(TypedDict, total=False):
    """Who wrote it, as far as the network says."""

    __pydantic_config__ = _CONFIG  # type: ignore[misc]

    id: Annotated[Name | None, Field(description="The author's id on the network.")]
    name: Annotated[Name | None, Field(description="The name that readers see.")]
    followers: Annotated[Count | None, Field(description="How many follow the author.")]
    verified: Annotated[bool | None, Field(description="Whether the network vouches for the author.")]


class EngagementFields(TypedDict, total=False):
    """What readers did with it so far."""

    __pydantic_config__ = _CONFIG  # type: ignore[misc]

    likes: Count | None
    shares: Count | None
    replies: Count | None
    views: Count | None


class MentionFields(TypedDict, total=False):
    """One comment, post, review or message that someone wrote about a brand."""

    __pydantic_config__ = _CONFIG  # type: ignore[misc]

    id: Required[Annotated[Id, Field(description="Unique within its source.")]]
    source: Required[Annotated[SourceName, Field(description="The network it comes from.")]]
    kind: Annotated[KindName | None, Field(description="What it is; a mention if not said.")]
    text: Required[
        Annotated[str, Field(description=f"What was written; cut after {TEXT_CHARS_MAX:,} characters, and counted.")]
    ]
    created_at: Required[
        Annotated[
            str,
            Field(
                max_length=DATE_CHARS_MAX,
                description="When it was written: RFC 3339, with Z or an offset; not before 1990.",
                json_schema_extra={"format": "date-time"},
            ),
        ]
    ]
    brand: Annotated[Name | None, Field(description="The brand it is about; matched from the text if not said.")]
    lang: Annotated[
        Annotated[str, Field(max_length=LANG_CHARS_MAX)] | None,
        Field(description="Its language (BCP 47), told from the text if not said."),
    ]
    author: AuthorFields | None
    url: Annotated[
        Annotated[str, Field(max_length=URL_CHARS_MAX)] | None, Field(description="Where a person can read it.")
    ]
    parent_id: Annotated[Name | None, Field(description="The mention that it answers.")]
    thread_id: Annotated[Name | None, Field(description="The conversation that it belongs to.")]
    engagement: EngagementFields | None
    sentiment: Annotated[
        Annotated[float, Field(ge=-1, le=1, allow_inf_nan=False)] | None,
        Field(description="From -1 (negative) to 1 (positive), if scored upstream; then used as it is."),
    ]


ADAPTER: TypeAdapter[MentionFields] = TypeAdapter(MentionFields)

FIELDS = frozenset(MentionFields.__annotations__)
AUTHOR_FIELDS = frozenset(AuthorFields.__annotations__)
ENGAGEMENT_FIELDS = frozenset(EngagementFields.__annotations__)

PATHS = (
    *(name for name in MentionFields.__annotations__ if name not in ("author", "engagement")),
    *(f"author.{name}" for name in AuthorFields.__annotations__),
    *(f"engagement.{name}" for name in EngagementFields.__annotations__),
)
"""Every field by its dotted path; what `--map` accepts on its left side."""


def json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of one mention, as `vigie schema mention` prints it.

    >>> schema = json_schema()
    >>> sorted(schema["required"])
    ['created_at', 'id', 'source', 'text']
    >>> schema["properties"]["created_at"]["format"]
    'date-time'
    """
    schema = ADAPTER.json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "Mention"}
