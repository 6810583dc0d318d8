"""`vigie replay` from the command line: what it answers to good files, bad ones, and half of one."""

from __future__ import annotations

import csv
import gzip
import os
import subprocess
import sys

import orjson
import pytest

from engine.domain.effects import StateSaved
from engine.domain.labels import Correction
from ops.replaying import REPLAYED
from ops.store.store import Store
from tests.infra.cli import vigie
from tests.infra.fakes import mention, storm, synthetic
from tests.infra.service import record

INCIDENT_KEYS = ["id", "brand", "opened_at", "closed_at", "levels", "evidence", "playbook", "drafts"]
EVIDENCE_KEYS = {"top_terms", "themes", "observed", "expected", "since", "authors", "networks", "mentions"}


@pytest.fixture
def run(capsys, monkeypatch):
    return lambda *words: vigie(capsys, monkeypatch, *words)


def crisis():
    calm = synthetic(3, per_hour=12)
    angry = [m for m in storm(minutes=4_100, at=4_000, lasts=60, size=6) if "panne" in m.text]
    whole = sorted([*calm, *angry], key=lambda m: (m.created_at_ms, m.id))
    return [m._replace(sentiment=-0.9 if "panne" in m.text or "nul" in m.text else 0.4) for m in whole]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("replay") / "crisis.ndjson"
    path.write_bytes(b"\n".join(map(record, crisis())) + b"\n")
    return path


def document(path):
    return orjson.loads(path.read_bytes())


def test_a_crisis_is_told_and_written(run, file, tmp_path):
    out = tmp_path / "out.json"
    ended = run("replay", file, "--json", out, "--report", tmp_path / "pages")
    assert ended.code == 0
    found = document(out)
    assert list(found) == ["mentions", "rejected", "duplicates", "mentions_per_s", "incidents"]
    assert found["mentions"] == len(crisis())
    (incident,) = found["incidents"]
    assert list(incident) == INCIDENT_KEYS
    assert set(incident["evidence"]) == EVIDENCE_KEYS
    assert incident["opened_at"].startswith("2026-01-03T")
    assert incident["opened_at"].endswith("Z")
    assert incident["playbook"] == "outage"
    assert any("panne" in term for term in incident["evidence"]["top_terms"])
    assert {draft["network"] for draft in incident["drafts"]} == {"x"}
    assert "Nordalia" in ended.out
    assert "outage" in ended.out
    pages = sorted(p.name for p in (tmp_path / "pages").iterdir())
    assert pages == sorted(["index.md", f"{incident['id']}.md"])


def test_the_same_file_gives_the_same_bytes(run, file, tmp_path):
    def once(name):
        ended = run("replay", file, "--json", tmp_path / name)
        lines = [line for line in (tmp_path / name).read_bytes().splitlines() if b"mentions_per_s" not in line]
        return lines, ended.out.splitlines()[:-1]

    assert once("a.json") == once("b.json")


def test_hash_seeds_and_batches_change_nothing(file, tmp_path):
    """Sets of strings come in another order in every process; the answer must not."""
    answers = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "ops.cli", "replay", str(file), "--json", "-"]
        ended = subprocess.run(command, capture_output=True, check=True, env={"PYTHONHASHSEED": seed, "PATH": ""})
        answers.add(b"\n".join(x for x in ended.stdout.splitlines() if b"mentions_per_s" not in x))
    assert len(answers) == 1


