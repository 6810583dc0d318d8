"""The themes of an incident, as people and programs read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.domain.themes import Theme, TypicalMention
from ops.render.moments import utc
from ops.render.neutral import defused, plain
from ops.render.wording import network_name, number, words

THEMES_MAX = 4
"""Themes named on one line."""
COPIES_MIN = 5
"""From so many on a text that is copied is told of."""


def themes_line(themes: Sequence[Theme], lang: str) -> str:
    """All of it on one line, safe to show anywhere; empty without themes.

    >>> themes_line([Theme("panne réseau", ("panne réseau",), 62, 0.62, 0, (), ())], "en")
    'Themes: panne réseau (62%)'
    """
    if not themes:
        return ""
    named = ", ".join(f"{defused(t.name, 60)} ({percent(t.share, lang)})" for t in themes[:THEMES_MAX])
    return words(lang)["themes"].format(themes=named)


def copies_line(themes: Sequence[Theme], lang: str) -> str:
    """The text that is copied most, and by how many accounts; empty where none is copied often."""
    found = [(item.copies, theme.exact, item) for theme in themes for item in theme.typical]
    copies, exact, item = max(found, key=lambda one: one[0], default=(0, True, None))
    if item is None or copies < COPIES_MIN:
        return ""
    return words(lang)["copied_text"].format(
        copied=copied(item, lang, exact=exact), text=defused(item.mention.text, 120)
    )


def copied(item: TypicalMention, lang: str, *, exact: bool) -> str:
    """How often a text stands there and who wrote it.

    >>> from engine.domain.mention import Mention
    >>> m = Mention("1", "x", "post", "Boycott", 0)
    >>> copied(TypicalMention(m, 214, 12), "en", exact=True), copied(TypicalMention(m, 9, 0), "en", exact=False)
    ('copied 214 times by 12 accounts', 'copied about 9 times')
    """
    say = words(lang)
    n = number(item.copies, lang)
    told = say["copied"].format(n=n if exact else say["about"].format(n=n))
    if not item.accounts:
        return told
    who = say["by_account"] if item.accounts == 1 else say["by_accounts"].format(n=number(item.accounts, lang))
    return told + who


def theme_lines(themes: Sequence[Theme], lang: str) -> list[str]:
    """A line a theme with its figures, then its typical mentions, for a page or a terminal."""
    say, lines = words(lang), []
    for theme in themes:
        n = number(theme.mentions, lang)
        networks = ", ".join(f"{network_name(name, lang)} {number(k, lang)}" for name, k in theme.networks[:4])
        figures = say["theme"].format(
            n=n if theme.exact else say["about"].format(n=n), share=percent(theme.share, lang),
            since=utc(theme.first_seen_ms)[:16].replace("T", " "), networks=networks,
        )  # fmt: skip
        lines.append(f"{defused(theme.name, 60)}{say['colon']} {figures}")
        for item in theme.typical:
            often = f" ({copied(item, lang, exact=theme.exact)})" if item.copies >= COPIES_MIN else ""
            lines.append(f"  {say['quote'].format(text=defused(item.mention.text, 160))}{often}")
    return lines


def themes_view(themes: Sequence[Theme], *, cleaned: bool = False) -> list[dict[str, Any]]:
    """As plain data. Texts are those that people wrote, `cleaned` of what would fool a reader's eye or not."""

    def shown(text: str, chars_max: int) -> str:
        return plain(text, chars_max) if cleaned else text

    return [
        {
            "name": shown(theme.name, 80),
            "terms": [shown(term, 80) for term in theme.terms],
            "mentions": theme.mentions,
            "share": theme.share,
            "exact": theme.exact,
            "first_seen": utc(theme.first_seen_ms),
            "networks": dict(theme.networks),
            "typical": [
                {
                    "source": item.mention.source,
                    "text": shown(item.mention.text, 280),
                    "created_at": utc(item.mention.created_at_ms),
                    "copies": item.copies,
                    "accounts": item.accounts,
                }
                | ({} if cleaned else {"id": item.mention.id})
                for item in theme.typical
            ],
        }
        for theme in themes
    ]


def percent(share: float, lang: str) -> str:
    """A share as each language writes it.

    >>> percent(0.615, "en"), percent(0.615, "fr")
    ('62%', '62\\xa0%')
    """
    return f"{round(100 * share)}\u00a0%" if lang == "fr" else f"{round(100 * share)}%"
