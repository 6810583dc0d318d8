"""A case file as the words and figures that a report's template sets out.

Whatever people wrote passes `ops.render.neutral` here, so no template can forget it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.domain.incident import EvidenceMention, TimelineEntry
from engine.domain.scores import category_name
from ops.render.alert import Look
from ops.render.neutral import defused, pseudonym
from ops.render.wording import duration, hour, in_team_time, lead_of, network_name, number
from ops.reports.casefile import HOUR_MS, IN_TIME_MS, CaseFile, CasePost, CaseStep, hours, last_hour, peak, since, trend
from ops.reports.words import words

NAMES_MAX, SAMPLES_MAX, HOURS_SHOWN, CATEGORY_SHARE_MIN = 4, 4, 6, 0.05
URGENT_STEPS_MAX, DONE_STEPS_MAX = 8, 8
LOG_MAX = 400


class Viewer:
    """Turns one case file into the values of a template, in the language and time zone of `look`."""

    def __init__(self, case: CaseFile, look: Look) -> None:
        self._case, self._look = case, look
        self._lang = "fr" if look.lang == "fr" else "en"
        self._say = words(self._lang)

    def situation(self) -> dict[str, Any]:
        """What a decision maker needs on one page."""
        case = self._case
        steps = sorted(case.steps, key=lambda step: step.due_ms)
        open_ = [step for step in steps if step.state in ("open", "claimed")]
        done = sorted((s for s in steps if s.state == "done"), key=lambda s: s.closed_ms or 0)
        report = next((step for step in open_ if step.clock == "situation_report"), None)
        return {
            **self._head(),
            **self._by_now(),
            "trend": self._say[trend(case.curve)],
            "last_hour": self._number(last_hour(case.curve)),
            "hour_before": self._number(last_hour(case.curve, 1)),
            "hours": self._hours(),
            "samples": [self._sample(item) for item in case.incident.evidence.mentions[:SAMPLES_MAX]],
            "known": [(self._asked(f.question), self._said(f.value)) for f in case.facts if f.value and f.approved_by],
            "unknown": [self._asked(f.question) for f in case.facts if not (f.value and f.approved_by)],
            "overdue": [self._step(step) for step in open_ if step.late_ms(case.now_ms)][:URGENT_STEPS_MAX],
            "coming": [self._step(step) for step in open_ if not step.late_ms(case.now_ms)][:URGENT_STEPS_MAX],
            "done": [self._step(step) for step in done][-DONE_STEPS_MAX:],
            "posts": [self._post(post) for post in case.posts],
            "waiting": case.waiting,
            "next_report": None if report is None else self._at(report.due_ms),
        }

    def retex(self) -> dict[str, Any]:
        """What the team needs to learn from it."""
        case, incident = self._case, self._case.incident
        end_ms = incident.closed_at_ms or case.now_ms
        top = peak(case.curve)
        clocks = [step for step in sorted(case.steps, key=lambda s: s.due_ms) if step.clock]
        return {
            **self._head(),
            **self._by_now(),
            "closed": None if incident.closed_at_ms is None else self._at(incident.closed_at_ms),
            "lasted": duration(end_ms - incident.opened_at_ms, self._lang),
            "delay": duration(incident.opened_at_ms - incident.since_ms, self._lang),
            "waves": incident.waves,
            "peak": None if top is None else (self._at(top.start_ms), self._number(top.negative)),
            "curve_negative": self._number(sum(point.negative for point in case.curve)),
            "curve_expected": self._number(sum(point.expected for point in case.curve)),
            "levels": [
                (self._at(change.at_ms), change.level.label, [self._reason(r) for r in change.reasons])
                for change in incident.levels
            ],
            "clocks": [(self._clock(step), *self._kept(step)) for step in clocks],
            "clocks_met": sum(step.state == "done" and step.late_ms(case.now_ms) < IN_TIME_MS for step in clocks),
            "clocks_due": sum(step.state != "skipped" and step.due_ms <= case.now_ms for step in clocks),
            "skipped": [(self._said(s.title), self._said(s.reason)) for s in case.steps if s.state == "skipped"],
            "posts": [self._post(post) for post in case.posts],
            "log": [self._entry(entry) for entry in case.log[-LOG_MAX:]],
            "log_left_out": max(0, len(case.log) - LOG_MAX),
            "samples": [self._sample(item) for item in incident.evidence.mentions],
        }

    # -- pieces --------------------------------------------------------------------------------------------------

    def _head(self) -> dict[str, Any]:
        case, incident = self._case, self._case.incident
        evidence = incident.evidence
        ratio = evidence.observed / evidence.expected if evidence.expected else 0.0
        subjects = [
            category_name(name, self._lang)
            for name, n in evidence.categories
            if n >= CATEGORY_SHARE_MIN * max(evidence.observed, 1.0)
        ]
        return {
            "say": self._say,
            "foreign": case.lang is not None and ("fr" if case.lang == "fr" else "en") != self._lang,
            "exercise": incident.exercise,
            "id": incident.id,
            "brand": self._said(incident.brand, 60),
            "level": incident.level.label.upper(),
            "level_max": incident.level_max.label.upper(),
            "lead": lead_of(incident.level, self._lang),
            "phase": self._say[f"phase_{incident.phase.value}"],
            "acked_by": self._said(incident.acked_by or "", 60) or self._say["nobody"],
            "now": self._at(case.now_ms),
            "zone": self._look.timezone,
            "since": self._at(incident.since_ms),
            "lasting": duration(case.now_ms - incident.since_ms, self._lang),
            "opened": self._at(incident.opened_at_ms),
            "observed": self._number(evidence.observed),
            "expected": self._number(evidence.expected),
            "ratio": self._times(ratio),
            "total": self._number(evidence.total),
            "authors": self._number(evidence.authors) if evidence.authors else None,
            "reach": self._number(evidence.reach) if evidence.followers_max else None,
            "followers_max": self._number(evidence.followers_max) if evidence.followers_max else None,
            "press": evidence.press,
            "subjects": subjects[:NAMES_MAX],
            "terms": [self._said(term, 60) for term in evidence.top_terms[: NAMES_MAX + 2]],
            "themes": [self._said(", ".join(theme.terms), 120) for theme in evidence.themes[:NAMES_MAX]],
            "networks": [
                (network_name(name, self._lang), self._number(n)) for name, n in evidence.networks[:NAMES_MAX]
            ],
            "playbook": None if case.plan is None else self._said(case.plan.title, 120),
            "playbook_reason": None if case.plan is None else self._said(case.plan.reason, 300),
            "reasons": [self._reason(r) for r in (incident.levels[-1].reasons if incident.levels else ())],
        }

    def _by_now(self) -> dict[str, Any]:
        """How big it is by now: the engine's figures stand as they were when it last judged the level."""
        evidence = self._case.incident.evidence
        negative, expected, total = since(self._case.curve, self._case.incident.since_ms)
        if negative <= evidence.observed or not expected:
            return {}
        judged = sum(n for _, n in evidence.networks) or 1
        percent = "\u00a0%" if self._lang == "fr" else "%"
        return {
            "observed": self._number(negative),
            "expected": self._number(expected),
            "ratio": self._times(negative / expected),
            "total": self._number(total),
            "networks": [
                (network_name(name, self._lang), f"{round(100 * n / judged)}{percent}")
                for name, n in evidence.networks[:NAMES_MAX]
            ],
        }

    def _times(self, ratio: float) -> str:
        return self._say["times"].format(n=self._number(ratio)) if ratio >= 2 else self._say["above"]

    def _asked(self, question: str) -> str:
        """A question without what it tells whoever writes the answer."""
        asked, mark, _ = question.partition("?")
        return self._said(asked + mark)

    def _said(self, text: str, chars_max: int = 300) -> str:
        return defused(text, chars_max).replace("|", "¦")

    def _number(self, value: float) -> str:
        return number(value, self._lang)

    def _at(self, at_ms: int) -> str:
        return hour(at_ms, self._look.zone, self._lang, self._case.now_ms)

    def _reason(self, reason: str) -> str:
        return in_team_time(self._said(reason, 240), self._look.zone, self._lang, self._case.now_ms)

    def _hours(self) -> list[tuple[str, str, str]]:
        found = hours(self._case.curve)[-HOURS_SHOWN:]
        return [
            (f"{self._at(h.start_ms)} - {self._at(h.start_ms + HOUR_MS)}", self._number(h.negative),
             self._number(h.expected))
            for h in found
        ]  # fmt: skip

    def _sample(self, item: EvidenceMention) -> tuple[str, str, str, str]:
        m = item.mention
        author = pseudonym(m.author, self._case.incident.id)
        quoted = self._say["quote"].format(self._said(m.text, 280))
        return self._at(m.created_at_ms), network_name(self._said(m.source, 40), self._lang), author, quoted

    def _step(self, step: CaseStep) -> dict[str, Any]:
        late_ms = step.late_ms(self._case.now_ms)
        return {
            "title": self._said(step.title),
            "role": self._said(step.role, 80),
            "owner": self._said(step.owner, 60),
            "state": self._say[step.state],
            "due": self._at(step.due_ms),
            "closed": None if step.closed_ms is None else self._at(step.closed_ms),
            "late": duration(late_ms, self._lang) if late_ms else None,
        }

    def _clock(self, step: CaseStep) -> str:
        return self._say.get(step.clock or "", self._said(step.title))

    def _kept(self, step: CaseStep) -> tuple[str, str, str]:
        """When a clock ran out, when it was answered, and how that was."""
        late_ms = step.late_ms(self._case.now_ms)
        by = duration(late_ms, self._lang)
        if step.state == "skipped":
            how = self._say["skipped"]
        elif step.closed_ms is not None:
            how = self._say["late"].format(by=by) if late_ms >= IN_TIME_MS else self._say["in_time"]
        else:
            how = self._say["not_done"].format(by=by) if late_ms else self._say["not_due"]
        return self._at(step.due_ms), "-" if step.closed_ms is None else self._at(step.closed_ms), how

    def _post(self, post: CasePost) -> dict[str, str]:
        return {
            "network": network_name(post.network, self._lang),
            "kind": self._say.get(post.kind, post.kind),
            "state": self._say["published" if post.published else "approved"],
            "at": self._at(post.at_ms),
            "by": self._say["and"].join(self._said(name, 60) for name in post.approved_by),
            "text": self._said(post.text, 500),
        }

    def _entry(self, entry: TimelineEntry) -> tuple[str, str, str]:
        text = in_team_time(self._said(entry.text, 400), self._look.zone, self._lang, self._case.now_ms)
        return self._at(entry.at_ms), self._said(entry.actor, 40), text


def sparkline(values: Sequence[float]) -> str:
    """A curve in block characters, for where no picture can be.

    >>> sparkline([0, 1, 4, 8])
    '▁▁▄█'
    """
    blocks = "▁▂▃▄▅▆▇█"
    top = max(values, default=0.0)
    return "".join(blocks[min(int(8 * value / top), 7)] if top else blocks[0] for value in values)
