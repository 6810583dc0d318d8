"""Themes in words, and hostile text in them."""

from __future__ import annotations

from engine.domain.mention import Mention
from engine.domain.themes import Theme, TypicalMention
from ops.render.themes import copies_line, theme_lines, themes_line, themes_view
from playbooks.typography import french_faults

T0 = 1_763_686_320_000


def theme(name, share, copies=1, accounts=0, text="Plus de réseau à Lyon", exact=True):
    typical = (TypicalMention(Mention("1", "x", "post", text, T0), copies, accounts),)
    return Theme(name, (name,), round(1_240 * share), share, T0, (("x", 700), ("dm", 68)), typical, exact)


TWO = (theme("panne réseau", 0.62, 214, 12), theme("hotline injoignable", 0.21))


def test_one_line_in_both_languages():
    assert themes_line(TWO, "fr") == "Thèmes\u00a0: panne réseau (62\u00a0%), hotline injoignable (21\u00a0%)"
    assert themes_line(TWO, "en") == "Themes: panne réseau (62%), hotline injoignable (21%)"
    assert themes_line((), "fr") == ""


def test_copies_by_few_accounts_are_told():
    told = copies_line(TWO, "fr")
    assert told == "Texte recopié 214\u00a0fois par 12\u00a0comptes\u00a0: «\u00a0Plus de réseau à Lyon\u00a0»".replace(
        "\u00a0fois", " fois"
    ).replace("\u00a0comptes", " comptes")
    assert "by 12 accounts" in copies_line(TWO, "en")
    assert "environ 214" in copies_line((theme("a", 0.5, 214, 1, exact=False),), "fr")
    assert "par un seul compte" in copies_line((theme("a", 0.5, 214, 1),), "fr")
    assert "compte" not in copies_line((theme("a", 0.5, 214, 0),), "fr")
    assert copies_line((theme("a", 0.5, 4, 4),), "fr") == copies_line((), "fr") == ""


def test_french_is_set_as_print_sets_it():
    for line in (themes_line(TWO, "fr"), copies_line(TWO, "fr"), *theme_lines(TWO, "fr")):
        assert french_faults(line) == []


def test_the_lines_of_a_page():
    head, quote, *_ = theme_lines(TWO, "en")
    assert head == "panne réseau: 769 messages, 62% of the negatives, since 2025-11-21 00:52 UTC, X 700, DM 68"
    assert quote == "  “Plus de réseau à Lyon” (copied 214 times by 12 accounts)"


def test_hostile_text_is_harmless():
    bad = theme("<!channel> \x1b[31m*a*", 0.5, 9, 9, text="\u202e<script>@everyone **x** https://mal.example/y")
    for line in (themes_line((bad,), "fr"), copies_line((bad,), "fr"), *theme_lines((bad,), "fr")):
        assert not set("<>*@\x1b\u202e") & set(line)
        assert "https" not in line
    cleaned = themes_view((bad,), cleaned=True)[0]
    assert "\x1b" not in cleaned["name"]
    assert "\u202e" not in cleaned["typical"][0]["text"]


def test_as_plain_data():
    view = themes_view(TWO)[0]
    assert set(view) == {"name", "terms", "mentions", "share", "exact", "first_seen", "networks", "typical"}
    assert view["first_seen"] == "2025-11-21T00:52:00Z"
    assert view["typical"][0]["copies"] == 214
