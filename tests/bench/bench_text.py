"""Comments read in a second of processor time, beside vaderSentiment, in one run on one core.

Run: `python tests/bench/bench_text.py [--comments N]`. The comments are put together from the project's own examples,
each made distinct; everything is on (sentiment, categories, urgency).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")


def _comments(n: int, lang: str) -> list[str]:
    from detectors.text.sources import CORPUS, read_rows

    texts = [text for _, text in read_rows(CORPUS / f"seed_{lang}.tsv")]
    return [f"@lumeo {texts[i % len(texts)]} {texts[i * 7 % len(texts)]} n{i:x}" for i in range(n)]


def _rate(work: Callable[[], object], n: int) -> float:
    start = time.process_time()
    work()
    return n / (time.process_time() - start)


def main() -> None:
    """Print the table."""
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    from detectors.text import load_scorer

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comments", type=int, default=40_000)
    n = parser.parse_args().comments
    scorer, vader = load_scorer(), SentimentIntensityAnalyzer()
    french, english = _comments(n, "fr"), _comments(n, "en")

    def ours(texts: list[str], lang: str | None, batch: int) -> Callable[[], object]:
        def run() -> None:
            for start in range(0, len(texts), batch):
                part = texts[start : start + batch]
                scorer.score_many(part, [lang] * len(part))

        return run

    few = english[: n // 8]
    rows = [
        ("vaderSentiment, English", _rate(lambda: [vader.polarity_scores(text) for text in few], len(few))),
        *((f"vigie, English, batch {b}", _rate(ours(english, "en", b), n)) for b in (2_048, 256, 32)),
        ("vigie, English, one by one", _rate(ours(few, "en", 1), len(few))),
        ("vigie, French, batch 2048", _rate(ours(french, "fr", 2_048), n)),
        ("vigie, language not given, batch 2048", _rate(ours(french[: n // 2] + english[: n // 2], None, 2_048), n)),
        ("vigie, categories only, batch 2048", _rate(lambda: scorer.categorise_many(english), n)),
    ]
    print(f"mean length {sum(map(len, english)) / n:.0f} characters")
    for name, rate in rows:
        print(f"{name:42} {rate:10,.0f} comments/s")


if __name__ == "__main__":
    main()
