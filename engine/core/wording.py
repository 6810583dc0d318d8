"""The sentences in which the engine gives its reasons, in the team's language."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_FR: Mapping[str, str] = MappingProxyType(
    {
        "share": "Part de négatifs anormale\u00a0: {observed} pour {expected} attendus à ce volume depuis {since}",
        "rate": "Afflux de négatifs\u00a0: {observed} observés pour {expected} attendus depuis {since}",
        "spike": "Pic soudain\u00a0: {observed} négatifs observés pour {expected} attendus depuis {since}",
        "tide": "Trop de négatifs depuis des heures\u00a0: {observed} observés pour {expected} attendus depuis {since}",
        "planned": "Pendant l’événement prévu «\u00a0{name}\u00a0» (×{ratio} attendu)",
        "other": "Signal «\u00a0{name}\u00a0»\u00a0: {observed} observés pour {expected} attendus depuis {since}",
        "volume": "Sur une heure, {ratio} fois plus de négatifs que la normale",
        "breadth": "{n} auteurs différents",
        "reach": "Un compte suivi par {n} personnes s’en mêle",
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
        "other": "Signal “{name}”: {observed} observed, {expected} expected since {since}",
        "volume": "In the last hour, {ratio} times the normal number of negatives",
        "breadth": "{n} different authors",
        "reach": "An account followed by {n} people has joined in",
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
