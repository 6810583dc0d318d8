"""A reply to one person: how it should be answered, if at all, and a text of its own.

A reply is an opening (by how one answers), a sentence that states the fact (the playbook's), and a closing (what comes
next, and where). Nothing of the mention stands in it: no name, no number, none of its words. Which of the many
combinations is taken follows from the incident and the mention alone, and from the texts that the incident has already:
no two are the same or nearly so.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import product
from typing import NamedTuple

from playbooks.compose import Preferred, Wanted, elided, in_own_words, signature_of
from playbooks.likeness import similar
from playbooks.networks import network
from playbooks.reply_words import BY_LANG, SILENCE, Words
from playbooks.schema import LangTexts, Playbook
from playbooks.template import Nodes, Piece, fill, parse, slots, text_of
from playbooks.typography import URL

ALIKE_MAX = 0.8
"""Two replies of one incident are kept further apart than two networks' texts: a thread shows them side by side."""

TRIED_MAX = 24
"""Combinations that are tried for something better than what was found already; five times as many while that is
like another reply or does not state the fact."""
COMPARED_MAX = 40
"""Of the incident's other replies, the latest are compared closely; none is ever the very same."""
ALIKE, WHOLE_MAX = 10, 4
"""What likeness weighs against a text, and from which weight on it does not state the fact."""

_FIRST = re.compile(r"(.{20,}?(?:[^\W\d_]{3}|[}\]])[.!?])\s+\S", re.S)

_FACT_FROM = ("x", "mastodon", "other")
_TOXIC, _SURE, _AROUSED = 0.65, 0.55, 0.5

_WORD = re.compile(r"[^\W\d_]{2,}")
_QUESTION = re.compile(
    r"\?|\b(?:comment|pourquoi|quand|combien|est-ce qu|qu[’']est-ce|how (?:do|can|long|much|come)|when (?:will|can)|"
    r"why (?:is|are|do|did)|what (?:is|are|about|should))\b",
    re.I,
)
_URGENT = re.compile(
    r"\b(?:urgen\w+|hôpital|hopital|urgences|samu|pompiers|blessé\w*|brûl\w+|intoxiqu\w+|bébé|insuline|médicament\w*|"
    r"en danger|bloqué\w* (?:à|dans|en|sur)|coincé\w*|plus rien pour (?:manger|payer)|ma fille|mon fils|hospital|"
    r"ambulance|injured|bleeding|burn(?:t|ed)|choking|insulin|medication|stranded|stuck (?:at|in|on)|emergency|"
    r"my (?:baby|son|daughter|kid))\b",
    re.I,
)
_HELP = re.compile(r"\b(?:aide[rz]?|besoin|merci de (?:me|nous)|remboursement|help|need|please|refund)\b", re.I)
_ANGER = re.compile(
    r"\b(?:honte\w*|scandal\w+|inadmissible\w*|inacceptable\w*|arnaque\w*|voleurs?|foutage|ras[- ]le[- ]bol|marre|"
    r"dégoût\w*|shame\w*|disgrace\w*|unacceptable|outrageous|scam\w*|furious|disgust\w*|fed up|joke of a)\b|!!",
    re.I,
)
_SUPPORT = re.compile(
    r"\b(?:courage|bravo|soutien|je (?:vous|te) soutiens|tenez bon|force à|laissez-les|foutez-leur la paix|bon travail|"
    r"support you|keep it up|well done|hang in there|leave them alone|good job)\b",
    re.I,
)
_LAUGH = re.compile("\\b(?:lol|mdr+|ptdr+|ha(?:ha)+|lmao|xd)\\b|[\U0001f602\U0001f923\U0001f921\U0001f480]", re.I)


class Reading(NamedTuple):
    """What the text model says of a mention; the defaults say nothing."""

    negative: float = 0.5
    positive: float = 0.0
    urgency: float = 0.0
    toxicity: float = 0.0
    irony: float = 0.0
    categories: tuple[str, ...] = ()


