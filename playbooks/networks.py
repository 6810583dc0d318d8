"""The networks' own rules: how long a text may be, how it is counted, and how much room there is to write."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from engine.domain.mention import SOURCES
from playbooks.typography import URL

SIZES = ("micro", "short", "full")
SHORTENED_LINK_CHARS = 23


@dataclass(frozen=True, slots=True)
class Network:
    """`chars_max` by `count`; `size` picks how long the sentences of a level are.

    `variant` picks one of their wordings: 0 plain, 1 spoken (French « on »), 2 plain again, in other words.
    """

    name: str
    chars_max: int
    count: Callable[[str], int] = len
    size: str = "full"
    variant: int = 0


def count_x(text: str) -> int:
    """The weighted length of X: a link counts 23, an emoji or an ideograph 2 (twitter-text, configuration v3).

    >>> count_x("Voir https://nordalia.example/etat-des-services"), count_x("日本"), count_x("\u202f")
    (28, 4, 2)
    """
    rest, links = URL.subn("", text)
    return SHORTENED_LINK_CHARS * links + len(rest) + len(_HEAVY.findall(rest))


_HEAVY = re.compile("[^\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037]")
"""What X counts twice."""


def count_mastodon(text: str) -> int:
    """Characters, a link counting 23 (Mastodon, StatusLengthValidator)."""
    rest, links = URL.subn("", text)
    return SHORTENED_LINK_CHARS * links + len(rest)


def count_bluesky(text: str) -> int:
    """An upper bound of the graphemes (app.bsky.feed.post allows 300): code points without combining marks and joiners.

    >>> count_bluesky("e\u0301te\u0301")
    3
    """
    return sum(1 for c in text if not unicodedata.combining(c) and c not in "\u200d\ufe0e\ufe0f")


_ALL = (
    Network("x", 280, count_x, "short"),
    Network("facebook", 8000),
    Network("instagram", 2200, variant=1),
    Network("tiktok", 150, size="micro"),
    Network("youtube", 10_000, variant=2),
    Network("linkedin", 1250),
    Network("discord", 2000, variant=1),
    Network("reddit", 10_000, variant=1),
    Network("mastodon", 500, count_mastodon, "short", variant=2),
    Network("bluesky", 300, count_bluesky, "short", variant=1),
    Network("forum", 2000, variant=2),
    Network("blog", 20_000, variant=2),
    Network("news", 4000),
    Network("review", 4096, variant=2),
    Network("email", 10_000),
    Network("dm", 1000, variant=2),
    Network("other", 1000),
)

NETWORKS: Mapping[str, Network] = MappingProxyType({network.name: network for network in _ALL})
"""By a mention's `source`. Limits of comments, as the networks state them; blog, news, e-mail and direct messages set
none worth the name, so theirs are what a reader bears."""

assert set(NETWORKS) == set(SOURCES)


ROUND = tuple(sorted(NETWORKS, key=lambda name: (NETWORKS[name].chars_max, name)))
"""The order in which networks take the wordings of one text: the shortest first: they have least else to differ by."""


def network(name: str) -> Network:
    """The network called `name`; one that we don't know is `other`."""
    return NETWORKS.get(name, NETWORKS["other"])
