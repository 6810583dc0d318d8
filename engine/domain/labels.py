"""Corrections: what a person of the team says that a comment is."""

from __future__ import annotations

from typing import NamedTuple


class Correction(NamedTuple):
    """A text and its sentiment towards the brand, as a person told it: "neg", "neu" or "pos".

    >>> Correction("Bravo, encore en panne", "neg", "fr").sentiment
    'neg'
    """

    text: str
    sentiment: str
    lang: str | None = None
    """As the source said it, None where it said nothing."""
    mention_id: str | None = None
    brand: str | None = None
