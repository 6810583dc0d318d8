"""Choosing a detector and its parameters: in settings, on the command line, over a stored state."""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from detectors.params import ParamError, flat, read_params
from detectors.table import DETECTORS, SETTABLE, detector_maker
from engine.domain.batch import Batch
from engine.domain.errors import ConfigError, InputError
from engine.domain.series import BinCount, WarmingUp
from ops.app import brand_detectors, detector_choices, engine_config, open_engine
from ops.cli import app
from ops.commands.detect import detect
from ops.settings import load_settings
from ops.store.store import Store
from tests.infra.fakes import mention


def told(tmp_path: Path, text: str) -> str:
    path = tmp_path / "vigie.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    message = str(caught.value)
    assert "\n" not in message
    return message.removeprefix(f"{path}:")


def test_every_detector_says_what_may_be_set_of_it() -> None:
    assert set(SETTABLE) == set(DETECTORS)
    for name, settable in SETTABLE.items():
        for field, limits in settable.ranges.items():
            assert limits.least <= attrgetter(field)(settable.defaults) <= limits.most, (name, field)
        assert dataclasses.is_dataclass(settable.defaults)
        assert settable.check(settable.defaults) is None


@pytest.mark.parametrize("name", sorted(SETTABLE))
def test_every_parameter_can_be_set_within_its_range(name: str) -> None:
    settable = SETTABLE[name]
    for field, limits in settable.ranges.items():
        default = attrgetter(field)(settable.defaults)
        for value in (limits.least, limits.most):
            text = str(int(value) if isinstance(default, int) else value)
            alone = settable._replace(check=lambda params: None)  # whether they fit together is another question
            params = read_params(alone, {field: text})
            assert attrgetter(field)(params) == value
            if settable.check(params) is not None:
                continue
            DETECTORS[name](params, bin_s=300, false_alarms_per_week=0.25).step(BinCount(0, 300, 1.0, 2.0))
        for wrong in (limits.least - 1, limits.most * 2 + 1, "nan", "inf", "", "many", "1_0", True, None, [1]):
            with pytest.raises(ParamError) as caught:
                read_params(settable, {field: wrong})
            assert caught.value.name == field
            assert "wanted" in str(caught.value)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("detection: {detector: river/HalfSpaceTree}", "1:13: detection.detector: there is no detector "
         "'river/HalfSpaceTree'; did you mean 'river/HalfSpaceTrees'?"),
        ("detection:\n  detector: river/HalfSpaceTrees\n  detector_params:\n    n_tree: 5\n",
         "4:5: detection.detector_params.n_tree: unknown parameter; did you mean 'n_trees'?"),
        ("detection:\n  detector: river/HalfSpaceTrees\n  detector_params:\n    tail: {level: high}\n",
         "4:12: detection.detector_params.tail.level: 'high' is not a number; wanted a number from -20 to 50"),
        ("detection:\n  detector_params: {tide_part: 0.9, rate_part: 0.5}\n",
         "2:3: detection.detector_params: tide_part 0.9 and rate_part 0.5 leave nothing to the share; lower one"),
        ("detection:\n  detector_params: {n_trees: 5}\n", "2:21: detection.detector_params.n_trees: unknown parameter"),
        ("detection:\n  detector: river/HalfSpaceTrees\n  detector_params: {n_trees: 2.5}\n",
         "3:21: detection.detector_params.n_trees: '2.5' is not a whole number; wanted a whole number from 1 to 200"),
        ("brands:\n  - name: Lumeo\n    detector_params: {n_trees: 5}\n",
         "3:5: brands[0].detector_params: detector_params without a detector of its own"),
        ("brands:\n  - name: Lumeo\n    detector: river/Gaussian\n", "3:5: brands[0].detector: there is no detector"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(tmp_path: Path, lines: str, says: str) -> None:
    assert told(tmp_path, lines).startswith(says)


SETTINGS = """
database: {database}
brands:
  - name: Nordalia
  - name: Lumeo
    detector: river/HalfSpaceTrees
    detector_params: {{n_trees: 3, tail: {{level: 5}}}}
detection:
  detector: {detector}
"""


def test_a_brand_may_have_a_detector_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "vigie.yaml"
    path.write_text(SETTINGS.format(database=tmp_path / "v.db", detector="river/GaussianScorer"), encoding="utf-8")
    settings = load_settings(path)
    config = engine_config(settings)
    make = brand_detectors(config, detector_choices(settings))
    kinds = [make(brand).snapshot()["kind"] for brand in config.brands]
    assert kinds == ["river/GaussianScorer", "river/HalfSpaceTrees"]
    shown = CliRunner().invoke(app, ["check", "-c", str(path)]).output
    assert "river/GaussianScorer, bins of 300 s" in shown
    assert "Lumeo: river/HalfSpaceTrees (n_trees 3, tail.level 5)" in shown


def test_a_brand_given_another_detector_warms_up_again(tmp_path: Path) -> None:
    path = tmp_path / "vigie.yaml"
    database = tmp_path / "v.db"
    stored = None
    for day, detector in enumerate(("vigie", "river/GaussianScorer", "vigie")):
        path.write_text(SETTINGS.format(database=database, detector=detector), encoding="utf-8")
        settings = load_settings(path)
        with Store.open(settings.database) as store:
            engine = open_engine(settings, store)
            if stored is not None:
                kind = stored["brand:0:Nordalia"]["detector"].get("kind", "vigie")
                assert kind != detector
            store.apply(engine.step(day_of("Nordalia", day), 1_767_800_000_000))
            stored = store.load_state()
            assert stored["brand:0:Nordalia"]["detector"].get("kind", "vigie") == detector


def day_of(brand: str, day: int) -> Batch:
    minutes = range(day * 1_440, (day + 1) * 1_440, 7)
    return Batch(tuple(mention(m, text="Encore une panne", brand=brand) for m in minutes), end=True)


COUNTS = "timestamp,series,negatives,total\n" + "".join(
    f"2026-03-{1 + i // 288:02d}T{i // 12 % 24:02d}:{5 * i % 60:02d}:00Z,Lumeo,{i % 3 + (60 if i == 900 else 0)},"
    f"{9 + (60 if i == 900 else 0)}\n"
    for i in range(1_000)
)


def test_detect_takes_any_detector_and_its_parameters(tmp_path: Path) -> None:
    counts, out = tmp_path / "counts.csv", tmp_path / "out.csv"
    counts.write_text(COUNTS)
    answers = set()
    for detector, param in (
        *((name, []) for name in DETECTORS), ("river/HalfSpaceTrees", ["n_trees=3", "tail.level=9"]),
    ):  # fmt: skip
        detect(counts, "negatives", out, "total", 0.25, detector, param)
        rows = out.read_text().splitlines()
        assert len(rows) == 1_001
        answers.add(out.read_bytes())
    assert len(answers) == len(DETECTORS) + 1


@pytest.mark.parametrize(
    ("detector", "param", "says"),
    [
        ("HalfSpaceTrees", [], "--detector: there is no detector 'HalfSpaceTrees'; did you mean 'river/HalfSpaceTr"),
        ("zzz", [], "--detector: there is no detector 'zzz'; there are: vigie, "),
        ("vigie", ["tide_part"], "--param tide_part: write KEY=VALUE"),
        ("vigie", ["=1"], "--param =1: write KEY=VALUE"),
        ("vigie", ["tide_part=0.5", "tide_part=0.6"], "--param tide_part: given twice"),
        ("vigie", ["tide_prt=0.5"], "--param tide_prt: unknown parameter; did you mean 'tide_part'?"),
        ("vigie", ["warm_up_s=60"], "--param warm_up_s: 60 is out of range; wanted a whole number from 86400 to 24192"),
        ("river/HalfSpaceTrees", ["n_trees=200", "height=14"], "--param: 200 trees of height 14 are 6553600 nodes"),
    ],
)  # fmt: skip
def test_detect_tells_a_mistake_before_it_reads(tmp_path: Path, detector: str, param: list[str], says: str) -> None:
    with pytest.raises(InputError) as caught:
        detect(tmp_path / "absent.csv", "negatives", tmp_path / "out.csv", None, 0.25, detector, param)
    assert str(caught.value).startswith(says)


def test_names_of_nested_parameters_and_defaults() -> None:
    assert dict(flat({"a": {"b": {"c": 1}}, "d": 2})) == {"a.b.c": 1, "d": 2}
    made = detector_maker("vigie")(bin_s=300, false_alarms_per_week=0.25)
    assert isinstance(made.step(BinCount(0, 300, 1.0, 2.0)), WarmingUp)
