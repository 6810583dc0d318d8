"""An alert as a person on call reads it at two in the morning, and as a program does.

The first line says how grave, which brand and what happened; the second what to do and by when. The rest is why to
believe it. All that people wrote passes `ops.render.neutral` first.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from engine.domain.effects import AlertRaised
from engine.domain.incident import Alert, AlertKind, EvidenceMention, Level, Phase, Standing
from engine.domain.mention import Mention
from engine.domain.scores import category_name
from ops.render.clock import CLOCKS
from ops.render.moments import utc
from ops.render.neutral import defused, plain, pseudonym, shortened
from ops.render.themes import copies_line, themes_line, themes_view
from ops.render.wording import certainty, duration, hour, how_often, in_team_time, lead_of, network_name, number, words

FORM_VERSION = 1
"""Of the plain-data form; a key is added without notice, none changes its meaning within a version."""

SAMPLES_MAX = 3
TERMS_MAX = 6
NETWORKS_MAX = 4
REASONS_MAX = 6

_FEED = frozenset({AlertKind.SILENT, AlertKind.HEARD})
"""About the feed and not about a crisis: no figures of negatives, nothing to take in charge, nothing to look up."""

_URGENT = frozenset({AlertKind.OPENED, AlertKind.RAISED, AlertKind.REOPENED})
_UNRECORDED = frozenset({Standing.PROVISIONAL, Standing.WITHDRAWN})


@dataclass(frozen=True, slots=True)
class Look:
    """How the team wants to read: language, time zone, and the address that links start with."""

    lang: str = "fr"
    timezone: str = "Europe/Paris"
    base_url: str | None = None
    words_of: Callable[[Mention], tuple[str, ...]] | None = None
    """Tells the words that made a mention negative, for the few that are shown; None leaves them out."""
    link_of: Callable[[str, int, int], str | None] | None = None
    """The signed link that takes an incident: its id, the number of the page it goes out with (0 for the team's
    channels), and when it was told. None where no links are set up."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


def title(raised: AlertRaised, look: Look) -> str:
    """How grave, which brand, what happened: one line."""
    alert = raised.alert
    say = words(look.lang)
    colon = "\u00a0:" if look.lang == "fr" else ":"
    head = f"{_shown_level(raised).label.upper()} - {defused(alert.incident.brand, 60)}{colon} {_event(raised, look)}"
    return (say["exercise"] if alert.incident.exercise else "") + head


def text(raised: AlertRaised, look: Look, told_at_ms: int, link: str | None = None, note: str = "") -> str:
    """The whole alert, one screen. The clock runs from `told_at_ms`; `link` takes the incident, `note` is one line more
    under what to do."""
    incident = raised.alert.incident
    say = words(look.lang)
    lines = [title(raised, look), _todo(raised, look, told_at_ms)]
    lines += [line for line in (note, say["ack_by"].format(ack=link) if link else "") if line]
    lines.append("")
    if raised.alert.standing is Standing.WITHDRAWN:
        return "\n".join([*lines, say["zone"].format(zone=look.timezone)])
    if raised.alert.kind in _FEED:
        reasons = incident.levels[-1].reasons
        lines += [in_team_time(plain(reason, 200), look.zone, look.lang, told_at_ms) for reason in reasons]
        return "\n".join([*lines, "", say["zone"].format(zone=look.timezone)])
    lines += _what(raised, look, told_at_ms)
    lines.append(
        say["certainty"].format(
            word=certainty(incident.evidence.surprise, look.lang),
            how_often=how_often(incident.evidence.surprise, look.lang),
        )
    )
    reasons = incident.levels[-1].reasons[:REASONS_MAX] if incident.levels else ()
    if reasons:
        lines.append(say["why"].format(level=_shown_level(raised).label.upper()))
        lines += [f"  - {in_team_time(plain(reason, 200), look.zone, look.lang, told_at_ms)}" for reason in reasons]
    samples = _samples(incident.evidence.mentions)
    if samples:
        lines.append(say["samples"])
        lines += [f"  {i}. {_sample(raised, item, look, told_at_ms)}" for i, item in enumerate(samples, 1)]
    lines.append("")
    lines += _doors(raised, look, told_at_ms, has_link=link is not None)
    return "\n".join(lines)


