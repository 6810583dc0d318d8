"""A draft from its parts: the playbook's text for the network, the sentence of the level, the network's closing, the
signature. What is optional gives way when a network's limit would be broken.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeAlias

from playbooks.networks import ROUND, network
from playbooks.schema import Closings, KindTexts, LangTexts, NetworkVoice, Playbook, Voices
from playbooks.template import Nodes, Piece, fill, parse, text_of

_VOWEL = re.compile("[aeiouàâéèêëîïôûœ]", re.I)
_ELIDED = re.compile(r"(?<=\bqu)e $|(?<=\bd)e $|(?<=\bD)e $|(?<=\bQu)e $")

_SIGNATURE = {"fr": "L'équipe {brand}", "en": "The {brand} team"}


Preferred: TypeAlias = Sequence[tuple[str, str]]
"""Words, and what the brand says instead."""


class Wanted(NamedTuple):
    """Which draft: its level (a French word), network, language, form of address and kind."""

    level: str
    network: str
    lang: str
    form: str | None
    kind: str


class Parts(NamedTuple):
    """The parsed parts of a draft; `level` is empty where the playbook has no sentence for the level."""

    lead: Nodes
    level: Nodes
    closing: Nodes
    signature: Nodes


def parts_of(playbook: Playbook, voices: Voices, wanted: Wanted) -> Parts:
    """The parts that `wanted` is made of, before any fact is filled in."""
    rule = network(wanted.network)
    texts: LangTexts = playbook.texts.fr if wanted.lang == "fr" else playbook.texts.en
    kind: KindTexts = getattr(texts, wanted.kind)
    voice: NetworkVoice = (voices.fr if wanted.lang == "fr" else voices.en)[rule.name]
    closing: Closings = getattr(voice, wanted.kind)
    over = wanted.level == "vert"
    leads = kind.closed if over else kind.open
    sentences = [] if over else level_sentences(kind, wanted.level, rule.name)
    sentence = sentences[rule.variant % len(sentences)] if sentences else ""
    return Parts(
        parse(_wording(leads, rule.name), wanted.lang),
        parse(sentence, wanted.lang),
        parse(closing.closed if over else closing.open, wanted.lang),
        parse(_SIGNATURE["fr" if wanted.lang == "fr" else "en"], wanted.lang),
    )


def _wording(leads: Mapping[str, list[str]], network_name: str) -> str:
    wordings = leads.get(network_name) or leads["default"]
    return wordings[ROUND.index(network_name) % len(wordings)]


def level_sentences(kind: KindTexts, level: str, network_name: str) -> list[str]:
    """The wordings for `level`: the network's own, else its size's, else none, so that a short text stays short."""
    texts = next((texts for name, texts in kind.levels.items() if name == level), {})
    return texts.get(network_name) or texts.get(network(network_name).size) or []


def compose(parts: Parts, wanted: Wanted, facts: Mapping[str, str], preferred: Preferred = ()) -> tuple[Piece, ...]:
    """The draft, as pieces: the fullest one that the network has room for.

    When it is too long the signature goes first, then the optional sentences, then the sentence of the level. `facts`
    holds `brand` too, and `signature` if the brand has its own. `preferred` are words and what the brand says instead.
    """
    rule = network(wanted.network)
    pieces: tuple[Piece, ...] = ()
    for signed, optional, levelled in ((True, True, True), (False, True, True), (False, False, True), (False,) * 3):
        pieces = _join(parts, wanted, facts, signed=signed, optional=optional, levelled=levelled)
        pieces = in_own_words(pieces, preferred) if preferred else pieces
        if rule.count(text_of(pieces)) <= rule.chars_max:
            break
    return pieces


def in_own_words(pieces: Iterable[Piece], preferred: Preferred) -> tuple[Piece, ...]:
    """The playbook's words with those that the brand prefers; what comes from a fact stays.

    >>> in_own_words([Piece("Clients et clientes"), Piece("clients", "x")], (("clients", "membres"),))[0].text
    'Membres et clientes'
    """
    return tuple(piece if piece.fact is not None else Piece(_preferred(piece.text, preferred)) for piece in pieces)


def _preferred(text: str, preferred: Preferred) -> str:
    for word, instead in preferred:

        def put(found: re.Match[str], instead: str = instead) -> str:
            return instead[:1].upper() + instead[1:] if found.group()[:1].isupper() else instead

        text = re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", put, text, flags=re.I)
    return text


def signature_of(wanted: Wanted, facts: Mapping[str, str]) -> tuple[Piece, ...]:
    """The brand's own last line, or « L'équipe … »."""
    own = facts.get("signature", "").strip()
    line = "{signature}" if own else _SIGNATURE["fr" if wanted.lang == "fr" else "en"]
    return fill(parse(line, wanted.lang), facts, wanted.form)


def _join(
    parts: Parts, wanted: Wanted, facts: Mapping[str, str], *, signed: bool, optional: bool, levelled: bool
) -> tuple[Piece, ...]:
    paragraphs = network(wanted.network).size == "full"
    pieces = list(fill(parts.lead, facts, wanted.form, optional=optional))
    if levelled and parts.level:
        pieces += [Piece(" "), *fill(parts.level, facts, wanted.form, optional=optional)]
    pieces += [Piece("\n\n" if paragraphs else " "), *fill(parts.closing, facts, wanted.form, optional=optional)]
    if signed:
        pieces += [Piece("\n\n" if paragraphs else "\n"), *signature_of(wanted, facts)]
    pieces = [piece for piece in pieces if piece.text]
    return tuple(elided(pieces) if wanted.lang == "fr" else pieces)


def elided(pieces: list[Piece]) -> Iterator[Piece]:
    """« que » and « de » before a fact that begins with a vowel: our word gives way, the fact stays as it is."""
    for piece, following in zip(pieces, (*pieces[1:], Piece("")), strict=True):
        if piece.fact is None and following.fact is not None and not following.missing and _VOWEL.match(following.text):
            yield Piece(_ELIDED.sub("’", piece.text))
        else:
            yield piece
