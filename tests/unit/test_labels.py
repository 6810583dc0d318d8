"""Corrections: how they arrive, how they are kept and taken back, and what is made of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from detectors.text import load_scorer
from detectors.text.scorer import LinearScorer
from engine.domain.batch import Batch, Cursor
from engine.domain.config import EngineConfig
from engine.domain.effects import IncidentSaved
from engine.domain.errors import InputError, MentionError, TransientError
from engine.domain.incident import Level
from engine.domain.labels import Correction
from engine.domain.mention import Mention
from ops import cli
from ops.learning import Follower, Freshened, Teacher, renew, scorer_of_settings, stored_overlay, with_overlay
from ops.remembered import remembered
from ops.settings import Settings
from ops.store import Store
from ops.store.labels import Extent
from streams.label_http import add_label_route
from streams.labels import LabelRecord, decode_label, read_labels
from tests.infra.sample_alerts import T0, incident

SAID = [Correction("Bravo Vélorine, encore en panne", "neg", "fr"), Correction("Lumeo, parfait", "pos", "fr", "x:7")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "vigie.db", clock_ms=lambda: T0) as opened:
        yield opened


@pytest.fixture
def scorer() -> LinearScorer:
    return load_scorer(("fr", "en"))


# --- as they arrive ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["neg", "négatif", "NEGATIVE", "-1"])
def test_a_person_may_write_it_in_full(said: str) -> None:
    assert decode_label({"text": "Bof", "sentiment": said}).correction.sentiment == "neg"


@pytest.mark.parametrize(
    ("record", "field"),
    [
        ([], ""),
        ({"sentiment": "neg"}, "text"),
        ({"text": "Bof"}, "sentiment"),
        ({"text": "Bof", "sentiment": "angry"}, "sentiment"),
        ({"text": 5, "sentiment": "neg"}, "text"),
        ({"text": "Bof", "sentiment": "neg", "lang": "f" * 99}, "lang"),
    ],
)
def test_what_is_no_correction_is_named(record: Any, field: str) -> None:
    with pytest.raises(MentionError) as caught:
        decode_label(record)
    assert caught.value.field == field


def test_files_of_every_form() -> None:
    csv = '\ufeffmention_id;text;sentiment;lang\nx:1;Bof;négatif;fr\n;"Deux\nlignes";pos;\n'.encode()
    assert [r.correction for r in read_labels(csv, "l.csv")] == [
        Correction("Bof", "neg", "fr", "x:1"),
        Correction("Deux\nlignes", "pos"),
    ]
    ndjson = b'{"text": "Bof", "sentiment": "neu", "by": "Camille"}\n\n{"id": "x:2", "label": "pos"}\n'
    assert [r.by for r in read_labels(ndjson, "l.ndjson")] == ["Camille", ""]
    assert read_labels(b"text\nBof\n", "l.csv", "pos")[0].correction.sentiment == "pos"


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "line 1: no column"),
        (b"text,sentiment\n", "no correction in it"),
        (b"text,sentiment\nBof,rouge\n", "line 2: sentiment: rouge"),
        (b'{"text": "Bof"', "line 1: no JSON"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_bad_file_is_told_by_its_line(raw: bytes, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_labels(raw, "l.csv")


class Door:
    """The route, with what it was given."""

    def __init__(self, error: Exception | None = None, **keys: str) -> None:
        self.taken: list[LabelRecord] = []
        self.error = error
        app = FastAPI()
        add_label_route(app, self.take, **keys)
        self.client = TestClient(app, raise_server_exceptions=False)

    def take(self, records: Sequence[LabelRecord]) -> dict[str, Any]:
        if self.error is not None:
            raise self.error
        self.taken += records
        return {"accepted": len(records), "version": 1, "corrections": len(records), "learnt": []}


def test_over_http_behind_the_same_door() -> None:
    door = Door(token="s3cret")
    body = json.dumps([{"text": "Bof", "sentiment": "neg"}])
    assert door.client.post("/v1/labels", content=body).status_code == 401
    assert door.client.post("/v1/labels", content=body, headers={"authorization": "Bearer no"}).status_code == 401
    answer = door.client.post("/v1/labels", content=body, headers={"authorization": "Bearer s3cret"})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert door.taken[0].correction.text == "Bof"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"not json", b'[{"text": "a"}]', b'{"sentiment": "neg"}', b"5"])
def test_over_http_all_or_nothing(body: bytes) -> None:
    door = Door()
    assert door.client.post("/v1/labels", content=body).status_code == 400
    assert door.taken == []


def test_over_http_what_the_store_says_is_passed_on() -> None:
    body = b'{"text": "Bof", "sentiment": "neg"}\n{"text": "Top", "sentiment": "pos"}'
    assert Door().client.post("/v1/labels", content=body).json()["accepted"] == 2
    busy = Door(TransientError("locked")).client.post("/v1/labels", content=body)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "5")
    unknown = Door(MentionError("mention_id", "not kept")).client.post("/v1/labels", content=body)
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "mention_id")


# --- as they are kept -------------------------------------------------------------------------------------------------


def test_kept_in_order_and_taken_back_with_a_name(store: Store) -> None:
    numbers = store.labels.add(SAID, "Camille")
    assert numbers == [1, 2]
    assert store.labels.standing() == (SAID, Extent(2, 0))
    assert store.labels.undo(1, "Sacha")
    assert not store.labels.undo(1, "Sacha")
    assert not store.labels.undo(9, "Sacha")
    assert store.labels.standing() == (SAID[1:], Extent(2, 1))
    first = store.labels.all()[0]
    assert (first.actor, first.undone_by, first.undone_at_ms) == ("Camille", "Sacha", T0)


def test_versions_follow_the_corrections_and_undoing_goes_back(store: Store, scorer: LinearScorer) -> None:
    assert stored_overlay(store, scorer).is_empty
    store.labels.add(SAID[:1], "Camille")
    first = renew(store, scorer)
    store.labels.add(SAID[1:], "Camille")
    second = renew(store, scorer)
    assert (first.version, second.version, store.labels.newest()) == (1, 2, 2)
    assert renew(store, scorer).version == 2  # nothing new to learn
    store.labels.undo(2, "Camille")
    assert renew(store, scorer).version == 3
    weights = [stored_overlay(store, scorer, version).tables["fr"].weights.tolist() for version in (1, 2, 3)]
    assert weights[0] == weights[2] != weights[1]
    with pytest.raises(InputError, match="no overlay version 9"):
        stored_overlay(store, scorer, 9)


def test_an_overlay_of_other_tables_is_learnt_anew(store: Store, scorer: LinearScorer) -> None:
    store.labels.add(SAID, "Camille")
    store.labels.keep(lambda version: b"of another time", "00000000", Extent(2, 0), "[]")
    found = stored_overlay(store, scorer)
    assert (found.version, set(found.tables)) == (2, {"fr"})


def test_a_follower_reads_by_the_newest_without_a_restart(store: Store, scorer: LinearScorer) -> None:
    follower = Follower(store, scorer)
    text = SAID[0].text
    before = scorer.score_many([text], ["fr"]).negative[0]
    assert follower.refresh() == 0
    answer = Teacher(store, lambda: load_scorer(("fr", "en"))).take([LabelRecord(SAID[0], "Camille")])
    assert (answer["accepted"], answer["version"], answer["learnt"][0]["lang"]) == (1, 1, "fr")
    assert follower.refresh() == 1
    assert scorer.score_many([text], ["fr"]).negative[0] > before
    off = load_scorer(("fr", "en"))
    assert Follower(store, off, use=False).refresh() == 0
    assert off.overlay.is_empty


def test_corrections_that_are_durable_are_accepted_even_if_learning_must_wait(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise TransientError("another process holds the store")

    monkeypatch.setattr(store.labels, "keep", away)
    records = [LabelRecord(SAID[0], "Camille"), LabelRecord(SAID[1], "Louis")]
    answer = Teacher(store, lambda: load_scorer(("fr", "en"))).take(records)
    assert (answer["accepted"], answer["version"], answer["learnt"]) == (2, None, [])
    assert [kept.actor for kept in store.labels.all()] == ["Camille", "Louis"]


class _Polled:
    """A source of one mention; it tells what was asked of it."""

    name = "polled"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def seek(self, positions: Mapping[str, str]) -> None:
        self.asked.append("seek")

    def poll(self, max_mentions: int, timeout_s: float) -> Batch:
        self.asked.append("poll")
        return Batch(mentions=(Mention("1", "x", "comment", "Bof", T0),))

    def committed(self, cursors: Sequence[Cursor]) -> None:
        self.asked.append("committed")

    def close(self) -> None:
        self.asked.append("close")


class _Broken(Follower):
    def refresh(self) -> int:
        raise TransientError("locked")


def test_a_polled_batch_is_not_lost_when_the_store_can_not_be_read(store: Store, scorer: LinearScorer) -> None:
    source = _Polled()
    fresh = Freshened(source, _Broken(store, scorer))
    fresh.seek({})
    assert len(fresh.poll(10, 0.0).mentions) == 1
    fresh.committed(())
    fresh.close()
    assert source.asked == ["seek", "poll", "committed", "close"]


def test_a_pinned_version_stays(store: Store, scorer: LinearScorer) -> None:
    store.labels.add(SAID[:1], "Camille")
    renew(store, load_scorer(("fr", "en")))
    follower = Follower(store, scorer, version=1)
    store.labels.add(SAID[1:], "Camille")
    renew(store, load_scorer(("fr", "en")))
    assert follower.refresh() == 1


def test_a_mention_of_an_incident_is_known_by_its_id(store: Store) -> None:
    one = incident(Level.ORANGE)
    store.apply([IncidentSaved(one)])
    sample = one.evidence.mentions[0].mention
    known = remembered(store)[sample.id]
    assert (known.text, known.brand) == (sample.text, one.brand)
    teacher = Teacher(store, lambda: load_scorer(("fr", "en")))
    assert teacher.take([decode_label({"mention_id": sample.id, "sentiment": "neu"})])["accepted"] == 1
    with pytest.raises(MentionError, match="not kept"):
        teacher.take([decode_label({"mention_id": "nobody", "sentiment": "neu"})])


# --- the command line -------------------------------------------------------------------------------------------------


class Run:
    """The command line, in this process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *args: str) -> tuple[int, str, str]:
        self._monkeypatch.setattr(sys, "argv", ["vigie", "incidents", *args])
        try:
            cli.main()
            code: object = 0
        except SystemExit as end:
            code = end.code
        out, err = self._capsys.readouterr()
        return int(str(code or 0)), out, err


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    return Run(monkeypatch, capsys)


