"""`vigie detect`: a row out for each row in, and one clear line for bad input."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
from pathlib import Path

import pytest

from engine.domain.errors import InputError
from ops.commands.detect import detect
from ops.detecting import COLUMNS

DAY = 288


def stamp(i: int, step_s: int = 300) -> str:
    minutes = i * step_s // 60
    return f"2026-03-{1 + minutes // 1440:02d}T{minutes // 60 % 24:02d}:{minutes % 60:02d}:00+00:00"


def write(path: Path, rows: list[str], header: str = "timestamp,series,negatives,total") -> Path:
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return path


def storm_rows(series: str, count: int = 4 * DAY, at: int = 3 * DAY, seed: int = 1) -> list[str]:
    rng = random.Random(seed)
    rows = []
    for i in range(count):
        total = rng.randint(5, 15) + (30 if at <= i < at + 12 else 0)
        negatives = 0.1 * total + (25 if at <= i < at + 12 else 0)
        rows.append(f"{stamp(i)},{series},{negatives:.2f},{total}")
    return rows


def run(path: Path, out: Path, *, total: str | None = "total") -> list[dict[str, str]]:
    detect(path, "negatives", out, total)
    with out.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_one_row_for_each_row_in_the_same_order_with_one_alarm_a_storm(tmp_path: Path) -> None:
    rows = [
        row for pair in zip(storm_rows("Vélorine"), storm_rows("Lumeo", at=10**9, seed=2), strict=True) for row in pair
    ]
    got = run(write(tmp_path / "counts.csv", rows), tmp_path / "out.csv")
    assert [f"{r['timestamp']},{r['series']},{r['negatives']}" for r in got] == [r.rsplit(",", 1)[0] for r in rows]
    assert tuple(got[0]) == COLUMNS
    assert COLUMNS[:6] == ("timestamp", "series", "negatives", "expected", "score", "alarm")
    alarms = [r for r in got if r["alarm"] == "1"]
    assert [r["series"] for r in alarms] == ["Vélorine"]
    assert stamp(3 * DAY) <= alarms[0]["timestamp"] <= stamp(3 * DAY + 2)
    assert float(alarms[0]["score"]) > 0.6
    assert {r["score"] for r in got[: 2 * DAY]} == {"0"}, "the first day is warming up"


def test_a_row_depends_on_no_later_row(tmp_path: Path) -> None:
    rows = storm_rows("Nordalia")
    whole = run(write(tmp_path / "a.csv", rows), tmp_path / "a_out.csv")
    part = run(write(tmp_path / "b.csv", rows[: 3 * DAY + 5]), tmp_path / "b_out.csv")
    assert whole[: len(part)] == part


def test_rows_may_come_in_any_order(tmp_path: Path) -> None:
    rows = storm_rows("Nordalia")
    mixed = rows[:]
    random.Random(3).shuffle(mixed)
    ordered = run(write(tmp_path / "a.csv", rows), tmp_path / "a_out.csv")
    shuffled = run(write(tmp_path / "b.csv", mixed), tmp_path / "b_out.csv")
    assert sorted(shuffled, key=lambda r: r["timestamp"]) == ordered
    assert [r["timestamp"] for r in shuffled] == [r.split(",")[0] for r in mixed]


def test_missing_bins_count_as_empty_and_get_no_row(tmp_path: Path) -> None:
    rows = storm_rows("Nordalia")
    silent = [r if not 100 <= i < 200 else f"{stamp(i)},Nordalia,0,0" for i, r in enumerate(rows)]
    holes = [r for i, r in enumerate(rows) if not 100 <= i < 200]
    full = run(write(tmp_path / "a.csv", silent), tmp_path / "a_out.csv")
    gaps = run(write(tmp_path / "b.csv", holes), tmp_path / "b_out.csv")
    assert gaps == full[:100] + full[200:]


@pytest.mark.parametrize("step_s", [60, 900, 3600])
def test_the_length_of_a_bin_is_inferred(tmp_path: Path, step_s: int) -> None:
    a_day = 86_400 // step_s
    rows = []
    for i in range(4 * a_day):
        hot = 3 * a_day + 2 <= i < 3 * a_day + 2 + max(3, 3600 // step_s)
        rows.append(f"{stamp(i, step_s)},{(9 if hot else 0.2) * step_s / 60},{(12 if hot else 2) * step_s / 60}")
    path = write(tmp_path / "Boulangerie Martel.csv", rows, "timestamp,negatives,total")
    got = run(path, tmp_path / "out.csv")
    assert {r["series"] for r in got} == {"Boulangerie Martel"}, "the file's stem stands for the series"
    assert sum(r["alarm"] == "1" for r in got) == 1


def test_without_a_total_the_rate_is_judged(tmp_path: Path) -> None:
    got = run(write(tmp_path / "a.csv", storm_rows("Lumeo")), tmp_path / "out.csv", total=None)
    (alarm,) = [r for r in got if r["alarm"] == "1"]
    assert set(alarm["signals"].split("+")) <= {"rate", "spike"}


@pytest.mark.parametrize(
    ("rows", "header", "says"),
    [
        (["2026-03-01,a,1,2"], "timestamp,series,bad,total", "line 1: no column 'negatives'"),
        (["2026-03-01,a,1,2", "yesterday,a,1,2"], None, "line 3, column timestamp: 'yesterday'"),
        (["2026-03-01,a,one,2"], None, "line 2, column negatives: 'one'"),
        (["2026-03-01,a,-1,2"], None, "line 2, column negatives: '-1'"),
        (["2026-03-01,a,1,nan"], None, "line 2, column total: 'nan'"),
        (["2026-03-01,a,1"], None, "line 2, column total: missing"),
        (["2026-03-01T00:00:00,a,1,2", "2026-03-01T00:00:05,a,1,2"], None, "bins of 5 s"),
        (["2026-03-01,a,1,\x00"], None, "line 2"),
    ],
)
def test_bad_input_is_one_line_that_names_the_place(
    tmp_path: Path, rows: list[str], header: str | None, says: str
) -> None:
    path = write(tmp_path / "counts.csv", rows, header or "timestamp,series,negatives,total")
    with pytest.raises(InputError) as caught:
        run(path, tmp_path / "out.csv")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00\x01binary\x00" * 50])
def test_a_file_that_is_no_csv(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "counts.csv"
    path.write_bytes(content)
    with pytest.raises(InputError):
        run(path, tmp_path / "out.csv")


def test_budget_and_paths_are_checked(tmp_path: Path) -> None:
    path = write(tmp_path / "counts.csv", ["2026-03-01,a,1,2"])
    with pytest.raises(InputError, match="--budget"):
        detect(path, "negatives", tmp_path / "out.csv", None, 0.0)
    with pytest.raises(InputError, match="no such directory"):
        detect(path, "negatives", tmp_path / "nowhere" / "out.csv", None)
    with pytest.raises(InputError, match=r"missing\.csv"):
        detect(tmp_path / "missing.csv", "negatives", tmp_path / "out.csv", None)


def test_the_command_reads_stdin_writes_stdout_and_exits_2(tmp_path: Path) -> None:
    vigie = [sys.executable, "-c", "from ops.cli import main; main()", "detect"]
    text = "timestamp,negatives\n2026-03-01,1.50\n2026-03-01T00:05:00,0\n"
    good = subprocess.run(
        [*vigie, "-", "--negatives", "negatives", "-o", "-"], input=text, capture_output=True, text=True, check=True
    )
    assert good.stdout.splitlines()[1].startswith("2026-03-01,stdin,1.50,")
    bad = subprocess.run(
        [*vigie, "-", "--negatives", "absent", "-o", "-"], input=text, capture_output=True, text=True, check=False
    )
    assert bad.returncode == 2
    assert bad.stderr.count("\n") == 1
    assert "no column 'absent'" in bad.stderr


def test_a_bin_told_twice_counts_once_and_has_its_row(tmp_path: Path) -> None:
    rows = [f"2026-03-01T00:{5 * i:02d}:00Z,a,1,10" for i in range(12)]
    once = write(tmp_path / "once.csv", rows)
    twice = write(tmp_path / "twice.csv", [row for row in rows for _ in range(2)])
    run(once, tmp_path / "a.csv")
    run(twice, tmp_path / "b.csv")
    a, b = (tmp_path / "a.csv").read_text().splitlines(), (tmp_path / "b.csv").read_text().splitlines()
    assert b[0] == a[0]
    assert b[1::2] == a[1:]
    assert len(b) == 25


def test_a_sparse_series_does_not_stop_the_others(tmp_path: Path) -> None:
    rows = [f"2026-03-01T00:{5 * i:02d}:00Z,a,1,10" for i in range(12)]
    rows += ["2026-03-01T00:00:00Z,c,1,10", "2026-03-02T00:00:00Z,c,1,10"]
    run(write(tmp_path / "counts.csv", rows), tmp_path / "out.csv")
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 15


def text_of(tmp_path: Path, content: str, name: str = "counts.csv") -> list[dict[str, str]]:
    path = tmp_path / name
    path.write_bytes(content.encode())
    return run(path, tmp_path / "out.csv")


def test_marks_line_ends_and_byte_order_marks_change_nothing(tmp_path: Path) -> None:
    lines = ["timestamp,series,negatives,total", *storm_rows("Lumeo", 600, 400)]
    plain = text_of(tmp_path, "\n".join(lines) + "\n")
    assert text_of(tmp_path, "\ufeff" + "\r\n".join(lines) + "\r\n") == plain
    assert text_of(tmp_path, "\n\n".join(lines) + "\n") == plain
    for mark in ";\t":
        decimal = [line.replace(",", mark).replace(".", ",") for line in lines]
        got = text_of(tmp_path, "\n".join(decimal) + "\n")
        assert [r | {"negatives": ""} for r in got] == [r | {"negatives": ""} for r in plain]


def test_a_header_alone_gives_a_header_alone(tmp_path: Path) -> None:
    assert text_of(tmp_path, "timestamp,series,negatives,total\n") == []
    assert (tmp_path / "out.csv").read_text().strip().split(",") == list(COLUMNS)


def test_names_with_marks_and_quotes_come_out_whole(tmp_path: Path) -> None:
    rows = [f'{stamp(i)},"Martel, ""fils""",1,5' for i in range(10)]
    got = run(write(tmp_path / "counts.csv", rows), tmp_path / "out.csv")
    assert {row["series"] for row in got} == {'Martel, "fils"'}


