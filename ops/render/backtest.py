"""What `vigie backtest` tells: lines for a terminal, and one page that needs nothing else.

On the page everything that people wrote goes through `plain` and through Jinja's escaping; there is no script on it, no
address outside it, and its policy forbids both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engine.domain.incident import AlertKind, Level
from ops.backtest_history import PEAK_S
from ops.render.backtest_json import SAMPLES_MAX, samples
from ops.render.backtest_words import budget_text, counted, number_of_budget, rate_text, span_text, words
from ops.render.neutral import plain
from ops.render.replay import when
from ops.render.wording import duration, network_name, number

if TYPE_CHECKING:
    from ops.backtest_result import Backtest, Figures, Found, History, Outcome

TEMPLATE = Path(__file__).with_name("backtest.html.j2")
BRANDS_SHOWN_MAX = 40
"""Brands with a part of their own on the page and in the terminal: those with most incidents. The JSON has all."""
INCIDENTS_SHOWN_MAX = 100
"""Incidents a budget on the page and in the terminal. The JSON has all."""
WEEKS_TELLING = 4
"""Under so many weeks watched, a rate a week says little, and the result says so."""


# -- sentences -------------------------------------------------------------------------------------------------------


def sentence(outcome: Outcome, lang: str) -> str:
    """What a budget comes to, in plain words, the brands taken together."""
    say, total = words(lang), outcome.total
    budget = budget_text(outcome.budget, lang)
    each = say["each_brand"] if len(outcome.brands) > 1 else ""
    if not total.weeks:
        return say["unwatched"].format(budget=budget, each=each)
    span = span_text(total.weeks, lang)
    warnings = total.opened + total.reopened
    if not warnings:
        return say["never"].format(budget=budget, each=each, span=span)
    key = "paged_some" if total.paged else "paged_none"
    again = counted(total.reopened, "again", lang) if total.reopened else ""
    times = counted(warnings, "time", lang)
    paged = say[key].format(times=counted(total.paged, "time", lang))
    return say["warned"].format(budget=budget, each=each, span=span, times=times, again=again) + " " + paged


def cautions(result: Backtest, lang: str) -> list[str]:
    """What the reader must know before believing the figures."""
    say = words(lang)
    if not result.mentions:
        return [say["empty"]]
    weeks = max(outcome.total.weeks for outcome in result.outcomes)
    found = [] if weeks >= WEEKS_TELLING else [say["short"].format(weeks=WEEKS_TELLING)]
    if result.unmatched:
        found.append(say["some_unmatched"].format(n=number(result.unmatched, lang)))
    if result.late:
        found.append(say["some_late"].format(n=number(result.late, lang)))
    return found


def levels_text(levels: Sequence[tuple[Level, int]], lang: str) -> str:
    """Alerts by level, the gravest first; a dash where there is none."""
    return ", ".join(f"{number(n, lang)}\u00a0{level.label}" for level, n in reversed(levels) if n) or "–"


PER_BRAND = 4
"""The place of the column that says nothing where there is one brand."""


def columns(key: str, lang: str, *, brands: int) -> list[str]:
    """The heads of `figures_cells`, long (`columns`) or short (`columns_short`)."""
    heads = words(lang)[key].split("|")
    return heads if brands > 1 else heads[:PER_BRAND] + heads[PER_BRAND + 1 :]


def figures_cells(figures: Figures, lang: str, *, brands: int) -> list[str]:
    """The figures as the columns of a table, in the order of `columns`."""
    median = figures.delay_median_s
    cells = [
        span_text(figures.weeks, lang) if figures.weeks else "–",
        number(figures.opened, lang),
        number(figures.reopened, lang),
        rate_text(figures.alerts_per_week, lang),
        rate_text(figures.alerts_per_brand_week, lang),
        rate_text(figures.paged_per_week, lang),
        levels_text(figures.levels, lang),
        "–" if median is None else duration(round(median * 1000), lang),
        _lead_figure(figures.lead_median_s, lang),
    ]
    return cells if brands > 1 else cells[:PER_BRAND] + cells[PER_BRAND + 1 :]


def _lead_figure(lead_s: float | None, lang: str) -> str:
    if lead_s is None:
        return "–"
    return ("\u2212" if lead_s <= -60 else "") + duration(round(abs(lead_s) * 1000), lang)


def lead_text(lead_ms: int, lang: str) -> str:
    """How long before the peak, in words; within half a quarter of an hour it is the peak itself.

    >>> lead_text(5_400_000, "en"), lead_text(60_000, "en"), lead_text(-1_800_000, "en")
    ('1 h 30 before the peak', 'at the peak', '30 min after the peak')
    """
    if abs(lead_ms) <= PEAK_S * 500:
        return words(lang)["at_peak"]
    key = "before_peak" if lead_ms > 0 else "after_peak"
    return words(lang)[key].format(lead=duration(abs(lead_ms), lang))


def _shown_brands(result: Backtest) -> list[str]:
    """The brands that get a part of their own, in alphabetical order."""
    opened = {history.brand: 0 for history in result.histories}
    for outcome in result.outcomes:
        for brand, figures in outcome.brands:
            opened[brand] += figures.opened + figures.reopened
    ranked = sorted(opened, key=lambda brand: (-opened[brand], brand))
    return sorted(ranked[:BRANDS_SHOWN_MAX])


# -- terminal --------------------------------------------------------------------------------------------------------


def text_lines(result: Backtest) -> Iterator[str]:
    """The whole result for a terminal: a table, then a sentence and the incidents of each budget."""
    lang = result.lang
    say = words(lang)
    for caution in cautions(result, lang):
        yield f"! {caution}"
    if not result.mentions:
        return
    yield ""
    yield from _table(_rows(result))
    hidden = len(result.histories) - len(_shown_brands(result))
    if hidden > 0 and len(result.histories) > 1:
        yield say["more_brands"].format(n=number(hidden, lang))
    for outcome in result.outcomes:
        yield ""
        yield sentence(outcome, lang)
        for found in outcome.found[:INCIDENTS_SHOWN_MAX]:
            yield from _found_lines(found, lang)
        if len(outcome.found) > INCIDENTS_SHOWN_MAX:
            yield "  " + say["more_incidents"].format(n=number(len(outcome.found) - INCIDENTS_SHOWN_MAX, lang))
    yield ""
    yield say["glossary_line"]


def _rows(result: Backtest) -> list[list[str]]:
    lang = result.lang
    say, shown = words(lang), set(_shown_brands(result))
    brands = len(result.histories)
    rows = [[say["budget"], say["brand"], *columns("columns_short", lang, brands=brands)]]
    for outcome in result.outcomes:
        budget = number_of_budget(outcome.budget, lang)
        if len(outcome.brands) != 1:
            rows.append([budget, say["all"], *figures_cells(outcome.total, lang, brands=brands)])
        rows += [
            [budget, plain(brand, 24), *figures_cells(figures, lang, brands=brands)]
            for brand, figures in outcome.brands
            if brand in shown
        ]
    return rows


def _table(rows: list[list[str]]) -> Iterator[str]:
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for i, row in enumerate(rows):
        cells = [cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
        if i == 0:
            yield "  ".join("-" * width for width in widths)


def _found_lines(found: Found, lang: str) -> Iterator[str]:
    say, incident = words(lang), found.incident
    yield f"  {found.number}. {_headline(found, lang)}"
    yield f"     {say['colon'].format(name=say['why'], value=_why(found))}"
    if found.plan is not None:
        yield f"     {say['colon'].format(name=say['playbook'], value=plain(found.plan.title, 120))}"
    if incident.evidence.top_terms:
        terms = plain(", ".join(incident.evidence.top_terms), 160)
        yield f"     {say['colon'].format(name=say['terms'], value=terms)}"
    for item in samples(incident.evidence.mentions, SAMPLES_MAX):
        at, network = when(item.mention.created_at_ms), network_name(item.mention.source, lang)
        yield f"     {at}  {plain(network, 20)}  {say['quoted'].format(text=plain(item.mention.text, 140))}"


def _headline(found: Found, lang: str) -> str:
    return f"{when(found.at_ms)}  {_level_text(found)}  {plain(found.incident.brand, 60)}  {_after(found, lang)}"


def _after(found: Found, lang: str) -> str:
    """How long after the onset and before the peak it was told, and whether it had been told before."""
    say = words(lang)
    parts = [say["came_back"]] if found.kind is AlertKind.REOPENED else []
    if found.delay_ms is not None:
        parts.append(say["after"].format(delay=duration(found.delay_ms, lang)))
    if found.lead_ms is not None:
        parts.append(lead_text(found.lead_ms, lang))
    return ", ".join(parts)


def _level_text(found: Found) -> str:
    first, highest = found.first.level, found.highest.level
    if highest is first:
        return first.label.upper()
    return f"{first.label.upper()} → {highest.label.upper()}"


def _why(found: Found) -> str:
    return plain("; ".join(found.first.reasons), 300)


# -- page ------------------------------------------------------------------------------------------------------------


class Mark(NamedTuple):
    """An incident on a timeline."""

    x: float
    level: str
    number: int
    title: str
    numbered: bool
    """Whether its number has room: marks close together would hide one another."""


class Lane(NamedTuple):
    """The incidents of one budget on the timeline of a brand; `y` is its middle."""

    y: float
    budget: str
    place: int
    marks: tuple[Mark, ...]


class Tick(NamedTuple):
    x: float
    label: str


class Timeline(NamedTuple):
    """One brand's history as a drawing: a path of bars, the time of warming up, lanes of incidents, dates."""

    width: int
    height: int
    left: int
    right: int
    base: float
    path: str
    warm_x: float
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    peak: str
    label: str


