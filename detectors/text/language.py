"""Which language a comment is in.

What the source says is trusted ("fr-CA" and "en_US" are "fr" and "en"). Otherwise the first 400 characters are read:
where French and English are configured, a clear lead in function words settles it; the rest goes to py3langid,
restricted to the configured languages. Texts under 40 characters are too short for it: one function word more of a
language decides, and without one they get the default, the first configured language. py3langid (Naive Bayes over byte
n-grams; Lui and Baldwin, 2012) is loaded at the first text that needs it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

SHORT_CHARS = 40
READ_CHARS = 400

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_TAG = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z0-9_-]{1,20})?\Z")
_NOTHING_SEEN = -1e38  # py3langid's floor: no feature of the text is known to it
_NOT_LANGUAGES = frozenset({"xx", "zz", "qq"})
_ROMANCE = frozenset({"fr", "es", "it", "pt", "ca", "ro", "oc", "gl", "co", "br", "ht", "wa", "eu", "la"})


def normalise_lang(tag: str | None) -> str | None:
    """ISO 639-1 of a language tag, None if it says nothing that we understand.

    >>> [normalise_lang(tag) for tag in ("fr-CA", "en_US", "FR", "und", "", None)]
    ['fr', 'en', 'fr', None, None, None]
    """
    found = _TAG.match(tag.strip()) if tag else None
    if found is None:
        return None
    lang = found[1].lower()
    return None if lang in _NOT_LANGUAGES else lang


def table_for(lang: str, tables: Sequence[str]) -> str:
    """The table that reads this language: its own, else French for its neighbours, English for the rest.

    >>> table_for("it", ("fr", "en")), table_for("de", ("fr", "en"))
    ('fr', 'en')
    """
    if lang in tables:
        return lang
    closest = "fr" if lang in _ROMANCE else "en"
    return closest if closest in tables else tables[0]


_FRENCH = (
    "le la les un une des du de et est pas que qui dans pour sur avec ce cette ces mon ma mes votre vos nous "
    "vous je il elle ils sont au aux plus par mais ou où donc très ne se sa ses leur bien fait être avoir "
    "c'est j'ai n'est qu'il d'une d'un à été depuis toujours encore rien même comme tout"
)
_ENGLISH = (
    "the a an and is are was were to of in for with this that these my your our we you i he she they it its "
    "not be been have has had but or so at from by as if when what who how just get out no can will would "
    "don't it's i'm up all there their them me"
)
_FUNCTION_WORDS = {"fr": frozenset(_FRENCH.split()), "en": frozenset(_ENGLISH.split())}
_LEAD_WORDS = 2


class LanguageTeller:
    """Tells languages apart among the configured ones. The first is the default."""

    def __init__(self, langs: tuple[str, ...]) -> None:
        self.langs = langs
        self._by_words = set(langs) == set(_FUNCTION_WORDS)
        self._identifier: Any = None

    def tell_many(self, texts: Sequence[str], stated: Sequence[str | None]) -> list[str]:
        """A language for each text; `stated` is what its source said, None where it said nothing."""
        known = {tag: normalise_lang(tag) for tag in set(stated)}
        return [known[tag] or self._tell(text) for text, tag in zip(texts, stated, strict=True)]

    def _tell(self, text: str) -> str:
        if len(self.langs) == 1:
            return self.langs[0]
        is_short = len(text) < SHORT_CHARS or len(text.strip()) < SHORT_CHARS
        if self._by_words and (clear := self._lead(text, 1 if is_short else _LEAD_WORDS)):
            return clear
        if is_short:
            return self.langs[0]
        if self._identifier is None:
            self._identifier = _load_identifier(self.langs)
        if not self._identifier.nb_classes:
            return self.langs[0]
        lang, score = self._identifier.classify(text[:READ_CHARS])
        return str(lang) if score > _NOTHING_SEEN else self.langs[0]

    def _lead(self, text: str, at_least: int) -> str | None:
        """The language whose function words are clearly ahead, if one is."""
        words = set(_WORD.findall(text[:READ_CHARS].lower()))
        lead = len(words & _FUNCTION_WORDS["fr"]) - len(words & _FUNCTION_WORDS["en"])
        return None if abs(lead) < at_least else ("fr" if lead > 0 else "en")


def _load_identifier(langs: tuple[str, ...]) -> Any:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([lang for lang in langs if lang in identifier.labels])
    identifier._full_model = None  # the tables of the other languages, 30 MB
    return identifier
