"""The far desk: the same acts, over the API of a running service.

>>> told = {"incident_id": "inc/1", "step": "a b", "text": "ok"}
>>> Remote("https://vigie.example", "vigie_x").address("runs.done", told)
('https://vigie.example/v1/incidents/inc%2F1/run/steps/a%20b/done', {'text': 'ok'})
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from engine.domain.errors import ConfigError, InputError, TransientError
from ops.desk.acts import ACTS
from ops.desk.office import ChangedError, NotAllowedError, NotFoundError, Reply, UnreadError
from ops.section import LOOPBACK

TOKEN_ENV = "VIGIE_TOKEN"
TOKEN_FILE_ENV = "VIGIE_TOKEN_FILE"
SERVER_ENV = "VIGIE_SERVER"
TIMEOUT_S = 30.0
TRIES = 3
_KINDS: Mapping[int, type[InputError]] = {
    401: NotAllowedError, 403: NotAllowedError, 404: NotFoundError, 409: ChangedError, 428: UnreadError,
}  # fmt: skip


def token_of(environ: Mapping[str, str] | None = None) -> str:
    """The token of VIGIE_TOKEN, or of the file that VIGIE_TOKEN_FILE names. Raises ConfigError."""
    environ = os.environ if environ is None else environ
    found = environ.get(TOKEN_ENV, "").strip()
    file = environ.get(TOKEN_FILE_ENV)
    if not found and file:
        try:
            found = Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(f"{TOKEN_FILE_ENV}: {file}: {error.strerror or error}") from None
    if not found:
        raise ConfigError(
            f"a server takes a token: set {TOKEN_ENV} or {TOKEN_FILE_ENV} (vigie tokens create makes one)"
        )
    if not found.isascii() or not found.isprintable():
        raise ConfigError(f"{TOKEN_ENV}: not a token")
    return found


class Remote:
    """A desk far away. Acts are sent with a key, so that a retry after a broken line does nothing twice."""

    def __init__(self, server: str, token: str) -> None:
        place = urlsplit(server)
        if place.scheme not in ("http", "https") or not place.hostname:
            raise InputError(f"--server {server[:80]!r}: write an address such as https://vigie.example")
        if place.scheme == "http" and place.hostname not in LOOPBACK:
            raise InputError(f"--server {server[:80]!r}: a token goes over https only")
        self._server, self._token = server.rstrip("/"), token

    def do(self, name: str, /, **told: Any) -> Reply | Far:
        """As `Desk.do`. What is read is fetched when it is looked at, in the form that is asked for."""
        told = {field: value for field, value in told.items() if value is not None}
        if ACTS[name].reads:
            return Far(self, name, told)
        answer = self.send(name, told, "application/json")
        data = answer.json()
        return Reply(data, lambda: str(data.get("text", "")), data.get("version"), answer.status_code)

    def address(self, name: str, told: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Where an act stands, and what is left to be told of it."""
        act = ACTS[name]
        in_path = {field: quote(str(value), safe="") for field, value in told.items() if "{" + field + "}" in act.path}
        rest = {field: value for field, value in told.items() if field not in in_path}
        return self._server + act.path.format(**in_path), rest

    def send(self, name: str, told: Mapping[str, Any], accept: str) -> Any:
        """The answer of a good request. Raises InputError or TransientError with the server's sentence."""
        import httpx2

        act = ACTS[name]
        url, rest = self.address(name, told)
        headers = {"authorization": f"Bearer {self._token}", "accept": accept}
        if act.reads:
            params = {field: str(value).lower() if isinstance(value, bool) else value for field, value in rest.items()}
            how: dict[str, Any] = {"params": params}
        else:
            headers["idempotency-key"] = secrets.token_urlsafe(16)
            how = {"json": rest}
        for left in reversed(range(TRIES)):
            try:
                answer = httpx2.request(act.method, url, headers=headers, timeout=TIMEOUT_S, **how)
            except httpx2.TransportError as error:
                if not left:
                    raise TransientError(
                        f"{self._server}: {error or type(error).__name__}; is the service up?"
                    ) from None
                continue
            if answer.status_code < 400:
                return answer
            if answer.status_code < 500 or not left:
                raise _refusal(answer, self._server)
        raise AssertionError("the last try returns or raises")


@dataclass(frozen=True, slots=True)
class Far:
    """What a far desk shows: fetched when it is looked at, in the form that is asked for."""

    remote: Remote
    name: str
    told: Mapping[str, Any]
    status: int = 200

    @property
    def data(self) -> Any:
        return self.remote.send(self.name, self.told, "application/json").json()

    @property
    def version(self) -> str | None:
        tag: str = self.remote.send(self.name, self.told, "application/json").headers.get("etag", "")
        return tag.strip('"') or None

    @property
    def raw(self) -> bytes:
        found: bytes = self.remote.send(self.name, self.told, "*/*").content
        return found

    def text(self) -> str:
        found: str = self.remote.send(self.name, self.told, "text/plain").text
        return found.removesuffix("\n")


def _refusal(answer: Any, server: str) -> InputError | TransientError:
    try:
        detail = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        detail = f"{server} answers {answer.status_code}; is it a Vigie service of this version?"
    if answer.status_code >= 500:
        return TransientError(detail)
    return _KINDS.get(answer.status_code, InputError)(detail)
