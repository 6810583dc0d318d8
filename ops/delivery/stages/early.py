"""What a channel was told ahead of the watermark, and whether it is to hear how that ended."""

from __future__ import annotations

from dataclasses import replace

from engine.domain.incident import Standing
from ops.delivery.stages.passage import Passage
from ops.store.outbox import DeliveryState

OVERTAKEN = "overtaken by "


def early(passage: Passage) -> Passage:
    """Drop a provisional alert that is answered already; end it only where it was heard.

    A confirmation is an update for a channel that took the provisional alert, and a first alert for any other. A
    withdrawal goes wherever the provisional alert may have arrived, even where a crash kept that from being recorded.
    """
    alert = passage.due.raised.alert
    if passage.decision is not None or passage.channel.takes_all or alert.standing is Standing.FINAL:
        return passage
    if alert.standing is Standing.PROVISIONAL:
        answer = passage.outbox.answer_to(alert)
        return passage if answer is None else passage.decided("early", DeliveryState.MUTED, f"{OVERTAKEN}{answer}")
    told = alert._replace(standing=Standing.PROVISIONAL).delivery_key
    rows = [row for row in passage.outbox.deliveries(told) if row.channel == passage.channel.name]
    if alert.standing is Standing.CONFIRMED:
        if any(row.state is DeliveryState.DELIVERED for row in rows):
            return passage
        first = replace(passage.due.raised, alert=alert._replace(standing=Standing.FINAL))
        return replace(passage, due=passage.due._replace(raised=first))
    if all(row.state is DeliveryState.MUTED and not row.reason.startswith(OVERTAKEN) for row in rows):
        return passage.decided("early", DeliveryState.MUTED, "the channel never heard of it")
    return passage
