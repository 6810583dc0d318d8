"""What the team said of comments, and the versions of what was learnt from it.

A correction is never deleted: taking it back is a mark on it, so that who said what stays known. A version of the
overlay is made from all corrections that stand, and says which those were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select, update

from engine.domain.labels import Correction
from ops.store import tables
from ops.store.apply import writable
from ops.store.database import Database

VERSIONS_MAX = 200
"""Beyond this many the oldest overlays go; the corrections stay, so any can be made again."""


class Label(NamedTuple):
    """A correction as it is kept."""

    seq: int
    at_ms: int
    actor: str
    correction: Correction
    undone_at_ms: int | None = None
    undone_by: str | None = None


class Extent(NamedTuple):
    """Which corrections something is made of: all up to a number, so many of them taken back. Both only ever grow."""

    upto_seq: int = 0
    undone: int = 0


class Version(NamedTuple):
    """A version of the overlay, without its weights."""

    version: int
    at_ms: int
    model: str
    extent: Extent
    report: str
    """JSON: what became of the corrections, by table."""


class Labels:
    """Append, take back, list; keep versions. Safe from any thread."""

    def __init__(self, database: Database, clock_ms: Callable[[], int]) -> None:
        self._database = database
        self._clock_ms = clock_ms

    def add(self, corrections: Sequence[Correction], actors: str | Sequence[str]) -> list[int]:
        """Keep corrections, all or none, in this order; by one actor, or one each. Returns their numbers once they are
        durable."""
        at_ms, numbers = self._clock_ms(), []
        said_by = [actors] * len(corrections) if isinstance(actors, str) else actors
        with self._database.write() as connection:
            for c, actor in zip(corrections, said_by, strict=True):
                row: dict[str, Any] = {
                    "at_ms": at_ms, "actor": writable(actor), "mention_id": _or_none(c.mention_id),
                    "brand": _or_none(c.brand), "lang": _or_none(c.lang), "text": writable(c.text),
                    "sentiment": c.sentiment,
                }  # fmt: skip
                key = connection.execute(tables.labels.insert().values(**row)).inserted_primary_key
                assert key is not None
                numbers.append(int(key[0]))
        return numbers

    def undo(self, seq: int, actor: str) -> bool:
        """Take a correction back. False when there is none of that number, or it was taken back already."""
        c = tables.labels.c
        mark = update(tables.labels).where(c.seq == seq, c.undone_at_ms.is_(None))
        with self._database.write() as connection:
            done = connection.execute(mark.values(undone_at_ms=self._clock_ms(), undone_by=writable(actor)))
            return bool(done.rowcount)

    def all(self) -> list[Label]:
        """Every correction, oldest first, those taken back too."""
        table = tables.labels
        with self._database.read() as connection:
            rows = connection.execute(select(table).order_by(table.c.seq)).all()
        return [_label(row) for row in rows]

    def standing(self) -> tuple[list[Correction], Extent]:
        """The corrections that stand, oldest first, and their extent; one consistent view."""
        labels = self.all()
        extent = Extent(labels[-1].seq if labels else 0, sum(label.undone_at_ms is not None for label in labels))
        return [label.correction for label in labels if label.undone_at_ms is None], extent

    def keep(self, encode: Callable[[int], bytes], model: str, extent: Extent, report: str) -> int:
        """Keep an overlay as the next version; `encode` is given its number. Returns the newest version's number, which
        is not this one when another process has meanwhile made one of as many corrections or more."""
        v = tables.overlays
        with self._database.write() as connection:
            newest = connection.execute(select(v).order_by(v.c.version.desc()).limit(1)).first()
            number = 1
            if newest is not None:
                held = Extent(newest.upto_seq, newest.undone)
                if newest.model == model and held.upto_seq >= extent.upto_seq and held.undone >= extent.undone:
                    return int(newest.version)
                number = int(newest.version) + 1
            connection.execute(
                v.insert().values(
                    version=number, at_ms=self._clock_ms(), model=model, upto_seq=extent.upto_seq,
                    undone=extent.undone, report=report, payload=encode(number),
                )
            )  # fmt: skip
            connection.execute(delete(v).where(v.c.version <= number - VERSIONS_MAX))
        return number

    def newest(self) -> int:
        """The number of the newest version, 0 when there is none. Cheap: asked at every turn."""
        with self._database.read() as connection:
            return int(connection.execute(select(func.max(tables.overlays.c.version))).scalar() or 0)

    def versions(self) -> list[Version]:
        """Every version that is kept, oldest first."""
        v = tables.overlays.c
        query = select(v.version, v.at_ms, v.model, v.upto_seq, v.undone, v.report).order_by(v.version)
        with self._database.read() as connection:
            return [
                Version(row.version, row.at_ms, row.model, Extent(row.upto_seq, row.undone), row.report)
                for row in connection.execute(query)
            ]

    def overlay(self, version: int) -> bytes | None:
        """The weights of a version, None when it is not kept."""
        v = tables.overlays.c
        with self._database.read() as connection:
            found = connection.execute(select(v.payload).where(v.version == version)).scalar()
        return None if found is None else bytes(found)


def _or_none(text: str | None) -> str | None:
    return None if text is None else writable(text)


def _label(row: Any) -> Label:
    correction = Correction(row.text, row.sentiment, row.lang, row.mention_id, row.brand)
    return Label(row.seq, row.at_ms, row.actor, correction, row.undone_at_ms, row.undone_by)
