"""`Engine.step`: a batch and the time go in, effects come out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

from engine.core.brand import BrandStream
from engine.core.case import Case
from engine.core.fold import hash64
from engine.core.match import Matcher
from engine.core.seen import Seen
from engine.core.tally import NEGATIVE_UNITS, UNITS, Candidate, Tally
from engine.core.terms import TermBaseline
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
from engine.domain.mention import Mention
from engine.domain.playbook import BrandVoice, Plan
from engine.ports.detector import SeriesDetector
from engine.ports.planner import Planner
from engine.ports.signal import Watched
from engine.ports.text import TextScorer
from engine.ports.themes import TextGroups

_new = tuple.__new__
STATE_VERSION = 1

Matched = tuple[Mention, tuple[str, ...], int]
"""A mention, its brands, and its hash."""
Row = tuple[int, str, str, tuple[str, ...], int]
MakeDetector = Callable[[BrandConfig], SeriesDetector]
MakeSignals = Callable[[BrandConfig], tuple[Watched, ...]]


class Stream(Protocol):
    """What the engine asks of a brand's stream: `BrandStream`, or one that judges in several ways at once."""

    bins: dict[int, Tally]

    @property
    def case(self) -> Case: ...

    @property
    def baseline(self) -> TermBaseline: ...

    def bin_at(self, start_s: int) -> Tally: ...

    def close(self, watermark_s: int) -> list[Effect]: ...

    def gauges(self) -> list[Effect]: ...

    def take_dirty(self) -> list[Effect]: ...

    def foresee(self) -> list[Effect]: ...

    def touch(self) -> None: ...

    def restore(
        self, kind: str, at_s: int, data: dict[str, Any], incidents: dict[str, Incident], plans: dict[str, Plan]
    ) -> None: ...


