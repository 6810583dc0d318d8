"""Build the Grafana dashboard: `python -m ops.grafana.build` writes vigie.json beside this file.

The JSON is committed, and a test checks that it is what this program writes. Titles are French, descriptions English.
Needs the development packages (grafana-foundation-sdk).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model

DASHBOARD = Path(__file__).with_name("vigie.json")

DATASOURCE = common_model.DataSourceRef(type_val="prometheus", uid="${datasource}")

LEVEL_COLOURS = (("vert", "green"), ("jaune", "yellow"), ("orange", "orange"), ("rouge", "red"))

EXPECTED = "vigie_negatives_expected{brand=~'$brand'}"
UPPER_EDGE = f"{EXPECTED} + 3 * sqrt({EXPECTED} + 0.0625 * {EXPECTED} ^ 2)"

Query = tuple[str, str]
"""A PromQL expression and the legend of its series."""


def dashboard_json() -> str:
    """The dashboard as it stands in the file."""
    built = json.loads(json.dumps(_dashboard().build(), cls=JSONEncoder))
    return json.dumps(built, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _dashboard() -> dashboard.Dashboard:
    board = (
        dashboard.Dashboard("Vigie")
        .uid("vigie")
        .description("What is said of the brands, what the engine makes of it, and whether the engine itself is well.")
        .tags(["vigie"])
        .timezone("browser")
        .readonly()
        .refresh("30s")
        .time("now-24h", "now")
        .with_variable(dashboard.DatasourceVariable("datasource").label("Source").type("prometheus"))
        .with_variable(
            dashboard.QueryVariable("brand")
            .label("Marque")
            .query("label_values(vigie_incident_level, brand)")
            .datasource(DATASOURCE)
            .refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
            .multi(True)
            .include_all(True)
            .all_value(".*")
            .current(model.VariableOption(text="All", value="$__all"))
        )
    )
    for title, panels in (("Les marques", _brand_panels()), ("Le moteur", _engine_panels())):
        board = board.with_row(dashboard.Row(title))
        for panel in panels:
            board = board.with_panel(panel)
    return board


def _brand_panels() -> list[Any]:
    return [
        _levels(),
        _stat("Incidents ouverts", "Incidents open, acknowledged or contained.", "sum(vigie_incidents_open)"),
        _lines(
            "Mentions par sentiment",
            "Mentions a minute, by sentiment.",
            [("sum by (sentiment) (rate(vigie_mentions_total{brand=~'$brand'}[5m])) * 60", "{{sentiment}}")],
            span=10,
            colours={"neg": "red", "neu": "gray", "pos": "green"},
        ),
        _lines(
            "Négatifs : observés et attendus",
            "Negatives in the last closed bin, what the brand's own normal expected, and the upper edge of that band: "
            "three standard deviations of a count whose mean drifts by a quarter. The alarm itself is `Surprise`.",
            [
                ("vigie_negatives_observed{brand=~'$brand'}", "{{brand}} observés"),
                (EXPECTED, "{{brand}} attendus"),
                (UPPER_EDGE, "{{brand}} haut de la bande"),
            ],
        ),
        _lines(
            "Surprise",
            "-log10 of the false alarms a week at which each test would still stand out; at the budget it is an alarm.",
            [("vigie_surprise{brand=~'$brand'}", "{{brand}} {{test}}")],
        ),
    ]


def _engine_panels() -> list[Any]:
    return [
        _lines(
            "Débit",
            "Mentions a second: all that came in, and those that reached a brand's series.",
            [
                ("rate(vigie_received_total[5m])", "reçues"),
                ("sum(rate(vigie_mentions_total[5m]))", "comptées"),
            ],
            span=8,
        ),
        _lines(
            "Retard et fraîcheur",
            "How far the watermark stands behind the clock, and how long ago each source last brought a mention.",
            [
                ("vigie_watermark_lag_seconds", "horloge des séries"),
                ("time() - vigie_source_last_mention_timestamp_seconds", "{{source}}"),
            ],
            unit="s",
            span=8,
        ),
        _lines(
            "À lire",
            "Records that wait in each source.",
            [("sum by (source) (vigie_source_lag)", "{{source}}")],
            span=8,
        ),
        _lines(
            "Refusées, tardives, en double",
            "Records a minute that count in no series, by reason.",
            [
                ("sum by (field) (rate(vigie_rejected_total[5m])) * 60", "refusées {{field}}"),
                ("rate(vigie_late_total[5m]) * 60", "tardives"),
                ("rate(vigie_duplicates_total[5m]) * 60", "en double"),
                ("rate(vigie_unmatched_total[5m]) * 60", "sans marque"),
                ("rate(vigie_future_clamped_total[5m]) * 60", "datées du futur"),
                ("rate(vigie_truncated_total[5m]) * 60", "coupées"),
                ("rate(vigie_dead_letters_total[5m]) * 60", "mises de côté"),
            ],
            span=8,
        ),
        _lines(
            "Alertes : en attente et échecs",
            "Alerts that wait to be delivered, and deliveries that failed for good.",
            [
                ("vigie_outbox_pending", "en attente {{channel}}"),
                ("increase(vigie_notifications_total{outcome='failed'}[1h])", "échecs {{channel}}"),
            ],
            span=8,
        ),
        _lines(
            "Durée d'un pas du moteur",
            "Time of one engine step with its transaction: median and 99th percentile.",
            [
                ("histogram_quantile(0.5, sum by (le) (rate(vigie_step_seconds_bucket[5m])))", "médiane"),
                ("histogram_quantile(0.99, sum by (le) (rate(vigie_step_seconds_bucket[5m])))", "99 %"),
            ],
            unit="s",
            span=8,
        ),
    ]


def _queries(queries: Sequence[Query]) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery().ref_id(chr(ord("A") + i)).expr(expr.replace("'", '"')).legend_format(legend)
        for i, (expr, legend) in enumerate(queries)
    ]


def _lines(
    title: str,
    text: str,
    queries: Sequence[Query],
    unit: str = "short",
    span: int = 12,
    colours: Mapping[str, str] | None = None,
) -> timeseries.Panel:
    panel = timeseries.Panel().title(title).description(text).datasource(DATASOURCE).unit(unit).span(span).height(8)
    for query in _queries(queries):
        panel = panel.with_target(query)
    for series, colour in (colours or {}).items():
        fixed = model.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": colour})
        panel = panel.override_by_name(series, [fixed])
    return panel.legend(
        common.VizLegendOptions()
        .display_mode(common_model.LegendDisplayMode.LIST)
        .placement(common_model.LegendPlacement.BOTTOM)
        .show_legend(True)
    )


def _stat(title: str, text: str, expr: str) -> stat.Panel:
    panel = stat.Panel().title(title).description(text).datasource(DATASOURCE).span(4).height(8)
    return panel.with_target(_queries([(expr, "")])[0])


def _levels() -> statetimeline.Panel:
    """Level of each brand over time, in the colours that the levels are named after."""
    options = {
        str(i): model.ValueMappingResult(text=name, color=colour, index=i)
        for i, (name, colour) in enumerate(LEVEL_COLOURS)
    }
    return (
        statetimeline.Panel()
        .title("Niveau par marque")
        .description("Level of each brand: vert, jaune, orange, rouge.")
        .datasource(DATASOURCE)
        .with_target(_queries([("vigie_incident_level{brand=~'$brand'}", "{{brand}}")])[0])
        .mappings([model.ValueMap(options=options)])
        .span(10)
        .height(8)
    )


if __name__ == "__main__":
    DASHBOARD.write_text(dashboard_json(), encoding="utf-8")
