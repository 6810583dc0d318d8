"""`Engine.step`: a batch and the time go in, effects come out."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from heapq import heapify, heappop, heappush
from typing import Any, Protocol

from engine.core.brand import BrandStream
from engine.core.fold import hash64
from engine.core.match import Matcher
from engine.core.reader import Matched, Reader, Row
from engine.core.rest import NEVER_S
from engine.core.seen import Seen
from engine.core.slot import JsonPacking, Slot
from engine.core.tally import NEGATIVE_UNITS, Candidate, Tally
from engine.core.themes import settled
from engine.core.watermark import Watermark
from engine.domain.batch import Batch, Command
from engine.domain.config import BrandConfig, EngineConfig
from engine.domain.effects import (
    CommandDone,
    Counted,
    CursorMoved,
    DeadLettered,
    Effect,
    Gauged,
    IncidentSaved,
    LateStored,
    PlanMade,
    StateDropped,
    StateSaved,
)
from engine.domain.errors import StateError
from engine.domain.incident import Incident
from engine.domain.playbook import BrandVoice, Plan
from engine.ports.detector import SeriesDetector
from engine.ports.packing import Packing
from engine.ports.planner import Planner
from engine.ports.signal import Watched
from engine.ports.text import TextScorer
from engine.ports.themes import TextGroups

_new = tuple.__new__
STATE_VERSION = 1

TURNS_MAX = 64
"""Quiet brands that have their turn in one step of a live stream, at most: more than ten times what is needed."""

MakeDetector = Callable[[BrandConfig], SeriesDetector]
MakeSignals = Callable[[BrandConfig], tuple[Watched, ...]]


class Place(Protocol):
    """What the engine asks of a brand's place: `Slot`, or one that judges in several ways at once."""

    @property
    def bins(self) -> dict[int, Tally]: ...

    @property
    def due_s(self) -> int: ...

    @property
    def incident_id(self) -> str | None: ...

    @property
    def resting(self) -> bool: ...

    @property
    def is_packed(self) -> bool: ...

    def bin_at(self, start_s: int) -> Tally: ...

    def close(self, watermark_s: int, *, end: bool) -> list[Effect]: ...

    def gauges(self) -> list[Effect]: ...

    def take_dirty(self) -> list[Effect]: ...

    def foresee(self, closed_to_s: int) -> list[Effect]: ...

    def stream(self) -> BrandStream: ...

    def pack(self) -> None: ...


