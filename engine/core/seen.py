"""Dropping mentions that came before (webhook retries, overlapping connectors)."""

from __future__ import annotations

import struct
from base64 import b64decode, b64encode
from typing import Any

from engine.core.fold import hash64
from engine.domain.mention import Mention

HOUR_MS = 3_600_000
KEEP_HOURS = 48


class Seen:
    """Remembers (source, id) for two days of event time, and at most `ids_max` of them, the oldest forgotten first.

    A mention older than that is behind the lateness bound, so a repeat of it is late and can't count twice either.
    Only what came since the last `take_dirty` is handed out to be stored, so a batch costs what it holds.
    """

    def __init__(self, ids_max: int) -> None:
        self._ids_max = ids_max
        self._all: set[int] = set()
        self._hours: dict[int, dict[int, list[int]]] = {}  # the parts of each hour, by their number
        self._new: dict[int, list[int]] = {}
        self._parts: dict[int, int] = {}

    def new_key(self, mention: Mention) -> int | None:
        """Its hash the first time, None when it came before; remembers it."""
        key = hash64(mention.source, mention.id)
        if key in self._all:
            return None
        self._all.add(key)
        hour = mention.created_at_ms // HOUR_MS
        if hour in self._new:
            self._new[hour].append(key)
        else:
            self._new[hour] = [key]
        return key

    def take_dirty(self) -> list[tuple[str, dict[str, Any]]]:
        """What is to be stored since the last call: parts (name, data)."""
        saved = []
        for hour, keys in self._new.items():
            n = self._parts.get(hour, 0)
            self._hours.setdefault(hour, {})[n] = keys
            self._parts[hour] = n + 1
            saved.append((f"seen:{hour}:{n}", {"ids": b64encode(struct.pack(f"<{len(keys)}Q", *keys)).decode()}))
        self._new = {}
        return saved

    def prune(self, watermark_ms: int) -> list[str]:
        """Forget what is too old, and the oldest of what is too much: part by part, so that an hour that brings more
        than can be remembered keeps its newest ids. The names of the parts to drop. Call it after `take_dirty`."""
        dropped: list[str] = []
        oldest = watermark_ms // HOUR_MS - KEEP_HOURS
        for hour in sorted(self._hours):
            parts = self._hours[hour]
            for n in sorted(parts):
                if hour >= oldest and len(self._all) <= self._ids_max:
                    return dropped
                self._all.difference_update(parts.pop(n))
                dropped.append(f"seen:{hour}:{n}")
            del self._hours[hour]
            if hour < oldest:
                del self._parts[hour]
        return dropped

    def restore(self, part: str, data: dict[str, Any]) -> None:
        """Take a stored part back."""
        _, hour_text, n_text = part.split(":")
        raw = b64decode(data["ids"])
        keys = struct.unpack(f"<{len(raw) // 8}Q", raw)
        hour, n = int(hour_text), int(n_text)
        self._hours.setdefault(hour, {})[n] = list(keys)
        self._all.update(keys)
        self._parts[hour] = max(self._parts.get(hour, 0), n + 1)
