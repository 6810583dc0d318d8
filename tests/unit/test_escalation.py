"""Escalation under a fake clock: who is called when, once each, through restarts and changes of shifts and clocks."""

from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.domain.incident import Level
from ops.oncall.escalation import (
    TRANSITIONS,
    Call,
    CallKind,
    Escalation,
    Event,
    Ladder,
    Rung,
    State,
    advance,
    begin,
    end,
    rise,
    take,
)
from ops.oncall.rota import Always, Quiet, RoleRota, Rota, Rotation, Shift
from ops.store.codec import decode, encode

PARIS = ZoneInfo("Europe/Paris")
MIN = 60_000
CM, LEAD, DECIDER = "community_manager", "incident_lead", "decision_maker"
ACK = {Level.VERT: 15 * MIN, Level.JAUNE: 15 * MIN, Level.ORANGE: 5 * MIN, Level.ROUGE: 5 * MIN}
LADDER = Ladder((Rung(CM), Rung(CM, True), Rung(LEAD), Rung(DECIDER)), ACK)
STANDING = Rota(
    {
        CM: RoleRota((Always(("Camille",)),), ("Léa",)),
        LEAD: RoleRota((Always(("Sacha",)),)),
        DECIDER: RoleRota((Always(("Dominique",)),)),
    }
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=PARIS).timestamp() * 1000)


class Desk:
    """The rota and the calendar of a team."""

    def __init__(self, rota: Rota = STANDING, quiet: Quiet | None = None, muted: tuple[int, int] = (0, 0)) -> None:
        self.rota, self.quiet, self.muted = rota, quiet, muted

    def who(self, role: str, at_ms: int) -> tuple[str, ...]:
        return self.rota.who(role, at_ms)

    def next_change_ms(self, role: str, at_ms: int) -> int | None:
        return self.rota.next_change_ms(role, at_ms)

    def quiet_until_ms(self, at_ms: int) -> int | None:
        return self.quiet.until_ms(at_ms) if self.quiet else None

    def muted_until_ms(self, brand: str, incident_id: str, level: Level, at_ms: int) -> int | None:
        start, stop = self.muted
        return stop if start <= at_ms < stop and level <= Level.ORANGE else None


class Night:
    """One incident and a clock: `turn` lets time pass as a service would, second by second or in leaps."""

    def __init__(self, level: Level, when: str, desk: Desk | None = None, ladder: Ladder = LADDER) -> None:
        self.desk, self.ladder = desk or Desk(), ladder
        self.t0 = self.now = at(when)
        self.calls: list[Call] = []
        self.observed = 10.0
        self._take(begin("inc-1", "Nordalia", level, self.now, self.desk, ladder, observed=10.0))

    def _take(self, moved: tuple[Escalation, tuple[Call, ...]]) -> None:
        self.state, calls = moved
        self.state = decode(Escalation, encode(self.state))  # what a restart would read
        self.calls += calls

    def turn(self, minutes: float, step_s: int = 30) -> Night:
        stop = self.now + round(minutes * MIN)
        while self.now < stop:
            self.now = min(stop, self.now + step_s * 1000)
            self._take(advance(self.state, self.now, self.desk, self.ladder, observed=self.observed))
        return self

    def rise(self, level: Level) -> Night:
        self._take(rise(self.state, level, self.now, self.desk, self.ladder, observed=self.observed))
        return self

    def take(self, by: str) -> Night:
        self._take(take(self.state, by, self.now))
        return self

    def end(self) -> Night:
        self._take(end(self.state, self.now))
        return self

    def told(self, *kinds: CallKind) -> list[tuple[float, str]]:
        kinds = kinds or (CallKind.CALL, CallKind.MORNING, CallKind.HANDOVER)
        return [((call.at_ms - self.t0) / MIN, call.person) for call in self.calls if call.kind in kinds]


WALK = {
    Level.JAUNE: [(0, "Camille"), (15, "Léa"), (30, "Sacha"), (45, "Dominique")],
    Level.ORANGE: [(0, "Camille"), (5, "Léa"), (10, "Sacha"), (15, "Dominique")],
    Level.ROUGE: [(0, "Camille"), (5, "Léa"), (10, "Sacha"), (15, "Dominique")],
}


@pytest.mark.parametrize("level", WALK)
@pytest.mark.parametrize(
    "when",
    ["2026-01-15T14:00", "2026-03-29T01:50", "2026-03-29T01:20", "2026-10-25T02:20", "2026-10-25T02:50"],
    ids=["afternoon", "spring-forward", "before-spring", "autumn-in-the-double-hour", "before-the-hour-repeats"],
)
def test_without_an_answer_the_ladder_is_climbed_at_its_minutes_once_each(level: Level, when: str) -> None:
    night = Night(level, when).turn(240)
    assert night.told() == WALK[level]
    last, step = WALK[level][-1][0], ACK[level] / MIN
    unanswered = night.told(CallKind.UNANSWERED)
    assert unanswered == [(last + step, name) for name in ("", "Camille", "Léa", "Sacha", "Dominique")]
    assert night.state.state is State.UNANSWERED
    assert len({call.key for call in night.calls}) == len(night.calls)


