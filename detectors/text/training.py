"""Fitting the tables: the reading of scoring, multinomial logistic regression, then whole numbers.

Pure but for the arithmetic of scipy and scikit-learn, seeded, in one thread: the same examples give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.text.comments import Comment
from detectors.text.fitting import fit_one_of
from detectors.text.fold import fold_many
from detectors.text.heads import (
    SUBJECT,
    Heads,
    best_threshold,
    fit_heads_of,
    is_held,
    quantise_heads,
    targets,
)
from detectors.text.reading import FACT_ROWS, FACTS, Reading, read
from detectors.text.tables import Table
from detectors.text.vocabulary import Vocabulary
from detectors.text.words import SLOTS, WORTH, Lexicon, WordStore, ngram_slots, unigram_slots, word_hash
from engine.domain.scores import CATEGORIES, LABELS

FACT_VALUE = 0.45
"""What a fact counts in a row whose hashed part has length about 1: facts then learn at a like pace."""
RARITY = 1.5
"""A rare word's column against a fact's."""
SLOT_CLIP = 7.0
"""Weights beyond this many root mean squares are cut before they become int8."""


@dataclass(frozen=True, slots=True)
class Example:
    """One labelled text."""

    text: str
    label: str
    weight: float = 1.0
    typical: bool = False
    """Of a theme that the first fit does not see: these texts set the temperature."""
    unseen: bool = False
    """Left out of the first fit: typical, or made from a text that is."""
    lang: str = ""
    """The language of its lexicon, where it is not the table's."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one language's table is fitted."""

    lang: str
    strength: float = 1.0
    """Inverse of the regularisation (scikit-learn's C)."""
    passes: int = 30
    valences: dict[str, float] = field(default_factory=dict)
    others: dict[str, dict[str, float]] = field(default_factory=dict)
    """Valences of other languages whose texts teach this table too: what a fact means is the same in all of them."""


def make_lexicon(valences: dict[str, float]) -> Lexicon:
    """Valences in [-4, 4] by expression; those that fold to more than one token are left out.

    >>> make_lexicon({"génial": 3.1, "GÉNIAL": 2.9, "pas mal": 1.0}).valences.tolist()
    [30]
    """
    by_hash: dict[int, list[float]] = {}
    entries = sorted(valences.items())
    for (_, valence), tokens in zip(entries, fold_many([expression for expression, _ in entries]), strict=True):
        if len(tokens) == 1 and valence:
            by_hash.setdefault(word_hash(tokens[0]), []).append(valence)
    hashes = np.array(sorted(by_hash), dtype=np.uint32)
    means = [sum(by_hash[h]) / len(by_hash[h]) for h in hashes.tolist()]
    return Lexicon(hashes, np.clip(np.rint(np.array(means) * 10), -40, 40).astype(np.int8))


def fit(examples: Sequence[Example], recipe: Recipe, vocabulary: Vocabulary) -> Table:
    """Fit one table, its temperature set on texts that a first fit has not seen.

    Raises ValueError if a label has no example.

    The temperature divides logits so that probabilities mean what they say (Guo et al., "On Calibration of Modern
    Neural Networks", 2017).
    """
    lexicon = make_lexicon(recipe.valences)
    matrix = _design_by_lexicon(examples, recipe, lexicon, vocabulary)
    rarity = rarities(matrix)
    matrix = matrix.multiply(rarity[None, :]).tocsr()
    labels = np.array([LABELS.index(example.label) for example in examples])
    weights = np.array([example.weight for example in examples])
    typical = np.array([example.typical for example in examples])
    if len(set(labels.tolist())) < len(LABELS):
        raise ValueError(f"{recipe.lang}: no example of some label")
    temperature, first = 1.0, None
    if typical.any():
        seen = ~np.array([example.unseen for example in examples])
        first = fit_one_of(matrix[seen], labels[seen], weights[seen], recipe.strength, recipe.passes)
        temperature = best_temperature(matrix[typical] @ first, labels[typical], weights[typical])
    coefficients = fit_one_of(matrix, labels, weights, recipe.strength, recipe.passes, first)
    return quantise(recipe.lang, coefficients * rarity[:, None], lexicon, temperature)


def _design_by_lexicon(examples: Sequence[Example], recipe: Recipe, own: Lexicon, vocabulary: Vocabulary) -> Any:
    """The design matrix of texts, each read with the lexicon of its language."""
    from scipy.sparse import vstack

    langs = [example.lang for example in examples]
    parts, rows = [], []
    for lang in dict.fromkeys(langs):
        at = [i for i, other in enumerate(langs) if other == lang]
        lexicon = make_lexicon(recipe.others[lang]) if lang else own
        parts.append(design_matrix([examples[i].text for i in at], lexicon, vocabulary))
        rows += at
    return vstack(parts).tocsr()[np.argsort(rows)]


def rarities(matrix: Any) -> NDArray[np.float64]:
    """What each column counts, by how few texts hold it: inverse document frequency, about 1 for a rare word's.

    It belongs to fitting alone: the weights take it in. (Spärck Jones, "A statistical interpretation of term
    specificity", 1972.)
    """
    n = matrix.shape[0]
    texts = np.bincount(matrix.indices, minlength=matrix.shape[1])
    scale = (1.0 + np.log((1.0 + n) / (1.0 + texts))) / (1.0 + np.log(1.0 + n)) * RARITY
    scale[texts == 0] = 0.0
    scale[SLOTS:] = 1.0  # facts stay as they are
    return np.asarray(scale)


@dataclass(frozen=True, slots=True)
class Taught:
    """Comments that teach heads, with the lexicon of their language."""

    comments: Sequence[Comment]
    lexicon: Lexicon
    weight: float = 1.0


def fit_heads(taught: Sequence[Taught], toxic: Sequence[tuple[str, bool]], vocabulary: Vocabulary) -> Heads:
    """Fit the heads of a table: on the comments of its own language, which come first, and those of the others; that of
    toxicity on `toxic` and its own (hate is toxic).

    One threshold serves all categories, so that the likeliest is told first.
    """
    from scipy.sparse import vstack

    own = taught[0]
    comments = [comment for part in taught for comment in part.comments]
    matrix = vstack(
        [design_matrix([c.text for c in part.comments], part.lexicon, vocabulary) for part in taught]
    ).tocsr()
    weights = np.concatenate([np.full(len(part.comments), part.weight) for part in taught])
    held = np.array([is_held(comment.id) for comment in comments])
    rarity = rarities(matrix)
    matrix = matrix.multiply(rarity[None, :]).tocsr()
    answers, mine = targets(comments), np.arange(len(comments)) < len(own.comments)
    n, others = len(CATEGORIES), answers[:, len(CATEGORIES) :]
    fitted, biases = fit_heads_of(matrix, answers, weights)
    some, some_biases = fit_heads_of(matrix[~held], others[~held], weights[~held])
    unseen = (matrix[mine & held] @ some + some_biases).T
    biases[:n] -= SUBJECT
    biases[n:] -= [best_threshold(logits, truth) for logits, truth in zip(unseen, others[mine & held].T, strict=True)]
    rude = design_matrix([*(c.text for c in own.comments), *(text for text, _ in toxic)], own.lexicon, vocabulary)
    rude = rude.multiply(rarity[None, :]).tocsr()
    hate = answers[mine, CATEGORIES.index("illegal_hate")]
    is_rude = np.concatenate([hate, np.array([yes for _, yes in toxic])])[:, None]
    toxicity, bias = fit_heads_of(rude, is_rude, np.ones(len(is_rude)))
    third = np.arange(len(is_rude)) % 3 == 0
    some, some_biases = fit_heads_of(rude[~third], is_rude[~third], np.ones(int((~third).sum())))
    bias -= best_threshold((rude[third] @ some + some_biases)[:, 0], is_rude[third, 0])
    every = np.hstack((fitted, toxicity)) * rarity[:, None]
    return quantise_heads(every, [*biases, *bias], FACT_VALUE)


def best_temperature(logits: NDArray[np.float64], labels: Any, weights: Any) -> float:
    """The temperature under which these labels are least surprising, to a twentieth.

    >>> best_temperature(np.array([[4.0, 0.0, 0.0]] * 4), np.array([0, 0, 0, 1]), np.ones(4)) > 2
    True
    """
    losses = []
    candidates = np.arange(0.4, 4.0, 0.05)
    for candidate in candidates.tolist():
        scaled = logits / candidate
        scaled = scaled - scaled.max(axis=1, keepdims=True)
        likely = scaled - np.log(np.exp(scaled).sum(axis=1, keepdims=True))
        losses.append(float(-(weights * likely[np.arange(len(labels)), labels]).sum()))
    return float(candidates[int(np.argmin(losses))])


def design_matrix(texts: Sequence[str], lexicon: Lexicon, vocabulary: Vocabulary) -> Any:
    """One sparse row a text: SLOTS hashed columns, then FACT_ROWS of facts, then those of what the vocabulary found."""
    from scipy.sparse import csr_matrix, diags, hstack

    store = WordStore(None, lexicon, vocabulary, keep_max=1 << 30)
    reading, n = read(texts, store), len(texts)
    row_of = np.repeat(np.arange(n), np.diff(reading.starts, append=len(reading.ids)))
    kept = reading.ids != 0
    slots_of = _word_matrix(store)
    column = reading.ids * 2 + reading.negated
    texts = csr_matrix(
        (np.ones(kept.sum(), dtype=np.float64), (row_of[kept], column[kept])), shape=(n, slots_of.shape[0])
    )
    hashed = texts @ slots_of + _pair_matrix(reading, n)
    hashed = diags(1.0 / np.sqrt(np.maximum(reading.features, 1))) @ hashed
    rows = np.repeat(np.arange(n), len(FACTS))
    ones = np.full(len(rows), FACT_VALUE)
    facts = csr_matrix((ones, (rows, reading.facts.ravel())), shape=(n, FACT_ROWS))
    return hstack([hashed, facts, csr_matrix(reading.found * FACT_VALUE)]).tocsr()


def _word_matrix(store: WordStore) -> Any:
    """Rows: two a word, as it is and under a negation; columns: slots."""
    from scipy.sparse import csr_matrix, vstack

    slots, counts = ngram_slots(store.words)
    owner = np.repeat(np.arange(len(store.words)), counts)
    own, flipped = unigram_slots(store.hashes)
    rows = np.arange(len(store.words))
    values = np.concatenate((np.ones(len(slots)), np.full(len(rows), float(WORTH))))
    halves = [
        csr_matrix(
            (values, (np.concatenate((owner, rows)), np.concatenate((slots, unigrams)))),
            shape=(len(rows), SLOTS),
        )
        for unigrams in (own, flipped)
    ]
    order = np.arange(2 * len(rows)).reshape(2, -1).T.ravel()
    return vstack(halves).tocsr()[order]


def _pair_matrix(reading: Reading, n: int) -> Any:
    from scipy.sparse import csr_matrix

    rows = np.searchsorted(reading.starts, reading.pair_at, side="right") - 1
    return csr_matrix((np.full(len(rows), float(WORTH)), (rows, reading.pairs)), shape=(n, SLOTS))


def quantise(lang: str, coefficients: NDArray[np.float64], lexicon: Lexicon, temperature: float = 1.0) -> Table:
    """Coefficients, shape (SLOTS + ROWS, 3), to whole numbers."""
    slots, facts = coefficients[:SLOTS], coefficients[SLOTS:] * FACT_VALUE
    used = slots[np.any(slots != 0, axis=1)]
    slot_unit = float(np.sqrt(np.mean(used**2))) * SLOT_CLIP / 127 if len(used) else 1.0
    fact_unit = float(np.abs(facts).max()) / 32_000 or 1.0
    return Table(
        lang,
        np.clip(np.rint(slots / slot_unit), -127, 127).astype(np.int8),
        np.rint(facts / fact_unit).astype(np.int16),
        lexicon,
        slot_unit / temperature,
        fact_unit / temperature,
    )
