"""The key moments of the demonstration as plain lines: for pipes, logs and tests."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from engine.domain.incident import AlertKind
from engine.domain.playbook import Draft
from ops.demo.chart import SLOT_MS
from ops.demo.scenario import BRAND, MINUTE_MS
from ops.demo.script import CAUSE, NEXT
from ops.demo.show import Moment, Show
from ops.render import alert as render
from ops.render.neutral import plain
from ops.render.wording import duration, hour, network_name, number

URGENT = (AlertKind.OPENED, AlertKind.RAISED, AlertKind.REOPENED)
WIDTH = 100
SHOWN = (("x", "holding"), ("facebook", "reply"), ("facebook", "position"))
"""The drafts that the demonstration shows."""


def percent_negative(show: Show) -> int:
    """The share of what was read so far that the text model calls negative."""
    return round(100 * show.labels["neg"] / max(1, show.labels.total()))


def rate_an_hour(show: Show) -> str:
    """Negatives that the brand's normal expects in an hour like this one."""
    expected = next(reversed(show.expected.values()), 0.0)
    return number(expected * 3_600_000 / SLOT_MS, show.lang)


def shown_drafts(show: Show) -> list[Draft]:
    """A few of the plan's drafts, those that most people would look at first."""
    drafts = {(draft.network, draft.kind): draft for draft in (show.plan.drafts if show.plan else ())}
    return [drafts[key] for key in SHOWN if key in drafts]


def draft_state(show: Show, draft: Draft) -> str:
    """Ready, or what it waits for."""
    if draft.missing:
        return show.say["blocked"].format(missing=", ".join(draft.missing))
    return "; ".join(finding.text for finding in draft.findings) or show.say["ready"]


def moment_text(show: Show, at_ms: int) -> str:
    """Day and hour, as the team reads them."""
    return f"{day_text(show, at_ms)} {hour(at_ms, show.look.zone, show.lang, at_ms)}"


def day_text(show: Show, at_ms: int) -> str:
    from datetime import datetime

    return show.say["days"].split()[datetime.fromtimestamp(at_ms / 1000, show.look.zone).weekday()]


def opening(show: Show) -> Iterator[str]:
    """What this is, so that nobody takes it for real."""
    yield f"{show.say['banner']} - {show.say['banner_long']} - {BRAND}"


def told(show: Show, moment: Moment) -> Iterator[str]:
    """The lines of one key moment."""
    say, at = show.say, moment_text(show, moment.at_ms)
    if moment.kind == "learnt":
        yield f"\n[{at}] {say['head_learnt']}"
        yield say["raw_learnt"].format(
            n=number(show.labels.total(), show.lang), neg=percent_negative(show), rate=rate_an_hour(show)
        )
    elif moment.act is not None:
        head = "head_fact" if moment.kind == "fact" else "head_people"
        yield f"\n[{at}] {say[head]}"
        yield (
            f"{moment.act.actor} : {moment.act.text}" if show.lang == "fr" else f"{moment.act.actor}: {moment.act.text}"
        )
        if moment.kind == "fact":
            yield say["raw_fact"].format(cause=CAUSE[show.lang])
            yield from _draft_lines(show, [draft for draft in shown_drafts(show) if draft.kind == "position"])
    elif moment.raised is not None:
        raised = moment.raised
        yield f"\n[{at}]"
        if raised.alert.kind is AlertKind.OPENED:
            yield render.text(raised, show.look, show.now_ms)
            yield from _plan_lines(show)
        else:
            yield render.title(raised, show.look)
            reasons = raised.alert.incident.levels[-1].reasons
            yield from (f"  - {plain(reason, 200)}" for reason in reasons)


def _plan_lines(show: Show) -> Iterator[str]:
    plan, opened_ms = show.plan, show.opened_ms
    if plan is None or opened_ms is None:
        return
    yield f"\n{show.say['head_steps']} - {plan.title}\n{plan.reason}"
    for step in plan.steps:
        due = hour(opened_ms + step.due_min * MINUTE_MS, show.look.zone, show.lang, opened_ms)
        yield f"  {due}  {step.title} ({step.role})"
    yield f"\n{show.say['head_drafts']}"
    yield from _draft_lines(show, shown_drafts(show))


def _draft_lines(show: Show, drafts: list[Draft]) -> Iterator[str]:
    for draft in drafts:
        kind = show.say[f"kind_{draft.kind}"]
        yield f"  {network_name(draft.network, show.lang)}, {kind} - {draft_state(show, draft)}"
        for paragraph in draft.text.split("\n"):
            yield from textwrap.wrap(
                paragraph, WIDTH, initial_indent="    ", subsequent_indent="    ", break_long_words=False,
                break_on_hyphens=False,
            )  # fmt: skip


def summary_lines(show: Show) -> list[str]:
    """What happened, in a few sentences."""
    say, incident, lang = show.say, show.incident, show.lang
    if incident is None:
        return [say["sum_none"]]
    early = sum(raised.alert.at_ms < show.marks.onset_ms for raised in show.alerts)
    opened_ms, press_ms = incident.opened_at_ms, show.marks.press_ms
    opened = say["sum_open" if opened_ms < press_ms else "sum_open_late"].format(
        opened=hour(opened_ms, show.look.zone, lang, opened_ms),
        delay=duration(opened_ms - show.marks.onset_ms, lang),
        before=duration(press_ms - opened_ms, lang),
    )
    evidence = incident.evidence
    level = say["sum_level"].format(
        level=incident.level_max.label.upper(), observed=number(sum(n for _, n in evidence.networks), lang),
        expected=number(evidence.expected, lang), authors=number(evidence.authors, lang),
    )  # fmt: skip
    times = {raised.alert.kind: raised.alert.at_ms for raised in show.alerts}
    contained, resolved = times.get(AlertKind.CONTAINED), times.get(AlertKind.RESOLVED)
    acked = "?" if incident.acked_at_ms is None else hour(incident.acked_at_ms, show.look.zone, lang, opened_ms)
    end = say["sum_end_open"].format(acked=acked)
    if contained is not None and resolved is not None:
        end = say["sum_end"].format(
            acked=acked,
            contained=hour(contained, show.look.zone, lang, opened_ms),
            resolved=hour(resolved, show.look.zone, lang, opened_ms),
        )
    read = say["sum_read_early" if early else "sum_read"].format(
        n=number(show.labels.total(), lang), alerts=len(show.alerts), early=early,
        urgent=sum(raised.alert.kind in URGENT for raised in show.alerts),
    )  # fmt: skip
    return [opened, level, end, read]


def closing(show: Show) -> Iterator[str]:
    """What happened, and what to do next."""
    yield f"\n{show.say['head_end']}"
    yield from summary_lines(show)
    yield f"\n{show.say['next']}"
    for key, command in NEXT:
        yield f"  {command:<30} {show.say[key]}"