@settings(max_examples=60, deadline=None)
@given(stop=st.integers(0, 30 * 60), gap=st.integers(0, 40 * 60), level=st.sampled_from(list(WALK)))
def test_killed_and_started_again_everybody_is_called_once(stop: int, gap: int, level: Level) -> None:
    night = Night(level, "2026-10-25T02:45").turn(stop / 60, step_s=1)
    night.now += gap * 1000  # nobody turned the clock meanwhile
    night.turn(0.5).turn(120)
    assert [name for _, name in night.told()] == ["Camille", "Léa", "Sacha", "Dominique"]
    undisturbed = {name: minute for minute, name in WALK[level]}
    for minute, name in night.told():
        late = max(undisturbed[name], (stop + gap) / 60) + 0.51
        assert undisturbed[name] <= minute <= late
    assert len({call.key for call in night.calls}) == len(night.calls)
    (team,) = [minute for minute, name in night.told(CallKind.UNANSWERED) if not name]
    assert team >= night.told()[-1][0] + ACK[level] / MIN - 0.01  # the last one had the time, even when called late


@pytest.mark.parametrize("minutes", [0.5, 7, 16])
def test_an_acknowledgement_stops_it_and_relieves_the_others(minutes: float) -> None:
    night = Night(Level.ORANGE, "2026-01-15T03:00").turn(minutes).take("Camille").turn(120)
    called = [name for minute, name in WALK[Level.ORANGE] if minute <= minutes]
    assert [name for _, name in night.told()] == called
    assert [name for _, name in night.told(CallKind.TAKEN)] == [name for name in called if name != "Camille"]
    assert night.state.state is State.TAKEN
    assert night.take("Sacha").state.taken_by == "Camille"


def test_a_shift_change_in_the_middle_calls_the_new_one_at_the_handover() -> None:
    weekly = Rotation(("Camille", "Nour"), date(2026, 3, 23), time(9), PARIS)
    rota = Rota({**STANDING.roles, CM: RoleRota((weekly,), ("Léa",))})
    night = Night(Level.JAUNE, "2026-03-30T08:50", Desk(rota)).turn(240)
    assert night.told() == [(0, "Camille"), (10, "Nour"), (15, "Léa"), (30, "Sacha"), (45, "Dominique")]
    assert night.told(CallKind.HANDOVER) == [(10, "Nour")]


@pytest.mark.parametrize("stop", [5, 9, 10, 14])
def test_a_shift_change_while_the_process_was_dead(stop: int) -> None:
    weekly = Rotation(("Camille", "Nour"), date(2026, 3, 23), time(9), PARIS)
    rota = Rota({**STANDING.roles, CM: RoleRota((weekly,), ("Léa",))})
    night = Night(Level.JAUNE, "2026-03-30T08:50", Desk(rota)).turn(stop)
    night.now += 12 * MIN
    night.turn(240)
    names = [name for _, name in night.told()]
    assert sorted(names) == sorted(["Camille", "Nour", "Léa", "Sacha", "Dominique"])
    assert names[0] == "Camille"


@pytest.mark.parametrize("day", ["2026-03-29", "2026-10-25"])
def test_a_shift_that_changes_in_the_hour_of_the_clock_change(day: str) -> None:
    early = Shift(frozenset(range(7)), time(0), time(3), ("Nour",), PARIS)
    late = Shift(frozenset(range(7)), time(3), time(0), ("Camille",), PARIS)
    rota = Rota({**STANDING.roles, CM: RoleRota((early, late), ("Léa",))})
    night = Night(Level.ORANGE, f"{day}T01:50", Desk(rota)).turn(240)
    first_minutes = 10 if day == "2026-03-29" else None  # in autumn three o'clock is 130 minutes away: all was told
    assert night.told()[0] == (0, "Nour")
    assert night.told(CallKind.HANDOVER) == ([(first_minutes, "Camille")] if first_minutes else [])


NIGHT = Quiet(time(22), time(7), PARIS)


def test_a_jaune_at_night_waits_for_the_morning() -> None:
    night = Night(Level.JAUNE, "2026-03-28T23:00", Desk(quiet=NIGHT))
    assert night.state.state is State.WAITING
    night.turn(600)
    assert night.told(CallKind.MORNING) == [(7 * 60, "Camille")]  # the night of the change has an hour less
    assert night.told(CallKind.CALL) == [(7 * 60 + 15, "Léa"), (7 * 60 + 30, "Sacha"), (7 * 60 + 45, "Dominique")]


@pytest.mark.parametrize("level", [Level.ORANGE, Level.ROUGE])
def test_what_is_grave_wakes_people(level: Level) -> None:
    assert Night(level, "2026-03-28T23:00", Desk(quiet=NIGHT)).turn(60).told() == WALK[level]


def test_a_jaune_that_rises_in_the_night_is_told_at_once() -> None:
    night = Night(Level.JAUNE, "2026-01-15T23:00", Desk(quiet=NIGHT)).turn(60).rise(Level.ORANGE).turn(60)
    assert night.told() == [(60, "Camille"), (65, "Léa"), (70, "Sacha"), (75, "Dominique")]


