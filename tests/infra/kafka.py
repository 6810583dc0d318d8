"""A real Apache Kafka broker for tests: one node from its Maven artefacts, on loopback, no container engine.

    python tests/infra/kafka.py install   fetch the jars into .cache/kafka/libs (needs mvn and Java 17)
    python tests/infra/kafka.py run       run a broker until interrupted
    python tests/infra/kafka.py start     start one in the background, print its address
    python tests/infra/kafka.py stop      stop that one and remove its data

In tests: `with Broker.started() as broker: broker.address`. Three nodes: `tests.infra.kafka_cluster`.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache" / "kafka"
LIBS = CACHE / "libs"
POM = Path(__file__).with_name("kafka.pom.xml")
NOTE = CACHE / "broker.json"
START_S_MAX = 90
JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

PROPERTIES = """
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller_port}
log.dirs={folder}/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
min.insync.replicas=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=16777216
auto.create.topics.enable=false
message.max.bytes=4000000
"""

LOG4J = """
Configuration:
  Appenders:
    Console: {name: STDOUT, PatternLayout: {pattern: "%d %p %m (%c{1})%n"}}
  Loggers:
    Root: {level: INFO, AppenderRef: {ref: STDOUT}}
"""


def install() -> None:
    """Fetch the jars once for each content of the POM."""
    CACHE.mkdir(parents=True, exist_ok=True)
    stamp = LIBS / f"pom-{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists():
            return
        for program in ("mvn", "java"):
            if shutil.which(program) is None:
                raise SystemExit(
                    f"kafka: {program} not found: the broker of the tests needs Maven and Java 17 or newer"
                )
        shutil.rmtree(LIBS, ignore_errors=True)
        done = subprocess.run(
            ["mvn", "-B", "-q", "-f", POM, "dependency:copy-dependencies", "-DincludeScope=runtime",
             f"-DoutputDirectory={LIBS}"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"kafka: mvn failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        stamp.touch()


@dataclass
class Broker:
    """One node with its data folder. It can be stopped, killed, frozen and started again on the same data and port."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "broker.log"

    @classmethod
    def created(cls) -> Broker:
        """Free ports, a formatted data folder."""
        install()
        port, controller_port = free_ports(2)
        broker = cls.prepared(PROPERTIES, port, controller_port=controller_port)
        broker.format(broker.identity(), "--standalone")
        return broker

    @classmethod
    def prepared(cls, properties: str, port: int, **values: object) -> Broker:
        """A folder with its settings, not yet formatted."""
        folder = Path(tempfile.mkdtemp(prefix="node-", dir=CACHE))
        (folder / "s.properties").write_text(properties.format(port=port, folder=folder, **values))
        (folder / "log4j2.yaml").write_text(LOG4J)
        return cls(folder, port)

    def identity(self) -> str:
        """A new cluster's id."""
        return self._tool("random-uuid").strip().splitlines()[-1]

    def format(self, identity: str, *more: str) -> None:
        """Make the data folder a node's of that cluster."""
        self._tool("format", *more, "-t", identity, "-c", str(self.folder / "s.properties"))

    @classmethod
    @contextlib.contextmanager
    def started(cls) -> Iterator[Broker]:
        """A running broker for as long as the block lasts."""
        broker = cls.created()
        try:
            broker.start()
            yield broker
        finally:
            broker.stop()
            shutil.rmtree(broker.folder, ignore_errors=True)

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        self.wait()

    def launch(self) -> None:
        """Start it; a node of several can't answer before the others are there."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._java("kafka.Kafka", str(self.folder / "s.properties")),
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip

    def wait(self) -> None:
        """Return once it answers. Raises RuntimeError with the end of its log when it does not."""
        assert self.process is not None
        deadline_s = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline_s:
            if self.process.poll() is not None:
                break
            if b"Kafka Server started" in self.log.read_bytes() and self._accepts():
                return
            time.sleep(0.2)
        tail = self.log.read_text(errors="replace")[-3000:]
        self.stop()
        raise RuntimeError(f"the broker did not start:\n{tail}")

    def stop(self, *, kill: bool = False) -> None:
        """Stop it in order, or as a power cut would."""
        if self.process is None:
            return
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """It stands still: connections stay open and nothing answers."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def _tool(self, *arguments: str) -> str:
        for name in ("kafka.tools.StorageTool", "org.apache.kafka.tools.StorageTool"):
            done = subprocess.run(
                self._java(name, *arguments), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                return done.stdout
            if "ClassNotFoundException" not in done.stderr:
                break
        raise RuntimeError(f"the storage tool failed: {done.stdout[-1500:]}{done.stderr[-1500:]}")

    def _java(self, main: str, *arguments: str) -> list[str]:
        config = f"-Dlog4j2.configurationFile={self.folder / 'log4j2.yaml'}"
        return [*JAVA, config, "-cp", f"{LIBS}/*", main, *arguments]


def free_ports(count: int) -> list[int]:
    """So many ports of loopback that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _run() -> None:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Broker.started() as broker, contextlib.suppress(KeyboardInterrupt):
        print(f"Kafka listens on {broker.address}; Ctrl-C stops it and removes its data", flush=True)
        assert broker.process is not None
        broker.process.wait()


def _start() -> None:
    if NOTE.exists():
        raise SystemExit(f"kafka: {NOTE} says that one is running: stop it first")
    broker = Broker.created()
    broker.start()
    assert broker.process is not None
    NOTE.write_text(json.dumps({"pid": broker.process.pid, "folder": str(broker.folder), "address": broker.address}))
    print(broker.address)


def _stop() -> None:
    if not NOTE.exists():
        return
    note = json.loads(NOTE.read_text())
    pid, folder = int(note["pid"]), str(note["folder"])
    # The number may have been given to another process since: only one that runs on our folder is ours.
    with contextlib.suppress(OSError):
        while folder.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGTERM)
            time.sleep(0.5)
    shutil.rmtree(folder, ignore_errors=True)
    NOTE.unlink()


if __name__ == "__main__":
    actions = {"install": install, "run": _run, "start": _start, "stop": _stop}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        raise SystemExit(__doc__)
    actions[sys.argv[1]]()
