"""The transformer backend: opened from a folder, bounded, and clear about what is wrong with one."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from detectors.text import load_scorer
from detectors.text.onnx_scorer import TOKENS_A_RUN_MAX, OnnxParams, _runs, load_onnx_scorer
from engine.domain.errors import ConfigError, InputError
from ops.app import make_scorer
from ops.cli import app
from ops.commands.doctor import examine
from ops.settings import parse_settings
from ops.watched import Text
from ops.yaml_file import parse_yaml
from tests.infra.tiny_onnx import make_folder

_TEXTS = [
    "Merci, service parfait !",
    "",
    "Encore en panne, c'est nul",
    "\ud800\x00",
    "panne " * 2_000,
    "🙂",
    "not perfect",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder(tmp_path_factory.mktemp("onnx"))


def test_the_tone_is_the_models_and_the_rest_the_tables(folder: Path) -> None:
    linear = load_scorer()
    told = load_onnx_scorer(OnnxParams(folder), linear).score_many(_TEXTS, [None] * len(_TEXTS))
    plain = linear.score_many(_TEXTS, [None] * len(_TEXTS))
    assert (told.labels[0], told.labels[1], told.labels[2], told.labels[3]) == ("pos", "neu", "neg", "neu")
    assert told.tables == ("onnx",) * len(_TEXTS)
    assert (told.langs, told.categories) == (plain.langs, plain.categories)
    assert told.urgency.tobytes() == plain.urgency.tobytes()


def test_texts_read_together_are_read_alike(folder: Path) -> None:
    one, many = (load_onnx_scorer(OnnxParams(folder, texts_a_run=n), load_scorer()) for n in (1, 64))
    langs = [None] * len(_TEXTS)
    alone, together = one.score_many(_TEXTS, langs), many.score_many(_TEXTS, langs)
    assert np.allclose(alone.probabilities, together.probabilities, atol=1e-5)


def test_a_run_is_bounded_in_texts_and_in_tokens() -> None:
    lengths = [256] * 100 + [3] * 100
    runs = list(_runs(list(range(200)), lengths, 64))
    assert sorted(row for run in runs for row in run) == list(range(200))
    assert max(map(len, runs)) <= 64
    assert max(len(run) * max(lengths[i] for i in run) for run in runs) <= TOKENS_A_RUN_MAX
    widths = [[lengths[i] for i in run] for run in runs]
    assert [w for run in widths for w in run] == sorted(lengths)


def test_a_long_text_is_cut_at_the_models_positions(folder: Path) -> None:
    scorer = load_onnx_scorer(OnnxParams(folder), load_scorer())
    assert len(scorer._encode("merci " * 100_000)) == 128
    assert len(scorer._encode("é" * 1_000_000)) <= 128


def test_a_model_that_asks_for_token_types_gets_them(tmp_path: Path) -> None:
    scorer = load_onnx_scorer(OnnxParams(make_folder(tmp_path, types=True), threads=2), load_scorer())
    assert scorer.score_many(["merci"], ["fr"]).labels == ("pos",)


def _break(folder: Path, what: str) -> Path:
    if what == "file":
        (folder / "tokenizer.json").unlink()
    elif what == "model":
        (folder / "model.onnx").write_bytes(b"this is no model")
    elif what == "tokenizer":
        (folder / "tokenizer.json").write_text("{}")
    elif what == "config":
        (folder / "config.json").write_text("{")
    elif what == "labels":
        (folder / "config.json").write_text(json.dumps({"id2label": {"0": "LABEL_0", "1": "LABEL_1", "2": "LABEL_2"}}))
    elif what == "two":
        (folder / "config.json").write_text(json.dumps({"id2label": {"0": "NEGATIVE", "1": "POSITIVE"}}))
    else:
        make_folder(folder, outputs=4)
    return folder


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("file", "has no tokenizer.json"),
        ("model", "can't be opened"),
        ("tokenizer", "can't be opened"),
        ("config", "can't be read as JSON"),
        ("labels", "must name 0, 1 and 2 negative, neutral and positive"),
        ("two", "0: NEGATIVE, 1: POSITIVE"),
        ("shape", r"shape \(1, 4\); \(1, 3\) is needed"),
    ],
)
def test_a_broken_folder_is_one_clear_line(tmp_path: Path, what: str, words: str) -> None:
    folder = _break(make_folder(tmp_path), what)
    with pytest.raises(ConfigError, match=words) as caught:
        load_onnx_scorer(OnnxParams(folder), load_scorer())
    assert "\n" not in str(caught.value)
    assert "text.model_dir" in str(caught.value)


def test_without_the_packages_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"onnxruntime is not installed: pip install 'vigie\[onnx\]'"):
        load_onnx_scorer(OnnxParams(folder), load_scorer())


def test_the_settings_choose_it(folder: Path) -> None:
    read = parse_yaml(f"text: {{backend: onnx, model_dir: {folder}, langs: [de]}}".encode(), "v.yaml")
    settings = parse_settings(read, folder, {})
    scores = make_scorer(settings.text).score_many(["Wann kommt mein Paket endlich bei mir zu Hause an?"], [None])
    assert (scores.langs, scores.tables) == (("de",), ("onnx",))
    assert make_scorer(Text()).score_many(["Merci"], ["fr"]).tables == ("fr",)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("text: {backend: onnx}", "v.yaml:1:8: text.backend: backend onnx needs model_dir"),
        ("text: {model_dir: here}", "text.model_dir: model_dir is for the backend onnx"),
        ("text: {backend: transformer}", "'linear' or 'onnx'"),
        ("text: {langs: [deutsch]}", "'deutsch' is no language that can be told"),
        ("text: {backend: onnx, model_dir: x, threads: 0}", "text.threads"),
    ],
)
def test_mistakes_in_the_settings_are_one_line(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings(parse_yaml(text.encode(), "v.yaml"), tmp_path, {})
    assert words in str(caught.value)


def test_check_and_doctor_show_it(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "v.yaml"
    path.write_text(f"text: {{backend: onnx, model_dir: {folder}, threads: 2}}\n")
    done = CliRunner().invoke(app, ["check", "-c", str(path)])
    assert done.exit_code == 0, done.output
    assert f"transformer in {folder}, 2 threads, 1 text a run" in done.output
    found = {finding.name: finding for finding in examine(path)}
    assert found["text onnx"].mark == "ok"
    path.write_text("text: {backend: onnx, model_dir: nowhere}\n")
    done = CliRunner().invoke(app, ["check", "-c", str(path)])
    assert "nowhere has no model.onnx" in str(done.exception)
    assert {f.name: f for f in examine(path)}["text onnx"].mark == "fail"


def test_score_takes_it(folder: Path) -> None:
    from ops.commands.score import _scorer, render

    row = json.loads(render(_scorer("onnx", folder), ["Merci, parfait"], lang=None))
    assert (row["table"], row["label"]) == ("onnx", "pos")
    for backend, place in (("onnx", None), ("linear", folder), ("torch", None)):
        with pytest.raises(InputError, match="--backend"):
            _scorer(backend, place)


def test_nothing_of_it_is_loaded_unless_asked_for() -> None:
    code = "import sys, ops.app; ops.app.make_scorer(ops.app.LINEAR); print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {"onnx", "onnxruntime", "tokenizers", "detectors.text.onnx_scorer"} & set(loaded) == set()
