"""Dead letters sent again: mended or as they are, back to where the workers read.

A letter of a Kafka topic goes to its partition again, any other into the database's inbox. Only what can be read now
is sent; the rest is told with its reason and stays as it is. A letter of the inbox is sent exactly once. One of a topic
may come twice if the machine dies within the moment between the broker's yes and ours: then the second is dropped as
every repeat of a mention is, by its source and id.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import orjson

from engine.domain.errors import InputError, MentionError, TransientError
from ops.render.moments import utc
from streams.decode import decode

if TYPE_CHECKING:
    from ops.settings import Settings
    from ops.store.deadletters import DeadLetters, Letter

SEND_S_MAX = 30.0
_PLACE = re.compile(r"(?P<topic>.+)/(?P<partition>\d+)@\d+")


class Sent(NamedTuple):
    """What a replay came to: letters sent, and the others with why not."""

    ids: tuple[int, ...]
    refused: tuple[tuple[int, str], ...]


class Producer(Protocol):
    """Sends records to partitions of topics; returns once all are safe. Raises TransientError."""

    def __call__(self, records: Sequence[tuple[str, int, bytes]]) -> None: ...


def view(letter: Letter) -> dict[str, Any]:
    """A letter as JSON: the record as text where it is any, else in base64.

    The same form, with `raw` mended, is what `replay --from` reads.
    """
    shown: dict[str, Any] = letter._asdict() | {"at": utc(letter.at_ms), "whole": letter.whole}
    del shown["at_ms"], shown["raw"]
    done_at_ms = shown.pop("done_at_ms")
    shown["done_at"] = None if done_at_ms is None else utc(done_at_ms)
    try:
        shown["raw"] = letter.raw.decode("utf-8")
    except UnicodeDecodeError:
        shown["raw_base64"] = base64.b64encode(letter.raw).decode("ascii")
    return shown


def mended_of(data: bytes, place: str) -> dict[int, bytes]:
    """Mended records by letter, from the JSON that `list --json` prints or from one such object a line.

    `raw` holds the record as text, `raw_base64` its bytes, `record` the record itself as JSON. Raises InputError.

    >>> mended_of(b'[{"id": 3, "raw": "{}"}, {"id": 4, "record": {"id": "1"}}]', "mended.json")
    {3: b'{}', 4: b'{"id":"1"}'}
    """
    found: dict[int, bytes] = {}
    for item in _items(data, place):
        number = item.get("id") if isinstance(item, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise InputError(f"{place}: every letter is an object with its number as id, as list --json prints it")
        if number in found:
            raise InputError(f"{place}: letter {number} stands there twice")
        found[number] = _bytes(item, f"{place}: letter {number}")
    return found


def _items(data: bytes, place: str) -> list[Any]:
    try:
        whole = orjson.loads(data)
    except orjson.JSONDecodeError:
        whole = None
    if isinstance(whole, list):
        return whole
    if whole is not None:
        return [whole]
    items = []
    for i, line in enumerate(data.splitlines()):
        if line.strip():
            try:
                items.append(orjson.loads(line))
            except orjson.JSONDecodeError as error:
                raise InputError(f"{place}: line {i + 1} is no JSON: {error}") from None
    return items


def _bytes(item: Mapping[str, Any], place: str) -> bytes:
    if isinstance(item.get("record"), dict):
        return orjson.dumps(item["record"])
    if isinstance(item.get("raw"), str):
        return str(item["raw"]).encode("utf-8", "replace")
    if isinstance(item.get("raw_base64"), str):
        try:
            return base64.b64decode(item["raw_base64"], validate=True)
        except (binascii.Error, ValueError):
            raise InputError(f"{place}: raw_base64 is no base64") from None
    raise InputError(f"{place}: no record: give raw, raw_base64 or record")


def replay(
    letters: DeadLetters,
    chosen: Iterable[Letter],
    mended: Mapping[int, bytes],
    settings: Settings,
    actor: str,
    why: str,
    send: Producer | None = None,
) -> Sent:
    """Send letters again. `mended` holds the records that were put right; the others go as they are.

    Raises TransientError when a broker or the database does not take them: what was not said to be sent is still new.
    """
    refused: list[tuple[int, str]] = []
    inbox: dict[int, bytes] = {}
    topics: dict[int, tuple[str, int, bytes]] = {}
    for letter in chosen:
        record = mended.get(letter.id, letter.raw)
        if reason := _unfit(letter, record, letter.id in mended):
            refused.append((letter.id, reason))
            continue
        place = _topic_of(letter, settings)
        if place is not None:
            topics[letter.id] = (*place, record)
        elif settings.sources.http is not None:
            inbox[letter.id] = record
        else:
            refused.append((letter.id, "nothing reads the inbox: set sources.http, or send the record yourself"))
    sent = letters.to_inbox(inbox, actor, why) if inbox else []
    if topics:
        with letters.sending(list(topics), actor, why) as mine:
            if mine:
                (send or producer_of(settings))([topics[i] for i in mine])
        sent += mine
    late = [(i, "not new any more: somebody was faster") for i in (*inbox, *topics) if i not in set(sent)]
    return Sent(tuple(sorted(sent)), tuple(sorted(refused + late)))


def _unfit(letter: Letter, record: bytes, is_mended: bool) -> str:
    """Why a record is not sent; empty when it may be."""
    if letter.state != "new":
        return f"{letter.state} already"
    if not is_mended and not letter.whole:
        return f"only {len(letter.raw)} of its {letter.size_bytes} bytes are kept: give it mended"
    try:
        decode(record)
    except MentionError as error:
        return f"still no mention: {error}"
    return ""


def _topic_of(letter: Letter, settings: Settings) -> tuple[str, int] | None:
    kafka = settings.sources.kafka
    found = _PLACE.fullmatch(letter.position)
    if kafka is None or found is None or found["topic"] not in kafka.mention_topics:
        return None
    return found["topic"], int(found["partition"])


def producer_of(settings: Settings) -> Producer:
    """Sends to the settings' cluster, each record acknowledged by all copies."""
    from ops.topics import client_of

    assert settings.sources.kafka is not None
    client = client_of(settings.sources.kafka)

    def send(records: Sequence[tuple[str, int, bytes]]) -> None:
        from kafka import KafkaProducer
        from kafka.errors import KafkaError

        place = ", ".join(client["bootstrap_servers"])
        try:
            producer = KafkaProducer(
                **client, client_id="vigie", acks="all", enable_idempotence=True,
                bootstrap_timeout_ms=5_000, max_block_ms=int(SEND_S_MAX * 1000), linger_ms=5,
                delivery_timeout_ms=int(SEND_S_MAX * 1000), request_timeout_ms=int(SEND_S_MAX * 500),
            )  # fmt: skip
            try:
                waiting = [producer.send(topic, value=raw, partition=number) for topic, number, raw in records]
                producer.flush(SEND_S_MAX)
                for future in waiting:
                    future.get(timeout=1)
            finally:
                producer.close(timeout=1)
        except KafkaError as error:
            said = next(iter(str(error).splitlines()), "") or type(error).__name__
            raise TransientError(f"kafka at {place}: {said}; nothing was marked, try again") from error

    return send


def in_chunks(find: Callable[[int], list[Letter]]) -> Iterable[list[Letter]]:
    """Runs of letters, each above the last one of the run before; `find` is told that number."""
    after = 0
    while chunk := find(after):
        yield chunk
        after = chunk[-1].id
