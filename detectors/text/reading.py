"""A batch read: which tokens stand in which text, under what negation, and the few plain facts about each text.

Shared by scoring and by training, so that both see the same features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from detectors.text import roles as w
from detectors.text import tone
from detectors.text.fold import tokenise
from detectors.text.short import COUNTED, NEGATION_REACH, SHORT_TOKENS_MAX, Gathered, gather_short
from detectors.text.tone import Finds, Places, finds_of, part_sums, places_of
from detectors.text.vocabulary import GAP_WORDS_MAX, TONES, match
from detectors.text.words import WordStore, pair_slots
from engine.domain.scores import CATEGORIES

Ints: TypeAlias = NDArray[np.int64]
Masks: TypeAlias = NDArray[np.bool_]

DECIDED = (1 << len(CATEGORIES)) - 1
"""The bits of a mask that decide a category; those above are hints."""
_VALENCE_UNIT = 960.0
"""Integer valence of one plain word of valence 1.0: tenths times the parts of the factors below."""

_BINS: tuple[tuple[str, tuple[float, ...]], ...] = (
    ("valence", (-6, -4, -3, -2, -1.2, -0.6, -0.1, 0.1, 0.6, 1.2, 2, 3, 4, 6)),
    ("positive", (0.1, 1, 2, 3, 4.5, 6, 8)),
    ("negative", (0.1, 1, 2, 3, 4.5, 6, 8)),
    ("valence_a_word", (-0.5, -0.25, -0.12, -0.05, -0.01, 0.01, 0.05, 0.12, 0.25, 0.5)),
    ("last_valence", (-2, -0.8, -0.1, 0.1, 0.8, 2)),
    ("mixed", (1, 2, 3, 4, 5, 6, 7, 8)),
    ("exclaims", (1, 2, 3)),
    ("questions", (1, 2)),
    ("capitals_share", (0.02, 0.1, 0.2, 0.4, 0.7)),
    ("stretched", (1, 4)),
    ("words", (1, 4, 8, 14, 22, 40)),
    ("links", (1, 2)),
    ("names", (1, 2)),
    ("emoji", (1, 3)),
    ("negations", (1, 2, 3)),
    ("buts", (1,)),
    ("pressing", (1, 2)),
    ("categories", (1, 2)),
    ("tone", (-6, -4, -2.5, -1.6, -0.6, -0.1, 0.1, 0.6, 1.6, 2.5, 4, 6)),
    ("tone_behind_but", (-1.6, -0.1, 0.1, 1.6)),
    ("tone_at_end", (-2.5, -1.6, -0.1, 0.1, 1.6, 2.5)),
    ("valence_behind_but", (-1.5, -0.5, -0.05, 0.05, 0.5, 1.5)),
    ("valence_at_end", (-2, -1, -0.3, -0.05, 0.05, 0.3, 1, 2)),
    ("valence_at_start", (-2, -1, -0.3, -0.05, 0.05, 0.3, 1, 2)),
)
_CODES: tuple[tuple[str, int], ...] = (
    ("last_tone", 2 * len(TONES)),
    ("first_tone", 2 * len(TONES)),
    *((name, 3) for name in TONES),
    ("turned_praise", 1),
    ("turned_blame", 1),
    ("blame_and_praise", 8),
    ("mock_and", 7),
    ("praise_in_trouble", 7),
    ("question_and", 7),
    ("valence_and_tone", 24),
)
"""Facts that are small whole numbers, and what they go up to: each value has a row of its own."""
FACTS = (*(name for name, _ in _BINS), *(name for name, _ in _CODES))
FACT_OFFSETS = np.cumsum([0] + [len(edges) + 1 for _, edges in _BINS] + [most + 1 for _, most in _CODES])
"""The first row of each fact, and the end of the last."""
FACT_ROWS = int(FACT_OFFSETS[-1])
"""Rows of the facts in a table: one a bin, one a code."""
ROWS = FACT_ROWS + 4 * len(CATEGORIES)
"""Rows of a table of facts: the above, then what the crisis vocabulary found (see `findings`)."""
FINDINGS = ("decided", "hinted", "hinted twice", "found")
_CATEGORY_BITS = np.arange(len(CATEGORIES))
_EDGES = np.full((max(len(edges) for _, edges in _BINS), len(_BINS), 1), np.inf)
for _column, (_, _edges) in enumerate(_BINS):
    _EDGES[: len(_edges), _column, 0] = _edges
_MOST = np.array([[most] for _, most in _CODES])
_COUNTED_BITS = np.array([bit.bit_length() - 1 for bit in COUNTED])
_PLAIN_UNIT = 480.0
"""As `_VALENCE_UNIT`, without the factor of a word's place."""
_MIXED = np.array([0.1, 2.0])
_COARSE = np.array([-1.5, -0.1, 0.1, 1.5])


