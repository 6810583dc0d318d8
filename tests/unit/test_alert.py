"""Alerts as people and programs read them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.effects import AlertRaised
from engine.domain.incident import AlertKind, Level, Phase, Standing
from engine.domain.mention import Mention
from engine.domain.playbook import Plan
from ops.delivery.message import Message
from ops.delivery.notifiers.apprise import BODY_CHARS_MAX, fitted
from ops.delivery.notifiers.console import ConsoleNotifier, ConsoleParams
from ops.render.alert import Look, as_dict, short, text, title
from ops.render.clock import CLOCKS
from ops.render.incident import incident_text, incidents_text
from ops.render.neutral import defused, plain
from ops.render.report import incident_view
from ops.render.wording import _EN, _FR
from playbooks.typography import french_faults
from tests.infra.sample_alerts import T0, incident, later, plan, raised

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
TOLD = T0 + 360_000
MARKUP = set("<>[]{}*_`@#|~\\$()&")
HOSTILE = (
    "<!channel> <@U123> <https://evil.example|cliquez>",
    "[cliquez](javascript:alert(1)) ![x](https://evil.example/p.png)",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "**gras** __sous__ ~~barré~~ `code` ||secret||",
    "@everyone @here #urgence $HOME $(reboot) \\x",
    "\u202egnirts desrever\u202c \u2066isolat\u2069 \u200bzéro",
    "\x1b[2J\x1b]0;titre\x07 \x00\x08\x7f\x9b31m",
    "ligne une\nORANGE - Faux : incident terminé\r\nligne trois\u2028quatre",
    "Z" + "\u0301" * 200 + " tour d'accents",
    "lone \ud800 surrogate",
    "&lt;b&gt; &#x3c; &amp;",
    "www.evil.example/x evil.example:8080/x ftp://evil.example",
)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_screen_is_the_one_we_read_aloud(lang: str) -> None:
    screen = text(raised(), Look(lang=lang), TOLD)
    assert screen + "\n" == (GOLDEN / f"alert.{lang}.txt").read_text(encoding="utf-8")
    assert len(screen.split("\n")) <= 24
    if lang == "fr":
        assert french_faults(screen) == []


@pytest.mark.parametrize("lang", ["fr", "en", "de"])
@pytest.mark.parametrize("kind", list(AlertKind))
def test_every_kind_says_what_to_do(kind: AlertKind, lang: str) -> None:
    ends = kind in (AlertKind.CONTAINED, AlertKind.RESOLVED)
    phase = Phase.CONTAINED if kind is AlertKind.CONTAINED else Phase.RESOLVED if ends else Phase.OPEN
    found = incident(Level.ORANGE, Level.VERT if ends else Level.ROUGE, phase=phase)
    lines = text(raised(kind, found), Look(lang=lang), TOLD).split("\n")
    assert lines[0].startswith("VERT - Vélorine" if ends else "ROUGE - Vélorine")
    assert len(lines[1]) > 20
    urgent = kind in (AlertKind.OPENED, AlertKind.RAISED, AlertKind.REOPENED)
    assert any("vigie incidents ack" in line for line in lines) == urgent
    assert ("02:03" in lines[1]) == urgent  # five minutes after the team was told, in Paris


def test_a_level_change_says_from_where_to_where() -> None:
    found = incident(Level.ORANGE, Level.ROUGE)
    assert title(raised(AlertKind.RAISED, found), Look(lang="en")).endswith("level raised (orange → rouge)")


def test_a_false_alarm_is_called_one() -> None:
    found = incident(Level.ORANGE, Level.VERT, phase=Phase.FALSE_ALARM, closed_at_ms=T0)
    assert "fausse alerte" in title(raised(AlertKind.RESOLVED, found), Look())
    assert "Rien à faire" in text(raised(AlertKind.RESOLVED, found), Look(), TOLD)


def test_an_exercise_is_marked_in_everything_that_leaves() -> None:
    drill = raised(of=incident(exercise=True))
    assert title(drill, Look()).startswith("EXERCICE / EXERCISE")
    assert text(drill, Look(), TOLD).startswith("EXERCICE / EXERCISE")
    assert short(drill, Look(), TOLD).startswith("EXERCICE")
    assert as_dict(drill, Look(), TOLD)["exercise"] is True
    assert "EXERCICE / EXERCISE" in incidents_text([incident(exercise=True)], Look())


def test_times_are_those_of_the_team() -> None:
    assert "avant 02:03" in text(raised(), Look(), TOLD)
    assert "avant 20:03" in text(raised(), Look(timezone="America/New_York"), TOLD)
    day_later = text(raised(), Look(), TOLD + 86_400_000)
    assert "01:12 le 21 nov." in day_later


def test_no_other_clock_than_the_team_s() -> None:
    assert "attendus depuis 01:12" in text(raised(), Look(), TOLD)
    assert "UTC" not in text(raised(), Look(), TOLD) + incident_text(incident(), plan(), Look())


def test_an_alert_without_figures_still_reads() -> None:
    bare = later(
        incident(texts=()),
        levels=(),
        evidence=incident(texts=()).evidence.__class__(
            since_ms=T0, observed=0.0, expected=0.0, total=0, authors=0, networks=(), categories=(), top_terms=(),
            reach=0, followers_max=0, press=0, urgency=0.0, langs=(), mentions=(), surprise=float("nan"),
        ),
    )  # fmt: skip
    raised_bare = AlertRaised(raised(of=bare).alert, None)
    assert "Vélorine" in text(raised_bare, Look(), TOLD)
    assert json.dumps(as_dict(raised_bare, Look(), TOLD))


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_does_no_harm_on_any_way_out(hostile: str) -> None:
    found = incident(texts=(hostile,), brand="Vélorine")
    found = later(found, evidence=later_evidence(found, top_terms=(hostile,)))
    bad = raised(of=found)
    for out in (text(bad, Look(), TOLD), short(bad, Look(), TOLD), title(bad, Look())):
        samples = [line for line in out.split("\n") if "  1. " in line or "On y lit" in line]
        assert not any(MARKUP & set(line) for line in samples)
        assert "evil.example" not in out
        out.encode("utf-8")
    lines = text(bad, Look(), TOLD).split("\n")
    assert len(lines) == len(text(raised(of=incident(texts=("calme",))), Look(), TOLD).split("\n"))
    data = as_dict(bad, Look(), TOLD)
    for sample in (*[s["text"] for s in data["samples"]], *data["evidence"]["top_terms"]):
        assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202a\u202e\u2066\u200b\u2028" for c in sample)
    assert all(ord(c) >= 32 or c == "\n" for c in incident_text(found, plan(), Look()))


def later_evidence(found: Any, **changes: Any) -> Any:
    return replace(found.evidence, **changes)


@given(st.text(st.characters(exclude_categories=()), max_size=300), st.integers(1, 200))
@settings(deadline=None)
def test_no_text_at_all_gets_through(raw: str, chars_max: int) -> None:
    out = defused(raw, chars_max)
    assert not MARKUP & set(out)
    assert len(out) <= chars_max
    assert out.isprintable() or all(c.isprintable() or c in "\u00a0\u202f" or ord(c) > 0x2FF for c in out)
    assert len(plain(raw, chars_max)) <= chars_max
    out.encode("utf-8")


@pytest.mark.parametrize("chars_max", [60, 70, 140, 160, 320])
@pytest.mark.parametrize("kind", list(AlertKind))
def test_a_short_one_fits_an_sms(chars_max: int, kind: AlertKind) -> None:
    found = incident(Level.ORANGE, Level.ROUGE, exercise=True, brand="Boulangerie Martel & fils " * 3)
    line = short(raised(kind, found), Look(), TOLD, chars_max)
    assert len(line) <= chars_max
    assert line.isprintable()
    assert not set("êç’«»\u00a0\u202f→…") & set(line)
    if chars_max >= 70:
        assert line.endswith(found.id)


@given(st.text(max_size=40), st.integers(20, 400), st.sampled_from(list(AlertKind)), st.sampled_from(["fr", "en"]))
@settings(deadline=None, max_examples=60)
def test_short_is_never_too_long(brand: str, chars_max: int, kind: AlertKind, lang: str) -> None:
    line = short(raised(kind, incident(Level.ORANGE, Level.VERT, brand=brand)), Look(lang=lang), TOLD, chars_max)
    assert len(line) <= chars_max


def test_the_webhook_form_has_stable_keys() -> None:
    data = as_dict(raised(), Look(base_url="https://vigie.example"), TOLD)
    assert list(data) == [
        "version", "key", "kind", "standing", "at", "exercise", "title", "text", "incident", "reasons", "evidence",
        "samples", "clock", "playbook", "url", "ack_url",
    ]  # fmt: skip
    assert data["url"] == "https://vigie.example/incidents/inc-20251121-ab12cd34ef56"
    assert data["clock"][0] == {"name": "ack", "due_at": "2025-11-21T01:03:00Z", "every_min": None}
    assert "u1" not in {sample["author"] for sample in data["samples"]}
    assert as_dict(raised(AlertKind.CONTAINED), Look(), TOLD)["clock"] == []


def test_the_clocks_are_those_of_the_playbook_page() -> None:
    assert {level.label: [(c.name, c.minutes) for c in clocks] for level, clocks in CLOCKS.items()} == {
        "vert": [("digest", 1440)],
        "jaune": [("ack", 15), ("qualify", 30)],
        "orange": [("ack", 5), ("qualify", 15), ("freeze", 30), ("holding", 60), ("sitrep", 60)],
        "rouge": [("ack", 5), ("cell", 30), ("sitrep", 30), ("holding", 45)],
    }


def test_both_languages_say_the_same_things() -> None:
    import string

    fields = string.Formatter().parse
    assert list(_FR) == list(_EN)
    for key, template in _FR.items():
        assert {f[1] for f in fields(template)} == {f[1] for f in fields(_EN[key])}, key


def test_the_view_has_exactly_the_keys_that_were_promised() -> None:
    view = incident_view(incident(Level.JAUNE, Level.ROUGE, closed_at_ms=T0 + 1), plan())
    assert list(view) == ["id", "brand", "opened_at", "closed_at", "levels", "evidence", "playbook", "drafts"]
    assert view["closed_at"] == "2025-11-21T00:52:00.001Z"
    assert [list(change) for change in view["levels"]] == [["at", "level", "reasons"]] * 2
    assert [change["level"] for change in view["levels"]] == ["jaune", "rouge"]
    assert list(view["evidence"]) == [
        "top_terms", "themes", "observed", "expected", "since", "authors", "networks", "mentions",
    ]  # fmt: skip
    assert view["evidence"]["networks"] == {"x": 80, "facebook": 42}
    assert list(view["evidence"]["mentions"][0]) == ["role", "id", "source", "text", "created_at", "negative"]
    assert list(view["drafts"][0]) == ["network", "lang", "form", "kind", "text", "missing", "findings"]
    without = incident_view(incident(), None)
    assert (without["drafts"], without["playbook"]) == ([], "dangerous-product")


class Service:
    """As much of an apprise service as is asked."""

    def __init__(self, schema: str, body_maxlen: int, title_maxlen: int) -> None:
        self.schema, self.body_maxlen, self.title_maxlen = schema, body_maxlen, title_maxlen

    def url(self) -> str:
        return f"{self.schema}://secret"


@pytest.mark.parametrize(
    ("schema", "body_maxlen", "title_maxlen"),
    [("d7sms", 160, 0), ("msteams", 28_000, 250), ("pagerduty", 32_768, 250), ("discord", 2_000, 256),
     ("tgram", 4_096, 0), ("mailto", 32_768, 250), ("mastodon", 500, 0), ("bluesky", 300, 0), ("tiny", 20, 10)],
)  # fmt: skip
def test_every_service_gets_what_it_takes(schema: str, body_maxlen: int, title_maxlen: int) -> None:
    message = Message(raised(of=incident(texts=("mot " * 200,) * 3)), Look(), TOLD, TOLD)
    head, body = fitted(message, Service(schema, body_maxlen, title_maxlen))
    assert len(head) <= title_maxlen
    assert 0 < len(head) + len(body) <= min(body_maxlen, BODY_CHARS_MAX.get(schema, body_maxlen))
    if body_maxlen > 70:
        assert "inc-20251121-ab12cd34ef56" in body


def test_the_console_shows_a_screen_or_a_line() -> None:
    message = Message(raised(), Look(), TOLD, TOLD)
    screen, log = io.StringIO(), io.StringIO()
    ConsoleNotifier(ConsoleParams("screen", screen)).send(message)
    ConsoleNotifier(ConsoleParams("auto", log)).send(message)
    assert "ORANGE - Vélorine" in screen.getvalue()
    assert json.loads(log.getvalue())["event"] == "alert"
    assert log.getvalue().count("\n") == 1


def test_plans_with_odd_titles_read_too() -> None:
    odd = Plan("p", "Titre\x1b[0m\nlong " * 40, "raison", None, "", (), (), ())
    assert "\x1b" not in text(AlertRaised(raised().alert, odd), Look(), TOLD)


def test_an_acknowledged_incident_is_not_asked_for_again() -> None:
    again = raised(AlertKind.RAISED, of=replace(incident(Level.ORANGE), phase=Phase.ACKNOWLEDGED))
    first = text(again, Look("fr"), T0).splitlines()[1]
    assert "accuser" not in first
    assert "qualifier" in first


def early(standing: Standing) -> AlertRaised:
    found = raised()
    return replace(found, alert=found.alert._replace(standing=standing, serial=1, early_id=found.alert.incident.id))


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_a_provisional_alert_says_so_and_starts_no_clock(lang: str) -> None:
    look = Look(lang=lang, base_url="https://vigie.example")
    shown = text(early(Standing.PROVISIONAL), look, TOLD)
    first, todo, *_ = shown.splitlines()
    assert ("provisoire" if lang == "fr" else "provisional") in first
    assert ("confirmée ou retirée" if lang == "fr" else "confirmed or withdrawn") in todo
    assert "vigie incidents" not in shown  # there is none yet to take or to show
    assert "https://" not in shown
    data = as_dict(early(Standing.PROVISIONAL), look, TOLD)
    assert (data["standing"], data["clock"], data["url"]) == ("provisional", [], None)
    assert data["key"] == as_dict(raised(), look, TOLD)["key"]


def test_a_withdrawal_says_plainly_what_happened() -> None:
    shown = text(early(Standing.WITHDRAWN), Look(), TOLD)
    assert "alerte provisoire retirée" in shown.splitlines()[0]
    assert "142 messages négatifs contre 11 attendus" in shown
    assert "n’ouvre pas d’incident" in shown
    assert "opens no incident" in text(early(Standing.WITHDRAWN), Look(lang="en"), TOLD)
    assert "EXEMPLES" not in shown


def test_a_confirmation_starts_the_clocks() -> None:
    shown = text(early(Standing.CONFIRMED), Look(), TOLD)
    assert shown.splitlines()[0].endswith("incident ouvert (alerte provisoire confirmée)")
    assert shown.splitlines()[1:] == text(raised(), Look(), TOLD).splitlines()[1:]
    assert as_dict(early(Standing.CONFIRMED), Look(), TOLD)["clock"]


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("chars_max", [160, 70, 20])
def test_an_early_one_fits_an_sms_too(standing: Standing, chars_max: int) -> None:
    shown = short(early(standing), Look(), TOLD, chars_max)
    assert len(shown) <= chars_max
    if chars_max == 160:
        firm = standing in (Standing.FINAL, Standing.CONFIRMED)
        assert ("inc-20251121-ab12cd34ef56" in shown) == firm  # before that there is nothing to take


@pytest.mark.parametrize(
    ("lang", "line"), [("fr", "     mots qui pèsent\u00a0: honte"), ("en", "     telling words: honte")]
)
def test_samples_tell_the_words_that_made_them_negative(lang: str, line: str) -> None:
    asked: list[str] = []

    def words_of(mention: Mention) -> tuple[str, ...]:
        asked.append(mention.id)
        return ("honte", "@here") if lang == "en" else ("honte",)

    look = Look(lang=lang, words_of=words_of)
    screen = text(raised(), look, TOLD)
    assert line in screen
    assert "@here" not in screen
    assert len(set(asked)) <= 3  # for the samples that are shown, no others
    assert [sample["words"][0] for sample in as_dict(raised(), look, TOLD)["samples"]] == ["honte"] * len(set(asked))
    assert [sample["words"] for sample in as_dict(raised(), Look(), TOLD)["samples"]] == [[]] * len(set(asked))
