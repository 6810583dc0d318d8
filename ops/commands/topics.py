"""`vigie topics`: make the topics of a Kafka cluster, and check them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.domain.errors import InputError

if TYPE_CHECKING:
    from ops.settings import KafkaSource, Settings
    from streams.topics import TopicFound

topics_app = typer.Typer(
    no_args_is_help=True,
    help="Make the topics of a Kafka cluster, and check them.\n\nExample: `vigie topics create -c vigie.yaml`",
)

Config = Annotated[Path, typer.Option("--config", "-c", help="The settings file.", show_default=True)]


@topics_app.command()
def create(
    config: Config = Path("vigie.yaml"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be made, and make nothing.")] = False,
) -> None:
    """Make the topics that the settings name and that are not there, then check them all.

    A topic that is there is left as it is. Partitions, copies and how long records are kept stand in
    `sources.kafka.layout`.

    Example: `vigie topics create -c vigie.yaml`
    """
    from ops.topics import client_of, specs_of
    from streams.topics import TopicAdmin, copies_for

    settings, kafka = _read(config)
    specs, admin = specs_of(kafka), TopicAdmin(client_of(kafka))
    if dry_run:
        there, brokers = admin.found(spec.name for spec in specs), admin.brokers()
        for spec in specs:
            if spec.name not in there:
                copies = copies_for(spec, brokers)
                typer.echo(f"would make {spec.name}: {spec.partitions} partitions, copies {copies}")
        return
    for name in admin.create(specs):
        typer.echo(f"made {name}")
    _check(settings, kafka, accept=False)


@topics_app.command()
def check(
    config: Config = Path("vigie.yaml"),
    accept: Annotated[
        bool, typer.Option("--accept", help="A topic of mentions was made larger on purpose: go on with it.")
    ] = False,
) -> None:
    """Check that the topics are there, and as the settings and the database want them.

    Ends with 2 when workers could not go on, and says what to do. The numbers of partitions are compared with those
    that the database was filled with, where there is one: it must not change under the workers.

    Example: `vigie topics check -c vigie.yaml`
    """
    settings, kafka = _read(config)
    _check(settings, kafka, accept=accept)


def _read(config: Path) -> tuple[Settings, KafkaSource]:
    from ops.settings import load_settings

    settings = load_settings(config)
    if settings.sources.kafka is None:
        raise InputError(f"{config}: no Kafka cluster is named; set sources.kafka.bootstrap_servers")
    return settings, settings.sources.kafka


def _check(settings: Settings, kafka: KafkaSource, *, accept: bool) -> None:
    """Print what the topics are like. Raises InputError for what workers can't live with."""
    from ops.topics import client_of, specs_of
    from streams.topics import TopicAdmin, differences

    specs, admin = specs_of(kafka), TopicAdmin(client_of(kafka))
    found, brokers = admin.found(spec.name for spec in specs), admin.brokers()
    counts = _counts(settings, {s.name for s in specs if s.holds == "mentions"}, found.values(), accept=accept)
    wrong = differences(specs, found, brokers, counts)
    for name, topic in sorted(found.items()):
        typer.echo(f"{name}: {topic.partitions} partitions, copies {topic.copies}")
    for difference in wrong:
        if not difference.grave:
            typer.echo(f"{difference.topic}: {difference.text}", err=True)
    grave = [f"{difference.topic}: {difference.text}" for difference in wrong if difference.grave]
    for text in grave[:-1]:
        typer.echo(f"vigie: {text}", err=True)
    if grave:
        raise InputError(grave[-1])
    typer.echo(f"{len(found)} topics on {brokers} broker{'' if brokers == 1 else 's'}: all well")


def _counts(
    settings: Settings, mentions: set[str], found: Iterable[TopicFound], *, accept: bool
) -> dict[str, int]:  # fmt: skip
    """The partition counts that the database knows; none where there is no database yet."""
    from ops.store import Store
    from ops.topics import keep_counts, kept_counts

    if "://" not in settings.database and not Path(settings.database).exists():
        return {}
    with Store.open(settings.database, create=False) as store:
        counts = kept_counts(store)
        if accept:
            larger = {
                t.name: t.partitions for t in found if t.name in mentions and t.partitions > counts.get(t.name, 0)
            }
            keep_counts(store, larger)
            counts |= larger
    return counts
