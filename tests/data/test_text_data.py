"""The text tables against development data: what ships is what training gives, and reads as the model card says."""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from detectors.text import load_scorer
from detectors.text.comments import comments_of
from detectors.text.sources import RECIPES, read_rows
from detectors.text.tables import WEIGHTS
from engine.domain.scores import LABELS, Scores
from ops.commands.train import train

pytestmark = pytest.mark.data

_DATA = Path(os.environ.get("VIGIE_SHARED", "../shared")) / "data"


def _score(name: str, lang: str) -> tuple[list[str], Scores]:
    rows = read_rows(_DATA / "text" / f"{name}.tsv")
    return [label for label, _ in rows], load_scorer().score_many([text for _, text in rows], [lang] * len(rows))


def _macro_f1(truth: list[str], told: tuple[str, ...]) -> float:
    scores = []
    for label in LABELS:
        hits = sum(a == label == b for a, b in zip(truth, told, strict=True))
        scores.append(2 * hits / (truth.count(label) + told.count(label)))
    return 100 * sum(scores) / len(scores)


@pytest.mark.slow
def test_training_without_the_files_that_may_not_ship_gives_the_committed_bytes(tmp_path: Path) -> None:
    allowed, out = tmp_path / "allowed", tmp_path / "out"
    allowed.mkdir()
    for plan in RECIPES.values():
        for source in plan.sources:
            if not source.own and not (allowed / f"{source.name}.tsv").exists():
                assert not source.name.startswith(("umsab", "allocine"))
                (allowed / f"{source.name}.tsv").write_bytes((_DATA / "text" / f"{source.name}.tsv").read_bytes())
    toxic = "mlma_fr_toxicity.tsv"  # MIT; it teaches the head of toxicity
    (allowed / toxic).write_bytes((_DATA / "text" / toxic).read_bytes())
    train(allowed, out)
    for lang in RECIPES:
        assert (out / f"{lang}.npz").read_bytes() == (WEIGHTS / f"{lang}.npz").read_bytes(), lang


@pytest.mark.parametrize(("name", "lang", "least"), [("umsab_fr_train", "fr", 48.0), ("umsab_fr_val", "fr", 46.0)])
def test_french_tweets(name: str, lang: str, least: float) -> None:
    """Another domain: politics and energy, half of it headlines."""
    truth, scores = _score(name, lang)
    assert _macro_f1(truth, scores.labels) >= least


@pytest.mark.parametrize(
    ("lang", "least", "recall_least", "precision_least"), [("fr", 73.0, 0.78, 0.70), ("en", 60.0, 0.73, 0.60)]
)
def test_own_comments_of_themes_never_trained_on(
    lang: str, least: float, recall_least: float, precision_least: float
) -> None:
    comments = comments_of(lang, "test")
    truth = [comment.sentiment for comment in comments]
    told = load_scorer().score_many([comment.text for comment in comments], [lang] * len(comments)).labels
    assert _macro_f1(truth, told) >= least
    found = sum(a == b == "neg" for a, b in zip(truth, told, strict=True))
    assert found / truth.count("neg") >= recall_least
    assert found / told.count("neg") >= precision_least


@pytest.mark.parametrize("name", ["umsab_en_val", "umsab_en_train"])
def test_english_tweets(name: str) -> None:
    """Nine in ten of these stand in the training file too (both are SemEval): the honest figure is in the card."""
    truth, scores = _score(name, "en")
    assert _macro_f1(truth, scores.labels) >= 70


def test_hourly_negativity_follows_the_truth_on_a_real_storm() -> None:
    with (_DATA / "airline" / "mentions.ndjson").open(encoding="utf-8") as lines:
        mentions = [json.loads(line) for line in lines]
    with (_DATA / "airline" / "labels.ndjson").open(encoding="utf-8") as lines:
        truth = {row["id"]: row["sentiment"] == "negative" for row in map(json.loads, lines)}
    told = load_scorer().score_many([m["text"] for m in mentions], ["en"] * len(mentions)).negative.tolist()
    hours: dict[str, list[tuple[float, bool]]] = defaultdict(list)
    for mention, negative in zip(mentions, told, strict=True):
        hours[mention["created_at"][:13]].append((negative, truth[mention["id"]]))
    means = np.array([np.mean(hour, axis=0) for hour in hours.values() if len(hour) >= 10])
    assert len(means) > 100
    assert np.corrcoef(means.T)[0, 1] >= 0.82  # 0.829 as shipped; 0.86 is the aim


_SIX = ("fr", "en", "de", "es", "it", "pt")


@pytest.mark.parametrize(("langs", "each_least"), [(("fr", "en"), 0.98), (_SIX, 0.94)])
def test_languages_are_told_apart(langs: tuple[str, ...], each_least: float) -> None:
    """Texts of all lengths, no brand to fall back on; some of the German tweets are English."""
    right = n = 0
    for lang in langs:
        texts = [text for _, text in read_rows(_DATA / "text" / f"umsab_{lang}_val.tsv")]
        hits = load_scorer(langs).score_many(texts, [None] * len(texts)).langs.count(lang)
        assert hits / len(texts) >= each_least, lang
        right, n = right + hits, n + len(texts)
    assert right / n >= 0.98


@pytest.mark.parametrize("lang", _SIX[2:])
def test_short_texts_are_in_the_language_of_their_brand(lang: str) -> None:
    texts = [text for _, text in read_rows(_DATA / "text" / f"umsab_{lang}_val.tsv") if len(text) < 40]
    scorer = load_scorer(_SIX)
    told = scorer.score_many(texts, [None] * len(texts), [lang] * len(texts)).langs
    assert told.count(lang) / len(texts) >= 0.88
    assert told.count(lang) > scorer.score_many(texts, [None] * len(texts)).langs.count(lang)


def test_tweets_in_languages_without_a_table() -> None:
    """The multilingual table against what the French one, the closest, would say."""
    gains, figures = [], []
    for lang in _SIX[2:]:
        truth, scores = _score(f"umsab_{lang}_val", lang)
        assert set(scores.tables) == {"mul"}
        figures.append(_macro_f1(truth, scores.labels))
        gains.append(figures[-1] - _macro_f1(truth, _score(f"umsab_{lang}_val", "fr")[1].labels))
    assert min(figures) >= 44
    assert np.mean(figures) >= 48
    assert np.mean(gains) >= 6
