"""What Prometheus reads: every metric in one typed table, fed by the effects of the engine.

The engine's `Counted("mentions", (brand, network, sentiment), n)` becomes `vigie_mentions_total`, its
`Gauged("surprise", (brand, test), x)` becomes `vigie_surprise`. Labels are few and capped, never an author or a text:
past the cap a counter goes on under "other", and a gauge, which has no meaning for several brands at once, is left out.
docs/metrics.md is generated from the table.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import choose_encoder

from engine.domain.effects import Counted, Effect, Gauged, IncidentSaved
from engine.domain.incident import ACTIVE_PHASES, Incident

LABEL_VALUES_MAX = 200
"""Distinct values of one label, brands above all; what comes later is "other"."""

LABEL_CHARS_MAX = 100

OTHER = "other"

STEP_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class MetricSpec(NamedTuple):
    """One metric: its kind, its labels in the order of the effect's, and what it tells."""

    kind: Literal["counter", "gauge"]
    labels: tuple[str, ...]
    text: str


METRICS: dict[str, MetricSpec] = {
    "received": MetricSpec("counter", (), "Well-formed mentions that came in, duplicates and strangers included."),
    "mentions": MetricSpec("counter", ("brand", "network", "sentiment"), "Mentions counted in a brand's series."),
    "rejected": MetricSpec("counter", ("source", "field"), "Records refused, by the field at fault."),
    "dead_letters": MetricSpec("counter", (), "Refused records kept with bytes, reason and position."),
    "late": MetricSpec("counter", (), "Mentions that came after their bin was closed: stored, in no series."),
    "duplicates": MetricSpec("counter", (), "Mentions seen before, by source and id."),
    "unmatched": MetricSpec("counter", (), "Mentions of no configured brand."),
    "future_clamped": MetricSpec("counter", (), "Mentions dated in the future, moved to their arrival."),
    "truncated": MetricSpec("counter", (), "Texts cut at the length limit."),
    "unknown_fields": MetricSpec("counter", (), "Fields of incoming records that Vigie does not know."),
    "negatives_observed": MetricSpec("gauge", ("brand",), "Negatives in the last closed bin (sum of probabilities)."),
    "negatives_expected": MetricSpec("gauge", ("brand",), "Negatives that the brand's own normal expected in it."),
    "surprise": MetricSpec(
        "gauge", ("brand", "test"), "-log10 of the false alarms a week at which a test would still stand out."
    ),
    "incident_level": MetricSpec("gauge", ("brand",), "Level now: 0 vert, 1 jaune, 2 orange, 3 rouge."),
    "incidents_open": MetricSpec("gauge", ("brand",), "Incidents open, acknowledged or contained."),
    "provisional_alerts": MetricSpec(
        "counter", ("outcome",), "Alerts told ahead of the watermark: raised, and then confirmed or withdrawn."
    ),
    "watermark_lag_seconds": MetricSpec("gauge", (), "How far the watermark stands behind the clock."),
    "source_lag": MetricSpec("gauge", ("source", "partition"), "Records of a source that wait to be read."),
    "source_last_mention_timestamp_seconds": MetricSpec(
        "gauge", ("source",), "When a source last brought a mention, in seconds since 1970."
    ),
    "heartbeat_timestamp_seconds": MetricSpec("gauge", (), "When the engine last took a step, in seconds since 1970."),
    "outbox_pending": MetricSpec("gauge", ("channel",), "Alerts that wait to be delivered."),
    "outbox_oldest_seconds": MetricSpec("gauge", ("channel",), "Age of the oldest alert that waits."),
    "notifications": MetricSpec(
        "counter", ("channel", "outcome"), "Deliveries that are over, by outcome: delivered, muted, failed."
    ),
    "scored": MetricSpec("counter", (), "Records that a score worker read, scored and handed on."),
    "rebalances": MetricSpec("counter", (), "How often partitions came to this process or left it."),
    "partitions_held": MetricSpec("gauge", (), "Partitions that this process reads."),
    "fenced": MetricSpec("counter", (), "Partitions that another worker had taken when this one came to write."),
    "hop_dropped": MetricSpec(
        "counter", ("reason",), "Scored records dropped: repeats, gaps (they come again), broken ones."
    ),
    "backpressure": MetricSpec("gauge", (), "1 while nothing is taken in because the store can't take it, else 0."),
    "pages": MetricSpec(
        "counter", ("kind",), "Messages to people on call, by kind: call, handover, taken, test and so on."
    ),
    "escalations": MetricSpec("gauge", ("state",), "Incidents by where their calls stand: unanswered is the bad one."),
    "oncall_people": MetricSpec("gauge", ("role",), "People on call for a role now, deputies left out: 0 is a gap."),
    "deadman_timestamp_seconds": MetricSpec(
        "gauge", (), "When the dead man's switch last took a sign of life, in seconds since 1970."
    ),
    "store_errors": MetricSpec("counter", (), "Transactions of the store that failed and were tried again."),
    "disk_free_bytes": MetricSpec("gauge", (), "Free space where the database stands."),
    "exercise": MetricSpec("gauge", (), "1 while an exercise runs (`vigie drill`): these figures are not real."),
    "build_info": MetricSpec("gauge", ("version", "python"), "Always 1; what runs."),
}
"""Effect name -> metric. `vigie_` in front, and `_total` behind a counter."""


