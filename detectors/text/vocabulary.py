"""The crisis vocabulary: which category a comment is about, told by words.

One file a language in `vocabulary/`. `[category]` opens a section of expressions that decide, `[category hints]` one of
those that only speak for it: a head weighs them. Then one expression a line, its words as they are written (case and
accents do not matter):

* `annul*` is a word that begins so;
* `vol ~ annul*` lets up to four words stand between (never the end of the text);
* `panne ! aucune, plus de` does not count where a guard stands among the four words before it.

A single word costs one look in a table; longer expressions are tried only where their first word stands, so time is
linear in the words. All languages are read at once: a comment mixes them, and a category must not hang on its `lang`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from zlib import crc32

from detectors.text.fold import SEP, fold_many
from engine.domain.errors import InputError
from engine.domain.scores import CATEGORIES

HINT_PLANES = 2
"""Planes of bits that hold hints: an expression stands in one of them by its words, so that a text in which both are
set holds at least two different hints of a category."""
GAP_WORDS_MAX = 4
GUARD_WORDS_MAX = 4
PREFIX_CHARS_MIN = 3

_MARKS = re.compile(r"[~!,#\[\]]")


@dataclass(frozen=True, slots=True)
class Expression:
    """Words in order; `gaps[i]` says that others may stand before word i."""

    mask: int
    words: tuple[str, ...]
    gaps: tuple[bool, ...]
    guards: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class WordMeaning:
    """What a word is to the vocabulary. The three signatures are 64-bit filters: a word that follows can only continue
    an expression of a word that begins where their bits meet, so nearly all pairs are ruled out before any look-up."""

    mask: int = 0
    """Categories that it means alone, as bits."""
    guarded: tuple[Expression, ...] = ()
    """Expressions of this one word that have guards."""
    begins: tuple[Expression, ...] = ()
    near: int = 0
    """Signature of the words that may come second, right behind this one,"""
    far: int = 0
    """and of those that may stand a little further."""
    follows: int = 0
    """Signature of this word as the second one."""


@dataclass(slots=True)
class Vocabulary:
    """Expressions, by the word that they begin with."""

    exact: dict[str, list[Expression]] = field(default_factory=dict)
    prefix: dict[str, list[Expression]] = field(default_factory=dict)
    seconds: set[str] = field(default_factory=set)

    def of_word(self, word: str) -> WordMeaning:
        """What this folded word means, alone and as part of longer expressions."""
        stems = [word[:end] for end in range(PREFIX_CHARS_MIN, len(word) + 1)]
        found = [*self.exact.get(word, ()), *(e for stem in stems for e in self.prefix.get(stem, ()))]
        keys = self.seconds.intersection([word, *(f"{stem}*" for stem in stems)])
        if not found and not keys:
            return _MEANINGLESS
        mask = near = far = 0
        for expression in found:
            if len(expression.words) > 1:
                near |= _signature(expression.words[1])
                far |= _signature(expression.words[1]) * expression.gaps[1]
            elif not expression.guards:
                mask |= expression.mask
        return WordMeaning(
            mask,
            tuple(e for e in found if len(e.words) == 1 and e.guards),
            tuple(e for e in found if len(e.words) > 1),
            near,
            far,
            _union(keys),
        )

    def add(self, expression: Expression) -> None:
        """Take in an expression."""
        first = expression.words[0]
        if first.endswith("*"):
            self.prefix.setdefault(first[:-1], []).append(expression)
        else:
            self.exact.setdefault(first, []).append(expression)
        self.seconds.update(expression.words[1:2])


_MEANINGLESS = WordMeaning()


def _signature(word: str) -> int:
    return 1 << crc32(word.encode("utf-8", "replace")) % 63


def _union(words: Iterable[str]) -> int:
    bits = 0
    for word in words:
        bits |= _signature(word)
    return bits


@dataclass(frozen=True, slots=True)
class Continuation:
    """What two words in their order begin."""

    mask: int
    """Categories of the expressions that are whole with them."""
    thirds: dict[str, tuple[Expression, ...]]
    """Expressions that need this word right behind them,"""
    others: tuple[Expression, ...]
    """and those that have to be tried."""

    def find(self, tokens: Sequence[str], at: int) -> int:
        """The categories (bits) of the expressions that these two words begin at this token.

        >>> begins = parse_vocabulary("[outage]\\nplus de courant", "example").of_word("plus").begins
        >>> continuation(begins, "de", True).find(["\\x00", "plus", "de", "courant"], 1)
        1
        """
        mask = self.mask
        if self.thirds and at + 2 < len(tokens) and (longer := self.thirds.get(tokens[at + 2])):
            mask |= match(longer, tokens, at)
        return mask | match(self.others, tokens, at) if self.others else mask


def continuation(begins: Iterable[Expression], second: str, near: bool) -> Continuation | None:
    """What a word that begins these expressions and this second one make; `near` is right behind it. None: nothing."""
    mask, thirds, others = 0, dict[str, list[Expression]](), list[Expression]()
    for expression in begins:
        if not _is(expression.words[1], second) or not (near or expression.gaps[1]):
            continue
        if len(expression.words) == 2 and not expression.guards:
            mask |= expression.mask
        elif near and len(expression.words) > 2 and not expression.gaps[2] and expression.words[2][-1] != "*":
            thirds.setdefault(expression.words[2], []).append(expression)
        else:
            others.append(expression)
    if not (mask or thirds or others):
        return None
    return Continuation(mask, {word: tuple(found) for word, found in thirds.items()}, tuple(others))


def match(expressions: Iterable[Expression], tokens: Sequence[str], at: int) -> int:
    """The categories (bits) of the expressions that begin at this token.

    >>> vocabulary = parse_vocabulary("[outage]\\nvol ~ annul* ! pas de", "example")
    >>> tokens = ["\\x00", "mon", "vol", "est", "annule"]
    >>> match(vocabulary.of_word("vol").begins, tokens, 2)
    1
    """
    mask = 0
    for expression in expressions:
        if expression.mask & ~mask and _follows(expression, tokens, at) and not _guarded(expression, tokens, at):
            mask |= expression.mask
    return mask


def names(mask: int) -> tuple[str, ...]:
    """The bits of the categories that are decided to names, in the order of CATEGORIES; hints stand in higher bits."""
    return tuple(name for bit, name in enumerate(CATEGORIES) if mask >> bit & 1)


def _is(word: str, token: str) -> bool:
    return token.startswith(word[:-1]) if word[-1] == "*" else token == word


def _follows(expression: Expression, tokens: Sequence[str], at: int) -> bool:
    for word, gap in zip(expression.words[1:], expression.gaps[1:], strict=True):
        for step in range(1, 2 + (GAP_WORDS_MAX if gap else 0)):
            here = at + step
            if here >= len(tokens) or tokens[here] == SEP:
                return False
            if _is(word, tokens[here]):
                at = here
                break
        else:
            return False
    return True


def _guarded(expression: Expression, tokens: Sequence[str], at: int) -> bool:
    if not expression.guards:
        return False
    start = at
    while start > max(0, at - GUARD_WORDS_MAX) and tokens[start - 1] != SEP:
        start -= 1
    before = tokens[start:at]
    return any(
        all(_is(word, token) for word, token in zip(guard, before[i : i + len(guard)], strict=False))
        for guard in expression.guards
        for i in range(len(before) - len(guard) + 1)
    )


def _fold_words(text: str) -> dict[str, tuple[str, ...]]:
    """Every word as it is written, folded: all of a file in one pass."""
    raw = sorted(set(_MARKS.sub(" ", text).split()))
    folded: dict[str, tuple[str, ...]] = {}
    for word, parts in zip(raw, fold_many(raw), strict=True):
        own = list(parts)
        if word.endswith("*") and own and own[-1] == "*":
            own.pop()
        if word.endswith("*") and own:
            own[-1] += "*"
        folded[word] = tuple(own)
    return folded


def parse_expression(line: str, mask: int, folded: dict[str, tuple[str, ...]]) -> Expression:
    """One line of a vocabulary file. Raises ValueError if it holds no word."""
    phrase, _, guards = line.partition("!")
    words: list[str] = []
    gaps: list[bool] = []
    for part in phrase.split("~"):
        for i, word in enumerate([w for raw in part.split() for w in folded[raw]]):
            words.append(word)
            gaps.append(i == 0)
    if not words or any(len(w) <= PREFIX_CHARS_MIN and w.endswith("*") for w in words):
        raise ValueError("no words, or fewer than three letters before a star")
    told = [tuple(w for raw in guard.split() for w in folded[raw]) for guard in guards.split(",")]
    return Expression(mask, tuple(words), tuple(gaps), tuple(guard for guard in told if guard))


def _as_hint(expression: Expression) -> Expression:
    """The same, speaking for its category in one of the planes of hints."""
    plane = crc32(" ".join(expression.words).encode()) % HINT_PLANES + 1
    return replace(expression, mask=expression.mask << plane * len(CATEGORIES))


def parse_vocabulary(text: str, name: str, into: Vocabulary | None = None) -> Vocabulary:
    """Read a vocabulary file. Raises InputError naming the line."""
    vocabulary = Vocabulary() if into is None else into
    folded = _fold_words(text)
    mask, hints = 0, False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if line.startswith("["):
            category, _, kind = line.strip("[]").partition(" ")
            if category not in CATEGORIES or kind not in ("", "hints"):
                raise InputError(f"{name}, line {number}: no such category: {line.strip('[]')}")
            mask, hints = 1 << CATEGORIES.index(category), kind == "hints"
        elif line:
            try:
                expression = parse_expression(line, mask, folded)
                vocabulary.add(_as_hint(expression) if hints else expression)
            except ValueError as error:
                raise InputError(f"{name}, line {number}: {error}") from error
    return vocabulary


def load_vocabulary() -> Vocabulary:
    """The shipped vocabulary, all languages together."""
    vocabulary = Vocabulary()
    for path in sorted(Path(__file__).with_name("vocabulary").glob("*.txt")):
        parse_vocabulary(path.read_text(encoding="utf-8"), path.name, vocabulary)
    return vocabulary
