"""Regularised logistic regression by L-BFGS (Liu and Nocedal, 1989) in one thread: the same numbers each time.

Steps are taken in units of each column's curvature, so that facts that stand in every text and words that stand in two
learn at a like pace: thirty passes are then as good as hundreds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
KEPT_STEPS = 8
"""Steps that L-BFGS remembers."""


def fit_one_of(
    matrix: Any, labels: NDArray[np.int64], weights: Floats, strength: float, passes: int, start: Floats | None = None
) -> Floats:
    """Multinomial regression: coefficients of shape (columns, labels), from a start that is already near if given.

    >>> from scipy.sparse import csr_matrix
    >>> found = fit_one_of(csr_matrix(np.eye(2)), np.array([0, 1]), np.ones(2), 9.0, 20)
    >>> found.argmax(axis=1).tolist()
    [0, 1]
    """
    n, classes = len(labels), int(labels.max()) + 1
    used = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    rows = matrix[:, used]
    columns, truth = rows.T.tocsr(), np.eye(classes)[labels]
    curvature = strength * 0.2 * np.asarray(rows.multiply(rows).T @ weights)
    unit = 1.0 / np.sqrt(1.0 + curvature)[:, None]

    def loss(taught: Floats) -> tuple[float, Floats]:
        scores = rows @ taught
        scores -= scores.max(axis=1, keepdims=True)
        raised = np.exp(scores)
        total = raised.sum(axis=1, keepdims=True)
        surprise = np.log(total[:, 0]) - scores[np.arange(n), labels]
        slope = columns @ ((raised / total - truth) * weights[:, None]) * strength + taught
        return strength * float((weights * surprise).sum()) + 0.5 * float((taught**2).sum()), np.asarray(slope)

    coefficients = np.zeros((matrix.shape[1], classes))
    coefficients[used] = _minimised(
        loss, np.zeros((len(used), classes)) if start is None else start[used], unit, passes
    )
    return coefficients


def fit_each(
    matrix: Any, truths: NDArray[np.bool_], weights: Floats, strength: float, passes: int
) -> tuple[Floats, Floats]:
    """Several yes-or-no regressions on the same rows, truths of shape (n, heads): coefficients, shape (columns, heads),
    and biases, which are not penalised."""
    used = np.flatnonzero(np.bincount(matrix.indices, minlength=matrix.shape[1]))
    rows, heads = matrix[:, used], truths.shape[1]
    columns, truth = rows.T.tocsr(), truths.astype(np.float64)
    usual = np.clip(weights @ truth / weights.sum(), 0.001, 0.5)
    spread = usual * (1.0 - usual)
    curvature = np.asarray(rows.multiply(rows).T @ weights)[:, None] * (strength * spread)
    unit = np.vstack((1.0 / np.sqrt(1.0 + curvature), 1.0 / np.sqrt(1.0 + strength * weights.sum() * spread)))
    odds = np.log(usual / (1.0 - usual))

    def loss(taught: Floats) -> tuple[float, Floats]:
        scores = rows @ taught[:-1] + taught[-1] + odds
        wrong = (1.0 / (1.0 + np.exp(-np.clip(scores, -60.0, 60.0))) - truth) * weights[:, None] * strength
        slope = np.vstack((columns @ wrong + taught[:-1], wrong.sum(axis=0)))
        surprise = weights[:, None] * (np.logaddexp(0.0, scores) - truth * scores)
        return strength * float(surprise.sum()) + 0.5 * float((taught[:-1] ** 2).sum()), slope

    found = _minimised(loss, np.zeros((len(used) + 1, heads)), unit, passes)
    coefficients = np.zeros((matrix.shape[1], heads))
    coefficients[used] = found[:-1]
    return coefficients, found[-1] + odds


def _minimised(loss: Callable[[Floats], tuple[float, Floats]], start: Floats, unit: Floats, passes: int) -> Floats:
    from scipy.optimize import minimize
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    def scaled(flat: Floats) -> tuple[float, Floats]:
        value, slope = loss(flat.reshape(start.shape) * unit)
        return value, (slope * unit).ravel()

    options = {"maxiter": passes, "maxcor": KEPT_STEPS}
    with threadpool_limits(1):
        found = minimize(scaled, (start / unit).ravel(), jac=True, method="L-BFGS-B", options=options)
    return np.asarray(found.x, dtype=np.float64).reshape(start.shape) * unit
