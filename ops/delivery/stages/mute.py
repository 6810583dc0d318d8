"""Has somebody asked for silence: maintenance, a planned event, an incident known to everyone?"""

from __future__ import annotations

from engine.domain.incident import Alert, Level
from ops.delivery.stages.passage import Passage
from ops.oncall.escalation import CallKind
from ops.store.outbox import DeliveryState, Mute


def mute(passage: Passage) -> Passage:
    """Mute what a mute in force covers, and name it."""
    page = passage.due.page
    is_test = page is not None and page.kind == CallKind.TEST
    if passage.decision is not None or passage.channel.takes_all or is_test:
        return passage
    for found in (*passage.outbox.mutes(passage.now_ms), *passage.windows(passage.now_ms)):
        if covers(found, passage.due.raised.alert):
            by = f" by {found.actor}" if found.actor else ""
            why = f": {found.reason}" if found.reason else ""
            name = f"mute {found.id}" if found.id else "planned maintenance"
            return passage.decided("mute", DeliveryState.MUTED, f"{name}{by}{why}")
    return passage


def covers(found: Mute, alert: Alert) -> bool:
    """All that the mute names fits the alert. A mute up to orange never holds back rouge."""
    return fits(found, alert.incident.brand, alert.incident.id, alert.incident.level)


def fits(found: Mute, brand: str, incident_id: str, level: Level) -> bool:
    """The same of an incident, by what identifies it."""
    return (
        found.brand in (None, brand)
        and found.incident_id in (None, incident_id)
        and (found.level_max is None or level <= found.level_max)
    )
