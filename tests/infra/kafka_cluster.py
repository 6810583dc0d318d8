"""Three real Kafka nodes on loopback: every topic has three copies and is written to while two of them are there.

    python tests/infra/kafka_cluster.py     run them until interrupted, print their addresses

In tests: the fixture `kafka_cluster`, or `with Cluster.started() as cluster: cluster.address`. Nodes are stopped and
started one by one: `cluster.nodes[2].stop(kill=True)`, `cluster.nodes[2].start()`.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":  # run as a program, only its own folder is on the path
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.infra.kafka import Broker, free_ports, install

NODES = 3

PROPERTIES = """
process.roles=broker,controller
node.id={node}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters={voters}
log.dirs={folder}/data
default.replication.factor=3
min.insync.replicas=2
offsets.topic.replication.factor=3
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=3
transaction.state.log.min.isr=2
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=3
share.coordinator.state.topic.min.isr=2
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
auto.create.topics.enable=false
message.max.bytes=4000000
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
replica.lag.time.max.ms=6000
"""


@dataclass
class Cluster:
    """Three nodes that know one another."""

    nodes: list[Broker]

    @classmethod
    def created(cls) -> Cluster:
        """Free ports, formatted data folders."""
        install()
        ports = free_ports(2 * NODES)
        voters = ",".join(f"{i + 1}@127.0.0.1:{ports[NODES + i]}" for i in range(NODES))
        nodes = [
            Broker.prepared(PROPERTIES, ports[i], node=i + 1, controller_port=ports[NODES + i], voters=voters)
            for i in range(NODES)
        ]
        identity = nodes[0].identity()
        for node in nodes:
            node.format(identity)
        return cls(nodes)

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator[Cluster]:
        """A running cluster for as long as the block lasts."""
        cluster = cls.created()
        try:
            for node in cluster.nodes:
                node.launch()
            for node in cluster.nodes:
                node.wait()
            yield cluster
        finally:
            for node in cluster.nodes:
                node.stop(kill=True)
                shutil.rmtree(node.folder, ignore_errors=True)

    @property
    def address(self) -> str:
        """All nodes, for `bootstrap_servers`."""
        return ",".join(node.address for node in self.nodes)

    @property
    def addresses(self) -> list[str]:
        return [node.address for node in self.nodes]

    def leader_of(self, topic: str, partition: int) -> Broker:
        """The node that is written to."""
        from kafka import KafkaAdminClient

        admin = KafkaAdminClient(bootstrap_servers=[node.address for node in self.nodes if node.process is not None])
        try:
            (told,) = admin.describe_topics([topic])
        finally:
            admin.close()
        (found,) = (p for p in told["partitions"] if p["partition_index"] == partition)
        return self.nodes[int(found["leader_id"]) - 1]


def _run() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Cluster.started() as cluster, contextlib.suppress(KeyboardInterrupt):
        print(f"Kafka listens on {cluster.address}; Ctrl-C stops it and removes its data", flush=True)
        for node in cluster.nodes:
            print(f"  a node of it: {node.address}, process {node.process.pid if node.process else '-'}", flush=True)
        while all(node.process is not None and node.process.poll() is None for node in cluster.nodes):
            time.sleep(1)
        raise SystemExit("a node ended; the others are stopped")


if __name__ == "__main__":
    _run()
