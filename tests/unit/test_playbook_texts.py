"""Typography, slots and the rules of networks."""

from __future__ import annotations

import pytest

from playbooks.compose import Wanted, compose, parts_of
from playbooks.lint import Policy, lint_draft, lint_text
from playbooks.networks import NETWORKS, count_bluesky, count_mastodon, count_x
from playbooks.template import Piece, TemplateError, fill, isolate, parse, slots, text_of
from playbooks.typography import french_faults, typeset


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("Vraiment ?!", "Vraiment\u202f?!"),
        ("Oui; non", "Oui\u202f; non"),
        ("Le site : lent", "Le site\u00a0: lent"),
        ("« Bonjour »", "«\u00a0Bonjour\u00a0»"),
        ("L'heure : 22:30", "L’heure\u00a0: 22:30"),
        ("à 18 h 30", "à 18\u00a0h\u00a030"),
        ("Lire https://a.example/x?y=1;z!", "Lire https://a.example/x?y=1;z\u202f!"),
        ("Suivi : {link}", "Suivi\u00a0: {link}"),
    ],
)
def test_french_is_typeset_and_then_without_fault(typed: str, printed: str) -> None:
    assert typeset(typed, "fr") == printed
    assert typeset(printed, "fr") == printed
    assert french_faults(printed) == []


@pytest.mark.parametrize("text", ["Quoi?", "Quoi ?", "Ceci: cela", "«Bonjour»", "Oui ;"])
def test_french_faults_are_found(text: str) -> None:
    assert french_faults(text)


def test_english_keeps_its_spaces() -> None:
    assert typeset("Really? It's: yes!", "en") == "Really? It’s: yes!"


@pytest.mark.parametrize("text", ["{", "{Name}", "a}", "[tu", "[tu|vous", "[tu]", "a|b", "[? never closed"])
def test_wrong_markup_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        parse(text, "en")


@pytest.mark.parametrize(
    "value", ["{brand}", "{{ 7*7 }}", "[tu|vous]", "<b>x</b>", "⟦x⟧", "%s", "$x", "\\1", "a\nb", "=1+1", "[? x]"]
)
def test_a_fact_is_never_markup(value: str) -> None:
    nodes = parse("a {x} b", "en")
    assert text_of(fill(nodes, {"x": value, "brand": "no"}, None)) == f"a {value} b"


def test_forms_options_and_missing_facts() -> None:
    nodes = parse("[tu|vous] {a}[? {b}]", "fr")
    assert list(slots(nodes)) == ["a", "b"]
    assert text_of(fill(nodes, {"a": "1", "b": "2"}, "tu")) == "tu 12"
    assert text_of(fill(nodes, {"b": "2"}, "vous", optional=False)) == "vous ⟦a⟧"
    assert [piece.fact for piece in fill(nodes, {"a": "  "}, "tu") if piece.missing] == ["a", "b"]


def test_only_what_could_turn_the_line_is_isolated() -> None:
    assert isolate("Vélorine") == "Vélorine"
    assert isolate("\u202eevil") == "\u2068\u202eevil\u2069"


def test_networks_count_in_their_own_way() -> None:
    link = "https://nordalia.example/" + "a" * 100
    assert count_x(link) == count_mastodon(link) == 23
    assert count_x("é’«") == 3
    assert count_x("日\u202f😀") == 6
    assert count_bluesky("e\u0301") == 1


def rules(text: str, network: str = "facebook", lang: str = "fr", policy: Policy | None = None) -> set[str]:
    return {finding.rule for finding in lint_text(text, network, lang, policy or Policy())}


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("length", "a" * 8001),
        ("banned", "Nous prenons ce sujet\u00a0très au sérieux."),
        ("missing_fact", "Depuis ⟦since⟧."),
        ("mixed_postures", "Nous démentons, et nous sommes désolés."),
        ("typography", "Vraiment?"),
        ("emoji", "Merci 🙏"),
        ("personal_data", "Écrivez à jeanne.martel@exemple.fr"),
        ("personal_data", "Appelez le 06 12 34 56 78"),
        ("personal_data", "Appelez le +33 6 12 34 56 78"),
        ("link", "Voir ftp://nordalia.example"),
    ],
)
def test_each_rule_finds_its_fault_and_only_it(rule: str, text: str) -> None:
    assert rules(text) == {rule}


