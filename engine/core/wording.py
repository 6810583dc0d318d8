"""The sentences in which the engine gives its reasons, in the team's language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from engine.domain.series import SignalReading

_FR: Mapping[str, str] = MappingProxyType(
    {
        "share": "Part de négatifs anormale\u00a0: {observed} pour {expected} attendus à ce volume depuis {since}",
        "rate": "Afflux de négatifs\u00a0: {observed} observés pour {expected} attendus depuis {since}",
        "spike": "Pic soudain\u00a0: {observed} négatifs observés pour {expected} attendus depuis {since}",
        "tide": "Trop de négatifs depuis des heures\u00a0: {observed} observés pour {expected} attendus depuis {since}",
        "planned": "Pendant l’événement prévu «\u00a0{name}\u00a0» (×{ratio} attendu)",
        "raid": "Beaucoup de messages, peu d’auteurs\u00a0: {observed} messages par auteur, contre {expected} "
        "d’habitude, depuis {since}",
        "reach": "Large audience\u00a0: les négatifs ont pu être vus par {observed} personnes, contre {expected} "
        "attendues, depuis {since}",
        "arousal": "Ton plus vif que d’habitude\u00a0: intensité {observed} sur 100, contre {expected}, depuis {since}",
        "viral": "Un message isolé se détache\u00a0: {observed} vues, abonnés ou réactions, contre {expected} "
        "d’habitude pour le plus vu, depuis {since}",
        "thread": "Un seul fil attire les négatifs\u00a0: {observed}\u00a0% d’entre eux, contre {expected}\u00a0% "
        "d’habitude, depuis {since}",
        "drift": "La part de négatifs monte lentement\u00a0: {observed}\u00a0%, contre {expected}\u00a0% avant, "
        "depuis {since}",
        "silence": "La source «\u00a0{what}\u00a0» se tait\u00a0: {observed} message pour {expected} attendus depuis "
        "{since}",
        "silence_all": "Plus aucun message, de nulle part\u00a0: {observed} pour {expected} attendus depuis {since}",
        "heard": "La source «\u00a0{what}\u00a0» parle de nouveau",
        "heard_all": "Les messages arrivent de nouveau",
        "unheard": "Rien n’est revenu en une semaine\u00a0: ce silence est désormais la norme",
        "other": "Signal «\u00a0{name}\u00a0»\u00a0: {observed} observés pour {expected} attendus depuis {since}",
        "volume": "Sur une heure, {ratio} fois plus de négatifs que la normale",
        "breadth": "{n} auteurs différents",
        "account": "Un compte suivi par {n} personnes s’en mêle",
        "press": "Repris par {n} titres de presse ou blogs",
        "press_one": "Repris par un titre de presse ou un blog",
        "eased": "Sur une heure, les négatifs sont retombés à {ratio} fois la normale",
        "urgency": "Ton très vif",
        "harm": "Des personnes seraient en danger\u00a0: {n} messages de catégorie «\u00a0{category}\u00a0»",
        "grave": "Sujet sensible\u00a0: {n} messages de catégorie «\u00a0{category}\u00a0»",
        "opened": "Incident ouvert, niveau {level}",
        "reopened": "Deuxième vague\u00a0: incident rouvert, niveau {level}",
        "relapse": "Les signaux repartent\u00a0: incident de nouveau ouvert, niveau {level}",
        "raised": "Niveau relevé à {level}",
        "lowered": "Niveau abaissé à {level}",
        "contained": "Signaux revenus à la normale depuis {hours} h",
        "contained_by": "Déclaré maîtrisé",
        "stood_down": "Retour au calme depuis {hours} h\u00a0: incident terminé, veille de {days} jours",
        "suspected": "Signal faible",
        "acknowledged": "Pris en charge",
        "resolved": "Clos",
        "rejected": "Fausse alerte",
        "playbook": "Playbook «\u00a0{title}\u00a0»\u00a0: {reason}",
        "again": "Nouvelle alarme pendant l’incident",
    }
)
_EN: Mapping[str, str] = MappingProxyType(
    {
        "share": "Abnormal share of negatives: {observed}, {expected} expected at this volume since {since}",
        "rate": "Surge of negatives: {observed} observed, {expected} expected since {since}",
        "spike": "Sudden spike: {observed} negatives observed, {expected} expected since {since}",
        "tide": "More negatives than normal for hours: {observed} observed, {expected} expected since {since}",
        "planned": "During the planned event “{name}” (×{ratio} expected)",
        "raid": "Many messages, few authors: {observed} messages an author, usually {expected}, since {since}",
        "reach": "Wide audience: the negatives may have been seen by {observed} people, {expected} expected, "
        "since {since}",
        "arousal": "More heated than usual: intensity {observed} of 100, usually {expected}, since {since}",
        "viral": "One message stands out: {observed} views, followers or reactions, usually {expected} for the most "
        "seen, since {since}",
        "thread": "A single thread draws the negatives: {observed}% of them, usually {expected}%, since {since}",
        "drift": "The share of negatives is creeping up: {observed}%, {expected}% before, since {since}",
        "silence": "The source “{what}” has fallen silent: {observed} messages, {expected} expected since {since}",
        "silence_all": "No message at all, from anywhere: {observed}, {expected} expected since {since}",
        "heard": "The source “{what}” speaks again",
        "heard_all": "Messages are coming in again",
        "unheard": "Nothing has come back for a week: this silence is the new normal",
        "other": "Signal “{name}”: {observed} observed, {expected} expected since {since}",
        "volume": "In the last hour, {ratio} times the normal number of negatives",
        "breadth": "{n} different authors",
        "account": "An account followed by {n} people has joined in",
        "press": "Picked up by {n} press titles or blogs",
        "press_one": "Picked up by one press title or blog",
        "eased": "In the last hour, negatives are down to {ratio} times normal",
        "urgency": "Very heated tone",
        "harm": "People may be in danger: {n} messages of category “{category}”",
        "grave": "Sensitive subject: {n} messages of category “{category}”",
        "opened": "Incident opened, level {level}",
        "reopened": "Second wave: incident reopened, level {level}",
        "relapse": "Signals are rising again: incident open again, level {level}",
        "raised": "Level raised to {level}",
        "lowered": "Level lowered to {level}",
        "contained": "Signals back to normal for {hours} h",
        "contained_by": "Declared contained",
        "stood_down": "Calm for {hours} h: incident over, second-wave watch for {days} days",
        "suspected": "Weak signal",
        "acknowledged": "Acknowledged",
        "resolved": "Closed",
        "rejected": "False alarm",
        "playbook": "Playbook “{title}”: {reason}",
        "again": "Another alarm during the incident",
    }
)
SENTENCES: Mapping[str, Mapping[str, str]] = MappingProxyType({"fr": _FR, "en": _EN})


def number(value: float, lang: str) -> str:
    """A figure for a reader: "1 234" or "1,234"; one decimal below ten.

    >>> number(3.25, "fr"), number(3.25, "en")
    ('3,2', '3.2')
    """
    text = f"{value:,.1f}" if value < 9.95 and value != int(value) else f"{value:,.0f}"
    return text.replace(",", "\u202f").replace(".", ",") if lang == "fr" else text


def say(lang: str, key: str, **values: object) -> str:
    """The sentence `key` in `lang`; numbers are written as that language writes them.

    >>> say("en", "breadth", n=1200)
    '1,200 different authors'
    """
    shown = {k: number(v, lang) if isinstance(v, int | float) else v for k, v in values.items()}
    return SENTENCES[lang if lang in SENTENCES else "en"][key].format(**shown)


_TESTS = frozenset(
    {"share", "rate", "spike", "tide", "raid", "reach", "arousal", "viral", "thread", "drift", "silence"}
)  # fmt: skip


def why(lang: str, test: SignalReading) -> str:
    """One sentence for a test that stands out: observed, expected, since when.

    >>> why("en", SignalReading("silence/forum", 3.0, True, True, 0.0, 40.0, 0))
    'The source “forum” has fallen silent: 0 messages, 40 expected since 1970-01-01 00:00 UTC'
    """
    key, _, what = test.name.partition("/")
    if key not in _TESTS:
        key = "other"
    elif key == "silence" and what == "*":
        key = "silence_all"
    since = datetime.fromtimestamp(test.since_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return say(
        lang, key, name=test.name, what=what, since=since,
        observed=round(test.observed, 1), expected=round(test.expected, 1),
    )  # fmt: skip
