"""What a playbook asks of the team: its plan for one incident, step by step, and drafts. Nothing here sends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from engine.domain.incident import Level


class Step(NamedTuple):
    """One thing to do. `due_min` is minutes from the opening; `after` names the steps it waits for.

    `role` is the role's title, `role_id` its name. `clock` is the clock of the level that the step is, `every_min` how
    often it comes again, `action` what Vigie can do by itself, `publishes` the kind of text that it posts.
    """

    id: str
    role: str
    due_min: int
    title: str
    done_when: str
    after: tuple[str, ...] = ()
    role_id: str = ""
    clock: str | None = None
    every_min: int = 0
    action: str | None = None
    publishes: str | None = None


class PlanRole(NamedTuple):
    """Someone who does steps, by the role's name; `deputy` is the name of the role that stands in."""

    id: str
    title: str
    deputy: str


class Finding(NamedTuple):
    """What the linter has against a draft: `rule` is a stable name, `text` the sentence for a person."""

    rule: str
    text: str


class Draft(NamedTuple):
    """A text for one network that a person may approve. `form` is "tu", "vous" or None where the language has one.

    `kind` is "holding", "position" or "reply". `missing` names the facts that are not filled in: while there is one
    the draft is blocked, and its text shows them as ⟦name⟧.
    """

    network: str
    lang: str
    form: str | None
    kind: str
    text: str
    missing: tuple[str, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def blocked(self) -> bool:
        return bool(self.missing or self.findings)


@dataclass(frozen=True, slots=True)
class BrandVoice:
    """How a brand speaks. `facts` are those approved by a person, by name; only they fill a draft."""

    name: str
    langs: tuple[str, ...] = ("fr",)
    form: str = "vous"
    signature: str = ""
    emoji: bool = False
    banned_words: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    preferred: tuple[tuple[str, str], ...] = ()
    """Words, and what it says instead, such as ("clients", "sociétaires")."""
    terms: tuple[str, ...] = ()
    """Words of its own that no dictionary knows: products, places, people who speak for it."""
    bad_reputation: bool = False
    """People already think ill of it: its crises are answered one cluster harsher."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What the planner needs to know of an incident."""

    incident_id: str
    brand: BrandVoice
    level: Level
    categories: tuple[tuple[str, int], ...]
    """Negative mentions by category, most first."""
    negatives: int
    networks: tuple[str, ...]
    signals: tuple[str, ...] = ()
    earlier_incidents: int = 0
    lang: str = "fr"
    """The language of the team: titles of steps, reasons."""
    authors: int = 0
    """Distinct authors of negative mentions; 0 where the sources name none."""
    followers_max: int = 0
    current: str | None = None
    """The playbook that is being followed: another one replaces it only when it leads clearly."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The chosen playbook, why, and what it asks."""

    playbook: str
    title: str
    reason: str
    runner_up: str | None
    do_not_answer: str
    """When silence is the better answer, and what to do instead."""
    steps: tuple[Step, ...]
    drafts: tuple[Draft, ...]
    facts_needed: tuple[str, ...]
    level: Level = Level.VERT
    """The level that it was made for."""
    runner_up_reason: str = ""
    silence: str = ""
    """Not empty when the choice is not to answer: the case, and what to do instead."""
    cluster: str = ""
    """Whose fault it will look like (SCCT), after the brand's history: victim, accidental or preventable."""
    strategies: tuple[str, ...] = ()
    """What a text may do in that cluster."""
    roles: tuple[PlanRole, ...] = ()
    closing: tuple[Step, ...] = ()
    """What is to do once it is over; minutes from the stand-down."""
    duties: tuple[str, ...] = ()
    """Deadlines of the law that it starts, such as "rgpd_notice"."""
