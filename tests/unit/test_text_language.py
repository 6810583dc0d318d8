"""Telling the language of a comment."""

from __future__ import annotations

import pytest

from detectors.text import load_scorer
from detectors.text.language import TOLD_APART, LanguageTeller, normalise_lang, table_for
from engine.domain.errors import InputError

_FRENCH = "Bonjour, pouvez-vous me dire quand mon colis arrivera à la maison ?"
_ENGLISH = "Good morning, could you tell me when the parcel will be at my house?"


@pytest.mark.parametrize(
    ("tag", "lang"),
    [("fr", "fr"), ("fr-CA", "fr"), ("en_US", "en"), (" EN ", "en"), ("zh-Hant-TW", "zh"), ("und", None), ("1", None)],
)
def test_normalise(tag: str, lang: str | None) -> None:
    assert normalise_lang(tag) == lang


def test_told_apart_when_long_and_default_when_short() -> None:
    teller = LanguageTeller(("fr", "en"))
    assert teller.tell_many([_FRENCH, _ENGLISH, "Nordalia ???", " " * 80], [None] * 4) == ["fr", "en", "fr", "fr"]


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("I hate this airline", "en"),
        ("You are liars and thieves", "en"),
        ("so disappointed with you", "en"),
        ("vous êtes des voleurs", "fr"),
        ("merci pour rien", "fr"),
        ("c'est nul", "fr"),
    ],
)
def test_one_function_word_decides_a_short_text(text: str, lang: str) -> None:
    assert LanguageTeller(("fr", "en")).tell_many([text], [None]) == [lang]
    assert LanguageTeller(("en", "fr")).tell_many([text], [None]) == [lang]


def test_the_source_is_trusted() -> None:
    assert LanguageTeller(("fr", "en")).tell_many([_FRENCH, _FRENCH], ["en-GB", "??"]) == ["en", "fr"]


def test_other_languages_go_through_the_identifier() -> None:
    teller = LanguageTeller(("fr", "de"))
    assert teller.tell_many(["Guten Tag, wann kommt mein Paket endlich bei mir zu Hause an?"], [None]) == ["de"]


def test_a_language_without_a_table_takes_the_multilingual_one_and_says_so() -> None:
    assert [table_for(lang, ("fr", "en", "mul")) for lang in ("fr", "es", "ja")] == ["fr", "mul", "mul"]
    scores = load_scorer(("fr", "en")).score_many(["x", "Muy mal servicio", "x"], ["fr", "es-MX", "ja"])
    assert (scores.langs, scores.tables) == (("fr", "es", "ja"), ("fr", "mul", "mul"))
    assert load_scorer(("de",)).score_many(["x"], [None]).langs == ("de",)


@pytest.mark.parametrize(
    ("lang", "bad", "good"),
    [
        ("de", "Katastrophe, das Paket ist kaputt und niemand antwortet", "Danke, toller Service, alles super"),
        ("es", "Una vergüenza, el paquete llegó roto y nadie responde", "Gracias, servicio excelente y muy amable"),
        ("it", "Una vergogna, pacco rotto e nessuno risponde", "Grazie, servizio ottimo e molto gentile"),
        ("pt", "Uma vergonha, o pacote veio quebrado e ninguém responde", "Obrigado, atendimento ótimo e muito gentil"),
    ],
)
def test_the_multilingual_table_tells_blame_from_thanks(lang: str, bad: str, good: str) -> None:
    assert load_scorer(("fr", "en")).score_many([bad, good], [lang, lang]).labels == ("neg", "pos")


_SIX = ("fr", "en", "de", "es", "it", "pt")


@pytest.mark.parametrize(
    ("text", "lang"),
    [
        ("Wann kommt mein Paket endlich an?", "de"),
        ("No me llega el pedido, qué pasa", "es"),
        ("Non funziona niente, che succede", "it"),
        ("Não recebi a minha encomenda", "pt"),
        ("Rien ne marche depuis ce matin", "fr"),
        ("Nothing works since this morning", "en"),
    ],
)
def test_short_texts_in_six_languages(text: str, lang: str) -> None:
    assert LanguageTeller(_SIX).tell_many([text, f"@nordalia https://lumeo.example/a {text}"], [None] * 2) == [lang] * 2


def test_the_usual_language_is_for_texts_that_tell_nothing() -> None:
    for langs in (("fr", "en"), _SIX):
        teller = LanguageTeller(langs)
        assert teller.tell_many(["ok", "!!!", _FRENCH, "ok"], [None] * 4, ["en", "en", "en", None]) == [
            "en", "en", "fr", "fr",
        ]  # fmt: skip


def test_the_languages_that_settings_may_name_are_those_that_are_told() -> None:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    labels = LanguageIdentifier.from_model_file(MODEL_FILE).labels
    assert {label for label in labels if len(label) == 2} == TOLD_APART


@pytest.mark.parametrize("langs", [(), ("français",), ("fr", "")])
def test_bad_languages(langs: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="ISO 639-1"):
        load_scorer(langs)
