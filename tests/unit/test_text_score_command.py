"""`vigie score`: lines in, lines out."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from detectors.text import load_scorer
from ops import cli
from ops.commands.score import LINE_BYTES_MAX, line_batches, render


def _read(*writes: bytes) -> list[str]:
    inlet, outlet = os.pipe()
    try:
        for data in writes:
            os.write(outlet, data)
        os.close(outlet)
        return [line for batch in line_batches(inlet) for line in batch]
    finally:
        os.close(inlet)


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"", []),
        (b"a\nb\n", ["a", "b"]),
        (b"a\nb", ["a", "b"]),
        (b"\n\n", ["", ""]),
        (b"a\rb\x0bc\n", ["a\rb\x0bc"]),
        ("a\u2028b\x85c\n".encode(), ["a\u2028b\x85c"]),
        (b"caf\xe9\n", ["caf\ufffd"]),
        (b"\x00\n", ["\x00"]),
    ],
)
def test_lines_end_at_newline_only(data: bytes, lines: list[str]) -> None:
    assert _read(data) == lines


def test_a_line_over_the_limit_is_cut_and_its_neighbours_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"a" * (LINE_BYTES_MAX * 3) + b"\nb\n"
    pieces: Iterator[bytes] = iter([data[i : i + 50_000] for i in range(0, len(data), 50_000)] + [b""])
    monkeypatch.setattr(os, "read", lambda descriptor, size: next(pieces))
    lines = [line for batch in line_batches(0) for line in batch]
    assert [len(line) for line in lines] == [LINE_BYTES_MAX, 1]


def test_rows_have_the_keys_in_order() -> None:
    rows = [
        json.loads(line) for line in render(load_scorer(), ["Encore en panne, c'est nul !", ""], lang="fr").splitlines()
    ]
    keys = ["lang", "table", "label", "uncertain", "negative", "sentiment", "categories", "urgency", "toxicity"]
    assert [list(row) for row in rows] == [keys] * 2
    assert rows[0]["label"] == "neg"
    assert "outage" in rows[0]["categories"]
    assert (rows[1]["label"], rows[1]["categories"], rows[1]["lang"]) == ("neu", [], "fr")
    assert all(0 <= row["negative"] <= 1 and -1 <= row["sentiment"] <= 1 for row in rows)


def _said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], *args: str
) -> bytes:
    given = tmp_path / "lines.txt"
    given.write_text("Une honte, toujours en panne\nMerci !\n", encoding="utf-8")
    with given.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "argv", ["vigie", "score", "--lang", "fr", *args])
        with contextlib.suppress(SystemExit):
            cli.main()
    return capfdbinary.readouterr().out


def test_explained_as_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    rows = [json.loads(line) for line in _said(monkeypatch, tmp_path, capfdbinary, "--explain").splitlines()]
    assert [row["label"] for row in rows] == ["neg", "pos"]
    assert "honte" in rows[0]["explain"]["words"]
    for row in rows:
        told = row["explain"]
        assert sum(push["by"] for push in told["pushes"]) == pytest.approx(told["log_odds"])


def test_explained_for_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    french = _said(monkeypatch, tmp_path, capfdbinary, "--explain", "--form", "text").decode()
    assert "négatif, P(négatif)" in french
    assert "le reste" in french
    english = _said(monkeypatch, tmp_path, capfdbinary, "--form", "text", "--ui", "en").decode()
    assert "negative, P(negative)" in english
    assert "the rest" not in english
