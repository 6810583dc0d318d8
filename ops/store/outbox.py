"""The outbox: alerts once a key, and what became of each on every channel.

An alert enters in the transaction of the step that raised it (`ops.store.apply`). The delivery stages turn it into one
delivery a channel and record every attempt here, so that a restart goes on where the process stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import and_, func, select, update

from engine.domain.effects import AlertRaised
from engine.domain.incident import Alert, Level, Standing
from ops.oncall.escalation import State
from ops.oncall.page import Page
from ops.store import tables
from ops.store.apply import writable
from ops.store.codec import decode
from ops.store.database import Database

ERROR_CHARS_MAX = 500

LEASE_MS = 60_000
"""How long a delivery is its taker's: twice as long as one attempt may last."""


class DeliveryState(StrEnum):
    """Where a delivery stands. All but `PENDING` are final."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    MUTED = "muted"


class Unrouted(NamedTuple):
    """An alert that no channel has been chosen for yet."""

    id: int
    raised: AlertRaised
    page: Page | None = None


class Delivery(NamedTuple):
    """One alert on one channel. `attempts` counts those that are over; `reason` is the last error or why not."""

    id: int
    outbox_id: int
    key: str
    channel: str
    state: DeliveryState
    attempts: int
    next_at_ms: int
    reason: str


class DueDelivery(NamedTuple):
    """A delivery whose time has come, with its alert. The team's clock runs from `stored_at_ms`, by this machine."""

    delivery: Delivery
    raised: AlertRaised
    stored_at_ms: int
    page: Page | None = None


class Mute(NamedTuple):
    """Nothing is sent until `until_ms` for what fits all that is set: brand, incident, levels up to `level_max`."""

    id: int
    brand: str | None
    level_max: Level | None
    incident_id: str | None
    until_ms: int
    actor: str
    reason: str


