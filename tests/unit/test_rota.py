"""Who is on call: rotations, shifts, calendars, overrides, both changes of the clocks, holidays, gaps."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from engine.domain.errors import ConfigError
from ops.oncall.ics import read_rota, turns_of
from ops.oncall.rota import (
    DAY_MS,
    Always,
    Fixed,
    Override,
    Quiet,
    RoleRota,
    Rota,
    Rotation,
    Shift,
    Turn,
    holidays_of,
    instant_ms,
    local,
)

PARIS = ZoneInfo("Europe/Paris")
CM = "community_manager"
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)
WEEKDAYS, EVERY_DAY = frozenset(range(5)), frozenset(range(7))


def at(text: str, zone: ZoneInfo = PARIS) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp() * 1000)


def rota(*layers: object, deputies: tuple[str, ...] = ()) -> Rota:
    return Rota({CM: RoleRota(tuple(layers), deputies)})  # type: ignore[arg-type]


WEEKLY = Rotation(("Camille", "Nour", "Sacha"), date(2026, 3, 2), time(9), PARIS)


def test_a_rotation_hands_over_at_the_hour_on_the_wall_all_year() -> None:
    found = rota(WEEKLY)
    for week in range(60):
        day = date(2026, 3, 2) + timedelta(days=7 * week)
        handover = instant_ms(day, time(9), PARIS)
        assert local(handover, PARIS).hour == 9
        assert found.who(CM, handover) == (("Camille", "Nour", "Sacha")[week % 3],)
        assert found.who(CM, handover - 1) == (("Camille", "Nour", "Sacha")[(week - 1) % 3],)
    assert found.gaps(CM, at("2026-01-01T00:00"), at("2027-06-01T00:00")) == []


@pytest.mark.parametrize(("day", "hours"), [(SPRING, 23), (AUTUMN, 25), (date(2026, 6, 1), 24)])
def test_a_day_of_changing_clocks_is_covered_once(day: date, hours: int) -> None:
    nights = Shift(EVERY_DAY, time(20), time(8), ("Nour",), PARIS)
    days = Shift(EVERY_DAY, time(8), time(20), ("Camille",), PARIS)
    found = rota(nights, days)
    start, end = instant_ms(day, time(0), PARIS), instant_ms(day + timedelta(days=1), time(0), PARIS)
    assert end - start == hours * 3_600_000
    assert found.gaps(CM, start, end) == []
    turns = found.timeline(CM, start, end)
    assert [turn.people for turn in turns] == [("Nour",), ("Camille",), ("Nour",)]
    assert [local(turn.start_ms, PARIS).hour for turn in turns] == [0, 8, 20]
    assert (turns[0].end_ms - turns[0].start_ms) == (hours - 16) * 3_600_000


@pytest.mark.parametrize("day", [SPRING, AUTUMN])
def test_a_handover_within_the_changed_hour_leaves_no_gap_and_no_double_turn(day: date) -> None:
    early = Shift(EVERY_DAY, time(0), time(2, 30), ("Nour",), PARIS)
    late = Shift(EVERY_DAY, time(2, 30), time(0), ("Camille",), PARIS)
    start, end = instant_ms(day, time(0), PARIS), instant_ms(day + timedelta(days=1), time(0), PARIS)
    turns = rota(early, late).timeline(CM, start, end)
    assert [turn.people for turn in turns] == [("Nour",), ("Camille",)]
    assert sum(turn.end_ms - turn.start_ms for turn in turns) == end - start


def test_shifts_of_two_zones_meet() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")
    found = rota(
        Shift(EVERY_DAY, time(9), time(17), ("Haru",), tokyo), Shift(EVERY_DAY, time(9), time(17), ("Camille",), PARIS)
    )
    assert found.who(CM, at("2026-01-15T10:00", tokyo)) == ("Haru",)
    assert found.who(CM, at("2026-01-15T10:00")) == ("Camille",)
    assert found.who(CM, at("2026-01-15T20:00")) == ()


def test_the_gap_is_found_with_its_dates() -> None:
    office = Shift(WEEKDAYS, time(9), time(18), ("Camille",), PARIS)
    (gap, *_) = rota(office).gaps(CM, at("2026-01-16T12:00"), at("2026-01-20T12:00"))
    assert (gap.start_ms, gap.end_ms) == (at("2026-01-16T18:00"), at("2026-01-19T09:00"))


def test_holidays_have_shifts_of_their_own() -> None:
    is_holiday = holidays_of("FR")
    office = Shift(WEEKDAYS, time(9), time(18), ("Camille",), PARIS, "never", is_holiday=is_holiday)
    feast = Shift(frozenset(), time(9), time(18), ("Nour",), PARIS, "only", is_holiday=is_holiday)
    found = rota(office, feast)
    assert found.who(CM, at("2026-07-13T10:00")) == ("Camille",)
    assert found.who(CM, at("2026-07-14T10:00")) == ("Nour",)
    assert found.who(CM, at("2026-04-06T10:00")) == ("Nour",)  # Easter Monday
    assert holidays_of("FR", "Moselle")(date(2026, 12, 26))
    assert not is_holiday(date(2026, 12, 26))
    with pytest.raises(ValueError, match="no holidays are known for XX"):
        holidays_of("XX")


def test_a_shift_may_rotate_by_weeks() -> None:
    found = rota(Shift(EVERY_DAY, time(0), time(0), ("Camille", "Nour"), PARIS, rotate_weeks=1, since=date(2026, 1, 5)))
    assert [found.who(CM, at(f"2026-01-{day}T12:00"))[0] for day in ("05", "11", "12", "18", "19")] == [
        "Camille", "Camille", "Nour", "Nour", "Camille",
    ]  # fmt: skip
    assert found.who(CM, at("2026-01-12T12:00")) == ("Nour", "Camille")


def test_the_upper_layer_counts_and_deputies_stand_behind() -> None:
    base = rota(Always(("Camille",)), deputies=("Léa", "Camille"))
    assert base.who(CM, 0) == ("Camille", "Léa")
    away = base.with_overrides([Override(1, CM, "Sacha", 100, 200), Override(2, CM, "Nour", 150, 160)])
    assert [away.who(CM, ms)[0] for ms in (99, 100, 149, 150, 160, 199, 200)] == [
        "Camille", "Sacha", "Sacha", "Nour", "Sacha", "Sacha", "Camille",
    ]  # fmt: skip
    assert base.with_overrides([Override(1, "scribe", "Sacha", 0, 9)]).who("scribe", 5) == ("Sacha",)
    assert base.who("unknown", 0) == ()
    assert base.next_change_ms(CM, 0) is None
    assert away.next_change_ms(CM, 120) == 150


def test_who_is_the_same_as_the_timeline_says() -> None:
    found = rota(WEEKLY, Shift(WEEKDAYS, time(22), time(6), ("Léa",), PARIS), Fixed((Turn(at("2026-03-28T20:00"),
                 at("2026-03-29T12:00"), ("Sacha",)),)))  # fmt: skip
    for turn in found.timeline(CM, at("2026-03-20T00:00"), at("2026-04-10T00:00")):
        for ms in (turn.start_ms, (turn.start_ms + turn.end_ms) // 2, turn.end_ms - 1):
            assert found.on_call(CM, ms) == turn.people


# --- quiet hours ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "until"),
    [
        ("2026-03-28T21:59", None),
        ("2026-03-28T22:00", "2026-03-29T07:00"),
        ("2026-03-29T03:30", "2026-03-29T07:00"),
        ("2026-10-25T02:30", "2026-10-25T07:00"),
        ("2026-10-25T07:00", None),
    ],
)
def test_the_night_ends_at_seven_on_the_wall(when: str, until: str | None) -> None:
    quiet = Quiet(time(22), time(7), PARIS)
    assert quiet.until_ms(at(when)) == (None if until is None else at(until))


def test_quiet_weekends_and_holidays_last_until_the_next_working_morning() -> None:
    quiet = Quiet(time(22), time(7), PARIS, weekends=True, holidays=True, is_holiday=holidays_of("FR"))
    assert quiet.until_ms(at("2026-04-03T23:00")) == at("2026-04-07T07:00")  # Good Friday night to after Easter Monday
    assert quiet.until_ms(at("2026-04-04T15:00")) == at("2026-04-07T07:00")
    days_only = Quiet(time(0), time(0), PARIS, weekends=True)
    assert days_only.until_ms(at("2026-04-04T15:00")) == at("2026-04-06T00:00")
    assert days_only.until_ms(at("2026-04-03T23:00")) is None


# --- calendars --------------------------------------------------------------------------------------------------------

ICS = b"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Test//FR
BEGIN:VEVENT
UID:1@test
DTSTAMP:20260101T000000Z
DTSTART;TZID=Europe/Paris:20260302T090000
DTEND;TZID=Europe/Paris:20260309T090000
RRULE:FREQ=WEEKLY;INTERVAL=2
SUMMARY:Astreinte : Camille (appui Nour)
END:VEVENT
BEGIN:VEVENT
UID:2@test
DTSTAMP:20260101T000000Z
DTSTART;VALUE=DATE:20260311
DTEND;VALUE=DATE:20260313
SUMMARY:On call
ATTENDEE;CN=LEA:mailto:lea@nordalia.example
END:VEVENT
END:VCALENDAR
"""
PEOPLE = ("Camille", "Nour", "Léa")


