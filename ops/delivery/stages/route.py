"""Is this channel meant to hear of it? By brand and level."""

from __future__ import annotations

from engine.domain.incident import AlertKind, Standing
from ops.delivery.stages.passage import Passage
from ops.oncall.escalation import CallKind
from ops.store.outbox import DeliveryState

_RISING = frozenset({AlertKind.OPENED, AlertKind.RAISED, AlertKind.REOPENED, AlertKind.SILENT})


def route(passage: Passage) -> Passage:
    """Mute what the channel's settings leave out.

    Bad news is judged by the level now. Good news (lowered, contained, resolved) by the highest level there was: who
    was told of the fire is told that it is out; so is who was told of a provisional one, whatever its level became.
    """
    if passage.decision is not None or passage.channel.takes_all:
        return passage
    alert, channel = passage.due.raised.alert, passage.channel
    page = passage.due.page
    if page is not None and page.kind == CallKind.TEST:
        return passage  # the test is of the way itself, whatever it is kept for
    if channel.brands and alert.incident.brand not in channel.brands:
        return passage.decided("route", DeliveryState.MUTED, "the channel is not for this brand")
    if alert.standing in (Standing.CONFIRMED, Standing.WITHDRAWN):
        return passage  # the stage before let it through: the channel has heard of it
    is_call = page is not None and page.kind not in (CallKind.TAKEN, CallKind.OVER)
    level = alert.incident.level if is_call or alert.kind in _RISING else alert.incident.level_max
    if level < channel.level_min:
        reason = f"level {level.label} is below the channel's {channel.level_min.label}"
        return passage.decided("route", DeliveryState.MUTED, reason)
    return passage
