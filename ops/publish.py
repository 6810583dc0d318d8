"""What leaves for other programs: incidents from the outbox, dead letters from their table, each at least once and
under a key that is the same for the same fact."""

from __future__ import annotations

import contextlib
import logging
import threading
from typing import Any

from engine.domain.errors import DeliveryError, VigieError
from engine.domain.incident import Level
from ops.delivery.channel import Channel
from ops.delivery.message import Message
from ops.events import Record, incident_event, letter_record
from ops.settings import KafkaSource, Settings
from ops.store import Store
from ops.topics import client_of

log = logging.getLogger("vigie")

SEND_S_MAX = 15.0
LOOK_S = 1.0
RETRY_S_MAX = 30.0


class Publisher:
    """A producer for a topic, made when it is first needed and anew after every failure. One thread at a time."""

    def __init__(self, kafka: KafkaSource, topic: str) -> None:
        self._client = client_of(kafka)
        self._topic = topic
        self._producer: Any = None
        self._turn = threading.Lock()

    def publish(self, records: list[Record]) -> None:
        """Return once the brokers have them. Raises DeliveryError."""
        from kafka import KafkaProducer

        with self._turn:
            try:
                if self._producer is None:
                    self._producer = KafkaProducer(
                        **self._client, client_id="vigie", acks="all", enable_idempotence=True,
                        max_block_ms=int(SEND_S_MAX * 1000), delivery_timeout_ms=int(SEND_S_MAX * 1000),
                        request_timeout_ms=int(SEND_S_MAX * 500), bootstrap_timeout_ms=5_000, linger_ms=5,
                        max_request_size=4_000_000, allow_auto_create_topics=False, metrics_enabled=False,
                    )  # fmt: skip
                sent = [
                    self._producer.send(self._topic, key=r.key, value=r.value, headers=list(r.headers)) for r in records
                ]
                self._producer.flush(SEND_S_MAX)
                for future in sent:
                    future.get(timeout=1)
            except Exception as error:  # whatever the client raises, it did not work
                self._close()
                said = next(iter(str(error).splitlines()), "")
                raise DeliveryError(f"{self._topic}: {type(error).__name__}: {said}") from error

    def close(self) -> None:
        """Let go of the connection."""
        with self._turn:
            self._close()

    def _close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            with contextlib.suppress(Exception):  # it is being thrown away, in whatever state it is
                producer.close(timeout=1)


class EventNotifier:
    """The outbox's alerts as events of the topic of incidents."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    def send(self, message: Message) -> None:
        """See `ops.delivery.message.Notifier`."""
        self._publisher.publish([incident_event(message.raised)])

    def close(self) -> None:
        self._publisher.close()


def event_channels(settings: Settings) -> tuple[Channel, ...]:
    """The channel that publishes incidents, if the settings ask for it: it takes every alert, whatever its level."""
    kafka = settings.sources.kafka
    if kafka is None or not kafka.publish:
        return ()
    topic = kafka.topic("incidents")
    notifier = EventNotifier(Publisher(kafka, topic))
    return (Channel(name=f"kafka:{topic}", notifier=notifier, level_min=Level.VERT, takes_all=True),)


class LetterPublisher(threading.Thread):
    """Publishes the dead letters of a store, oldest first. Several processes may do so: a letter may come twice then,
    under the same key."""

    def __init__(self, settings: Settings, store: Store) -> None:
        super().__init__(name="publish-letters", daemon=True)
        kafka = settings.sources.kafka
        wanted = kafka is not None and kafka.publish
        self._publisher = Publisher(kafka, kafka.topic("deadletters")) if wanted and kafka is not None else None
        self._store = store
        self._stopping = threading.Event()

    def run(self) -> None:
        if self._publisher is None:
            return
        wait_s = LOOK_S
        while not self._stopping.wait(wait_s):
            try:
                while self.publish_some():
                    pass
                wait_s = LOOK_S
            except VigieError as error:  # broker or store away: they stay where they are
                log.warning("dead letters: %s", error)
                wait_s = min(wait_s * 2, RETRY_S_MAX)
            except Exception:  # the thread must live on: without it no letter leaves
                log.exception("dead letters: unexpected")
                wait_s = RETRY_S_MAX
        self._publisher.close()

    def publish_some(self) -> int:
        """One run of them. Returns how many."""
        assert self._publisher is not None
        letters = self._store.letters.unpublished()
        if letters:
            self._publisher.publish([letter_record(letter._asdict()) for letter in letters])
            self._store.letters.published([letter.id for letter in letters])
        return len(letters)

    def stop(self) -> None:
        """End after what is under way."""
        self._stopping.set()
        if self.is_alive():
            self.join(SEND_S_MAX)
