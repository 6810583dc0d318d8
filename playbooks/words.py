"""The words in which a choice is explained, in English and French."""

from __future__ import annotations

from collections.abc import Mapping

REASONS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "categories": "Sujets : {0} des {1} messages négatifs",
        "none": "Aucune catégorie de crise ne se détache",
        "signals": "signaux : {0}",
        "level": "niveau {0}",
        "history": "incidents récents : {0}, posture d'un cran plus humble",
        "reputation": "réputation déjà mauvaise, posture d'un cran plus humble",
        "cluster": "la responsabilité est jugée {0}",
        "accidental": "accidentelle",
        "preventable": "évitable",
        "kept": "gardé, car aucun autre playbook ne mène nettement",
        "silence": "ne pas répondre, car {0}",
    },
    "en": {
        "categories": "Topics: {0} of {1} negative messages",
        "none": "No crisis category stands out",
        "signals": "signals: {0}",
        "level": "level {0}",
        "history": "recent incidents: {0}, so one step humbler in posture",
        "reputation": "its reputation is bad already, so one step humbler in posture",
        "cluster": "judged {0}",
        "accidental": "accidental",
        "preventable": "preventable",
        "kept": "kept, since no other playbook leads clearly",
        "silence": "no answer, since {0}",
    },
}
"""The parts of the sentence that explains a choice, by language."""
