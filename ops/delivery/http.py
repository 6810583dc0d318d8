"""One guarded POST: no redirects, no proxies from the environment, bounded time and answer."""

from __future__ import annotations

from collections.abc import Mapping

from engine.domain.errors import DeliveryError
from ops.delivery.guard import guarded

ANSWER_BYTES_MAX = 65_536
FINAL = frozenset({400, 405, 411, 413, 415, 422, 431, 501})
"""Answers that say that this request will never do; after any other failure we try again."""


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout_s: float, allow_private: bool) -> None:
    """POST JSON and expect 2xx. Raises DeliveryError; its text names the host, never the path, which may be secret."""
    import httpx2

    target = guarded(url, allow_private=allow_private)
    sent = {"Content-Type": "application/json", "User-Agent": "vigie", **headers, "Host": target.host}
    try:
        with (
            httpx2.Client(timeout=timeout_s, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST", target.url, content=body, headers=sent, extensions={"sni_hostname": target.name}
            ) as response,
        ):
            status = response.status_code
            if 200 <= status < 300:
                size = 0
                for chunk in response.iter_raw():  # a polite reader lets the server finish, up to a limit
                    size += len(chunk)
                    if size > ANSWER_BYTES_MAX:
                        break
                return
    except httpx2.TimeoutException as error:
        raise DeliveryError(f"{target.name}: no answer within {timeout_s:g} s") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise DeliveryError(f"{target.name}: {type(error).__name__}") from error
    if 300 <= status < 400:
        raise DeliveryError(f"{target.name}: answered {status}; redirects are not followed, put the final url")
    raise DeliveryError(f"{target.name}: answered {status}", retry=status not in FINAL)
