"""A run: a playbook being followed for one incident. Its steps' states as a table, the clocks of the levels, facts.

What happens to a run is in `playbooks.running`; here are its words only. Times are milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from engine.domain.incident import Level, TimelineEntry
from engine.domain.playbook import PlanRole

MINUTE_MS = 60_000


class StepState(StrEnum):
    """Where a step stands. That it is overdue or escalated is told beside it, since the work goes on."""

    WAITING = "waiting"  # for steps that come before it
    DUE = "due"  # can be done now
    CLAIMED = "claimed"  # someone is at it
    DONE = "done"
    SKIPPED = "skipped"


class StepTrigger(StrEnum):
    """What moves a step."""

    START = "start"
    READY = "ready"  # what it waited for is closed
    CLAIM = "claim"
    RELEASE = "release"  # its owner gives it back
    FINISH = "finish"
    SKIP = "skip"  # with a reason, by a person or because the plan changed
    REVIVE = "revive"  # the plan asks for it again; only what Vigie itself skipped
    LAPSE = "lapse"  # its time has passed: told once
    ESCALATE = "escalate"  # still open after the grace: its deputy is told once


STEP_TRANSITIONS: Mapping[tuple[StepState | None, StepTrigger], StepState] = MappingProxyType(
    {
        (None, StepTrigger.START): StepState.WAITING,
        (StepState.WAITING, StepTrigger.READY): StepState.DUE,
        (StepState.WAITING, StepTrigger.SKIP): StepState.SKIPPED,
        (StepState.WAITING, StepTrigger.LAPSE): StepState.WAITING,
        (StepState.WAITING, StepTrigger.ESCALATE): StepState.WAITING,
        (StepState.DUE, StepTrigger.CLAIM): StepState.CLAIMED,
        (StepState.DUE, StepTrigger.FINISH): StepState.DONE,
        (StepState.DUE, StepTrigger.SKIP): StepState.SKIPPED,
        (StepState.DUE, StepTrigger.LAPSE): StepState.DUE,
        (StepState.DUE, StepTrigger.ESCALATE): StepState.DUE,
        (StepState.CLAIMED, StepTrigger.CLAIM): StepState.CLAIMED,  # handed over
        (StepState.CLAIMED, StepTrigger.RELEASE): StepState.DUE,
        (StepState.CLAIMED, StepTrigger.FINISH): StepState.DONE,
        (StepState.CLAIMED, StepTrigger.SKIP): StepState.SKIPPED,
        (StepState.CLAIMED, StepTrigger.LAPSE): StepState.CLAIMED,
        (StepState.CLAIMED, StepTrigger.ESCALATE): StepState.CLAIMED,
        (StepState.SKIPPED, StepTrigger.REVIVE): StepState.WAITING,
    }
)
"""State × trigger -> state; a pair that is absent is refused. The diagram in docs/runs.md is drawn from this table."""

OPEN_STATES = frozenset({StepState.WAITING, StepState.DUE, StepState.CLAIMED})

LEVEL_CLOCKS: Mapping[str, Mapping[Level, int]] = MappingProxyType(
    {
        "acknowledge": {Level.JAUNE: 15, Level.ORANGE: 5, Level.ROUGE: 5},
        "qualify": {Level.JAUNE: 30, Level.ORANGE: 15, Level.ROUGE: 15},
        "freeze": {Level.ORANGE: 30, Level.ROUGE: 30},
        "crisis_cell": {Level.ROUGE: 30},
        "holding_line": {Level.ORANGE: 60, Level.ROUGE: 45},
        "situation_report": {Level.ORANGE: 60, Level.ROUGE: 30},
    }
)
"""Clock -> level -> minutes from the moment that the level is reached: no playbook may be later."""

REPEATS: Mapping[str, Mapping[Level, int]] = MappingProxyType({"situation_report": LEVEL_CLOCKS["situation_report"]})
"""Clock -> level -> minutes until it comes again."""

STEP_CLOCKS: Mapping[str, str] = MappingProxyType(
    {
        **{name: name for name in LEVEL_CLOCKS if name != "freeze"},
        "freeze_posts": "freeze",
        "rgpd_notice": "rgpd_notice",
        "second_wave_watch": "second_wave_watch",
        "debrief": "debrief",
    }
)
"""The clock that a step is by its id, where the playbook says nothing."""

STEP_PUBLISHES: Mapping[str, str] = MappingProxyType(
    {"holding_line": "holding", "position": "position", "individual_replies": "reply", "closing_message": "position"}
)
"""The kind of text that a step posts by its id, where the playbook says nothing."""

GRACE_MIN: Mapping[Level, int] = MappingProxyType(
    {Level.VERT: 1_440, Level.JAUNE: 15, Level.ORANGE: 10, Level.ROUGE: 5}
)
"""How long an overdue step stays with its role before the deputy is told, in minutes."""

LEGAL_SILENT_MIN = 20
"""Legal was asked and says nothing for so long: the approver may release the holding line without it."""
WATCH_DAYS = 7
DEBRIEF_WORKING_DAYS = 5
RGPD_HOURS = 72
"""From the moment that the controller knows (GDPR, article 33)."""

ROUNDS_MAX = 500
"""Rounds of one repeating step: three weeks of hourly reports. Beyond it comes no more."""


class RunStep(NamedTuple):
    """One step of a run.

    `id` is the playbook's, with the wave and the round where there are several: `situation_report.2`,
    `acknowledge-2`. `role` is the role's name. `changed_at_ms` is when its state changed last, `owner` who claimed or
    closed it ("vigie" where nobody did).
    """

    id: str
    role: str
    title: str
    done_when: str
    due_at_ms: int
    after: tuple[str, ...]
    state: StepState
    owner: str = ""
    changed_at_ms: int = 0
    reason: str = ""
    overdue_at_ms: int | None = None
    escalated_to: str = ""
    """The role that was told when the first did not answer."""
    escalated_at_ms: int | None = None
    action: str | None = None
    base: str = ""
    """Its id in the playbook."""
    wave: int = 1
    round: int = 1
    clock: str | None = None
    publishes: str | None = None
    every_min: int = 0
    closing: bool = False
    """Belongs to what follows the stand-down."""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_late(self) -> bool:
        """Whether it went overdue, closed by now or not."""
        return self.overdue_at_ms is not None


class Fact(NamedTuple):
    """What a person found out about an incident. Only an approved one fills a text."""

    name: str
    value: str
    proposed_by: str
    proposed_at_ms: int
    approved_by: str | None = None
    approved_at_ms: int | None = None


class FreezeState(StrEnum):
    """Where the freeze of scheduled posts stands."""

    NONE = "none"
    ASKED = "asked"
    FROZEN = "frozen"
    FAILED = "failed"
    THAWING = "thawing"
    THAWED = "thawed"


class RunPhase(StrEnum):
    """Where the run as a whole stands."""

    CRISIS = "crisis"
    CONTAINED = "contained"  # nothing repeats any more; the rest may still be finished
    CLOSING = "closing"  # the stand-down was given: closing message, second-wave watch, RETEX
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Run:
    """A playbook being followed for one incident."""

    incident_id: str
    brand: str
    playbook: str
    title: str
    level: Level
    lang: str
    started_at_ms: int
    ended_at_ms: int | None = None
    exercise: bool = False
    steps: tuple[RunStep, ...] = ()
    facts: tuple[Fact, ...] = ()
    roles: tuple[PlanRole, ...] = ()
    phase: RunPhase = RunPhase.CRISIS
    wave: int = 1
    silence: str = ""
    freeze: FreezeState = FreezeState.NONE
    legal_asked_at_ms: int | None = None
    """Legal holds the pen since then; None when it was not asked or has answered."""
    legal_silent_at_ms: int | None = None
    """Since then the approver may release the holding line without legal."""
    released_by: str = ""
    level_at_ms: int = 0
    """When the level became what it is: a shorter grace counts from then."""

    def step(self, step_id: str) -> RunStep | None:
        return next((step for step in self.steps if step.id == step_id), None)

    def role(self, role_id: str) -> PlanRole | None:
        return next((role for role in self.roles if role.id == role_id), None)

    def role_title(self, role_id: str) -> str:
        found = self.role(role_id)
        return found.title if found else role_id


class RunEvent(NamedTuple):
    """One line of the log of a run (main courante). `actor` is "vigie" or a person, `step` "" for the whole run."""

    incident_id: str
    at_ms: int
    actor: str
    kind: str
    step: str
    text: str


class Page(NamedTuple):
    """Tell whoever holds a role. `key` is the same for the same fact, whatever crashes in between."""

    key: str
    incident_id: str
    role: str
    text: str
    at_ms: int
    exercise: bool = False
    clock: str | None = None
    person: str = ""
    """Who claimed the step, if anyone did."""


class FreezePosts(NamedTuple):
    """Freeze the scheduled posts of a brand, or let them go again."""

    key: str
    incident_id: str
    brand: str
    on: bool
    at_ms: int
    exercise: bool = False


Ask: TypeAlias = Page | FreezePosts
"""What a run wants done outside."""


class Outcome(NamedTuple):
    """A run after something happened: what it is now, the lines for its log, and what is to do outside."""

    run: Run
    events: tuple[RunEvent, ...] = ()
    asks: tuple[Ask, ...] = ()


def whole_log(entries: Iterable[TimelineEntry], events: Iterable[RunEvent]) -> tuple[TimelineEntry, ...]:
    """The log of an incident (main courante): what the engine told and what happened to its run, by their dates.

    >>> log = [TimelineEntry(0, "vigie", "opened", "Open")], [RunEvent("i", 5, "Camille", "done", "ask", "Done: ask")]
    >>> [entry.text for entry in whole_log(*log)]
    ['Open', 'Done: ask']
    """
    ours = (TimelineEntry(event.at_ms, event.actor, event.kind, event.text) for event in events)
    return tuple(sorted((*entries, *ours), key=lambda entry: entry.at_ms))