UNREAD = Reading()


class Way(NamedTuple):
    """How to answer: a strategy, or silence with the key of its reason (`reply_words.SILENCE`)."""

    strategy: str | None
    silence: str | None = None

    def reason(self, lang: str) -> str:
        """Why there is no reply, for the team; empty when there is one."""
        return "" if self.silence is None else SILENCE[self.silence][0 if lang == "fr" else 1]


def way_of(text: str, reading: Reading = UNREAD) -> Way:
    """How a mention should be answered. Pure; the text is only looked at, never used.

    >>> way_of("Quand est-ce que ça remarche ?").strategy, way_of("Courage à l'équipe !").strategy
    ('question', 'thanks')
    >>> way_of("Ma fille est coincée à la gare, urgent").strategy, way_of("HONTEUX, rendez l'argent !!").strategy
    ('urgent', 'anger')
    >>> way_of("🤡🤡🤡").silence
    'wordless'
    """
    if "illegal_hate" in reading.categories:
        return Way(None, "illegal")
    text = URL.sub(" ", text)
    asks, urgent = bool(_QUESTION.search(text)), bool(_URGENT.search(text))
    if len(_WORD.findall(text)) < 2:
        return Way("question") if asks and _WORD.search(text) else Way(None, "wordless")
    wants = asks or urgent or bool(_HELP.search(text))
    if reading.toxicity >= _TOXIC and not wants:
        return Way(None, "insult")
    if not wants and (_LAUGH.search(text) or reading.irony >= _TOXIC) and not _SUPPORT.search(text):
        return Way(None, "mockery")
    if urgent:
        return Way("urgent")
    supports = bool(_SUPPORT.search(text)) and reading.negative < _SURE
    if supports or reading.positive >= _SURE:
        return Way("thanks")
    if asks:
        return Way("question")
    shouts = sum(c.isupper() for c in text) > max(12, 0.6 * sum(c.isalpha() for c in text))
    if shouts or _ANGER.search(text) or reading.urgency >= _AROUSED:
        return Way("anger")
    return Way("concern")


class Reply(NamedTuple):
    """The pieces of a reply and the names of the facts that it asks for."""

    pieces: tuple[Piece, ...]
    wants: tuple[str, ...]


def reply_to(
    playbook: Playbook, wanted: Wanted, strategy: str, key: str, facts: Mapping[str, str],
    others: Sequence[str] = (), preferred: Preferred = (),
) -> Reply:  # fmt: skip
    """The reply for one mention; `key` is of the incident and the mention, `others` are the incident's other replies.

    The first combination, in the order that `key` gives, that the network has room for and that is like none of
    `others`; where all are (after a hundred or so), the first that is not the very same.
    """
    heads = {_head(text) for text in others}
    near = others[-COMPARED_MAX:]
    best: tuple[int, Reply] | None = None
    for tried, nodes in enumerate(_candidates(playbook, wanted, strategy, key)):
        for rank, reply in _forms(nodes, wanted, strategy, facts, preferred):
            text = text_of(reply.pieces)
            least = _penalty(rank, text, heads)
            if best is not None and best[0] <= least:
                break
            if text not in others:
                alike = any(similar(text, other, ALIKE_MAX) for other in near)
                if best is None or best[0] > least + ALIKE * alike:
                    best = (least + ALIKE * alike, reply)
                if not alike:
                    break
        if best is not None and (best[0] == 0 or tried >= (TRIED_MAX if best[0] < WHOLE_MAX else 5 * TRIED_MAX)):
            break
    if best is not None:
        return best[1]
    first = next(_candidates(playbook, wanted, strategy, key))  # every combination has been said already
    return next(_forms(first, wanted, strategy, facts, preferred))[1]


def _penalty(rank: int, text: str, heads: Collection[str]) -> int:
    """What speaks against a text: a form that says less, then an opening that the incident has heard."""
    return 2 * rank + (_head(text) in heads)


