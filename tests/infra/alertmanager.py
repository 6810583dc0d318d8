"""A real Alertmanager (Debian's prometheus-alertmanager) on a free loopback port."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

CONFIG = """
route:
  receiver: team
  group_by: [incident]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 1h
receivers:
  - name: team
    webhook_configs:
      - url: {webhook}
        send_resolved: true
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Alertmanager:
    """Started on entering, stopped on leaving. What it would page goes to `webhook`."""

    def __init__(self, folder: Path, webhook: str = "http://127.0.0.1:9/") -> None:
        self._folder, self._webhook = folder, webhook
        self.url = f"http://127.0.0.1:{free_port()}"

    def __enter__(self) -> Self:
        program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
        assert program, "install it first: apt-get install prometheus-alertmanager"
        config = self._folder / "alertmanager.yml"
        config.write_text(CONFIG.format(webhook=self._webhook))
        self._log = (self._folder / "alertmanager.log").open("w")
        self._process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.path={self._folder / 'data'}",
                f"--web.listen-address={self.url.removeprefix('http://')}",
                "--cluster.listen-address=",
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib.request.urlopen(f"{self.url}/-/ready", timeout=1).close()
                return self
            except (urllib.error.URLError, OSError):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    log = (self._folder / "alertmanager.log").read_text()
                    self.__exit__()
                    raise AssertionError(f"Alertmanager did not start:\n{log}") from None
                time.sleep(0.05)

    def __exit__(self, *_exc: object) -> None:
        self._process.terminate()
        self._process.wait(10)
        self._log.close()

    def alerts(self) -> list[dict[str, Any]]:
        """What fires now."""
        with urllib.request.urlopen(f"{self.url}/api/v2/alerts", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
        return found
