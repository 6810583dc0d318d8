"""Which language a comment is in.

What the source says is trusted ("fr-CA" and "en_US" are "fr" and "en"). Otherwise the first 400 characters are read,
without links and handles. Where French and English are configured, a clear lead in function words settles it, one word
in a text under 40 characters, two in a longer one; such a short text without one is in the usual language of whoever it
is written to, and the rest goes to py3langid, restricted to the configured languages. Where others are configured,
function words add to py3langid's odds, and a short text that leaves them nearly even is in the usual language. Without
a usual language, it is the first configured one. py3langid (Naive Bayes over byte n-grams; Lui and Baldwin, 2012) is
loaded at the first text that needs it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from detectors.text.fold import TEXT_CHARS_MAX, without_links

MULTILINGUAL = "mul"
"""The table (ISO 639-2's code of several languages) that reads a language without one of its own."""
SHORT_CHARS = 40
READ_CHARS = 400
PIECE_CHARS_MAX, PIECES_KEPT_MAX = 24, 20_000
"""Pieces of texts that are remembered; the answers are the same without."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_TAG = re.compile(r"([A-Za-z]{2})(?:[-_][A-Za-z0-9_-]{1,20})?\Z")
_NOTHING_SEEN = -1e38  # py3langid's floor: no feature of the text is known to it
_TOLD_APART = (
    "af am an ar as az ba be bg bn br bs ca cs cy da de dz el en eo es et eu fa fi fo fr fy ga gd gl gu ha he "
    "hi hr ht hu hy id ig is it ja jv ka kk km kn ko ku ky la lb lg ln lo lt lv mg mk ml mn mr ms mt my ne nl "
    "nn no oc om or pa pl ps pt qu ro ru rw sa se si sk sl sn so sq sr st sv sw ta te tg th tk tl tr tt ug uk "
    "ur uz vi vo wa xh yo zh zu"
)
TOLD_APART = frozenset(_TOLD_APART.split())
"""Languages that py3langid tells apart, where they are configured."""
_NOT_LANGUAGES = frozenset({"xx", "zz", "qq"})


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
    """The table that reads this language: its own, else the multilingual one, else the first.

    >>> table_for("fr", ("fr", "en", "mul")), table_for("de", ("fr", "en", "mul")), table_for("de", ("fr", "en"))
    ('fr', 'mul', 'fr')
    """
    if lang in tables:
        return lang
    return MULTILINGUAL if MULTILINGUAL in tables else tables[0]


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
_OTHERS = {
    "de": (
        "der die das den dem des ein eine einen einem einer und ist nicht ich du er sie es wir ihr mit auf für von "
        "zu im am an auch aber wie was wenn dass noch nur schon sind war bin hat habe haben kann wird werden mir "
        "mich dich dir uns mein meine euch ja nein so bei aus nach über oder doch mal immer heute wieder jetzt alle "
        "kein keine mehr sehr gut zum zur vom"
    ),
    "es": (
        "el la los las un una unos unas de del y es que en no se lo por con para su sus mi mis tu tus te me nos les "
        "al como más pero muy ya si sí está estoy son fue ser hay qué yo él ella ustedes vosotros cuando todo todos "
        "porque esto este esta eso hoy gracias también desde sin sobre"
    ),
    "it": (
        "il lo la i gli le un uno una di del della dei delle dello degli e è che non in si per con su ma mi ti ci "
        "vi ho hai ha sono sei siamo come più anche se questo questa quello io tu lui lei noi loro nel nella al "
        "alla dal dalla sul sulla da perché quando cosa cos'è tutto tutti grazie oggi c'è ed"
    ),
    "pt": (
        "o a os as um uma de do da dos das e é que em no na nos nas não se por com para pra seu sua meu minha eu "
        "você ele ela nós vocês eles mas muito mais já como foi ser está tá são tem isso esse essa este esta quando "
        "também só ao à até hoje obrigado obrigada me te lhe vai vou"
    ),
}
_FUNCTION_WORDS = {lang: frozenset(words.split()) for lang, words in {"fr": _FRENCH, "en": _ENGLISH, **_OTHERS}.items()}
_LEAD_WORDS = 2
_WORD_NATS = 2.0
"""What a function word adds to a language's log-odds,"""
_EVEN_NATS = 2.0
"""and the lead under which a short text tells nothing."""


class LanguageTeller:
    """Tells languages apart among the configured ones. The first is the default."""

    def __init__(self, langs: tuple[str, ...]) -> None:
        self.langs = langs
        self._by_words = set(langs) == {"fr", "en"}
        self._words = {lang: _FUNCTION_WORDS[lang] for lang in langs if lang in _FUNCTION_WORDS}
        self._pieces = _Pieces(frozenset().union(*self._words.values()))
        self._identifier: Any = None

    def tell_many(
        self, texts: Sequence[str], stated: Sequence[str | None], usual: Sequence[str | None] | None = None
    ) -> list[str]:
        """A language for each text; `stated` is what its source said, `usual` what its readers mostly write, None where
        there is nothing to go by."""
        known = {tag: normalise_lang(tag) for tag in set(stated)}
        if usual is None:
            first = self.langs[0]
            return [known[tag] or self._tell(text, first) for text, tag in zip(texts, stated, strict=True)]
        falls = {tag: normalise_lang(tag) or self.langs[0] for tag in set(usual)}
        rows = zip(texts, stated, usual, strict=True)
        return [known[tag] or self._tell(text, falls[fallback]) for text, tag, fallback in rows]

    def _tell(self, text: str, usual: str) -> str:
        if len(self.langs) == 1:
            return self.langs[0]
        text = text[:TEXT_CHARS_MAX]
        is_short = len(text) < SHORT_CHARS or len(text.strip()) < SHORT_CHARS
        read = without_links(text[:READ_CHARS])
        if self._by_words:
            if clear := self._lead(read, 1 if is_short else _LEAD_WORDS):
                return clear
            if is_short:
                return usual
        return self._identify(read, usual, is_short=is_short)

    def _identify(self, read: str, usual: str, *, is_short: bool) -> str:
        if self._identifier is None:
            self._identifier = _load_identifier(self.langs)
        if not self._identifier.nb_classes:
            return usual
        if self._by_words or len(self._identifier.labels) == 1:
            lang, score = self._identifier.classify(read)
            return str(lang) if score > _NOTHING_SEEN else usual
        ranked = self._identifier.rank(read)
        if not ranked[0][1] > _NOTHING_SEEN:
            return usual
        words = self._function_words(read)
        odds = sorted(((s + _WORD_NATS * len(words & self._words.get(c, _NO_WORDS)), str(c)) for c, s in ranked))
        lead = odds[-1][0] - odds[-2][0]
        return usual if is_short and lead < _EVEN_NATS else odds[-1][1]

    def _function_words(self, read: str) -> set[str]:
        return set[str]().union(*map(self._pieces.__getitem__, read.lower().split()))

    def _lead(self, read: str, at_least: int) -> str | None:
        """The language whose function words are clearly ahead, if one is."""
        words = self._function_words(read)
        lead = len(words & self._words["fr"]) - len(words & self._words["en"])
        return None if abs(lead) < at_least else ("fr" if lead > 0 else "en")


class _Pieces(dict[str, frozenset[str]]):
    """What function words stand in a piece of small letters between two blanks. No word goes over a blank, and the
    same few pieces come over and over, so most cost one look."""

    def __init__(self, function_words: frozenset[str]) -> None:
        self._function_words = function_words

    def __missing__(self, piece: str) -> frozenset[str]:
        found = self._function_words.intersection(_WORD.findall(piece))
        if len(piece) <= PIECE_CHARS_MAX:
            if len(self) >= PIECES_KEPT_MAX:
                self.clear()
            self[piece] = found
        return found


_NO_WORDS: frozenset[str] = frozenset()


@lru_cache(maxsize=4)
def _load_identifier(langs: tuple[str, ...]) -> Any:
    """Reads only, once made: every scorer of a process may share it, and it takes two seconds to load."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages([lang for lang in langs if lang in identifier.labels])
    identifier._full_model = None  # the tables of the other languages, 30 MB
    return identifier
