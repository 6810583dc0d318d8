"""What a reply must not take over from the message that it answers: names, addresses, numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.domain.mention import Mention
from playbooks.lint import EMAIL, PHONE, PHONE_US

_NUMBER = re.compile(r"(?<!\w)[A-Z]{0,4}-?\d[\dA-Z./-]{3,}(?!\w)")
_HANDLE = re.compile(r"(?<!\w)@[\w.]{2,}")
_NAME = re.compile(r"(?<![.!?…:\n]\s)(?<!\A)(?<=\s)[^\W\d_a-zà-ÿ][^\W\d_]{2,}(?:-[^\W\d_]+)*")
_LETTERS = re.compile(r"[^\W\d_]+")


def private_words(mention: Mention) -> frozenset[str]:
    """What in a mention names somebody or a case: its author, accounts, names, e-mail addresses, numbers.

    >>> from engine.domain.mention import Mention
    >>> text = "Commande FR-88121 perdue, dit Sacha Martel au 06 12 34 56 78"
    >>> sorted(private_words(Mention("1", "x", "comment", text, 0, author_name="zoe_b")))
    ['06 12 34 56 78', 'FR-88121', 'Martel', 'Sacha', 'zoe_b']
    """
    text = mention.text
    rules = (EMAIL, PHONE, PHONE_US, _NUMBER, _HANDLE)
    found = {hit.group().strip() for rule in rules for hit in rule.finditer(text)}
    if sum(c.isupper() for c in text) < 0.5 * max(sum(c.isalpha() for c in text), 1):  # in capitals all look like names
        found |= {hit.group() for hit in _NAME.finditer(text)}
    if mention.author_name and len(mention.author_name.strip()) > 2:
        found.add(mention.author_name.strip())
    return frozenset(found)


def copied(text: str, private: Iterable[str], allowed: Iterable[str]) -> Iterator[str]:
    """The private words that stand in `text`, save those that the brand or a fact says too."""
    said = {word.casefold() for value in allowed for word in _LETTERS.findall(value)}
    whole = " ".join(allowed).casefold()
    for word in sorted(private):
        if word.casefold() in said or word.casefold() in whole:
            continue
        if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.I):
            yield word
