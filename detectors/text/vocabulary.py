"""The crisis vocabulary: which category a comment is about, told by words.

One file a language in `vocabulary/`. `[category]` opens a section of expressions that decide, `[category hints]` one of
those that only speak for it: a head weighs them; `[blame]` and its like (`TONES`) open sections of what tells the
writer's tone, in files of their own. Then one expression a line, its words as they are written (case and
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
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from zlib import crc32

from detectors.text.fold import SEP, fold_many
from detectors.text.roles import NEGATOR, role_of
from engine.domain.errors import InputError
from engine.domain.scores import CATEGORIES

HINT_PLANES = 2
"""Planes of bits that hold hints: an expression stands in one of them by its words, so that a text in which both are
set holds at least two different hints of a category."""
TONES = ("blame", "letdown", "praise", "content", "ask", "news", "mock", "defend")
"""What an expression may tell of the writer's tone, strong and weak blame and praise first."""
TONE_SHIFT = len(CATEGORIES) * (1 + HINT_PLANES)
"""The first of the bits of tone, behind the planes of categories."""
TONE_BITS = (1 << len(TONES)) - 1
WHOLE = 1 << TONE_SHIFT + len(TONES)
"""The bit of an expression of tone that holds a negation of its own: none before it turns it."""
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
    guard_starts: frozenset[str] = frozenset()
    """What guards begin with; empty if one begins with a beginning of a word, and all have to be tried."""
    anchor: int = 0
    """The word by which it is looked up, with the one behind it. Those of "c'est fini" stand in every other comment, so
    the longest pair is taken where no gap forbids it."""


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
    """Expressions, by the word that anchors them."""

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
                bit = signature(expression.words[expression.anchor + 1])
                near |= bit
                far |= bit * expression.gaps[expression.anchor + 1]
            elif not expression.guards:
                mask |= expression.mask
        return WordMeaning(
            mask,
            tuple(e for e in found if len(e.words) == 1 and e.guards),
            tuple(e for e in found if len(e.words) > 1),
            near,
            far,
            signatures(keys),
        )

    def add(self, expression: Expression) -> None:
        """Take in an expression."""
        at = expression.anchor
        first = expression.words[at]
        if first.endswith("*"):
            self.prefix.setdefault(first[:-1], []).append(expression)
        else:
            self.exact.setdefault(first, []).append(expression)
        self.seconds.update(expression.words[at + 1 : at + 2])


_MEANINGLESS = WordMeaning()


def signature(word: str) -> int:
    """One of 63 bits."""
    return 1 << crc32(word.encode("utf-8", "replace")) % 63


def signatures(words: Iterable[str]) -> int:
    """The bits of all of them."""
    bits = 0
    for word in words:
        bits |= signature(word)
    return bits


@dataclass(frozen=True, slots=True)
class Longer:
    """Expressions that a third word in its place makes likely."""

    mask: int
    """Those that are whole with it,"""
    exact: tuple[tuple[int, int, int, list[str], Expression | None], ...]
    """those of plain words side by side: mask, where they begin and end beside the anchor, the words, and the
    expression if it has guards: comparing a slice is one step, and most end there,"""
    others: tuple[Expression, ...]
    """and those that have to be tried word by word."""

    def find(self, tokens: Sequence[str], at: int) -> int:
        """The categories (bits) of those that stand."""
        mask = self.mask
        for bits, start, end, words, guarded in self.exact:
            if tokens[at + start : at + end] == words and not (guarded and _guarded(guarded, tokens, at + start)):
                mask |= bits
        return mask | match(self.others, tokens, at) if self.others else mask


@dataclass(frozen=True, slots=True)
class Continuation:
    """What two words in their order begin."""

    mask: int
    """Categories of the expressions that are whole with them."""
    befores: dict[str, Longer]
    """Expressions that need this word right before them,"""
    thirds: dict[str, Longer]
    """this word right behind them,"""
    others: tuple[Expression, ...]
    """and those that have to be tried."""

    def find(self, tokens: Sequence[str], at: int) -> int:
        """The categories (bits) of the expressions that these two words begin at this token.

        >>> begins = parse_vocabulary("[outage]\\nplus de courant", "example").of_word("plus").begins
        >>> continuation(begins, "de", True).find(["\\x00", "plus", "de", "courant"], 1)
        1
        """
        mask = self.mask
        if self.befores and (longer := self.befores.get(tokens[at - 1])):
            mask |= longer.find(tokens, at)
        if self.thirds and at + 2 < len(tokens) and (longer := self.thirds.get(tokens[at + 2])):
            mask |= longer.find(tokens, at)
        return mask | match(self.others, tokens, at) if self.others else mask


def continuation(begins: Iterable[Expression], second: str, near: bool) -> Continuation | None:
    """What a word that begins these expressions and this second one make; `near` is right behind it. None: nothing."""
    mask, others = 0, list[Expression]()
    befores, thirds = dict[str, list[Expression]](), dict[str, list[Expression]]()
    for expression in begins:
        words, at = expression.words, expression.anchor
        if not _is(words[at + 1], second) or not (near or expression.gaps[at + 1]):
            continue
        if len(words) == 2 and not expression.guards:
            mask |= expression.mask
        elif at and words[at - 1][-1] != "*":
            befores.setdefault(words[at - 1], []).append(expression)
        elif near and not at and len(words) > 2 and not expression.gaps[2] and words[2][-1] != "*":
            thirds.setdefault(words[2], []).append(expression)
        else:
            others.append(expression)
    if not (mask or befores or thirds or others):
        return None
    return Continuation(mask, _longer(befores), _longer(thirds), tuple(others))


