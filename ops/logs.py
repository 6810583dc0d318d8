"""One line a log record: for a person at a terminal, JSON for a collector. No author, text or secret is ever logged."""

from __future__ import annotations

import logging
import sys


def configure(*, level: int = logging.INFO) -> None:
    """Send every library's records through structlog to stderr."""
    import structlog

    terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            renderer,
        ],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for chatty in ("kafka", "httpx2", "httpcore2", "uvicorn.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
