"""`--report DIR`: a page in Markdown for each incident, and one that lists them.

Everything that people wrote stands in it as literal text, never as markup.
"""

from __future__ import annotations

from pathlib import Path

from engine.domain.errors import InputError
from engine.domain.incident import Incident
from engine.domain.playbook import Draft, Plan
from ops.render.neutral import defused, plain
from ops.render.replay import when
from ops.render.themes import theme_lines
from ops.render.wording import duration, number

_FR = {
    "index": "Incidents",
    "none": "Aucun incident.",
    "exercise": "**EXERCICE** - ce qui suit est une simulation.",
    "facts": "L’essentiel",
    "opened": "Ouvert le {at} UTC, {delay} après le début estimé ({since} UTC).",
    "closed": "Clos le {at} UTC.",
    "open": "Toujours en cours à la fin du fichier.",
    "figures": "{observed} mentions négatives pour {expected} attendues, sur {total}\u00a0; {authors}.",
    "authors": "{n} auteurs",
    "nobody": "auteurs inconnus de la source",
    "terms": "On y parle de\u00a0: {terms}.",
    "networks": "Réseaux\u00a0: {networks}.",
    "themes": "Thèmes",
    "levels": "Niveaux",
    "at": "Heure (UTC)",
    "level": "Niveau",
    "why": "Pourquoi",
    "evidence": "Mentions représentatives",
    "roles": {"first": "la première", "reach": "la plus vue", "typical": "typique"},
    "playbook": "Playbook\u00a0: {title}",
    "silence": "Ne pas répondre si…",
    "who": "Qui",
    "due": "À faire sous",
    "what": "Quoi",
    "done": "Fait quand",
    "drafts": "Brouillons (jamais envoyés sans l’accord d’une personne)",
    "missing": "À compléter\u00a0: {names}",
    "timeline": "Main courante",
}
_EN = {
    "index": "Incidents",
    "none": "No incident.",
    "exercise": "**EXERCISE** - what follows is a simulation.",
    "facts": "In short",
    "opened": "Opened {at} UTC, {delay} after the estimated onset ({since} UTC).",
    "closed": "Closed {at} UTC.",
    "open": "Still going on at the end of the file.",
    "figures": "{observed} negative mentions, {expected} expected, of {total} mentions; {authors}.",
    "authors": "{n} authors",
    "nobody": "authors unknown to the source",
    "terms": "They speak of: {terms}.",
    "networks": "Networks: {networks}.",
    "themes": "Themes",
    "levels": "Levels",
    "at": "Time (UTC)",
    "level": "Level",
    "why": "Why",
    "evidence": "Mentions that count",
    "roles": {"first": "the first", "reach": "most seen", "typical": "typical"},
    "playbook": "Playbook: {title}",
    "silence": "Do not answer if…",
    "who": "Who",
    "due": "Due within",
    "what": "What",
    "done": "Done when",
    "drafts": "Drafts (never sent without a person's approval)",
    "missing": "To fill in: {names}",
    "timeline": "Log",
}


def write_pages(found: list[tuple[Incident, Plan | None]], folder: Path, lang: str) -> list[Path]:
    """Write index.md and a page an incident into `folder`. Raises InputError if it can't be written."""
    say = _FR if lang == "fr" else _EN
    pages = {f"{incident.id}.md": incident_page(incident, plan, lang) for incident, plan in found}
    lines = [f"# {say['index']}", ""]
    for incident, _ in found:
        level = incident.level_max.label
        lines.append(f"- [{when(incident.opened_at_ms)} {defused(incident.brand, 60)} ({level})]({incident.id}.md)")
    pages["index.md"] = "\n".join(lines if found else [*lines, str(say["none"])]) + "\n"
    written = []
    for name, text in pages.items():
        path = folder / name
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise InputError(f"--report {path}: {error.strerror or error}") from None
        written.append(path)
    return written


def incident_page(incident: Incident, plan: Plan | None, lang: str) -> str:
    """One incident as Markdown: what, since when, how big against normal, who does what, drafts, log."""
    lines = _head(incident, lang) + _levels(incident, lang) + _mentions(incident, lang)
    if plan is not None:
        lines += _plan(plan, lang)
    say = _FR if lang == "fr" else _EN
    lines += [f"## {say['timeline']}", ""]
    lines += [f"- {when(e.at_ms)} **{defused(e.actor, 40)}** {defused(e.text, 400)}" for e in incident.timeline]
    return "\n".join(lines) + "\n"


