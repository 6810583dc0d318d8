"""Incidents: their phases as a table, their levels, and everything that is recorded of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import NamedTuple

from engine.domain.mention import Mention
from engine.domain.themes import Theme


class Level(IntEnum):
    """How grave. The names are the four words that French crisis teams use, in every language of the interface."""

    VERT = 0
    JAUNE = 1
    ORANGE = 2
    ROUGE = 3

    @property
    def label(self) -> str:
        return self.name.lower()


class Phase(StrEnum):
    """Where an incident stands."""

    SUSPECTED = "suspected"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    CONTAINED = "contained"
    RESOLVED = "resolved"
    FALSE_ALARM = "false_alarm"


class Trigger(StrEnum):
    """What moves it."""

    WEAK = "weak"  # a test is halfway to its alarm
    ALARM = "alarm"  # a test raised its alarm
    FADE = "fade"  # the weak signal is gone
    ACK = "ack"  # a person takes it
    CALM = "calm"  # every signal has been back to normal for a while
    CONTAIN = "contain"  # a person says that it is in hand
    STAND_DOWN = "stand_down"  # near the baseline for long enough
    RESOLVE = "resolve"  # a person closes it
    REJECT = "reject"  # a person calls it a false alarm


TRANSITIONS: Mapping[tuple[Phase | None, Trigger], Phase | None] = MappingProxyType(
    {
        (None, Trigger.WEAK): Phase.SUSPECTED,
        (None, Trigger.ALARM): Phase.OPEN,
        (Phase.SUSPECTED, Trigger.WEAK): Phase.SUSPECTED,
        (Phase.SUSPECTED, Trigger.ALARM): Phase.OPEN,
        (Phase.SUSPECTED, Trigger.FADE): None,
        (Phase.SUSPECTED, Trigger.REJECT): None,
        (Phase.OPEN, Trigger.ALARM): Phase.OPEN,
        (Phase.OPEN, Trigger.ACK): Phase.ACKNOWLEDGED,
        (Phase.OPEN, Trigger.CALM): Phase.CONTAINED,
        (Phase.OPEN, Trigger.CONTAIN): Phase.CONTAINED,
        (Phase.OPEN, Trigger.RESOLVE): Phase.RESOLVED,
        (Phase.OPEN, Trigger.REJECT): Phase.FALSE_ALARM,
        (Phase.ACKNOWLEDGED, Trigger.ALARM): Phase.ACKNOWLEDGED,
        (Phase.ACKNOWLEDGED, Trigger.ACK): Phase.ACKNOWLEDGED,
        (Phase.ACKNOWLEDGED, Trigger.CALM): Phase.CONTAINED,
        (Phase.ACKNOWLEDGED, Trigger.CONTAIN): Phase.CONTAINED,
        (Phase.ACKNOWLEDGED, Trigger.RESOLVE): Phase.RESOLVED,
        (Phase.ACKNOWLEDGED, Trigger.REJECT): Phase.FALSE_ALARM,
        (Phase.CONTAINED, Trigger.ALARM): Phase.OPEN,
        (Phase.CONTAINED, Trigger.ACK): Phase.CONTAINED,
        (Phase.CONTAINED, Trigger.STAND_DOWN): Phase.RESOLVED,
        (Phase.CONTAINED, Trigger.RESOLVE): Phase.RESOLVED,
        (Phase.CONTAINED, Trigger.REJECT): Phase.FALSE_ALARM,
        (Phase.RESOLVED, Trigger.ALARM): Phase.OPEN,  # the second wave, within the watch
        (Phase.RESOLVED, Trigger.REJECT): Phase.FALSE_ALARM,
    }
)
"""Phase × trigger -> phase. None stands for "no incident". A pair that is absent changes nothing.

The diagram in docs/architecture.md is drawn from this table.
"""

ACTIVE_PHASES = frozenset({Phase.OPEN, Phase.ACKNOWLEDGED, Phase.CONTAINED})
CLOSED_PHASES = frozenset({Phase.RESOLVED, Phase.FALSE_ALARM})


class LevelChange(NamedTuple):
    """The level from `at_ms` on, and the sentences that explain it."""

    at_ms: int
    level: Level
    reasons: tuple[str, ...]


class TimelineEntry(NamedTuple):
    """One line of the log of an incident (main courante). `actor` is "vigie" or a person's name."""

    at_ms: int
    actor: str
    kind: str
    text: str


