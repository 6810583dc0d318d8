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
from typing import NamedTuple, TypeAlias
from zlib import crc32

from detectors.text.fold import SEP, fold_many
from detectors.text.roles import NEGATORS
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
    guard_words: frozenset[str] = frozenset()
    """Guards of one whole word,"""
    guards: tuple[tuple[str, ...], ...] = ()
    """all others,"""
    guard_starts: frozenset[str] = frozenset()
    """and what they begin with; empty if one begins with a beginning of a word, and all have to be tried."""
    anchor: int = 0
    """The word by which it is looked up, with the one behind it. Those of "c'est fini" stand in every other comment, so
    the longest pair is taken where no gap forbids it."""
    as_written: list[str] | None = field(default=None, compare=False)
    """The words once more, if nothing stands between them and none is a beginning: then they are compared at once."""

    @property
    def has_guards(self) -> bool:
        return bool(self.guard_words or self.guards)


class Line(NamedTuple):
    """A line of a file, read as far as it must be to know which word anchors it."""

    mask: int
    words: tuple[str, ...]
    apart: tuple[int, ...]
    """Words before which others may stand."""
    anchor: int
    guards: str
    folded: dict[str, tuple[str, ...]]
    """Every word of the file, folded."""


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
    """Expressions, by the word that anchors them. They are made when a text first holds that word: most never are."""

    exact: dict[str, list[Line]] = field(default_factory=dict)
    prefix: dict[str, list[Line]] = field(default_factory=dict)
    seconds: set[str] = field(default_factory=set)

    def of_word(self, word: str) -> WordMeaning:
        """What this folded word means, alone and as part of longer expressions."""
        stems = [word[:end] for end in range(PREFIX_CHARS_MIN, len(word) + 1)]
        lines = [*self.exact.get(word, ()), *(line for stem in stems for line in self.prefix.get(stem, ()))]
        found = [_expression(line) for line in lines]
        keys = self.seconds.intersection([word, *(f"{stem}*" for stem in stems)])
        if not found and not keys:
            return _MEANINGLESS
        mask = near = far = 0
        for expression in found:
            if len(expression.words) > 1:
                bit = _signature(expression.words[expression.anchor + 1])
                near |= bit
                far |= bit * expression.gaps[expression.anchor + 1]
            elif not expression.has_guards:
                mask |= expression.mask
        return WordMeaning(
            mask,
            tuple(e for e in found if len(e.words) == 1 and e.has_guards),
            tuple(e for e in found if len(e.words) > 1),
            near,
            far,
            _union(keys),
        )

    def add(self, line: Line) -> None:
        """Take in an expression."""
        at = line.anchor
        first = line.words[at]
        if first[-1] == "*":
            self.prefix.setdefault(first[:-1], []).append(line)
        else:
            self.exact.setdefault(first, []).append(line)
        if at + 1 < len(line.words):
            self.seconds.add(line.words[at + 1])


_MEANINGLESS = WordMeaning()


def _signature(word: str) -> int:
    return 1 << crc32(word.encode("utf-8", "replace")) % 63


def _union(words: Iterable[str]) -> int:
    bits = 0
    for word in words:
        bits |= _signature(word)
    return bits


Begun: TypeAlias = tuple[int, tuple[Expression, ...]]
"""What three words are, as bits, and the longer or guarded expressions to be tried where they stand."""


@dataclass(frozen=True, slots=True)
class Continuation:
    """What two words in their order begin."""

    mask: int
    """Categories of the expressions that are whole with them."""
    befores: dict[str, Begun]
    """What they are with this word right before them,"""
    thirds: dict[str, Begun]
    """with this word right behind them;"""
    pairs: tuple[Expression, ...]
    """expressions of these two words with guards,"""
    others: tuple[Expression, ...]
    """and those that have to be tried."""

    def find(self, tokens: Sequence[str], at: int) -> int:
        """The categories (bits) of the expressions that these two words begin at this token.

        >>> begins = parse_vocabulary("[outage]\\ncoupure du net", "example").of_word("coupure").begins
        >>> continuation(begins, "du", True).find(["\\x00", "coupure", "du", "net"], 1)
        1
        """
        mask = self.mask
        if self.befores and (longer := self.befores.get(tokens[at - 1])):
            mask |= longer[0] | match(longer[1], tokens, at) if longer[1] else longer[0]
        if self.thirds and at + 2 < len(tokens) and (longer := self.thirds.get(tokens[at + 2])):
            mask |= longer[0] | match(longer[1], tokens, at) if longer[1] else longer[0]
        for expression in self.pairs:
            if not _guarded(expression, tokens, at):
                mask |= expression.mask
        return mask | match(self.others, tokens, at) if self.others else mask


def continuation(begins: Iterable[Expression], second: str, near: bool) -> Continuation | None:
    """What a word that begins these expressions and this second one make; `near` is right behind it. None: nothing."""
    mask, pairs, others = 0, list[Expression](), list[Expression]()
    befores, thirds = dict[str, list[Expression]](), dict[str, list[Expression]]()
    for expression in begins:
        words, at = expression.words, expression.anchor
        if not _is(words[at + 1], second) or not (near or expression.gaps[at + 1]):
            continue
        if len(words) == 2:
            if expression.has_guards:
                pairs.append(expression)
            else:
                mask |= expression.mask
        elif at and words[at - 1][-1] != "*":  # no gap: only such have an anchor behind their first word
            befores.setdefault(words[at - 1], []).append(expression)
        elif near and not at and len(words) > 2 and not expression.gaps[2] and words[2][-1] != "*":
            thirds.setdefault(words[2], []).append(expression)
        else:
            others.append(expression)
    if not (mask or befores or thirds or pairs or others):
        return None
    return Continuation(mask, _fixed(befores), _fixed(thirds), tuple(pairs), tuple(others))


