"""What an overlay may not spoil: own comments as rows of numbers, shipped with the tables that they were read by.

Of the training themes a sample (`taught`): the shipped behaviour that learning rehearses, so that it does not drift. Of
the test themes, and of the validation themes, which the shipped tables have learnt from, all: no overlay stands that
reads these worse than the bound. Rows hold hashes,
facts, labels and the shipped logits and no text, so the guard works where the corpus does not ship; `vigie train` makes
it anew with the tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from detectors.text.comments import Comment, Part, comments_of
from detectors.text.language import MULTILINGUAL
from detectors.text.reading import FACT_OFFSETS
from detectors.text.rows import Rows, rows_of
from detectors.text.scorer import LOGIT_STEPS
from detectors.text.tables import WEIGHTS, Table, load_table, shipped
from detectors.text.vocabulary import Vocabulary, load_vocabulary
from detectors.text.words import WordStore
from engine.domain.errors import StateError
from engine.domain.scores import LABELS

FORMAT = 2
GUARDS = Path(__file__).with_name("guard")
TAUGHT_MAX = 600

TEST, VALIDATION, TAUGHT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Guard:
    """The rows of one language."""

    rows: Rows
    labels: NDArray[np.int64]
    """Shape (n,): places in LABELS."""
    parts: NDArray[np.int64]
    """Shape (n,): TEST, VALIDATION (validation) or TAUGHT."""

    @property
    def taught(self) -> Rows:
        return self.rows.only(self.parts == TAUGHT)

    def score(self, learnt: NDArray[np.float64], *parts: int) -> float:
        """Macro-F1 over these parts, once `learnt` (shape (n, 3)) is added to the shipped logits; in [0, 1]."""
        chosen = np.isin(self.parts, parts)
        told = likeliest((self.rows.logits + learnt)[chosen])
        return macro_f1(self.labels[chosen], told)


def likeliest(logits: NDArray[np.float64]) -> NDArray[np.int64]:
    """The label of each row as the scorer tells it: near ties go to the first of LABELS."""
    below = np.rint((logits.max(axis=1, keepdims=True) - logits) * LOGIT_STEPS)
    return np.asarray(below.argmin(axis=1))


def macro_f1(truth: NDArray[np.int64], told: NDArray[np.int64]) -> float:
    """The mean of the labels' F1, in [0, 1]; a label that is neither there nor told counts as found.

    >>> macro_f1(np.array([0, 1, 2, 2]), np.array([0, 1, 2, 0]))
    0.7777777777777777
    """
    scores = []
    for label in range(len(LABELS)):
        hits = int(((truth == label) & (told == label)).sum())
        all_ = int((truth == label).sum() + (told == label).sum())
        scores.append(2 * hits / all_ if all_ else 1.0)
    return sum(scores) / len(scores)


def _comments(langs: tuple[str, ...], part: Part) -> list[Comment]:
    return [comment for lang in langs for comment in comments_of(lang, part)]


def make_guard(lang: str, table: Table, vocabulary: Vocabulary) -> Guard:
    """Read the corpus by a table. Raises InputError where the corpus is not."""
    own = ("fr", "en") if lang == MULTILINGUAL else (lang,)  # the corpus is in these
    taught = sorted(_comments(own, "training"), key=lambda c: (crc32(c.text.encode()), c.id))[:TAUGHT_MAX]
    chosen: list[tuple[Comment, int]] = [(c, TEST) for c in _comments(own, "test")]
    chosen += [(c, VALIDATION) for c in _comments(own, "validation")] + [(c, TAUGHT) for c in taught]
    store = WordStore(np.ascontiguousarray(table.slots), table.lexicon, vocabulary)
    return Guard(
        rows_of([comment.text for comment, _ in chosen], store, table),
        np.array([LABELS.index(comment.sentiment) for comment, _ in chosen]),
        np.array([part for _, part in chosen]),
    )


def make_guards(weights: Path = WEIGHTS, folder: Path = GUARDS) -> None:
    """Write the guard of every table in a folder of weights. Raises InputError where the corpus is not."""
    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = load_vocabulary()
    for lang in shipped(weights):
        save_guard(make_guard(lang, load_table(lang, weights), vocabulary), folder / f"{lang}.npz")


def save_guard(guard: Guard, path: Path) -> None:
    """Write a guard; the same one gives the same bytes."""
    rows = guard.rows
    gaps = np.diff(rows.slots, prepend=0)
    np.savez_compressed(
        path,
        format=np.array([FORMAT]),
        # three planes of bytes: what differs little is then side by side, and packs to half
        gaps=(gaps.astype("<i4").view(np.uint8).reshape(-1, 4)).T.copy(),
        counts=rows.counts.astype(np.uint16),
        words=np.rint(rows.roots**2).astype(np.uint16),
        facts=(rows.facts - FACT_OFFSETS[:-1]).T.astype(np.uint8),  # by fact: what differs little is side by side
        logits=rows.logits.astype(np.float32),
        labels=guard.labels.astype(np.uint8),
        parts=guard.parts.astype(np.uint8),
    )


@lru_cache(maxsize=4)
def load_guard(lang: str, folder: Path = GUARDS) -> Guard:
    """The shipped guard of a table's language. Raises StateError if it is of another format."""
    path = folder / f"{lang}.npz"
    with np.load(path, allow_pickle=False) as data:
        if int(data["format"][0]) != FORMAT:
            raise StateError(f"{path}: a guard of another version; make it again with vigie train")
        gaps = np.ascontiguousarray(data["gaps"].T).view("<i4").ravel().astype(np.int64)
        rows = Rows(
            np.cumsum(gaps),
            data["counts"].astype(np.int64),
            np.sqrt(data["words"].astype(np.float64)),
            np.ascontiguousarray(data["facts"].T.astype(np.int64) + FACT_OFFSETS[:-1]),
            data["logits"].astype(np.float64),
        )
        return Guard(rows, data["labels"].astype(np.int64), data["parts"].astype(np.int64))