def short(raised: AlertRaised, look: Look, told_at_ms: int, chars_max: int = 160, link: str | None = None) -> str:
    """The alert for an SMS: at most `chars_max` characters, all of them in the GSM 7-bit alphabet (3GPP TS 23.038).

    What must stay is at both ends, so the sentence in the middle is what gets cut. A `link` is whole or not there.
    """
    alert = raised.alert
    say = words(look.lang)
    evidence = alert.incident.evidence
    mark = "EXERCICE " if alert.incident.exercise else ""
    urgent = is_urgent(alert)
    is_early = alert.standing in _UNRECORDED
    clock = CLOCKS[_shown_level(raised)][0]
    brand_max = 24 if chars_max < 320 else 60
    has_link = link is not None and len(link) + 30 <= chars_max
    form = "short_early" if is_early else "short_link" if urgent and has_link else "short" if urgent else "short_end"
    sentence = say[form].format(
        level=_shown_level(raised).label.upper(),
        brand=defused(alert.incident.brand, brand_max),
        event=_event(raised, look).replace(say["confirmed"], say["confirmed_short"]),
        observed=number(evidence.observed, look.lang),
        expected=number(evidence.expected, look.lang),
        since=hour(alert.incident.since_ms, look.zone, look.lang, told_at_ms),
        first=say[clock.name],
        at=hour(told_at_ms + clock.minutes * 60_000, look.zone, look.lang, told_at_ms),
        ack="\x00",
        show="\x00",
    )
    if alert.kind in _FEED:
        reason = in_team_time(alert.incident.levels[-1].reasons[0], look.zone, look.lang, told_at_ms)
        sentence = f"VIGIE {defused(alert.incident.brand, brand_max)}: {reason}"
    front = gsm7((mark + sentence).replace("\x00", "")).strip()
    if is_early:  # there is no incident yet to take or to show
        return front[:chars_max]
    if link is not None and has_link:
        room = chars_max - len(link) - 1
        return (front if len(front) <= room else shortened(front, room).rstrip("… .:,") + ".")[:room] + f" {link}"
    tail = f" vigie incidents {'ack' if urgent else 'show'} {alert.incident.id}"
    if len(front) + len(tail) <= chars_max and alert.kind not in _FEED:
        return front + tail
    tail = f" {alert.incident.id}"
    if len(front) + len(tail) <= chars_max:
        return front + tail
    room = chars_max - len(tail)
    if room < 40:
        return front[:chars_max]
    return shortened(front, room).rstrip("… .:,") + "." + tail


def as_dict(raised: AlertRaised, look: Look, told_at_ms: int, link: str | None = None) -> dict[str, Any]:
    """The alert as plain data with stable keys: what the webhook sends.

    Times are RFC 3339 UTC. `samples[].text` is `plain` (no control or bidirectional characters) but not escaped: escape
    it for where you show it. `title` and `text` are safe to show as they are.
    """
    alert, plan = raised.alert, raised.plan
    incident, evidence = alert.incident, alert.incident.evidence
    return {
        "version": FORM_VERSION,
        "key": alert.key,
        "kind": alert.kind.value,
        "standing": alert.standing.value,
        "at": utc(alert.at_ms),
        "exercise": incident.exercise,
        "title": title(raised, look),
        "text": text(raised, look, told_at_ms, link),
        "incident": {
            "id": incident.id,
            "brand": incident.brand,
            "phase": incident.phase.value,
            "level": incident.level.label,
            "level_max": incident.level_max.label,
            "opened_at": utc(incident.opened_at_ms),
            "closed_at": None if incident.closed_at_ms is None else utc(incident.closed_at_ms),
            "since": utc(incident.since_ms),
            "waves": incident.waves,
            "acknowledged_by": incident.acked_by,
        },
        "reasons": list(incident.levels[-1].reasons) if incident.levels else [],
        "evidence": {
            "observed": evidence.observed,
            "expected": evidence.expected,
            "total": evidence.total,
            "surprise": evidence.surprise,
            "authors": evidence.authors,
            "followers_max": evidence.followers_max,
            "reach": evidence.reach,
            "press": evidence.press,
            "networks": dict(evidence.networks),
            "categories": dict(evidence.categories),
            "top_terms": [plain(term, 80) for term in evidence.top_terms],
            "themes": themes_view(evidence.themes, cleaned=True),
        },
        "samples": [
            {
                "role": item.role,
                "network": item.mention.source,
                "created_at": utc(item.mention.created_at_ms),
                "author": pseudonym(item.mention.author, incident.id),
                "text": plain(item.mention.text, 280),
                "words": _words_of(item, look),
            }
            for item in _samples(evidence.mentions)
        ],
        "clock": [
            {"name": clock.name, "due_at": utc(told_at_ms + clock.minutes * 60_000), "every_min": clock.every_min}
            for clock in (CLOCKS[incident.level] if is_urgent(alert) else ())
        ],
        "playbook": None if plan is None else {"id": plan.playbook, "title": plan.title, "reason": plan.reason},
        "url": None
        if look.base_url is None or alert.standing in _UNRECORDED
        else f"{look.base_url}/incidents/{quote(incident.id, safe='')}",
        "ack_url": link,
    }


