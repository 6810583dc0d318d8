"""`vigie.scored`: what score workers hand to those who watch. One record a mention and partition of the topic.

A record says where its mention stood (`lane`, the partition it was read from, and `offset`), so that a repeat is
known: each lane's offsets only grow. It also says what came before it on the same way, `after`: the offset of the
record of that lane which this score worker wrote to the same partition last. Who reads takes a record only if it has
all before it; so when a write fails and a later one gets through, the later one is dropped, and comes again with the
rest once the score worker has gone back to the offset that it committed. `after` is null on the first record of a
session: all before it was written and acknowledged before that offset was committed.

`reached_ms` is the newest event time of the lane before this record: how late a mention is, is judged by its own lane.
Mentions of no brand and records that could not be read travel too, so that they are counted once whoever is killed.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple
from zlib import crc32

import orjson

from engine.domain.batch import Batch, Cursor, Progress, Reject, Scored
from engine.domain.mention import Mention

VERSION = 1
NEVER = -1
"""The offset before a lane's first."""

_new = tuple.__new__


class Came(NamedTuple):
    """Where a record stood, and what this worker wrote before it to the same partition."""

    lane: str
    offset: int
    after: int | None
    reached_ms: int


class Word(NamedTuple):
    """How far a score worker has come in a lane. All up to `offset` has been written."""

    lane: str
    offset: int
    after: int | None
    reached_ms: int
    idle: bool


@lru_cache(maxsize=65_536)
def partition_of(brand: str, partitions: int) -> int:
    """The partition of the scored topic that holds a brand: what Kafka's own partitioner makes of the key.

    >>> partition_of("Nordalia", 12), partition_of("Nordalia", 1)
    (5, 0)
    """
    from kafka.partitioner.default import murmur2

    return int((murmur2(key_of(brand)) & 0x7FFFFFFF) % partitions)


def key_of(brand: str) -> bytes:
    """The key of a brand's records."""
    return brand.encode("utf-8", "surrogatepass")


def partition_of_id(source: str, mention_id: str, partitions: int) -> int:
    """The partition of a mention of no brand, or of anything else that is known by a name only: repeats meet there."""
    return crc32(f"{source}\x1f{mention_id}".encode("utf-8", "surrogatepass")) % partitions


def encode_mention(
    came: Came, mention: Mention, scored: Scored, unknown_fields: int = 0, truncated: bool = False
) -> bytes:
    """A mention with what was told of it. One of no brand goes without its text: it is only counted."""
    if not scored.brands:
        mention = Mention(mention.id, mention.source, mention.kind, "", mention.created_at_ms)
    record: dict[str, Any] = {
        "v": VERSION, "kind": "mention", "lane": came.lane, "offset": came.offset, "after": came.after,
        "reached_ms": came.reached_ms, "mention": _plain(mention), "brands": scored.brands,
        "score": [scored.units, scored.label, scored.lang, scored.categories, scored.urgency],
        "counted": scored.counted,
    }  # fmt: skip
    if scored.future:
        record["future"] = True
    if unknown_fields:
        record["unknown_fields"] = unknown_fields
    if truncated:
        record["truncated"] = True
    return _dumped(record)


def encode_reject(came: Came, reject: Reject) -> bytes:
    """A record that could not be read: kept by who watches, with its bytes."""
    return _dumped(
        {
            "v": VERSION, "kind": "reject", "lane": came.lane, "offset": came.offset, "after": came.after,
            "reached_ms": came.reached_ms, "field": reject.field, "reason": reject.reason,
            "raw": b64encode(reject.raw).decode("ascii"), "size_bytes": reject.size_bytes,
        }
    )  # fmt: skip


def encode_progress(words: Iterable[Word], at_ms: int) -> bytes:
    """How far a score worker has come in its lanes, for partitions that get little from them."""
    return _dumped({"v": VERSION, "kind": "progress", "at_ms": at_ms, "lanes": [list(word) for word in words]})


def _plain(mention: Mention) -> tuple[Any, ...]:
    """Its values without those at the end that are as by default."""
    end = len(mention)
    while end > _NEEDED and mention[end - 1] == _DEFAULTS[end - 1]:
        end -= 1
    return mention[:end]


