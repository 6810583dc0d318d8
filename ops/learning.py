"""Corrections in, overlay out: where the store, the text model and whoever labels meet.

An overlay is a function of the corrections that stand and of the shipped tables, so whoever adds one makes the next
version: the command line in its own process, the service on the thread that took the request. The engine's thread only
asks for the newest number and puts the weights in place between two batches.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from detectors.text.learning import Lesson, learn
from detectors.text.overlay import Overlay, decode_overlay, encode_overlay, model_id
from detectors.text.scorer import LinearScorer
from engine.domain.batch import Batch, Cursor
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.errors import InputError, MentionError, StateError, TransientError, VigieError
from engine.domain.labels import Correction
from engine.ports.source import Source
from engine.ports.text import TextScorer
from ops.app import LINEAR, make_scorer
from ops.remembered import remembered
from ops.settings import Settings
from ops.store import Store
from streams.labels import LabelRecord

log = logging.getLogger("vigie")

HTTP_ACTOR = "http"


class Renewed(NamedTuple):
    """The overlay after a change: its version, the corrections that stand, and what became of them by table."""

    version: int
    corrections: int
    lessons: tuple[Lesson, ...]


def renew(store: Store, scorer: LinearScorer) -> Renewed:
    """Learn from all corrections that stand, and keep that as the newest version. Takes a second or less."""
    corrections, extent = store.labels.standing()
    learnt = learn(corrections, scorer)
    report = orjson.dumps([lesson_view(lesson) for lesson in learnt.lessons]).decode()

    def encoded(version: int) -> bytes:
        return encode_overlay(Overlay(version, learnt.overlay.model, learnt.overlay.tables))

    version = store.labels.keep(encoded, learnt.overlay.model, extent, report)
    return Renewed(version, len(corrections), learnt.lessons)


def lesson_view(lesson: Lesson) -> dict[str, Any]:
    """A lesson as plain data."""
    return {
        "lang": lesson.lang,
        "corrections": lesson.corrections,
        "scale": lesson.scale,
        "guard_before": round(lesson.guard_before, 4),
        "guard_after": round(lesson.guard_after, 4),
    }


def stored_overlay(store: Store, scorer: LinearScorer, version: int | None = None) -> Overlay:
    """A version of what was learnt, the newest for None. One of other tables is learnt anew.

    Raises InputError when that version is not kept, or was learnt on tables that this vigie no longer ships.
    """
    newest = store.labels.newest()
    if version is None and not newest:
        return Overlay()
    raw = store.labels.overlay(newest if version is None else version)
    if raw is None:
        raise InputError(f"{store.name}: no overlay version {version}; `vigie incidents labels` lists them")
    model = model_id(scorer.tables)
    try:
        overlay = decode_overlay(raw)
    except StateError:
        if version is not None:
            raise
        overlay = Overlay(newest, "")  # learnt on features that are gone: anew, below
    if overlay.model == model:
        return overlay
    if version is not None:
        raise InputError(f"{store.name}: overlay version {version} was learnt on other tables; use the newest")
    renewed = store.labels.overlay(renew(store, scorer).version)
    return decode_overlay(renewed) if renewed else Overlay()


class Follower:
    """Keeps a scorer's overlay that of the store; for the engine's thread."""

    def __init__(self, store: Store, scorer: TextScorer, *, use: bool = True, version: int | None = None) -> None:
        self._store = store
        self._scorer = scorer if use and isinstance(scorer, LinearScorer) else None
        self._version = version
        self._seen = -1

    def refresh(self) -> int:
        """Put the newest version in place, if it is not. Returns the version in use, 0 for none.

        Raises TransientError when the store can't be read, InputError when the version asked for is not there.
        """
        if self._scorer is None:
            return 0
        newest = self._store.labels.newest()
        if newest != self._seen:
            self._scorer.overlay = stored_overlay(self._store, self._scorer, self._version)
            self._seen = self._store.labels.newest()
        return self._scorer.overlay.version


class Freshened:
    """A source after whose every poll the newest overlay is in place: a correction that was answered before a mention
    came is known when that mention is read. A store that can't be read now leaves the version that stands."""

    def __init__(self, source: Source, follower: Follower) -> None:
        self.name = source.name
        self._source, self._follower = source, follower

    def seek(self, positions: Mapping[str, str]) -> None:
        """As the source."""
        self._source.seek(positions)

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        """Poll, then look for a newer version."""
        batch = self._source.poll(max_mentions, timeout_s)
        if batch.mentions:
            try:
                self._follower.refresh()
            except VigieError as error:  # the batch is in hand: it must be worked through all the same
                log.warning("corrections: %s", error)
        return batch

    def committed(self, cursors: Sequence[Cursor]) -> None:
        """As the source."""
        self._source.committed(cursors)

    def close(self) -> None:
        """As the source."""
        self._source.close()


