"""PagerDuty through its Events API v2.

Spec: https://developer.pagerduty.com/docs/events-api-v2-overview. One incident of ours is one of theirs, by
`dedup_key`: what rises changes it and opens no second one, what ends resolves it, and who takes a page acknowledges it.
An overdue step and the weekly test have keys of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from engine.domain.incident import CLOSED_PHASES, AlertKind, Level, Standing
from ops.delivery.cards import LIMITS, buttons, lines
from ops.delivery.http import post
from ops.delivery.message import Message
from ops.oncall.escalation import CallKind
from ops.render.moments import utc
from ops.render.neutral import plain, shortened
from ops.store.codec import dumps

SEVERITIES = {Level.VERT: "info", Level.JAUNE: "warning", Level.ORANGE: "error", Level.ROUGE: "critical"}
DETAIL_CHARS_MAX = 4_096
KEY_CHARS_MAX = 255
_CALM = frozenset({AlertKind.LOWERED, AlertKind.CONTAINED})


@dataclass(frozen=True, slots=True)
class PagerDutyParams:
    """`key` is the routing key of the service's integration: a secret."""

    key: str = field(repr=False)
    url: str = "https://events.pagerduty.com/v2/enqueue"
    allow_private: bool = False
    timeout_s: float = 10.0


class PagerDutyNotifier:
    """Delivered means: PagerDuty accepted every event."""

    def __init__(self, params: PagerDutyParams) -> None:
        self._params = params

    def send(self, message: Message) -> None:
        params = self._params
        for event in events(message, params.key):
            post(params.url, dumps(event), {}, timeout_s=params.timeout_s, allow_private=params.allow_private)

    def close(self) -> None:
        """Every attempt has its own connection."""


def events(message: Message, key: str) -> list[dict[str, Any]]:
    """The events of an alert; two where a confirmation came under another name than the provisional alert."""
    alert = message.raised.alert
    incident = alert.incident
    found = []
    if alert.standing is Standing.CONFIRMED and alert.early_id not in (None, incident.id):
        found.append(_event(key, "resolve", f"vigie/{alert.early_id}"))
    page = message.page
    if page is not None and page.kind in (CallKind.STEP, CallKind.TEST):
        return [_trigger(message, key, f"vigie/{alert.key}")]
    name = f"vigie/{alert.early_id or incident.id}" if alert.standing is Standing.WITHDRAWN else f"vigie/{incident.id}"
    if page is not None and page.kind == CallKind.TAKEN:
        return [_event(key, "acknowledge", name)]
    if incident.phase in CLOSED_PHASES or alert.standing is Standing.WITHDRAWN:
        return [*found, _event(key, "resolve", name)]
    return [*found, _trigger(message, key, name)]


def _event(key: str, action: str, name: str) -> dict[str, Any]:
    return {"routing_key": key, "event_action": action, "dedup_key": name[:KEY_CHARS_MAX]}


def _trigger(message: Message, key: str, name: str) -> dict[str, Any]:
    alert = message.raised.alert
    incident = alert.incident
    calm = alert.kind in _CALM or (message.page is not None and message.page.kind == CallKind.TEST)
    todo = message.text(with_link=False).split("\n")[1:2]
    payload = {
        "summary": shortened(" - ".join([message.title, *todo]), LIMITS["pagerduty"]),
        "source": plain(incident.brand, 100),
        "severity": "info" if calm else SEVERITIES[incident.level],
        "timestamp": utc(min(alert.at_ms, message.now_ms)),
        "component": "vigie",
        "group": plain(incident.brand, 100),
        "class": "exercise" if incident.exercise else "test" if calm and message.page is not None else "incident",
        "custom_details": {"level": incident.level.label, "text": lines(message, DETAIL_CHARS_MAX)},
    }
    links = [{"href": button.url, "text": button.text} for button in buttons(message)]
    return _event(key, "trigger", name) | {"client": "Vigie", "payload": payload, "links": links}
