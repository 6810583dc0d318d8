"""Provisional alerts: what one brand's team was told before the watermark had passed, and what became of it.

Evidence that stands in open bins may raise an alert early. It carries the key that the final one will carry. The bins
that it stood on are judged again when they close; then it is confirmed, by the final alert itself, or withdrawn.
Nothing that is recorded depends on it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.core.evidence import figures
from engine.core.tally import Tally
from engine.domain.effects import AlertRaised, Counted, Effect
from engine.domain.incident import Alert, AlertKind, Incident, Level, LevelChange, Phase, Standing

MUCH = 1.5
"""Open bins that hold no more than so many times the usual negatives, and `EVENTS` more, are calm."""
EVENTS = 3.0
GROWTH = 1.1
"""Asked once, the detector is asked again when the open bins have grown by so much, or one of them has closed."""
QUIET_S = 3_600
"""After a withdrawal: whoever was told wrong is not told early again within the hour."""

_OPENINGS = (AlertKind.OPENED, AlertKind.REOPENED)


@dataclass(frozen=True, slots=True)
class Told:
    """A provisional alert that waits for its bins to close: the last of them ends at `until_s`."""

    key: str
    kind: AlertKind
    serial: int
    until_s: int
    at_ms: int
    incident_id: str
    ordinal: int
    waves: int
    level: Level
    since_ms: int
    observed: float
    expected: float


class Early:
    """What was told early of one brand. At most one provisional alert waits, and once an episode."""

    def __init__(self) -> None:
        self.told: Told | None = None
        self._serial = 0
        self._quiet_until_s = 0
        self.asked = 0.0
        """Negatives in the open bins when the detector was last asked, since a bin closed."""

    def is_worth_asking(self, negatives: float, usual: float, at_s: int) -> bool:
        """The check that spares calm brands the detector: do the open bins hold much more than usual?"""
        if self.told is not None or at_s < self._quiet_until_s:
            return False
        if negatives < MUCH * usual + EVENTS or negatives < GROWTH * self.asked:
            return False
        self.asked = negatives
        return True

    def closed(self) -> None:
        """A bin has closed: the detector knows more than when it was asked."""
        self.asked = 0.0

    def raise_from(self, foreseen: list[Effect], until_s: int) -> list[Effect]:
        """The provisional alert, if closing the open bins as they are would raise an opening."""
        final = next((e for e in foreseen if isinstance(e, AlertRaised) and e.alert.kind in _OPENINGS), None)
        if final is None:
            return []
        alert = final.alert
        self._serial += 1
        incident, evidence = alert.incident, alert.incident.evidence
        self.told = Told(
            alert.key, alert.kind, self._serial, until_s, alert.at_ms, incident.id, incident.ordinal, incident.waves,
            incident.level, incident.since_ms, evidence.observed, evidence.expected,
        )  # fmt: skip
        early = alert._replace(standing=Standing.PROVISIONAL, serial=self._serial, early_id=incident.id)
        return [AlertRaised(early, final.plan), _counted("raised")]

    def settle(
        self, effects: list[Effect], brand: str, end_s: int, now: Incident | None, *, exercise: bool
    ) -> list[Effect]:
        """What a bin that ended at `end_s` brought, with what it means for the provisional alert that waits. `now` is
        the brand's incident after that bin."""
        told = self.told
        if told is None:
            return effects
        for i, effect in enumerate(effects):
            if isinstance(effect, AlertRaised) and effect.alert.kind in _OPENINGS:
                self.told = None
                if effect.alert.key != told.key:  # another case than the one that was announced
                    return [*self._withdraw(told, brand, end_s, now, exercise), *effects]
                alert = effect.alert._replace(
                    standing=Standing.CONFIRMED, serial=told.serial, early_id=told.incident_id
                )  # fmt: skip
                return [*effects[:i], replace(effect, alert=alert), *effects[i + 1 :], _counted("confirmed")]
        if end_s < told.until_s:
            return effects
        self.told = None
        return [*effects, *self._withdraw(told, brand, end_s, now, exercise)]

    def _withdraw(self, told: Told, brand: str, end_s: int, now: Incident | None, exercise: bool) -> list[Effect]:
        self._quiet_until_s = end_s + QUIET_S
        said = LevelChange(told.at_ms, told.level, ())
        evidence = replace(
            figures(Tally(), told.since_ms // 1000, 0.0), observed=told.observed, expected=told.expected
        )  # fmt: skip
        incident = Incident(
            id=told.incident_id, brand=brand, ordinal=told.ordinal, phase=Phase.FALSE_ALARM, opened_at_ms=told.at_ms,
            closed_at_ms=end_s * 1000, since_ms=told.since_ms, levels=(said,),
            evidence=evidence, timeline=(), waves=told.waves, exercise=exercise,
        )  # fmt: skip
        if now is not None and now.id == told.incident_id:  # it would have been reopened, and was not
            incident = replace(now, levels=(*now.levels, said))
        alert = Alert(
            told.key, told.kind, end_s * 1000, incident, Standing.WITHDRAWN, told.serial, told.incident_id
        )  # fmt: skip
        return [AlertRaised(alert, None), _counted("withdrawn")]

    # -- state ---------------------------------------------------------------------------------------------------

    def snapshot(self) -> dict[str, Any] | None:
        """None while nothing was ever told early."""
        if not self._serial:
            return None
        told = self.told
        return {
            "v": 1,
            "serial": self._serial,
            "quiet_until_s": self._quiet_until_s,
            "told": None if told is None else [
                told.key, told.kind.value, told.serial, told.until_s, told.at_ms, told.incident_id, told.ordinal,
                told.waves, int(told.level), told.since_ms, told.observed, told.expected,
            ],
        }  # fmt: skip

    def restore(self, data: dict[str, Any] | None) -> None:
        if data is None:
            return
        self._serial, self._quiet_until_s = data["serial"], data["quiet_until_s"]
        if data["told"] is not None:
            key, kind, serial, until_s, at_ms, id_, ordinal, waves, level, *figures_ = data["told"]
            self.told = Told(
                key, AlertKind(kind), serial, until_s, at_ms, id_, ordinal, waves, Level(level), *figures_
            )  # fmt: skip


def _counted(outcome: str) -> Counted:
    return Counted("provisional_alerts", (outcome,), 1)
