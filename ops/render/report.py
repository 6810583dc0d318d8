"""An incident as the JSON that `vigie replay --json` and `vigie incidents list --json` print."""

from __future__ import annotations

from typing import Any

from engine.domain.incident import EvidenceMention, Incident
from engine.domain.playbook import Draft, Plan
from ops.render.moments import utc
from ops.render.themes import themes_view


def incident_view(incident: Incident, plan: Plan | None) -> dict[str, Any]:
    """The incident with its evidence and drafts; the same incident gives the same JSON, byte for byte.

    Times are RFC 3339 UTC; a level is its word; `evidence.networks` counts negative mentions by network. Texts are
    those that people wrote, unchanged: whoever shows them must escape them.
    """
    evidence = incident.evidence
    return {
        "id": incident.id,
        "brand": incident.brand,
        "opened_at": utc(incident.opened_at_ms),
        "closed_at": None if incident.closed_at_ms is None else utc(incident.closed_at_ms),
        "levels": [
            {"at": utc(change.at_ms), "level": change.level.label, "reasons": list(change.reasons)}
            for change in incident.levels
        ],
        "evidence": {
            "top_terms": list(evidence.top_terms),
            "themes": themes_view(evidence.themes),
            "observed": evidence.observed,
            "expected": evidence.expected,
            "since": utc(evidence.since_ms),
            "authors": evidence.authors,
            "networks": dict(evidence.networks),
            "mentions": [_mention_view(item) for item in evidence.mentions],
        },
        "playbook": incident.playbook if plan is None else plan.playbook,
        "drafts": [] if plan is None else [_draft_view(draft) for draft in plan.drafts],
    }


def _mention_view(item: EvidenceMention) -> dict[str, Any]:
    mention = item.mention
    view: dict[str, Any] = {
        "role": item.role,
        "id": mention.id,
        "source": mention.source,
        "text": mention.text,
        "created_at": utc(mention.created_at_ms),
        "negative": round(item.negative, 4),
    }
    return view if mention.url is None else view | {"url": mention.url}


def _draft_view(draft: Draft) -> dict[str, Any]:
    return {
        "network": draft.network,
        "lang": draft.lang,
        "form": draft.form,
        "kind": draft.kind,
        "text": draft.text,
        "missing": list(draft.missing),
        "findings": [{"rule": finding.rule, "text": finding.text} for finding in draft.findings],
    }
