"""Storms on real backgrounds: what the default detector finds, and what it costs. Bounds are looser than measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ops.commands.detect import detect

pytestmark = pytest.mark.data

COMPANIES = "AAPL,AMZN,CRM,CVS,FB"


def tool(shared: Path, *arguments: str) -> str:
    command = [sys.executable, str(shared / "tools" / "storms.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_storms_are_found_early_and_the_budget_holds(shared: Path, tmp_path: Path) -> None:
    made = tmp_path / "S"
    data = str(shared / "data" / "nab_tweets")
    tool(shared, "make", "--data", data, "--series", COMPANIES, "--out", str(made), "--copies", "2")
    detect(made / "counts.csv", "negatives", tmp_path / "d.csv", "total", 0.25)
    report = json.loads(tool(shared, "score", "--out", str(made), "--detections", str(tmp_path / "d.csv"), "--json"))
    assert 0.02 <= report["fa_per_week"] <= 0.35, report
    assert report["precision"] >= 0.75, report
    for kind, recall, delay_min in (
        ("growth3", 0.85, 35),
        ("growth10", 0.9, 15),
        ("step3", 0.9, 10),
        ("growth1", 0.7, 60),
        ("slow", 0.9, 110),
    ):
        assert report[kind]["recall"] >= recall, (kind, report)
        assert report[kind]["median_delay_min"] <= delay_min, (kind, report)


def test_spikes_of_volume_are_ranked_first(shared: Path, tmp_path: Path) -> None:
    data = shared / "data" / "nab_tweets"
    rows = ["timestamp,series,value"]
    for name in COMPANIES.split(","):
        for line in (data / f"Twitter_volume_{name}.csv").read_text().splitlines()[1:]:
            stamp, value = line.split(",")
            rows.append(f"{stamp},{name},{value}")
    (tmp_path / "volumes.csv").write_text("\n".join(rows) + "\n")
    detect(tmp_path / "volumes.csv", "value", tmp_path / "d.csv")
    command = [sys.executable, str(shared / "tools" / "nab_score.py"), "--data", str(data)]
    command += ["--detections", str(tmp_path / "d.csv"), "--splits"]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert report["splits_mean"] >= 62, report