def fact_name(row: int) -> str:
    """What a row of a table of facts stands for: the fact and the bin that its value is in, or what was found.

    >>> fact_name(0), fact_name(FACT_ROWS - 1), fact_name(FACT_ROWS)
    ('valence <-6', 'valence_and_tone 24', 'outage decided')
    """
    if row >= FACT_ROWS:
        kind, category = divmod(row - FACT_ROWS, len(CATEGORIES))
        return f"{CATEGORIES[category]} {FINDINGS[kind]}"
    place = int(np.searchsorted(FACT_OFFSETS, row, side="right")) - 1
    nth = row - int(FACT_OFFSETS[place])
    if place >= len(_BINS):
        return f"{FACTS[place]} {nth}"
    name, edges = _BINS[place]
    if nth == 0:
        return f"{name} <{edges[0]:g}"
    return f"{name} >={edges[-1]:g}" if nth == len(edges) else f"{name} {edges[nth - 1]:g}..{edges[nth]:g}"


@dataclass(frozen=True, slots=True)
class Reading:
    """A batch of n texts with t tokens (a separator before each text included)."""

    ids: Ints
    """Shape (t,): the tokens' numbers in the store."""
    starts: Ints
    """Shape (n,): where each text's separator stands."""
    negated: Masks
    """Shape (t,)."""
    pairs: Ints
    """Shape (p,): table rows of neighbouring words."""
    pair_at: Ints
    """Shape (p,): where the first word of each pair stands."""
    features: Ints
    """Shape (n,): how many hashed features each text has."""
    facts: Ints
    """Shape (n, len(FACTS)): rows of the table of facts."""
    masks: Ints
    """Shape (n,): crisis categories that the vocabulary decides, as bits; its hints in the planes of bits above."""
    found: NDArray[np.float64]
    """Shape (n, 4 x categories): see `findings`."""
    urgency: NDArray[np.float32]


def findings(masks: Ints) -> NDArray[np.float64]:
    """What the vocabulary found, shape (n, 4 x categories) of 0 and 1: decided, hinted at, twice hinted at, or any.

    >>> findings(np.array([0b1])).sum(axis=1).tolist()  # decided, and so found at all
    [2.0]
    """
    n = len(CATEGORIES)
    decided, one, other = masks & DECIDED, masks >> n & DECIDED, masks >> 2 * n & DECIDED
    found = np.array((decided, one | other, one & other, decided | one | other)).T
    return np.asarray((found[:, :, None] >> _CATEGORY_BITS & 1).reshape(len(masks), -1), dtype=np.float64)


def read(texts: Sequence[str], store: WordStore) -> Reading:
    """Read a batch of at least one text."""
    tokens = tokenise(texts)
    ids = store.ids(tokens.words)
    starts = (ids == 0).nonzero()[0]
    lengths = _lengths(starts, len(ids))
    gather = gather_short if len(ids) <= SHORT_TOKENS_MAX else _gather
    g = gather(ids, starts, tokens.words, store)
    inside = ids != 0
    sides = (inside[:-1] & inside[1:]).nonzero()[0]
    hashes = store.hashes.take(ids)
    pairs = pair_slots(hashes[sides], hashes[sides + 1] ^ (g.negated[sides + 1] * np.uint32(0x5A5A5A5A)))
    n_words = lengths - 1
    features = g.features + np.maximum(n_words - 1, 0)
    counts = dict(zip(COUNTED, g.counts, strict=True))
    finds, masks = g.finds, g.masks
    capitals = tokens.capitals / np.maximum(tokens.letters, 6)
    bits = np.bitwise_count(masks & DECIDED).astype(np.int64)
    valued = _valence_facts(g, n_words)
    values = (
        *valued, counts[w.EXCLAIM], counts[w.QUESTION], capitals, tokens.stretched,
        n_words, counts[w.LINK], counts[w.NAMED], counts[w.EMOJI], counts[w.NEGATOR], counts[w.BUT], counts[w.PRESSING],
        bits, finds.tone, finds.tail, finds.end, *(part / _PLAIN_UNIT for part in g.parts),
    )  # fmt: skip
    facts = _facts(values, _codes(finds, valued[0], valued[2], counts, bits))
    urgency = _urgency(counts[w.EXCLAIM], capitals, tokens.stretched, counts[w.PRESSING], bits, values[2])
    return Reading(ids, starts, g.negated, pairs, sides, features, facts, masks, findings(masks), urgency)


