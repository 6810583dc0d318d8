"""Who plays in the demonstration, what they do and when, and the words of its screens, French and English.

The people are invented. What they do goes through the store as commands, like everything that people ask of Vigie.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from engine.domain.playbook import BrandVoice
from ops.demo.scenario import BRAND

_FACTS = {
    "fr": (
        ("service", "le réseau mobile"),
        ("since", "18 h 40"),
        ("action", "nos équipes basculent le trafic vers un second site"),
        ("workaround", "les appels par le wifi de la box fonctionnent"),
        ("next_update", "20 h 30"),
        ("link", "https://nordalia.example/etat"),
        ("contact", "https://nordalia.example/aide"),
    ),
    "en": (
        ("service", "the mobile network"),
        ("since", "6:40 pm"),
        ("action", "our engineers are moving traffic to a second site"),
        ("workaround", "calls over home wifi are working"),
        ("next_update", "8:30 pm"),
        ("link", "https://nordalia.example/status"),
        ("contact", "https://nordalia.example/help"),
    ),
}

CAUSE = {
    "fr": "une panne d’équipement au cœur de notre réseau",
    "en": "an equipment failure at the core of our network",
}
"""The fact that nobody may state before engineering and legal have approved it."""

NEXT_UPDATE = {"fr": "21 h 30", "en": "9:30 pm"}
"""Approved together with the cause: the first time announced has passed."""


def voice_of(lang: str) -> BrandVoice:
    """How the invented brand speaks; its facts are approved in advance, save the cause."""
    return BrandVoice(BRAND, langs=(lang,), form="vous", facts=_FACTS[lang])


class Act(NamedTuple):
    """Something that a person does. `after_min` counts from the alert; None: with the operator's statement, whose
    minutes `before_min` are taken off. `done` names the playbook's steps that it completes."""

    name: str
    actor: str
    text: str
    after_min: int | None
    done: tuple[str, ...] = ()
    before_min: int = 0


ACTS: Mapping[str, tuple[Act, ...]] = MappingProxyType(
    {
        "fr": (
            Act("ack", "Claire, CM d'astreinte", "main courante ouverte, j'appelle la technique", 4, ("acknowledge",)),
            Act("note", "Samir, technique", "Panne confirmée : un équipement du cœur de réseau, depuis 18 h 40, toute "
                "la France. Pas d'intrusion.", 11, ("qualify", "security_check")),
            Act("note", "Claire, CM d'astreinte", "Publications programmées et publicité gelées. Le jeu concours est "
                "retiré.", 14, ("freeze_posts",)),
            Act("note", "Claire, CM d'astreinte", "Page d'état à jour, message d'attente relu par Inès, publié et "
                "épinglé.", 27, ("status_page", "holding_line")),
            Act("note", "Inès, directrice de crise", "Cellule de crise réunie, prochain point à 20 h 30.", 46,
                ("crisis_cell", "situation_report")),
            Act("note", "Karim, service client", "212 réponses individuelles envoyées, les cas urgents d'abord.", 68,
                ("individual_replies",)),
            Act("fact", "Inès, directrice de crise", "Cause approuvée par la technique et le juridique.", None, (), 6),
            Act("note", "Inès, directrice de crise", "Prise de position publiée : la cause, les excuses, la suite.",
                None, ("position",)),
        ),
        "en": (
            Act("ack", "Claire, CM on call", "log open, calling engineering", 4, ("acknowledge",)),
            Act("note", "Samir, engineering", "Outage confirmed: equipment at the core of the network, since 6:40 pm, "
                "nationwide. No intrusion.", 11, ("qualify", "security_check")),
            Act("note", "Claire, CM on call", "Scheduled posts and advertising frozen. Prize draw taken down.", 14,
                ("freeze_posts",)),
            Act("note", "Claire, CM on call", "Status page updated; holding line read over by Ines, posted and pinned.",
                27, ("status_page", "holding_line")),
            Act("note", "Ines, crisis director", "Crisis cell convened, next update at 8:30 pm.", 46,
                ("crisis_cell", "situation_report")),
            Act("note", "Karim, customer care", "212 individual replies sent, urgent cases first.", 68,
                ("individual_replies",)),
            Act("fact", "Ines, crisis director", "Cause approved by engineering and legal.", None, (), 6),
            Act("note", "Ines, crisis director", "Position published: the cause, the apology, what comes next.", None,
                ("position",)),
        ),
    }
)  # fmt: skip

