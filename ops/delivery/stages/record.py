"""Write down what became of it. After a crash before this, the alert goes out again under the same key."""

from __future__ import annotations

import logging

from ops.delivery.stages.passage import Passage
from ops.store.outbox import DeliveryState

log = logging.getLogger("vigie.delivery")


def record(passage: Passage) -> Passage:
    """The last stage, for decided deliveries of every kind."""
    decision, delivery = passage.decision, passage.due.delivery
    if decision is None or (decision.stage == "dedup" and decision.state is not DeliveryState.MUTED):
        return passage  # nothing new: it is recorded already
    passage.outbox.record(
        delivery.id, decision.state, decision.attempts, decision.next_at_ms, decision.reason, passage.clock_ms()
    )
    if decision.state in (DeliveryState.FAILED, DeliveryState.PENDING):
        given_up = "given up" if decision.state is DeliveryState.FAILED else "will try again"
        log.warning(
            "channel %s did not take alert %s (attempt %d, %s): %s",
            delivery.channel, delivery.key, decision.attempts, given_up, decision.reason,
        )  # fmt: skip
    return passage
