"""The kinds of sources by name, as settings and commands speak of them. To add one: one file, one line here."""

from __future__ import annotations

from collections.abc import Callable

from engine.ports.source import Source
from streams.files import FileSource
from streams.follow import FollowedFileSource, StdinSource
from streams.inbox import InboxSource
from streams.kafka import KafkaSource

SOURCES: dict[str, Callable[..., Source]] = {
    "file": FileSource,
    "follow": FollowedFileSource,
    "stdin": StdinSource,
    "inbox": InboxSource,
    "kafka": KafkaSource,
}
"""Name to factory; each takes its own frozen params (or what it reads from) first. Building one opens nothing."""