class EvidenceMention(NamedTuple):
    """A mention that counts as evidence, and for what: "first", "reach" or "typical"."""

    role: str
    mention: Mention
    negative: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why the engine believes it: the figures since the onset, and the mentions behind them."""

    since_ms: int
    observed: float
    """Negatives since the onset (sum of probabilities)."""
    expected: float
    """Negatives that the brand's own normal would have brought in that time."""
    total: int
    authors: int
    """Distinct authors of negative mentions."""
    networks: tuple[tuple[str, int], ...]
    """Negative mentions by network, most first."""
    categories: tuple[tuple[str, int], ...]
    top_terms: tuple[str, ...]
    """Words and pairs of words that tell these negatives from the brand's usual ones."""
    reach: int
    followers_max: int
    press: int
    """Distinct press and blog authors among the negatives."""
    urgency: float
    langs: tuple[tuple[str, int], ...]
    mentions: tuple[EvidenceMention, ...]
    surprise: float
    """-log10 of the false alarms a week at which this would still stand out."""
    themes: tuple[Theme, ...] = ()
    """What the negatives of the last hours speak of, the largest first; as it was when the incident was last open."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One crisis of one brand, from suspicion to stand-down. Ids derive from the brand and the onset's bin."""

    id: str
    brand: str
    ordinal: int
    """1 for the brand's first incident, and so on: alerts are keyed by it."""
    phase: Phase
    opened_at_ms: int
    closed_at_ms: int | None
    since_ms: int
    levels: tuple[LevelChange, ...]
    evidence: Evidence
    timeline: tuple[TimelineEntry, ...]
    waves: int = 1
    playbook: str | None = None
    acked_by: str | None = None
    acked_at_ms: int | None = None
    exercise: bool = False
    """Part of a drill or a demonstration: marked as such in everything that leaves."""

    @property
    def level(self) -> Level:
        return self.levels[-1].level if self.levels else Level.VERT

    @property
    def level_max(self) -> Level:
        return max((change.level for change in self.levels), default=Level.VERT)


class AlertKind(StrEnum):
    """Why the team hears of an incident."""

    OPENED = "opened"
    RAISED = "raised"
    LOWERED = "lowered"
    REOPENED = "reopened"
    CONTAINED = "contained"
    RESOLVED = "resolved"
    SILENT = "silent"
    """A source fell silent. About the feed and not a crisis: no playbook, nothing to acknowledge."""
    HEARD = "heard"
    """It speaks again."""


class Standing(StrEnum):
    """How firm an alert is. Only an opening or a reopening is ever told early."""

    FINAL = "final"
    PROVISIONAL = "provisional"  # the evidence is there, the watermark is not: nothing is recorded yet
    CONFIRMED = "confirmed"  # final, and announced by a provisional one
    WITHDRAWN = "withdrawn"  # the watermark passed, and no test alarmed


class Alert(NamedTuple):
    """Something to tell the team. `key` is the same for the same fact, whatever crashes in between.

    A provisional alert has the key of the final one that it announces. `serial` numbers the announcements of one key,
    and `early_id` is the incident's id as it was announced: late mentions may move the opening by a bin.
    """

    key: str
    kind: AlertKind
    at_ms: int
    incident: Incident
    standing: Standing = Standing.FINAL
    serial: int = 0
    early_id: str | None = None

    @property
    def delivery_key(self) -> str:
        """One for each thing to be told: that of the final alert, and its own for what is told before it.

        >>> Alert("k", AlertKind.OPENED, 0, ..., Standing.PROVISIONAL, 2).delivery_key
        'k~provisional2'
        """
        if self.standing in (Standing.FINAL, Standing.CONFIRMED):
            return self.key
        return f"{self.key}~{self.standing.value}{self.serial}"