def test_gzip_csv_and_stdin_give_the_same_incidents(run, file, tmp_path):
    packed = tmp_path / "crisis.gz"
    packed.write_bytes(gzip.compress(file.read_bytes()))
    table = tmp_path / "crisis.csv"
    with table.open("w", newline="") as opened:
        rows = csv.writer(opened)
        rows.writerow(["Id", "Date", "Tweet", "Net", "Score", "Marque"])
        for line in file.read_bytes().splitlines():
            m = orjson.loads(line)
            rows.writerow([m[name] for name in ("id", "created_at", "text", "source", "sentiment", "brand")])
    run("replay", file, "--json", tmp_path / "a.json")
    run("replay", packed, "--json", tmp_path / "b.json")
    maps = [f"--map={pair}" for pair in ("id=Id", "created_at=Date", "text=Tweet", "source=Net", "sentiment=Score",
                                         "brand=Marque")]  # fmt: skip
    ended = run("replay", table, *maps, "--json", tmp_path / "c.json")
    assert ended.code == 0, ended.err
    a, b, c = (document(tmp_path / f"{name}.json") for name in "abc")
    assert a["incidents"] == b["incidents"]
    assert [i["opened_at"] for i in c["incidents"]] == [i["opened_at"] for i in a["incidents"]]
    piped = subprocess.run([sys.executable, "-m", "ops.cli", "replay", "-", "--json", str(tmp_path / "d.json")],
                           input=file.read_bytes(), capture_output=True, check=True)  # fmt: skip
    assert piped.returncode == 0
    assert document(tmp_path / "d.json")["incidents"] == a["incidents"]


def test_newest_first_is_put_in_order(run, file, tmp_path):
    turned = tmp_path / "turned.ndjson"
    turned.write_bytes(b"\n".join(reversed(file.read_bytes().splitlines())) + b"\n")
    run("replay", file, "--json", tmp_path / "a.json")
    run("replay", turned, "--json", tmp_path / "b.json")
    assert document(tmp_path / "a.json")["incidents"] == document(tmp_path / "b.json")["incidents"]


def test_good_mentions_beside_bad_ones_are_counted(run, tmp_path):
    bad = [b"nonsense", b'{"id": "1"}', b'{"id": 7, "source": "x", "text": "a", "created_at": "2026-01-01T00:00:00Z"}',
           b'{"id": "8", "source": "x", "text": "", "created_at": "2026-01-01T00:00:00Z"}',
           b'{"id": "9", "source": "x", "text": "a", "created_at": "1989-12-31T23:59:59Z"}',
           b'{"id": "10", "source": "x", "text": "\x00", "created_at": "2026-01-01T00:00:00Z"}',
           b'{"id": "11", "source": "x", "text": "' + b"a" * 1_000_000 + b'", "created_at": "2026-01-01T00:00:00Z"}',
           b"\xff\xfe\x00"]  # fmt: skip
    good = [record(mention(i, i, "ok", sentiment=0.5)) for i in range(8)]
    path = tmp_path / "mixed.ndjson"
    path.write_bytes(b"\n".join(x for pair in zip(bad, good, strict=True) for x in pair) + b"\n")
    ended = run("replay", path, "--json", tmp_path / "out.json")
    assert ended.code == 0
    found = document(tmp_path / "out.json")
    assert (found["mentions"], found["rejected"]) == (8, 8)
    told = [line for line in ended.err.splitlines() if line.startswith("vigie: line ")]
    assert len(told) == 8
    assert "before 1990" in told[4]


def test_repeats_and_the_unmatched_are_counted(run, file, tmp_path):
    path = tmp_path / "twice.ndjson"
    path.write_bytes(file.read_bytes() * 2 + record(mention(1, 99, "à personne", brand=None, sentiment=0.1)) + b"\n")
    ended = run("replay", path, "--json", tmp_path / "out.json")
    found = document(tmp_path / "out.json")
    assert found["duplicates"] == len(crisis())
    assert found["mentions"] == len(crisis()) + 1
    assert "1 sans marque" in ended.out.replace("\u202f", " ").replace("\xa0", " ")
    run("replay", file, "--json", tmp_path / "once.json")
    assert found["incidents"] == document(tmp_path / "once.json")["incidents"]


