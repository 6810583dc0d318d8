"""A real `vigie run` as a process, for tests."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import orjson

from engine.domain.mention import Mention

START_S_MAX = 60


def record(mention: Mention) -> bytes:
    """A mention as a sender writes it."""
    at_s, ms = divmod(mention.created_at_ms, 1000)
    created = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at_s)) + f".{ms:03d}Z"
    fields = {
        "id": mention.id, "source": mention.source, "kind": mention.kind, "text": mention.text, "created_at": created,
        "brand": mention.brand, "sentiment": mention.sentiment, "author": {"id": mention.author_id},
    }  # fmt: skip
    return orjson.dumps({name: value for name, value in fields.items() if value is not None})


class Service:
    """`vigie run` in a folder of its own; `kill` is SIGKILL."""

    def __init__(self, folder: Path, extra: str = "") -> None:
        self.folder = folder
        self.config = folder / "vigie.yaml"
        self.config.write_text(
            "database: vigie.db\nlang: en\nsources:\n  http: {port: 0}\n"
            "detection: {bin_s: 60, lateness_s: 120}\n" + extra
        )
        self.log = folder / "log.txt"
        self.process: subprocess.Popen[bytes] | None = None
        self.url = ""

    def start(self) -> Service:
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "ops.cli", "run", "-c", str(self.config)]
            self.process = subprocess.Popen(command, stderr=log, stdout=log, env={**os.environ, "COVERAGE": ""})
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            text = self.log.read_text()
            if "vigie: ready" in text:
                found = re.search(r"listening on (http://\S+)", text)
                assert found is not None
                self.url = found.group(1)
                return self
            if self.process.poll() is not None:
                raise AssertionError(f"vigie run ended with {self.process.returncode}: {text}")
            time.sleep(0.05)
        raise AssertionError(f"vigie run did not start: {self.log.read_text()}")

    def post(self, body: bytes, **headers: str) -> httpx2.Response:
        sent = {"content-type": "application/x-ndjson", **headers}
        return httpx2.post(f"{self.url}/v1/mentions", content=body, headers=sent, timeout=20)

    def get(self, path: str) -> httpx2.Response:
        return httpx2.get(self.url + path, timeout=20)

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and how it ended."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def end(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.kill()