def _fixed(found: dict[str, list[Expression]]) -> dict[str, Begun]:
    fixed: dict[str, Begun] = {}
    for word, expressions in found.items():
        mask, tried = 0, []
        for expression in expressions:
            if len(expression.words) > 3 or expression.has_guards:
                tried.append(expression)
            else:
                mask |= expression.mask
        fixed[word] = mask, tuple(tried)
    return fixed


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
        if (written := expression.as_written) is not None:
            stands = start >= 0 and tokens[start : start + len(written)] == written
        else:
            stands = _stands(expression, tokens, start)
        if stands and not (expression.has_guards and _guarded(expression, tokens, start)):
            mask |= expression.mask
    return mask


def names(mask: int) -> tuple[str, ...]:
    """The bits of the categories that are decided to names, in the order of CATEGORIES; hints stand in higher bits."""
    return tuple(name for bit, name in enumerate(CATEGORIES) if mask >> bit & 1)


def _is(word: str, token: str) -> bool:
    return token.startswith(word[:-1]) if word[-1] == "*" else token == word


def _stands(expression: Expression, tokens: Sequence[str], at: int) -> bool:
    if expression.anchor:
        if at < 0:
            return False
        for i, word in enumerate(expression.words[: expression.anchor]):
            if not _is(word, tokens[at + i]):
                return False
    return _follows(expression, tokens, at)


def _follows(expression: Expression, tokens: Sequence[str], at: int) -> bool:
    words, gaps, end = expression.words, expression.gaps, len(tokens)
    for i in range(1, len(words)):
        word = words[i]
        prefix = word[:-1] if word[-1] == "*" else ""
        for here in range(at + 1, min(at + 2 + (GAP_WORDS_MAX if gaps[i] else 0), end)):
            token = tokens[here]
            if token == word or (prefix and token.startswith(prefix)):
                at = here
                break
            if token == SEP:
                return False
        else:
            return False
    return True


def _guarded(expression: Expression, tokens: Sequence[str], at: int) -> bool:
    before = tokens[max(0, at - GUARD_WORDS_MAX) : at]
    if SEP in before:
        before = before[max(i for i, token in enumerate(before) if token == SEP) + 1 :]
    if not expression.guard_words.isdisjoint(before):
        return True
    if not expression.guards or (expression.guard_starts and expression.guard_starts.isdisjoint(before)):
        return False
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


def parse_line(line: str, mask: int, folded: dict[str, tuple[str, ...]], hint: bool = False) -> Line:
    """One line of a vocabulary file; a hint speaks for its category in one of the planes of hints. Raises ValueError if
    it holds no word."""
    phrase, _, guards = line.partition("!")
    words: list[str] = []
    apart: list[int] = []
    for part in phrase.split("~") if "~" in phrase else (phrase,):
        apart.append(len(words))
        for raw in part.split():
            words += folded[raw]
    if not words or ("*" in phrase and any(w[-1] == "*" and len(w) <= PREFIX_CHARS_MIN for w in words)):
        raise ValueError("no words, or fewer than three letters before a star")
    if hint:
        mask <<= (crc32(" ".join(words).encode()) % HINT_PLANES + 1) * len(CATEGORIES)
    if mask >> TONE_SHIFT and not NEGATORS.isdisjoint(words):
        mask |= WHOLE
    anchor = 0
    if len(words) > 2 and len(apart) == 1:
        sizes = [len(word) for word in words]
        pairs = [size + next_ for size, next_ in pairwise(sizes)]
        anchor = pairs.index(max(pairs))
    return Line(mask, tuple(words), tuple(apart[1:]), anchor, guards, folded)


def _expression(line: Line) -> Expression:
    """The expression that a line tells."""
    words, gaps = line.words, tuple(i in line.apart for i in range(len(line.words)))
    plain = len(words) > 2 and not any(gaps[1:]) and not any(word[-1] == "*" for word in words)
    written = list(words) if plain else None
    if not line.guards:
        return Expression(line.mask, words, gaps, anchor=line.anchor, as_written=written)
    told = [tuple(w for raw in guard.split() for w in line.folded[raw]) for guard in line.guards.split(",")]
    alone = frozenset(guard[0] for guard in told if len(guard) == 1 and guard[0][-1] != "*")
    kept = tuple(guard for guard in told if guard and not (len(guard) == 1 and guard[0] in alone))
    starts = frozenset(guard[0] for guard in kept)
    if any(word[-1] == "*" for word in starts):
        starts = frozenset()
    return Expression(line.mask, words, gaps, alone, kept, starts, line.anchor, written)


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
                vocabulary.add(parse_line(line, mask, folded, hints))
            except ValueError as error:
                raise InputError(f"{name}, line {number}: {error}") from error
    return vocabulary


def load_vocabulary() -> Vocabulary:
    """The shipped vocabulary, all languages together."""
    vocabulary = Vocabulary()
    for path in sorted(Path(__file__).with_name("vocabulary").glob("*.txt")):
        parse_vocabulary(path.read_text(encoding="utf-8"), path.name, vocabulary)
    return vocabulary
