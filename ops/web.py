"""The HTTP face of the service: mentions in, health and metrics out. One small server in a thread of its own."""

from __future__ import annotations

import errno
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.domain.errors import InputError

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ops.metrics import Metrics

Probe = Callable[[], tuple[bool, str]]
"""Answers whether all is well, and in one sentence why or why not."""


def add_probes(app: FastAPI, healthy: Probe, ready: Probe, metrics: Metrics | None) -> None:
    """`/healthz`, `/readyz` and, unless it has a port of its own, `/metrics`."""
    from fastapi import Request
    from fastapi.responses import PlainTextResponse, Response

    def answer(probe: Probe) -> Response:
        well, text = probe()
        return PlainTextResponse(text + "\n", status_code=200 if well else 503)

    def healthz() -> Response:
        return answer(healthy)

    def readyz() -> Response:
        return answer(ready)

    app.add_api_route("/healthz", healthz, response_class=PlainTextResponse, summary="Is the process alive?")
    app.add_api_route("/readyz", readyz, response_class=PlainTextResponse, summary="Can it take mentions?")
    if metrics is not None:

        def exposition(request: Request) -> Response:
            body, content_type = metrics.exposition(request.headers.get("accept", ""))
            return Response(body, media_type=content_type)

        # FastAPI reads annotations at run time, where Request is not a global of this module
        exposition.__annotations__["request"] = Request
        app.add_api_route("/metrics", exposition, response_class=Response, summary="For Prometheus")


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises InputError in one line when the port is taken or may not be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            hint = "another program listens there; set sources.http.port to a free one, or stop that program"
        else:
            hint = f"{error.strerror or error}; set sources.http.host and port to what this machine may use"
        raise InputError(f"can't listen on {host}:{port}: {hint}") from None
    return listener


class WebServer:
    """uvicorn in a thread. `stop` lets requests under way finish."""

    def __init__(self, app: FastAPI, listener: socket.socket) -> None:
        import uvicorn

        self._listener = listener
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=10, log_config=None
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([listener],), name="web", daemon=True)

    @property
    def address(self) -> str:
        host, port = self._listener.getsockname()[:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """No new requests; wait for those under way."""
        self._server.should_exit = True
        if self._thread.is_alive():
            self._thread.join(15)
        self._listener.close()
