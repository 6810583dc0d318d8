"""Send it; when the channel does not take it, say when to try again. The schedule stands in the table."""

from __future__ import annotations

import logging
from dataclasses import replace
from hashlib import blake2b

from engine.domain.errors import DeliveryError
from ops.delivery.stages.passage import Decision, Passage
from ops.store.outbox import DeliveryState

ATTEMPTS_MAX = 120
"""With the waits below that is about nine hours of trying."""
WAIT_MS_INITIAL = 2_000
WAIT_MS_MAX = 300_000
JITTER = 0.2

log = logging.getLogger("vigie.delivery")


def wait_ms(attempts: int, salt: str) -> int:
    """How long to wait after that many attempts: doubling, capped, spread a little by a jitter that `salt` fixes.

    >>> [round(wait_ms(n, "") / 1000) for n in (1, 2, 3, 8, 50)]
    [2, 4, 10, 306, 337]
    """
    base = min(WAIT_MS_MAX, WAIT_MS_INITIAL << min(attempts - 1, 20))
    digest = blake2b(f"{salt}/{attempts}".encode("utf-8", "replace"), digest_size=2).digest()
    return round(base * (1 + JITTER * int.from_bytes(digest, "big") / 65_536))


def retry(passage: Passage) -> Passage:
    """One attempt. The others come later, when `next_at_ms` is there, in this process or the next."""
    if passage.decision is not None:
        return passage
    delivery = passage.due.delivery
    attempts = delivery.attempts + 1
    try:
        passage.send(passage)
    except DeliveryError as error:
        reason, again = str(error), error.retry
    except Exception as error:  # a notifier's own bug must not silence its channel, nor lose the alert
        log.exception("channel %s: %s", passage.channel.name, type(error).__name__)
        reason, again = f"{type(error).__name__} in the notifier", True
    else:
        decision = Decision("retry", DeliveryState.DELIVERED, "", attempts, delivery.next_at_ms)
        return replace(passage, decision=decision)
    if not again or attempts >= ATTEMPTS_MAX:
        decision = Decision("retry", DeliveryState.FAILED, reason, attempts, delivery.next_at_ms)
    else:
        next_at_ms = passage.clock_ms() + wait_ms(attempts, f"{delivery.key}/{delivery.channel}")
        decision = Decision("retry", DeliveryState.PENDING, reason, attempts, next_at_ms)
    return replace(passage, decision=decision)