class Engine:
    """Watches brands. Pure but for its own memory: no IO, no clock; the same batches give the same effects.

    What is recorded is decided when the watermark passes, from sums that do not depend on order, so it depends on the
    set of mentions alone (house rule 17), as long as each comes within the lateness bound.
    """

    def __init__(
        self, config: EngineConfig, scorer: TextScorer, make_detector: MakeDetector, planner: Planner,
        make_signals: MakeSignals | None = None, groups: TextGroups | None = None,
    ) -> None:  # fmt: skip
        self._config = config
        self._scorer = scorer
        self._make_detector = make_detector
        self._make_signals = make_signals
        self._planner = planner
        self._groups = groups
        self._configured = {brand.name: brand for brand in config.brands}
        # what a text too short to tell is in: its brand's first language, and not its thread's: what of the thread has
        # been seen depends on the order of arrival
        self._usual_lang = {b.name: b.voice.langs[0] for b in config.brands if b.voice is not None and b.voice.langs}
        self._matcher = Matcher(config.brands, open_brands=config.open_brands)
        self._watermark = Watermark(lateness_s=config.lateness_s, idle_s=config.idle_s)
        self._seen = Seen(config.ids_max)
        self._brands: dict[str, Stream] = {}
        self._closed_to_s = 0
        self._touched: set[str] = set()  # brands that a mention of this step was counted for

    # -- one step ------------------------------------------------------------------------------------------------

    def step(self, batch: Batch, now_ms: int) -> tuple[Effect, ...]:
        """Take a batch in at the time `now_ms` and say what is to be done.

        Raises nothing: bad records are already rejects, and everything else is counted.
        """
        counts: dict[tuple[str, tuple[str, ...]], float] = {}
        effects: list[Effect] = [DeadLettered(reject) for reject in batch.rejects]
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
        if batch.live:
            self._watermark.tick(now_ms, arrived=bool(batch.mentions))
        effects += self._take_in(batch.mentions, now_ms, counts)
        effects += self._close(batch.end)
        if batch.live and self._config.provisional:
            for name in sorted(self._touched):
                effects += self._brands[name].foresee()
        self._touched.clear()
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

    def _take_in(
        self, mentions: tuple[Mention, ...], now_ms: int, counts: dict[tuple[str, tuple[str, ...]], float]
    ) -> list[Effect]:
        """Drop repeats, put future dates right, match, score and fold."""
        if not mentions:
            return []
        accepted: list[tuple[Matched, bool]] = []
        duplicates = future = unmatched = 0
        new_key, brands_of, watermark = self._seen.new_key, self._matcher.brands, self._watermark
        width_ms = self._config.bin_s * 1000
        for mention in mentions:
            key = new_key(mention)
            if key is None:
                duplicates += 1
                continue
            at_ms = mention.created_at_ms
            if at_ms > now_ms:
                future += 1
                at_ms = watermark.clamp(at_ms, now_ms)
                mention = mention._replace(created_at_ms=at_ms)
            late = at_ms - at_ms % width_ms + width_ms <= watermark.at_ms
            watermark.see(at_ms)
            brands = brands_of(mention)
            if brands:
                accepted.append(((mention, brands, key), late))
            else:
                unmatched += 1
        for name, n in (
            ("received", len(mentions)), ("duplicates", duplicates),
            ("future_clamped", future), ("unmatched", unmatched),
        ):  # fmt: skip
            if n:
                counts[name, ()] = n
        on_time = [matched for matched, late in accepted if not late]
        late_ones: list[Effect] = [LateStored(m, brands) for (m, brands, _), late in accepted if late]
        if late_ones:
            counts["late", ()] = len(late_ones)
        self._fold(on_time, counts)
        return late_ones

    def _fold(self, accepted: list[Matched], counts: dict[tuple[str, tuple[str, ...]], float]) -> None:
        """Score what is not scored, and add each mention to its bins."""
        scored = self._read(accepted)
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
                    stream = self._brands.get(brand) or self._add_brand(brand)
                    if stream is None:
                        counts["unmatched", ()] = counts.get(("unmatched", ()), 0) + 1
                        continue
                    self._touched.add(brand)
                    tally = tallies[brand, start_s] = stream.bin_at(start_s)
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

    def _read(self, accepted: list[Matched]) -> list[Row]:
        """For each mention: P(neg) in units, label, language, categories, urgency in hundredths."""
        rows: list[Row | None] = [None] * len(accepted)
        unscored: list[int] = []
        negative: list[int] = []
        for i, (mention, _, _) in enumerate(accepted):
            sentiment = mention.sentiment
            if sentiment is None:
                unscored.append(i)
                continue
            units = round(-sentiment * UNITS) if sentiment < 0 else 0
            label = "neg" if sentiment < -0.2 else "pos" if sentiment > 0.2 else "neu"
            rows[i] = (units, label, mention.lang or "und", (), 0)
            if units >= NEGATIVE_UNITS:
                negative.append(i)
        if negative:
            found = self._scorer.categorise_many(
                [accepted[i][0].text for i in negative], [accepted[i][0].lang for i in negative]
            )
            for i, categories in zip(negative, found, strict=True):
                units, label, lang, _, urgency = rows[i]  # type: ignore[misc]  # filled above
                rows[i] = (units, label, lang, categories, urgency)
        if unscored:
            scores = self._scorer.score_many(
                [accepted[i][0].text for i in unscored],
                [accepted[i][0].lang for i in unscored],
                [self._usual_lang.get(accepted[i][1][0]) for i in unscored],
            )
            columns = zip(
                unscored, scores.negative.tolist(), scores.labels, scores.langs, scores.categories,
                scores.urgency.tolist(), strict=True,
            )  # fmt: skip
            for i, negative_p, label, lang, categories, urgency in columns:
                rows[i] = (round(negative_p * UNITS), label, lang, categories, round(urgency * 100))
        return rows  # type: ignore[return-value]  # every row is filled

    # -- time ----------------------------------------------------------------------------------------------------

    def _close(self, end: bool) -> list[Effect]:
        """Close what the watermark has passed; at the end of a source, everything that holds a mention."""
        width = self._config.bin_s
        watermark_s = self._watermark.at_ms // 1000
        if end:
            newest = max((start for stream in self._brands.values() for start in stream.bins), default=0)
            watermark_s = max(watermark_s, newest + width if newest else 0)
        effects: list[Effect] = []
        if watermark_s - watermark_s % width > self._closed_to_s or end:
            self._closed_to_s = watermark_s - watermark_s % width
            for name in sorted(self._brands):
                effects += self._brands[name].close(watermark_s)
        for stream in self._brands.values():
            effects += stream.gauges()
        return effects

    # -- people --------------------------------------------------------------------------------------------------

    def _command(self, command: Command) -> Iterable[Effect]:
        for stream in self._brands.values():
            incident = stream.case.incident
            if incident is not None and incident.id == command.incident_id:
                break
        else:
            return [CommandDone(command.seq, False, f"incident {command.incident_id} is closed or unknown")]
        phase = incident.phase
        done, effects = stream.case.command(command.name, command.actor, command.text, command.at_ms, stream.baseline)
        if not done:
            text = f"incident {incident.id} is {phase.value}: {command.name} is not possible"
            return [CommandDone(command.seq, False, text)]
        stream.touch()
        now = stream.case.incident
        text = f"incident {incident.id}: {phase.value} -> {now.phase.value if now else 'closed'}"
        return [*effects, CommandDone(command.seq, True, text)]

    # -- brands and state ----------------------------------------------------------------------------------------

    def _add_brand(self, name: str) -> Stream | None:
        if len(self._brands) >= self._config.brands_max:
            return None
        brand = self._configured.get(name)
        if brand is None:
            brand = BrandConfig(name, voice=BrandVoice(name, langs=("fr", "en")))
        stream = self._brands[name] = self._make_stream(brand)
        return stream

    def _make_stream(self, brand: BrandConfig) -> Stream:
        make_signals = partial(self._make_signals, brand) if self._make_signals else tuple
        make = partial(self._make_detector, brand)
        return BrandStream(brand, self._config, make, self._planner, make_signals)

    def _save(self) -> list[Effect]:
        effects: list[Effect] = []
        for stream in self._brands.values():
            effects += stream.take_dirty()
        effects += [StateSaved(part, data) for part, data in self._seen.take_dirty()]
        effects += [StateDropped(part) for part in self._seen.prune(self._watermark.at_ms)]
        if effects:
            effects.append(StateSaved("engine", {"v": STATE_VERSION, "bin_s": self._config.bin_s,
                                                 "watermark": self._watermark.snapshot()}))  # fmt: skip
        return effects

    def restore(
        self, parts: Mapping[str, dict[str, Any]], incidents: Mapping[str, Incident], plans: Mapping[str, Plan]
    ) -> None:
        """Become what was stored. Raises StateError if it can't be read or was made with other bins."""
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
                stream = self._brands.get(name) or self._add_brand(name)
                if stream is not None:
                    stream.restore(kind, int(at_s), data, known, planned)


def _last_forms(effects: list[Effect]) -> list[Effect]:
    """Of each incident and plan only its form at the end of the step: a long batch may have moved it often."""
    last = {e.incident.id: i for i, e in enumerate(effects) if isinstance(e, IncidentSaved)}
    last |= {"plan of " + e.incident_id: i for i, e in enumerate(effects) if isinstance(e, PlanMade)}
    kept = set(last.values())
    return [e for i, e in enumerate(effects) if i in kept or not isinstance(e, IncidentSaved | PlanMade)]