def test_a_jaune_that_grows_in_the_night_is_told_within_minutes() -> None:
    night = Night(Level.JAUNE, "2026-01-15T23:00", Desk(quiet=NIGHT)).turn(60)
    night.observed = 29.0
    assert night.turn(30).calls == []
    night.observed = 30.0
    ((minute, name), *_) = night.turn(30).told(CallKind.CALL)
    assert name == "Camille"
    assert 90 < minute <= 95


def test_what_was_over_by_morning_is_told_to_nobody() -> None:
    assert Night(Level.JAUNE, "2026-01-15T23:00", Desk(quiet=NIGHT)).turn(60).end().turn(600).calls == []


def test_a_rise_tells_those_who_were_called_and_quickens_the_clock() -> None:
    night = Night(Level.JAUNE, "2026-01-15T14:00").turn(16).rise(Level.ROUGE).turn(120)
    assert night.told(CallKind.RISE) == [(16, "Camille"), (16, "Léa")]
    assert night.told() == [(0, "Camille"), (15, "Léa"), (21, "Sacha"), (26, "Dominique")]


def test_a_rise_never_makes_the_clock_slower() -> None:
    night = Night(Level.ORANGE, "2026-01-15T14:00").turn(4).rise(Level.ROUGE).turn(120)
    assert night.told() == [(0, "Camille"), (5, "Léa"), (10, "Sacha"), (15, "Dominique")]


def test_a_rise_of_what_is_taken_goes_to_who_has_it() -> None:
    night = Night(Level.JAUNE, "2026-01-15T14:00").turn(16).take("Léa").rise(Level.ROUGE).turn(120)
    assert night.told(CallKind.RISE) == [(16, "Léa")]
    assert [name for _, name in night.told()] == ["Camille", "Léa"]


def test_a_rise_after_nobody_answered_tells_all_once_more() -> None:
    night = Night(Level.ORANGE, "2026-01-15T14:00").turn(30).rise(Level.ROUGE).turn(60)
    assert [name for _, name in night.told(CallKind.RISE)] == ["Camille", "Léa", "Sacha", "Dominique"]
    assert [minute for minute, name in night.told(CallKind.UNANSWERED) if not name] == [20, 35]
    assert len({call.key for call in night.calls}) == len(night.calls)


def test_maintenance_holds_back_and_rouge_goes_through() -> None:
    stop = at("2026-01-15T15:00")
    desk = Desk(muted=(at("2026-01-15T13:00"), stop))
    assert Night(Level.ORANGE, "2026-01-15T14:00", desk).turn(240).told() == [
        (60, "Camille"), (65, "Léa"), (70, "Sacha"), (75, "Dominique"),
    ]  # fmt: skip
    assert Night(Level.ROUGE, "2026-01-15T14:00", desk).turn(240).told() == WALK[Level.ROUGE]


def test_a_window_that_opens_in_the_middle_stops_the_clock() -> None:
    desk = Desk(muted=(at("2026-01-15T14:03"), at("2026-01-15T14:20")))
    night = Night(Level.ORANGE, "2026-01-15T14:00", desk).turn(120)
    assert night.told() == [(0, "Camille"), (20, "Léa"), (25, "Sacha"), (30, "Dominique")]


def test_roles_that_are_called_at_once() -> None:
    def roles(level: Level) -> tuple[str, ...]:
        return (LEAD, DECIDER) if level is Level.ROUGE else ()

    night = Night(Level.ROUGE, "2026-01-15T14:00", ladder=Ladder(LADDER.rungs, ACK, roles)).turn(120)
    assert night.told() == [(0, "Camille"), (0, "Sacha"), (0, "Dominique"), (5, "Léa")]


def test_a_gap_costs_no_time_and_one_person_is_not_called_twice() -> None:
    rota = Rota({CM: RoleRota((), ("Léa",)), LEAD: RoleRota((Always(("Léa",)),)), DECIDER: STANDING.roles[DECIDER]})
    assert Night(Level.ORANGE, "2026-01-15T14:00", Desk(rota)).turn(60).told() == [(0, "Léa"), (5, "Dominique")]
    nobody = Night(Level.ORANGE, "2026-01-15T14:00", Desk(Rota({}))).turn(60)
    assert [(call.kind, call.person) for call in nobody.calls] == [(CallKind.UNANSWERED, "")]


def test_the_end_tells_those_who_were_called_and_a_second_wave_begins_anew() -> None:
    night = Night(Level.ORANGE, "2026-01-15T14:00").turn(6).end()
    assert [name for _, name in night.told(CallKind.OVER)] == ["Camille", "Léa"]
    night.turn(60).rise(Level.ORANGE).turn(60)
    assert [name for _, name in night.told()] == ["Camille", "Léa", "Camille", "Léa", "Sacha", "Dominique"]
    assert night.state.episode == 2
    assert len({call.key for call in night.calls}) == len(night.calls)


def test_every_state_can_be_left_but_for_the_better() -> None:
    for state in State:
        assert any(start is state for start, _ in TRANSITIONS), state
    assert (State.OVER, Event.TAKEN) not in TRANSITIONS
