"""What speaks against sending a draft: rules over the text as it would leave, save that facts are data.

The playbook's own words answer for typography, banned phrases, tone and emoji. What comes from a fact is checked for
length, links and personal data only: a brand called « Wanted! » keeps its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.domain.playbook import Finding
from playbooks.networks import network
from playbooks.template import Piece, text_of
from playbooks.typography import URL, french_faults

_MASK = "\ufffc"
"""Stands for a fact while the words around it are judged."""

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"(?<![\w/])(?:\+\d{1,3}|0)[\s.\-\u00a0\u202f]?(?:\(0\))?\d(?:[\s.\-\u00a0\u202f]?\d{2}){4}(?!\d)")
PHONE_US = re.compile(r"(?<![\w/])(?:\(\d{3}\) ?|\d{3}[.\- ])\d{3}[.\- ]\d{4}(?!\d)")
_ORDER = re.compile(
    r"\b(?:commande|facture|colis|contrat|suivi|client|order|invoice|parcel|tracking|booking|account)"
    r"[\s\u00a0\u202f]*(?:n[°ºo]\.?|no\.?|number|#|id)?[\s\u00a0\u202f]*:?[\s\u00a0\u202f]*#?[A-Z]{0,4}-?\d[\dA-Z-]{3,}",
    re.I,
)
_BANK = re.compile(r"\b[A-Z]{2}\d{2}(?:[ \u00a0]?[A-Z0-9]{4}){3,8}\b|\b\d{4}[ -]?\d{4}[ -]?\d{4}[ -]?\d{1,4}\b")
_BAD_SCHEME = re.compile(r"\b(?!https?:)(?:[a-z][a-z0-9+.-]*://|(?:javascript|data|mailto|vbscript|file|tel):)", re.I)
_LINK = re.compile(r"https?://[^\s<>\"']+\Z")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u231a-\u231b\u23e9-\u23fa\ufe0f\u200d\U000e0020-\U000e007f]"
)

_DENIAL: Mapping[str, re.Pattern[str]] = {
    "fr": re.compile(r"nous démentons|dément formellement|c’est faux|est fausse|sont fausses|n’(?:a|avons|ont) jamais"),
    "en": re.compile(r"\bwe deny\b|\bis false\b|\bare false\b|\buntrue\b|\bnever happened\b|\bhave never\b"),
}
_REPAIR: Mapping[str, re.Pattern[str]] = {
    "fr": re.compile(r"excuse|désolé|pardon|regrett|indemnis|rembours|dédommag|à cause de nous|notre faute"),
    "en": re.compile(r"apolog|\bsorry\b|regret|compensat|refund|our fault|our mistake"),
}
_APOLOGY: Mapping[str, re.Pattern[str]] = {
    "fr": re.compile(r"excuses|désolé|pardon"),
    "en": re.compile(r"apolog|\bsorry\b"),
}
_COMPENSATION: Mapping[str, re.Pattern[str]] = {
    "fr": re.compile(
        r"indemnis|dédommag|rembours|geste commercial|bons? d’achat|bons? de réduction|codes? promo|avoir de \d|"
        r"\bnous (?:vous |t’|te )?offrons\b|\bon (?:vous |t’|te )?offre\b"
    ),
    "en": re.compile(
        r"compensat|goodwill gesture|voucher|refund|reimburs|money back|promo code|discount code|store credit"
    ),
}
BANNED: Mapping[str, tuple[str, ...]] = {
    "fr": (
        "nous prenons ce sujet très au sérieux", "la satisfaction de nos clients est notre priorité", "bad buzz",
        "pour la gêne occasionnée", "sans commentaire", "à qui de droit", "polémique", "si certains se sont sentis",
        "si vous avez été choqués", "mauvaise manipulation", "il suffisait de", "vous auriez dû", "tu aurais dû",
        "incident isolé", "cas isolé", "lol", "mdr",
    ),
    "en": (
        "we take this very seriously", "for any inconvenience", "no comment", "customer satisfaction is our priority",
        "if anyone was offended", "if you were offended", "you should have", "user error", "isolated incident", "lol",
        "valued customer", "thoughts and prayers",
    ),
}  # fmt: skip
"""Phrases that make it worse in any crisis: hollow, defensive, or blaming those who complain."""

MESSAGES: Mapping[str, tuple[str, str]] = {
    "length": ("{0} de trop pour {1} (maximum {2})", "{0} too many for {1} (limit {2})"),
    "banned": ("expression bannie : « {0} »", "banned phrase: {0!r}"),
    "missing_fact": ("il manque : {0}", "missing: {0}"),
    "mixed_postures": ("démenti et excuses dans un même texte", "denial and apology in one text"),
    "posture": ("{0} : pas dans les stratégies permises", "{0}: not among the allowed strategies"),
    "typography": ("typographie : {0}", "typography: {0}"),
    "emoji": ("émoji, alors que la marque n’en veut pas", "emoji, though the brand wants none"),
    "personal_data": ("donnée personnelle : {0}", "personal data: {0}"),
    "copied": ("repris du message auquel on répond : {0}", "taken from the message it answers: {0}"),
    "hidden": ("caractère invisible ou de commande : {0}", "hidden or control character: {0}"),
    "preferred": ("la marque ne dit pas « {0} » mais « {1} »", "the brand does not say {0!r} but {1!r}"),
    "spelling": ("aucun dictionnaire ne connaît « {0} »", "no dictionary knows {0!r}"),
    "link": ("lien qui n’est ni http ni https : {0}", "link that is neither http nor https: {0}"),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What a text is held to besides its network: from the playbook and from the brand's settings.

    `strategies` None checks no posture. `links` and `contacts` are names of facts by their type.
    """

    banned: tuple[str, ...] = ()
    emoji: bool = False
    strategies: frozenset[str] | None = None
    links: frozenset[str] = frozenset()
    contacts: frozenset[str] = frozenset()
    preferred: tuple[tuple[str, str], ...] = ()


