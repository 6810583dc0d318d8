"""What the log of a run says, in French and English. Typeset when said, so that French spaces are right."""

from __future__ import annotations

from collections.abc import Mapping

from playbooks.typography import typeset

SAID: Mapping[str, tuple[str, str]] = {
    "started": ("Playbook lancé : {0} ({1} étapes)", "Playbook started: {0} ({1} steps)"),
    "silence": ("Choix : ne pas répondre. {0}", "The choice is not to answer. {0}"),
    "answer": ("Choix : répondre de nouveau", "The choice is to answer again"),
    "due": ("À faire maintenant : {0}", "To do now: {0}"),
    "again": ("À refaire : {0}", "Due again: {0}"),
    "claimed": ("Pris par {1} : {0}", "Taken by {1}: {0}"),
    "handed": ("Repris à {2} par {1} : {0}", "Taken over from {2} by {1}: {0}"),
    "released": ("Rendu par {1} : {0}", "Given back by {1}: {0}"),
    "done": ("Fait : {0}", "Done: {0}"),
    "skipped": ("Écarté : {0}. Raison : {1}", "Left out: {0}. Reason: {1}"),
    "revived": ("De nouveau demandé : {0}", "Asked for again: {0}"),
    "overdue": ("En retard : {0}", "Overdue: {0}"),
    "escalated": ("Toujours pas fait, {1} est prévenu : {0}", "Still not done, {1} is told: {0}"),
    "replanned": ("Nouveau playbook : {0}. {1}", "New playbook: {0}. {1}"),
    "raised": ("Niveau {0} : les délais se resserrent", "Level {0}: the clocks tighten"),
    "lowered": ("Niveau {0} : les délais en cours restent", "Level {0}: the clocks that run stay"),
    "contained": ("Maîtrisé : plus de point de situation régulier", "Contained: no more regular situation reports"),
    "closing": (
        "Levée de crise : message de fin, veille de 7 jours, RETEX",
        "Stand-down: closing message, 7 days of watch, review",
    ),
    "wave": ("Seconde vague ({0}) : le playbook reprend", "Second wave ({0}): the playbook starts again"),
    "false_alarm": ("Fausse alerte : tout s'arrête", "False alarm: everything stops"),
    "ended": ("Tout est fait : dossier clos", "Everything is done: the file is closed"),
    "leak": ("Fuite de données : le délai RGPD de 72 heures court", "Data leak: the 72 hours of the GDPR run"),
    "legal_asked": ("Juridique saisi", "Legal was asked"),
    "legal_answered": ("Le juridique a répondu", "Legal has answered"),
    "legal_silent": (
        "Juridique muet depuis {0} minutes : le décideur peut libérer le message d'attente pré-approuvé",
        "Legal silent for {0} minutes: the decision maker may release the pre-approved holding line",
    ),
    "legal_released": (
        "Message d'attente libéré sans le juridique par {0}", "Holding line released without legal by {0}"
    ),
    "freeze_asked": ("Gel des publications demandé", "Freeze of scheduled posts asked for"),
    "frozen": ("Publications gelées : {0}", "Scheduled posts frozen: {0}"),
    "freeze_failed": ("Le gel automatique a échoué ({0}) : geler à la main", "The freeze failed ({0}): freeze by hand"),
    "freeze_answered": ("le webhook a répondu oui", "the webhook said yes"),
    "freeze_exercise": ("exercice, le webhook n'est pas appelé", "exercise, the webhook is not called"),
    "freeze_unset": ("aucun webhook n'est réglé", "no webhook is set"),
    "thaw_asked": ("Reprise des publications demandée", "Release of scheduled posts asked for"),
    "thawed": ("Publications reprises : {0}", "Scheduled posts released: {0}"),
    "thaw_failed": (
        "La reprise automatique a échoué ({0}) : reprendre à la main", "The release failed ({0}): release by hand"
    ),
    "why_plan": ("le nouveau playbook ne la demande pas", "the new playbook does not ask for it"),
    "why_level": ("le niveau ne la demande pas", "the level does not ask for it"),
    "why_contained": ("incident maîtrisé", "incident contained"),
    "why_over": ("incident terminé", "incident over"),
    "why_wave": ("seconde vague", "second wave"),
    "why_false": ("fausse alerte", "false alarm"),
    "why_silence": ("le choix est de ne pas répondre", "the choice is not to answer"),
    "why_released": ("juridique muet, libéré par {0}", "legal silent, released by {0}"),
    "fact_proposed": ("Fait proposé : {0}", "Fact proposed: {0}"),
    "fact_approved": ("Fait approuvé : {0}", "Fact approved: {0}"),
    "page_overdue": ("En retard : {0}. Fait quand : {1}", "Overdue: {0}. Done when: {1}"),
    "page_escalated": (
        "{1} n'a pas répondu. En retard : {0}. Fait quand : {2}", "{1} did not answer. Overdue: {0}. Done when: {2}"
    ),
    "page_legal": (
        "Juridique muet depuis {0} minutes : vous pouvez libérer le message d'attente pré-approuvé",
        "Legal silent for {0} minutes: you may release the pre-approved holding line",
    ),
    "page_freeze": (
        "Le gel automatique a échoué ({0}) : geler les publications à la main",
        "The freeze failed ({0}): freeze scheduled posts by hand",
    ),
    "rgpd_title": (
        "Notifier la fuite à la CNIL sous 72 heures, ou écrire pourquoi elle ne l'est pas",
        "Notify the data-protection authority within 72 hours, or write down why not",
    ),
    "rgpd_done": (
        "Le récépissé de la notification, ou l'analyse qui l'écarte, est au dossier.",
        "The receipt of the notification, or the analysis that rules it out, is on file.",
    ),
    "not_yet": ("attend encore : {0}", "still waits for: {0}"),
    "no_step": ("pas d'étape {0} ; il y a : {1}", "no step {0}; there are: {1}"),
    "closed": ("{0} est déjà close ({1}, {2})", "{0} is closed already ({1}, {2})"),
    "nobody": ("personne n'a pris {0}", "nobody has taken {0}"),
    "why": ("écrivez pourquoi", "write why"),
    "over": ("le dossier est clos", "the file is closed"),
    "not_silent": (
        "le juridique a {0} minutes pour répondre ; il en reste {1}", "legal has {0} minutes to answer; {1} are left"
    ),
    "not_asked": ("le juridique n'a pas été saisi", "legal was not asked"),
    "freeze_already": ("le gel est déjà {0}", "the freeze is already {0}"),
}  # fmt: skip
"""Key -> French, English."""

STATES: Mapping[str, tuple[str, str]] = {
    "waiting": ("attend", "waits"),
    "due": ("à faire", "to do"),
    "claimed": ("pris", "taken"),
    "done": ("fait", "done"),
    "skipped": ("écarté", "left out"),
    "none": ("absent", "absent"),
    "asked": ("demandé", "asked for"),
    "frozen": ("en place", "in force"),
    "failed": ("en échec", "failed"),
    "thawing": ("en cours de levée", "being released"),
    "thawed": ("levé", "released"),
}
"""The states of a step and of the freeze, as people call them."""


def said(lang: str, key: str, *args: object) -> str:
    """A sentence of the log. What is put in is data, and is never typeset.

    >>> said("fr", "done", "Geler"), said("en", "done", "Freeze")
    ('Fait\\xa0: Geler', 'Done: Freeze')
    """
    text = SAID[key][0 if lang == "fr" else 1]
    return typeset(text, lang).format(*args)


def state_name(lang: str, state: str) -> str:
    return STATES[state][0 if lang == "fr" else 1]
