"""Telling the language of a comment."""

from __future__ import annotations

import pytest

from detectors.text import load_scorer
from detectors.text.language import LanguageTeller, normalise_lang, table_for
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


def test_a_language_without_a_table_takes_the_closest() -> None:
    assert [table_for(lang, ("fr", "en")) for lang in ("fr", "es", "de", "ja")] == ["fr", "fr", "en", "en"]
    assert load_scorer(("de",)).score_many(["x"], [None]).langs == ("de",)


@pytest.mark.parametrize("langs", [(), ("français",), ("fr", "")])
def test_bad_languages(langs: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="ISO 639-1"):
        load_scorer(langs)
