"""The topics: what each should be like, how a cluster's differ from that, and the client that makes and reads them.

Nothing here changes or deletes a topic that is there: a record is placed by its key over the number of partitions, and
what workers keep is kept by partition, so a count that grew would put a brand where nobody knows its history.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from engine.domain.errors import InputError, TransientError

DAY_MS = 86_400_000
COPIES_WANTED = 3
TIMEOUT_MS_MAX = 15_000
BOOTSTRAP_MS_MAX = 5_000

Holds = Literal["mentions", "scored", "incidents", "deadletters"]


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic should be like. `copies` None: three where there are three brokers, else one for each.

    None is compacted: each is a log in which every record counts, and a newer one of the same key replaces nothing.
    """

    name: str
    holds: Holds
    partitions: int
    retention_ms: int
    copies: int | None = None

    @property
    def settings(self) -> dict[str, str]:
        """The topic's own settings, as brokers write them."""
        return {"cleanup.policy": "delete", "retention.ms": str(self.retention_ms)}


class TopicFound(NamedTuple):
    """A topic as the cluster has it."""

    name: str
    partitions: int
    copies: int
    settings: Mapping[str, str]


class Difference(NamedTuple):
    """Something about a topic that is not as it should be. With `grave` unset workers run all the same."""

    topic: str
    text: str
    grave: bool


def copies_for(spec: TopicSpec, brokers: int) -> int:
    """How many copies a new topic gets.

    >>> spec = TopicSpec("vigie.mentions", "mentions", 12, DAY_MS)
    >>> copies_for(spec, 1), copies_for(spec, 5)
    (1, 3)
    """
    return spec.copies if spec.copies is not None else min(brokers, COPIES_WANTED)


def differences(
    specs: Iterable[TopicSpec], found: Mapping[str, TopicFound], brokers: int, counts: Mapping[str, int] | None = None
) -> list[Difference]:
    """What is wrong with a cluster's topics. `counts` are the partition counts that the store was filled with.

    >>> spec = TopicSpec("vigie.scored", "scored", 12, DAY_MS)
    >>> there = TopicFound("vigie.scored", 24, 1, spec.settings)
    >>> [d.text for d in differences([spec], {}, 1)]
    ['not there: make it with vigie topics create']
    >>> differences([spec], {"vigie.scored": there}, 1)[0].grave
    True
    """
    wrong: list[Difference] = []
    for spec in specs:
        topic = found.get(spec.name)
        if topic is None:
            wrong.append(Difference(spec.name, "not there: make it with vigie topics create", True))
            continue
        kept = (counts or {}).get(spec.name)
        if kept is not None and kept != topic.partitions:
            wrong.append(Difference(spec.name, changed_count(spec.holds, kept, topic.partitions), True))
        elif topic.partitions != spec.partitions and spec.holds in ("mentions", "scored"):
            wrong.append(Difference(spec.name, _other_count(topic.partitions, spec.partitions, kept), True))
        wrong += _loose(spec, topic, brokers)
    return wrong


def changed_count(holds: Holds, kept: int, now: int) -> str:
    """Why another number of partitions is refused, and what to do."""
    told = f"{now} partitions, but the database was filled from {kept}"
    if holds == "scored":
        return (
            f"{told}: brands have moved to partitions where nothing is known of them. Go on with a topic of {kept} "
            "partitions, or start afresh: another sources.kafka.topic_prefix or group_id and a new database, which "
            "is filled again from the mentions that the cluster keeps"
        )
    if now < kept:
        return f"{told}: the topic was made anew, and stored positions mean other records. Start with a new database"
    return f"{told}: if the topic was made larger on purpose, say so with vigie topics check --accept"


def _other_count(found: int, wanted: int, kept: int | None) -> str:
    if kept is not None:
        return f"{found} partitions, as the database knows, but the settings say {wanted}: write {found}"
    return (
        f"{found} partitions, but sources.kafka.layout.partitions is {wanted}: write {found} there, or make the "
        "topic anew while it is empty"
    )


