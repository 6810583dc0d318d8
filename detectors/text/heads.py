"""The heads beside sentiment: what a comment is about, how urgent, how toxic, whether it sounds ironic.

Each is a linear model of its own on the features of the sentiment tables, with the crisis vocabulary's findings as
further facts, and decides at a logit of zero: the threshold that gives the best F1 on comments that a fit had not seen
is part of its bias. Fitted by scikit-learn's liblinear, seeded, in one thread: the same comments give the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from detectors.text.comments import URGENCY_MAX, Comment
from detectors.text.reading import FACT_ROWS
from detectors.text.words import SLOTS
from engine.domain.scores import CATEGORIES

URGENCIES: Final = tuple(f"urgency_{step}" for step in range(1, URGENCY_MAX + 1))
"""Logits of "at least so urgent"."""
NAMES: Final = (*CATEGORIES, *URGENCIES, "irony", "toxicity")
ROWS: Final = FACT_ROWS + len(CATEGORIES)
"""Rows of the table of facts of the heads: those of sentiment, then the categories that the vocabulary found."""
STRENGTH: Final = 8.0
"""Inverse of the penalty: as weak as leaves a theme that was held out no worse."""
FOLDS: Final = 4
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


def fit_head(matrix: Any, truth: NDArray[np.bool_], seed: int = 1) -> tuple[NDArray[np.float64], float]:
    """Weights and bias of one head. The threshold is found on folds, by the best F1.

    A head without an example of either answer says no to everything.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    if truth.sum() < FOLDS or (~truth).sum() < FOLDS:
        return np.zeros(matrix.shape[1]), -1.0
    model = LogisticRegression(C=STRENGTH, solver="liblinear", dual=True, random_state=seed, tol=0.01, max_iter=200)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    unseen = cross_val_predict(model, matrix, truth, cv=folds, method="decision_function")
    model.fit(matrix, truth)
    return np.asarray(model.coef_[0], dtype=np.float64), float(model.intercept_[0]) - best_threshold(unseen, truth)


def best_threshold(logits: NDArray[np.float64], truth: NDArray[np.bool_]) -> float:
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
