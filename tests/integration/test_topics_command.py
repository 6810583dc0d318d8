"""`vigie topics` and `vigie deadletters replay` against a real broker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

from engine.domain.batch import Reject
from engine.domain.effects import DeadLettered
from ops.store import Store
from ops.store.deadletters import Wanted
from ops.topics import kept_counts
from tests.infra.cli import Ended, vigie
from tests.infra.kafka import Broker

GOOD = b'{"id": "1", "source": "forum", "text": "Colis perdu", "created_at": "2026-03-04T09:15:00Z"}'


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.started() as broker:
        yield broker


@pytest.fixture
def run(
    tmp_path: Path, broker: Broker, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ended]:
    def call(*words: object, prefix: str = "vigie.", partitions: int = 4, address: str = broker.address) -> Ended:
        config = tmp_path / "vigie.yaml"
        config.write_text(
            f"sources: {{http: null, kafka: {{bootstrap_servers: ['{address}'], topic_prefix: '{prefix}', "
            f"layout: {{partitions: {partitions}}}}}}}\n"
        )
        return vigie(capsys, monkeypatch, *words, "-c", config)

    return call


def test_topics_are_made_checked_and_never_changed(run: Callable[..., Ended], tmp_path: Path) -> None:
    code, out, err = run("topics", "check")
    assert (code, out) == (2, "")
    assert err.count("not there: make it with vigie topics create") == 4
    assert "would make vigie.scored: 4 partitions, copies 1" in run("topics", "create", "--dry-run").out
    assert run("topics", "check").code == 2
    code, out, err = run("topics", "create")
    assert (code, err) == (0, "")
    assert out.count("made ") == 4
    assert out.endswith("4 topics on 1 broker: all well\n")
    code, out, _ = run("topics", "create")
    assert (code, out.count("made ")) == (0, 0)
    code, _, err = run("topics", "check", partitions=6)
    assert code == 2
    assert "vigie.scored: 4 partitions, but sources.kafka.layout.partitions is 6: write 4 there" in err
    assert not (tmp_path / "vigie.db").exists()


def test_a_count_that_changed_under_a_filled_database_is_refused(
    run: Callable[..., Ended], tmp_path: Path, broker: Broker
) -> None:
    assert run("topics", "create", prefix="grown.").code == 0
    with Store.open(tmp_path / "vigie.db") as store:
        for name in ("grown.mentions", "grown.scored"):
            store.set_meta(f"topic/{name}", "4")
    assert run("topics", "check", prefix="grown.").code == 0
    admin = KafkaAdminClient(bootstrap_servers=broker.address)
    admin.create_partitions({"grown.mentions": 8})
    code, err = 0, ""
    for _ in range(100):  # the broker tells of them a moment later
        code, _, err = run("topics", "check", prefix="grown.", partitions=8)
        if "grown.mentions: 8" in err:
            break
    assert code == 2
    assert "grown.mentions: 8 partitions, but the database was filled from 4" in err
    assert "grown.scored: 4 partitions, as the database knows, but the settings say 8: write 4" in err
    admin.create_partitions({"grown.scored": 8})
    admin.close()
    for _ in range(100):
        code, _, err = run("topics", "check", "--accept", prefix="grown.", partitions=8)
        if "brands have moved" in err:
            break
    assert code == 2
    assert "grown.scored: 8 partitions, but the database was filled from 4: brands have moved" in err
    assert "grown.mentions" not in err
    with Store.open(tmp_path / "vigie.db") as store:
        assert kept_counts(store) == {"grown.mentions": 8, "grown.scored": 4}


def test_a_cluster_that_is_not_there_is_one_line(run: Callable[..., Ended]) -> None:
    code, out, err = run("topics", "check", address="127.0.0.1:9")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "kafka at 127.0.0.1:9" in err


def test_a_mended_letter_goes_to_its_partition_again(run: Callable[..., Ended], tmp_path: Path, broker: Broker) -> None:
    assert run("topics", "create", prefix="sent.").code == 0
    with Store.open(tmp_path / "vigie.db") as store:
        store.apply([DeadLettered(Reject(f"sent.mentions/{i}@{i}", "", "no JSON", b"{")) for i in range(4)])
    mended = tmp_path / "mended.ndjson"
    mended.write_bytes(b"\n".join(orjson.dumps({"id": i + 1, "raw": GOOD.decode()}) for i in range(4)))
    words = ("deadletters", "replay", "--from", mended)
    away = run(*words, prefix="sent.", address="127.0.0.1:9")
    assert (away.code, away.out) == (1, "")
    assert "nothing was marked, try again" in away.err
    assert run(*words, prefix="sent.").out == "4 sent again, 0 left as they are\n"
    assert run(*words, prefix="sent.").out == "0 sent again, 4 left as they are\n"
    consumer = KafkaConsumer(
        bootstrap_servers=broker.address, auto_offset_reset="earliest", consumer_timeout_ms=3_000
    )  # fmt: skip
    consumer.assign([TopicPartition("sent.mentions", i) for i in range(4)])
    came = sorted((record.partition, record.value) for record in consumer)
    consumer.close()
    assert came == [(i, GOOD) for i in range(4)]
    with Store.open(tmp_path / "vigie.db") as store:
        assert store.letters.count(Wanted()) == 0
