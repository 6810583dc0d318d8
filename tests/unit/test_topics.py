"""What is wrong with a cluster's topics, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.domain.errors import InputError
from ops.settings import KafkaSource, Settings
from ops.store import Store
from ops.topics import check_counts, client_of, keep_counts, kept_counts, specs_of
from streams.topics import DAY_MS, Difference, TopicFound, TopicSpec, differences

KAFKA = KafkaSource(bootstrap_servers=("127.0.0.1:9092",))
SPECS = specs_of(KAFKA)
AS_WANTED = {spec.name: TopicFound(spec.name, spec.partitions, 1, spec.settings) for spec in SPECS}


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store.open(place) as opened:
        yield opened


def of(name: str, **changed: object) -> dict[str, TopicFound]:
    return AS_WANTED | {name: AS_WANTED[name]._replace(**changed)}


def test_nothing_is_wrong_with_what_is_as_wanted() -> None:
    assert differences(SPECS, AS_WANTED, 1) == []
    assert differences(SPECS, AS_WANTED, 1, dict.fromkeys(("vigie.mentions", "vigie.scored"), 12)) == []
    kept_for_ever = of("vigie.mentions", settings={"retention.ms": "-1", "cleanup.policy": "delete"})
    assert differences(SPECS, kept_for_ever, 1) == []
    more = of("vigie.incidents", partitions=3)  # nobody's state stands in them
    assert differences(SPECS, more, 1) == []


@pytest.mark.parametrize(
    ("found", "counts", "says", "grave"),
    [
        (of("vigie.scored", partitions=24), {"vigie.scored": 12}, "brands have moved", True),
        (of("vigie.mentions", partitions=24), {"vigie.mentions": 12}, "vigie topics check --accept", True),
        (of("vigie.mentions", partitions=4), {"vigie.mentions": 12}, "Start with a new database", True),
        (of("vigie.mentions", partitions=4), {}, "layout.partitions is 12: write 4 there", True),
        (of("vigie.mentions", partitions=4), {"vigie.mentions": 4}, "as the database knows", True),
        (of("vigie.mentions", settings={"cleanup.policy": "compact"}), {}, "replace one another", True),
        (of("vigie.scored", settings={"retention.ms": str(DAY_MS)}), {}, "kept 1 days, 3 wanted", False),
    ],
)
def test_what_is_wrong_is_told_with_what_to_do(
    found: dict[str, TopicFound], counts: dict[str, int], says: str, grave: bool
) -> None:
    (wrong,) = differences(SPECS, found, 1, counts)
    assert says in wrong.text
    assert wrong.grave is grave


def test_missing_topics_and_copies() -> None:
    assert {wrong.text.split(":")[0] for wrong in differences(SPECS, {}, 1)} == {"not there"}
    (wrong,) = differences(SPECS[:1], AS_WANTED, 3)
    assert wrong == Difference("vigie.mentions", "1 copies of every record, 3 wanted", False)
    assert differences([TopicSpec("vigie.mentions", "mentions", 12, DAY_MS, copies=1)], AS_WANTED, 3) == []


def test_a_database_keeps_the_counts_that_it_was_filled_with(store: Store) -> None:
    store.set_meta("other", "x")
    check_counts(store, KAFKA, {"vigie.mentions": 12, "vigie.scored": 12})
    check_counts(store, KAFKA, {"vigie.mentions": 12, "vigie.scored": 12})
    assert kept_counts(store) == {"vigie.mentions": 12, "vigie.scored": 12}
    with pytest.raises(InputError, match=r"vigie\.scored: 24 partitions, but the database was filled from 12"):
        check_counts(store, KAFKA, {"vigie.scored": 24})
    with pytest.raises(InputError, match="--accept"):
        check_counts(store, KAFKA, {"vigie.mentions": 24})
    keep_counts(store, {"vigie.mentions": 24})
    check_counts(store, KAFKA, {"vigie.mentions": 24})


def test_the_layout_and_prefix_come_from_the_settings() -> None:
    section = {
        "bootstrap_servers": ["127.0.0.1:9092"], "topic_prefix": "essai-", "topics": ["x", "y"],
        "layout": {"partitions": 6, "copies": 2, "mentions_days": 1},
    }  # fmt: skip
    kafka = Settings.model_validate({"sources": {"kafka": section}}).sources.kafka
    assert kafka is not None
    told = [(spec.name, spec.holds, spec.partitions, spec.copies) for spec in specs_of(kafka)]
    assert told == [
        ("x", "mentions", 6, 2), ("y", "mentions", 6, 2), ("essai-scored", "scored", 6, 2),
        ("essai-incidents", "incidents", 6, 2), ("essai-deadletters", "deadletters", 1, 2),
    ]  # fmt: skip
    assert specs_of(kafka)[0].settings["retention.ms"] == str(DAY_MS)


def test_secrets_reach_the_clients_and_nothing_else() -> None:
    kafka = KafkaSource(
        bootstrap_servers=("k:9093",), security_protocol="SASL_SSL", sasl_mechanism="SCRAM-SHA-512",
        sasl_username_env="U", sasl_password_env="P",
    )  # fmt: skip
    client = client_of(kafka, {"U": "vigie", "P": "s3cret"})
    assert (client["sasl_plain_username"], client["sasl_plain_password"]) == ("vigie", "s3cret")
    assert "s3cret" not in repr(kafka)
