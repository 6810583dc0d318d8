"""Which brands a mention concerns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.core.fold import fold, tokens
from engine.domain.config import BrandConfig
from engine.domain.errors import ConfigError
from engine.domain.mention import Mention

Phrase = tuple[str, ...]
TOLD_MAX = 4_096
"""Names that mentions gave, remembered with the brand they mean."""


class _Phrases:
    """Phrases by their first word: one look-up a word of the text, so forty brands cost what one does."""

    def __init__(self) -> None:
        self._by_first: dict[str, list[tuple[Phrase, str]]] = {}

    def add(self, phrase: str, brand: str, what: str) -> None:
        words = tuple(tokens(fold(phrase)))
        if not words:
            raise ConfigError(f"brand {brand!r}: {what} {phrase!r} holds no letter or digit, so no text can match it")
        self._by_first.setdefault(words[0], []).append((words, brand))

    def find(self, words: Sequence[str]) -> Iterable[str]:
        by_first = self._by_first
        for i, word in enumerate(words):
            for phrase, brand in by_first.get(word, ()):
                if len(phrase) == 1 or tuple(words[i : i + len(phrase)]) == phrase:
                    yield brand


class Matcher:
    """Tells the brands of a mention: the one it names itself, else those whose words stand in its text.

    >>> from engine.domain.config import BrandConfig
    >>> matcher = Matcher((BrandConfig("Nordalia", handles=("@nordalia",), exclude=("nordalia road",)),))
    >>> m = Mention("1", "x", "post", "Encore en panne, NORDALIA ?", 1_760_000_000_000)
    >>> matcher.brands(m)
    ('Nordalia',)
    >>> matcher.brands(m._replace(text="12 Nordalia Road"))
    ()
    """

    def __init__(self, brands: Sequence[BrandConfig], *, open_brands: bool = False) -> None:
        self._open = open_brands
        self._names: dict[str, str] = {}
        self._phrases, self._handles, self._excluded = _Phrases(), _Phrases(), _Phrases()
        for brand in brands:
            for name in (brand.name, *brand.names, *brand.handles):
                self._names.setdefault(fold(name).strip(), brand.name)
            for phrase in (brand.name, *brand.names, *brand.keywords):
                self._phrases.add(phrase.lstrip("@#"), brand.name, "name or keyword")
            for handle in brand.handles:
                self._handles.add("@" + handle.lstrip("@"), brand.name, "handle")
            for phrase in brand.exclude:
                self._excluded.add(phrase, brand.name, "exclusion")
        self._any = bool(brands)
        self._told: dict[str, tuple[str, ...]] = {}

    def brands(self, mention: Mention) -> tuple[str, ...]:
        """The brands it concerns, in alphabetical order; empty when there is none."""
        named = mention.brand
        if named is not None:
            found = self._told.get(named)
            if found is None:
                found = self._named(named)
            if found:
                return found
        return self._in_text(mention.text) if self._any else ()

    def _named(self, named: str) -> tuple[str, ...]:
        """The brand that a mention names itself, remembered: a source names few, and names them often."""
        known = self._names.get(named) or self._names.get(fold(named).strip())
        own = named.strip() if self._open else ""
        found = (known,) if known is not None else (own,) if own else ()
        if len(self._told) >= TOLD_MAX:
            self._told.clear()
        self._told[named] = found
        return found

    def _in_text(self, text: str) -> tuple[str, ...]:
        marked = tokens(fold(text))
        words = [word.lstrip("@#") for word in marked]
        found = {*self._phrases.find(words), *self._handles.find(marked)}
        if found:
            found.difference_update(self._excluded.find(words))
        return tuple(sorted(found))