_FR = {
    "banner": "DÉMONSTRATION",
    "banner_long": "données synthétiques · exercice · marque inventée, rien n'est envoyé",
    "days": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "act_calm": "Un jour calme : Vigie apprend ce qui est normal",
    "act_watch": "Tout est normal : Vigie veille",
    "act_storm": "La crise",
    "act_after": "Après la prise de position : le calme revient",
    "chart": "Messages négatifs par 5 minutes",
    "chart_expected": "attendu",
    "feed": "Derniers messages",
    "incident": "Incident",
    "no_incident": "Aucun incident",
    "learning": "Première journée : Vigie apprend le rythme de la marque.",
    "learning_2": "Tant qu'elle ne sait pas, elle ne dit rien.",
    "learnt": "Rythme appris. Attendu à cette heure : {rate} négatifs par heure.",
    "read": "{n} messages lus, dont {neg} % négatifs",
    "weak": "Signal faible : à surveiller, personne n'est réveillé",
    "observed": "{observed} négatifs pour {expected} attendus",
    "since": "depuis {since}, ouvert à {opened}",
    "authors": "{n} auteurs · {networks}",
    "why": "Pourquoi",
    "terms": "On y lit",
    "acked": "Pris en charge par {who} à {at}",
    "unacked": "En attente de prise en charge",
    "alert": "Alerte",
    "steps": "Playbook : {title}",
    "drafts": "Brouillons (une personne relit, approuve et publie)",
    "timeline": "Main courante",
    "in_min": "dans {n} min",
    "late": "échue",
    "done": "fait",
    "ready": "prêt à relire",
    "blocked": "BLOQUÉ, il manque : {missing}",
    "kind_holding": "attente", "kind_position": "prise de position", "kind_reply": "réponse",
    "more": "… la suite : {command}",
    "pos": "pos", "neu": "neu", "neg": "nég",
    "phase_open": "ouvert", "phase_acknowledged": "pris en charge", "phase_contained": "maîtrisé",
    "phase_resolved": "terminé", "phase_suspected": "suspecté", "phase_false_alarm": "fausse alerte",
    "head_learnt": "LE CALME EST APPRIS",
    "head_steps": "PLAYBOOK",
    "head_drafts": "BROUILLONS (une personne relit, approuve et publie)",
    "head_people": "UNE PERSONNE AGIT",
    "head_fact": "UN FAIT EST APPROUVÉ",
    "head_end": "EN RÉSUMÉ",
    "raw_learnt": "{n} messages lus en 24 heures, dont {neg} % négatifs. Attendu à cette heure : {rate} négatifs par "
    "heure. Aucune alerte.",
    "raw_fact": "« cause » : {cause}. Le brouillon qui l'attendait est prêt à relire.",
    "sum_none": "Aucun incident.",
    "sum_open": "Alerte à {opened}, {delay} après le début de la panne, {before} avant la presse.",
    "sum_open_late": "Alerte à {opened}, {delay} après le début de la panne.",
    "sum_level": "Niveau le plus haut : {level}. {observed} messages négatifs de {authors} auteurs en tout.",
    "sum_end": "Pris en charge à {acked}, maîtrisé à {contained}, terminé à {resolved}.",
    "sum_end_open": "Pris en charge à {acked}.",
    "sum_read": "{n} messages lus, {alerts} alertes dont {urgent} à traiter tout de suite, aucune avant la panne.",
    "sum_read_early": "{n} messages lus, {alerts} alertes, dont {early} avant la panne.",
    "next": "Et maintenant",
    "next_replay": "rejouer vos propres messages (NDJSON, CSV)",
    "next_check": "vérifier vos réglages",
    "next_run": "veiller en continu",
    "interrupted": "Démonstration interrompue.",
}  # fmt: skip
_EN = {
    "banner": "DEMONSTRATION",
    "banner_long": "synthetic data · exercise · invented brand, nothing is sent",
    "days": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "act_calm": "A calm day: Vigie learns what is normal",
    "act_watch": "All is normal: Vigie keeps watch",
    "act_storm": "The crisis",
    "act_after": "After the statement: calm returns",
    "chart": "Negative messages per 5 minutes",
    "chart_expected": "expected",
    "feed": "Latest messages",
    "incident": "Incident",
    "no_incident": "No incident",
    "learning": "First day: Vigie is learning the brand's rhythm.",
    "learning_2": "As long as it does not know, it says nothing.",
    "learnt": "Rhythm learnt. Expected at this hour: {rate} negatives an hour.",
    "read": "{n} messages read, {neg}% of them negative",
    "weak": "Weak signal: worth watching, nobody is woken up",
    "observed": "{observed} negatives, {expected} expected",
    "since": "since {since}, opened at {opened}",
    "authors": "{n} authors · {networks}",
    "why": "Why",
    "terms": "They say",
    "acked": "Acknowledged by {who} at {at}",
    "unacked": "Waiting for somebody to take it",
    "alert": "Alert",
    "steps": "Playbook: {title}",
    "drafts": "Drafts (a person reads, approves and posts)",
    "timeline": "Log",
    "in_min": "in {n} min",
    "late": "overdue",
    "done": "done",
    "ready": "ready to read over",
    "blocked": "BLOCKED, missing: {missing}",
    "kind_holding": "holding", "kind_position": "position", "kind_reply": "reply",
    "more": "… more: {command}",
    "pos": "pos", "neu": "neu", "neg": "neg",
    "phase_open": "open", "phase_acknowledged": "acknowledged", "phase_contained": "contained",
    "phase_resolved": "over", "phase_suspected": "suspected", "phase_false_alarm": "false alarm",
    "head_learnt": "CALM IS LEARNT",
    "head_steps": "PLAYBOOK",
    "head_drafts": "DRAFTS (a person reads, approves and posts)",
    "head_people": "A PERSON ACTS",
    "head_fact": "A FACT IS APPROVED",
    "head_end": "IN SHORT",
    "raw_learnt": "{n} messages read in 24 hours, {neg}% of them negative. Expected at this hour: {rate} negatives an "
    "hour. No alert.",
    "raw_fact": "“cause”: {cause}. The draft that waited for it is ready to read over.",
    "sum_none": "No incident.",
    "sum_open": "Alert at {opened}, {delay} after the outage began, {before} before the press.",
    "sum_open_late": "Alert at {opened}, {delay} after the outage began.",
    "sum_level": "Highest level: {level}. {observed} negative messages from {authors} authors in all.",
    "sum_end": "Acknowledged at {acked}, contained at {contained}, over at {resolved}.",
    "sum_end_open": "Acknowledged at {acked}.",
    "sum_read": "{n} messages read, {alerts} alerts of which {urgent} to act on at once, none before the outage.",
    "sum_read_early": "{n} messages read, {alerts} alerts, {early} of them before the outage.",
    "next": "What next",
    "next_replay": "replay your own messages (NDJSON, CSV)",
    "next_check": "check your settings",
    "next_run": "keep watch for good",
    "interrupted": "Demonstration interrupted.",
}  # fmt: skip

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType({"fr": _FR, "en": _EN})
NEXT = (
    ("next_replay", "vigie replay mentions.ndjson"),
    ("next_check", "vigie check -c vigie.yaml"),
    ("next_run", "vigie run -c vigie.yaml"),
)
