"""Provisional alerts: told ahead of the watermark, then confirmed or withdrawn."""

from __future__ import annotations

import orjson
import pytest

from engine.domain.batch import Batch
from engine.domain.config import PlannedEvent
from engine.domain.effects import AlertRaised, Counted, IncidentSaved
from engine.domain.incident import AlertKind, Phase, Standing
from engine.domain.series import Reading, SignalReading
from tests.infra.fakes import MINUTE_MS, START_MS, Recorder, make_engine, mention, storm


def live(engine, mentions, recorder=None, minutes=1.0):
    """Play mentions as they come, one batch every so many minutes; each effect with the minute in which it came."""
    recorder = recorder or Recorder()
    told = []
    for n in range(round(max(m.created_at_ms for m in mentions) - START_MS) // round(minutes * MINUTE_MS) + 1):
        begin, end = (START_MS + round(k * minutes * MINUTE_MS) for k in (n, n + 1))
        due = tuple(m for m in mentions if begin <= m.created_at_ms < end)
        effects = engine.step(Batch(mentions=due, live=True), end)
        recorder.apply(effects)
        told += [(round((n + 1) * minutes), e.alert) for e in effects if isinstance(e, AlertRaised)]
    return recorder, told


def outcomes(recorder):
    return {labels[0]: n for (name, labels), n in recorder.counts.items() if name == "provisional_alerts"}


def test_it_is_told_at_once_and_confirmed_by_the_final_one_under_the_same_key():
    recorder, told = live(make_engine(provisional=True), storm())
    (first_min, first), (then_min, then), *others = told
    assert (first.standing, then.standing) == (Standing.PROVISIONAL, Standing.CONFIRMED)
    assert (first_min, then_min) == (61, 67)  # five minutes of lateness earlier
    assert first.key == then.key
    assert first.delivery_key != then.delivery_key == then.key
    assert first.kind is then.kind is AlertKind.OPENED
    assert first.incident.id == then.incident.id == then.early_id
    assert first.incident.evidence.observed == 8.0
    assert all(alert.standing is Standing.FINAL for _, alert in others)
    assert outcomes(recorder) == {"raised": 1, "confirmed": 1}


def test_a_provisional_alert_records_nothing():
    engine = make_engine(provisional=True)
    mentions = [m for m in storm() if m.created_at_ms < START_MS + 61 * MINUTE_MS]
    recorder, told = live(engine, mentions)
    assert [alert.standing for _, alert in told] == [Standing.PROVISIONAL]
    assert not [e for e in recorder.effects if isinstance(e, IncidentSaved)]


@pytest.mark.parametrize("provisional", [True, False])
def test_what_is_recorded_is_the_same_with_and_without(provisional):
    early, _ = live(make_engine(provisional=provisional), storm())
    replayed = Recorder()
    replayed.apply(make_engine().step(Batch(mentions=tuple(storm())), START_MS + 10**10))
    for minute in range(121, 130):
        replayed.apply(make_engine().step(Batch(), START_MS + minute * MINUTE_MS))
    assert early.incidents == replayed.incidents
    assert early.plans == replayed.plans
    assert [k for k in early.alerts if "~" not in k] == list(replayed.alerts)


def test_there_is_none_in_a_replay_and_none_where_it_is_turned_off():
    for engine, is_live in ((make_engine(provisional=True), False), (make_engine(), True)):
        recorder = Recorder()
        for m in storm():
            recorder.apply(engine.step(Batch(mentions=(m,), live=is_live), m.created_at_ms))
        assert not [a for a in recorder.alerts.values() if a.alert.standing is not Standing.FINAL]
        assert outcomes(recorder) == {}


class Majority:
    """Alarms where at least 5 and most of a bin's mentions are negative: others may come late and undo it."""

    def __init__(self):
        self.asked = 0

    def step(self, x):
        self.asked += 1
        alarm = x.negatives >= 5 and x.negatives > 0.5 * (x.total or 0)
        test = SignalReading("share", 1.0 if alarm else -3.0, alarm, alarm, x.negatives, 0.2 * x.lift, x.start_s)
        return Reading((test,), 0.2 * x.lift, test.surprise, alarm, alarm)

    def snapshot(self):
        return {}

    def restore(self, snapshot): ...


def undone(at=60):
    """Eight angry ones in a minute, and two minutes later twenty happy ones of that same minute."""
    angry = [mention(at + k / 100, k + 1, f"panne {k}") for k in range(8)]
    happy = [mention(at + 0.5 + k / 100, k + 100, f"Bravo {k}") for k in range(20)]
    return angry, happy


def majority_engine(made, **settings):
    engine = make_engine(provisional=True, **settings)

    def make(_brand):
        made.append(Majority())
        return made[-1]

    engine._make_detector = make
    return engine


def play_undone(engine, recorder, minutes, *, angry=(), happy=()):
    for minute in minutes:
        now_ms = START_MS + (minute + 1) * MINUTE_MS
        due = (mention(minute, 0, f"Calme {minute}"), *angry, *happy)
        angry = happy = ()
        recorder.apply(engine.step(Batch(mentions=tuple(due), live=True), now_ms))


def test_it_is_withdrawn_when_its_bins_have_closed_without_an_alarm():
    recorder, engine = Recorder(), majority_engine([])
    angry, happy = undone()
    play_undone(engine, recorder, range(60))
    play_undone(engine, recorder, range(60, 62), angry=angry)
    play_undone(engine, recorder, range(62, 80), happy=happy)
    early, withdrawn = [raised.alert for raised in recorder.alerts.values()]
    assert (early.standing, withdrawn.standing) == (Standing.PROVISIONAL, Standing.WITHDRAWN)
    assert withdrawn.key == early.key
    assert withdrawn.incident.id == early.incident.id
    assert withdrawn.incident.phase is Phase.FALSE_ALARM
    assert withdrawn.incident.level == early.incident.level
    assert withdrawn.at_ms == START_MS + 61 * MINUTE_MS
    assert not recorder.incidents
    assert outcomes(recorder) == {"raised": 1, "withdrawn": 1}


def test_after_a_withdrawal_none_is_told_early_within_the_hour_and_the_next_has_another_delivery_key():
    recorder, engine = Recorder(), majority_engine([])
    for at in (60, 90, 150):
        angry, happy = undone(at)
        play_undone(engine, recorder, range(at - 28, at))
        play_undone(engine, recorder, range(at, at + 2), angry=angry)
        play_undone(engine, recorder, range(at + 2, at + 20), happy=happy)
    standings = [raised.alert.standing.value for raised in recorder.alerts.values()]
    assert standings == ["provisional", "withdrawn", "provisional", "withdrawn"]
    assert len({raised.alert.key for raised in recorder.alerts.values()}) == 1
    assert not recorder.incidents


def test_a_true_opening_after_a_withdrawal_pages_as_any_other():
    recorder, engine = Recorder(), majority_engine([])
    angry, happy = undone()
    play_undone(engine, recorder, range(60))
    play_undone(engine, recorder, range(60, 62), angry=angry)
    play_undone(engine, recorder, range(62, 80), happy=happy)
    play_undone(engine, recorder, range(80, 95), angry=undone(80)[0])
    last = list(recorder.alerts.values())[2].alert
    assert (last.standing, last.kind) == (Standing.FINAL, AlertKind.OPENED)
    assert last.key == next(iter(recorder.alerts.values())).alert.key


def test_a_second_wave_is_told_early_too():
    engine = make_engine(provisional=True)
    first = storm(minutes=70, lasts=5)
    again = [mention(2_000 + k / 100, k + 1, f"panne {k}") for k in range(8)]
    quiet = [mention(i, 0, f"Rien {i}") for i in range(70, 2_010)]
    recorder, told = live(engine, [*first, *quiet, *again], minutes=1.0)
    reopened = [alert for _, alert in told if alert.kind is AlertKind.REOPENED]
    assert [alert.standing for alert in reopened] == [Standing.PROVISIONAL, Standing.CONFIRMED]
    assert len({alert.key for alert in reopened}) == 1
    assert outcomes(recorder) == {"raised": 2, "confirmed": 2}


def test_what_was_told_survives_a_restart():
    mentions = storm()
    whole, _ = live(make_engine(provisional=True), mentions)
    for cut in range(58, 72):
        before = [m for m in mentions if m.created_at_ms < START_MS + cut * MINUTE_MS]
        after = [m for m in mentions if m.created_at_ms >= START_MS + cut * MINUTE_MS]
        recorder, _ = live(make_engine(provisional=True), before)
        engine = make_engine(provisional=True)
        stored = {part: orjson.loads(orjson.dumps(data)) for part, data in recorder.state.items()}
        engine.restore(stored, recorder.incidents, recorder.plans)
        for minute in range(cut, 120):
            begin = START_MS + minute * MINUTE_MS
            due = tuple(m for m in after if begin <= m.created_at_ms < begin + MINUTE_MS)
            recorder.apply(engine.step(Batch(mentions=due, live=True), begin + MINUTE_MS))
        assert list(recorder.alerts) == list(whole.alerts)
        assert [a.alert.standing for a in recorder.alerts.values()] == [a.alert.standing for a in whole.alerts.values()]
        assert recorder.incidents == whole.incidents


def test_calm_brands_cost_no_detector_call():
    made: list[Majority] = []
    play_undone(majority_engine(made), Recorder(), range(300))
    assert len(made) == 1


def test_within_a_planned_event_it_takes_more_to_ask():
    made: list[Majority] = []
    event = PlannedEvent("Soldes d'hiver", (), START_MS // 1000, START_MS // 1000 + 86_400, 40.0)
    angry = undone()[0]
    recorder, engine = Recorder(), majority_engine(made, events=(event,))
    play_undone(engine, recorder, range(60))
    play_undone(engine, recorder, range(60, 80), angry=angry)
    assert len(made) == 1
    (opened,) = recorder.incidents.values()
    assert any("«\u00a0Soldes d'hiver\u00a0»" in reason for reason in opened.levels[0].reasons)
    assert "Soldes d'hiver" in opened.timeline[0].text


def test_counts_are_effects():
    recorder, _ = live(make_engine(provisional=True), storm())
    assert Counted("provisional_alerts", ("raised",), 1) in recorder.effects


def test_to_look_ahead_changes_nothing_of_what_is_closed():
    """The open bins stand in another ten minutes than the last closed one, with bins between them that hold nothing."""
    mentions = [m for m in storm(at=63) if "panne" in m.text or (m.created_at_ms - START_MS) % (10 * MINUTE_MS) == 0]
    states = []
    for provisional in (True, False):
        recorder, _ = live(make_engine(provisional=provisional), mentions)
        states.append({
            part: {k: v for k, v in data.items() if k != "early"} for part, data in recorder.state.items()
            if not part.startswith(("seen:", "engine"))
        })  # fmt: skip
    assert states[0] == states[1]
