"""How well comments are read, beside what a user would pick: `make bench-text` prints it after the speeds.

Macro-F1 over neg, neu and pos, and negatives found / right of those said. On the corpus' test themes all that learn are
taught the same training and validation themes. Of the tweets of VIGIE_SHARED (UMSAB validation) nobody is taught any
on purpose; nine in ten of the English ones stand in SemEval, which Vigie's English table learns from.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from pathlib import Path
from types import ModuleType, SimpleNamespace
from unicodedata import normalize

import numpy as np

from detectors.text import load_scorer
from detectors.text.comments import Comment, comments_of
from detectors.text.fold import fold_text
from detectors.text.sources import read_rows
from engine.domain.scores import CATEGORIES, LABELS

DATA = Path(os.environ.get("VIGIE_SHARED", "../shared")) / "data" / "text"
Reader = Callable[[Sequence[str]], list[str]]


def figures(truth: Sequence[str], said: Sequence[str]) -> str:
    t, s = np.array(truth), np.array(said)
    scores = [2 * ((t == name) & (s == name)).sum() / max(1, (t == name).sum() + (s == name).sum()) for name in LABELS]
    found = ((t == "neg") & (s == "neg")).sum()
    recall, precision = found / (t == "neg").sum(), found / max(1, (s == "neg").sum())
    return f"{100 * np.mean(scores):.1f} ({100 * recall:.0f}/{100 * precision:.0f})"


def vigie(lang: str) -> Reader:
    scorer = load_scorer(("fr", "en"))
    return lambda texts: list(scorer.score_many(texts, [lang] * len(texts)).labels)


def vader(texts: Sequence[str]) -> list[str]:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    compound = [analyzer.polarity_scores(text)["compound"] for text in texts]
    return ["neg" if c <= -0.05 else "pos" if c >= 0.05 else "neu" for c in compound]


def vader_fr(texts: Sequence[str]) -> list[str]:
    """vaderSentiment-fr. It imports fuzzywuzzy and unidecode, both GPL: two lines of the standard library stand in (of
    fuzzywuzzy it uses `ratio`, which without its own extras is difflib's)."""
    fuzz, folding = ModuleType("fuzzywuzzy"), ModuleType("unidecode")
    fuzz.fuzz = SimpleNamespace(ratio=lambda a, b: round(100 * SequenceMatcher(None, a, b).ratio()))  # type: ignore[attr-defined]
    folding.unidecode = lambda text: normalize("NFKD", text).encode("ascii", "ignore").decode()  # type: ignore[attr-defined]
    sys.modules.setdefault("fuzzywuzzy", fuzz)
    sys.modules.setdefault("unidecode", folding)
    from vaderSentiment_fr.vaderSentiment import SentimentIntensityAnalyzer

    analyzer = SentimentIntensityAnalyzer()
    compound = [analyzer.polarity_scores(text)["compound"] for text in texts]
    return ["neg" if c <= -0.05 else "pos" if c >= 0.05 else "neu" for c in compound]


def blob(lang: str) -> Reader:
    """textblob, textblob-fr: polarity, cut where their documentation cuts it (above, below or at zero)."""

    def read(texts: Sequence[str]) -> list[str]:
        if lang == "fr":
            from textblob_fr import PatternAnalyzer
        else:
            from textblob.en.sentiments import PatternAnalyzer
        analyzer = PatternAnalyzer()
        polarity = [analyzer.analyze(text)[0] for text in texts]
        return ["neg" if p < 0 else "pos" if p > 0 else "neu" for p in polarity]

    return read


def tfidf(taught: Sequence[Comment]) -> Reader:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True), LogisticRegression(C=3.0, max_iter=300)
    )
    model.fit([c.text for c in taught], [c.sentiment for c in taught])
    return lambda texts: [str(label) for label in model.predict(list(texts))]


def river(taught: Sequence[Comment]) -> Reader:
    from river import feature_extraction, linear_model

    bags, model = feature_extraction.BagOfWords(tokenizer=fold_text), linear_model.SoftmaxRegression()
    for _ in range(3):
        for comment in taught:
            model.learn_one(bags.transform_one(comment.text), comment.sentiment)
    return lambda texts: [model.predict_one(bags.transform_one(text)) or "neu" for text in texts]


def more_of_vigie(lang: str, held: Sequence[Comment]) -> str:
    """What the others do not answer: calibration of P(neg), categories, urgency."""
    scores = load_scorer(("fr", "en")).score_many([c.text for c in held], [lang] * len(held))
    negative, truth = scores.negative, np.array([c.sentiment == "neg" for c in held])
    bins = np.minimum((negative * 10).astype(int), 9)
    error = sum(abs(negative[bins == b].mean() - truth[bins == b].mean()) * (bins == b).mean() for b in set(bins))
    said = np.array([[name in row for name in CATEGORIES] for row in scores.categories])
    true = np.array([[name in c.categories for name in CATEGORIES] for c in held])
    hits, both = (said & true).sum(axis=0), said.sum(axis=0) + true.sum(axis=0)
    micro, macro = 200 * hits.sum() / both.sum(), 100 * np.mean(2 * hits / np.maximum(1, both))
    urgency = np.corrcoef(scores.urgency, [c.urgency for c in held])[0, 1]
    return (
        f"ECE of P(neg) {error:.3f}; categories micro-F1 {micro:.1f} (precision {hits.sum() / said.sum():.2f}), "
        f"macro-F1 {macro:.1f}; urgency, correlation {urgency:.2f}"
    )


def main() -> None:
    warnings.simplefilter("ignore")
    print("macro-F1 (negatives found/right of those said, %)")
    for lang in ("fr", "en"):
        taught, held = comments_of(lang, "training", "validation"), comments_of(lang, "test")
        sets = [("own test themes", [c.text for c in held], [c.sentiment for c in held])]
        tweets = DATA / f"umsab_{lang}_val.tsv"
        if tweets.is_file():
            rows = read_rows(tweets)
            sets.append(("UMSAB validation", [text for _, text in rows], [label for label, _ in rows]))
        readers: dict[str, Reader] = {
            "vigie": vigie(lang),
            "sklearn TF-IDF + LogisticRegression": tfidf(taught),
            "river BagOfWords + SoftmaxRegression": river(taught),
        }
        readers["vaderSentiment" if lang == "en" else "vaderSentiment-fr"] = vader if lang == "en" else vader_fr
        readers["textblob" if lang == "en" else "textblob-fr"] = blob(lang)
        for name, read in readers.items():
            cells = [f"{what} {figures(truth, read(texts))}" for what, texts, truth in sets]
            print(f"{lang} {name:38} {'   '.join(cells)}", flush=True)
        print(f"{lang} vigie, own test themes: {more_of_vigie(lang, held)}", flush=True)


if __name__ == "__main__":
    main()
