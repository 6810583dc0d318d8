"""Invented incidents for the tests of store, alerts and delivery."""

from __future__ import annotations

from dataclasses import replace

from engine.domain.effects import AlertRaised
from engine.domain.incident import (
    Alert,
    AlertKind,
    Evidence,
    EvidenceMention,
    Incident,
    Level,
    LevelChange,
    Phase,
    TimelineEntry,
)
from engine.domain.mention import Mention
from engine.domain.playbook import Draft, Finding, Plan, Step

T0 = 1_763_686_320_000  # 2025-11-21T00:52:00Z, 01:52 in Paris


def mention(n: int, text: str, at_ms: int = T0) -> Mention:
    return Mention(
        id=f"m{n}", source="x", kind="post", text=text, created_at_ms=at_ms, author_id=f"u{n}", author_followers=900 * n
    )


def incident(
    *levels: Level, phase: Phase = Phase.OPEN, brand: str = "Vélorine", id_: str = "inc-20251121-ab12cd34ef56",
    texts: tuple[str, ...] = ("Le vélo a pris feu ce matin", "Toujours pas de réponse de @velorine", "Rappel immédiat"),
    closed_at_ms: int | None = None, exercise: bool = False,
) -> Incident:  # fmt: skip
    roles = ("first", "reach", "typical")
    changes = tuple(
        LevelChange(
            T0 + i * 600_000,
            level,
            (
                "Afflux de négatifs\u00a0: 142 observés pour 11 attendus depuis 2025-11-21 00:12 UTC",
                "96 auteurs différents",
            ),
        )
        for i, level in enumerate(levels or (Level.ORANGE,))
    )
    return Incident(
        id=id_,
        brand=brand,
        ordinal=1,
        phase=phase,
        opened_at_ms=T0,
        closed_at_ms=closed_at_ms,
        since_ms=T0 - 2_400_000,
        levels=changes,
        evidence=Evidence(
            since_ms=T0 - 2_400_000, observed=142.4, expected=11.04, total=310, authors=96,
            networks=(("x", 80), ("facebook", 42)), categories=(("dangerous_product", 31),),
            top_terms=("batterie", "prendre feu", "rappel"), reach=400_000, followers_max=120_000, press=2,
            urgency=0.5, langs=(("fr", 120),), surprise=3.2,
            mentions=tuple(
                EvidenceMention(roles[i % 3], mention(i, t, T0 - 2_000_000), 0.9) for i, t in enumerate(texts)
            ),
        ),
        timeline=(TimelineEntry(T0, "vigie", "opened", "Incident ouvert, niveau orange"),),
        playbook="dangerous-product",
        exercise=exercise,
    )  # fmt: skip


def plan() -> Plan:
    return Plan(
        playbook="dangerous-product",
        title="Produit dangereux",
        reason="31 messages parlent d’un produit dangereux",
        runner_up="outage",
        do_not_answer="Ne répondez pas aux insultes.",
        steps=(Step("freeze", "cm", 30, "Geler les publications", "plus rien ne part"),),
        drafts=(
            Draft("x", "fr", "vous", "holding", "Nous vérifions. ⟦fait⟧", ("fait",), (Finding("length", "Trop long"),)),
        ),
        facts_needed=("fait",),
    )


def raised(kind: AlertKind = AlertKind.OPENED, of: Incident | None = None, key: str = "k1") -> AlertRaised:
    found = of or incident()
    return AlertRaised(Alert(key, kind, found.levels[-1].at_ms if found.levels else T0, found), plan())


def later(found: Incident, **changes: object) -> Incident:
    return replace(found, **changes)  # type: ignore[arg-type]
