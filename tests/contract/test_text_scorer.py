"""What every text scorer must hold: `engine.ports.text.TextScorer`. The transformer is a tiny one, made here."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.text import load_scorer
from detectors.text.onnx_scorer import OnnxParams, load_onnx_scorer
from engine.domain.scores import CATEGORIES, LABELS
from engine.ports.text import TextScorer
from tests.infra.tiny_onnx import make_folder

_TEXTS = [
    "Toujours en panne !!",
    "Merci beaucoup",
    "",
    "😡",
    "الخدمة سيئة جدا",
    "The flight is cancelled",
    "\x00",
    "a" * 12_000,
]


@pytest.fixture(scope="module", params=["linear", "onnx"])
def scorer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TextScorer:
    linear = load_scorer(("fr", "en"))
    if request.param == "linear":
        return linear
    return load_onnx_scorer(OnnxParams(make_folder(tmp_path_factory.mktemp("onnx"))), linear)


def test_shapes_and_ranges(scorer: TextScorer) -> None:
    scores = scorer.score_many(_TEXTS, [None] * len(_TEXTS))
    assert len(scores) == len(_TEXTS) == len(scores.categories) == len(scores.langs) == len(scores.tables)
    assert scores.probabilities.shape == (len(_TEXTS), 3)
    assert scores.probabilities.dtype == scores.urgency.dtype == np.float32
    assert np.allclose(scores.probabilities.sum(axis=1), 1, atol=1e-5)
    assert ((scores.urgency >= 0) & (scores.urgency <= 1)).all()
    assert set(scores.labels) <= set(LABELS)
    assert {name for names in scores.categories for name in names} <= set(CATEGORIES)


def test_a_short_text_is_in_the_usual_language_of_its_readers(scorer: TextScorer) -> None:
    texts = ["Nordalia ???", "Nordalia ???", "Nordalia ???", "Je n'ai toujours pas de réponse"]
    told = scorer.score_many(texts, [None, "de", None, None], ["en", "en", None, "en"]).langs
    assert told == ("en", "de", "fr", "fr")


def test_no_texts(scorer: TextScorer) -> None:
    scores = scorer.score_many([], [], [])
    assert len(scores) == 0
    assert scores.labels == ()
    assert scorer.categorise_many([]) == ()


def test_the_same_row_in_whatever_batch(scorer: TextScorer) -> None:
    whole = scorer.score_many(_TEXTS, ["fr"] * len(_TEXTS))
    for i, text in enumerate(_TEXTS):
        alone = scorer.score_many([text], ["fr"])
        assert alone.probabilities.tobytes() == whole.probabilities[i : i + 1].tobytes()
        assert alone.urgency.tobytes() == whole.urgency[i : i + 1].tobytes()
        assert alone.categories[0] == whole.categories[i]


def test_categories_alone_are_those_of_the_scores(scorer: TextScorer) -> None:
    for lang in ("fr", "en", "it"):
        langs = [lang] * len(_TEXTS)
        assert scorer.categorise_many(_TEXTS, langs) == scorer.score_many(_TEXTS, langs).categories


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\x00", "\u200b", "\ud800", "\u3000"])
def test_nothing_to_read_is_neutral(scorer: TextScorer, text: str) -> None:
    scores = scorer.score_many([text], [None])
    assert scores.labels == ("neu",)
    assert scores.categories == ((),)
    assert scores.urgency.tolist() == [0]


def test_shouting_is_more_urgent(scorer: TextScorer) -> None:
    calm, loud = scorer.score_many(
        ["répondez vite, danger", "RÉPONDEZ VITE, DANGER !!!"], ["fr", "fr"]
    ).urgency.tolist()
    assert loud > calm > 0


def test_negation_turns_the_tone(scorer: TextScorer) -> None:
    bad, good = scorer.score_many(["je ne suis pas satisfait", "je suis satisfait"], ["fr", "fr"]).sentiment.tolist()
    assert bad < 0 < good
