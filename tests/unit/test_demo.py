"""The demonstration: its stream, its pace, its screens."""

from __future__ import annotations

import io
import re
from collections import Counter
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console
from typer.testing import CliRunner

from detectors.text import load_scorer
from engine.domain.incident import AlertKind, Level, Phase
from engine.domain.mention import SOURCES
from ops.cli import app
from ops.commands import demo as command
from ops.demo.run import Clock, Pace, frames, play_live
from ops.demo.scenario import HOUR_MS, MINUTE_MS, load_texts, marks, mentions
from ops.demo.screen import Screen
from ops.demo.script import ACTS, WORDS
from ops.demo.show import Show

LANGS = ("fr", "en")
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("lang", LANGS)
def test_there_are_enough_texts_and_no_two_are_alike(lang: str) -> None:
    texts = {section: [text for _, text in lines] for section, lines in load_texts(lang).items()}
    assert len(texts["calm"]) >= 60
    crisis = [text for section in ("first", "storm", "long", "voice", "press") for text in texts[section]]
    assert len(crisis) >= 60
    everything = [re.sub(r"\W+", " ", text).lower() for lines in texts.values() for text in lines]
    assert len(set(everything)) == len(everything)
    openings = Counter(" ".join(text.split()[:4]) for text in everything)
    assert openings.most_common(1)[0][1] <= 3
    assert all(set(kept) <= set(SOURCES) for lines in load_texts(lang).values() for kept, _ in lines)


@pytest.mark.parametrize("lang", LANGS)
def test_the_stream_is_seeded_sorted_and_unscored(lang: str) -> None:
    stream, when = mentions(lang), marks(lang)
    assert stream == mentions(lang)
    assert stream != mentions(lang, seed=1)
    times = [mention.created_at_ms for mention in stream]
    assert times == sorted(times)
    assert len({mention.id for mention in stream}) == len(stream)
    assert {mention.sentiment for mention in stream} == {None}
    assert not any(re.search(r"[{}|]", mention.text) for mention in stream)
    assert when.onset_ms - times[0] > 26 * HOUR_MS
    assert len({mention.source for mention in stream}) >= 6


@pytest.mark.parametrize("lang", LANGS)
def test_days_differ_from_nights_and_the_storm_from_days(lang: str) -> None:
    stream, when = mentions(lang), marks(lang)

    def count(from_ms: int, to_ms: int) -> int:
        return sum(from_ms <= mention.created_at_ms < to_ms for mention in stream)

    midnight_ms = when.onset_ms - 18 * HOUR_MS - 40 * MINUTE_MS
    night = count(midnight_ms + HOUR_MS, midnight_ms + 5 * HOUR_MS)
    day = count(midnight_ms + 10 * HOUR_MS, midnight_ms + 14 * HOUR_MS)
    first = count(when.onset_ms, when.onset_ms + 30 * MINUTE_MS)
    peak = count(when.statement_ms - 30 * MINUTE_MS, when.statement_ms)
    after = count(when.statement_ms + 100 * MINUTE_MS, when.statement_ms + 130 * MINUTE_MS)
    assert day > 5 * night > 0
    assert 15 < first < peak / 3
    assert peak > 4 * after
    storm = [mention for mention in stream if when.onset_ms <= mention.created_at_ms < when.statement_ms]
    assert len({mention.author_id for mention in storm}) > 0.7 * len(storm)
    assert len({mention.text for mention in storm}) > 0.6 * len(storm)
    assert max(mention.author_followers for mention in storm) > 100_000
    assert sum(mention.source == "news" for mention in storm) == 1


@pytest.mark.parametrize("lang", LANGS)
def test_the_text_model_reads_the_storm_as_negative_and_the_calm_mostly_not(lang: str) -> None:
    stream, when = mentions(lang), marks(lang)
    scores = load_scorer((lang,)).score_many([m.text for m in stream], [lang] * len(stream))
    labels = list(zip(stream, scores.labels, strict=True))
    calm = [label for mention, label in labels if mention.created_at_ms < when.onset_ms]
    storm = [label for mention, label in labels if when.voice_ms <= mention.created_at_ms < when.statement_ms]
    assert calm.count("neg") < 0.4 * len(calm)
    assert storm.count("neg") > 0.7 * len(storm)


def test_both_languages_have_the_same_words_and_acts() -> None:
    assert set(WORDS["fr"]) == set(WORDS["en"])
    assert [(act.name, act.after_min, act.done) for act in ACTS["fr"]] == [
        (act.name, act.after_min, act.done) for act in ACTS["en"]
    ]


class FakeClock:
    """Time passes only by sleeping; `lag_s` is lost at every look."""

    def __init__(self, lag_s: float = 0.0) -> None:
        self.now_s, self.lag_s = 0.0, lag_s

    def look(self) -> float:
        self.now_s += self.lag_s
        return self.now_s

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now_s += seconds

    @property
    def clock(self) -> Clock:
        return Clock(self.look, self.sleep)


