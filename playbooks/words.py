"""The words in which a choice is explained, in English and French."""

from __future__ import annotations

from collections.abc import Mapping

CATEGORY_NAMES: Mapping[str, tuple[str, str]] = {
    "outage": ("outage", "panne"),
    "dangerous_product": ("dangerous product", "produit dangereux"),
    "quality": ("quality", "qualité"),
    "delivery": ("delivery", "livraison"),
    "price_billing": ("price or billing", "prix ou facturation"),
    "customer_service": ("customer service", "service client"),
    "fraud": ("fraud", "fraude"),
    "data_leak": ("data leak", "fuite de données"),
    "discrimination": ("discrimination", "discrimination"),
    "offensive_campaign": ("offensive campaign", "campagne offensante"),
    "words_of_staff": ("words of staff", "propos de collaborateurs"),
    "working_conditions": ("working conditions", "conditions de travail"),
    "environment": ("environment", "environnement"),
    "boycott": ("boycott", "boycott"),
    "accident_victims": ("accident with victims", "accident avec victimes"),
    "rumour": ("rumour", "rumeur"),
    "illegal_hate": ("illegal or hateful content", "propos illicites ou haineux"),
    "hacked_account": ("hacked account", "compte piraté"),
}
"""Category -> its name in English and in French."""

REASONS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "categories": "Sujets : {0} des {1} messages négatifs",
        "none": "Aucune catégorie de crise ne se détache",
        "signals": "signaux : {0}",
        "level": "niveau {0}",
        "history": "incidents récents : {0}, posture d'un cran plus humble",
    },
    "en": {
        "categories": "Topics: {0} of {1} negative messages",
        "none": "No crisis category stands out",
        "signals": "signals: {0}",
        "level": "level {0}",
        "history": "recent incidents: {0}, so one step humbler in posture",
    },
}
"""The parts of the sentence that explains a choice, by language."""
