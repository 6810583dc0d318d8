"""What the negatives of an incident are about, theme by theme."""

from __future__ import annotations

from typing import NamedTuple

from engine.domain.mention import Mention


class TypicalMention(NamedTuple):
    """A mention that speaks for a theme, and how often its text stands there.

    `copies` counts the mentions that say the same, itself included; `accounts` the distinct authors of these, 0 where
    the source names none. Many copies by few accounts are the mark of a concerted raid.
    """

    mention: Mention
    copies: int
    accounts: int


class Theme(NamedTuple):
    """One of the things that the negatives speak of.

    `name` is made of the first of `terms`, the words that tell it from the other themes and from what is usually said
    of the brand, most telling first. `mentions` and `share` (of all negatives of the hours looked at, in [0, 1]) are
    counts, or estimates from a sample where `exact` is false. `typical[0]` is the mention nearest to all others of its
    theme. `first_seen_ms` and `networks` are those of the mentions looked at, so of a sample where not `exact`.
    """

    name: str
    terms: tuple[str, ...]
    mentions: int
    share: float
    first_seen_ms: int
    networks: tuple[tuple[str, int], ...]
    typical: tuple[TypicalMention, ...]
    exact: bool = True
