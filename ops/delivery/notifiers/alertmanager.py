"""Prometheus Alertmanager through its v2 API: POST /api/v2/alerts.

Spec: https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml

Its labels say which alert it is: `alertname`, `service`, `brand`, `incident`, `level`. Each level of an incident is an
alert of its own, because Alertmanager pages again for a new alert and not for a changed annotation: when the level
changes, the old level's alert is resolved in the same request. Calm or contained, the last level stays firing; when the
incident closes, all are resolved. A provisional alert fires under the labels that the final one will have, so that the
confirmation changes it and pages nobody again; where the final one came out otherwise, or not at all, it is resolved.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.domain.incident import CLOSED_PHASES, AlertKind, Level, Standing
from ops.delivery.http import post
from ops.delivery.message import Message
from ops.render.moments import utc
from ops.render.neutral import plain
from ops.store.codec import dumps

FIRING_MS = 30 * 86_400_000
"""Alertmanager resolves by itself what names no end after minutes: we name one far away, and say when it is over."""

_FEED = frozenset({AlertKind.SILENT, AlertKind.HEARD})


@dataclass(frozen=True, slots=True)
class AlertmanagerParams:
    """`url` is the base address, without /api."""

    url: str = field(repr=False)
    allow_private: bool = False
    timeout_s: float = 10.0


class AlertmanagerNotifier:
    """Delivered means: Alertmanager took it; whom it pages is its own routing."""

    def __init__(self, params: AlertmanagerParams) -> None:
        self._params = params

    def send(self, message: Message) -> None:
        url = f"{self._params.url.rstrip('/')}/api/v2/alerts"
        body = dumps(alerts(message))
        headers = {"Idempotency-Key": message.key}
        post(url, body, headers, timeout_s=self._params.timeout_s, allow_private=self._params.allow_private)

    def close(self) -> None:
        """Every attempt has its own connection."""


def alerts(message: Message) -> list[dict[str, Any]]:
    """One alert for each level that the incident has had, only the last one firing unless the incident is closed."""
    alert = message.raised.alert
    incident = alert.incident
    levels = [change.level for change in incident.levels if change.level > Level.VERT] or [Level.JAUNE]
    closed = incident.phase in CLOSED_PHASES or alert.standing is Standing.WITHDRAWN
    starts_ms = min(incident.opened_at_ms, message.now_ms)
    # An end before the start is refused, and one in the future would still fire.
    ends_ms = max(starts_ms, min(alert.at_ms, message.now_ms))
    firing = [labels(message, level) for level in dict.fromkeys(levels)]
    if alert.standing is Standing.CONFIRMED and alert.early_id is not None:
        told = [labels(message, level) | {"incident": alert.early_id} for level in Level if level > Level.VERT]
        firing = [*(found for found in told if found not in firing), *firing]
    last = None if closed else labels(message, levels[-1])
    url = message.data()["url"]
    return [
        {
            "labels": found,
            "annotations": notes(message),
            "startsAt": utc(starts_ms),
            "endsAt": utc(message.now_ms + FIRING_MS if found == last else ends_ms),
            **({} if url is None else {"generatorURL": str(url)}),
        }
        for found in firing
    ]


def labels(message: Message, level: Level) -> dict[str, str]:
    """What identifies the alert; the same for the same incident and level, for ever."""
    incident = message.raised.alert.incident
    found = {
        "alertname": "VigieSilentSource" if message.raised.alert.kind in _FEED else "VigieIncident",
        "service": "vigie",
        "brand": incident.brand,
        "incident": incident.id,
        "level": level.label,
    }
    return found | ({"exercise": "true"} if incident.exercise else {})


def notes(message: Message) -> dict[str, str]:
    """What a person reads; no part of the alert's identity."""
    found = {"summary": message.title, "description": message.text()}
    plan = message.raised.plan
    return found if plan is None else found | {"playbook": plain(plan.title, 80)}
