"""What came over HTTP, durable before it was acknowledged, read back in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from engine.domain.batch import Batch, Cursor
from engine.domain.errors import InputError
from streams.decode import decode_many

PARTITION = "0"
READ_ROWS = 200
READ_BYTES_MAX = 8_000_000
"""A batch stops growing above this many bytes: rows of a megabyte must not add up in memory."""
LOOK_AGAIN_S = 0.2


class Inbox(Protocol):
    """A durable queue of raw records; `ops.store` holds the real one."""

    def append(self, records: Sequence[bytes]) -> None:
        """Return when every record is durable. Raises `TransientError` if full or locked; then none of them is in."""
        ...

    def read(self, after: int, limit: int) -> Sequence[tuple[int, int, bytes]]:
        """At most `limit` records above the sequence number `after`, oldest first: (seq, received_at_ms, raw)."""
        ...

    def trim(self, upto: int) -> None:
        """Forget everything up to and with this sequence number."""
        ...


class InboxSource:
    """The inbox as a source: one partition, its position the last sequence number read.

    >>> class Memory:
    ...     def append(self, records): ...
    ...     def read(self, after, limit):
    ...         return [(7, 0, b'{"id": "1", "source": "dm", "text": "Bonjour", "created_at": "2026-03-04T09:15:00Z"}')]
    ...     def trim(self, upto): ...
    >>> batch = InboxSource(Memory()).poll(1, timeout_s=0)
    >>> batch.mentions[0].text, batch.cursors[0].position
    ('Bonjour', '7')
    """

    def __init__(self, inbox: Inbox, name: str = "inbox", clock_s: Callable[[], float] = time.monotonic) -> None:
        self.name = name
        self._inbox = inbox
        self._clock_s = clock_s
        self._after = 0
        self._news = threading.Event()
        self._closed = False

    def notify(self) -> None:
        """Tell that something was appended, from any thread: a waiting poll looks at once."""
        self._news.set()

    def seek(self, positions: Mapping[str, str]) -> None:
        """See `engine.ports.source.Source`. Raises `InputError` for a position of another kind."""
        position = positions.get(PARTITION, "0")
        if not position.isdigit():
            raise InputError(f"stored position {position!r} is not one of an inbox: start over without it")
        self._after = int(position)

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        """At most so many records; waits for the first one no longer than `timeout_s`."""
        deadline_s = self._clock_s() + timeout_s
        while not self._closed:
            self._news.clear()
            if rows := self._read(max_mentions):
                many = decode_many((raw for _, _, raw in rows), lambda i: f"inbox {rows[i][0]}")
                self._after = rows[-1][0]
                return Batch(
                    mentions=tuple(many.mentions),
                    rejects=tuple(reject._replace(key=reject.position) for reject in many.rejects),
                    cursors=(Cursor(self.name, PARTITION, str(self._after)),),
                    unknown_fields=many.unknown_fields,
                    truncated=many.truncated,
                    live=True,
                )
            left_s = deadline_s - self._clock_s()
            if left_s <= 0:
                break
            # Another process may append too and can't notify: look again now and then.
            self._news.wait(min(left_s, LOOK_AGAIN_S))
        return Batch(live=True)

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """What the store's state reflects is no longer needed here."""
        positions = [int(cursor.position) for cursor in cursors if cursor.source == self.name]
        if positions:
            self._inbox.trim(max(positions))

    def close(self) -> None:
        """End a waiting poll; twice is fine."""
        self._closed = True
        self._news.set()

    def _read(self, count_max: int) -> list[tuple[int, int, bytes]]:
        rows: list[tuple[int, int, bytes]] = []
        size_bytes, after = 0, self._after
        while len(rows) < count_max and size_bytes < READ_BYTES_MAX:
            more = self._inbox.read(after, min(count_max - len(rows), READ_ROWS))
            if not more:
                break
            rows.extend(more)
            size_bytes += sum(len(raw) for _, _, raw in more)
            after = rows[-1][0]
            if len(more) < READ_ROWS:
                break
        return rows
