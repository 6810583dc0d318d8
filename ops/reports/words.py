"""The words of reports, French and English."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from playbooks.typography import typeset

_FR = {
    "exercise": "EXERCICE : ce qui suit est une simulation.",
    "rising": "ça monte", "falling": "ça baisse", "steady": "c'est stable",
    "open": "à faire", "claimed": "en cours", "done": "fait", "skipped": "écarté",
    "holding": "message d'attente", "position": "prise de position", "reply": "réponse individuelle",
    "nobody": "personne pour l'instant", "none": "aucun", "unknown": "à établir", "and": " et ",
    "phase_suspected": "soupçonné", "phase_open": "ouvert, personne ne l'a pris",
    "phase_acknowledged": "pris en charge",
    "phase_contained": "contenu", "phase_resolved": "terminé", "phase_false_alarm": "fausse alerte",
    "times": "{n} fois la normale", "above": "au-dessus de la normale",
    "acknowledge": "prise en charge", "qualify": "qualification", "freeze": "gel des publications",
    "crisis_cell": "cellule de crise", "holding_line": "message d'attente", "situation_report": "point de situation",
    "rgpd_notice": "notification CNIL (72 h)", "second_wave_watch": "veille de seconde vague", "debrief": "RETEX",
    "in_time": "à l'heure", "late": "{by} de retard", "not_done": "pas fait, {by} de retard",
    "not_due": "pas encore dû",
    "negatives": "Messages négatifs par tranche de 10 minutes", "usual": "niveau habituel", "observed": "observés",
    "foreign": "Les raisons et la main courante restent dans la langue dans laquelle elles ont été écrites.",
    "quote": "« {} »", "published": "publié", "approved": "approuvé, pas encore publié",
}  # fmt: skip
_EN = {
    "exercise": "EXERCISE: what follows is a simulation.",
    "rising": "rising", "falling": "falling", "steady": "steady",
    "open": "to do", "claimed": "under way", "done": "done", "skipped": "set aside",
    "holding": "holding line", "position": "position", "reply": "individual reply",
    "nobody": "nobody yet", "none": "none", "unknown": "to be established", "and": " and ",
    "phase_suspected": "suspected", "phase_open": "open, nobody has taken it", "phase_acknowledged": "taken in charge",
    "phase_contained": "contained", "phase_resolved": "over", "phase_false_alarm": "false alarm",
    "times": "{n} times the normal", "above": "above normal",
    "acknowledge": "acknowledgement", "qualify": "qualification", "freeze": "freeze of posts",
    "crisis_cell": "crisis cell", "holding_line": "holding line", "situation_report": "situation report",
    "rgpd_notice": "GDPR notice (72 h)", "second_wave_watch": "second-wave watch", "debrief": "post-incident review",
    "in_time": "in time", "late": "{by} late", "not_done": "not done, {by} late", "not_due": "not due yet",
    "negatives": "Negative messages by ten minutes", "usual": "usual level", "observed": "observed",
    "foreign": "Reasons and the log stay in the language in which they were written.",
    "quote": "“{}”", "published": "published", "approved": "approved, not published yet",
}  # fmt: skip

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {lang: {key: typeset(text, lang) for key, text in table.items()} for lang, table in (("fr", _FR), ("en", _EN))}
)


def words(lang: str) -> Mapping[str, str]:
    """The words of a language; English for one that we don't speak."""
    return WORDS.get(lang, WORDS["en"])
