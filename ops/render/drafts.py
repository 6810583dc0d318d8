"""Drafts for the terminal and for programs: the list, one in full, a line of the audit log."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from engine.domain.draft_state import DraftState, StoredDraft
from engine.domain.incident import Incident
from ops.render.neutral import plain
from ops.store.audit import Entry, Head
from playbooks.networks import network
from playbooks.typography import typeset

SNIPPET_CHARS = 300
LINE_CHARS_MAX = 30_000

_WORDS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "none": "Aucun brouillon : l'incident n'a pas de plan, ou le choix est de ne pas répondre.",
        "exercise": "EXERCICE / EXERCISE : ne rien publier", "never": "Vigie ne publie rien : approuvez, publiez, puis "
        "dites-le (vigie drafts published).",
        "draft": "à approuver", "approved": "approuvé", "rejected": "écarté", "published": "publié",
        "superseded": "dépassé", "missing": "bloqué, il manque : {0}", "findings": "à corriger : {0}",
        "go": "{0} sur {1}", "silent": "ne pas répondre : {0}", "answers": "répond à", "by": "approuvé par",
        "chars": "{0} signes sur {1} ({2})", "hash": "empreinte du texte", "head": "journal",
        "left": "encore {0} approbation(s)", "edited": "réécrit par {0}", "why": "écarté : {0}", "at": "publié : {0}",
    },
    "en": {
        "none": "No draft: the incident has no plan, or the choice is not to answer.",
        "exercise": "EXERCICE / EXERCISE: post nothing", "never": "Vigie posts nothing: approve, post, then say so "
        "(vigie drafts published).",
        "draft": "to approve", "approved": "approved", "rejected": "rejected", "published": "published",
        "superseded": "superseded", "missing": "blocked, missing: {0}", "findings": "to mend: {0}",
        "go": "{0} of {1}", "silent": "no reply: {0}", "answers": "answers", "by": "approved by",
        "chars": "{0} of {1} characters ({2})", "hash": "hash of the text", "head": "log",
        "left": "{0} more approval(s) needed", "edited": "rewritten by {0}", "why": "rejected: {0}",
        "at": "published: {0}",
    },
}  # fmt: skip


def _say(lang: str) -> Mapping[str, str]:
    return _WORDS["fr" if lang == "fr" else "en"]


def state_text(draft: StoredDraft, lang: str) -> str:
    """Where a draft stands, in a few words."""
    say = _say(lang)
    if draft.strategy == "silence" and draft.state is DraftState.REJECTED:
        return say["silent"].format(plain(draft.reason, SNIPPET_CHARS))
    if draft.state is DraftState.DRAFT and draft.missing:
        return say["missing"].format(", ".join(draft.missing))
    if draft.state is DraftState.DRAFT and draft.findings:
        return say["findings"].format(" ; ".join(plain(f.text, SNIPPET_CHARS) for f in draft.findings))
    if draft.state is DraftState.DRAFT:
        return f"{say['draft']}, {say['go'].format(len(draft.approvals), draft.needed)}"
    return say[draft.state.value]


def drafts_text(drafts: Sequence[StoredDraft], incident: Incident, lang: str) -> str:
    """One entry a draft: its id, place and state, then its text."""
    say = _say(lang)
    lines = [say["exercise"]] if incident.exercise else []
    if not drafts:
        return "\n".join([*lines, say["none"]])
    for draft in sorted(drafts, key=_order):
        lines += [f"{draft.id}  {_place(draft)}  [{typeset(state_text(draft, lang), lang)}]"]
        lines += [f"    {line}" for line in shown(draft.text).splitlines()]
    return "\n".join([*lines, "", say["never"]])


def _order(draft: StoredDraft) -> tuple[Any, ...]:
    kinds = ("holding", "position", "reply")
    return (
        draft.reply_to is not None,
        draft.lang != "fr",
        draft.network,
        kinds.index(draft.kind),
        draft.round,
        draft.id,
    )


def _place(draft: StoredDraft) -> str:
    form = f" {draft.form}" if draft.form else ""
    answers = f" → {plain(draft.reply_to, 80)} ({draft.strategy})" if draft.reply_to is not None else ""
    return f"{draft.network} {draft.kind} {draft.lang}{form}{answers}"


def shown(text: str) -> str:
    """A text as a terminal may show it: its lines, without anything that would move the cursor or turn the reading."""
    return "\n".join(plain(line, LINE_CHARS_MAX) for line in text.splitlines())


def draft_text(draft: StoredDraft, incident: Incident | None, lang: str) -> str:
    """All of one draft."""
    say = _say(lang)
    rule = network(draft.network)
    lines = [say["exercise"]] if draft.exercise else []
    lines += [f"{draft.id}  {_place(draft)}  [{typeset(state_text(draft, lang), lang)}]", ""]
    known = incident.evidence.mentions if incident is not None else ()
    mention = next((one.mention for one in known if one.mention.id == draft.reply_to), None)
    if mention is not None:
        lines += [f"{say['answers']}: « {plain(mention.text, SNIPPET_CHARS)} »", ""]
    lines += [*shown(draft.text).splitlines(), ""]
    lines.append(say["chars"].format(rule.count(draft.text), rule.chars_max, rule.name))
    lines.append(f"{say['hash']}: {draft.text_hash[:16]}")
    if draft.edited_by:
        lines.append(say["edited"].format(plain(draft.edited_by, 100)))
    for approval in draft.approvals:
        lines.append(f"{say['by']} {plain(approval.who, 100)}")
    if draft.reason:
        lines.append(say["why"].format(plain(draft.reason, SNIPPET_CHARS)))
    if draft.published_url:
        lines.append(say["at"].format(plain(draft.published_url, SNIPPET_CHARS)))
    return "\n".join(typeset(line, lang) if line.startswith(tuple(say.values())) else line for line in lines)


def drafts_view(drafts: Sequence[StoredDraft]) -> list[dict[str, Any]]:
    """Drafts for programs; the text as it stands."""
    return [
        {
            "id": draft.id, "incident": draft.incident_id, "kind": draft.kind, "network": draft.network,
            "lang": draft.lang, "form": draft.form, "reply_to": draft.reply_to, "strategy": draft.strategy,
            "state": draft.state.value, "text": draft.text, "text_hash": draft.text_hash,
            "missing": list(draft.missing), "findings": [finding._asdict() for finding in draft.findings],
            "approvals": [approval._asdict() for approval in draft.approvals], "needed": draft.needed,
            "origin": draft.origin, "level": draft.level.label, "playbook": draft.playbook, "reason": draft.reason,
            "published_at_ms": draft.published_at_ms, "published_url": draft.published_url,
            "exercise": draft.exercise,
        }
        for draft in sorted(drafts, key=_order)
    ]  # fmt: skip


def done_text(draft: StoredDraft, head: Head, lang: str) -> str:
    """What became of a draft, and the head of the log, to be kept outside."""
    say = _say(lang)
    left = draft.needed - len(draft.approvals)
    more = f", {say['left'].format(left)}" if draft.state is DraftState.DRAFT and left > 0 and not draft.blocked else ""
    return f"{draft.id}: {typeset(state_text(draft, lang), lang)}{more}\n{say['head']} {head}"


def audit_line(entry: Entry, zone: str) -> str:
    """One row of the log, for a terminal."""
    moment = datetime.fromtimestamp(entry.at_ms / 1000, ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M:%S")
    detail = json.loads(entry.detail)
    where = " ".join(str(detail[key]) for key in ("incident", "network", "draft", "state") if key in detail)
    said = plain(str(detail.get("reason") or detail.get("url") or ""), 100)
    what = f"{plain(entry.actor, 60)} {entry.kind} {entry.subject} {plain(where, 120)} {said}"
    return f"{entry.seq:>6} {moment} {what}".rstrip()
