"""The exact payloads of Slack, Teams and PagerDuty, what survives the cut, and hostile words through every channel."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from engine.domain.incident import AlertKind, Level, Phase, Standing
from ops.delivery.cards import LIMITS, whole_lines
from ops.delivery.message import Message
from ops.delivery.notifiers import pagerduty, slack, teams
from ops.delivery.notifiers.apprise import fitted
from ops.delivery.notifiers.console import ConsoleNotifier, ConsoleParams
from ops.oncall.links import Links
from ops.oncall.page import Page, PageItem
from ops.render.alert import Look
from tests.infra.hostile import HOSTILE
from tests.infra.sample_alerts import T0, incident, later, raised

LINKS = Links("k" * 40, "https://vigie.example", clock_ms=lambda: T0)
LOOK = Look(base_url="https://vigie.example", link_of=LINKS.link)
TOLD = T0 + 60_000


def message(look: Look = LOOK, page: Page | None = None, **more: Any) -> Message:
    return Message(raised(**more), look, TOLD, TOLD, page)


def call(**more: Any) -> Page:
    return Page(7, "Camille", "community_manager", "call", "Léa", TOLD + 300_000)._replace(**more)


ACK = LINKS.link("inc-20251121-ab12cd34ef56", 0, TOLD)
OPEN = "https://vigie.example/incidents/inc-20251121-ab12cd34ef56"


def test_the_card_of_slack() -> None:
    sent = slack.card(message())
    assert sent == {
        "text": "ORANGE - Vélorine\u00a0: incident ouvert",
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "blocks": [
            {
                "type": "header",
                "text": {"type": "plain_text", "text": "ORANGE - Vélorine\u00a0: incident ouvert", "emoji": False},
            },
            {
                "type": "section",
                "text": {"type": "plain_text", "text": sent["blocks"][1]["text"]["text"], "emoji": False},
            },
            {
                "type": "actions",
                "elements": [
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Prendre en charge", "emoji": False},
                        "url": ACK,
                        "action_id": "vigie-0",
                        "style": "primary",
                    },
                    {
                        "type": "button",
                        "text": {"type": "plain_text", "text": "Ouvrir l’incident", "emoji": False},
                        "url": OPEN,
                        "action_id": "vigie-1",
                    },
                ],
            },
        ],
    }
    body = sent["blocks"][1]["text"]["text"]
    assert body.startswith("À FAIRE\u00a0: accuser réception avant 01:58")
    assert len(body) <= 3_000


def test_the_card_of_teams() -> None:
    sent = teams.card(message(look=Look("en", base_url="https://vigie.example", link_of=LINKS.link)))
    (attachment,) = sent["attachments"]
    assert (sent["type"], attachment["contentType"]) == ("message", "application/vnd.microsoft.card.adaptive")
    content = attachment["content"]
    assert {key: content[key] for key in ("type", "version", "fallbackText", "msteams")} == {
        "type": "AdaptiveCard", "version": "1.4", "fallbackText": "ORANGE - Vélorine: incident opened",
        "msteams": {"width": "Full"},
    }  # fmt: skip
    assert content["body"][0] == {
        "type": "RichTextBlock",
        "inlines": [
            {
                "type": "TextRun", "text": "ORANGE - Vélorine: incident opened", "weight": "Bolder", "size": "Large",
                "color": "Warning",
            }
        ],
    }  # fmt: skip
    assert {block["type"] for block in content["body"]} == {"RichTextBlock"}  # which knows no Markdown
    words = [run["text"] for block in content["body"] for run in block["inlines"]]
    assert words[1].startswith("DO NOW: acknowledge by 01:58")
    assert sum(map(len, words)) + len(words) <= LIMITS["teams"]
    assert content["actions"] == [
        {"type": "Action.OpenUrl", "title": "Take it", "url": ACK, "style": "positive"},
        {"type": "Action.OpenUrl", "title": "Open incident", "url": OPEN, "style": "default"},
    ]


def test_the_event_of_pagerduty() -> None:
    (sent,) = pagerduty.events(message(), "routing-key")
    text = sent["payload"]["custom_details"].pop("text")
    assert sent == {
        "routing_key": "routing-key",
        "event_action": "trigger",
        "dedup_key": "vigie/inc-20251121-ab12cd34ef56",
        "client": "Vigie",
        "payload": {
            "summary": "ORANGE - Vélorine\u00a0: incident ouvert - À FAIRE\u00a0: accuser réception avant 01:58, puis "
            "qualifier avant 02:08. Pilote\u00a0: responsable social.",
            "source": "Vélorine",
            "severity": "error",
            "timestamp": "2025-11-21T00:52:00Z",
            "component": "vigie",
            "group": "Vélorine",
            "class": "incident",
            "custom_details": {"level": "orange"},
        },
        "links": [{"href": ACK, "text": "Prendre en charge"}, {"href": OPEN, "text": "Ouvrir l’incident"}],
    }
    assert "CE QUI SE PASSE" in text
    assert len(text) <= 4_096


def test_pagerduty_has_one_incident_for_one_of_ours() -> None:
    def actions(**more: Any) -> list[tuple[str, str]]:
        return [(event["event_action"], event["dedup_key"]) for event in pagerduty.events(message(**more), "k")]

    name = "vigie/inc-20251121-ab12cd34ef56"
    over = later(incident(Level.ORANGE), phase=Phase.RESOLVED, closed_at_ms=T0)
    assert actions() == [("trigger", name)]
    assert actions(kind=AlertKind.RAISED, of=incident(Level.ORANGE, Level.ROUGE)) == [("trigger", name)]
    assert actions(kind=AlertKind.RESOLVED, of=over) == [("resolve", name)]
    assert actions(page=call(kind="taken", text="Léa")) == [("acknowledge", name)]
    assert actions(page=call(kind="step", text="Geler")) == [("trigger", "vigie/k1")]
    told = raised()
    confirmed = Message(
        told.__class__(told.alert._replace(standing=Standing.CONFIRMED, early_id="inc-early"), None), LOOK, TOLD, TOLD
    )
    assert [(e["event_action"], e["dedup_key"]) for e in pagerduty.events(confirmed, "k")] == [
        ("resolve", "vigie/inc-early"), ("trigger", name),
    ]  # fmt: skip
    assert [pagerduty.events(message(of=incident(level)), "k")[0]["payload"]["severity"] for level in Level] == [
        "info", "warning", "error", "critical",
    ]  # fmt: skip


def test_no_buttons_where_there_is_nothing_to_press() -> None:
    over = later(incident(Level.ORANGE), phase=Phase.RESOLVED, closed_at_ms=T0)
    sent = slack.card(message(kind=AlertKind.RESOLVED, of=over))
    assert [element["url"] for element in sent["blocks"][-1]["elements"]] == [OPEN]
    bare = slack.card(message(look=Look()))
    assert [block["type"] for block in bare["blocks"]] == ["header", "section"]
    assert teams.card(message(look=Look()))["attachments"][0]["content"]["actions"] == []


# --- the cut ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("chars_max", sorted(LIMITS.values()))
@pytest.mark.parametrize("person", [None, "call", "handover", "rise", "unanswered"])
def test_what_matters_first_survives_the_cut(lang: str, chars_max: int, person: str | None) -> None:
    look = Look(lang, link_of=LINKS.link)
    page = None if person is None else call(kind=person, before=("Nour",) if person == "unanswered" else ())
    found = message(look=look, page=page)
    if chars_max == 160:
        shown = found.short(160)
        assert len(shown) <= 160
        assert "ORANGE" in shown
        assert found.link is not None
        assert shown.endswith(found.link)  # whole, or it is worth nothing
        assert "01:58" in shown  # by when
        assert ("142" in shown) or person in (None, "unanswered")  # the team's link is the longest
        return
    shown = whole_lines(found.text(), chars_max)
    assert len(shown) <= chars_max
    level, todo, *rest = shown.split("\n")
    assert "ORANGE" in level
    assert "01:58" in todo
    assert any(found.link in line for line in rest[:2])  # type: ignore[operator]
    if person is not None:
        assert rest[0].startswith(("ASTREINTE", "ON CALL", "PERSONNE", "NOBODY"))
    assert any(line.startswith(("CE QUI SE PASSE", "WHAT HAPPENS")) for line in rest)


def test_a_first_line_longer_than_all_there_is() -> None:
    assert whole_lines("x" * 50, 20) == "x" * 19 + "…"
    assert whole_lines("a\nb\n" + "c" * 50, 20) == "a\nb…"


class Service:
    """As apprise describes one."""

    def __init__(self, body: int, title: int, schema: str) -> None:
        self.body_maxlen, self.title_maxlen, self._schema = body, title, schema

    def url(self) -> str:
        return f"{self._schema}://hush"


@pytest.mark.parametrize(
    ("body", "title", "schema"),
    [(160, 0, "sns"), (140, 0, "sms"), (2_000, 256, "discord"), (4_096, 0, "tgram"), (35_000, 250, "slack"),
     (1_024, 250, "pagerduty"), (28_000, 250, "workflows")],
)  # fmt: skip
def test_apprise_is_given_what_the_service_takes(body: int, title: int, schema: str) -> None:
    head, text = fitted(message(), Service(body, title, schema))
    assert len(head) + len(text) <= min(body, {"workflows": 1_000, "slack": 3_000}.get(schema, body))
    assert "ORANGE" in (head or text)
    assert ACK in text


# --- hostile words ----------------------------------------------------------------------------------------------------

MARKUP = set("<>*`[]{}|~\\")
"""What Slack, Teams, Discord, Telegram, HTML or Markdown build their markup of."""


def strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [text for item in value.values() for text in strings(item)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_words_have_no_effect_on_any_channel(text: str) -> None:
    """As a mention, a brand, a person's name and a step."""
    found = incident(texts=(text, text, text), brand=text[:200] or "x")
    page = call(person=text[:90] or "x", next_person=text[:90], text=text)
    stream = io.StringIO()
    for one in (message(of=found), message(of=found, page=page), message(of=found, page=page._replace(kind="step"))):
        shown = {
            "slack": [s for s in strings(slack.card(one)) if s != OPEN and "/ack/" not in s],
            "teams": [
                run["text"] for b in teams.card(one)["attachments"][0]["content"]["body"] for run in b["inlines"]
            ],
            "screen": [one.title, one.text(with_link=False)],
            "sms": [one.short().replace(one.link or "\0", "")],
        }
        for channel, parts in shown.items():
            for part in parts:
                part = part.replace(OPEN, "")
                assert "evil.example" not in part, (channel, part)
                assert not MARKUP & set(part), (channel, part)
                assert "@" not in part, (channel, part)
                assert "://" not in part, (channel, part)
                assert not any(c in part for c in "\u202e\u2066\u200f\x1b\x00\r"), (channel, part)
        assert "\n" not in one.title
        (event, *_) = pagerduty.events(one, "k")
        assert not MARKUP & set(event["payload"]["summary"])
        assert len(slack.card(one)["blocks"][0]["text"]["text"]) <= 150
        json.dumps(teams.card(one))
        ConsoleNotifier(ConsoleParams("json", stream)).send(one)
    for line in stream.getvalue().removesuffix("\n").split("\n"):
        assert json.loads(line)["event"] == "alert"
    assert "/ack/" not in stream.getvalue()  # a link is a key: it stands in no log


def test_a_morning_of_hostile_brands() -> None:
    page = call(kind="morning", items=tuple(PageItem(i, f"inc-{i}", "JAUNE - x") for i in range(3)))
    shown = message(page=page).text()
    assert shown.count("/ack/") == 3