class Outbox:
    """Reads and records deliveries; safe from any thread."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert = database.insert(tables.deliveries).on_conflict_do_nothing(index_elements=["key", "channel"])

    def unrouted(self, limit: int = 100) -> list[Unrouted]:
        """Alerts that came in since, oldest first."""
        table = tables.outbox
        query = (
            select(table.c.id, table.c.payload, table.c.page)
            .where(table.c.routed == 0)
            .order_by(table.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [Unrouted(id_, decode(AlertRaised, payload), _page(page)) for id_, payload, page in rows]

    def fan_out(self, alert: Unrouted, channels: Sequence[str], now_ms: int) -> None:
        """One pending delivery for each channel. Repeating it changes nothing: once a key and channel."""
        rows = [
            {
                "outbox_id": alert.id,
                "key": alert.raised.alert.delivery_key,
                "channel": channel,
                "state": DeliveryState.PENDING.value,
                "attempts": 0,
                "next_at_ms": now_ms,
                "updated_at_ms": now_ms,
                "last_error": "",
            }
            for channel in channels
        ]
        with self._database.write() as connection:
            if rows:
                connection.execute(self._insert, rows)
            connection.execute(update(tables.outbox).where(tables.outbox.c.id == alert.id).values(routed=1))

    def claim(self, channel: str, now_ms: int, by: str, limit: int = 20) -> list[DueDelivery]:
        """Deliveries of a channel whose time has come, taken on lease: nobody else sends them for a while.

        Who sends them records what came of it, which ends the lease; who is killed meanwhile leaves them to be sent by
        the next one under that name (`release`), or by anyone once the lease is over.
        """
        found = self.due(channel, now_ms, limit, by)
        if not found:
            return []
        d = tables.deliveries
        free = (d.c.lease_until_ms <= now_ms) | (d.c.lease_by == by)
        mine = []
        with self._database.write() as connection:
            for item in found:  # the row itself decides, whatever was read a moment ago
                took = update(d).where(d.c.id == item.delivery.id, d.c.state == DeliveryState.PENDING.value, free)
                if connection.execute(took.values(lease_by=by, lease_until_ms=now_ms + LEASE_MS)).rowcount:
                    mine.append(item)
        return mine

    def release(self, by: str) -> None:
        """End all leases under this name: the process that held them is gone."""
        d = tables.deliveries
        with self._database.write() as connection:
            connection.execute(update(d).where(d.c.lease_by == by).values(lease_by="", lease_until_ms=0))

    def due(self, channel: str, now_ms: int, limit: int = 20, by: str = "") -> list[DueDelivery]:
        """Pending deliveries of a channel whose time has come and that nobody else has on lease, oldest alert first."""
        d, o = tables.deliveries, tables.outbox
        query = (
            select(*_DELIVERY, o.c.payload, o.c.stored_at_ms, o.c.page)
            .join(o, o.c.id == d.c.outbox_id)
            .where(d.c.channel == channel, d.c.state == DeliveryState.PENDING.value, d.c.next_at_ms <= now_ms)
            .where((d.c.lease_until_ms <= now_ms) | (d.c.lease_by == by))
            .order_by(d.c.id)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [DueDelivery(_delivery(row[:-3]), decode(AlertRaised, row[-3]), row[-2], _page(row[-1])) for row in rows]

    def next_due_ms(self, channel: str) -> int | None:
        """When the channel's next delivery is due; None when none is pending."""
        d = tables.deliveries
        query = select(func.min(d.c.next_at_ms)).where(d.c.channel == channel, d.c.state == DeliveryState.PENDING.value)
        with self._database.read() as connection:
            found: int | None = connection.execute(query).scalar()
        return found

    def get(self, delivery_id: int) -> Delivery | None:
        """A delivery as it is recorded now."""
        query = select(*_DELIVERY).where(tables.deliveries.c.id == delivery_id)
        with self._database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else _delivery(row)

    def overtaken_by(self, delivery: Delivery, incident_id: str) -> str | None:
        """The key of a later alert of the same incident that this channel has already, else None."""
        d, o = tables.deliveries, tables.outbox
        query = (
            select(d.c.key)
            .join(o, and_(o.c.id == d.c.outbox_id, o.c.incident_id == incident_id))
            .where(
                d.c.channel == delivery.channel,
                d.c.state == DeliveryState.DELIVERED.value,
                d.c.outbox_id > delivery.outbox_id,
            )
            .limit(1)
        )
        with self._database.read() as connection:
            found: str | None = connection.execute(query).scalar()
        return found

    def calls_stand(self, incident_id: str) -> State | None:
        """Where the calls for an incident stand; None when nobody was called."""
        query = select(tables.escalations.c.state).where(tables.escalations.c.incident_id == incident_id)
        with self._database.read() as connection:
            found: str | None = connection.execute(query).scalar()
        return None if found is None else State(found)

    def answer_to(self, provisional: Alert) -> str | None:
        """The delivery key of the confirmation or withdrawal of a provisional alert, if there is one already."""
        keys = [provisional._replace(standing=s).delivery_key for s in (Standing.CONFIRMED, Standing.WITHDRAWN)]
        query = select(tables.outbox.c.key).where(tables.outbox.c.key.in_(keys)).limit(1)
        with self._database.read() as connection:
            found: str | None = connection.execute(query).scalar()
        return found

    def record(
        self, delivery_id: int, state: DeliveryState, attempts: int, next_at_ms: int, reason: str, now_ms: int
    ) -> None:
        """What an attempt came to."""
        d = tables.deliveries
        values = {
            "state": state.value,
            "attempts": attempts,
            "next_at_ms": next_at_ms,
            "updated_at_ms": now_ms,
            "last_error": writable(reason[:ERROR_CHARS_MAX]),
            "lease_by": "",
            "lease_until_ms": 0,
        }
        with self._database.write() as connection:
            connection.execute(update(d).where(d.c.id == delivery_id).values(**values))

    def abandon(self, channels: Sequence[str], now_ms: int) -> int:
        """Fail what waits for a channel that is no longer in `channels`. Returns how many."""
        d = tables.deliveries
        gone = (d.c.state == DeliveryState.PENDING.value) & d.c.channel.not_in(list(channels))
        values = {
            "state": DeliveryState.FAILED.value,
            "updated_at_ms": now_ms,
            "last_error": "no such channel any more",
        }
        with self._database.write() as connection:
            return connection.execute(update(d).where(gone).values(**values)).rowcount

    def deliveries(self, key: str | None = None) -> list[Delivery]:
        """What became of an alert (of all of them without a key) on each channel."""
        query = select(*_DELIVERY).order_by(tables.deliveries.c.id)
        if key is not None:
            query = query.where(tables.deliveries.c.key == key)
        with self._database.read() as connection:
            return [_delivery(row) for row in connection.execute(query)]

    def figures(self) -> dict[tuple[str, DeliveryState], int]:
        """How many deliveries stand where, by channel and state; for the metrics."""
        d = tables.deliveries
        query = select(d.c.channel, d.c.state, func.count()).group_by(d.c.channel, d.c.state)
        with self._database.read() as connection:
            return {(channel, DeliveryState(state)): n for channel, state, n in connection.execute(query)}

    def oldest_pending_ms(self) -> dict[str, int]:
        """When the oldest alert that still waits was stored, by channel; for the metrics."""
        d, o = tables.deliveries, tables.outbox
        query = select(d.c.channel, func.min(o.c.stored_at_ms)).join(o, o.c.id == d.c.outbox_id)
        query = query.where(d.c.state == DeliveryState.PENDING.value).group_by(d.c.channel)
        with self._database.read() as connection:
            return {channel: int(at_ms) for channel, at_ms in connection.execute(query)}

    def add_mute(
        self,
        until_ms: int,
        *,
        brand: str | None = None,
        level_max: Level | None = None,
        incident_id: str | None = None,
        actor: str = "",
        reason: str = "",
    ) -> int:
        """Hold alerts back for a while: maintenance, a planned event. Returns the mute's number."""
        values = {
            "brand": brand,
            "level_max": None if level_max is None else int(level_max),
            "incident_id": incident_id,
            "until_ms": until_ms,
            "actor": actor,
            "reason": reason,
        }
        with self._database.write() as connection:
            key = connection.execute(tables.mutes.insert().values(**values)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def mutes(self, now_ms: int) -> list[Mute]:
        """The mutes in force."""
        m = tables.mutes
        with self._database.read() as connection:
            rows = connection.execute(select(m).where(m.c.until_ms > now_ms).order_by(m.c.id)).all()
        return [
            Mute(r.id, r.brand, None if r.level_max is None else Level(r.level_max), r.incident_id, r.until_ms,
                 r.actor, r.reason)
            for r in rows
        ]  # fmt: skip

    def drop_mute(self, mute_id: int) -> bool:
        """End a mute now. False if there is none of that number."""
        with self._database.write() as connection:
            return bool(connection.execute(tables.mutes.delete().where(tables.mutes.c.id == mute_id)).rowcount)


_DELIVERY = tuple(
    tables.deliveries.c[name]
    for name in ("id", "outbox_id", "key", "channel", "state", "attempts", "next_at_ms", "last_error")
)


def _page(raw: str | None) -> Page | None:
    return None if raw is None else decode(Page, raw)


def _delivery(row: Sequence[object]) -> Delivery:
    id_, outbox_id, key, channel, state, attempts, next_at_ms, reason = row
    return Delivery(id_, outbox_id, key, channel, DeliveryState(state), attempts, next_at_ms, reason)  # type: ignore[arg-type]