def _longer(found: dict[str, list[Expression]]) -> dict[str, Longer]:
    told = {}
    for third, expressions in found.items():
        whole, exact, others = 0, [], []
        for e in expressions:
            if any(e.gaps[1:]) or any(word[-1] == "*" for word in e.words):
                others.append(e)
            elif len(e.words) == 3 and not e.guards:
                whole |= e.mask
            else:
                end = len(e.words) - e.anchor
                exact.append((e.mask, -e.anchor, end, list(e.words), e if e.guards else None))
        told[third] = Longer(whole, tuple(exact), tuple(others))
    return told


def match(expressions: Iterable[Expression], tokens: Sequence[str], at: int) -> int:
    """The categories (bits) of the expressions that have their anchor at this token.

    >>> vocabulary = parse_vocabulary("[outage]\\nvol ~ annul* ! pas de", "example")
    >>> tokens = ["\\x00", "mon", "vol", "est", "annule"]
    >>> match(vocabulary.of_word("vol").begins, tokens, 2)
    1
    """
    mask = 0
    for expression in expressions:
        start = at - expression.anchor
        if (
            expression.mask & ~mask
            and (len(expression.words) == 1 or _stands(expression, tokens, start))
            and not (expression.guards and _guarded(expression, tokens, start))
        ):
            mask |= expression.mask
    return mask


def names(mask: int) -> tuple[str, ...]:
    """The bits of the categories that are decided to names, in the order of CATEGORIES; hints stand in higher bits."""
    return tuple(name for bit, name in enumerate(CATEGORIES) if mask >> bit & 1)


def _is(word: str, token: str) -> bool:
    return token.startswith(word[:-1]) if word[-1] == "*" else token == word


def _stands(expression: Expression, tokens: Sequence[str], at: int) -> bool:
    """Whether the words stand from this token on: the anchor itself is known to, unless something is before it."""
    if at < 0:
        return False
    words, gaps, last = expression.words, expression.gaps, len(tokens) - 1
    for i in range(expression.anchor):
        if not _is(words[i], tokens[at + i]):
            return False
    for i in range(1, len(words)):
        word = words[i]
        for _ in range(1 + GAP_WORDS_MAX if gaps[i] else 1):
            if at == last:
                return False
            at += 1
            token = tokens[at]
            if token == word or (word[-1] == "*" and token.startswith(word[:-1])):
                break
            if token == SEP:
                return False
        else:
            return False
    return True


def _guarded(expression: Expression, tokens: Sequence[str], at: int) -> bool:
    """Whether one of the expression's guards stands among the words before it."""
    before = tokens[max(0, at - GUARD_WORDS_MAX) : at]
    if expression.guard_starts and expression.guard_starts.isdisjoint(before):
        return False
    while SEP in before:
        before = before[before.index(SEP) + 1 :]
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


def parse_expression(line: str, mask: int, folded: dict[str, tuple[str, ...]], hint: bool = False) -> Expression:
    """One line of a vocabulary file; a hint speaks for its category in one of the planes of hints. Raises ValueError if
    it holds no word."""
    phrase, _, guards = line.partition("!")
    words: list[str] = []
    gaps: list[bool] = []
    for part in phrase.split("~"):
        start = len(words)
        for raw in part.split():
            words += folded[raw]
        gaps += [True, *[False] * (len(words) - start - 1)][: len(words) - start]
    if not words or any(w[-1] == "*" and len(w) <= PREFIX_CHARS_MIN for w in words):
        raise ValueError("no words, or fewer than three letters before a star")
    if hint:
        mask <<= (crc32(" ".join(words).encode()) % HINT_PLANES + 1) * len(CATEGORIES)
    if mask >= 1 << TONE_SHIFT and any(role_of(word) & NEGATOR for word in words):
        mask |= WHOLE
    anchor = 0
    if len(words) > 2 and not any(gaps[1:]):
        sizes = [len(word) for word in words]
        pairs = [size + next_ for size, next_ in pairwise(sizes)]
        anchor = pairs.index(max(pairs))
    if not guards:
        return Expression(mask, tuple(words), tuple(gaps), anchor=anchor)
    told = [tuple(w for raw in guard.split() for w in folded[raw]) for guard in guards.split(",")]
    kept = tuple(guard for guard in told if guard)
    starts = frozenset(guard[0] for guard in kept)
    if any(word[-1] == "*" for word in starts):
        starts = frozenset()
    return Expression(mask, tuple(words), tuple(gaps), kept, starts, anchor)


def parse_vocabulary(text: str, name: str, into: Vocabulary | None = None) -> Vocabulary:
    """Read a vocabulary file. Raises InputError naming the line."""
    vocabulary = Vocabulary() if into is None else into
    folded = _fold_words(text)
    mask, hints = 0, False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if line.startswith("["):
            section, _, kind = line.strip("[]").partition(" ")
            if section in TONES and not kind:
                mask, hints = 1 << TONE_SHIFT + TONES.index(section), False
            elif section in CATEGORIES and kind in ("", "hints"):
                mask, hints = 1 << CATEGORIES.index(section), kind == "hints"
            else:
                raise InputError(f"{name}, line {number}: no such category or tone: {line.strip('[]')}")
        elif line:
            try:
                vocabulary.add(parse_expression(line, mask, folded, hints))
            except ValueError as error:
                raise InputError(f"{name}, line {number}: {error}") from error
    return vocabulary


def load_vocabulary() -> Vocabulary:
    """The shipped vocabulary, all languages together."""
    vocabulary = Vocabulary()
    for path in sorted(Path(__file__).with_name("vocabulary").glob("*.txt")):
        parse_vocabulary(path.read_text(encoding="utf-8"), path.name, vocabulary)
    return vocabulary
