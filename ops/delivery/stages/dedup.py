"""Has the channel had it already, or something newer of the same incident?"""

from __future__ import annotations

from dataclasses import replace

from ops.delivery.stages.passage import Decision, Passage
from ops.oncall.escalation import CallKind, State
from ops.store.outbox import DeliveryState


def dedup(passage: Passage) -> Passage:
    """Never the same key twice on a channel once that is recorded, and no old news after newer ones.

    The table holds one row for a key and channel. It is read again here: another process may have recorded it since
    this one fetched its list.
    """
    if passage.decision is not None:
        return passage
    delivery = passage.due.delivery
    now = passage.outbox.get(delivery.id)
    if now is None or now.state is not DeliveryState.PENDING:
        state = DeliveryState.DELIVERED if now is None else now.state
        attempts, next_at_ms = (
            (delivery.attempts, delivery.next_at_ms) if now is None else (now.attempts, now.next_at_ms)
        )
        reason = "forgotten" if now is None else now.reason
        return replace(passage, decision=Decision("dedup", state, reason, attempts, next_at_ms))
    if passage.channel.takes_all:
        return passage
    if passage.due.page is not None:
        return _still_needed(passage)
    newer = passage.outbox.overtaken_by(delivery, passage.due.raised.alert.incident.id)
    if newer is not None:
        return passage.decided("dedup", DeliveryState.MUTED, f"overtaken by {newer}")
    return passage


def _still_needed(passage: Passage) -> Passage:
    """A call that was stuck does not wake anybody for what somebody has taken meanwhile."""
    page = passage.due.page
    if page is not None and page.kind in _CALLS:
        state = passage.outbox.calls_stand(passage.due.raised.alert.incident.id)
        if state in (State.TAKEN, State.OVER):
            return passage.decided("dedup", DeliveryState.MUTED, f"no longer needed: {state.value}")
    return passage


_CALLS = frozenset({CallKind.CALL, CallKind.HANDOVER, CallKind.UNANSWERED})
