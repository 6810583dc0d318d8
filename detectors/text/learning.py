"""Learning from a team's corrections, and never more than they bear.

All corrections of an installation are replayed, the newest word on each text counting, together with a sample of how
the shipped tables read own comments (rehearsal: Robins, "Catastrophic forgetting, rehearsal and pseudorehearsal",
1995). The overlay is the multinomial logistic regression of both on top of the shipped logits, pulled to zero; so it is
a function of the corrections and the shipped tables alone, and taking one back is leaving it out. What it would cost on
the guard's held comments bounds it: it is scaled down until the cost is below the bound, or refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.text.guard import TEST, VALIDATION, Guard, load_guard
from detectors.text.overlay import Ints, Logits, Overlay, OverlayTable, model_id, quantised
from detectors.text.rows import FACT_PART, PAIR_PART, Rows, join, rows_of
from detectors.text.scorer import LinearScorer
from detectors.text.words import SLOTS
from engine.domain.labels import Correction
from engine.domain.scores import LABELS

CORRECTIONS_MAX = 5_000
"""Of more than these, the newest teach."""
DROP_MAX = 0.006
"""Macro-F1 that an overlay may cost on the guard's test comments, and on all held ones: under one point."""
REHEARSALS = (1.0, 3.0, 8.0)
SCALES = (1.0, 0.85, 0.7, 0.55, 0.4, 0.25, 0.1)
"""Where the bound is broken, rehearsal counts more; where that is not enough, what was learnt is scaled down."""


@dataclass(frozen=True, slots=True)
class LearnParams:
    """How boldly to learn. Chosen on development data; see docs/text.md."""

    pull: float = 1.5
    """Strength of the pull to zero."""
    rehearsal: float = 0.12
    """What a text of the shipped sample weighs beside a correction."""
    negatives: float = 2.4
    """What a correction to negative weighs beside the others: a miss costs a team more than a false one."""
    passes: int = 60


@dataclass(frozen=True, slots=True)
class Lesson:
    """What became of one table's corrections."""

    lang: str
    corrections: int
    scale: float
    """1 as learnt, less where the guard asked for it, 0 refused."""
    guard_before: float
    guard_after: float
    """Macro-F1 on the guard's test comments, in [0, 1]."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """An overlay, and how it came about."""

    overlay: Overlay
    lessons: tuple[Lesson, ...]


def learn(
    corrections: Sequence[Correction], scorer: LinearScorer, version: int = 1, params: LearnParams = LearnParams()
) -> Learnt:
    """The overlay that these corrections, oldest first, teach on top of the scorer's shipped tables.

    >>> from detectors.text import load_scorer
    >>> said = [Correction("Vélorine m'a laissé en plan", "neg", "fr"), Correction("Vélorine, top", "pos", "fr")]
    >>> learnt = learn(said, load_scorer(("fr",)))
    >>> [(lesson.lang, lesson.corrections, lesson.scale > 0) for lesson in learnt.lessons]
    [('fr', 2, True)]
    """
    newest = {correction.text: correction for correction in corrections}  # a text said twice: the last word counts
    taught = list(newest.values())[-CORRECTIONS_MAX:]
    names = scorer.table_names([c.text for c in taught], [c.lang for c in taught])
    tables: dict[str, OverlayTable] = {}
    lessons = []
    for lang in scorer.tables:
        own = [c for c, name in zip(taught, names, strict=True) if name == lang]
        if own:
            table, lesson = _learn_one(lang, own, scorer, params)
            lessons.append(lesson)
            if lesson.scale:
                tables[lang] = table
    return Learnt(Overlay(version, model_id(scorer.tables), tables), tuple(lessons))


def _learn_one(
    lang: str, corrections: Sequence[Correction], scorer: LinearScorer, params: LearnParams
) -> tuple[OverlayTable, Lesson]:
    guard = load_guard(lang)
    said = rows_of([c.text for c in corrections], scorer.stores[lang], scorer.tables[lang])
    labels = np.array([LABELS.index(c.sentiment) for c in corrections])
    taught = guard.taught
    rows = join((said, taught))
    targets = np.concatenate((np.eye(len(LABELS))[labels], softmax(taught.logits)))
    said_weights = np.where(labels == 0, params.negatives, 1.0)
    best: tuple[OverlayTable, tuple[float, float, float]] | None = None
    slots = np.unique(said.slots)
    design = _design(rows, slots)
    for more in REHEARSALS:
        weights = np.concatenate((said_weights, np.full(len(taught), params.rehearsal * more)))
        table = _fitted(design, slots, rows.logits, targets, weights, params)
        bounded = _bounded(guard, table)
        if best is None or bounded[0] > best[1][0]:
            best = table, bounded
        if bounded[0] == 1.0:
            break
    assert best is not None
    table, (scale, before, after) = best
    scaled = OverlayTable(table.slots, table.weights, table.facts, table.always, table.unit * scale)
    return scaled, Lesson(lang, len(corrections), scale, before, after)


def softmax(logits: Logits) -> Logits:
    """Logits, shape (n, 3), to probabilities."""
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _design(rows: Rows, slots: Ints) -> Any:
    """The columns that can learn, and no others: the words and pairs of the corrections, facts, and one for all."""
    from scipy.sparse import hstack

    whole = rows.design()
    return hstack([whole[:, slots], whole[:, SLOTS:]]).tocsr()


def _fitted(
    design: Any, slots: Ints, shipped: Logits, targets: Logits, weights: Logits, params: LearnParams
) -> OverlayTable:
    """Regularised multinomial logistic regression with the shipped logits as a start that is not learnt."""
    wide = design.shape[1]

    def loss(flat: Logits) -> tuple[float, Logits]:
        learnt = flat.reshape(wide, len(LABELS))
        told = softmax(shipped + design @ learnt)
        value = -float((weights[:, None] * targets * np.log(np.maximum(told, 1e-12))).sum())
        slope = design.T @ (weights[:, None] * (told - targets)) + params.pull * learnt
        return value + params.pull / 2 * float(flat @ flat), np.asarray(slope).ravel()

    found = _minimised(loss, wide * len(LABELS), params.passes).reshape(wide, len(LABELS))
    parts = np.where(slots < SLOTS // 2, 1.0, PAIR_PART)
    return quantised(slots, found[: len(slots)] * parts[:, None], found[len(slots) : -1] * FACT_PART, found[-1])


def _minimised(loss: Any, size: int, passes: int) -> NDArray[np.float64]:
    """L-BFGS (Liu and Nocedal, 1989) in one thread: the same numbers each time."""
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1):
        found = minimize(loss, np.zeros(size), jac=True, method="L-BFGS-B", options={"maxiter": passes})
    return np.asarray(found.x)


def _bounded(guard: Guard, table: OverlayTable) -> tuple[float, float, float]:
    """The largest scale that keeps the guard's bound, 0 if none does; and the guard's figure before and after."""
    learnt = guard.rows.learnt(table)
    nothing = np.zeros_like(learnt)
    before, held = guard.score(nothing, TEST), guard.score(nothing, TEST, VALIDATION)
    for scale in SCALES:
        after = guard.score(learnt * scale, TEST)
        if after >= before - DROP_MAX and guard.score(learnt * scale, TEST, VALIDATION) >= held - DROP_MAX:
            return scale, before, after
    return 0.0, before, before