def _loose(spec: TopicSpec, topic: TopicFound, brokers: int) -> Iterator[Difference]:
    """What can be lived with, and should be mended on the brokers."""
    copies = copies_for(spec, brokers)
    if topic.copies < copies:
        yield Difference(spec.name, f"{topic.copies} copies of every record, {copies} wanted", False)
    policy = topic.settings.get("cleanup.policy", "delete")
    if "compact" in policy:
        yield Difference(spec.name, f"cleanup.policy is {policy}: records of one key would replace one another", True)
    kept_ms = _number(topic.settings.get("retention.ms"))
    if kept_ms is not None and 0 <= kept_ms < spec.retention_ms:
        told = f"kept {kept_ms / DAY_MS:g} days, {spec.retention_ms / DAY_MS:g} wanted"
        yield Difference(spec.name, f"{told}: workers that stand still for longer lose records", False)


def _number(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None


class TopicAdmin:
    """Makes topics and reads what they are like. `client` are the settings of kafka-python's clients.

    Raises `TransientError` when the cluster can't be reached or does not answer, `InputError` when it refuses.
    """

    def __init__(self, client: Mapping[str, Any]) -> None:
        self._client = dict(client)
        servers = client.get("bootstrap_servers", ())
        self._place = servers if isinstance(servers, str) else ", ".join(servers)

    def found(self, names: Iterable[str]) -> dict[str, TopicFound]:
        """Those of the topics that are there."""
        wanted = list(names)
        with self._admin() as admin:
            # Asked for one that is not there, a broker tells of no other either: so all are listed first.
            there = [name for name in admin.list_topics() if name in wanted]
            if not there:
                return {}
            told = {topic["name"]: topic["partitions"] for topic in admin.describe_topics(there)}
            settings = self._settings(admin, there)
        return {
            name: TopicFound(
                name, len(parts), min((len(p["replica_nodes"]) for p in parts), default=0), settings.get(name, {})
            )
            for name, parts in told.items()
        }

    def brokers(self) -> int:
        """How many brokers the cluster has now."""
        with self._admin() as admin:
            return len(admin.describe_cluster()["brokers"])

    def create(self, specs: Sequence[TopicSpec]) -> list[str]:
        """Make those that are not there; returns their names. What is there is left as it is."""
        there = self.found(spec.name for spec in specs)
        missing = [spec for spec in specs if spec.name not in there]
        if not missing:
            return []
        brokers = self.brokers()
        made = []
        from kafka.admin import NewTopic
        from kafka.errors import TopicAlreadyExistsError

        with self._admin() as admin:
            for spec in missing:
                copies = copies_for(spec, brokers)
                # One copy may be away while records go on being taken: two must hold each.
                settings = spec.settings | {"min.insync.replicas": str(max(1, min(2, copies - 1)))}
                new = NewTopic(spec.name, spec.partitions, copies, topic_configs=settings)
                with contextlib.suppress(TopicAlreadyExistsError):  # somebody was faster
                    admin.create_topics([new], timeout_ms=TIMEOUT_MS_MAX)
                    made.append(spec.name)
        self._wait_for(made)
        return made

    def _wait_for(self, names: Sequence[str]) -> None:
        """Brokers learn of a new topic one after the other."""
        deadline_s = time.monotonic() + TIMEOUT_MS_MAX / 1000
        while len(self.found(names)) < len(names) and time.monotonic() < deadline_s:
            time.sleep(0.1)

    @staticmethod
    def _settings(admin: Any, names: Sequence[str]) -> dict[str, dict[str, str]]:
        from kafka.admin import ConfigFilterType, ConfigResource, ConfigResourceType

        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        told = admin.describe_configs(asked, config_filter=ConfigFilterType.ALL)
        by_name: dict[str, dict[str, Any]] = next(iter(told.values()), {})
        return {
            name: {key: str(value["value"] if isinstance(value, dict) else value) for key, value in found.items()}
            for name, found in by_name.items()
        }

    @contextlib.contextmanager
    def _admin(self) -> Iterator[Any]:
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError, KafkaTimeoutError

        settings = {"client_id": "vigie", "bootstrap_timeout_ms": BOOTSTRAP_MS_MAX, **self._client}
        try:
            with contextlib.closing(KafkaAdminClient(**settings)) as admin:
                yield admin
        except KafkaError as error:
            said = next(iter(str(error).splitlines()), "") or type(error).__name__
            passing = getattr(error, "retriable", False) or isinstance(error, KafkaTimeoutError)
            kind = TransientError if passing or "NoBrokers" in type(error).__name__ else InputError
            raise kind(f"kafka at {self._place}: {said}") from error