def _gather(ids: Ints, starts: Ints, words: list[str], store: WordStore) -> Gathered:
    """Gather a batch column by column: what `gather_short` does token by token."""
    lengths = _lengths(starts, len(ids))
    row_of = np.arange(len(starts)).repeat(lengths)
    roles = store.roles.take(ids)
    roles[1:] |= np.where((roles[1:] & w.CONTRE != 0) & (roles[:-1] & w.PAR != 0), w.BUT, 0)
    negated = _negated(roles)
    found = _token_masks(ids, row_of, words, store)
    places = places_of(roles, starts, lengths, row_of)
    plain = _valences(store.valences.take(ids), roles, negated)
    valence = plain * _weights_by_turn(places)
    positive = np.add.reduceat(np.maximum(valence, 0), starts)
    negative = np.add.reduceat(np.maximum(-valence, 0), starts)
    at = np.maximum.reduceat(np.where(valence != 0, np.arange(len(valence)), 0), starts)
    return Gathered(
        negated,
        np.bitwise_or.reduceat(found, starts),
        np.add.reduceat(store.features.take(ids), starts),
        np.add.reduceat(roles[:, None] >> _COUNTED_BITS & 1, starts, axis=0).T,
        positive - negative,
        positive,
        negative,
        np.where(at > starts, valence[at], 0),
        part_sums(plain, places),
        finds_of(found, negated, places, row_of),
    )


def read_masks(texts: Sequence[str], store: WordStore) -> Ints:
    """The crisis categories that the vocabulary decides of each text of a batch of at least one, as bits."""
    words = tokenise(texts).words
    ids = store.ids(words)
    starts = np.flatnonzero(ids == 0)
    row_of = np.arange(len(starts)).repeat(_lengths(starts, len(ids)))
    found = _token_masks(ids, row_of, words, store)
    return np.asarray(np.bitwise_or.reduceat(found, starts) & DECIDED)


def _lengths(starts: Ints, total: int) -> Ints:
    """Tokens of each text, its separator included."""
    ends = np.empty_like(starts)
    ends[:-1], ends[-1] = starts[1:], total
    return ends - starts


def _negated(roles: Ints) -> Masks:
    at = np.arange(len(roles))
    negator = (roles & w.NEGATOR) != 0
    last = np.maximum.accumulate(np.where(negator, at, -NEGATION_REACH - 1))
    end = np.maximum.accumulate(np.where((roles & (w.CLAUSE_END | w.BUT)) != 0, at, -1))
    return np.asarray((at - last <= NEGATION_REACH) & (last > end) & ~negator)


def _token_masks(ids: Ints, row_of: Ints, words: list[str], store: WordStore) -> Ints:
    """What each token anchors, as bits: words alone at once, longer expressions where two of their words meet."""
    masks = store.masks.take(ids)
    for at in store.guarded.take(ids).nonzero()[0].tolist():
        masks[at] |= match(store.meanings[int(ids[at])].guarded, words, at)
    follows = store.follows.take(ids)
    _near(masks, (store.near.take(ids)[:-1] & follows[1:]).nonzero()[0], ids, words, store)
    far = store.far.take(ids)
    begins = far.nonzero()[0]
    for step in range(2, GAP_WORDS_MAX + 2):
        begins = begins[begins + step < len(ids)]
        begins = begins[row_of[begins] == row_of[begins + step]]
        found = begins[far[begins] & follows[begins + step] != 0]
        pairs, known = (ids[found] << 32 | ids[found + step]).tolist(), store.apart
        for at, pair in zip(found.tolist(), pairs, strict=True):
            begun = known[pair] if pair in known else store.begun_apart(pair)
            if begun:
                masks[at] |= begun.find(words, at)
    return masks