LEFT, RIGHT, TOP, BARS, LANE, FOOT = 60, 925, 14, 110, 26, 24
MARK = 20
"""Room that a numbered mark needs."""


def timeline(result: Backtest, history: History) -> Timeline:
    """Lay out one brand's history: time runs to the right, negatives upwards, a lane a budget below."""
    lang = result.lang
    say = words(lang)
    start_s = history.start_s
    end_s = max(history.end_s, start_s + len(history.negatives) * history.width_s)
    scale = (RIGHT - LEFT) / max(end_s - start_s, 1)
    peak = max(history.negatives, default=0.0)
    base = TOP + BARS

    def x_of(at_s: float) -> float:
        return round(LEFT + (min(max(at_s, start_s), end_s) - start_s) * scale, 1)

    bar = max(history.width_s * scale * 0.86, 0.6)
    path = "".join(
        f"M{x_of(start_s + i * history.width_s)} {base}h{bar:.1f}v{-value / peak * BARS:.1f}h{-bar:.1f}z"
        for i, value in enumerate(history.negatives)
        if peak and value / peak * BARS >= 0.1
    )
    lanes = []
    for place, outcome in enumerate(result.outcomes):
        own = [found for found in outcome.found if found.incident.brand == history.brand]
        y = round(base + LANE * (place + 0.8), 1)
        lanes.append(Lane(y, number_of_budget(outcome.budget, lang), place, _marks(own, x_of, lang)))
    per = span_text(history.width_s / 604_800, lang)
    return Timeline(
        width=RIGHT + 40,
        height=round(base + LANE * len(lanes) + FOOT + 8),
        left=LEFT,
        right=RIGHT,
        base=base,
        path=path,
        warm_x=x_of(end_s if history.judged_from_s is None else history.judged_from_s),
        lanes=tuple(lanes),
        ticks=tuple(_ticks(start_s, end_s, x_of)),
        peak=number(peak, lang),
        label=say["timeline"].format(per=per),
    )