def told(rule: str, args: tuple[object, ...], team_lang: str) -> Finding:
    """A finding in the team's words."""
    return Finding(rule, MESSAGES[rule][0 if team_lang == "fr" else 1].format(*args))


def lint_draft(
    pieces: Sequence[Piece], network_name: str, lang: str, policy: Policy = Policy(), *, team_lang: str = "en"
) -> tuple[Finding, ...]:
    """The findings against a rendered draft, told in the team's language; empty for one that may be approved.

    >>> [f.rule for f in lint_draft([Piece("Vraiment ? Voir ftp://a.example")], "x", "fr")]
    ['typography', 'link']
    """
    own = "".join(_MASK if piece.fact is not None else piece.text for piece in pieces)
    found = [
        *_length(text_of(pieces), network_name),
        *(("missing_fact", (piece.fact,)) for piece in pieces if piece.missing),
        *_own_words(own, lang, policy),
        *_data(pieces, policy),
    ]
    return tuple(told(rule, args, team_lang) for rule, args in dict.fromkeys(found))


def lint_text(
    text: str, network_name: str, lang: str, policy: Policy = Policy(), *, facts: Mapping[str, str] = {},
    team_lang: str = "en",
) -> tuple[Finding, ...]:  # fmt: skip
    """The same for a text that a person or a model wrote. What it says word for word as in an approved fact, brand and
    signature included, is that fact's; all the rest is taken as the writer's own words.

    >>> lint_text("Nous revenons vers vous à 18 h.", "dm", "fr")
    ()
    """
    missing = [Piece(f"⟦{name}⟧", name, missing=True) for name in re.findall(r"⟦([^⟧]*)⟧", text)]
    pieces = [*_recognised(re.sub(r"⟦[^⟧]*⟧", "", text), facts), *missing]
    return lint_draft(pieces, network_name, lang, policy, team_lang=team_lang)


def _recognised(text: str, facts: Mapping[str, str]) -> list[Piece]:
    """`text` cut where it holds a fact, the longest first."""
    values = {value: name for name, value in facts.items() if len(value.strip()) > 1}
    if not values:
        return [Piece(text)]
    found = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, sorted(values, key=len, reverse=True)))})(?!\w)")
    return [Piece(part, values.get(part) if i % 2 else None) for i, part in enumerate(found.split(text)) if part]


_HIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2067\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
"""What nobody sees and some program obeys: control, bidirectional and tag characters. Isolates around a name that is
written from right to left are ours (`template.isolate`)."""

_Raw = tuple[str, tuple[object, ...]]


def _length(text: str, network_name: str) -> Iterable[_Raw]:
    rule = network(network_name)
    chars = rule.count(text)
    if chars > rule.chars_max:
        yield "length", (chars - rule.chars_max, rule.name, rule.chars_max)


@lru_cache(maxsize=8192)  # the same words come back with every draft of a text, whatever the facts
def _own_words(own: str, lang: str, policy: Policy) -> tuple[_Raw, ...]:
    typography = french_faults(own) if lang == "fr" else []
    return (*_tone(own, lang, policy), *(("typography", (fault,)) for fault in typography), *_traces(own))


def _tone(own: str, lang: str, policy: Policy) -> Iterable[_Raw]:
    folded = own.casefold().replace("'", "’")  # people type the straight one
    spaced = folded.replace("\u202f", " ").replace("\u00a0", " ")
    yield from (("banned", (hit,)) for hit in _phrases((*BANNED.get(lang, ()), *policy.banned)).findall(spaced))
    for word, instead in policy.preferred:
        if _phrases((word,)).search(spaced):
            yield "preferred", (word, instead)
    if lang in _DENIAL:
        if _DENIAL[lang].search(folded) and _REPAIR[lang].search(folded):
            yield "mixed_postures", ()
        if policy.strategies is not None:
            for strategy, words in (("deny", _DENIAL), ("apologise", _APOLOGY), ("compensate", _COMPENSATION)):
                if strategy not in policy.strategies and words[lang].search(folded):
                    yield "posture", (strategy,)
    if not policy.emoji and _EMOJI.search(own):
        yield "emoji", ()


@lru_cache(maxsize=256)
def _phrases(phrases: tuple[str, ...]) -> re.Pattern[str]:
    folded = (re.escape(phrase.casefold().replace("'", "’")) for phrase in phrases if phrase.strip())
    return re.compile(rf"(?<!\w)(?:{'|'.join(folded) or '(?!)'})(?!\w)")


def _data(pieces: Sequence[Piece], policy: Policy) -> Iterable[_Raw]:
    for piece in pieces:
        if piece.fact in (None, "brand", "signature") or piece.missing:
            continue
        if piece.fact in policy.links and not _LINK.match(piece.text):
            yield "link", (piece.text,)
        yield from _traces(piece.text, contact=piece.fact in policy.contacts)


def _traces(text: str, *, contact: bool = False) -> Iterable[_Raw]:
    hidden = None if text.isascii() and text.isprintable() else _HIDDEN.search(text)
    if hidden:
        yield "hidden", (f"U+{ord(hidden.group()):04X}",)
    bad = _BAD_SCHEME.search(text) if ":" in text else None
    if bad:
        yield "link", (bad.group(),)
    if not contact:
        words = URL.sub("", text)
        digits = any(c.isdigit() for c in words)
        for pattern, sign in ((EMAIL, "@" in words), *((p, digits) for p in (PHONE, PHONE_US, _ORDER, _BANK))):
            if sign:
                yield from (("personal_data", (hit.group(),)) for hit in pattern.finditer(words))
