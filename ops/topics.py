"""The topics that the settings ask for, and the partition counts that a database was filled with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine.domain.errors import InputError
from streams.topics import DAY_MS, Holds, TopicSpec, changed_count

if TYPE_CHECKING:
    from ops.settings import KafkaSource
    from ops.store import Store

_META = "topic/"


def client_of(kafka: KafkaSource, environ: Mapping[str, str] | None = None) -> dict[str, Any]:
    """How kafka-python's clients reach the cluster: addresses, TLS, log-in. Raises ConfigError for a secret that can't
    be read.

    >>> from ops.settings import KafkaSource
    >>> client_of(KafkaSource(bootstrap_servers=("127.0.0.1:9092",)))
    {'bootstrap_servers': ['127.0.0.1:9092'], 'security_protocol': 'PLAINTEXT'}
    """
    client: dict[str, Any] = {
        "bootstrap_servers": list(kafka.bootstrap_servers),
        "security_protocol": kafka.security_protocol,
    }
    if kafka.sasl_mechanism is not None:
        username, password = kafka.username(environ), kafka.password(environ)
        client |= {
            "sasl_mechanism": kafka.sasl_mechanism,
            "sasl_plain_username": username.get_secret_value() if username else None,
            "sasl_plain_password": password.get_secret_value() if password else None,
        }
    for name in ("ssl_cafile", "ssl_certfile", "ssl_keyfile"):
        path = getattr(kafka, name)
        if path is not None:
            client[name] = str(path)
    if (secret := kafka.key_password(environ)) is not None:
        client["ssl_password"] = secret.get_secret_value()
    return client


def specs_of(kafka: KafkaSource) -> list[TopicSpec]:
    """Every topic that these settings use.

    >>> from ops.settings import KafkaSource
    >>> specs = specs_of(KafkaSource(bootstrap_servers=("127.0.0.1:9092",)))
    >>> [(spec.name, spec.partitions) for spec in specs]
    [('vigie.mentions', 12), ('vigie.scored', 12), ('vigie.incidents', 12), ('vigie.deadletters', 1)]
    """
    layout = kafka.layout

    def spec(name: str, holds: Holds, days: float, partitions: int = layout.partitions) -> TopicSpec:
        return TopicSpec(name, holds, partitions, int(days * DAY_MS), layout.copies)

    return [
        *(spec(name, "mentions", layout.mentions_days) for name in kafka.mention_topics),
        spec(kafka.topic("scored"), "scored", layout.scored_days),
        spec(kafka.topic("incidents"), "incidents", layout.incidents_days),
        spec(kafka.topic("deadletters"), "deadletters", layout.deadletters_days, 1),
    ]


def kept_counts(store: Store) -> dict[str, int]:
    """The partition counts that this database was filled with, by topic."""
    meta = store.get_meta()
    return {name.removeprefix(_META): int(value) for name, value in meta.items() if name.startswith(_META)}


def keep_counts(store: Store, counts: Mapping[str, int]) -> None:
    """From now on these are right."""
    for topic, count in counts.items():
        store.set_meta(_META + topic, str(count))


def check_counts(store: Store, kafka: KafkaSource, counts: Mapping[str, int]) -> None:
    """What a worker does before it works: compare its topics' partition counts with those of the database; a topic
    that is new to it is kept. `counts` tells the partitions by topic.

    Raises InputError, with what to do, when one has changed.
    """
    kept = kept_counts(store)
    holds = {spec.name: spec.holds for spec in specs_of(kafka)}
    for topic, count in counts.items():
        if topic not in kept:
            keep_counts(store, {topic: count})
        elif kept[topic] != count:
            raise InputError(f"{topic}: {changed_count(holds.get(topic, 'mentions'), kept[topic], count)}")
