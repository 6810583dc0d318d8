"""The oracle: what one process makes of a file, and whether a store that many filled holds the same.

What is compared depends on the set of mentions alone: incidents, plans, alerts that are final, counts, the state of
every brand, and the ids that were seen. What depends on the moment (provisional alerts, which of them were told early)
is left out.
"""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.domain.batch import Batch
from engine.domain.incident import Standing
from engine.domain.mention import Mention
from ops.app import build_engine, detector_choices, engine_config
from ops.settings import Settings
from ops.store import Store
from ops.store.codec import encode
from streams.decode import decode_many

COUNTS = (
    "received", "mentions", "unmatched", "future_clamped", "late", "truncated", "unknown_fields", "rejected",
    "dead_letters", "duplicates",
)  # fmt: skip
NOW_MS = 4_000_000_000_000
BATCH = 2_000


@dataclass
class Outcome:
    """What a store holds, in a form that compares."""

    incidents: dict[str, str] = field(default_factory=dict)
    plans: dict[str, str] = field(default_factory=dict)
    alerts: dict[str, str] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    seen: frozenset[int] = frozenset()
    letters: frozenset[tuple[str, str]] = frozenset()

    def told_once(self, other: Outcome, copies: int) -> Outcome:
        """The same, where each mention came so many times: what is told of records, and not of mentions, is counted
        as in the other, where each came once. Raises AssertionError where a record was lost or counted twice."""
        for name in ("received", "unknown_fields"):
            assert self.counts[name] == copies * other.counts[name], name
        assert self.counts.get("duplicates", 0) == (copies - 1) * other.counts["received"]
        same = {name: other.counts[name] for name in ("received", "unknown_fields")}
        return replace(self, counts={k: v for k, v in (self.counts | same).items() if k != "duplicates"})

    def differences(self, other: Outcome) -> list[str]:
        """What is not the same, a line each; empty when all is."""
        found: list[str] = []
        for name in ("incidents", "plans", "alerts", "counts", "state"):
            mine, its = getattr(self, name), getattr(other, name)
            for key in sorted(mine.keys() | its.keys()):
                if mine.get(key) != its.get(key):
                    found.append(f"{name} {key}: {_short(mine.get(key), its.get(key))}")
        if self.seen != other.seen:
            found.append(f"seen: {len(self.seen - other.seen)} too many, {len(other.seen - self.seen)} missing")
        if self.letters != other.letters:
            found.append(f"letters: {sorted(self.letters ^ other.letters)[:3]}")
        return found


def _short(mine: Any, its: Any) -> str:
    a, b = str(mine), str(its)
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return f"...{a[max(0, at - 60) : at + 60]!r} is not ...{b[max(0, at - 60) : at + 60]!r}"


def outcome_of(store: Store) -> Outcome:
    """What stands in a store, whoever filled it."""
    outcome = Outcome()
    for incident in store.incidents(suspected=True):
        outcome.incidents[incident.id] = encode(incident)
        plan = store.plan(incident.id)
        if plan is not None:
            outcome.plans[incident.id] = encode(plan)
    for raised in _alerts(store):
        if raised.alert.standing in (Standing.FINAL, Standing.CONFIRMED):
            key = raised.alert.key
            assert key not in outcome.alerts, f"the alert {key} stands twice in the outbox"
            outcome.alerts[key] = encode(raised.alert._replace(standing=Standing.FINAL, serial=0, early_id=None))
    for (name, labels), value in store.counters().items():
        if name in COUNTS:
            told = labels[1:] if name == "rejected" else labels  # whatever the source is called
            key = "/".join((name, *told))
            outcome.counts[key] = outcome.counts.get(key, 0.0) + value
    ids: set[int] = set()
    for owner in store.owners():
        for part, data in store.load_state(owner).items():
            if part.startswith("seen:"):
                raw = b64decode(data["ids"])
                ids.update(struct.unpack(f"<{len(raw) // 8}Q", raw))
            elif part != "engine":
                assert part not in outcome.state, f"two owners hold {part}"
                outcome.state[part] = {k: v for k, v in data.items() if k != "early"}
    outcome.seen = frozenset(ids)
    return outcome


def _alerts(store: Store) -> Iterable[Any]:
    from sqlalchemy import select

    from engine.domain.effects import AlertRaised
    from ops.store import tables
    from ops.store.codec import decode

    with store._database.read() as connection:
        for (payload,) in connection.execute(select(tables.outbox.c.payload).order_by(tables.outbox.c.id)):
            yield decode(AlertRaised, payload)


def one_process(
    settings: Settings, lines: Sequence[bytes], *, end: bool = False, cuts: Iterable[int] | None = None
) -> Outcome:
    """What one process makes of these records in their order, as if nothing ever happened to it. They come in steps of
    one size, or `cuts` says where each step but the first begins."""
    starts = [0, *(range(BATCH, len(lines), BATCH) if cuts is None else cuts)]
    with Store.temporary() as store:
        engine = build_engine(
            engine_config(settings), detectors=detector_choices(settings),
            playbook_dirs=settings.playbooks.directories, text=settings.text, in_a_hurry=True,
        )  # fmt: skip
        for start, stop in zip(starts, [*starts[1:], len(lines)], strict=True):
            many = decode_many(lines[start:stop], lambda i: f"line {i + 1}")
            batch = Batch(
                mentions=tuple(many.mentions), rejects=tuple(many.rejects), source="oracle",
                unknown_fields=many.unknown_fields, truncated=many.truncated,
                end=end and stop >= len(lines),
            )  # fmt: skip
            store.apply(engine.step(batch, NOW_MS))
        return outcome_of(store)


def watermarks(store: Store) -> dict[str, int]:
    """How far in event time each owner that holds brands has come."""
    found = {}
    for owner in store.owners():
        state = store.load_state(owner)
        if any(part.startswith(("brand:", "bin:")) for part in state):
            head = state["engine"]["watermark"]
            found[owner] = int(head.get("at_ms", 0))
    return found


def newest_ms(mentions: Iterable[Mention]) -> int:
    """The time of the last of them."""
    return max(mention.created_at_ms for mention in mentions)