class Engine:
    """Watches brands. Pure but for its own memory: no IO, no clock; the same batches give the same effects.

    What is recorded is decided when the watermark passes, from sums that do not depend on order, so it depends on the
    set of mentions alone (house rule 17), as long as each comes within the lateness bound.
    """

    def __init__(
        self, config: EngineConfig, scorer: TextScorer, make_detector: MakeDetector, planner: Planner,
        make_signals: MakeSignals | None = None, groups: TextGroups | None = None, packing: Packing | None = None,
    ) -> None:  # fmt: skip
        self._config = config
        self._make_detector = make_detector
        self._make_signals = make_signals
        self._planner = planner
        self._groups = groups
        self._configured = {brand.name: brand for brand in config.brands}
        self._reader = Reader(config.brands, scorer)
        self._matcher = Matcher(config.brands, open_brands=config.open_brands)
        self._watermark = Watermark(lateness_s=config.lateness_s, idle_s=config.idle_s)
        self._seen = Seen(config.ids_max)
        self._packing = packing or JsonPacking()
        self._brands: dict[str, Place] = {}
        self._make_named = self._make_stream  # one bound method for all of them
        self._closed_to_s = 0
        self._due: list[tuple[int, str]] = []  # a heap of when each brand asks for the watermark, with stale entries
        self._due_at_s: dict[str, int] = {}
        self._turns: deque[str] = deque()  # brands that have their turn, and nothing else
        self._touched: set[str] = set()  # brands that a mention of this step was counted for
        self._changed: set[str] = set()  # brands of which this step may have changed anything
        self._lit: set[str] = set()  # brands whose last bin held mentions: the panels have to go dark after it
        self._unpacked: dict[str, None] = {}  # brands at rest that are not packed, the one untouched for longest first

    # -- one step ------------------------------------------------------------------------------------------------

    def step(self, batch: Batch, now_ms: int) -> tuple[Effect, ...]:
        """Take a batch in at the time `now_ms` and say what is to be done.

        Raises nothing: bad records are already rejects, and everything else is counted.
        """
        counts: dict[tuple[str, tuple[str, ...]], float] = {}
        effects: list[Effect] = [DeadLettered(reject, batch.source) for reject in batch.rejects]
        for reject in batch.rejects:
            key = ("rejected", (batch.source, reject.field))
            counts[key] = counts.get(key, 0) + 1
        for name, n in (
            ("dead_letters", len(batch.rejects)), ("unknown_fields", batch.unknown_fields),
            ("truncated", batch.truncated),
        ):  # fmt: skip
            if n:
                counts[name, ()] = n
        for name, n in batch.extra.items():
            counts[name, ()] = n
        if batch.all_lanes:
            self._watermark.expect(batch.all_lanes)
        if batch.live:
            self._watermark.tick(now_ms, arrived=bool(batch.mentions))
        effects += self._take_in(batch, now_ms, counts)
        if batch.progress:
            self._watermark.hear(batch.progress, now_ms)
        effects += self._close(batch.end, live=batch.live)
        if batch.live and self._config.provisional:
            for name in sorted(self._touched):
                effects += self._brands[name].foresee(self._closed_to_s)
        effects += [effect for command in batch.commands for effect in self._command(command)]
        effects = settled(_last_forms(effects), self._groups)
        effects += self._save()
        effects += [Counted(name, labels, n) for (name, labels), n in sorted(counts.items())]
        if self._watermark.newest_ms and batch.live:
            effects.append(Gauged("watermark_lag_seconds", (), max(0.0, (now_ms - self._watermark.at_ms) / 1000)))
        if batch.mentions:
            effects.append(Gauged("source_last_mention_timestamp_seconds", (batch.source,), now_ms / 1000))
        effects += [CursorMoved(cursor) for cursor in batch.cursors]
        return tuple(effects)

    def _take_in(self, batch: Batch, now_ms: int, counts: dict[tuple[str, tuple[str, ...]], float]) -> list[Effect]:
        """Drop repeats, put future dates right, match, score and fold."""
        mentions, lanes, reached, scored = batch.mentions, batch.lanes, batch.reached_ms, batch.scored
        if not mentions:
            return []
        accepted: list[tuple[Matched, bool]] = []
        rows: list[Row] = []
        received = duplicates = future = unmatched = late_n = 0
        new_key, brands_of, watermark = self._seen.new_key, self._matcher.brands, self._watermark
        width_ms = self._config.bin_s * 1000
        known, counted, lane = None, True, ""
        for i, mention in enumerate(mentions):
            if scored:
                known = scored[i]
                counted = known.counted
            received += counted
            key = new_key(mention)
            if key is None:
                duplicates += counted
                continue
            at_ms = mention.created_at_ms
            if at_ms > now_ms:
                future += counted
                at_ms = watermark.clamp(at_ms, now_ms)
                mention = mention._replace(created_at_ms=at_ms)
            elif known is not None and known.future:
                future += counted
            if lanes:
                lane = lanes[i]
                late_ms = watermark.late_before_ms(lane, reached[i] if reached else 0) if lane else watermark.at_ms
            else:
                late_ms = watermark.at_ms
            late = at_ms - at_ms % width_ms + width_ms <= late_ms
            watermark.see(at_ms, lane)
            brands = known.brands if known is not None else brands_of(mention)
            if brands:
                accepted.append(((mention, brands, key), late))
                late_n += late and counted
                if known is not None and not late:
                    rows.append(known[1:6])
            else:
                unmatched += counted
        for name, n in (
            ("received", received), ("duplicates", duplicates), ("future_clamped", future), ("unmatched", unmatched),
            ("late", late_n),
        ):  # fmt: skip
            if n:
                counts[name, ()] = n
        on_time = [matched for matched, late in accepted if not late]
        self._fold(on_time, rows if scored else self._reader.read(on_time), counts)
        return [LateStored(m, brands) for (m, brands, _), late in accepted if late]

    def _fold(
        self, accepted: list[Matched], scored: list[Row], counts: dict[tuple[str, tuple[str, ...]], float]
    ) -> None:
        """Add each mention to its bins."""
        width = self._config.bin_s
        tallies: dict[tuple[str, int], Tally] = {}  # the bins of this batch
        mentions: dict[tuple[str, str, str], int] = {}
        for (mention, brands, key), (units, label, lang, categories, urgency) in zip(accepted, scored, strict=True):
            start_s = mention.created_at_ms // 1000
            start_s -= start_s % width
            source = mention.source
            candidate = author_key = None
            if units >= NEGATIVE_UNITS:
                candidate = _new(Candidate, (key, units, mention))
                author = mention.author
                author_key = None if author is None else hash64(source, author)
            for brand in brands:
                tally = tallies.get((brand, start_s))
                if tally is None:
                    place = self._brands.get(brand) or self._add_brand(brand)
                    if place is None:
                        counts["unmatched", ()] = counts.get(("unmatched", ()), 0) + 1
                        continue
                    self._touched.add(brand)
                    tally = tallies[brand, start_s] = place.bin_at(start_s)
                    self._expect(brand, start_s + width)
                tally.total += 1
                tally.units += units
                tally.sample(key, mention.text)
                tally.sources[source] = tally.sources.get(source, 0) + 1
                if candidate is not None:
                    tally.add_negative(candidate, author_key, categories, lang, urgency)
                counter = (brand, source, label)
                mentions[counter] = mentions.get(counter, 0) + 1
        for counter, n in mentions.items():
            counts["mentions", counter] = n

    # -- time ----------------------------------------------------------------------------------------------------

    def _close(self, end: bool, *, live: bool) -> list[Effect]:
        """Close what the watermark has passed; at the end of a source, everything that holds a mention."""
        width = self._config.bin_s
        watermark_s = self._watermark.at_ms // 1000
        if end:
            newest = max((start for place in self._brands.values() for start in place.bins), default=0)
            watermark_s = max(watermark_s, newest + width if newest else 0)
        closed_to_s = watermark_s - watermark_s % width
        moved = closed_to_s > self._closed_to_s
        if not (moved or end or self._turns):
            return []
        self._closed_to_s = max(self._closed_to_s, closed_to_s)
        names = sorted(self._brands) if end else self._take_due(self._closed_to_s, TURNS_MAX if live else None)
        effects: list[Effect] = []
        gauges: list[Effect] = []
        saved: list[Effect] = []
        lit: set[str] = set()
        for name in names:
            place = self._brands[name]
            effects += place.close(watermark_s, end=end)
            self._expect(name, place.due_s)
            told = place.gauges()
            gauges += told
            if told and isinstance(told[0], Gauged) and told[0].value:
                lit.add(name)
            if place.resting:  # at once, since many may have their time in one step
                saved += place.take_dirty()
                self._pack((name,))
        if moved:
            gauges += [Gauged("negatives_observed", (name,), 0.0) for name in sorted(self._lit.difference(names))]
            self._lit = lit
        self._changed.update(names)
        return [*effects, *gauges, *saved]

    def _expect(self, name: str, due_s: int) -> None:
        """The brand asks for the watermark at that time; what it asked for earlier, for a later time, is stale."""
        known_s = self._due_at_s.get(name, NEVER_S)
        if due_s < known_s:
            self._due_at_s[name] = due_s
            heappush(self._due, (due_s, name))

    def _take_due(self, watermark_s: int, turns_max: int | None) -> list[str]:
        """The brands whose time has come, by name. They are to say when they ask again.

        Those that only have their turn may wait for a later step: after an outage all of them have it at once, and an
        alert of another brand is not to wait for them.
        """
        due, due_at_s, turns = self._due, self._due_at_s, self._turns
        names = set()
        while due and due[0][0] <= watermark_s:
            due_s, name = heappop(due)
            if due_at_s.get(name) == due_s:
                del due_at_s[name]
                place = self._brands[name]
                if place.resting and not place.bins:
                    turns.append(name)
                else:
                    names.add(name)
        for _ in range(len(turns) if turns_max is None else min(turns_max, len(turns))):
            name = turns.popleft()
            if self._brands[name].due_s <= watermark_s:  # nothing else has brought it up to date
                names.add(name)
        return sorted(names)

    # -- people --------------------------------------------------------------------------------------------------

    def _command(self, command: Command) -> Iterable[Effect]:
        for place in self._brands.values():
            if place.incident_id == command.incident_id:
                break
        else:
            return [CommandDone(command.seq, False, f"incident {command.incident_id} is closed or unknown")]
        stream = place.stream()
        incident = stream.case.incident
        assert incident is not None  # its place said so
        phase = incident.phase
        done, effects = stream.case.command(command.name, command.actor, command.text, command.at_ms, stream.baseline)
        self._changed.add(stream.name)
        if not done:
            text = f"incident {incident.id} is {phase.value}: {command.name} is not possible"
            return [CommandDone(command.seq, False, text)]
        stream.touch()
        now = stream.case.incident
        text = f"incident {incident.id}: {phase.value} -> {now.phase.value if now else 'closed'}"
        return [*effects, CommandDone(command.seq, True, text)]

    # -- brands and state ----------------------------------------------------------------------------------------

    def _add_brand(self, name: str) -> Place | None:
        if len(self._brands) >= self._config.brands_max:
            return None
        place = self._brands[name] = self._make_slot(name)
        return place

    def _brand(self, name: str) -> BrandConfig:
        brand = self._configured.get(name)
        return BrandConfig(name, voice=BrandVoice(name, langs=("fr", "en"))) if brand is None else brand

    def _make_slot(self, name: str) -> Place:
        return Slot(name, self._make_named, self._packing)

    def _make_stream(self, name: str) -> BrandStream:
        brand = self._brand(name)
        make_signals = partial(self._make_signals, brand) if self._make_signals else tuple
        make = partial(self._make_detector, brand)
        return BrandStream(brand, self._config, make, self._planner, make_signals)

    def _save(self) -> list[Effect]:
        effects: list[Effect] = []
        names = sorted(self._touched | self._changed)
        self._touched.clear()
        self._changed.clear()
        for name in names:
            effects += self._brands[name].take_dirty()
        self._pack(names)
        effects += [StateSaved(part, data) for part, data in self._seen.take_dirty()]
        effects += [StateDropped(part) for part in self._seen.prune(self._watermark.at_ms)]
        if effects:
            effects.append(StateSaved("engine", {"v": STATE_VERSION, "bin_s": self._config.bin_s,
                                                 "watermark": self._watermark.snapshot()}))  # fmt: skip
        return effects

    def _pack(self, names: Iterable[str]) -> None:
        """Of the brands at rest keep those at hand that were asked for last; `names` were asked for in this step."""
        unpacked, brands = self._unpacked, self._brands
        for name in names:
            unpacked.pop(name, None)
            place = brands[name]
            if place.resting and not place.is_packed:
                unpacked[name] = None
        while len(unpacked) > self._config.unpacked_max:
            name = next(iter(unpacked))
            del unpacked[name]
            brands[name].pack()

    def restore(self, parts: Mapping[str, Any], incidents: Mapping[str, Incident], plans: Mapping[str, Plan]) -> None:
        """Become what was stored. A brand's part may be `Packed`: it stays so until it is asked for.

        Raises StateError if it can't be read or was made with other bins.
        """
        head = parts.get("engine")
        if head is None:
            return
        if head["v"] != STATE_VERSION:
            raise StateError(f"stored state is of version {head['v']}, this program reads {STATE_VERSION}")
        if head["bin_s"] != self._config.bin_s:
            raise StateError(
                f"the database holds bins of {head['bin_s']} s but detection.bin_s is {self._config.bin_s}: "
                "set it back, or start with a new database"
            )
        self._watermark.restore(head["watermark"])
        known, planned = dict(incidents), dict(plans)
        for part, data in parts.items():
            if part.startswith("seen:"):
                self._seen.restore(part, data)
            elif part != "engine":
                kind, at_s, name = part.split(":", 2)
                place = self._brands.get(name) or self._add_brand(name)
                if isinstance(place, Slot):
                    place.restore(kind, int(at_s), data, known, planned)
        for name, place in self._brands.items():
            if isinstance(place, Slot):
                place.restored(self._config.bin_s)
                self._due_at_s[name] = place.due_s
        self._due = [(due_s, name) for name, due_s in self._due_at_s.items() if due_s != NEVER_S]
        heapify(self._due)
        self._pack(self._brands)


def _last_forms(effects: list[Effect]) -> list[Effect]:
    """Of each incident and plan only its form at the end of the step: a long batch may have moved it often."""
    last = {e.incident.id: i for i, e in enumerate(effects) if isinstance(e, IncidentSaved)}
    last |= {"plan of " + e.incident_id: i for i, e in enumerate(effects) if isinstance(e, PlanMade)}
    kept = set(last.values())
    return [e for i, e in enumerate(effects) if i in kept or not isinstance(e, IncidentSaved | PlanMade)]
