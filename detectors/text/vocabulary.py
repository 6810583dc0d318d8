"""The crisis vocabulary: which category a comment is about, told by words.

One file a language in `vocabulary/`. `[category]` opens a section; then one expression a line, its words as they are
written (case and accents do not matter):

* `annul*` is a word that begins so;
* `vol ~ annul*` lets up to three words stand between (never the end of the text);
* `panne ! aucune, plus de` does not count where a guard stands among the four words before it.

A single word costs one look in a table; longer expressions are tried only where their first word stands, so time is
linear in the words. All languages are read at once: a comment mixes them, and a category must not hang on its `lang`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from detectors.text.fold import SEP, fold_text
from engine.domain.errors import InputError
from engine.domain.scores import CATEGORIES

GAP_WORDS_MAX = 3
GUARD_WORDS_MAX = 4
PREFIX_CHARS_MIN = 3


@dataclass(frozen=True, slots=True)
class Expression:
    """Words in order; `gaps[i]` says that others may stand before word i."""

    mask: int
    words: tuple[str, ...]
    gaps: tuple[bool, ...]
    guards: tuple[tuple[str, ...], ...] = ()


@dataclass(slots=True)
class Vocabulary:
    """Expressions, by the word that they begin with."""

    exact: dict[str, list[Expression]] = field(default_factory=dict)
    prefix: dict[str, list[Expression]] = field(default_factory=dict)

    def of_word(self, word: str) -> tuple[int, tuple[Expression, ...]]:
        """The categories that this word alone means (bits), and the longer or guarded expressions it may begin."""
        found = list(self.exact.get(word, ()))
        for end in range(PREFIX_CHARS_MIN, len(word) + 1):
            found += self.prefix.get(word[:end], ())
        mask, longer = 0, []
        for expression in found:
            if len(expression.words) == 1 and not expression.guards:
                mask |= expression.mask
            else:
                longer.append(expression)
        return mask, tuple(longer)

    def add(self, expression: Expression) -> None:
        first = expression.words[0]
        if first.endswith("*"):
            self.prefix.setdefault(first[:-1], []).append(expression)
        else:
            self.exact.setdefault(first, []).append(expression)


def match(expressions: Iterable[Expression], tokens: Sequence[str], at: int) -> int:
    """The categories (bits) of the expressions that begin at this token.

    >>> vocabulary = parse_vocabulary("[outage]\\nvol ~ annul* ! pas de", "example")
    >>> tokens = ["\\x00", "mon", "vol", "est", "annule"]
    >>> match(vocabulary.of_word("vol")[1], tokens, 2)
    1
    """
    mask = 0
    for expression in expressions:
        if expression.mask & ~mask and _follows(expression, tokens, at) and not _guarded(expression, tokens, at):
            mask |= expression.mask
    return mask


def names(mask: int) -> tuple[str, ...]:
    """Bits to names, in the order of CATEGORIES."""
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


def _words(phrase: str) -> tuple[str, ...]:
    out: list[str] = []
    for raw in phrase.split():
        folded = fold_text(raw.rstrip("*"))
        if raw.endswith("*") and folded:
            folded[-1] += "*"
        out += folded
    return tuple(out)


def parse_expression(line: str, mask: int) -> Expression:
    """One line of a vocabulary file. Raises ValueError if it holds no word."""
    phrase, _, guards = line.partition("!")
    words: list[str] = []
    gaps: list[bool] = []
    for part in phrase.split("~"):
        for i, word in enumerate(_words(part)):
            words.append(word)
            gaps.append(i == 0)
    if not words or any(len(w) <= PREFIX_CHARS_MIN and w.endswith("*") for w in words):
        raise ValueError("no words, or fewer than three letters before a star")
    return Expression(mask, tuple(words), tuple(gaps), tuple(g for g in map(_words, guards.split(",")) if g))


def parse_vocabulary(text: str, name: str, into: Vocabulary | None = None) -> Vocabulary:
    """Read a vocabulary file. Raises InputError naming the line."""
    vocabulary = Vocabulary() if into is None else into
    mask = 0
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.partition("#")[0].strip()
        if line.startswith("["):
            category = line.strip("[]")
            if category not in CATEGORIES:
                raise InputError(f"{name}, line {number}: no such category: {category}")
            mask = 1 << CATEGORIES.index(category)
        elif line:
            try:
                vocabulary.add(parse_expression(line, mask))
            except ValueError as error:
                raise InputError(f"{name}, line {number}: {error}") from error
    return vocabulary


def load_vocabulary() -> Vocabulary:
    """The shipped vocabulary, all languages together."""
    vocabulary = Vocabulary()
    for path in sorted(Path(__file__).with_name("vocabulary").glob("*.txt")):
        parse_vocabulary(path.read_text(encoding="utf-8"), path.name, vocabulary)
    return vocabulary