class Teacher:
    """Takes corrections in and learns from them, with a scorer of its own: safe from any thread."""

    def __init__(self, store: Store, make_scorer: Callable[[], TextScorer]) -> None:
        self._store = store
        self._make_scorer = make_scorer
        self._scorer: LinearScorer | None = None
        self._turn = threading.Lock()

    def take(self, records: Sequence[LabelRecord]) -> dict[str, Any]:
        """Keep corrections, all or none, and learn. Raises MentionError when a mention is not known, TransientError."""
        corrections = resolved(self._store, [record.correction for record in records])
        self._store.labels.add(corrections, [record.by or HTTP_ACTOR for record in records])
        try:
            with self._turn:
                renewed = renew(self._store, self._own())
        except TransientError as error:  # they are durable: to refuse them now would have them sent twice
            log.warning("corrections are kept, and learnt with the next ones: %s", error)
            return {"accepted": len(corrections), "version": None, "corrections": None, "learnt": []}
        return {
            "accepted": len(corrections),
            "version": renewed.version,
            "corrections": renewed.corrections,
            "learnt": [lesson_view(lesson) for lesson in renewed.lessons],
        }

    def _own(self) -> LinearScorer:
        if self._scorer is None:
            self._scorer = linear(self._make_scorer())
        return self._scorer


def scorer_of_settings(settings: Settings | None, config: EngineConfig, langs: tuple[str, ...] = ()) -> TextScorer:
    """The text model of a replay or backtest: with what was learnt in the store that the settings name, if they do.

    Raises InputError when that store or version is not there.
    """
    text = LINEAR if settings is None else settings.text
    if langs:
        text = text.model_copy(update={"langs": langs})
    scorer = make_scorer(text, config.brands)
    learning = settings.learning if settings is not None else None
    if learning is not None and learning.store is not None and learning.use:
        with_overlay(scorer, str(learning.store), learning.version)
    return scorer


def with_overlay(scorer: TextScorer, place: str, version: int | None = None) -> int:
    """Put what was learnt in a store onto a scorer. Returns the version, 0 when nothing was learnt there yet."""
    own = linear(scorer)
    with Store.open(place, create=False) as store:
        own.overlay = stored_overlay(store, own, version)
    return own.overlay.version


def reader_of(
    store: Store, brands: Sequence[BrandConfig], *, use: bool = True, version: int | None = None
) -> TextScorer:
    """A scorer that reads by what a store has learnt so far."""
    scorer = make_scorer(LINEAR, brands)
    Follower(store, scorer, use=use, version=version).refresh()
    return scorer


def linear(scorer: TextScorer) -> LinearScorer:
    """The scorer, if it is one that can learn. Raises InputError for another."""
    if not isinstance(scorer, LinearScorer):
        raise InputError("this text model can't be corrected: corrections teach the shipped tables only")
    return scorer


def resolved(store: Store, corrections: Sequence[Correction]) -> list[Correction]:
    """Corrections with their texts: those that name a mention only are looked up. Raises MentionError."""
    if all(c.text.strip() for c in corrections):
        return list(corrections)
    known = remembered(store)
    found = []
    for c in corrections:
        if not c.text.strip():
            item = known.get(c.mention_id or "")
            if item is None:
                raise MentionError(
                    "mention_id", f"{(c.mention_id or '')[:80]!r} is not kept any more: send its text too"
                )
            c = Correction(item.text, c.sentiment, c.lang or item.lang, item.id, c.brand or item.brand)
        found.append(c)
    return found