@pytest.mark.parametrize("odd", ["inf", "1_000", "", " ", "0x10", "1e13", "-0.5", "1,5"])
def test_what_is_no_count_is_refused(tmp_path: Path, odd: str) -> None:
    path = write(tmp_path / "counts.csv", [f'{stamp(0)},a,"{odd}",9'])
    with pytest.raises(InputError, match=r"line 2, column negatives: .* is no count"):
        run(path, tmp_path / "out.csv")


def test_huge_counts_are_judged_with_finite_figures(tmp_path: Path) -> None:
    rows = [f"{stamp(i)},a,{1e12 if i % 9 == 0 else 0},{1e12:g}" for i in range(600)]
    for row in run(write(tmp_path / "counts.csv", rows), tmp_path / "out.csv"):
        assert abs(float(row["expected"])) < 1e13
        assert abs(float(row["score"])) < 1e13


def test_what_was_put_right_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [f"{stamp(i)},a,1,9" for i in range(20)]
    rows += [f"{stamp(3)},a,7,9", f"{stamp(20)},a,5,2"]
    run(write(tmp_path / "counts.csv", rows), tmp_path / "out.csv")
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 2
    assert "1 rows tell a bin again (first: line 22)" in told[0]
    assert "1 rows hold more negatives than mentions (first: line 23)" in told[1]


