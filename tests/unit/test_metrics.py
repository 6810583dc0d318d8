"""Effects become metrics, within caps."""

from __future__ import annotations

from dataclasses import replace

from engine.domain.batch import Batch, Reject
from engine.domain.effects import Counted, Effect, Gauged, IncidentSaved
from engine.domain.incident import Phase
from ops.metrics import METRICS, Metrics
from tests.infra.fakes import make_engine, storm
from tests.infra.sample_alerts import incident


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def test_counted_adds_up_and_gauged_replaces() -> None:
    metrics = Metrics(version="1")
    effects: list[Effect] = [
        Counted("mentions", ("Nordalia", "x", "neg"), 2),
        Counted("mentions", ("Nordalia", "x", "neg"), 3),
        Gauged("surprise", ("Nordalia", "share"), 1.5),
        Gauged("surprise", ("Nordalia", "share"), -0.5),
    ]
    metrics.observe(effects)
    assert value(metrics, "vigie_mentions_total", brand="Nordalia", network="x", sentiment="neg") == 5
    assert value(metrics, "vigie_surprise", brand="Nordalia", test="share") == -0.5


def test_counters_go_on_after_a_restart() -> None:
    metrics = Metrics(version="1")
    metrics.seed({("duplicates", ()): 40.0, ("no_metric", ()): 1.0})
    metrics.observe([Counted("duplicates", (), 2)])
    assert value(metrics, "vigie_duplicates_total") == 42


def test_names_and_labels_that_are_not_in_the_table_pass_by() -> None:
    metrics = Metrics(version="1")
    metrics.observe([Counted("nothing_known", (), 1), Counted("mentions", ("Nordalia",), 1), Gauged("mentions", (), 1)])
    assert b"nothing_known" not in metrics.exposition()[0]
    assert b"vigie_mentions_total{" not in metrics.exposition()[0]


def test_brands_past_the_cap_count_as_other() -> None:
    metrics = Metrics(version="1", label_values_max=2)
    for brand in ("a", "b", "c", "d"):
        metrics.observe([Counted("mentions", (brand, "x", "neg"), 1), Gauged("incident_level", (brand,), 3)])
    assert value(metrics, "vigie_mentions_total", brand="other", network="x", sentiment="neg") == 2
    assert value(metrics, "vigie_incident_level", brand="b") == 3
    assert value(metrics, "vigie_incident_level", brand="other") is None


def test_a_hostile_label_is_escaped_and_cut() -> None:
    metrics = Metrics(version="1")
    metrics.observe([Counted("rejected", ("http", 'a"}\n' + "x" * 5_000), 1)])
    line = next(
        line for line in metrics.exposition()[0].decode().split("\n") if line.startswith("vigie_rejected_total{")
    )
    assert len(line) < 200
    assert r"a\"}\n" in line


def test_exposition_speaks_openmetrics_when_asked() -> None:
    metrics = Metrics(version="1")
    metrics.step_took(0.002)
    body, content_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert "openmetrics" in content_type
    assert body.endswith(b"# EOF\n")
    assert b'vigie_step_seconds_bucket{le="0.0025"} 1.0' in body


def test_open_incidents_are_counted_from_what_is_saved() -> None:
    metrics = Metrics(version="1")
    first = incident(brand="Nordalia", id_="inc-1")
    metrics.observe(
        [IncidentSaved(first), IncidentSaved(first), IncidentSaved(incident(brand="Nordalia", id_="inc-2"))]
    )
    assert value(metrics, "vigie_incidents_open", brand="Nordalia") == 2
    metrics.observe([IncidentSaved(replace(first, phase=Phase.RESOLVED))])
    assert value(metrics, "vigie_incidents_open", brand="Nordalia") == 1


def test_what_the_engine_says_fits_the_table() -> None:
    """Names without a metric pass by unseen, so a wrong label would too: here none does."""
    engine = make_engine()
    reject = Reject("line 1", "text", "missing", b"{}")
    batch = Batch(mentions=tuple(storm()), rejects=(reject,), unknown_fields=1, truncated=1, source="file", end=True)
    effects = [effect for effect in engine.step(batch, 2_000_000_000_000) if isinstance(effect, Counted | Gauged)]
    assert {effect.name for effect in effects} >= {"mentions", "rejected", "negatives_expected", "surprise"}
    for effect in effects:
        assert len(effect.labels) == len(METRICS[effect.name].labels), effect