def _head(text: str) -> str:
    """What a reader sees first."""
    return text[:24]


def _candidates(playbook: Playbook, wanted: Wanted, strategy: str, key: str) -> Iterator[tuple[Nodes, ...]]:
    """Every combination of opening, fact and closing, in the order that `key` gives."""
    words: Words = BY_LANG["fr" if wanted.lang == "fr" else "en"][strategy]
    over = wanted.level == "vert"
    cores = ("",) if strategy == "thanks" else _cores(playbook, wanted.lang, over)
    every = list(product(words.openings, cores, words.after if over else words.closings))
    salt = key.encode("utf-8", "surrogatepass")
    order = sorted(range(len(every)), key=lambda i: blake2b(b"%d" % i, digest_size=8, key=_key(salt)).digest())
    for i in order:
        opening, core, closing = every[i]
        yield tuple(parse(text, wanted.lang) for text in (opening, core, _lead(core), closing))


def _lead(core: str) -> str:
    """The first sentence of a statement of the fact, for where all of it has no room; empty where it can't stand alone:
    what people must do never goes missing for want of room."""
    found = _FIRST.match(core)
    lead = found.group(1) if found else ""
    whole = "{" in lead and lead.count("[") == lead.count("]") and lead.count("{") == lead.count("}")
    return lead if whole and ("{instruction}" not in core or "{instruction}" in lead) else ""


@lru_cache(maxsize=4096)
def _key(salt: bytes) -> bytes:
    return blake2b(salt, digest_size=32).digest()


def _cores(playbook: Playbook, lang: str, over: bool) -> tuple[str, ...]:
    texts: LangTexts = playbook.texts.fr if lang == "fr" else playbook.texts.en
    if texts.individual is not None:
        return tuple(texts.individual.closed if over else texts.individual.open)
    leads = texts.holding.closed if over else texts.holding.open
    return tuple(dict.fromkeys(text for name in _FACT_FROM for text in leads.get(name, leads.get("default", ()))))


def _forms(
    nodes: tuple[Nodes, ...], wanted: Wanted, strategy: str, facts: Mapping[str, str], preferred: Preferred
) -> Iterator[tuple[int, Reply]]:
    """The forms of a combination that the network has room for, the fullest first, each with its rank: whole, with the
    first sentence of the fact alone, without it, and for an urgent case the opening alone, which says where to write.
    Where none fits, the whole one, last of all, for the linter to refuse.
    """
    opening, core, lead, closing = nodes
    shapes = [(opening, core, closing), (opening, lead, closing), (opening, closing)]
    shapes += [(opening,)] if strategy == "urgent" else []
    rule = network(wanted.network)
    fits = False
    for rank, parts in enumerate(shapes):
        for signed in (True, False) if rule.size == "full" else (False,):
            reply = _joined(parts, wanted, facts, preferred, signed=signed)
            if rule.count(text_of(reply.pieces)) <= rule.chars_max:
                fits = True
                yield rank, reply
                break
    if not fits:
        yield len(shapes), _joined(shapes[0], wanted, facts, preferred, signed=False)


_LETTERS = frozenset({"email", "dm", "review", "facebook", "linkedin", "forum"})
"""Where a closing stands in a paragraph of its own."""


def _joined(
    parts: Sequence[Nodes], wanted: Wanted, facts: Mapping[str, str], preferred: Preferred, *, signed: bool
) -> Reply:
    pieces: list[Piece] = []
    said = [part for part in parts if part]
    for part in said:
        if pieces:
            pieces.append(Piece("\n\n" if wanted.network in _LETTERS and part is said[-1] else " "))
        pieces += fill(part, facts, wanted.form)
    if signed:
        pieces += [Piece("\n\n"), *signature_of(wanted, facts)]
    made = tuple(elided(pieces)) if wanted.lang == "fr" else tuple(pieces)
    made = in_own_words(made, preferred) if preferred else made
    return Reply(made, tuple(dict.fromkeys(name for part in said for name in slots(part))))