def _shown_level(raised: AlertRaised) -> Level:
    return raised.alert.incident.level


def is_urgent(alert: Alert) -> bool:
    """Whether the team's clocks run from it: bad news, and recorded."""
    return alert.kind in _URGENT and alert.standing not in _UNRECORDED


def _event(raised: AlertRaised, look: Look) -> str:
    alert, say = raised.alert, words(look.lang)
    incident = alert.incident
    if alert.standing in _UNRECORDED:
        return say[alert.standing.value]
    if incident.phase is Phase.FALSE_ALARM:
        return say["false_alarm"]
    event = say[alert.kind.value].format(waves=incident.waves)
    if alert.kind in (AlertKind.RAISED, AlertKind.LOWERED) and len(incident.levels) > 1:
        event += say["level_from"].format(before=incident.levels[-2].level.label, after=incident.level.label)
    return event + say["confirmed"] if alert.standing is Standing.CONFIRMED else event


def _todo(raised: AlertRaised, look: Look, told_at_ms: int) -> str:
    say, alert = words(look.lang), raised.alert
    if alert.standing in _UNRECORDED:
        evidence, said = alert.incident.evidence, alert.incident.levels[-1:]
        return say[f"todo_{alert.standing.value}"].format(
            at=hour(said[0].at_ms if said else alert.at_ms, look.zone, look.lang, told_at_ms),
            observed=number(round(evidence.observed), look.lang),
            expected=number(evidence.expected, look.lang),
        )
    if alert.incident.phase is Phase.FALSE_ALARM:
        return say["todo_false_alarm"]
    if alert.kind not in _URGENT:
        return say[f"todo_{alert.kind.value}"]
    first, *others = CLOCKS[_shown_level(raised)]
    if alert.incident.phase is Phase.ACKNOWLEDGED and first.name == "ack" and others:
        first, *others = others  # somebody has it: the clock goes on with the next step
    due = [hour(told_at_ms + c.minutes * 60_000, look.zone, look.lang, told_at_ms) for c in (first, *others)]
    then = say["then"].format(what=say[others[0].name], at=due[1]) if others else ""
    lead = lead_of(_shown_level(raised), look.lang)
    return say["todo"].format(first=say[first.name], at=due[0], then=then, lead=lead)


def _what(raised: AlertRaised, look: Look, told_at_ms: int) -> list[str]:
    """The figures, the words, who and where."""
    lang, say = look.lang, words(look.lang)
    incident, evidence = raised.alert.incident, raised.alert.incident.evidence
    ratio = evidence.observed / evidence.expected if evidence.expected >= 0.5 else 0.0
    end_ms = max(raised.alert.at_ms, evidence.since_ms)
    lines = [
        say["what"].format(
            observed=number(round(evidence.observed), lang),
            since=hour(incident.since_ms, look.zone, lang, told_at_ms),
            lasting=duration(end_ms - incident.since_ms, lang),
            expected=number(evidence.expected, lang),
            ratio=say["ratio"].format(times=number(ratio, lang)) if ratio >= 1.5 else "",
        )
    ]
    quotes = "«\u00a0{}\u00a0»" if lang == "fr" else "“{}”"
    terms = [quotes.format(defused(term, 40)) for term in evidence.top_terms[:TERMS_MAX]]
    if terms:
        lines.append(say["terms"].format(terms=", ".join(terms)))
    lines += [line for line in (themes_line(evidence.themes, lang), copies_line(evidence.themes, lang)) if line]
    subjects = [f"{category_name(name, lang)} ({number(n, lang)})" for name, n in evidence.categories[:2]]
    if subjects:
        lines.append(say["categories"].format(categories=", ".join(subjects)))
    parts = [f"{network_name(name, lang)} {number(n, lang)}" for name, n in evidence.networks[:NETWORKS_MAX]]
    if evidence.authors:
        parts.append(
            say["author"] if evidence.authors == 1 else say["authors"].format(n=number(evidence.authors, lang))
        )
    if evidence.followers_max >= 1_000:
        parts.append(say["followers"].format(n=number(evidence.followers_max, lang)))
    if evidence.press:
        parts.append(say["press"].format(n=number(evidence.press, lang)))
    if parts:
        lines.append(say["who"].format(parts=", ".join(parts)))
    return lines


