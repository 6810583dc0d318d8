"""`vigie run`: the service."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer


def run(
    config: Annotated[Path, typer.Option("-c", "--config", help="Settings file.", metavar="vigie.yaml")],
) -> None:
    """Run the service: take mentions in, watch the brands, alert.

    Mentions come over HTTP (POST /v1/mentions), from followed files, standard input or Kafka, as the settings say.
    SIGTERM or Ctrl-C ends it: what was accepted is worked through first.

    **Example:** `vigie run -c vigie.yaml`
    """
    from ops import logs
    from ops.service import Service
    from ops.settings import load_settings
    from ops.store.store import wall_clock_ms

    settings = load_settings(config)
    logs.configure()
    service = Service(settings, wall_clock_ms)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: service.stop())
    service.run(lambda line: print(f"vigie: {line}", file=sys.stderr, flush=True))  # noqa: T201