def test_summer_time_ends_without_a_repeat_where_offsets_are_written(tmp_path: Path) -> None:
    local = ["2026-10-25T02:30:00+02:00", "2026-10-25T02:45:00+02:00", "2026-10-25T02:00:00+01:00"]
    rows = [f"{at},a,1,5" for at in local]
    got = run(write(tmp_path / "counts.csv", rows), tmp_path / "out.csv")
    assert [row["timestamp"] for row in got] == local


@pytest.mark.parametrize(("first_s", "then_s"), [(300, 3600), (3600, 300), (60, 900)])
def test_bins_that_change_their_length_are_told(tmp_path: Path, first_s: int, then_s: int) -> None:
    rows = [f"{stamp(i, first_s)},a,1,5" for i in range(240)]
    start = 240 * first_s
    rows += [f"{stamp((start + i * then_s) // 60, 60)},a,1,5" for i in range(240)]
    with pytest.raises(InputError, match=rf"bins of {first_s} s, and of {then_s} s from line 2\d\d on"):
        run(write(tmp_path / "counts.csv", rows), tmp_path / "out.csv")


def test_each_series_may_have_bins_of_its_own(tmp_path: Path) -> None:
    rows = [f"{stamp(i, 300)},a,1,5" for i in range(900)] + [f"{stamp(i, 3600)},b,9,50" for i in range(75)]
    both = run(write(tmp_path / "both.csv", rows), tmp_path / "out.csv")
    assert both[900:] == run(write(tmp_path / "b.csv", rows[900:]), tmp_path / "out.csv")


def test_a_series_of_rare_rows_has_what_its_steps_are_multiples_of(tmp_path: Path) -> None:
    at = [0, 5, 13, 16, 25, 31, 42, 48, 49, 60, 71, 75]
    sparse = [f"{stamp(i)},b,1,1" for i in at]
    dense = [f"{stamp(i)},a,1,5" for i in range(80)]
    rows = run(write(tmp_path / "a.csv", [*dense, *sparse]), tmp_path / "out.csv")
    assert len(rows) == 92
