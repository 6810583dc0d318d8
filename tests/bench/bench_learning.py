"""What one correction in fifty teaches: a real stream of another domain, read as it comes, corrected, read on.

`python -m tests.bench.bench_learning` prints, for the airline mentions in VIGIE_SHARED: F1 of the negatives in the
second half of the stream, each mention scored before anyone corrects it, and the cost on the own corpus' test part at
every version of the overlay. Three ways of choosing the one in fifty: whichever comes as the n-th, the one that
`vigie incidents picks` would show, and the first that was read wrongly.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.text import load_scorer
from detectors.text.comments import comments_of
from detectors.text.guard import macro_f1
from detectors.text.learning import learn
from detectors.text.overlay import Overlay
from detectors.text.picks import pick
from detectors.text.scorer import LinearScorer
from engine.domain.labels import Correction
from engine.domain.scores import LABELS

DATA = Path(os.environ.get("VIGIE_SHARED", "../shared")) / "data"
WINDOW = 50
RENEW_EVERY = 5

Way = Literal["nth", "pick", "wrong", "none"]


@dataclass(frozen=True, slots=True)
class Stream:
    """Mentions in order of time, and what each truly is."""

    texts: list[str]
    truth: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a stream: figures of its second half, the worst of its overlays on the own test part."""

    corrections: int
    f1: float
    recall: float
    precision: float
    ece: float
    first_half_only_f1: float
    """The same with nothing learnt any more after the first half."""
    own_worst: float
    """Macro-F1 on the own test part under the worst overlay, less that without one."""


def airline(folder: Path = DATA / "airline") -> Stream:
    """The airline mentions."""
    with (folder / "mentions.ndjson").open(encoding="utf-8") as lines:
        mentions = sorted(map(json.loads, lines), key=lambda mention: str(mention["created_at"]))
    with (folder / "labels.ndjson").open(encoding="utf-8") as lines:
        truth = {row["id"]: LABELS.index(row["sentiment"][:3]) for row in map(json.loads, lines)}
    return Stream([m["text"] for m in mentions], np.array([truth[m["id"]] for m in mentions]))


def negative_f1(truth: NDArray[np.int64], told: NDArray[np.int64]) -> tuple[float, float, float]:
    """F1, recall and precision of the negatives.

    >>> negative_f1(np.array([0, 0, 1]), np.array([0, 1, 1]))
    (0.6666666666666666, 0.5, 1.0)
    """
    hits = int(((truth == 0) & (told == 0)).sum())
    are, said = int((truth == 0).sum()), int((told == 0).sum())
    return 2 * hits / max(are + said, 1), hits / max(are, 1), hits / max(said, 1)


def calibration_error(truth: NDArray[np.int64], negative: NDArray[np.float64], bins: int = 10) -> float:
    """Expected calibration error of P(neg)."""
    place = np.minimum((negative * bins).astype(np.int64), bins - 1)
    gaps = [
        abs(negative[place == i].mean() - (truth[place == i] == 0).mean()) * (place == i).mean()
        for i in range(bins)
        if (place == i).any()
    ]
    return float(sum(gaps))


def run(stream: Stream, way: Way, place: int = 0, lang: str = "en") -> Outcome:
    """Read a stream window by window; correct one mention a window; learn every few windows."""
    scorer = load_scorer(("fr", "en"))
    own = _own_test(lang)
    base, worst = own(scorer), 0.0
    probabilities = np.zeros((len(stream.texts), len(LABELS)))
    half, half_done = len(stream.texts) // 2, None
    corrections: list[Correction] = []
    for number, start in enumerate(range(0, len(stream.texts), WINDOW), 1):
        texts = stream.texts[start : start + WINDOW]
        told = scorer.score_many(texts, [lang] * len(texts)).probabilities
        probabilities[start : start + WINDOW] = told
        chosen = _choose(way, place, texts, told.argmax(axis=1), stream.truth[start : start + WINDOW], scorer, lang)
        if chosen is not None:
            corrections.append(Correction(texts[chosen], LABELS[stream.truth[start + chosen]], lang))
        if corrections and number % RENEW_EVERY == 0:
            scorer.overlay = learn(corrections, scorer).overlay
            worst = min(worst, own(scorer) - base)
        if half_done is None and start + WINDOW >= half:
            rest = scorer.score_many(stream.texts[half:], [lang] * (len(stream.texts) - half)).probabilities
            half_done = negative_f1(stream.truth[half:], rest.argmax(axis=1))[0]
    truth = stream.truth[half:]
    f1, recall, precision = negative_f1(truth, probabilities[half:].argmax(axis=1))
    ece = calibration_error(truth, probabilities[half:, 0])
    return Outcome(len(corrections), f1, recall, precision, ece, half_done or 0.0, worst)


def _choose(
    way: Way, place: int, texts: list[str], told: NDArray[np.int64], truth: NDArray[np.int64], scorer: LinearScorer,
    lang: str,
) -> int | None:  # fmt: skip
    if way == "none":
        return None
    if way == "pick":
        return pick(texts, [lang] * len(texts), scorer, 1)[0].index
    if way == "wrong":
        wrong = np.flatnonzero(told != truth)
        return int(wrong[0]) if len(wrong) else place % len(texts)
    return place % len(texts)


def _own_test(lang: str) -> Callable[[LinearScorer], float]:
    comments = comments_of(lang, "test")
    truth = np.array([LABELS.index(c.sentiment) for c in comments])

    def measure(scorer: LinearScorer) -> float:
        told = scorer.score_many([c.text for c in comments], [lang] * len(comments)).probabilities
        return macro_f1(truth, told.argmax(axis=1))

    return measure


def main() -> None:
    """Print the table."""
    stream = airline()
    print(f"{len(stream.texts)} airline mentions, one correction in {WINDOW}; the second half:\n")
    print("| one in fifty | corrections | F1 neg | recall | precision | ECE | first half only, F1 | own test, worst |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    assert Overlay().is_empty
    cases: list[tuple[str, Way, int]] = [("none", "none", 0), ("by `picks`", "pick", 0), ("first wrong", "wrong", 0)]
    cases += [(f"number {place}", "nth", place) for place in (0, 12, 25, 37, 49)]
    for name, way, place in cases:
        o = run(stream, way, place)
        print(
            f"| {name} | {o.corrections} | {o.f1:.3f} | {o.recall:.3f} | {o.precision:.3f} | {o.ece:.3f} "
            f"| {o.first_half_only_f1:.3f} | {o.own_worst * 100:+.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