def _dumped(record: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(record)
    except orjson.JSONEncodeError:  # half of a surrogate pair in a text, which no JSON of UTF-8 can hold
        return orjson.dumps(_mended(record))


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _mended(item) for key, item in value.items()}
    return [_mended(item) for item in value] if isinstance(value, list | tuple) else value


_NEEDED = 5
_DEFAULTS = (*("",) * _NEEDED, *(Mention._field_defaults[name] for name in Mention._fields[_NEEDED:]))


@dataclass
class Taking:
    """Records of one partition of the scored topic on their way to a batch, and how far its lanes have come.

    `highest` is the highest offset taken of each lane; it goes into the store with the state.
    """

    owner: str
    highest: dict[str, int] = field(default_factory=dict)
    repeats: int = 0
    """Records that had been taken before."""
    gaps: int = 0
    """Records that came before others that they follow; they come again."""
    broken: int = 0
    """Records that nobody of ours wrote."""

    def batch(self, values: Iterable[bytes], following: int | None, all_lanes: tuple[str, ...]) -> Batch:
        """The batch of these records. `following` is the next offset in the topic, None when there were no records."""
        pile = _Pile()
        for value in values:
            try:
                record = orjson.loads(value)
                if record["kind"] == "progress":
                    self._hear(record, pile)
                elif self._is_next(record):
                    pile.take(record)
            except (KeyError, TypeError, ValueError, IndexError):
                self.broken += 1
        moved = [Cursor(self.owner, lane, str(self.highest[lane])) for lane in sorted(pile.moved)]
        if following is not None:
            moved.append(Cursor(self.owner, self.owner, str(following)))
        return Batch(
            mentions=tuple(pile.mentions), rejects=tuple(pile.rejects), cursors=tuple(moved),
            unknown_fields=pile.unknown_fields, truncated=pile.truncated, live=True, lanes=tuple(pile.lanes),
            reached_ms=tuple(pile.reached_ms), scored=tuple(pile.scored), progress=tuple(pile.progress.values()),
            all_lanes=all_lanes,
        )  # fmt: skip

    def _is_next(self, record: Mapping[str, Any]) -> bool:
        lane, offset, after = record["lane"], record["offset"], record["after"]
        highest = self.highest.get(lane, NEVER)
        if offset <= highest:
            self.repeats += 1
            return False
        if after is not None and after > highest:
            self.gaps += 1
            return False
        self.highest[lane] = offset
        return True

    def _hear(self, record: Mapping[str, Any], pile: _Pile) -> None:
        for item in record["lanes"]:
            word = Word(*item)
            highest = self.highest.get(word.lane, NEVER)
            if word.offset >= highest and (word.after is None or word.after <= highest):
                pile.progress[word.lane] = Progress(word.lane, word.reached_ms, word.idle)


class _Pile:
    """What a batch is made of, one list a field."""

    def __init__(self) -> None:
        self.mentions: list[Mention] = []
        self.lanes: list[str] = []
        self.reached_ms: list[int] = []
        self.scored: list[Scored] = []
        self.rejects: list[Reject] = []
        self.progress: dict[str, Progress] = {}
        self.moved: set[str] = set()
        self.unknown_fields = 0
        self.truncated = 0

    def take(self, record: Mapping[str, Any]) -> None:
        lane = record["lane"]
        self.moved.add(lane)
        if record["kind"] == "reject":
            position = f"{lane}@{record['offset']}"
            raw = b64decode(record["raw"])
            self.rejects.append(
                Reject(position, record["field"], record["reason"], raw, position, record["size_bytes"])
            )
            return
        values = record["mention"]
        self.mentions.append(_new(Mention, (*values, *_DEFAULTS[len(values) :])))
        units, label, lang, categories, urgency = record["score"]
        self.scored.append(
            _new(Scored, (
                tuple(record["brands"]), units, label, lang, tuple(categories), urgency, record["counted"],
                record.get("future", False),
            ))
        )  # fmt: skip
        self.lanes.append(lane)
        self.reached_ms.append(record["reached_ms"])
        self.unknown_fields += record.get("unknown_fields", 0)
        self.truncated += record.get("truncated", False)