def test_a_named_database_holds_the_replay_of_the_file_as_it_is_now(run, file, tmp_path):
    config = tmp_path / "vigie.yaml"
    config.write_text("database: here.db\n")
    first = run("replay", file, "-c", config, "--json", tmp_path / "a.json")
    again = run("replay", file, "-c", config, "--json", tmp_path / "b.json")
    assert again.out.splitlines()[:-1] == first.out.splitlines()[:-1]
    a, b = document(tmp_path / "a.json"), document(tmp_path / "b.json")
    assert (a["mentions"], a["incidents"]) == (b["mentions"], b["incidents"])
    copy = tmp_path / "copy.ndjson"
    copy.write_bytes(b"\n".join(file.read_bytes().splitlines()[:100]) + b"\n")
    assert run("replay", copy, "-c", config, "--json", tmp_path / "c.json").code == 0
    assert document(tmp_path / "c.json")["mentions"] == 100
    run("replay", file, "-c", config)
    assert (tmp_path / "here.db").exists()
    listed = run("incidents", "list", "--json", "-c", config)
    assert orjson.loads(listed.out) == a["incidents"]


def test_a_replay_empties_nothing_but_a_replay(run, file, tmp_path, monkeypatch):
    config, place = tmp_path / "vigie.yaml", tmp_path / "here.db"
    config.write_text("database: here.db\n")
    assert run("replay", file, "-c", config).code == 0
    with Store.open(place) as store:
        store.labels.add([Correction("Toujours en panne", "neg")], "Camille")
    refused = run("replay", file, "-c", config)
    assert refused.code == 2
    assert "corrections" in refused.err
    with Store.open(place) as store:
        assert len(store.labels.all()) == 1
        store.empty()
        store.set_meta(REPLAYED, "yes")
        with monkeypatch.context() as other:
            other.setattr(os, "getpid", os.getppid)  # another process that lives
            store.beat()
    assert "a service runs on it" in run("replay", file, "-c", config).err
    with Store.open(place) as store:
        with monkeypatch.context() as other:
            other.setattr(os, "getpid", os.getppid)
            store.unbeat()
        store.unset_meta(REPLAYED)  # as a service does when it starts
        store.apply([StateSaved("watermark", {"n": 1})])
    assert "memory of a service" in run("replay", file, "-c", config).err
    with Store.open(place) as store:
        assert store.load_state() == {"watermark": {"n": 1}}


@pytest.mark.parametrize(
    ("words", "about"),
    [
        (["nowhere.ndjson"], "nowhere.ndjson"),
        (["{folder}"], "{folder}"),
        (["{binary}"], "{binary}"),
        (["{table}", "--map", "text=Twet"], "Tweet"),
        (["{table}", "--map", "text"], "FIELD=COLUMN"),
        (["{file}", "--json", "{folder}"], "folder"),
        (["{file}", "--json", "{folder}/no/such/out.json"], "does not exist"),
        (["{file}", "-c", "{broken}"], "broken.yaml"),
        (["{file}", "-c", "{unknown}"], "brands"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(run, file, tmp_path, words, about):
    (tmp_path / "binary").write_bytes(bytes(range(256)) * 40)
    (tmp_path / "t.csv").write_text("Date,Tweet\n2026-01-01,Bonjour\n")
    (tmp_path / "broken.yaml").write_text("brands: [\n")
    (tmp_path / "unknown.yaml").write_text("brand: []\n")
    places = {"file": file, "folder": tmp_path, "binary": tmp_path / "binary", "table": tmp_path / "t.csv",
              "broken": tmp_path / "broken.yaml", "unknown": tmp_path / "unknown.yaml"}  # fmt: skip
    ended = run("replay", *[word.format(**places) for word in words])
    assert ended.code == 2
    lines = ended.err.strip().splitlines()
    assert len(lines) == 1
    assert about.format(**places) in lines[0]


def test_the_memory_of_a_service_is_not_replayed_into(run, file, tmp_path):
    with Store.open(tmp_path / "live.db") as store:
        store.apply([StateSaved("engine", {"v": 1})])
    config = tmp_path / "vigie.yaml"
    config.write_text("database: live.db\n")
    ended = run("replay", file, "-c", config)
    assert ended.code == 2
    assert "memory of a service" in ended.err