def _marks(own: Sequence[Found], x_of: Callable[[float], float], lang: str) -> tuple[Mark, ...]:
    """The dots of a lane. Where not all their numbers have room the gravest keep theirs, drawn above the rest."""
    numbered: list[Mark] = []
    bare: list[Mark] = []
    for found in sorted(own, key=lambda f: (-f.highest.level, f.number)):
        x = x_of(found.at_ms / 1000)
        fits = all(abs(x - other.x) >= MARK for other in numbered)
        mark = Mark(x, found.highest.level.label, found.number, _headline(found, lang), fits)
        (numbered if fits else bare).append(mark)
    return (*bare, *numbered)


def _ticks(start_s: int, end_s: int, x_of: Callable[[float], float]) -> Iterator[Tick]:
    """Midnights, a day or more apart, at most eight of them."""
    day_s = 86_400
    step_s = next((n * day_s for n in (1, 2, 7, 14, 28, 91, 182, 364) if (end_s - start_s) / (n * day_s) <= 8), None)
    if step_s is None:
        step_s = -(-(end_s - start_s) // (8 * day_s)) * day_s
    first_s = -(-start_s // day_s) * day_s
    if first_s > end_s:
        yield Tick(x_of((start_s + end_s) / 2), datetime.fromtimestamp(start_s, UTC).strftime("%Y-%m-%d"))
    for at_s in range(first_s, end_s + 1, step_s):
        yield Tick(x_of(at_s), datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d"))


def page(result: Backtest) -> str:
    """The whole result as one HTML page that stands by itself: nothing on it is fetched or run."""
    lang = result.lang
    histories = {history.brand: history for history in result.histories}
    brands = [
        {
            "name": plain(brand, 80),
            "mentions": number(histories[brand].mentions, lang),
            "timeline": timeline(result, histories[brand]),
            "rows": [
                (number_of_budget(outcome.budget, lang), figures_cells(dict(outcome.brands)[brand], lang, brands=1))
                for outcome in result.outcomes
            ],
        }
        for brand in _shown_brands(result)
    ]
    outcomes = [
        {
            "budget": number_of_budget(outcome.budget, lang),
            "sentence": sentence(outcome, lang),
            "cells": figures_cells(outcome.total, lang, brands=len(histories)),
            "cards": [_card(found, lang) for found in outcome.found[:INCIDENTS_SHOWN_MAX]],
            "hidden": max(0, len(outcome.found) - INCIDENTS_SHOWN_MAX),
        }
        for outcome in result.outcomes
    ]
    html: str = _template().render(
        lang=lang,
        say=words(lang),
        file=plain(result.file, 120),
        period=None
        if result.first_ms is None or result.last_ms is None
        else words(lang)["period"].format(first=when(result.first_ms), last=when(result.last_ms)),
        mentions=number(result.mentions, lang),
        brands_count=len(result.histories),
        brands_hidden=len(result.histories) - len(brands),
        cautions=cautions(result, lang),
        outcomes=outcomes,
        brands=brands,
        heads=columns("columns", lang, brands=len(histories)),
        brand_heads=columns("columns", lang, brands=1),
        matrix=_matrix(result),
    )
    return html


def _matrix(result: Backtest) -> list[tuple[str, list[str]]]:
    """Brand by brand what each budget comes to, those with most incidents first; empty for a single brand."""
    lang = result.lang
    if len(result.histories) < 2:
        return []
    by_budget = [dict(outcome.brands) for outcome in result.outcomes]
    shown = _shown_brands(result)
    shown.sort(key=lambda brand: -sum(found[brand].opened + found[brand].reopened for found in by_budget))

    def cell(figures: Figures) -> str:
        n, rate = number(figures.opened + figures.reopened, lang), rate_text(figures.alerts_per_week, lang)
        return words(lang)["matrix_cell"].format(n=n, rate=rate)

    return [(plain(brand, 80), [cell(found[brand]) for found in by_budget]) for brand in shown]


def _card(found: Found, lang: str) -> dict[str, Any]:
    incident = found.incident
    evidence = incident.evidence
    return {
        "number": found.number,
        "brand": plain(incident.brand, 80),
        "opened": when(found.at_ms),
        "since": when(evidence.since_ms),
        "after": _after(found, lang),
        "level": found.highest.level.label,
        "levels": _level_text(found),
        "reasons": [plain(reason, 300) for reason in found.first.reasons],
        "playbook": "" if found.plan is None else plain(found.plan.title, 160),
        "terms": [plain(term, 60) for term in evidence.top_terms],
        "samples": [
            (when(item.mention.created_at_ms), network_name(item.mention.source, lang), plain(item.mention.text, 280))
            for item in samples(evidence.mentions, SAMPLES_MAX)
        ],
    }


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined

    # always escape: what stands in the file is what strangers wrote
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
