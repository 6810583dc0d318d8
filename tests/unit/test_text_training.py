"""Fitting a table from examples."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.text.scorer import LinearScorer
from detectors.text.sources import CORPUS, read_rows
from detectors.text.tables import load_table, save_table
from detectors.text.training import Example, Recipe, fit
from detectors.text.vocabulary import Vocabulary, load_vocabulary
from detectors.text.words import Lexicon, word_hash
from engine.domain.errors import InputError, StateError

_EXAMPLES = [
    Example(f"{word} {i}", label, typical=True)
    for i in range(12)
    for word, label in (("horrible panne", "neg"), ("ouverture lundi", "neu"), ("service parfait", "pos"))
]


def test_a_table_learns_its_examples_and_is_the_same_twice(tmp_path: Path) -> None:
    recipe = Recipe("fr", passes=10, valences={"horrible": -3.0, "parfait": 3.0})
    first, again = (fit(_EXAMPLES, recipe, load_vocabulary()) for _ in range(2))
    save_table(first, tmp_path / "a.npz")
    save_table(again, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    scorer = LinearScorer(("fr",), {"fr": first}, Vocabulary())
    labels = scorer.score_many(["horrible panne", "ouverture lundi", "service parfait"], [None] * 3).labels
    assert labels == ("neg", "neu", "pos")


def test_a_label_without_examples_is_refused() -> None:
    with pytest.raises(ValueError, match="no example"):
        fit(_EXAMPLES[:1], Recipe("fr"), Vocabulary())


def test_a_lexicon_knows_its_words() -> None:
    known = word_hash("nul")
    lexicon = Lexicon(np.array([known], dtype=np.uint32), np.array([-25], dtype=np.int8))
    assert lexicon.of(np.array([known, word_hash("autre")], dtype=np.uint32)).tolist() == [-25, 0]


def test_weights_of_another_format_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "fr.npz", format=np.array([999]), facts=np.zeros((1, 3)), slots=np.zeros((3, 1)))
    with pytest.raises(StateError, match="another version"):
        load_table("fr", tmp_path)


def test_unreadable_examples_are_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"missing\.tsv"):
        read_rows(tmp_path / "missing.tsv")


@pytest.mark.parametrize(("name", "least"), [("seed_fr", 600), ("seed_en", 90)])
def test_own_examples_are_many_labelled_and_unlike(name: str, least: int) -> None:
    rows = read_rows(CORPUS / f"{name}.tsv")
    assert len(rows) >= least
    assert {label for label, _ in rows} == {"neg", "neu", "pos"}
    assert len({text.lower() for _, text in rows}) == len(rows)
    openings = [" ".join(text.lower().split()[:4]) for _, text in rows]
    assert len(set(openings)) > 0.95 * len(rows)
