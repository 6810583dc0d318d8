"""The screen of the demonstration. It says at its top, always, that nothing on it is real."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from engine.domain.effects import AlertRaised
from engine.domain.incident import Incident, Phase
from ops.demo.chart import SLOT_MS, Chart
from ops.demo.plain import URGENT, draft_state, moment_text, percent_negative, rate_an_hour, shown_drafts, summary_lines
from ops.demo.scenario import BRAND, MINUTE_MS
from ops.demo.script import NEXT
from ops.demo.show import Moment, Read, Show
from ops.render import alert as render
from ops.render.neutral import plain
from ops.render.replay import COLOURS
from ops.render.wording import hour, network_name, number

LABEL_STYLES = {"neg": "bold red", "neu": "dim", "pos": "green"}
FRAMES_A_FOCUS = 22
"""On a small terminal steps, drafts and log take turns; each stays for so many frames."""
ALERT_ROWS_MIN = 21
"""With as many rows under the chart an alert leaves the chart visible; else it takes the whole body."""


class Lines:
    """Text lines that never spill: cut at the right or wrapped, and cut at the bottom with `more`."""

    def __init__(self, lines: Sequence[Text], *, wrap: bool = False, more: str = "", tail: bool = False) -> None:
        self._lines, self._wrap, self._more, self._tail = lines, wrap, more, tail

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or 1_000
        rows: list[Text] = []
        for line in self._lines:
            if self._wrap and line.cell_len > width and not line.spans:
                rows += [Text(row, style=line.style) for row in _wrapped(line.plain, width)]
            else:
                line = line.copy()
                line.truncate(width, overflow="ellipsis")
                rows.append(line)
        if len(rows) > height:
            rows = rows[-height:] if self._tail else rows[:height]
            if self._more and not self._tail:
                rows[-1] = Text(self._more, style="dim italic")
                rows[-1].truncate(width, overflow="ellipsis")
        for row in rows:
            row.no_wrap = True
            row.highlight_regex("⟦[^⟧]*⟧", "bold white on red")  # a missing fact
            yield row


def _wrapped(text: str, width: int) -> list[str]:
    """Broken at spaces, never at no-break ones; what follows hangs under the first word of a list."""
    indent = " " * (len(text) - len(text.lstrip()) + 2) if text.startswith(" ") else ""
    return textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)


class Screen:
    """What a show looks like now, for whatever room there is."""

    def __init__(self, show: Show) -> None:
        self._show = show
        self._alert: AlertRaised | None = None
        self._told_ms = 0
        self._focus = "timeline"
        self._frames = 0

    def take(self, moments: list[Moment]) -> None:
        """A new frame, with these moments in it."""
        urgent = [m.raised for m in moments if m.raised is not None and m.raised.alert.kind in URGENT]
        self._alert = urgent[-1] if urgent else None
        self._told_ms = self._show.now_ms
        self._frames += 1
        turn = ("steps", "drafts", "timeline")
        if any(m.kind == "fact" for m in moments):
            self._focus, self._frames = "drafts", FRAMES_A_FOCUS
        elif any(m.kind == "people" for m in moments):
            self._focus, self._frames = "timeline", 2 * FRAMES_A_FOCUS
        elif self._alert is not None:
            self._frames = 0
        else:
            self._focus = turn[self._frames // FRAMES_A_FOCUS % 3]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = options.max_width, options.height or console.height
        top = max(8, min(13, height // 3 + 1))
        layout = Layout()
        body = Layout(name="body")
        layout.split_column(Layout(self._header(width), size=3), body)
        alert_below = height - 3 - top >= ALERT_ROWS_MIN
        if self._alert is not None and not alert_below:
            body.update(self._alert_panel(self._alert))
        else:
            bottom = (
                self._alert_panel(self._alert) if self._alert is not None else self._bottom(width, height - 3 - top)
            )
            body.split_column(Layout(self._top(width), size=top), Layout(bottom))
        yield layout

    # -- the parts -------------------------------------------------------------------------------------------------

    def _header(self, width: int) -> RenderableType:
        show, say = self._show, self._show.say
        mark = Text.assemble((f" {say['banner']} ", "bold black on bright_yellow"))
        if width >= 108:
            mark.append(f" {say['banner_long']} ", style="black on yellow")
        else:
            mark.append(f" {' / '.join(say['banner_long'].split(' · ')[:2])} ", style="black on yellow")
        now = Text(moment_text(show, show.now_ms), style="bold")
        line = Table.grid(expand=True)
        line.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        line.add_column(no_wrap=True, justify="right")
        line.add_row(mark, Text(f"vigie demo · {BRAND}" if width >= 76 else "", style="bold cyan"))
        line.add_row(Text(self._act(), style="italic"), now)
        return Group(line, Text("─" * width, style="dim"))

    def _act(self) -> str:
        show, say = self._show, self._show.say
        if show.now_ms > show.marks.statement_ms:
            return say["act_after"]
        if show.incident is not None:
            return say["act_storm"]
        return say["act_watch"] if show.learnt else say["act_calm"]

    def _top(self, width: int) -> RenderableType:
        show = self._show
        layout = Layout()
        chart = Panel(
            Chart(show.observed, show.expected, show.now_ms // SLOT_MS, show.look.zone, show.incident),
            title=show.say["chart"], subtitle=f"[yellow]╌ {show.say['chart_expected']}[/]", title_align="left",
            subtitle_align="right", box=box.ROUNDED, border_style="dim", padding=(0, 1),
        )  # fmt: skip
        layout.split_row(Layout(chart, ratio=5), Layout(self._incident_panel(), ratio=5 if width >= 100 else 6))
        return layout

    def _bottom(self, width: int, rows: int) -> RenderableType:
        show = self._show
        if show.incident is None:
            return self._feed()
        layout = Layout()
        if width < 100:
            return self._focus_panel(self._focus)
        if rows < 22 or width < 130:
            feed = Layout(self._feed(with_hour=width >= 118), ratio=4)
            layout.split_row(feed, Layout(self._focus_panel(self._focus), ratio=5))
            return layout
        upper, lower = Layout(), Layout()
        upper.split_row(Layout(self._feed(), ratio=2), Layout(self._focus_panel("steps"), ratio=3))
        lower.split_row(Layout(self._focus_panel("timeline"), ratio=2), Layout(self._focus_panel("drafts"), ratio=3))
        layout.split_column(upper, lower)
        return layout

    def _focus_panel(self, focus: str) -> RenderableType:
        show, say = self._show, self._show.say
        if focus == "steps" and show.plan is not None:
            return _panel(Lines(list(self._steps())), say["steps"].format(title=show.plan.title))
        if focus == "drafts" and show.plan is not None:
            return _panel(Lines(list(self._drafts()), wrap=True), say["drafts"])
        return _panel(Lines(list(self._timeline()), tail=True), say["timeline"])

    def _feed(self, *, with_hour: bool = True) -> RenderableType:
        rows = [self._feed_line(read, with_hour=with_hour) for read in self._show.feed]
        return _panel(Lines(rows, tail=True), self._show.say["feed"])

    def _feed_line(self, read: Read, *, with_hour: bool) -> Text:
        show, mention = self._show, read.mention
        line = Text(no_wrap=True)
        if with_hour:
            line.append(hour(mention.created_at_ms, show.look.zone, show.lang, mention.created_at_ms) + " ", "dim")
        line.append(f"{network_name(mention.source, show.lang)[:9]:<9} ", style="cyan")
        line.append(f"{show.say[read.label]} ", style=LABEL_STYLES[read.label])
        big = mention.author_followers >= 20_000
        if big:
            line.append(f"★ {number(mention.author_followers, show.lang)} ", style="bold magenta")
        line.append(plain(mention.text, 200), style="bold" if big else "")
        return line

    def _incident_panel(self) -> RenderableType:
        show, say, incident = self._show, self._show.say, self._show.incident
        if incident is None:
            lines = [Text(say["no_incident"], style="bold green"), Text("")]
            if show.learnt:
                lines.append(Text(say["learnt"].format(rate=rate_an_hour(show))))
            else:
                lines += [Text(say["learning"]), Text(say["learning_2"], style="dim")]
            read = say["read"].format(n=number(show.labels.total(), show.lang), neg=percent_negative(show))
            return _panel(Lines([*lines, Text(read, style="dim")], wrap=True), say["incident"])
        colour = "green" if incident.phase is Phase.RESOLVED else COLOURS[incident.level]
        return _panel(Lines(list(self._incident_lines(incident, colour))), say["incident"], colour)

    def _incident_lines(self, incident: Incident, colour: str) -> Iterator[Text]:
        show, say, evidence = self._show, self._show.say, incident.evidence
        head = Text.assemble((f" {incident.level.label.upper()} ", f"bold black on {colour}"))
        head.append(f" {say['phase_' + incident.phase.value]}", style=f"bold {colour}")
        head.append(f"  {BRAND}", style="bold")
        yield head
        zone, opened_ms = show.look.zone, incident.opened_at_ms
        yield Text(
            say["observed"].format(
                observed=number(round(evidence.observed), show.lang), expected=number(evidence.expected, show.lang)
            ),
            style="bold",
        )
        yield Text(
            say["since"].format(
                since=hour(incident.since_ms, zone, show.lang, opened_ms),
                opened=hour(opened_ms, zone, show.lang, opened_ms),
            )
        )
        networks = ", ".join(f"{network_name(name, show.lang)} {n}" for name, n in evidence.networks[:4])
        yield Text(say["authors"].format(n=number(evidence.authors, show.lang), networks=networks))
        if incident.acked_at_ms is None:
            yield Text(say["unacked"], style="bold yellow")
        else:
            at = hour(incident.acked_at_ms, zone, show.lang, opened_ms)
            yield Text(say["acked"].format(who=incident.acked_by, at=at), style="green")
        terms = ", ".join(plain(term, 40) for term in evidence.top_terms[:6])
        yield Text.assemble((f"{say['terms']} ", "dim"), terms)
        reasons = incident.levels[-1].reasons if incident.levels else ()
        yield from (Text.assemble(("• ", colour), plain(reason, 160)) for reason in reasons)

    def _alert_panel(self, raised: AlertRaised) -> RenderableType:
        show = self._show
        colour = COLOURS[raised.alert.incident.level]
        head, todo, *others = render.text(raised, show.look, self._told_ms).split("\n")
        lines = [Text(head, style=f"bold {colour}"), Text(todo, style="bold")]
        lines += [Text(line) for line in others]
        more = show.say["more"].format(command=f"vigie incidents show {raised.alert.incident.id}")
        return _panel(Lines(lines, wrap=True, more=more), show.say["alert"], colour, box.HEAVY)

    def _steps(self) -> Iterator[Text]:
        show, say = self._show, self._show.say
        if show.plan is None or show.opened_ms is None:
            return
        for step in show.plan.steps:
            due_ms = show.opened_ms + step.due_min * MINUTE_MS
            left_min = (due_ms - show.now_ms) // MINUTE_MS
            if step.id in show.done_steps:
                mark, style, state = "✓", "green", say["done"]
            elif left_min < 0:
                mark, style, state = "!", "bold red", say["late"]
            else:
                mark, style, state = "·", "yellow" if left_min <= 15 else "", say["in_min"].format(n=left_min)
            at = hour(due_ms, show.look.zone, show.lang, show.opened_ms)
            yield Text.assemble(
                (f"{mark} {at} ", style), (f"{state:<12} ", style), step.title, (f"  {step.role}", "dim")
            )

    def _drafts(self) -> Iterator[Text]:
        show = self._show
        drafts = sorted(shown_drafts(show), key=lambda draft: (not draft.blocked, draft.kind != "position"))
        for draft in drafts:
            state = draft_state(show, draft)
            head = f"{network_name(draft.network, show.lang)} · {show.say['kind_' + draft.kind]} "
            yield Text.assemble((head, "bold cyan"), (state, "bold red" if draft.blocked else "green"))
            yield Text(" ".join(draft.text.split("\n")).replace("  ", " "))
            yield Text("")

    def _timeline(self) -> Iterator[Text]:
        show, incident = self._show, self._show.incident
        for entry in incident.timeline if incident is not None else ():
            at = hour(entry.at_ms, show.look.zone, show.lang, incident.opened_at_ms if incident else entry.at_ms)
            who = "magenta" if entry.actor == "vigie" else "green"
            yield Text.assemble((f"{at} ", "dim"), (f"{plain(entry.actor, 40)} ", who), plain(entry.text, 300))


def _panel(content: RenderableType, title: str, colour: str = "dim", kind: box.Box = box.ROUNDED) -> Panel:
    return Panel(content, title=title, title_align="left", box=kind, border_style=colour, padding=(0, 1))


def summary(show: Show) -> RenderableType:
    """What stays on the terminal when the play is over."""
    say = show.say
    lines = [Text(line) for line in summary_lines(show)]
    commands = Table.grid(padding=(0, 2))
    for key, command in NEXT:
        commands.add_row(Text(command, style="bold cyan"), Text(say[key]))
    head = Text.assemble((f" {say['banner']} ", "bold black on bright_yellow"), f" {say['banner_long']}\n")
    content = Group(head, *lines, Text(f"\n{say['next']}", style="bold"), commands)
    return Panel(content, title=f"vigie demo · {BRAND}", title_align="left", box=box.ROUNDED, padding=(0, 1))