def test_a_good_text_has_no_finding() -> None:
    assert rules("Rappel\u00a0: la page https://nordalia.example/06/12345678 à 22:30.") == set()
    assert rules("Merci 🙏", policy=Policy(emoji=True)) == set()
    assert rules("see javascript:alert(1)", lang="en") == {"link"}


def test_the_policy_of_playbook_and_brand_counts() -> None:
    assert rules("Un petit bug.", policy=Policy(banned=("petit bug",))) == {"banned"}
    assert rules("Petits bugs.", policy=Policy(banned=("petit bug",))) == set()
    assert rules("Pardon.", policy=Policy(strategies=frozenset({"inform"}))) == {"posture"}
    assert rules("Pardon.", policy=Policy(strategies=frozenset({"apologise"}))) == set()


def test_facts_answer_for_links_and_personal_data_but_not_for_style() -> None:
    policy = Policy(links=frozenset({"link"}), contacts=frozenset({"hotline"}))

    def found(fact: str, value: str) -> list[str]:
        return [finding.rule for finding in lint_draft([Piece(value, fact)], "x", "fr", policy)]

    assert found("known", "Vraiment? 🙏") == []
    assert found("link", "nordalia.example") == ["link"]
    assert found("link", "https://nordalia.example") == []
    assert found("known", "06 12 34 56 78") == ["personal_data"]
    assert found("hotline", "06 12 34 56 78") == []
    assert found("brand", "ftp://x 06 12 34 56 78") == []


def test_findings_speak_the_language_of_the_team() -> None:
    (french,) = lint_draft([Piece("x" * 300)], "x", "en", team_lang="fr")
    (english,) = lint_draft([Piece("x" * 300)], "x", "en")
    assert (french.text, english.text) == ("20 de trop pour x (maximum 280)", "20 too many for x (limit 280)")


def test_french_words_elide_before_a_fact() -> None:
    from playbooks.catalogue import load_catalogue

    catalogue = load_catalogue()
    wanted = Wanted("orange", "linkedin", "fr", "vous", "position")
    parts = parts_of(catalogue["dangerous_product"], catalogue.voices, wanted)
    assert "établi qu’un joint" in text_of(compose(parts, wanted, {"finding": "un joint fuit"}))
    assert "établi que le joint" in text_of(compose(parts, wanted, {"finding": "le joint fuit"}))
    assert "établi que ⟦finding⟧" in text_of(compose(parts, wanted, {}))


def test_every_network_has_a_limit() -> None:
    limits = {"x": 280, "facebook": 8000, "instagram": 2200, "tiktok": 150, "linkedin": 1250, "youtube": 10_000}
    limits |= {"discord": 2000, "forum": 2000, "review": 4096, "mastodon": 500, "bluesky": 300, "reddit": 10_000}
    assert {name: NETWORKS[name].chars_max for name in limits} == limits


@pytest.mark.parametrize(
    ("lang", "text", "strategy"),
    [
        ("fr", "Nous allons vous rembourser.", "compensate"),
        ("fr", "Un bon d'achat vous attend.", "compensate"),
        ("fr", "Nous vous offrons un mois.", "compensate"),
        ("en", "We will refund everybody.", "compensate"),
        ("en", "You'll get your money back.", "compensate"),
        ("fr", "C'est faux.", "deny"),
    ],
)
def test_a_promise_or_a_denial_that_the_playbook_does_not_allow_is_told(lang: str, text: str, strategy: str) -> None:
    """Whichever apostrophe people type."""
    narrow = Policy(strategies=frozenset({"inform"}))
    assert [f.rule for f in lint_text(text, "dm", lang, narrow)] == ["posture"]
    wide = Policy(strategies=frozenset({"inform", strategy}))
    assert lint_text(text, "dm", lang, wide) == ()
    approved = lint_text(text, "dm", lang, narrow, facts={"remedy": text.rstrip(".")})
    assert approved == (), "an approved fact may say so"


def test_no_space_stands_before_a_full_stop() -> None:
    assert [f.rule for f in lint_text("Merci de votre sens des responsabilités .", "dm", "fr")] == ["typography"]
