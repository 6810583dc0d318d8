"""Has somebody asked for silence: maintenance, a planned event, an incident known to everyone?"""

from __future__ import annotations

from engine.domain.incident import Alert
from ops.delivery.stages.passage import Passage
from ops.store.outbox import DeliveryState, Mute


def mute(passage: Passage) -> Passage:
    """Mute what a mute in force covers, and name it."""
    if passage.decision is not None or passage.channel.takes_all:
        return passage
    for found in passage.outbox.mutes(passage.now_ms):
        if covers(found, passage.due.raised.alert):
            by = f" by {found.actor}" if found.actor else ""
            why = f": {found.reason}" if found.reason else ""
            return passage.decided("mute", DeliveryState.MUTED, f"mute {found.id}{by}{why}")
    return passage


def covers(found: Mute, alert: Alert) -> bool:
    """All that the mute names fits the alert. A mute up to orange never holds back rouge."""
    return (
        found.brand in (None, alert.incident.brand)
        and found.incident_id in (None, alert.incident.id)
        and (found.level_max is None or alert.incident.level <= found.level_max)
    )