def metric_name(effect: str) -> str:
    """The name in Prometheus.

    >>> metric_name("mentions"), metric_name("surprise")
    ('vigie_mentions_total', 'vigie_surprise')
    """
    return f"vigie_{effect}_total" if METRICS[effect].kind == "counter" else f"vigie_{effect}"


class Metrics:
    """All metrics of one process, on a registry of their own.

    >>> metrics = Metrics(version="0")
    >>> metrics.observe([Counted("mentions", ("Nordalia", "x", "neg"), 2.0)])
    >>> b'vigie_mentions_total{brand="Nordalia",network="x",sentiment="neg"} 2.0' in metrics.exposition()[0]
    True
    """

    def __init__(self, version: str, label_values_max: int = LABEL_VALUES_MAX) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._max = label_values_max
        self._seen: dict[str, set[str]] = {}
        self._open: dict[str, set[str]] = {}
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        for name, spec in METRICS.items():
            if spec.kind == "counter":
                self._counters[name] = Counter(f"vigie_{name}", spec.text, spec.labels, registry=self.registry)
            else:
                self._gauges[name] = Gauge(f"vigie_{name}", spec.text, spec.labels, registry=self.registry)
        self._step = Histogram(
            "vigie_step_seconds", "Time of one engine step with its transaction.", buckets=STEP_BUCKETS_S,
            registry=self.registry,
        )  # fmt: skip
        self._gauges["build_info"].labels(version, platform.python_version()).set(1)

    def observe(self, effects: Iterable[Effect]) -> None:
        """Take a step's figures and incidents; other effects, and names without a metric, pass by."""
        for effect in effects:
            if isinstance(effect, Counted):
                self._count(effect)
            elif isinstance(effect, Gauged):
                self._gauge(effect)
            elif isinstance(effect, IncidentSaved):
                self._incident(effect.incident)

    def seed(self, counters: Mapping[tuple[str, tuple[str, ...]], float]) -> None:
        """Counters go on from what the store has kept, by name and labels. Call it once, before `observe`."""
        for (name, labels), n in counters.items():
            self._count(Counted(name, labels, n))

    def step_took(self, seconds: float) -> None:
        """One engine step with its transaction took this long."""
        self._step.observe(seconds)

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The body and content type of /metrics, in the format that the request's Accept header asks for."""
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def _count(self, counted: Counted) -> None:
        metric = self._counters.get(counted.name)
        if metric is None or len(counted.labels) != len(METRICS[counted.name].labels):
            return
        labels = self._capped(counted.name, counted.labels)
        (metric.labels(*labels) if labels else metric).inc(counted.n)

    def _gauge(self, gauged: Gauged) -> None:
        metric = self._gauges.get(gauged.name)
        if metric is None or len(gauged.labels) != len(METRICS[gauged.name].labels):
            return
        labels = self._capped(gauged.name, gauged.labels)
        if OTHER not in labels:  # "other" is also a network, but no gauge has that label
            (metric.labels(*labels) if labels else metric).set(gauged.value)

    def _incident(self, incident: Incident) -> None:
        """Incidents come whole and again and again; which are open now is kept here."""
        still_open = self._open.setdefault(incident.brand, set())
        if incident.phase in ACTIVE_PHASES:
            still_open.add(incident.id)
        else:
            still_open.discard(incident.id)
        self._gauge(Gauged("incidents_open", (incident.brand,), float(len(still_open))))

    def _capped(self, name: str, labels: tuple[str, ...]) -> tuple[str, ...]:
        capped = []
        for label, text in zip(METRICS[name].labels, labels, strict=True):
            # "brand" has one list of known values for all metrics, so that a brand is in all of them or in none
            seen = self._seen.setdefault(label, set())
            value = text[:LABEL_CHARS_MAX]
            if value in seen or len(seen) < self._max:
                seen.add(value)
                capped.append(value)
            else:
                capped.append(OTHER)
        return tuple(capped)
