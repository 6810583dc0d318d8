"""The heads beside sentiment: what a comment is about, how urgent, how toxic, whether it sounds ironic.

Each is a linear model of its own on the features of the sentiment tables, with what the crisis vocabulary finds as
further facts: that a category is decided, hinted at, hinted at twice, or either. Comments of both languages teach each
table, since the vocabulary means the same in both. A head says yes at a logit of zero: the threshold is part of its
bias. It is one for all categories; those of the other heads are found on a third of the themes, which a fit had not
seen. The same comments give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors.text.comments import URGENCY_MAX, Comment
from detectors.text.fitting import fit_each
from detectors.text.words import SLOTS
from engine.domain.scores import CATEGORIES

URGENCIES: Final = tuple(f"urgency_{step}" for step in range(1, URGENCY_MAX + 1))
"""Logits of "at least so urgent"."""
NAMES: Final = (*CATEGORIES, *URGENCIES, "irony", "toxicity")
STRENGTH: Final = 8.0
"""Inverse of the penalty: as weak as leaves a theme that was held out no worse."""
OTHER_LANGUAGE: Final = 0.4
"""What a comment of the other language weighs."""
SUBJECT: Final = -0.8
"""The logit (P = 0.31) from which a category is told. On themes held out F1 hardly rises below it and precision falls;
a playbook is chosen by a category."""
EXAMPLES_MIN: Final = 4
PASSES: Final = 30
HEADS_AT_ONCE: Final = 8
"""More at once would need more memory than they save time."""
NEVER: Final = -20.0
"""The bias of a head that has nothing to go by."""
Truth: TypeAlias = NDArray[np.bool_]
_CLIP: Final = 7.0
"""As of the sentiment tables: weights beyond so many root mean squares are cut."""


@dataclass(frozen=True, slots=True)
class Heads:
    """Linear heads: hashed features (int8, shape (SLOTS, H)), facts (int16, shape (ROWS, H)), biases and scales (H,).

    A logit is slots x slot_unit / sqrt(features) + facts x fact_unit + bias.
    """

    slots: NDArray[np.int8]
    facts: NDArray[np.int16]
    bias: NDArray[np.float64]
    slot_units: NDArray[np.float64]
    fact_units: NDArray[np.float64]


def targets(comments: Sequence[Comment]) -> NDArray[np.bool_]:
    """What each head should say of these comments, shape (n, H - 1): toxicity has examples of its own."""
    return np.array(
        [
            [
                *(category in comment.categories for category in CATEGORIES),
                *(comment.urgency >= step for step in range(1, URGENCY_MAX + 1)),
                "irony" in comment.traits,
            ]
            for comment in comments
        ],
        dtype=np.bool_,
    )


def fit_heads_of(
    matrix: Any, answers: Truth, weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weights, shape (columns, heads), and biases of heads. One without enough examples of either answer says no to
    everything."""
    taught, biases = np.zeros((matrix.shape[1], answers.shape[1])), np.full(answers.shape[1], NEVER)
    enough = np.flatnonzero(np.minimum(answers.sum(axis=0), (~answers).sum(axis=0)) >= EXAMPLES_MIN)
    for start in range(0, len(enough), HEADS_AT_ONCE):
        some = enough[start : start + HEADS_AT_ONCE]
        taught[:, some], biases[some] = fit_each(matrix, answers[:, some], weights, STRENGTH, PASSES)
    return taught, biases


def is_held(comment_id: str) -> bool:
    """Whether a comment's theme is of the third on which thresholds are found.

    >>> is_held("fr-01-0001") == is_held("fr-01-0042")
    True
    """
    return crc32(comment_id[:5].encode()) % 3 == 0


def best_threshold(logits: NDArray[np.float64], truth: Truth) -> float:
    """The threshold with the highest F1, to a twentieth.

    >>> best_threshold(np.array([-2.0, -0.5, 1.0]), np.array([False, True, True])) < -0.5
    True
    """
    steps = np.arange(-4.0, 2.0, 0.05)
    hits = np.array([(truth & (logits > step)).sum() for step in steps])
    said = np.array([(logits > step).sum() for step in steps])
    return float(steps[int(np.argmax(2.0 * hits / np.maximum(said + truth.sum(), 1)))])


def quantise_heads(weights: NDArray[np.float64], biases: Sequence[float], fact_value: float) -> Heads:
    """Weights of shape (SLOTS + ROWS, H) to whole numbers, each head with scales of its own."""
    slots, facts = weights[:SLOTS], weights[SLOTS:] * fact_value
    squares, used = (slots**2).sum(axis=0), np.maximum((slots != 0).sum(axis=0), 1)
    slot_units = np.sqrt(squares / used) * _CLIP / 127
    slot_units[slot_units == 0] = 1.0
    fact_units = np.abs(facts).max(axis=0) / 32_000
    fact_units[fact_units == 0] = 1.0
    return Heads(
        np.clip(np.rint(slots / slot_units), -127, 127).astype(np.int8),
        np.rint(facts / fact_units).astype(np.int16),
        np.array(biases),
        slot_units,
        fact_units,
    )
