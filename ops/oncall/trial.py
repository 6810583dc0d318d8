"""The incident that the weekly test is about: none."""

from __future__ import annotations

from engine.domain.incident import Evidence, Incident, Level, LevelChange, Phase


def trial_incident(incident_id: str, at_ms: int, lang: str) -> Incident:
    """It carries the test through the same way as an alert; nothing of it is stored as an incident."""
    reason = "Alerte d’essai de l’astreinte" if lang == "fr" else "Test alert of the on-call rota"
    evidence = Evidence(
        since_ms=at_ms, observed=0.0, expected=0.0, total=0, authors=0, networks=(), categories=(), top_terms=(),
        reach=0, followers_max=0, press=0, urgency=0.0, langs=(), mentions=(), surprise=0.0,
    )  # fmt: skip
    return Incident(
        id=incident_id,
        brand="Vigie",
        ordinal=0,
        phase=Phase.OPEN,
        opened_at_ms=at_ms,
        closed_at_ms=None,
        since_ms=at_ms,
        levels=(LevelChange(at_ms, Level.JAUNE, (reason,)),),
        evidence=evidence,
        timeline=(),
        exercise=True,
    )
