"""A report as Markdown, as one HTML page with its chart inside, and as PDF.

Markdown is the form that the others are made of: `markdown-it-py` reads it with HTML switched off, `nh3` keeps only the
elements that it makes, and the chart (drawn by `pygal` from numbers alone) takes its place last.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from functools import cache
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from engine.domain.errors import InputError
from ops.render.alert import Look
from ops.reports.casefile import CaseFile
from ops.reports.view import Viewer, sparkline
from ops.reports.words import words
from playbooks.typography import typeset

Kind = Literal["situation", "retex"]
KINDS: tuple[Kind, ...] = ("situation", "retex")
FORMS = ("md", "html", "pdf")

CHART_MARK = "<!-- chart -->"
_PLACE = "chart-goes-here"
_RULE = re.compile(r"^\|[ |:-]+\|$")
SPARK_MAX = 96
POINTS_MAX = 288
"""Two days of ten minutes; a longer curve is drawn by larger steps."""

_ELEMENTS = {"h1", "h2", "h3", "p", "ul", "li", "strong", "em", "code", "table", "thead", "tbody", "tr", "th", "td"}

_STYLE = """
@page { size: A4; margin: 18mm 16mm; }
body { font: 15px/1.5 system-ui, "Liberation Sans", "DejaVu Sans", sans-serif; color: #1c2733; max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; border-bottom: 4px solid var(--level); padding-bottom: .4rem; }
h2 { font-size: 1.1rem; margin-top: 1.6rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { border-bottom: 1px solid #d9dfe6; padding: .3rem .5rem; text-align: left; vertical-align: top; }
ul { padding-left: 1.2rem; } li { margin: .2rem 0; }
figure { margin: 1rem 0; } figure img { width: 100%; height: auto; }
.exercise { background: repeating-linear-gradient(45deg, #fff3cd, #fff3cd 12px, #fff 12px, #fff 24px); }
"""
_OWN_SIGNS = str.maketrans(
    {"＆": "&amp;", "＿": "_", "［": "[", "］": "]", "｛": "{", "｝": "}", "＠": "@", "＃": "#", "⧵": "\\"}
)
"""Look-alikes that few fonts hold, back to the signs they stood for."""
_COLOURS = {"VERT": "#2f8f4e", "JAUNE": "#e0b000", "ORANGE": "#e07b00", "ROUGE": "#c62828"}


def markdown(kind: Kind, case: CaseFile, look: Look) -> str:
    """The report as Markdown, in the language of `look`; what people wrote stands in it without any markup."""
    return _source(kind, case, look).replace(f"{CHART_MARK}\n\n", "")


def _source(kind: Kind, case: CaseFile, look: Look) -> str:
    lang = "fr" if look.lang == "fr" else "en"
    viewer = Viewer(case, look)
    values = viewer.situation() if kind == "situation" else viewer.retex()
    values["spark"] = sparkline(_coarse([point.negative for point in case.curve], SPARK_MAX)) or "-"
    text = _template(kind, lang).render(values)
    lines = [line if _RULE.match(line) or line == CHART_MARK else typeset(line, lang) for line in text.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def html(kind: Kind, case: CaseFile, look: Look) -> str:
    """The report as a page that stands alone: no script, nothing fetched."""
    import nh3
    from markdown_it import MarkdownIt

    source = _source(kind, case, look)
    body = MarkdownIt("commonmark", {"html": False}).enable("table").render(source.replace(CHART_MARK, _PLACE))
    body = nh3.clean(body, tags=_ELEMENTS, attributes={}, link_rel=None)
    body = body.translate(_OWN_SIGNS)  # nothing reads this as markup any more
    picture = ""
    if case.curve:
        drawn = b64encode(chart(case, look).encode("utf-8")).decode("ascii")
        told = nh3.clean_text(words(look.lang)["negatives"])
        picture = f'<figure><img alt="{told}" src="data:image/svg+xml;base64,{drawn}"></figure>'
    body = re.sub(rf"<p>{_PLACE}</p>|<p><code>.*?</code></p>", lambda m: picture if _PLACE in m.group() else "", body)
    title = source.partition("\n")[0].removeprefix("# ")
    level = case.incident.level if kind == "situation" else case.incident.level_max
    lang = "fr" if look.lang == "fr" else "en"
    mark = ' class="exercise"' if case.incident.exercise else ""
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{nh3.clean_text(title)}</title>'
        f"<style>:root {{ --level: {_COLOURS[level.label.upper()]} }}{_STYLE}</style></head>"
        f"<body{mark}>\n{body}</body></html>\n"
    )


def pdf(kind: Kind, case: CaseFile, look: Look) -> bytes:
    """The page as PDF. Raises InputError when the extra for it is not installed."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:  # OSError: its system libraries (Pango) are missing
        raise InputError(
            f"PDF needs the extra: pip install 'vigie[pdf]', and Pango from the system ({error})"
        ) from None
    return bytes(HTML(string=html(kind, case, look), url_fetcher=_fetch_nothing).write_pdf())


def written(form: str, kind: Kind, case: CaseFile, look: Look) -> bytes:
    """The report in one of `FORMS`. Raises InputError for another."""
    if form == "md":
        return markdown(kind, case, look).encode("utf-8")
    if form == "html":
        return html(kind, case, look).encode("utf-8")
    if form == "pdf":
        return pdf(kind, case, look)
    raise InputError(f"form {form!r}: one of {', '.join(FORMS)}")


def chart(case: CaseFile, look: Look) -> str:
    """The curve against the usual level, as SVG for a page; the level's changes are told in the text."""
    import pygal
    from pygal.style import Style

    say = words(look.lang)
    points = list(case.curve)
    negative = _coarse([point.negative for point in points], POINTS_MAX)
    expected = _coarse([point.expected for point in points], POINTS_MAX)
    labels = _labels([point.start_ms for point in points], len(negative), look.zone)
    style = Style(
        background="#ffffff", plot_background="#ffffff", foreground="#5b6775", foreground_strong="#1c2733",
        foreground_subtle="#d9dfe6", colors=("#c62828", "#5b6775"), font_family="DejaVu Sans, sans-serif",
        label_font_size=11, major_label_font_size=11, legend_font_size=12, title_font_size=13,
    )  # fmt: skip
    drawn = pygal.Line(
        style=style, width=760, height=260, js=[], show_dots=False, fill=False, legend_at_bottom=True,
        title=say["negatives"], x_labels_major=[label for label in labels if label], show_minor_x_labels=False,
        disable_xml_declaration=True, explicit_size=False, range=(0, max(*negative, *expected, 1.0)),
        x_label_rotation=0, truncate_label=-1, margin=10, show_only_major_dots=True, pretty_print=False,
    )  # fmt: skip
    drawn.uuid = "vigie"  # the same curve gives the same picture
    drawn.x_labels = labels
    drawn.add(say["observed"], [round(v, 1) for v in negative], stroke_style={"width": 2})
    drawn.add(say["usual"], [round(v, 1) for v in expected], stroke_style={"width": 2, "dasharray": "5, 4"})
    return re.sub(r"<script.*?</script>|<!--.*?-->", "", str(drawn.render(is_unicode=True)), flags=re.DOTALL)


def _coarse(values: list[float], points_max: int) -> list[float]:
    """At most so many values: neighbours are averaged."""
    step = -(-len(values) // points_max) if values else 1
    return [sum(values[i : i + step]) / len(values[i : i + step]) for i in range(0, len(values), step)]


def _labels(starts_ms: list[int], n: int, zone: ZoneInfo) -> list[str]:
    """Some six hours along the axis, each told once, the other places empty."""
    from datetime import datetime

    step = -(-len(starts_ms) // max(n, 1)) or 1
    shown = starts_ms[::step]
    every = max(1, n // 6)
    told: set[str] = set()
    labels = []
    for i, at_ms in enumerate(shown):
        moment = datetime.fromtimestamp(at_ms / 1000, zone)
        label = moment.strftime("%d/%m %H:%M" if len(starts_ms) > 144 else "%H:%M")
        labels.append(label if i % every == 0 and label not in told else "")
        told.add(label)
    return labels


def _fetch_nothing(url: str, *_: Any, **__: Any) -> Any:
    """What is inside the page is all that there is."""
    from weasyprint.urls import URLFetcherResponse

    head, _sep, packed = url.partition(";base64,")
    if head == "data:image/svg+xml":
        return URLFetcherResponse(url, b64decode(packed), {"Content-Type": "image/svg+xml"})
    raise ValueError(f"a report fetches nothing: {url[:80]}")


@cache
def _template(kind: str, lang: str) -> Any:
    from jinja2 import Environment, StrictUndefined

    # the values are defused before they get here, and what comes out is Markdown: there is nothing to escape
    environment = Environment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    path = Path(__file__).with_name("templates") / f"{kind}.{lang}.md.j2"
    return environment.from_string(path.read_text(encoding="utf-8"))
