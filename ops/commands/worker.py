"""`vigie worker score`, `watch` and `desk`: the work of the service in several processes."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ops.workers.base import StoreProcess

worker_app = typer.Typer(
    no_args_is_help=True,
    help="The service in several processes, joined by Kafka: those that score mentions, those that watch brands, "
    "and the desk of people.",
)

Config = Annotated[Path, typer.Option("-c", "--config", help="Settings file.", metavar="vigie.yaml")]
Instance = Annotated[
    str | None,
    typer.Option("--instance", help="This process's name among its like: a restart under it moves no partition."),
]
MetricsPort = Annotated[
    int | None, typer.Option("--metrics-port", min=0, max=65_535, help="Port for probes and metrics; 0 takes any.")
]


@worker_app.command("score")
def score(config: Config, instance: Instance = None, metrics_port: MetricsPort = None) -> None:
    """Read mentions from Kafka, tell their brands and what they say, hand them to those who watch.

    Keeps nothing: start as many as the load asks for, up to the partitions of the topic of mentions.

    **Example:** `vigie worker score -c vigie.yaml --instance score-1`
    """
    from ops.settings import load_settings
    from ops.store.store import wall_clock_ms
    from ops.workers.score import ScoreWorker

    _run(ScoreWorker(load_settings(config), wall_clock_ms, instance, metrics_port))


@worker_app.command("watch")
def watch(config: Config, instance: Instance = None, metrics_port: MetricsPort = None) -> None:
    """Watch the brands of its share of the scored topic: series, incidents, alerts.

    Start as many as the load asks for, up to the partitions of the scored topic; all of them on one database.

    **Example:** `vigie worker watch -c vigie.yaml --instance watch-1`
    """
    from ops.settings import load_settings
    from ops.store.store import wall_clock_ms
    from ops.workers.watch import WatchWorker

    _run(WatchWorker(load_settings(config), wall_clock_ms, instance, metrics_port))


@worker_app.command("desk")
def desk(config: Config, instance: Instance = None, metrics_port: MetricsPort = None) -> None:
    """Everything of people: calls, the clocks of playbooks, drafts, the HTTP API.

    One serves; a second one waits, and takes its place within 15 seconds when it dies.

    **Example:** `vigie worker desk -c vigie.yaml --instance desk-1`
    """
    from ops.settings import load_settings
    from ops.store.store import wall_clock_ms
    from ops.workers.desk import DeskWorker

    _run(DeskWorker(load_settings(config), wall_clock_ms, instance, metrics_port))


def _run(worker: StoreProcess) -> None:
    from ops import logs

    logs.configure()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    worker.run(lambda line: print(f"vigie: {line}", file=sys.stderr, flush=True))  # noqa: T201