def _head(incident: Incident, lang: str) -> list[str]:
    say, evidence = _FR if lang == "fr" else _EN, incident.evidence
    delay = duration(incident.opened_at_ms - incident.since_ms, lang)
    opened = str(say["opened"]).format(at=when(incident.opened_at_ms), delay=delay, since=when(incident.since_ms))
    closed = say["open"] if incident.closed_at_ms is None else str(say["closed"]).format(at=when(incident.closed_at_ms))
    figures = str(say["figures"]).format(
        observed=number(evidence.observed, lang),
        expected=number(evidence.expected, lang),
        total=number(evidence.total, lang),
        authors=str(say["authors"]).format(n=number(evidence.authors, lang)) if evidence.authors else say["nobody"],
    )
    lines = [f"# {incident.level_max.label.upper()} - {defused(incident.brand, 60)}", ""]
    if incident.exercise:
        lines += [str(say["exercise"]), ""]
    lines += [f"## {say['facts']}", "", f"- {opened} {closed}", f"- {figures}"]
    if evidence.top_terms:
        lines.append("- " + str(say["terms"]).format(terms=defused(", ".join(evidence.top_terms), 200)))
    networks = ", ".join(f"{name} {number(n, lang)}" for name, n in evidence.networks)
    lines += ["- " + str(say["networks"]).format(networks=networks), ""]
    if evidence.themes:
        lines += [f"## {say['themes']}", ""]
        lines += [
            f"{line[: len(line) - len(line.lstrip())]}- {line.lstrip()}" for line in theme_lines(evidence.themes, lang)
        ]
        lines.append("")
    return lines


def _levels(incident: Incident, lang: str) -> list[str]:
    say = _FR if lang == "fr" else _EN
    lines = [f"## {say['levels']}", "", f"| {say['at']} | {say['level']} | {say['why']} |", "| --- | --- | --- |"]
    for change in incident.levels:
        why = "; ".join(defused(reason, 200) for reason in change.reasons)
        lines.append(f"| {when(change.at_ms)} | {change.level.label} | {why} |")
    return [*lines, ""]


def _mentions(incident: Incident, lang: str) -> list[str]:
    say = _FR if lang == "fr" else _EN
    if not incident.evidence.mentions:
        return []
    roles: dict[str, str] = say["roles"]  # type: ignore[assignment]  # the one entry that is a table
    lines = [f"## {say['evidence']}", ""]
    for item in incident.evidence.mentions:
        m = item.mention
        colon = "\u00a0:" if lang == "fr" else ":"
        lines.append(f"- {when(m.created_at_ms)}, {m.source}, {roles[item.role]}{colon} {defused(m.text, 280)}")
    return [*lines, ""]


def _plan(plan: Plan, lang: str) -> list[str]:
    say = _FR if lang == "fr" else _EN
    lines = [f"## {str(say['playbook']).format(title=plain(plan.title, 120))}", "", plain(plan.reason, 300), ""]
    lines += [f"**{say['silence']}** {plain(plan.do_not_answer, 1_000)}", ""]
    lines += [f"| {say['due']} | {say['who']} | {say['what']} | {say['done']} |", "| --- | --- | --- | --- |"]
    for step in plan.steps:
        cells = (
            duration(step.due_min * 60_000, lang),
            plain(step.role),
            plain(step.title, 300),
            plain(step.done_when, 300),
        )
        lines.append("| " + " | ".join(cell.replace("|", "¦") for cell in cells) + " |")
    lines += ["", f"## {say['drafts']}", ""]
    for draft in plan.drafts:
        lines += _draft(draft, lang)
    return lines


def _draft(draft: Draft, lang: str) -> list[str]:
    say = _FR if lang == "fr" else _EN
    name = ", ".join(part for part in (draft.network, draft.lang, draft.form, draft.kind) if part)
    lines = [f"### {name}", ""]
    if draft.missing:
        lines += [str(say["missing"]).format(names=", ".join(draft.missing)), ""]
    lines += [f"- {plain(finding.text, 300)}" for finding in draft.findings]
    # four spaces make it literal, whatever stands in it
    return [*lines, *("    " + line for line in draft.text.splitlines()), ""]
