"""Texts with slots: `{fact}`, `[tu|vous]` and `[? an optional sentence]`. No template engine: a fact is only ever data.

A text is parsed once into nodes and filled once. What a fact holds is never looked at again, so braces, brackets,
HTML or Jinja in it stay what they are.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from playbooks.typography import typeset

BUILT_IN = ("brand", "signature")
"""Slots that every text may use; all others are facts of the playbook."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_BIDI_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")


class TemplateError(ValueError):
    """The markup of a text is wrong."""


class Slot(NamedTuple):
    """`{name}`."""

    name: str


class Form(NamedTuple):
    """`[tu|vous]`: the words for either form of address."""

    tu: Nodes
    vous: Nodes


class Optional(NamedTuple):
    """`[? …]`: left out when the text would be too long."""

    nodes: Nodes


Node: TypeAlias = "str | Slot | Form | Optional"
Nodes: TypeAlias = "tuple[Node, ...]"


class Piece(NamedTuple):
    """A stretch of a filled text: `fact` names the fact it came from, None for the playbook's own words."""

    text: str
    fact: str | None = None
    missing: bool = False


@lru_cache(maxsize=16384)
def parse(text: str, lang: str) -> Nodes:
    """The nodes of `text`, its own words typeset for `lang`.

    Raises TemplateError for a bracket that isn't closed, a stray one, or a name that can't be one.

    >>> parse("Bonjour {brand}, [tu vas|vous allez] bien", "en")[1]
    Slot(name='brand')
    """
    return _parse(typeset(text, lang), 0, "")[0]


def _parse(text: str, at: int, until: str) -> tuple[Nodes, int]:
    nodes: list[Node] = []
    words = at
    while at < len(text):
        char = text[at]
        if char in until:
            break
        if char not in "{}[]|":
            at += 1
            continue
        if words < at:
            nodes.append(text[words:at])
        if char == "{":
            node, at = _parse_slot(text, at)
        elif char == "[":
            node, at = _parse_bracket(text, at)
        else:
            raise TemplateError(f"stray {char!r} near {text[max(0, at - 12) : at + 12]!r}")
        nodes.append(node)
        words = at
    if words < at:
        nodes.append(text[words:at])
    return tuple(nodes), at


def _parse_slot(text: str, at: int) -> tuple[Node, int]:
    end = text.find("}", at)
    name = text[at + 1 : end]
    if end < 0 or not _NAME.fullmatch(name):
        raise TemplateError(f"{text[at : at + 20]!r} is no slot: write {{name}} in small letters, digits and _")
    return Slot(name), end + 1


def _parse_bracket(text: str, at: int) -> tuple[Node, int]:
    head = re.compile(r"\[[ \u00a0\u202f]*\?[ \u00a0\u202f]*").match(text, at)  # typesetting may put a space there
    if head:
        nodes, end = _parse(text, head.end(), "]")
        if end >= len(text):
            raise TemplateError(f"{text[at : at + 20]!r} is never closed with ']'")
        return Optional(nodes), end + 1
    tu, middle = _parse(text, at + 1, "|]")
    if middle >= len(text) or text[middle] != "|":
        raise TemplateError(f"{text[at : at + 20]!r} needs two forms: [tu|vous]")
    vous, end = _parse(text, middle + 1, "]")
    if end >= len(text):
        raise TemplateError(f"{text[at : at + 20]!r} is never closed with ']'")
    return Form(tu, vous), end + 1


def slots(nodes: Nodes) -> Iterator[str]:
    """The names of the slots, in order, with repeats."""
    for node in nodes:
        if isinstance(node, Slot):
            yield node.name
        elif isinstance(node, Form):
            yield from slots(node.tu)
            yield from slots(node.vous)
        elif isinstance(node, Optional):
            yield from slots(node.nodes)


def has_forms(nodes: Nodes) -> bool:
    """Whether the text says tu or vous anywhere."""
    return any(isinstance(n, Form) or (isinstance(n, Optional) and has_forms(n.nodes)) for n in nodes)


def fill(nodes: Nodes, facts: Mapping[str, str], form: str | None, *, optional: bool = True) -> tuple[Piece, ...]:
    """The text as pieces; a fact that is absent or blank becomes ⟦name⟧.

    >>> "".join(p.text for p in fill(parse("{brand} : [? bien] {x}", "en"), {"brand": "{x}"}, None))
    '{x} : bien ⟦x⟧'
    """
    pieces: list[Piece] = []
    for node in nodes:
        if isinstance(node, str):
            pieces.append(Piece(node))
        elif isinstance(node, Slot):
            value = facts.get(node.name, "")
            pieces.append(Piece(isolate(value), node.name) if value.strip() else _missing(node.name))
        elif isinstance(node, Form):
            pieces += fill(node.tu if form == "tu" else node.vous, facts, form, optional=optional)
        elif optional:
            pieces += fill(node.nodes, facts, form)
    return tuple(pieces)


def _missing(name: str) -> Piece:
    return Piece(f"⟦{name}⟧", name, missing=True)


def isolate(value: str) -> str:
    """`value`, inside Unicode isolates if it could turn the words around it (UAX #9, section 2.7).

    >>> isolate("Nordalia"), len(isolate("نور"))
    ('Nordalia', 5)
    """
    if value.isascii():
        return value
    if _BIDI_CONTROLS.search(value) or any(unicodedata.bidirectional(c) in ("R", "AL", "AN") for c in value):
        return f"\u2068{value}\u2069"
    return value


def text_of(pieces: Iterable[Piece]) -> str:
    """The pieces as one string."""
    return "".join(piece.text for piece in pieces)