def test_a_calendar_keeps_its_wall_clock_across_the_change() -> None:
    turns = turns_of(ICS, "rota.ics", PARIS, PEOPLE, at("2026-03-01T00:00"))
    weekly = [turn for turn in turns if turn.people == ("Camille", "Nour")]
    assert [local(turn.start_ms, PARIS).strftime("%m-%d %H:%M") for turn in weekly[:3]] == [
        "03-02 09:00", "03-16 09:00", "03-30 09:00",
    ]  # fmt: skip
    (whole_days,) = [turn for turn in turns if turn.people == ("Léa",)]
    assert (whole_days.start_ms, whole_days.end_ms) == (at("2026-03-11T00:00"), at("2026-03-13T00:00"))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"Camille (appui Nour)", b"Jean-Camille", "rota.ics:4: 'Astreinte : Jean-Camille' names nobody of `people`"),
        (b"BEGIN:VCALENDAR", b"BEGIN VCALENDAR", "not a calendar"),
    ],
)
def test_a_calendar_that_says_nothing_useful_is_refused(tmp_path: Path, old: bytes, new: bytes, says: str) -> None:
    path = tmp_path / "rota.ics"
    path.write_bytes(ICS.replace(old, new))
    with pytest.raises(ConfigError) as error:
        read_rota(path, PARIS, PEOPLE, at("2026-03-01T00:00"))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_calendar_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.ics: No such file"):
        read_rota(tmp_path / "none.ics", PARIS, PEOPLE, 0)


def test_a_long_look_is_quick_enough_to_do_at_every_step() -> None:
    found = rota(WEEKLY, deputies=("Léa",))
    assert len(found.timeline(CM, 0, 365 * DAY_MS)) == 53
