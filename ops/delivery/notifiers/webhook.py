"""A POST of JSON to a server of yours, signed as GitHub and Stripe do.

Headers: `X-Vigie-Timestamp` (Unix seconds), `X-Vigie-Signature-256: sha256=<hex>` (HMAC SHA-256 of
`<timestamp>.<raw body>` with the shared secret) and `Idempotency-Key` (the alert's key, the same on every attempt).
Check the signature on the raw body, in constant time; refuse a timestamp more than 300 s off; drop a key seen before.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

from ops.delivery.http import post
from ops.delivery.message import Message
from ops.store.codec import dumps


@dataclass(frozen=True, slots=True)
class WebhookParams:
    """`secret` signs; without one nothing is signed. `url` may hold a token, so neither is shown."""

    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)
    allow_private: bool = False
    timeout_s: float = 10.0


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What stands in `X-Vigie-Signature-256`.

    >>> signature("s3cret", "1763686320", b"{}")[:15]
    'sha256=44ac2aa0'
    """
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class WebhookNotifier:
    """Delivered means: answered 2xx."""

    def __init__(self, params: WebhookParams) -> None:
        self._params = params

    def send(self, message: Message) -> None:
        params = self._params
        body = dumps(message.data())
        timestamp = str(message.now_ms // 1000)
        headers = {"Idempotency-Key": message.key, "X-Vigie-Timestamp": timestamp}
        if params.secret is not None:
            headers["X-Vigie-Signature-256"] = signature(params.secret, timestamp, body)
        post(params.url, body, headers, timeout_s=params.timeout_s, allow_private=params.allow_private)

    def close(self) -> None:
        """Every attempt has its own connection."""
