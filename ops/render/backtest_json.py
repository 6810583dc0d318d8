"""`vigie backtest --json`: a backtest as JSON with stable keys, those of docs/backtest.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from engine.domain.incident import EvidenceMention
from ops.render.moments import utc

if TYPE_CHECKING:
    from ops.backtest_result import Backtest, Figures, Found, History

VERSION = 1
SAMPLES_MAX = 3


def document(result: Backtest) -> dict[str, Any]:
    """OUT.json: the keys are those of docs/backtest.md. Texts are as people wrote them: whoever shows them escapes."""
    return {
        "version": VERSION,
        "file": result.file,
        "mentions": result.mentions,
        "rejected": result.rejected,
        "duplicates": result.duplicates,
        "late": result.late,
        "unmatched": result.unmatched,
        "from": None if result.first_ms is None else utc(result.first_ms),
        "to": None if result.last_ms is None else utc(result.last_ms),
        "brands": [_history_view(history) for history in result.histories],
        "budgets": [
            {
                "false_alarms_per_week": outcome.budget,
                "all": _figures_view(outcome.total),
                "brands": [{"brand": brand} | _figures_view(figures) for brand, figures in outcome.brands],
                "incidents": [_found_view(found, SAMPLES_MAX) for found in outcome.found],
            }
            for outcome in result.outcomes
        ],
    }


def _history_view(history: History) -> dict[str, Any]:
    return {
        "brand": history.brand,
        "mentions": history.mentions,
        "judged_from": None if history.judged_from_s is None else utc(history.judged_from_s * 1000),
        "negatives": {
            "from": utc(history.start_s * 1000),
            "width_s": history.width_s,
            "counts": list(history.negatives),
        },
    }


def _figures_view(figures: Figures) -> dict[str, Any]:
    return {
        "weeks_watched": round(figures.weeks, 4),
        "brand_weeks_watched": round(figures.brand_weeks, 4),
        "incidents_opened": figures.opened,
        "incidents_reopened": figures.reopened,
        "incidents_by_level": {level.label: n for level, n in figures.warning_levels},
        "alerts": figures.alerts,
        "alerts_per_week": _rounded(figures.alerts_per_week),
        "alerts_per_brand_week": _rounded(figures.alerts_per_brand_week),
        "alerts_by_level": {level.label: n for level, n in figures.levels},
        "paged": figures.paged,
        "paged_per_week": _rounded(figures.paged_per_week),
        "delay_mean_s": _rounded(figures.delay_mean_s),
        "delay_median_s": _rounded(figures.delay_median_s),
        "lead_median_s": _rounded(figures.lead_median_s),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _found_view(found: Found, samples_max: int) -> dict[str, Any]:
    incident = found.incident
    evidence = incident.evidence
    return {
        "number": found.number,
        "id": incident.id,
        "brand": incident.brand,
        "kind": found.kind.value,
        "at": utc(found.at_ms),
        "since": utc(evidence.since_ms),
        "delay_s": None if found.delay_ms is None else found.delay_ms // 1000,
        "peak_at": None if found.peak_ms is None else utc(found.peak_ms),
        "lead_s": None if found.lead_ms is None else found.lead_ms // 1000,
        "closed_at": None if incident.closed_at_ms is None else utc(incident.closed_at_ms),
        "level": found.first.level.label,
        "level_max": found.highest.level.label,
        "why": list(found.first.reasons),
        "why_level_max": list(found.highest.reasons),
        "playbook": None if found.plan is None else found.plan.playbook,
        "playbook_title": None if found.plan is None else found.plan.title,
        "observed": evidence.observed,
        "expected": evidence.expected,
        "top_terms": list(evidence.top_terms),
        "samples": [
            {
                "role": item.role,
                "id": item.mention.id,
                "source": item.mention.source,
                "created_at": utc(item.mention.created_at_ms),
                "text": item.mention.text,
                "negative": round(item.negative, 4),
            }
            for item in samples(evidence.mentions, samples_max)
        ],
    }


def samples(mentions: Sequence[EvidenceMention], n_max: int) -> list[EvidenceMention]:
    """The mentions that show best what it was about: one of each role, then others; as they came in time."""
    roles: set[str] = set()
    leading: list[EvidenceMention] = []
    others: list[EvidenceMention] = []
    for item in mentions:
        (others if item.role in roles else leading).append(item)
        roles.add(item.role)
    chosen = (leading + others)[:n_max]
    return sorted(chosen, key=lambda item: (item.mention.created_at_ms, item.mention.id))
