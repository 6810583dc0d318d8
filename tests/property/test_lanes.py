"""A stream in lanes says what one stream says, however fast each lane is read and wherever its mentions were scored."""

from __future__ import annotations

import random
from dataclasses import replace

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.match import Matcher
from engine.core.reader import Reader
from engine.core.watermark import Watermark
from engine.domain.batch import Batch, Progress, Scored
from streams.scored import Came, Taking, Word, encode_mention, encode_progress
from tests.infra.fakes import START_MS, Recorder, WordScorer, make_engine, storm

NOW_MS = START_MS + 400 * 86_400_000
LANES = ("m/0", "m/1", "m/2")


def dealt(mentions, seed):
    """To lanes, each in order, read in bursts of any length."""
    rng = random.Random(seed)
    lanes = {lane: [] for lane in LANES}
    for mention in mentions:
        lanes[rng.choice(LANES)].append(mention)
    waiting = {lane: list(its) for lane, its in lanes.items()}
    while any(waiting.values()):
        lane = rng.choice([lane for lane in LANES if waiting[lane]])
        n = rng.randrange(1, 400)
        yield lane, waiting[lane][:n]
        waiting[lane] = waiting[lane][n:]


def straight(mentions):
    recorder, engine = Recorder(), make_engine(lateness_s=300)
    recorder.apply(engine.step(Batch(mentions=tuple(mentions)), NOW_MS))
    return recorder


def kept(recorder):
    return {part: data for part, data in recorder.state.items() if not part.startswith("seen:") and part != "engine"}


def same(one, other):
    assert one.incidents == other.incidents
    assert list(one.alerts) == list(other.alerts)
    assert one.plans == other.plans
    assert kept(one) == kept(other)


def quiet():
    return tuple(Progress(lane, idle=True) for lane in LANES)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_speed_of_lanes_changes_nothing(seed):
    mentions = storm()
    recorder, engine = Recorder(), make_engine(lateness_s=300)
    recorder.apply(engine.step(Batch(all_lanes=LANES), NOW_MS))
    for lane, some in dealt(mentions, seed):
        recorder.apply(engine.step(Batch(mentions=tuple(some), lanes=(lane,) * len(some)), NOW_MS))
    for _ in range(2):
        recorder.apply(engine.step(Batch(progress=quiet()), NOW_MS))
    recorder.apply(engine.step(Batch(), NOW_MS))
    same(recorder, straight(mentions))
    assert ("late", ()) not in recorder.counts


class Scoring:
    """A score worker without Kafka: it may begin again at any offset that it has committed."""

    def __init__(self, lane, engine_config):
        self.lane, self.offset, self.reached_ms, self.after = lane, 0, 0, None
        self.committed = (0, 0)
        self._matcher, self._reader = (
            Matcher(engine_config.brands, open_brands=True),
            Reader(engine_config.brands, WordScorer()),
        )

    def write(self, mention):
        brands = self._matcher.brands(mention)
        scored = Scored(brands, *self._reader.read([(mention, brands, 0)])[0]) if brands else Scored(())
        raw = encode_mention(Came(self.lane, self.offset, self.after, self.reached_ms), mention, scored)
        self.after, self.offset = self.offset, self.offset + 1
        self.reached_ms = max(self.reached_ms, mention.created_at_ms)
        return raw

    def commit(self):
        self.committed = (self.offset, self.reached_ms)

    def begin_again(self):
        (self.offset, self.reached_ms), self.after = self.committed, None

    def word(self, idle):
        return Word(self.lane, self.offset - 1, self.after, self.reached_ms, idle)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_kills_and_failed_writes_on_the_way_change_nothing(seed):
    mentions, rng = storm(), random.Random(seed)
    recorder, engine = Recorder(), make_engine(lateness_s=300)
    config = engine._config
    lanes = {lane: [] for lane in LANES}
    for mention in mentions:
        lanes[rng.choice(LANES)].append(mention)
    workers = {lane: Scoring(lane, config) for lane in LANES}
    taking, all_lanes = Taking("scored/0"), LANES

    def step(raws):
        nonlocal all_lanes
        batch = taking.batch(raws, None, all_lanes)
        all_lanes = ()
        recorder.apply(engine.step(replace(batch, live=False), NOW_MS))

    while any(workers[lane].committed[0] < len(lanes[lane]) for lane in LANES):
        lane = rng.choice(LANES)
        worker = workers[lane]
        some = lanes[lane][worker.offset : worker.offset + rng.randrange(1, 300)]
        raws = [worker.write(mention) for mention in some]
        fate = rng.random()
        if fate < 0.2:  # killed: what was written may be there or not, in part, and nothing was committed
            step(raws[: rng.randrange(len(raws) + 1)])
            worker.begin_again()
        elif fate < 0.4 and raws:  # a write failed and a later one came through
            del raws[rng.randrange(len(raws))]
            step(raws)
            worker.begin_again()
        else:
            step([*raws, encode_progress([worker.word(False)], 0)])
            worker.commit()
    for _ in range(2):
        step([encode_progress([worker.word(True) for worker in workers.values()], 0)])
    step([])
    same(recorder, straight(mentions))
    assert {name: n for (name, *_), n in recorder.counts.items() if name in ("received", "late")} == {
        "received": len(mentions)
    }


def test_a_lane_that_nobody_has_heard_of_holds_time_back():
    watermark = Watermark(lateness_s=300, idle_s=60)
    watermark.expect(LANES)
    for lane in LANES[:2]:
        watermark.see(START_MS, lane)
    assert watermark.at_ms == 0
    watermark.hear([Progress("m/2", idle=True)], NOW_MS)
    assert watermark.at_ms == 0  # the word before says how far it may catch up, and there was none
    watermark.hear([Progress("m/2", idle=True)], NOW_MS)
    assert watermark.at_ms == START_MS - 300_000


def test_silence_counts_only_while_all_lanes_are_known_to_be_idle():
    watermark = Watermark(lateness_s=300, idle_s=60)
    watermark.expect(LANES)
    for lane in LANES:
        watermark.see(START_MS, lane)
    for s in range(200):
        watermark.tick(START_MS + s * 1000, arrived=False)
    assert watermark.at_ms == START_MS - 300_000
    for s in range(200, 400):
        watermark.hear(quiet(), START_MS + s * 1000)
        watermark.tick(START_MS + s * 1000, arrived=False)
    assert watermark.at_ms > START_MS - 300_000 + 100_000
    again = Watermark(lateness_s=300, idle_s=60)
    again.restore(orjson.loads(orjson.dumps(watermark.snapshot())))
    assert again.at_ms == watermark.at_ms


def test_how_late_is_told_by_the_lane_itself():
    watermark = Watermark(lateness_s=300, idle_s=60)
    watermark.expect(LANES)
    watermark.see(START_MS + 3_600_000, "m/0")
    assert watermark.at_ms == 0
    assert watermark.late_before_ms("m/0") == START_MS + 3_300_000
    assert watermark.late_before_ms("m/1") == 0
    assert watermark.late_before_ms("m/1", START_MS) == START_MS - 300_000
