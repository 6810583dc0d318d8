"""What `vigie replay` tells: a line for each alert as it comes, then each incident, then the totals."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engine.domain.effects import AlertRaised
from engine.domain.incident import Incident, Level
from engine.domain.playbook import Plan
from ops.render.neutral import plain
from ops.render.themes import copies_line, themes_line
from ops.render.wording import duration, number

if TYPE_CHECKING:
    from ops.replaying import Totals

COLOURS = {Level.VERT: "green", Level.JAUNE: "yellow", Level.ORANGE: "dark_orange", Level.ROUGE: "red"}

_WORDS = {
    "fr": {
        "reading": "Lecture de {path}",
        "none": "Aucun incident.",
        "opened": "ouvert {at} UTC, {delay} après le début estimé ({since} UTC)",
        "closed": "clos {at} UTC",
        "open": "toujours en cours",
        "why": "pourquoi",
        "level": "niveau",
        "terms": "on y parle de",
        "facts": "{observed} négatifs pour {expected} attendus, {authors} auteurs, {networks}",
        "facts_unnamed": "{observed} négatifs pour {expected} attendus, {networks}",
        "playbook": "playbook",
        "drafts": "{n} brouillons, {blocked} à compléter",
        "totals": "{mentions} mentions, {rejected} rejetées, {duplicates} doublons, {late} en retard, "
        "{unmatched} sans marque, {future_clamped} datées du futur, {truncated} coupées, "
        "{unknown_fields} champs inconnus",
        "rate": "{rate} mentions par seconde",
        "exercise": "EXERCICE",
        "kinds": {
            "opened": "ouvert", "raised": "relevé", "lowered": "abaissé", "reopened": "rouvert",
            "contained": "maîtrisé", "resolved": "clos", "silent": "source muette", "heard": "source revenue",
        },
    },
    "en": {
        "reading": "Reading {path}",
        "none": "No incident.",
        "opened": "opened {at} UTC, {delay} after the estimated onset ({since} UTC)",
        "closed": "closed {at} UTC",
        "open": "still going on",
        "why": "why",
        "level": "level",
        "terms": "they speak of",
        "facts": "{observed} negatives, {expected} expected, {authors} authors, {networks}",
        "facts_unnamed": "{observed} negatives, {expected} expected, {networks}",
        "playbook": "playbook",
        "drafts": "{n} drafts, {blocked} to fill in",
        "totals": "{mentions} mentions, {rejected} rejected, {duplicates} duplicates, {late} late, "
        "{unmatched} unmatched, {future_clamped} dated in the future, {truncated} cut, {unknown_fields} unknown fields",
        "rate": "{rate} mentions a second",
        "exercise": "EXERCISE",
        "kinds": {
            "opened": "opened", "raised": "raised", "lowered": "lowered", "reopened": "reopened",
            "contained": "contained", "resolved": "closed", "silent": "silent source", "heard": "heard again",
        },
    },
}  # fmt: skip


def words(lang: str) -> dict[str, str]:
    """The phrases of a language; English where there is none of its own."""
    return _WORDS.get(lang, _WORDS["en"])  # type: ignore[return-value]  # `kinds` is read by `alert_line` alone


def when(at_ms: int) -> str:
    """To the minute, UTC.

    >>> when(1_767_225_600_000)
    '2026-01-01 00:00'
    """
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def alert_line(raised: AlertRaised, lang: str) -> str:
    """One alert on one line: when, how grave, which brand, what happened."""
    alert, incident = raised.alert, raised.alert.incident
    kind = _WORDS.get(lang, _WORDS["en"])["kinds"][alert.kind.value]  # type: ignore[index]  # `kinds` is a table
    mark = f"[{words(lang)['exercise']}] " if incident.exercise else ""
    return f"{when(alert.at_ms)}  {incident.level.label.upper():<6}  {mark}{plain(incident.brand, 40)}  {kind}"


def incident_lines(incident: Incident, plan: Plan | None, lang: str) -> list[str]:
    """One incident: delay, level, why, what it is about, playbook."""
    say, evidence = words(lang), incident.evidence
    delay = duration(incident.opened_at_ms - incident.since_ms, lang)
    opened = say["opened"].format(at=when(incident.opened_at_ms), delay=delay, since=when(incident.since_ms))
    end = say["open"] if incident.closed_at_ms is None else say["closed"].format(at=when(incident.closed_at_ms))
    head = f"{incident.level_max.label.upper()}  {plain(incident.brand, 60)}  {incident.id}"
    lines = [head, f"  {opened}", f"  {end}"]
    reasons = max(incident.levels, key=lambda change: change.level).reasons
    lines += [f"  {say['why']}: {plain(reason, 200)}" for reason in reasons]
    networks = ", ".join(f"{name} {number(n, lang)}" for name, n in evidence.networks[:4])
    facts = say["facts" if evidence.authors else "facts_unnamed"].format(
        observed=number(evidence.observed, lang),
        expected=number(evidence.expected, lang),
        authors=number(evidence.authors, lang),
        networks=networks,
    )
    lines.append(f"  {facts}")
    if evidence.top_terms:
        lines.append(f"  {say['terms']}: {plain(', '.join(evidence.top_terms), 200)}")
    told = (themes_line(evidence.themes, lang), copies_line(evidence.themes, lang))
    lines += [f"  {line}" for line in told if line]
    if plan is not None:
        blocked = sum(draft.blocked for draft in plan.drafts)
        drafts = say["drafts"].format(n=len(plan.drafts), blocked=blocked)
        lines.append(f"  {say['playbook']}: {plan.playbook} ({plan.reason}); {drafts}")
    return lines


def totals_line(totals: Totals, lang: str) -> str:
    """What came of the mentions."""
    fields = {name: number(getattr(totals, name), lang) for name in totals.__slots__}
    return words(lang)["totals"].format(**fields)
