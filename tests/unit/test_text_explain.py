"""An explanation is the score itself, taken apart: it adds up, and names what a reader would name."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.text import load_scorer
from detectors.text.explain import explain
from detectors.text.learning import learn
from detectors.text.overlay import Overlay
from detectors.text.scorer import LinearScorer
from engine.domain.errors import ConfigError
from engine.domain.labels import Correction
from engine.domain.mention import Mention
from ops.render.explain import Reasons, explanation_text, explanation_view

_TEXTS = [
    "Encore en panne, quelle honte ! Merci Vélorine @velorine https://velorine.example",
    "C'est pas ouf votre appli 😡😡",
    "My flight was cancelled and nobody answered",
    "",
    "\x00 \x00",
    "a" * 12_000,
    "الخدمة سيئة جدا",
]


@pytest.fixture(scope="module")
def scorer() -> LinearScorer:
    return load_scorer(("fr", "en"))


@pytest.fixture(scope="module")
def taught() -> LinearScorer:
    scorer = load_scorer(("fr", "en"))
    said = [Correction("Encore en panne, bravo Vélorine", "neg", "fr"), Correction("My flight is fine", "pos", "en")]
    scorer.overlay = learn(said, scorer).overlay
    return scorer


@pytest.mark.parametrize("text", _TEXTS)
@pytest.mark.parametrize("lang", ["fr", "en", None])
def test_pushes_add_up_to_the_log_odds_of_the_score(
    scorer: LinearScorer, taught: LinearScorer, text: str, lang: str | None
) -> None:
    for reader in (scorer, taught):
        why = explain(reader, text, lang)
        assert sum(push.by for push in why.pushes) == pytest.approx(why.log_odds, abs=1e-9)
        told = reader.score_many([text], [lang]).probabilities[0].astype(float)
        rival = told[1] if why.against == "neu" else told[2]
        assert np.log(max(told[0], 1e-9) / max(rival, 1e-9)) == pytest.approx(why.log_odds, abs=0.01)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_any_text_is_explained(text: str) -> None:
    scorer = _shared()
    why = explain(scorer, text, "fr")
    assert sum(push.by for push in why.pushes) == pytest.approx(why.log_odds, abs=1e-9)
    assert len(why.negative_words()) <= 4


_held: list[LinearScorer] = []


def _shared() -> LinearScorer:
    if not _held:
        _held.append(load_scorer(("fr", "en")))
    return _held[0]


def test_words_stand_as_they_were_written(scorer: LinearScorer) -> None:
    why = explain(scorer, "Une HONTE, livré cassé et jamais remboursé !", "fr")
    names = [push.name for push in why.pushes if push.kind == "word"]
    assert {"HONTE", "livré", "cassé", "remboursé"} <= set(names)
    assert why.label == "neg"
    assert "HONTE" in why.negative_words(5)


def test_what_was_learnt_shows_as_learnt(taught: LinearScorer) -> None:
    why = explain(taught, "Encore en panne, bravo Vélorine", "fr")
    assert sum(push.learnt for push in why.pushes) > 0.1
    plain = explain(load_scorer(("fr", "en")), "Encore en panne, bravo Vélorine", "fr")
    assert all(push.learnt == 0 for push in plain.pushes)


def test_french_and_english_for_people(scorer: LinearScorer) -> None:
    text = "Toujours en panne, c'est une honte !"
    why = explain(scorer, text, "fr")
    french = explanation_text(text, why, 0.9, "fr", pushes=True)
    english = explanation_text(text, why, 0.9, "en", pushes=True)
    assert "négatif, P(négatif) 90\u202f%" in french
    assert "les mots qui l’ont rendu négatif\u00a0: «\u00a0" in french
    assert "negative, P(negative) 90 %" in english
    assert "the words that made it negative: “" in english
    view = explanation_view(why)
    assert sum(push["by"] for push in view["pushes"]) == pytest.approx(view["log_odds"])


def test_alerts_explain_only_what_was_read_here_and_is_negative() -> None:
    made: list[int] = []

    def make() -> object:
        made.append(1)
        return load_scorer(("fr", "en"))

    reasons = Reasons(make)
    angry = Mention("1", "x", "comment", "Une honte, toujours en panne", 0, lang="fr")
    assert "honte" in reasons(angry)
    assert reasons(angry._replace(sentiment=-0.9)) == ()
    assert reasons(angry._replace(text="Merci, parfait !")) == ()
    assert made == [1]


def test_an_alert_goes_out_without_words_when_nothing_can_explain() -> None:
    def gone() -> object:
        raise ConfigError("learning.version: no overlay version 7")

    angry = Mention("1", "x", "comment", "Une honte, toujours en panne", 0, lang="fr")
    assert Reasons(gone)(angry) == ()


def test_an_empty_overlay_changes_no_bit(scorer: LinearScorer) -> None:
    before = scorer.score_many(_TEXTS, ["fr"] * len(_TEXTS)).probabilities
    scorer.overlay = Overlay(7)
    assert (scorer.score_many(_TEXTS, ["fr"] * len(_TEXTS)).probabilities == before).all()
