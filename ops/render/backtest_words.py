"""The words of `vigie backtest`, French and English, for people who run social media and no statistics."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ops.render.wording import number
from playbooks.typography import typeset

_FR = {
    "reading": "Lecture de {path}",
    "title": "Ce que Vigie aurait vu",
    "subtitle": "Votre historique, rejugé selon plusieurs budgets de fausses alertes",
    "period": "du {first} au {last} UTC",
    "mentions": "mentions",
    "file": "Fichier",
    "warned": "Avec un budget de {budget}{each}, Vigie vous aurait prévenu {times} en {span}{again} ; voici "
    "lesquelles.",
    "again_one": ", dont {n} pour un incident qui repartait",
    "again_many": ", dont {n} pour un incident qui repartait",
    "never": "Avec un budget de {budget}{each}, Vigie n'aurait rien signalé en {span}.",
    "unwatched": "Avec un budget de {budget}{each} : l'historique est trop court pour juger, Vigie apprend encore ce "
    "qui est normal.",
    "paged_some": "L'astreinte aurait été appelée {times} (orange ou rouge).",
    "paged_none": "L'astreinte n'aurait jamais été appelée (ni orange ni rouge).",
    "each_brand": " et par marque",
    "budget_one": "{n} fausse alerte par semaine",
    "budget_many": "{n} fausses alertes par semaine",
    "time_one": "{n} fois",
    "time_many": "{n} fois",
    "weeks_one": "{n} semaine",
    "weeks_many": "{n} semaines",
    "days_one": "{n} jour",
    "days_many": "{n} jours",
    "hours": "{n} h",
    "minutes": "{n} min",
    "empty": "Le fichier ne contient aucune mention lisible : il n'y a rien à juger.",
    "short": "Moins de {weeks} semaines observées : les chiffres par semaine ne sont qu'une indication.",
    "some_unmatched": "{n} mentions ne concernaient aucune des marques suivies et n'ont pas été jugées.",
    "some_late": "{n} mentions arrivaient trop tard pour compter.",
    "overview": "Le choix en un coup d'œil",
    "budget": "Budget",
    "brand": "Marque",
    "all": "Toutes",
    "columns": "Temps observé|Incidents|Repartis|Alertes par semaine|… par marque|Appels d'astreinte par semaine|"
    "Alertes par niveau|Délai médian|Avance médiane sur le pic",
    "columns_short": "Observé|Incidents|Repartis|Alertes/sem.|par marque|Astreinte/sem.|Alertes par niveau|Délai|"
    "Avance",
    "matrix": "Marque par marque",
    "matrix_note": "Pour chaque budget : incidents ouverts ou repartis, et alertes par semaine.",
    "matrix_cell": "{n} · {rate}/sem.",
    "budget_column": "Budget {n}",
    "before_peak": "{lead} avant le pic",
    "at_peak": "au moment du pic",
    "after_peak": "{lead} après le pic",
    "history": "L'historique",
    "timeline": "Mentions négatives par tranche de {per}",
    "warming": "apprentissage",
    "lane": "une ligne par budget, un rond par incident",
    "peak": "max.",
    "found": "Budget de {n} : les incidents",
    "nothing": "Aucun incident.",
    "opened": "{at} UTC",
    "since": "début : {at}",
    "after": "{delay} après le début estimé",
    "came_back": "l'incident repart",
    "why": "Pourquoi",
    "playbook": "Fiche réflexe",
    "terms": "On y lit",
    "samples": "Quelques messages",
    "quoted": "« {text} »",
    "colon": "{name} : {value}",
    "more_brands": "… et {n} autres marques, dans le JSON.",
    "more_incidents": "… et {n} autres incidents, dans le JSON.",
    "how": "Comment lire ces chiffres",
    "how_budget": "Le budget est le nombre de fausses alertes qu'une marque peut vous coûter par semaine, quand il ne "
    "se passe rien. Les vraies crises viennent en plus : tous les incidents ci-dessous ne sont pas de fausses alertes, "
    "à vous de dire lesquels vous auriez voulu connaître.",
    "how_alert": "Une alerte, c'est un incident qui s'ouvre, qui repart ou dont le niveau monte. Les niveaux orange et "
    "rouge appellent l'astreinte. Les messages de retour au calme ne sont pas comptés.",
    "how_delay": "Le délai va du début estimé de la vague à l'ouverture de l'incident, à l'heure des messages. En "
    "service, ajoutez le temps que mettent les messages à arriver. L'avance va de cette ouverture au pic de la vague, "
    "son quart d'heure le plus chargé en mentions négatives ; un signe moins veut dire après le pic.",
    "how_warm": "Vigie commence par apprendre ce qui est normal pour chaque marque ; ce temps n'est pas compté. Pour "
    "plusieurs marques ensemble, le temps observé va du premier jugement au dernier.",
    "glossary_line": "Alerte : incident qui s'ouvre, repart ou monte de niveau. Astreinte : alertes orange et rouges. "
    "Délai : du début estimé à l'ouverture. Avance : de l'ouverture au pic. Heures UTC.",
    "footer": "Heures en UTC. Rien n'a été envoyé à personne ; le même fichier donne toujours le même résultat.",
}
_EN = {
    "reading": "Reading {path}",
    "title": "What Vigie would have seen",
    "subtitle": "Your history, judged again under several budgets of false alarms",
    "period": "{first} to {last} UTC",
    "mentions": "mentions",
    "file": "File",
    "warned": "With a budget of {budget}{each}, Vigie would have warned you {times} in {span}{again}; here is when.",
    "again_one": ", {n} of them for an incident that came back",
    "again_many": ", {n} of them for an incident that came back",
    "never": "With a budget of {budget}{each}, Vigie would have reported nothing in {span}.",
    "unwatched": "With a budget of {budget}{each}: the history is too short to judge, Vigie is still learning what is "
    "normal.",
    "paged_some": "The person on call would have been paged {times} (orange or rouge).",
    "paged_none": "Nobody on call would have been paged (neither orange nor rouge).",
    "each_brand": " for each brand",
    "budget_one": "{n} false alarm a week",
    "budget_many": "{n} false alarms a week",
    "time_one": "once",
    "time_many": "{n} times",
    "weeks_one": "{n} week",
    "weeks_many": "{n} weeks",
    "days_one": "{n} day",
    "days_many": "{n} days",
    "hours": "{n} h",
    "minutes": "{n} min",
    "empty": "The file holds no mention that can be read: there is nothing to judge.",
    "short": "Fewer than {weeks} weeks watched: figures a week are only a hint.",
    "some_unmatched": "{n} mentions concerned none of the brands and were not judged.",
    "some_late": "{n} mentions came too late to count.",
    "overview": "The choice at a glance",
    "budget": "Budget",
    "brand": "Brand",
    "all": "All",
    "columns": "Time watched|Incidents|Came back|Alerts a week|… per brand|Pages a week|Alerts by level|Median delay|"
    "Median lead on the peak",
    "columns_short": "Watched|Incidents|Came back|Alerts/week|per brand|Pages/week|Alerts by level|Delay|Lead",
    "matrix": "Brand by brand",
    "matrix_note": "For each budget: incidents that opened or came back, and alerts a week.",
    "matrix_cell": "{n} · {rate}/week",
    "budget_column": "Budget {n}",
    "before_peak": "{lead} before the peak",
    "at_peak": "at the peak",
    "after_peak": "{lead} after the peak",
    "history": "The history",
    "timeline": "Negative mentions per {per}",
    "warming": "learning",
    "lane": "one line a budget, one dot an incident",
    "peak": "max.",
    "found": "Budget of {n}: the incidents",
    "nothing": "No incident.",
    "opened": "{at} UTC",
    "since": "onset: {at}",
    "after": "{delay} after the estimated onset",
    "came_back": "the incident came back",
    "why": "Why",
    "playbook": "Playbook",
    "terms": "They say",
    "samples": "Some of the messages",
    "quoted": "“{text}”",
    "colon": "{name}: {value}",
    "more_brands": "… and {n} more brands, in the JSON.",
    "more_incidents": "… and {n} more incidents, in the JSON.",
    "how": "How to read these figures",
    "how_budget": "The budget is how many false alarms a brand may cost you a week while nothing is going on. Real "
    "crises come on top of it: not all the incidents below are false alarms, and only you can say which of them you "
    "would have wanted to hear of.",
    "how_alert": "An alert is an incident that opens, comes back, or rises in level. Orange and rouge page the person "
    "on call. News of calm is not counted.",
    "how_delay": "The delay runs from the estimated onset of the wave to the opening of the incident, in the time of "
    "the messages. In service, add the time that messages take to arrive. The lead runs from that opening to the "
    "peak of the wave, its quarter of an hour with the most negative mentions; a minus means after the peak.",
    "how_warm": "Vigie first learns what is normal for each brand; that time is not counted. For several brands "
    "together, the time watched runs from the first judgement to the last.",
    "glossary_line": "Alert: an incident that opens, comes back or rises in level. Pages: orange and rouge alerts. "
    "Delay: from estimated onset to opening. Lead: from opening to peak. Times are UTC.",
    "footer": "Times are UTC. Nothing was sent to anyone; the same file always gives the same result.",
}

_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {lang: {key: typeset(text, lang) for key, text in table.items()} for lang, table in (("fr", _FR), ("en", _EN))}
)


def words(lang: str) -> Mapping[str, str]:
    """The phrases of a language; English where there is none of its own."""
    return _WORDS.get(lang, _WORDS["en"])


def counted(n: float, what: str, lang: str) -> str:
    """A number with its noun, in the singular or plural that the language wants.

    >>> counted(1, "time", "en"), counted(3, "time", "en"), counted(1.5, "weeks", "fr"), counted(1.5, "weeks", "en")
    ('once', '3 times', '1,5 semaine', '1.5 weeks')
    """
    # French says one up to two, English says one of exactly one
    one = n < 2 if lang == "fr" else n == 1
    return words(lang)[f"{what}_{'one' if one else 'many'}"].format(n=number(n, lang))


def number_of_budget(budget: float, lang: str) -> str:
    """A budget as a figure of the language, all its digits.

    >>> number_of_budget(0.25, "fr"), number_of_budget(2.0, "en")
    ('0,25', '2')
    """
    return f"{budget:g}".replace(".", "," if lang == "fr" else ".")


def budget_text(budget: float, lang: str) -> str:
    """A budget in words, all its digits.

    >>> budget_text(0.25, "fr"), budget_text(1.0, "en")
    ('0,25 fausse alerte par semaine', '1 false alarm a week')
    """
    one = budget < 2 if lang == "fr" else budget == 1
    return words(lang)["budget_one" if one else "budget_many"].format(n=number_of_budget(budget, lang))


def span_text(weeks: float, lang: str) -> str:
    """A length of time in the unit that suits it.

    >>> span_text(8.0, "fr"), span_text(0.5, "en"), span_text(1 / 56, "en"), span_text(1 / 2016, "en")
    ('8 semaines', '3.5 days', '3 h', '5 min')
    """
    weeks = round(weeks, 6)
    if weeks >= 1:
        return counted(round(weeks, 1), "weeks", lang)
    if weeks * 7 >= 1:
        return counted(round(weeks * 7, 1), "days", lang)
    hours = weeks * 168
    if round(hours, 2) >= 1:
        return words(lang)["hours"].format(n=number(round(hours, 1), lang))
    return words(lang)["minutes"].format(n=number(round(hours * 60), lang))


def rate_text(rate: float | None, lang: str) -> str:
    """So many a week, two digits behind the point; a dash where nothing was watched.

    >>> rate_text(0.375, "fr"), rate_text(2.0, "en"), rate_text(None, "en")
    ('0,38', '2', '–')
    """
    if rate is None:
        return "–"
    text = "< 0.01" if 0 < rate < 0.01 else f"{rate:.2f}".rstrip("0").rstrip(".")
    return text.replace(".", ",") if lang == "fr" else text
