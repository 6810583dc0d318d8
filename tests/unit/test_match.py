"""Which brands a text concerns."""

from __future__ import annotations

import pytest

from engine.core.match import Matcher
from engine.domain.config import BrandConfig
from engine.domain.errors import ConfigError
from engine.domain.mention import Mention

BRANDS = (
    BrandConfig("Nordalia", names=("Nordalia France",), handles=("@nordalia_sav",), exclude=("nordalia road",)),
    BrandConfig("Vélorine", keywords=("e-vélo city",)),
    BrandConfig("Lumeo"),
)


def brands(text, brand=None, matcher=None):
    return (matcher or Matcher(BRANDS)).brands(Mention("1", "x", "post", text, 1_760_000_000_000, brand=brand))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("NORDALIA en panne", ("Nordalia",)),
        ("nordalia, encore !", ("Nordalia",)),
        ("#Nordalia", ("Nordalia",)),
        ("Merci @nordalia_sav", ("Nordalia",)),
        ("nordalia_sav sans arobase", ()),
        ("Nordaliane", ()),
        ("prenordalia", ()),
        ("ma velorine est cassée", ("Vélorine",)),
        ("Mon E-VELO City ne marche plus", ("Vélorine",)),
        ("mon e vélo à la campagne", ()),
        ("12, Nordalia Road, Leeds", ()),
        ("Lumeo ou Nordalia ?", ("Lumeo", "Nordalia")),
        ("l'offre Lumeo", ("Lumeo",)),
        ("rien", ()),
        ("", ()),
    ],
)
def test_words_handles_and_exclusions(text, found):
    assert brands(text) == found


def test_the_brand_that_a_mention_names_wins_over_its_text():
    assert brands("Lumeo est génial", brand="nordalia france") == ("Nordalia",)
    assert brands("Lumeo est génial", brand="velorine") == ("Vélorine",)


def test_an_unknown_name_falls_back_on_the_text():
    assert brands("Lumeo est génial", brand="Autre") == ("Lumeo",)
    assert brands("rien", brand="Autre") == ()


def test_open_brands_take_the_name_as_it_is():
    assert brands("rien", brand=" Autre ", matcher=Matcher((), open_brands=True)) == ("Autre",)
    assert brands("Lumeo", matcher=Matcher((), open_brands=True)) == ()


def test_a_name_without_letters_is_refused():
    with pytest.raises(ConfigError, match="Vélorine"):
        Matcher((BrandConfig("Vélorine", keywords=("🚲",)),))


def test_ten_thousand_characters_take_no_time_to_speak_of():
    assert brands("a " * 5_000 + "lumeo") == ("Lumeo",)
    assert brands("nordalia " * 1_000) == ("Nordalia",)
