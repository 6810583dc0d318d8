"""The crisis vocabulary: its file format and what it finds."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from detectors.text import load_scorer
from detectors.text import vocabulary as vocabulary_module
from detectors.text.fold import SEP
from detectors.text.scorer import LinearScorer
from detectors.text.vocabulary import continuation, load_vocabulary, match, names, parse_vocabulary
from engine.domain.errors import InputError
from engine.domain.scores import CATEGORIES


@cache
def by_vocabulary() -> LinearScorer:
    """A scorer whose tables have no heads: the vocabulary answers alone."""
    tables = {lang: replace(table, heads=None) for lang, table in load_scorer().tables.items()}
    return LinearScorer(("fr", "en"), tables, load_vocabulary())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Toujours en panne chez Lumeo", {"outage"}),
        ("Aucune panne depuis un an", set()),
        ("Mon vol de demain matin est annulé", {"outage"}),
        ("@nordalia my flight was Cancelled Flightled again", {"outage"}),
        ("le train de 7h12 est supprimé", {"outage"}),
        ("You lost my bag", {"delivery"}),
        ("Mon colis n'est jamais arrivé", {"delivery"}),
        ("been on hold for two hours, so rude", {"customer_service"}),
        ("le service client raccroche au nez", {"customer_service"}),
        ("where is my refund? hidden fees everywhere", {"price_billing"}),
        ("Morceau de verre dans la compote", {"dangerous_product"}),
        ("The charger caught fire", {"dangerous_product"}),
        ("C'est de la camelote", {"quality"}),
        ("Pure arnaque, des escrocs", {"fraud"}),
        ("Fuite de données chez Banque Oriel", {"data_leak"}),
        ("Accueil raciste au magasin", {"discrimination"}),
        ("votre pub est vraiment choquante", {"offensive_campaign"}),
        ("votre PDG devrait se taire", {"words_of_staff"}),
        ("Conditions de travail indignes", {"working_conditions"}),
        ("Ils polluent la rivière, du greenwashing", {"environment"}),
        ("Boycott de Vélorine", {"boycott"}),
        ("Nos condoléances aux familles", {"accident_victims"}),
        ("Encore une rumeur", {"rumour"}),
        ("retourne dans ton pays", {"illegal_hate"}),
        ("your account got hacked", {"hacked_account"}),
        ("Merci pour ce bon moment", set()),
        ("Pannetier est un joli nom", set()),
        ("", set()),
    ],
)
def test_categories(text: str, expected: set[str]) -> None:
    assert set(by_vocabulary().categorise_many([text])[0]) == expected
    assert expected <= set(load_scorer().categorise_many([text])[0])


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_category_has_words_in_both_languages(lang: str) -> None:
    text = (Path(vocabulary_module.__file__).parent / "vocabulary" / f"{lang}.txt").read_text(encoding="utf-8")
    vocabulary = parse_vocabulary(text, lang)
    expressions = [e for table in (vocabulary.exact, vocabulary.prefix) for found in table.values() for e in found]
    assert {name for e in expressions for name in names(e.mask)} == set(CATEGORIES)
    assert len(expressions) > 400


def test_a_prefix_may_stand_second_and_a_guard_may_be_several_words() -> None:
    vocabulary = parse_vocabulary("[quality]\nmal ~ fini* ! plus du tout", "mine")
    meaning = vocabulary.of_word("mal")
    assert match(meaning.begins, ["mal", "bien", "finies"], 0) == 1 << CATEGORIES.index("quality")
    assert match(meaning.begins, ["plus", "du", "tout", "mal", "finies"], 3) == 0
    assert match(meaning.begins, ["mal", SEP, "finies"], 0) == 0


def test_hints_decide_nothing_and_two_different_ones_are_told_apart() -> None:
    hints = "\n".join(f"mot{chr(97 + i)}" for i in range(12))
    vocabulary = parse_vocabulary(f"[quality]\ncamelote\n[quality hints]\n{hints}\nrien que du bon", "mine")
    masks = {word: vocabulary.of_word(word).mask for word in ["camelote", *hints.split()]}
    n, at = len(CATEGORIES), CATEGORIES.index("quality")
    assert names(masks["camelote"]) == ("quality",)
    assert all(names(mask) == () for word, mask in masks.items() if word != "camelote")
    assert {mask >> at for word, mask in masks.items() if word != "camelote"} == {1 << n, 1 << 2 * n}


def test_a_longer_expression_is_found_by_its_longest_pair() -> None:
    vocabulary = parse_vocabulary("[boycott]\nc'est fini pour moi ! pas", "mine")
    found = 1 << CATEGORIES.index("boycott")
    assert not vocabulary.of_word("c").begins
    begins = vocabulary.of_word("fini").begins
    assert match(begins, [SEP, "c", "est", "fini", "pour", "moi"], 3) == found
    assert match(begins, [SEP, "pas", "c", "est", "fini", "pour", "moi"], 4) == 0
    assert match(begins, ["est", "fini", "pour", "moi"], 1) == 0
    near = continuation(begins, "pour", near=True)
    assert near is not None
    assert near.find([SEP, "c", "est", "fini", "pour", "moi"], 3) == found
    assert continuation(begins, "pour", near=False) is None


def test_an_expression_never_reaches_into_the_next_text() -> None:
    assert by_vocabulary().categorise_many(["mon vol", "est annulé"]) == ((), ())


@pytest.mark.parametrize(("text", "line"), [("[nothing]", 1), ("[outage]\n\n!!!", 3), ("[outage]\nab*", 2)])
def test_a_bad_vocabulary_names_the_line(text: str, line: int) -> None:
    with pytest.raises(InputError, match=f"mine, line {line}"):
        parse_vocabulary(text, "mine")


def test_figures_share_one_entry_whatever_their_number() -> None:
    scorer = load_scorer(("fr", "en"))
    texts = [f"Commande {n} : toujours rien reçu, remboursement de {n + 7} € refusé" for n in range(1_000, 1_400)]
    found = scorer.categorise_many(texts)
    assert set(found) == {found[0]}
    assert (
        scorer.categorise_many(texts, ["fr"] * len(texts)) == scorer.score_many(texts, ["fr"] * len(texts)).categories
    )
    sizes = {lang: len(store.words) for lang, store in scorer._stores.items()}
    scorer.score_many([f"{text} {n}" for n, text in enumerate(texts, 900_000)], ["fr"] * len(texts))
    assert {lang: len(store.words) for lang, store in scorer._stores.items()} == sizes
