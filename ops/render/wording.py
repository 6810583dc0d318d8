"""The words of alerts, French and English, and how numbers, hours and durations are written in each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from engine.domain.incident import Level
from playbooks.typography import typeset

_FR = {
    "exercise": "EXERCICE / EXERCISE - ",
    "opened": "incident ouvert",
    "raised": "niveau relevé",
    "lowered": "niveau abaissé",
    "reopened": "l'incident repart (vague {waves})",
    "contained": "retour au calme",
    "resolved": "incident terminé",
    "false_alarm": "fausse alerte",
    "silent": "une source ne parle plus",
    "heard": "la source parle de nouveau",
    "level_from": " ({before} → {after})",
    "provisional": "alerte provisoire, à confirmer",
    "confirmed": " (alerte provisoire confirmée)",
    "confirmed_short": " (confirmé)",
    "withdrawn": "alerte provisoire retirée",
    "todo_provisional": "À FAIRE : lisez les exemples ci-dessous et préparez-vous. Des messages en retard peuvent "
    "encore changer les chiffres ; dans quelques minutes, cette alerte sera confirmée ou retirée.",
    "todo_withdrawn": "Rien à faire. L'alerte provisoire de {at} annonçait {observed} messages négatifs contre "
    "{expected} attendus ; avec les messages arrivés depuis, l'écart ne suffit plus : elle n'ouvre pas d'incident.",
    "todo": "À FAIRE : {first} avant {at}{then}. Pilote : {lead}.",
    "then": ", puis {what} avant {at}",
    "todo_lowered": "Rien d'urgent : la pression baisse. Gardez le rythme des points de situation.",
    "todo_contained": "Rien d'urgent : les signaux sont revenus à la normale. Continuez la veille ; l'incident se "
    "termine de lui-même si le calme dure.",
    "todo_resolved": "Fin d'alerte. Retour d'expérience (RETEX) sous 5 jours ouvrés ; une deuxième vague rouvrirait "
    "l'incident.",
    "todo_false_alarm": "Fin d'alerte : une personne l'a classé fausse alerte. Rien à faire.",
    "todo_silent": "À VÉRIFIER : la collecte (clé d'accès, quota, connecteur), pas la marque. Tant qu'elle est muette, "
    "l'absence d'alerte ne veut rien dire.",
    "todo_heard": "Rien à faire : la collecte reprend. Ce qui s'est dit entre-temps n'a pas été vu.",
    "what": "CE QUI SE PASSE : {observed} messages négatifs depuis {since} ({lasting}), contre {expected} en temps "
    "normal{ratio}.",
    "ratio": ", soit {times} fois plus",
    "terms": "On y lit : {terms}.",
    "themes": "Thèmes : {themes}",
    "theme": "{n} messages, {share} des négatifs, depuis {since} UTC, {networks}",
    "colon": " :",
    "quote": "« {text} »",
    "copied": "recopié {n} fois",
    "about": "environ {n}",
    "by_account": " par un seul compte",
    "by_accounts": " par {n} comptes",
    "copied_text": "Texte {copied} : « {text} »",
    "categories": "Sujet : {categories}.",
    "who": "Qui et où : {parts}.",
    "authors": "{n} auteurs",
    "author": "1 auteur",
    "followers": "le plus suivi a {n} abonnés",
    "press": "presse et blogs : {n}",
    "certainty": "CERTITUDE : {word}. Un tel écart par hasard : {how_often}.",
    "why": "POURQUOI {level} :",
    "samples": "EXEMPLES (auteurs masqués) :",
    "sample": "{at}, {network}, {role}, auteur {author} : « {text} »",
    "because": "mots qui pèsent : {words}",
    "first": "le premier",
    "reach": "large audience",
    "typical": "typique",
    "clocks": "ÉCHÉANCES : {clocks}.",
    "every": "{what} toutes les {n} min",
    "playbook": "PLAYBOOK : {title} → {link}",
    "incident": "DÉTAIL : {show}",
    "ack_by": "PRENDRE EN CHARGE : {ack}",
    "zone": "Heures : {zone}.",
    "sure_0": "à confirmer",
    "sure_1": "forte",
    "sure_2": "très forte",
    "several": "environ {n} fois par semaine",
    "weeks": "une fois en {n} semaines",
    "week": "une fois par semaine",
    "months": "une fois en {n} mois",
    "years": "une fois en {n} ans",
    "centuries": "moins d'une fois en 100 ans",
    "short": "VIGIE {level} {brand} : {event}. {observed} négatifs (normal {expected}) depuis {since}. {first} avant "
    "{at} : {ack}",
    "short_link": "VIGIE {level} {brand} : répondez avant {at}, {event}. {observed} négatifs (normal {expected})",
    "short_end": "VIGIE {level} {brand} : {event}. {show}",
    "short_early": "VIGIE {level} {brand} : {event}. {observed} négatifs (normal {expected}) depuis {since}.",
    "ack": "accuser réception",
    "qualify": "qualifier",
    "freeze": "geler les publications programmées",
    "holding": "message d'attente",
    "cell": "réunir la cellule de crise",
    "sitrep": "point de situation",
    "digest": "bilan quotidien",
    "lead_0": "community manager",
    "lead_1": "CM d'astreinte",
    "lead_2": "responsable social",
    "lead_3": "directeur de crise",
}
_EN = {
    "exercise": "EXERCICE / EXERCISE - ",
    "opened": "incident opened",
    "raised": "level raised",
    "lowered": "level lowered",
    "reopened": "the incident is back (wave {waves})",
    "contained": "calm again",
    "resolved": "incident over",
    "false_alarm": "false alarm",
    "silent": "a source has gone silent",
    "heard": "the source speaks again",
    "level_from": " ({before} → {after})",
    "provisional": "provisional alert, to be confirmed",
    "confirmed": " (provisional alert confirmed)",
    "confirmed_short": " (confirmed)",
    "withdrawn": "provisional alert withdrawn",
    "todo_provisional": "DO NOW: read the samples below and stand ready. Late messages may still change the figures; "
    "within minutes this alert will be confirmed or withdrawn.",
    "todo_withdrawn": "Nothing to do. The provisional alert of {at} told of {observed} negative messages against "
    "{expected} expected; with the messages that came since, the gap is no longer enough: it opens no incident.",
    "todo": "DO NOW: {first} by {at}{then}. Lead: {lead}.",
    "then": ", then {what} by {at}",
    "todo_lowered": "Nothing urgent: the pressure is falling. Keep up the situation reports.",
    "todo_contained": "Nothing urgent: signals are back to normal. Keep watching; the incident ends by itself if the "
    "calm lasts.",
    "todo_resolved": "All clear. Post-incident report within 5 working days; a second wave would reopen the incident.",
    "todo_false_alarm": "All clear: a person called it a false alarm. Nothing to do.",
    "todo_silent": "CHECK the feed (access key, quota, connector), not the brand. While it is silent, no alert means "
    "nothing.",
    "todo_heard": "Nothing to do: the feed is back. What was said meanwhile has not been seen.",
    "what": "WHAT HAPPENS: {observed} negative messages since {since} ({lasting}), against {expected} normally{ratio}.",
    "ratio": ", {times} times as many",
    "terms": "They say: {terms}.",
    "themes": "Themes: {themes}",
    "theme": "{n} messages, {share} of the negatives, since {since} UTC, {networks}",
    "colon": ":",
    "quote": "“{text}”",
    "copied": "copied {n} times",
    "about": "about {n}",
    "by_account": " by a single account",
    "by_accounts": " by {n} accounts",
    "copied_text": "A text {copied}: “{text}”",
    "categories": "Subject: {categories}.",
    "who": "Who and where: {parts}.",
    "authors": "{n} authors",
    "author": "1 author",
    "followers": "the largest has {n} followers",
    "press": "press and blogs: {n}",
    "certainty": "HOW SURE: {word}. Such a gap by chance: {how_often}.",
    "why": "WHY {level}:",
    "samples": "SAMPLES (authors masked):",
    "sample": "{at}, {network}, {role}, author {author}: “{text}”",
    "because": "telling words: {words}",
    "first": "the first",
    "reach": "wide audience",
    "typical": "typical",
    "clocks": "DEADLINES: {clocks}.",
    "every": "{what} every {n} min",
    "playbook": "PLAYBOOK: {title} → {link}",
    "incident": "DETAILS: {show}",
    "ack_by": "TAKE IT: {ack}",
    "zone": "Times: {zone}.",
    "sure_0": "to be confirmed",
    "sure_1": "high",
    "sure_2": "very high",
    "several": "about {n} times a week",
    "weeks": "once in {n} weeks",
    "week": "once a week",
    "months": "once in {n} months",
    "years": "once in {n} years",
    "centuries": "less than once in 100 years",
    "short": "VIGIE {level} {brand}: {event}. {observed} negatives (normal {expected}) since {since}. {first} by {at}: "
    "{ack}",
    "short_link": "VIGIE {level} {brand}: answer by {at}, {event}. {observed} negatives (normal {expected})",
    "short_end": "VIGIE {level} {brand}: {event}. {show}",
    "short_early": "VIGIE {level} {brand}: {event}. {observed} negatives (normal {expected}) since {since}.",
    "ack": "acknowledge",
    "qualify": "qualify",
    "freeze": "freeze scheduled posts",
    "holding": "holding line",
    "cell": "convene the crisis cell",
    "sitrep": "situation report",
    "digest": "daily digest",
    "lead_0": "community manager",
    "lead_1": "CM on call",
    "lead_2": "head of social media",
    "lead_3": "crisis director",
}

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {lang: {key: typeset(text, lang) for key, text in table.items()} for lang, table in (("fr", _FR), ("en", _EN))}
)
"""Templates by language and name; already typeset, so that what is filled in is left as it is."""

NETWORKS = {
    "x": "X", "facebook": "Facebook", "instagram": "Instagram", "tiktok": "TikTok", "youtube": "YouTube",
    "linkedin": "LinkedIn", "discord": "Discord", "reddit": "Reddit", "mastodon": "Mastodon", "bluesky": "Bluesky",
}  # fmt: skip

_MONTHS = {
    "fr": ("janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."),
    "en": ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
}


def words(lang: str) -> Mapping[str, str]:
    """The templates of a language; English for one that we don't speak."""
    return WORDS.get(lang, WORDS["en"])


