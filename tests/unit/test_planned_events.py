"""Planned events as people write them: in the settings, and in an ICS file."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.domain.config import PlannedEvent
from engine.domain.errors import ConfigError
from ops.app import engine_config
from ops.planned import planned_events, read_ics
from ops.settings import load_settings

PARIS = ZoneInfo("Europe/Paris")
BRANDS = "brands: [{name: Nordalia}, {name: Lumeo}]\n"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp())


NOW_S = at("2026-01-01")


def settings_of(folder: Path, events: str):
    path = folder / "vigie.yaml"
    path.write_text(BRANDS + events, encoding="utf-8")
    return load_settings(path, {})


def ics(folder: Path, *events: str) -> Path:
    path = folder / "events.ics"
    blocks = "".join(f"BEGIN:VEVENT\r\nUID:{i}\r\n{event}\r\nEND:VEVENT\r\n" for i, event in enumerate(events))
    path.write_bytes(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test\r\n{blocks}END:VCALENDAR\r\n".encode())
    return path


def read(path: Path, brands: tuple[str, ...] = ("Nordalia", "Lumeo")) -> list[PlannedEvent]:
    return read_ics(path, PARIS, list(brands), NOW_S)


def test_a_calendar_in_the_settings(tmp_path: Path) -> None:
    settings = settings_of(
        tmp_path,
        """events:
  - {name: Soldes d'hiver, brands: [Nordalia], start: 2026-01-07T08:00, end: 2026-02-03, expected_ratio: 2.5}
  - {name: Finale, start: "2026-07-19T19:00:00Z", end: 2026-07-20 01:00}
""",
    )
    sales, final = planned_events(settings, NOW_S)
    assert sales == PlannedEvent("Soldes d'hiver", ("Nordalia",), at("2026-01-07T08:00"), at("2026-02-04"), 2.5)
    assert final == PlannedEvent("Finale", (), at("2026-07-19T21:00"), at("2026-07-20T01:00"), 3.0)
    assert engine_config(settings, now_s=NOW_S).events == (sales, final)


@pytest.mark.parametrize(
    ("events", "line", "words"),
    [
        ("  - {name: Soldes, start: mercredi, end: 2026-02-03}", 3, "write 2026-01-07T08:00"),
        ("  - {name: Soldes, start: 2026-02-03,\n     end: 2026-01-07}", 4, "ends before it begins"),
        ("  - name: Soldes\n    brands: [Nordala]\n    start: 2026-01-07\n    end: 2026-01-08", 4, "'Nordalia'"),
        ("  - {name: Soldes, start: 2026-01-07, end: 2026-01-08, expected_ratio: 0.5}", 3, "expected_ratio"),
        ("  - {name: Soldes, start: 2026-01-07}", 3, "end: missing"),
        ("  - {name: Soldes, start: 2026-01-07, end: 2026-01-08, ratio: 2}", 3, "expected_ratio"),
    ],
)
def test_a_mistake_in_the_calendar_is_one_line(tmp_path: Path, events: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        settings_of(tmp_path, f"events:\n{events}\n")
    message = str(told.value)
    assert f"vigie.yaml:{line}:" in message
    assert words in message
    assert "\n" not in message


def test_an_ics_file(tmp_path: Path) -> None:
    sales = (
        "SUMMARY:Soldes d'hiver\r\nDTSTART;TZID=Europe/Paris:20260107T080000\r\nDTEND;TZID=Europe/Paris:20260107T200000"
    )
    path = ics(
        tmp_path,
        sales + "\r\nX-VIGIE-RATIO:2.5\r\nX-VIGIE-BRANDS:Nordalia",
        "SUMMARY:Salon\r\nDTSTART;VALUE=DATE:20260301\r\nDTEND;VALUE=DATE:20260303\r\nCATEGORIES:Marketing,Lumeo",
        "SUMMARY:Finale\r\nDTSTART:20260719T190000Z\r\nDURATION:PT4H",
        "SUMMARY:Direct\r\nDTSTART:20260401T200000\r\nDTEND:20260401T210000",
        "SUMMARY:Annulé\r\nDTSTART:20260501T200000\r\nDTEND:20260501T210000\r\nSTATUS:CANCELLED",
    )
    assert read(path) == [
        PlannedEvent("Soldes d'hiver", ("Nordalia",), at("2026-01-07T08:00"), at("2026-01-07T20:00"), 2.5),
        PlannedEvent("Salon", ("Lumeo",), at("2026-03-01"), at("2026-03-03"), 3.0),
        PlannedEvent("Direct", (), at("2026-04-01T20:00"), at("2026-04-01T21:00"), 3.0),
        PlannedEvent("Finale", (), at("2026-07-19T21:00"), at("2026-07-20T01:00"), 3.0),
    ]


def test_repetitions_keep_their_hour_when_the_clocks_change(tmp_path: Path) -> None:
    zone = "TZID=Europe/Paris"
    event = (
        f"SUMMARY:Tirage\r\nDTSTART;{zone}:20260320T200000\r\nDTEND;{zone}:20260320T210000\r\n"
        f"RRULE:FREQ=WEEKLY;COUNT=4\r\nEXDATE;{zone}:20260327T200000"
    )
    starts = [found.start_s for found in read(ics(tmp_path, event))]
    assert starts == [at("2026-03-20T20:00"), at("2026-04-03T20:00"), at("2026-04-10T20:00")]


def test_what_repeats_for_ever_is_unfolded_for_two_years_and_its_past_is_fixed(tmp_path: Path) -> None:
    event = "SUMMARY:Mardi\r\nDTSTART:20250107T180000\r\nDTEND:20250107T200000\r\nRRULE:FREQ=WEEKLY"
    path = ics(tmp_path, event)
    found = read(path)
    assert found[0].start_s == at("2025-01-07T18:00")
    assert NOW_S + 700 * 86_400 < found[-1].start_s < NOW_S + 740 * 86_400
    later = read_ics(path, PARIS, [], NOW_S + 90 * 86_400)
    assert later[: len(found)] == found


@pytest.mark.parametrize(
    ("event", "line", "words"),
    [
        ("SUMMARY:A\r\nDTSTART:2026XX\r\nDTEND:20260102T000000", 7, "mend this line"),
        ("SUMMARY:A\r\nDTEND:20260102T000000", 4, "give DTSTART and DTEND"),
        ("DTSTART:20260101T000000\r\nDTEND:20260102T000000", 4, "give it a SUMMARY"),
        ("SUMMARY:A\r\nDTSTART:20260102T000000\r\nDTEND:20260101T000000", 8, "later DTEND"),
        ("SUMMARY:A\r\nDTSTART:20260101T000000\r\nDTEND:20260102T000000\r\nX-VIGIE-RATIO:trois", 9, "from 1 to 100"),
        ("SUMMARY:A\r\nDTSTART:20260101T000000\r\nDTEND:20260102T000000\r\nX-VIGIE-BRANDS:Nordala", 9, "'Nordalia'"),
        ("SUMMARY:A\r\nDTSTART:20260101T000000\r\nDTEND:20260102T000000\r\nCATEGORIES:Achats", 9, "for all brands"),
        ("SUMMARY:A\r\nDTSTART:20260101T000000\r\nDTEND:20260101T001000\r\nRRULE:FREQ=HOURLY", 9, "one event that"),
        ("SUMMARY:A\r\nDTSTART:20260101T000000\r\nDTEND:99991231T000000", 7, "between 1990 and 2100"),
        ("SUMMARY:A\r\nDTSTART:20260101\r\nDTEND:20260102\r\nRRULE:FREQ=DAILY;INTERVAL=0", 9, "INTERVAL"),
        ("SUMMARY:A\r\nnonsense\r\nDTSTART:20260101T000000\r\nDTEND:20260101T001000", 4, "mend this line"),
    ],
)
def test_a_mistake_in_the_ics_is_one_line(tmp_path: Path, event: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as told:
        read(ics(tmp_path, event))
    message = str(told.value)
    assert f"events.ics:{line}: " in message
    assert words in message
    assert "\n" not in message


def test_brands_are_all_where_the_file_says_so(tmp_path: Path) -> None:
    times = "SUMMARY:A\r\nDTSTART:20260101T000000\r\nDTEND:20260102T000000\r\n"
    assert [event.brands for event in read(ics(tmp_path, times + "X-VIGIE-BRANDS:*\r\nCATEGORIES:Achats"))] == [()]
    two = ics(tmp_path, times + "X-VIGIE-BRANDS:Nordalia\\, Lumeo")
    assert [event.brands for event in read(two)] == [("Nordalia", "Lumeo")]
    assert [event.brands for event in read(ics(tmp_path, times + "CATEGORIES:Autre"), brands=())] == [("Autre",)]


@pytest.mark.parametrize("raw", [b"", b"bonjour", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n", b"\xff\xfe\x00", b"a:b"])
def test_what_is_no_calendar_is_one_line(tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "events.ics"
    path.write_bytes(raw)
    with pytest.raises(ConfigError, match=r"events\.ics:1: .*export it again") as told:
        read(path)
    assert "\n" not in str(told.value)


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "events_ics: events.ics\n")
    with pytest.raises(ConfigError, match=r"events\.ics: No such file"):
        engine_config(settings)


@given(st.binary(max_size=300))
def test_any_bytes_give_events_or_one_line(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.mktemp("ics") / "events.ics"
    path.write_bytes(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n" + raw + b"\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
    with contextlib.suppress(ConfigError):
        assert isinstance(read(path), list)
