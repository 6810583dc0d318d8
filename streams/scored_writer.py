"""Writes `vigie.scored`: in order, and nothing of a lane after a record that failed."""

from __future__ import annotations

import contextlib
from typing import Any

from engine.domain.errors import TransientError
from streams.kafka_group import KafkaParams, client_settings

DELIVERY_MS_MAX = 20_000
"""A record that the brokers did not take by then has failed. Short, so that what a process that was stopped had in
hand does not come out long after others took its place."""
REQUEST_MS_MAX = 15_000
LINGER_MS = 3
BATCH_BYTES = 262_144


class ScoredWriter:
    """A producer whose records are kept in order: one request under way, and idempotent. Opens at the first write.

    Raises TransientError from `write` and `settle`; after that the writer is no good any more: make a new one, and
    begin again after what was settled.
    """

    def __init__(self, params: KafkaParams, topic: str) -> None:
        self._params = params
        self._topic = topic
        self._producer: Any = None
        self._sent: list[Any] = []

    def write(self, partition: int, key: bytes | None, value: bytes) -> None:
        """Hand a record over; it is on its way."""
        try:
            if self._producer is None:
                self._producer = self._made()
            self._sent.append(self._producer.send(self._topic, value=value, key=key, partition=partition))
        except Exception as error:  # whatever the client raises, it did not work
            raise TransientError(f"kafka: {self._topic}: {type(error).__name__}: {error}") from error

    def settle(self) -> None:
        """Return once the brokers have all that was written, on all the disks that it was asked for."""
        if self._producer is None or not self._sent:
            return
        sent, self._sent = self._sent, []
        try:
            self._producer.flush(timeout=DELIVERY_MS_MAX / 1000 + 5)
        except Exception as error:  # whatever the client raises, it did not work
            raise TransientError(f"kafka: {self._topic}: {type(error).__name__}: {error}") from error
        for future in sent:
            if not future.succeeded():
                why = future.exception
                raise TransientError(f"kafka: {self._topic}: {type(why).__name__}: {why}")

    def close(self) -> None:
        """Let go of what is not settled."""
        producer, self._producer = self._producer, None
        self._sent = []
        if producer is not None:
            with contextlib.suppress(Exception):  # it is being thrown away, in whatever state it is
                producer.close(timeout=0)

    def _made(self) -> Any:
        from kafka import KafkaProducer

        return KafkaProducer(
            **client_settings(self._params),
            acks="all", enable_idempotence=True, max_in_flight_requests_per_connection=1, linger_ms=LINGER_MS,
            batch_size=BATCH_BYTES, delivery_timeout_ms=DELIVERY_MS_MAX, request_timeout_ms=REQUEST_MS_MAX,
            max_block_ms=DELIVERY_MS_MAX, max_request_size=4_000_000, allow_auto_create_topics=False,
            metrics_enabled=False,
        )  # fmt: skip