def number(value: float, lang: str) -> str:
    """A figure as people write it, without false precision.

    >>> number(120000, "fr"), number(3.26, "fr"), number(120000, "en"), number(3.0, "en")
    ('120\\u202f000', '3,3', '120,000', '3')
    """
    text = f"{value:,.0f}" if value >= 10 or round(value, 1) == round(value) else f"{value:.1f}"
    return text.replace(",", "\u202f").replace(".", ",") if lang == "fr" else text


def hour(at_ms: int, zone: ZoneInfo, lang: str, beside_ms: int) -> str:
    """A time of the team's day; with the date when it is not the day of `beside_ms`."""
    moment = datetime.fromtimestamp(at_ms / 1000, zone)
    text = moment.strftime("%H:%M")
    if moment.date() == datetime.fromtimestamp(beside_ms / 1000, zone).date():
        return text
    month = _MONTHS["fr" if lang == "fr" else "en"][moment.month - 1]
    return f"{text} le {moment.day} {month}" if lang == "fr" else f"{text} on {moment.day} {month}"


_STAMP = re.compile(r"\b(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d) UTC\b")


def in_team_time(sentence: str, zone: ZoneInfo, lang: str, beside_ms: int) -> str:
    """A sentence of the engine, which speaks in UTC, with its times as the team reads them.

    >>> in_team_time("Surge since 2026-03-05 23:30 UTC", ZoneInfo("Europe/Paris"), "en", 1_772_755_200_000)
    'Surge since 00:30'
    """

    def local(match: re.Match[str]) -> str:
        try:
            moment = datetime(*(int(part) for part in match.groups()), tzinfo=UTC)  # type: ignore[misc, arg-type]
        except ValueError:  # looks like a time and is none
            return match.group()
        return hour(int(moment.timestamp() * 1000), zone, lang, beside_ms)

    return _STAMP.sub(local, sentence)


