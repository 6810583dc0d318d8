"""Facts of tone: what the vocabulary of tone finds, where it stands, and what turns it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from detectors.text import load_scorer
from detectors.text import vocabulary as vocabulary_module
from detectors.text.fold import SEP
from detectors.text.reading import FACT_ROWS, FACTS, ROWS, fact_name, read
from detectors.text.scorer import confidence
from detectors.text.vocabulary import TONE_SHIFT, TONES, WHOLE, load_vocabulary, match, names, parse_vocabulary
from detectors.text.words import Lexicon, WordStore
from engine.domain.scores import CATEGORIES

_MINE = """
[blame]
à fuir
plus jamais
[letdown]
bof
[praise]
je recommande
au top
[mock]
bravo ~ équipe
merci pour rien
[ask]
quelqu'un sait
[outage]
en panne
"""
_NO_LEXICON = Lexicon(np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.int8))


def _facts(text: str) -> dict[str, str]:
    store = WordStore(None, _NO_LEXICON, parse_vocabulary(_MINE, "mine"))
    told = [fact_name(row) for row in read([text], store).facts[0].tolist()]
    return dict(zip(FACTS, (name.partition(" ")[2] for name in told), strict=True))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hôtel au top, je recommande", {"praise": "2", "tone": "4..6", "last_tone": "3", "turned_praise": "0"}),
        ("Je ne le trouve pas au top", {"praise": "0", "turned_praise": "1", "last_tone": "11"}),
        ("Plus jamais", {"blame": "1", "turned_blame": "0", "first_tone": "1"}),
        ("Merci pour rien", {"mock": "1", "mock_and": "1"}),
        ("En panne, bravo toute l'équipe", {"mock": "1", "mock_and": "2"}),
        ("Quelqu'un sait ?", {"ask": "1", "question_and": "7"}),
        ("Accueil au top mais cuisine à fuir", {"tone_behind_but": "<-1.6", "blame_and_praise": "4"}),
        ("Cuisine à fuir, par contre accueil au top", {"tone_behind_but": ">=1.6", "last_tone": "3"}),
        ("Au top. Enfin, non : à fuir.", {"tone_at_end": "-2.5..-1.6", "first_tone": "3", "last_tone": "1"}),
        ("", {"tone": "-0.1..0.1", "last_tone": "0", "blame_and_praise": "0"}),
    ],
)
def test_what_is_found_and_where(text: str, expected: dict[str, str]) -> None:
    told = _facts(text)
    assert {name: told[name] for name in expected} == expected


def test_tone_is_no_category_and_knows_its_own_negation() -> None:
    vocabulary = parse_vocabulary(_MINE, "mine")
    bof, never = vocabulary.of_word("bof").mask, vocabulary.of_word("plus").begins[0].mask
    assert bof == 1 << TONE_SHIFT + TONES.index("letdown")
    assert never == WHOLE | 1 << TONE_SHIFT + TONES.index("blame")
    assert names(bof) == names(never) == ()


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_every_tone_has_many_words_in_both_languages(lang: str) -> None:
    path = Path(vocabulary_module.__file__).parent / "vocabulary" / f"tone_{lang}.txt"
    vocabulary = parse_vocabulary(path.read_text(encoding="utf-8"), path.name)
    lines = [line for table in (vocabulary.exact, vocabulary.prefix) for found in table.values() for line in found]
    for bit, tone in enumerate(TONES):
        assert sum(line.mask >> TONE_SHIFT + bit & 1 for line in lines) > 200, tone
    assert not any(names(line.mask) for line in lines)


def test_a_batch_finds_what_trying_every_expression_finds() -> None:
    """The memory of pairs and its filter leave nothing out."""
    texts = [
        "Toujours rien reçu depuis 3 semaines, c'est pas ouf, merci pour rien",
        "Franchement rien à redire, équipe au top, je recommande les yeux fermés",
        "il n'y a plus de courant dans tout le quartier, quelqu'un sait quand ça revient ?",
        "been waiting for two weeks now, absolutely no reply, never again",
    ]
    vocabulary = load_vocabulary()
    store = WordStore(None, _NO_LEXICON, vocabulary)
    for _ in range(2):  # the second time everything is known
        told = read(texts, store).masks.tolist()
    for text, mask in zip(texts, told, strict=True):
        reading = read([text], store)
        tokens = [SEP, *(store.words[i] for i in reading.ids[1:].tolist())]
        tried = 0
        for at in range(1, len(tokens)):
            meaning = vocabulary.of_word(tokens[at])
            tried |= meaning.mask | match(meaning.guarded, tokens, at) | match(meaning.begins, tokens, at)
        every_category = (1 << TONE_SHIFT) - 1
        assert mask == reading.masks[0]
        assert mask & every_category == tried & every_category
        assert mask >> TONE_SHIFT == tried >> TONE_SHIFT


def test_rows_are_named() -> None:
    told = [fact_name(row) for row in range(ROWS)]
    assert len(set(told)) == ROWS
    assert told[FACT_ROWS] == f"{CATEGORIES[0]} decided"


def test_irony_lowers_the_confidence_and_leaves_the_label() -> None:
    assert confidence(np.array([0.0, 0.5], dtype=np.float32)).tolist() == [1.0, 1.0]
    scorer = load_scorer(("fr",))
    texts = ["Bravo les gars, encore une panne, vous êtes vraiment des champions 👏", "Panne depuis ce matin à Lyon"]
    scores = scorer.score_many(texts, ["fr"] * 2)
    assert scores.irony[0] > scores.irony[1]
    for text, irony, unsure in zip(texts, scores.irony, scores.uncertain, strict=True):
        why = scorer.explain(text, "fr")
        assert sum(push.by for push in why.pushes) == pytest.approx(why.log_odds, abs=1e-9)
        assert unsure or irony < 0.5
