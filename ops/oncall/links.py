"""Links that take an incident: signed, expiring, for one incident each.

The token names a page (`p12`, and with it the person) or an incident (`i` and its id, for the team's channels). It is
signed by itsdangerous (HMAC SHA-1 of its own derived key, with the time of signing inside); whoever changes a byte
gets nothing. A link is a key: it stands in no log.

>>> links = Links("x" * 32, "https://vigie.example", clock_ms=lambda: 5_000_000)
>>> link = links.link("inc-1", 12, 1_000_000)
>>> links.read(link.rsplit("/", 1)[1])
Target(incident_id=None, page=12)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from itsdangerous import BadData, SignatureExpired, URLSafeTimedSerializer
from itsdangerous.timed import TimestampSigner

from engine.domain.errors import InputError

PATH = "/ack/"
SALT = "vigie.ack"
TOKEN_CHARS_MAX = 512


class Target(NamedTuple):
    """What a link is for: a page, or an incident."""

    incident_id: str | None
    page: int | None


class Links:
    """Makes and reads the tokens. `hours` is how long one works, from when its alert was told."""

    def __init__(
        self,
        secret: str,
        base_url: str,
        hours: int = 24,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._base_url, self._max_age_s, self._clock_ms = base_url, hours * 3_600, clock_ms
        self._secret = secret

    def link(self, incident_id: str, page: int, told_at_ms: int) -> str:
        """The link of a page (of an incident, when `page` is 0); the same each time it is asked for."""
        what = f"p{page}" if page else f"i{incident_id}"
        return f"{self._base_url}{PATH}{self._serializer(told_at_ms // 1000).dumps(what)}"

    def read(self, token: str) -> Target:
        """What a token is for. Raises InputError: forged, or expired."""
        if len(token) > TOKEN_CHARS_MAX:
            raise InputError("this link is not valid")
        try:
            what, signed_at = self._serializer(self._clock_ms() // 1000).loads(
                token, max_age=self._max_age_s, return_timestamp=True
            )
        except SignatureExpired:
            raise InputError("this link has expired") from None
        except BadData:
            raise InputError("this link is not valid") from None
        if self._serializer(int(signed_at.timestamp())).dumps(what) != token:  # base64 lets the last bits vary
            raise InputError("this link is not valid")
        if isinstance(what, str) and what[:1] == "p" and what[1:].isdigit():
            return Target(None, int(what[1:]))
        if isinstance(what, str) and what[:1] == "i":
            return Target(what[1:], None)
        raise InputError("this link is not valid")

    def _serializer(self, now_s: int) -> URLSafeTimedSerializer:
        class Clocked(TimestampSigner):
            """Signs and judges by the time that it is handed."""

            def get_timestamp(self) -> int:
                return now_s

        return URLSafeTimedSerializer(self._secret, salt=SALT, signer=Clocked)