def duration(ms: int, lang: str) -> str:
    """How long: minutes, hours or days.

    >>> duration(40 * 60_000, "fr"), duration(190 * 60_000, "fr"), duration(50 * 3_600_000, "en")
    ('40\\xa0min', '3\\xa0h\\xa010', '2 d 2 h')
    """
    minutes = max(0, ms) // 60_000
    if minutes < 60:
        text = f"{minutes} min"
    elif minutes < 1440:
        text = f"{minutes // 60} h {minutes % 60:02d}"
    else:
        text = f"{minutes // 1440} {'j' if lang == 'fr' else 'd'} {minutes % 1440 // 60} h"
    return text.replace(" ", "\u00a0") if lang == "fr" else text


def how_often(surprise: float, lang: str) -> str:
    """-log10 of the false alarms a week, as a frequency that people can feel.

    >>> how_often(0, "en"), how_often(1, "en"), how_often(3, "fr"), how_often(9, "fr")
    ('once a week', 'once in 2 months', 'une fois en 19\\xa0ans', 'moins d’une fois en 100\\xa0ans')
    """
    say = words(lang)
    surprise = surprise if surprise == surprise else 0.0  # NaN: nobody has said
    weeks = 10.0 ** min(max(surprise, -2.0), 9.0)
    if weeks > 5_200:
        return say["centuries"]
    if weeks >= 104:
        return say["years"].format(n=round(weeks / 52)).replace(" ans", "\u00a0ans")
    if weeks >= 8:
        return say["months"].format(n=round(weeks / 4.35))
    if weeks >= 1.5:
        return say["weeks"].format(n=round(weeks))
    return say["week"] if weeks > 0.67 else say["several"].format(n=round(1 / weeks))


def certainty(surprise: float, lang: str) -> str:
    """The same in a word."""
    return words(lang)[f"sure_{(surprise >= 0.5) + (surprise >= 2)}"]


def network_name(source: str, lang: str) -> str:
    """A network as people call it."""
    own = {"news": ("presse", "press"), "review": ("avis", "reviews"), "dm": ("messages privés", "DM")}
    if source in own:
        return own[source][lang != "fr"]
    return NETWORKS.get(source, source)


def lead_of(level: Level, lang: str) -> str:
    """Who leads at this level."""
    return words(lang)[f"lead_{int(level)}"]