@pytest.mark.parametrize("speed", [1.0, 10.0])
def test_the_frames_take_their_time_and_reach_the_end(speed: float) -> None:
    fake, when = FakeClock(), marks("fr")
    pace = Pace(fake.clock, speed)
    times = []
    for at_ms, wall_s in frames(when):
        pace.spend(wall_s)
        times.append(at_ms)
        if at_ms == when.statement_ms:
            assert 20 < fake.now_s * speed < 26
    assert times == sorted(set(times))
    assert times[-1] == when.end_ms
    assert 30 < fake.now_s * speed < 45  # the moments to read take the rest of the minute


def test_a_slow_machine_catches_up() -> None:
    fake = FakeClock()
    pace = Pace(fake.clock, 1.0)
    fake.now_s += 5.0
    pace.spend(1.0)
    assert pace.is_late
    pace.spend(6.0)
    assert not pace.is_late
    assert fake.now_s == 7.0


def rendered(screen: Screen, width: int, height: int) -> list[str]:
    console = Console(force_terminal=True, color_system=None, width=width, height=height, file=io.StringIO())
    console.print(screen)
    return console.file.getvalue().rstrip("\n").split("\n")  # type: ignore[attr-defined]


SIZES = ((140, 40), (120, 36), (100, 30), (80, 24), (60, 16))


@pytest.fixture(scope="module")
def shots() -> dict[str, dict[int, list[str]]]:
    """The English screen at each key moment, by width."""
    found: dict[str, dict[int, list[str]]] = {}
    with Show("en") as show:
        screen = Screen(show)
        for to_ms, _ in frames(show.marks):
            moments = show.advance(to_ms)
            screen.take(moments)
            for moment in moments:
                kind = moment.raised.alert.kind.value if moment.raised else moment.kind
                found[kind] = {width: rendered(screen, width, height) for width, height in SIZES}
            if show.over:
                break
        assert show.incident is not None
        assert show.incident.phase is Phase.RESOLVED
        assert show.incident.level_max >= Level.ORANGE
        assert show.incident.exercise
        assert show.incident.acked_by == "Claire, CM on call"
        kinds = [raised.alert.kind for raised in show.alerts]
        assert kinds[0] is AlertKind.OPENED
        assert kinds[-2:] == [AlertKind.CONTAINED, AlertKind.RESOLVED]
        opened_ms = show.incident.opened_at_ms
        assert show.marks.onset_ms < opened_ms < show.marks.press_ms
    return found


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_screen_fills_its_terminal_and_spills_nowhere(
    shots: dict[str, dict[int, list[str]]], width: int, height: int
) -> None:
    assert {"learnt", "opened", "people", "fact", "contained", "resolved"} <= set(shots)
    for kind, by_width in shots.items():
        lines = by_width[width]
        assert len(lines) == height, kind
        assert max(cell_len(line) for line in lines) <= width, kind
        assert "DEMONSTRATION" in lines[0], kind


def test_the_screens_show_what_matters(shots: dict[str, dict[int, list[str]]]) -> None:
    opened = "\n".join(shots["opened"][140])
    assert "DO NOW: acknowledge" in opened
    assert "EXERCICE / EXERCISE" in opened
    fact = "\n".join(shots["fact"][140])
    assert "position ready to read over" in fact
    assert "an equipment" in fact
    people = "\n".join(shots["people"][140])
    assert "Claire, CM on call" in people
    assert "✓" in people


def test_the_live_play_takes_about_a_minute_and_leaves_a_summary() -> None:
    fake = FakeClock(lag_s=0.06)  # so slow a terminal that it draws the key moments only
    console = Console(force_terminal=True, width=100, height=30, file=io.StringIO())
    play_live("fr", 1.0, fake.clock, console)
    assert 50 < fake.now_s < 75
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "vigie replay mentions.ndjson" in shown.split("\x1b[?1049l")[-1]


def test_ctrl_c_ends_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "_play", interrupted)
    done = CliRunner().invoke(app, ["demo"])
    assert (done.exit_code, done.output) == (0, "Démonstration interrompue.\n")


@pytest.mark.parametrize(
    ("options", "says"),
    [(["--lang", "de"], "--lang de: there are fr and en"), (["--speed", "0"], "--speed 0: give a number above 0")],
)
def test_bad_options_are_told_in_one_line(options: list[str], says: str) -> None:
    done = CliRunner().invoke(app, ["demo", *options])
    assert done.exit_code != 0
    assert str(done.exception).startswith(says)


def test_the_picture_asks_nobody_for_anything() -> None:
    svg = (ROOT / "docs" / "images" / "demo.svg").read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"'<]+", svg)) <= {"http://www.w3.org/2000/svg"}
    assert "@font-face" not in svg
    assert "DÉMONSTRATION" in svg