def test_label_list_and_undo(run: Run, store: Store, tmp_path: Path) -> None:
    db = str(tmp_path / "vigie.db")
    code, out, _ = run("label", "--text", "Bravo, encore en panne", "-s", "neg", "--by", "Camille", "--db", db)
    assert (code, out.split("\n")[0]) == (0, "Version 1\u00a0: apprise de 1 corrections.")
    (tmp_path / "l.csv").write_text("text,sentiment\nMerci Lumeo,pos\nNordalia ouvre lundi,neutre\n")
    code, out, _ = run("label", "--file", str(tmp_path / "l.csv"), "--db", db)
    assert (code, store.labels.standing()[1]) == (0, Extent(3, 0))
    code, out, _ = run("label", "#2", "--undo", "--db", db, "--by", "Sacha")
    assert (code, store.labels.standing()[1], store.labels.newest()) == (0, Extent(3, 1), 3)
    code, out, _ = run("labels", "--db", db)
    assert "annulée par Sacha" in out
    assert "VERSIONS APPRISES" in out
    code, out, _ = run("labels", "--json", "--db", db)
    view = json.loads(out)
    assert [row["sentiment"] for row in view["labels"]] == ["neg", "pos", "neu"]
    assert [row["version"] for row in view["versions"]] == [1, 2, 3]


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("label",), "which comment"),
        (("label", "x:1", "-s", "neg"), "not kept"),
        (("label", "--text", "Bof"), "--sentiment: missing"),
        (("label", "--text", "Bof", "-s", "rouge"), "--sentiment: rouge"),
        (("label", "--undo"), "there is none"),
        (("label", "--file", "nowhere.csv"), "nowhere.csv"),
        (("label", "x:1", "--file", "nowhere.csv"), "leave MENTION"),
    ],
)
def test_mistakes_are_told_in_one_line(
    run: Run, store: Store, tmp_path: Path, args: tuple[str, ...], words: str
) -> None:
    code, out, err = run(*args, "--db", str(tmp_path / "vigie.db"))
    assert (code, out) == (2, "")
    assert words in err
    assert err.count("\n") == 1