def _samples(mentions: tuple[EvidenceMention, ...]) -> list[EvidenceMention]:
    """Three that tell most: one of each role first, then the others."""
    roles = dict.fromkeys(item.role for item in mentions)
    best = [next(item for item in mentions if item.role == role) for role in roles]
    others = [item for item in mentions if item not in best]
    return [*best, *others][:SAMPLES_MAX]


def _sample(raised: AlertRaised, item: EvidenceMention, look: Look, told_at_ms: int) -> str:
    say, mention = words(look.lang), item.mention
    line = say["sample"].format(
        at=hour(mention.created_at_ms, look.zone, look.lang, told_at_ms),
        network=network_name(mention.source, look.lang),
        role=say.get(item.role, item.role),
        author=pseudonym(mention.author, raised.alert.incident.id),
        text=defused(mention.text, 160),
    )
    why = [defused(word, 40) for word in _words_of(item, look)]
    return f"{line}\n     {say['because'].format(words=', '.join(why))}" if why else line


def _words_of(item: EvidenceMention, look: Look) -> list[str]:
    """The words that made a sample negative, as its author wrote them."""
    return [plain(word, 40) for word in look.words_of(item.mention)] if look.words_of is not None else []


def _doors(raised: AlertRaised, look: Look, told_at_ms: int, *, has_link: bool = False) -> list[str]:
    """The clock, and where to go from here."""
    say, alert, plan = words(look.lang), raised.alert, raised.plan
    lines = []
    if is_urgent(alert):
        clocks = [
            say["every"].format(what=say[c.name], n=c.every_min)
            if c.every_min
            else f"{say[c.name]} {hour(told_at_ms + c.minutes * 60_000, look.zone, look.lang, told_at_ms)}"
            for c in CLOCKS[_shown_level(raised)]
        ]
        lines.append(say["clocks"].format(clocks=", ".join(clocks)))
        if alert.incident.acked_by is None and not has_link:
            lines.append(say["ack_by"].format(ack=f"vigie incidents ack {alert.incident.id}"))
    if plan is not None:
        lines.append(say["playbook"].format(title=plain(plan.title, 80), link=f"vigie playbooks show {plan.playbook}"))
    if alert.standing in _UNRECORDED:
        return [*lines, say["zone"].format(zone=look.timezone)]
    show = f"vigie incidents show {alert.incident.id}"
    if look.base_url is not None:
        show += f" - {look.base_url}/incidents/{quote(alert.incident.id, safe='')}"
    return [*lines, say["incident"].format(show=show), say["zone"].format(zone=look.timezone)]


_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)


_TO_GSM7 = {
    ord(char): plainer
    for chars, plainer in (("’", "'"), ("«»“”", '"'), ("→", ">"), ("\u00a0\u202f", " "), ("–—", "-"), ("œ", "oe"),
                           ("․", "_"), ("＠", "(a)"))
    for char in chars
}  # fmt: skip
"""The look-alikes that took the effect from a link or a mention must not turn back into what they stand for."""


def gsm7(line: str) -> str:
    """Only characters that keep an SMS at 160: accents outside the alphabet fall, the rest becomes a question mark."""
    line = line.translate(_TO_GSM7)
    kept = []
    for char in line:
        base = char if char in _GSM7 else unicodedata.normalize("NFKD", char)[0]
        kept.append(base if base in _GSM7 else "?")
    return "".join(kept)
