"""What a text says that no approved fact says: numbers, dates, addresses, names. For texts that a model wrote."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from playbooks.lint import EMAIL
from playbooks.typography import URL

_NUMBER = re.compile(r"\d+(?:[.,:\u00a0\u202f ]\d+)*")
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+(?:[-’'][^\W\d_]+)*")
_BARE_LINK = re.compile(r"\b(?:www\.)?[\w-]{2,}(?:\.[\w-]{2,})*\.[a-z]{2,10}(?:/\S*)?", re.I)
_HANDLE = re.compile(r"(?<!\w)[@#][\w.]{2,}")
_SENTENCE = re.compile(r"(?:\A|[.!?…:»\n]|[.!?…:]”)[\s\u00a0\u202f«“\"(]*\Z")


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


COUNTED: Mapping[str, frozenset[str]] = {
    "fr": _set(
        "deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize vingt trente quarante "
        "cinquante soixante cent cents mille million millions milliard milliards moitié tiers quart dizaine dizaines "
        "centaine centaines millier milliers demain hier lundi mardi mercredi jeudi vendredi samedi dimanche janvier "
        "février mars avril mai juin juillet août septembre octobre novembre décembre midi minuit gratuit gratuite "
        "gratuitement"
    ),
    "en": _set(
        "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
        "eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred hundreds thousand thousands "
        "million millions billion half quarter dozen dozens tomorrow yesterday monday tuesday wednesday thursday "
        "friday saturday sunday january february march april may june july august september october november december "
        "noon midnight free"
    ),
}
"""Numbers, days and gifts in words."""
_ALSO_PLAIN = frozenset({"may", "march", "mars", "mai"})
"""Months that are other words too: they count with a capital only, as any name does."""


def invented(text: str, approved: Iterable[str], lang: str) -> Iterator[str]:
    """The numbers, dates, links, addresses and names of `text` that stand in none of the `approved` texts.

    >>> facts = ["L’équipe Nordalia reprend le service à 18 h 30 : https://nordalia.example/etat"]
    >>> list(invented("Nordalia reprend à 18 h 30. Voir https://nordalia.example/etat", facts, "fr"))
    []
    >>> list(invented("Nordalia et Lumeo reprennent à 19 h, deux jours plus tôt, voir mal.example", facts, "fr"))
    ['19', 'mal.example', 'Lumeo', 'deux']
    """
    said = "\n".join(approved)
    plain_said = said.casefold()
    links = {link.group() for link in URL.finditer(said)}
    yield from (link.group() for link in URL.finditer(text) if link.group() not in links)
    rest = URL.sub(" ", text)
    numbers = set(_DIGITS.findall(said))
    for number in _NUMBER.findall(rest):
        yield from (part for part in _DIGITS.findall(number) if part not in numbers)
    for rule in (EMAIL, _BARE_LINK, _HANDLE):
        yield from (hit for hit in rule.findall(rest) if hit.casefold() not in plain_said)
    words = {word.casefold() for word in _WORD.findall(said)} | {word.casefold() for word in re.findall(r"\w+", said)}
    for hit in _WORD.finditer(rest):
        word = hit.group()
        folded = word.casefold()
        counted = folded in COUNTED.get(lang, ()) and folded not in _ALSO_PLAIN
        named = word[:1].isupper() and not _SENTENCE.search(rest[: hit.start()])
        if folded not in words and (counted or named):
            yield word


def unsaid(text: str, facts: Iterable[str]) -> Iterator[str]:
    """The facts that `text` had to carry and does not."""
    yield from (fact for fact in facts if fact not in text)