def test_picks_of_a_store_and_of_a_file(run: Run, store: Store, tmp_path: Path) -> None:
    db = str(tmp_path / "vigie.db")
    assert "Rien à corriger" in run("picks", "--db", db)[1]
    store.apply([IncidentSaved(incident(Level.ORANGE))])
    code, out, _ = run("picks", "--json", "-n", "2", "--db", db)
    assert code == 0
    rows = json.loads(out)
    assert 1 <= len(rows) <= 2
    assert rows[0]["mention_id"] in remembered(store)
    store.labels.add([item.labelled("neu") for item in remembered(store).values()], "Camille")
    assert json.loads(run("picks", "--json", "--db", db)[1]) == []
    lines = [
        {"id": f"x:{i}", "source": "x", "text": text, "created_at": "2026-03-04T09:00:00Z", "brand": "Lumeo"}
        for i, text in enumerate(["Bof, sans plus", "Une honte, arnaque", "Merci, parfait !"])
    ]
    path = tmp_path / "m.ndjson"
    path.write_text("\n".join(map(json.dumps, lines)))
    assert [
        row["mention_id"] for row in json.loads(run("picks", "--json", "-n", "3", "--file", str(path), "--db", db)[1])
    ]


def test_a_replay_reads_by_the_store_that_the_settings_name(store: Store) -> None:
    store.labels.add(SAID, "Camille")
    renew(store, load_scorer(("fr", "en")))
    config = EngineConfig(open_brands=True)

    def read_by(**learning: Any) -> int:
        settings = Settings.model_validate({"learning": learning}, context={"folder": Path(store.name).parent})
        scorer = scorer_of_settings(settings, config)
        assert isinstance(scorer, LinearScorer)
        return scorer.overlay.version

    assert read_by() == 0
    assert read_by(store="vigie.db") == 1
    assert read_by(store="vigie.db", use=False) == 0
    with pytest.raises(InputError, match="no overlay version 5"):
        read_by(store="vigie.db", version=5)
    with pytest.raises(InputError, match="no such store"):
        read_by(store="nowhere.db")


def test_an_overlay_for_vigie_score(store: Store, scorer: LinearScorer) -> None:
    store.labels.add(SAID, "Camille")
    renew(store, load_scorer(("fr", "en")))
    assert with_overlay(scorer, store.name) == 1
    assert not scorer.overlay.is_empty
