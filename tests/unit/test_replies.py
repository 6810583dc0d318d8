"""Replies to one person: every way of answering, on every network, in every form; and when not to answer."""

from __future__ import annotations

from itertools import combinations

import pytest

from engine.domain.mention import SOURCES, Mention
from ops.spelling import hunspell, unknown_words
from playbooks.catalogue import load_catalogue
from playbooks.compose import Wanted
from playbooks.copied import copied, private_words
from playbooks.filelint import example_facts
from playbooks.likeness import similar
from playbooks.lint import lint_draft
from playbooks.planner import policy_of
from playbooks.replies import Reading, reply_to, way_of
from playbooks.reply_words import BY_LANG, EN, FR, SILENCE, STRATEGIES
from playbooks.schema import FORMS
from playbooks.template import fill, has_forms, parse, slots, text_of

CATALOGUE = load_catalogue()
SPOKEN = [(lang, form) for lang, forms in FORMS.items() for form in forms]
SHIPPED = sorted(CATALOGUE.playbooks)


@pytest.mark.parametrize("playbook_id", SHIPPED)
@pytest.mark.parametrize("level", ["vert", "orange"])
def test_every_reply_is_sound_and_unlike_the_others_of_its_thread(playbook_id: str, level: str) -> None:
    playbook = CATALOGUE[playbook_id]
    for lang, form in SPOKEN:
        facts = {**example_facts(playbook, lang), "signature": ""}
        for network in ("x", "tiktok", "email"):
            said: list[str] = []
            for i, strategy in enumerate(STRATEGIES * 2):
                wanted = Wanted(level, network, lang, form, "reply")
                reply = reply_to(playbook, wanted, strategy, f"inc\0m{i}", facts, said)
                assert lint_draft(reply.pieces, network, lang, policy_of(playbook, lang)) == (), (wanted, strategy)
                said.append(text_of(reply.pieces))
            assert not [pair for pair in combinations(said, 2) if similar(*pair, 0.8)]


@pytest.mark.parametrize("network", SOURCES)
def test_every_network_has_room_for_every_way_of_answering(network: str) -> None:
    playbook = CATALOGUE["outage"]
    for lang, form in SPOKEN:
        facts = {**example_facts(playbook, lang), "signature": ""}
        for strategy in STRATEGIES:
            reply = reply_to(playbook, Wanted("rouge", network, lang, form, "reply"), strategy, "k", facts)
            assert lint_draft(reply.pieces, network, lang, policy_of(playbook, lang)) == ()


def test_the_same_mention_gets_the_same_reply_and_another_one_another() -> None:
    playbook, facts = CATALOGUE["outage"], {**example_facts(CATALOGUE["outage"], "fr"), "signature": ""}
    wanted = Wanted("orange", "x", "fr", "vous", "reply")
    texts = [text_of(reply_to(playbook, wanted, "concern", key, facts).pieces) for key in ("a\0b", "a\0b", "a\0c")]
    assert texts[0] == texts[1] != texts[2]


def test_thirty_replies_of_one_kind_in_one_incident_are_thirty_texts() -> None:
    playbook, facts = CATALOGUE["outage"], {**example_facts(CATALOGUE["outage"], "fr"), "signature": ""}
    said: list[str] = []
    for i in range(30):
        wanted = Wanted("orange", "facebook", "fr", "vous", "reply")
        said.append(text_of(reply_to(playbook, wanted, "anger", f"inc\0{i}", facts, said).pieces))
    assert len(set(said)) == 30


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_words_are_spelt_well_and_say_tu_or_vous(lang: str) -> None:
    assert hunspell(), "install it first: apt-get install hunspell hunspell-fr hunspell-en-us"
    facts = dict.fromkeys(("next_update", "link", "contact"), "18 h")
    texts = [text for words in BY_LANG[lang].values() for part in words for text in part]
    for form in FORMS[lang]:
        filled = [text_of(fill(parse(text, lang), facts, form)) for text in texts]
        assert frozenset().union(*unknown_words(filled, lang)) == set()
        assert len(set(filled)) == len(filled)
    reasons = [text[0 if lang == "fr" else 1] for text in SILENCE.values()]
    assert frozenset().union(*unknown_words(reasons, lang)) == set()


def test_both_languages_answer_in_the_same_ways_and_use_known_facts_only() -> None:
    assert set(FR) == set(EN)
    for lang, ways in BY_LANG.items():
        for strategy, words in ways.items():
            assert len(words.openings) >= 8
            for text in (*words.openings, *words.closings, *words.after):
                assert set(slots(parse(text, lang))) <= {"next_update", "link", "contact"}
            assert all("link" in set(slots(parse(text, lang))) for text in (*words.closings, *words.after))
            if strategy == "urgent":
                assert all("contact" in set(slots(parse(text, lang))) for text in words.openings)
            assert lang == "fr" or not any(has_forms(parse(text, lang)) for part in words for text in part)


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("Bonjour, quand est-ce que le site remarche", "question"),
        ("Pourquoi mon compte est bloqué ?", "question"),
        ("When will the app be back", "question"),
        ("Mon fils est aux urgences à cause de votre produit", "urgent"),
        ("I'm stranded, my insulin is in that parcel", "urgent"),
        ("C'est une honte, vous êtes des voleurs", "anger"),
        ("THIS IS AN ABSOLUTE DISGRACE AND YOU KNOW IT", "anger"),
        ("Livraison en retard de trois semaines", "concern"),
        ("Courage à toute l'équipe", "thanks"),
        ("Leave them alone, they are doing what they can", "thanks"),
        ("mdr quelle équipe", "mockery"),
        ("🤡🤡", "wordless"),
        ("...", "wordless"),
        ("https://a.example", "wordless"),
    ],
)
def test_how_a_mention_is_answered(text: str, way: str) -> None:
    found = way_of(text)
    assert (found.strategy or found.silence) == way
    assert bool(found.reason("fr")) == (found.strategy is None)


def test_hate_and_insults_get_no_reply_but_a_person_who_asks_does() -> None:
    assert way_of("Un propos haineux", Reading(categories=("illegal_hate",))).silence == "illegal"
    assert way_of("Bande de nuls, crevez", Reading(toxicity=0.9)).silence == "insult"
    assert way_of("Bande de nuls, quand est-ce que ça remarche ?", Reading(toxicity=0.9)).strategy == "question"


def test_private_words_are_told_unless_the_brand_says_them_too() -> None:
    mention = Mention(
        "1", "x", "comment", "Bonjour, le colis FR-88121 de Nordalia est perdu, dit Sacha Martel (sacha@a.example)", 0,
        author_name="zoe_b",
    )  # fmt: skip
    private = private_words(mention)
    said = "Bonjour Sacha, zoe_b, nous cherchons FR-88121 chez Nordalia."
    assert list(copied(said, private, ["Nordalia"])) == ["FR-88121", "Sacha", "zoe_b"]
    assert list(copied("Bonjour, nous cherchons chez Nordalia.", private, ["Nordalia"])) == []
