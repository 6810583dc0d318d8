"""However a batch is gathered, token by token or by columns, alone or with others, a text is read the same."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from detectors.text import reading
from detectors.text.language import LanguageTeller, _Pieces
from detectors.text.reading import Reading, read
from detectors.text.vocabulary import load_vocabulary
from detectors.text.words import NGRAM_LENGTHS, Lexicon, WordStore, mix, ngram_slots, word_hash

_VALUED = {"nul": -20, "super": 31, "merci": 19, "panne": -17, "rude": -21, "bien": 12, "honte": -30, "not": -4}
_LEXICON = Lexicon(
    np.array(sorted(map(word_hash, _VALUED)), dtype=np.uint32),
    np.array([_VALUED[word] for word in sorted(_VALUED, key=word_hash)], dtype=np.int8),
)
_VOCABULARY = load_vocabulary()
_STORE = WordStore(None, _LEXICON, _VOCABULARY)
_WORDS = (
    "nul super merci panne rude bien honte pas ne n jamais sans mais but par contre sauf très really . ! ? !! , ... :) "
    "je valide à 100 % 12345 http https://lumeo.example/a @lumeo vol est annulé annulée plus de courant du tout aucune "
    "encore toujours en service client merci pour rien bravo les gars no more lost my bag waited 3 hours don't 😡 👏 "
    "x' - nooooon NUL ça c'est fini du coup si vous voulez what a joke ne marche pas comment annuler mon"
)
_TEXTS = st.lists(st.sampled_from([*_WORDS.split(), "\x00"]), max_size=25).map(" ".join)
_ANY = st.text(st.characters(exclude_categories=[]), max_size=50)


def _read(texts: list[str], most: int) -> Reading:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "SHORT_TOKENS_MAX", most)
        return read(texts, _STORE)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.one_of(_TEXTS, _TEXTS, _ANY), min_size=1, max_size=8))
@example(["Je valide à 100 %. Tout ça pour ça", "ne", "pas . nul ! super", "mais", "par contre nul. merci"])
def test_both_ways_of_gathering_give_the_same(texts: list[str]) -> None:
    short, columns = _read(texts, 1 << 30), _read(texts, 0)
    for field in fields(Reading):
        mine, other = getattr(short, field.name), getattr(columns, field.name)
        assert mine.tobytes() == other.tobytes(), field.name
        assert (mine.dtype, mine.shape) == (other.dtype, other.shape), field.name


@settings(deadline=None, max_examples=50)
@given(st.lists(_TEXTS, min_size=2, max_size=40))
def test_a_text_alone_is_read_as_among_others(texts: list[str]) -> None:
    whole = _read(texts, 0)
    for i, text in enumerate(texts):
        alone = _read([text], 1 << 30)
        assert alone.facts[0].tolist() == whole.facts[i].tolist()
        assert alone.masks[0] == whole.masks[i]
        assert alone.urgency[0] == whole.urgency[i]


@pytest.mark.parametrize("text", ["vol " * 2_500, "ne " * 3_333, "! a " * 2_500, "mais nul " * 1_100, "" * 9])
def test_long_texts_too(text: str) -> None:
    short, columns = _read([text], 1 << 30), _read([text], 0)
    assert short.facts.tolist() == columns.facts.tolist()
    assert short.negated.tolist() == columns.negated.tolist()


@given(st.lists(st.text(st.characters(max_codepoint=0xFFFF), min_size=1, max_size=12), min_size=1, max_size=6))
def test_ngrams_are_those_of_their_definition(words: list[str]) -> None:
    slots, counts = ngram_slots(words)
    found = np.split(slots, np.cumsum(counts)[:-1])
    for word, mine in zip(words, found, strict=True):
        codes = np.frombuffer(f"<{word}>".encode("utf-16-le", "surrogatepass"), dtype="<u2").tolist()
        hashes = []
        for length in NGRAM_LENGTHS:
            for at in range(len(codes) - length + 1):
                value = codes[at]
                for code in codes[at + 1 : at + length]:
                    value = (value * 0x01000193 + code) & 0xFFFFFFFF
                hashes.append(int(mix(np.array([value], dtype=np.uint32), length * 0x27D4EB2F & 0xFFFFFFFF)[0]))
        assert sorted(mine.tolist()) == sorted(hashes)


@given(st.lists(st.one_of(_TEXTS, _ANY), max_size=6))
def test_what_is_remembered_of_pieces_changes_no_language(texts: list[str]) -> None:
    teller, forgetful = LanguageTeller(("fr", "en")), LanguageTeller(("fr", "en"))
    for text in texts:
        forgetful._pieces = _Pieces(forgetful._pieces._function_words)
        assert teller._lead(text, 1) == forgetful._lead(text, 1)