def _near(masks: Ints, found: Ints, ids: Ints, words: list[str], store: WordStore) -> None:
    """Add what is begun at these tokens with the ones right behind them."""
    first, second = ids[found], ids[found + 1]
    hashes, pairs = store.hashes, store.pairs
    firsts, seconds = hashes.take(first), hashes.take(second)
    numbers = pairs.numbers(first << 32 | second, firsts, seconds, store.begun)
    masks[found] |= pairs.masks(numbers)
    before, behind = hashes.take(ids[found - 1]), hashes.take(ids[np.minimum(found + 2, len(ids) - 1)])
    tried = pairs.worth_trying(numbers, before, firsts, seconds, behind)
    for at, number in zip(found[tried].tolist(), numbers[tried].tolist(), strict=True):
        if begun := pairs.continuations[number]:
            masks[at] |= begun.find(words, at)


def _valences(valences: Ints, roles: Ints, negated: Masks) -> Ints:
    """Valence of each token in its place: boosted, turned by a negation."""
    boosted = np.zeros(len(roles), dtype=np.bool_)
    boosted[1:] = (roles[:-1] & w.BOOSTER) != 0
    return valences * np.where(boosted, 16, 12) * np.where(negated, -3, 4)


def _weights_by_turn(places: Places) -> Ints:
    """Valence counts less before a "but" and more after."""
    turn = places.turn.repeat(places.lengths)
    return np.where(turn < 0, 2, np.where(np.arange(len(turn)) < turn, 1, 3))


def _codes(
    finds: Finds, total: NDArray[np.float64], negative: NDArray[np.float64], counts: dict[int, Ints], bits: Ints
) -> tuple[Ints, ...]:
    """The facts that are whole numbers: finds of tone, and what they meet in a text."""
    n = finds.counts.T
    good, bad = n[tone.PRAISE] + n[tone.CONTENT], n[tone.BLAME] + n[tone.LETDOWN]
    turned = n[len(TONES) :]
    trouble = bits > 0
    return (
        finds.last,
        finds.first,
        *n[: len(TONES)],
        turned[tone.PRAISE] + turned[tone.CONTENT],
        turned[tone.BLAME] + turned[tone.LETDOWN],
        3 * np.minimum(bad, 2) + np.minimum(good, 2),
        (n[tone.MOCK] > 0) * (1 + trouble + 2 * (negative > 0.1) + 3 * (bad > 0)),
        4 * (good > 0) + 2 * trouble + (counts[w.EXCLAIM] > 0),
        4 * (n[tone.ASK] > 0) + 2 * (counts[w.QUESTION] > 0) + (np.abs(total) < 0.1),
        5 * _COARSE.searchsorted(total, "right") + _COARSE.searchsorted(finds.tone, "right"),
    )


def _valence_facts(g: Gathered, n_words: Ints) -> tuple[NDArray[np.float64], ...]:
    """Sum, positive sum, negative sum, sum a word, the last valued word, and how both signs meet."""
    total, positive, negative, last = np.array((g.total, g.positive, g.negative, g.last)) / _VALENCE_UNIT
    mixed = _MIXED.searchsorted(positive, "right") * 3 + _MIXED.searchsorted(negative, "right")
    return total, positive, negative, total / np.maximum(n_words, 1), last, mixed.astype(np.float64)


def _facts(values: Sequence[NDArray[np.float64] | Ints], codes: Sequence[Ints]) -> Ints:
    """The row of each fact. The bin of a value is how many edges it has reached, all facts at once, edge by edge."""
    table = np.array(values, dtype=np.float64)
    rows = np.empty((len(FACTS), table.shape[1]), dtype=np.int64)
    rows[: len(_BINS)] = (table >= _EDGES).sum(axis=0, dtype=np.uint8)
    np.minimum(np.array(codes), _MOST, out=rows[len(_BINS) :])
    rows += FACT_OFFSETS[:-1, None]
    return np.ascontiguousarray(rows.T)


def _urgency(
    exclaims: Ints,
    capitals: NDArray[np.float64],
    stretched: Ints,
    pressing: Ints,
    bits: Ints,
    negative: NDArray[np.float64],
) -> NDArray[np.float32]:
    """How pressing a text is: a fixed sum of marks, each with a ceiling, in [0, 1]."""
    marks = (
        0.10 * np.minimum(exclaims, 3) + 0.30 * np.minimum(np.maximum(capitals * 2 - 0.3, 0.0), 1.0)
        + 0.02 * np.minimum(stretched, 5)
        + 0.25 * np.minimum(pressing, 2) + 0.10 * np.minimum(bits, 2) + 0.04 * np.minimum(negative, 5)
    )  # fmt: skip
    return np.minimum(marks, 1.0).astype(np.float32)
