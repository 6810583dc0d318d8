"""Files as people have them: exports of all kinds, wrong files, files out of order."""

from __future__ import annotations

import csv
import gzip
import io
import os
import random
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import orjson
import pytest

from engine.domain.batch import Batch, Reject
from engine.domain.errors import InputError
from engine.domain.mention import Mention
from streams import order
from streams.files import FileParams, FileSource
from streams.mapping import read_date
from tests.infra.sources import drained, ids, record, stamp

TWEETS = "Tweet;Date;Followers;Likes;Auteur;Certifié\n"


def read(path: Path | str, stdin: bytes | None = None, **params: Any) -> tuple[list[Mention], list[Reject]]:
    source = FileSource(FileParams(str(path), **params), None if stdin is None else io.BytesIO(stdin))
    batches: list[Batch] = []
    try:
        while not batches or not batches[-1].end:
            batches.append(source.poll(3, 0))
    finally:
        source.close()
    return [m for b in batches for m in b.mentions], [r for b in batches for r in b.rejects]


def refused(path: Path | str, **params: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(path, **params)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_mapped_csv(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(
        TWEETS + '"En panne ; encore\nce matin";Tue Feb 24 11:35:52 +0000 2015;1 200;12.0;Camille;oui\n'
        "Merci;2015-02-24 11:35:52;;;;non\n"
    )
    mapping = {
        "text": "Tweet", "created_at": "Date", "author.followers": "Followers", "engagement.likes": "Likes",
        "author.name": "Auteur", "author.verified": "Certifié",
    }  # fmt: skip
    (first, second), rejects = read(path, mapping=mapping, brand="Vélorine")
    assert rejects == []
    assert (first.text, first.author_name, first.author_followers) == ("En panne ; encore\nce matin", "Camille", 1200)
    assert (first.likes, first.author_verified, first.brand) == (12, True, "Vélorine")
    assert first.created_at_ms == second.created_at_ms == 1_424_777_752_000
    assert (first.source, first.kind) == ("other", "mention")
    assert first.id.startswith("row:2:")
    assert second.id.startswith("row:4:")
    assert read(path, mapping=mapping)[0][0].id == first.id


@pytest.mark.parametrize("delimiter", list(",;\t|"))
def test_delimiters(delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "export"
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(["ID", "Source", "Text", "Created_At", "Author", "Views", "Language"])
        writer.writerow(["5", "Twitter", 'Il a dit "non", | ; \t', "2026-03-04T09:15:00+01:00", "Sam", "1,234", "fr"])
    (mention,), rejects = read(path)
    assert rejects == []
    assert (mention.id, mention.source, mention.author_name, mention.views) == ("5", "x", "Sam", 1234)
    assert mention.text == 'Il a dit "non", | ; \t'.strip()


def test_unknown_columns_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"text,created_at,mood,city\nOui,{stamp(1)},good,Lyon\nNon,{stamp(2)},bad,Lille\n")
    assert FileSource(FileParams(str(path))).poll(10, 0).unknown_fields == 4


def test_bad_rows_harm_nobody(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    good = f"Bon,{stamp(1)}\n".encode()
    path.write_bytes(
        b"text,created_at\n" + good + b"Caf\xe9,2026-03-04\n" + good + b"x" * 1_000_500 + b"," + good + good
        + b"\n,,\n" + b",2026-03-04\nno date\nnul\x00byte,2026-03-04\n" + good
    )  # fmt: skip
    mentions, rejects = read(path, order=False)
    assert [m.text for m in mentions] == ["Bon", "Bon", "Bon", "nulbyte", "Bon"]
    assert [(r.position, r.field, r.reason) for r in rejects] == [
        ("line 3", "", "not UTF-8"),
        ("line 5", "", "line longer than 1 MB"),
        ("line 9", "text", "missing"),
        ("line 10", "created_at", "missing"),
    ]


def test_a_quote_that_is_never_closed_is_one_reject_a_megabyte(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text('text,created_at\n"open,2026-03-04\n' + f"line,{stamp(1)}\n" * 60_000)
    mentions, rejects = read(path)
    assert 1 <= len(rejects) <= 3
    assert "field larger than field limit" in rejects[0].reason
    assert len(mentions) > 10_000


def test_unknown_columns_and_fields_are_named_with_a_suggestion(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(TWEETS + "a;2026-03-04;1;1;x;oui\n")
    said = refused(path, mapping={"text": "tweets", "created_at": "Date"})
    assert "no column 'tweets'" in said
    assert "did you mean 'Tweet'?" in said
    assert "columns: Tweet, Date, Followers" in said
    assert "did you mean 'created_at'?" in refused(path, mapping={"createdat": "Date"})
    assert "no column for text" in refused(path, mapping={"created_at": "Date"})


def test_mapped_objects(tmp_path: Path) -> None:
    path = tmp_path / "export.ndjson"
    rows = [
        {"body": "Colis perdu", "at": 1_772_615_700, "user": {"name": "Sam", "fans": "1,200"}, "network": "Twitter"},
        {"body": "Merci", "at": "2026-03-04 09:15", "user": {}, "network": "forum", "id": 12},
        {"body": None, "at": "2026-03-04"},
    ]
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)) + b"\n[1]\n")
    mapping = {"text": "body", "created_at": "at", "author.followers": "user.fans", "source": "network"}
    (first, second), rejects = read(path, mapping=mapping)
    assert (first.text, first.author_followers, first.source) == ("Colis perdu", 1200, "x")
    assert first.created_at_ms == second.created_at_ms == 1_772_615_700_000
    assert second.id == "12"
    assert [(r.position, r.field) for r in rejects] == [("line 3", "text"), ("line 4", "")]
    assert "did you mean 'body'?" in refused(path, mapping={"text": "bodi"})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (bytes(random.Random(1).randbytes(5_000)), "binary file"),
        (b"SQLite format 3\x00" + b"\x00" * 500, "binary file"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(200), "binary file"),
        ("text,created_at\n".encode("utf-16"), "UTF-16"),
        (b'[{"id": "1"}]', "one JSON list"),
        (b"\x1f\x8b not gzip", "looks like gzip"),
        (b"hello world\n", "no column for text"),
        (gzip.compress(bytes(5_000)), "binary file"),
    ],
)
def test_wrong_files(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "mentions"
    path.write_bytes(content)
    assert said in refused(path)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "nowhere.csv")
    assert "is a directory" in refused(tmp_path)
    assert "can't be read" in refused("/proc/self/mem")


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", gzip.compress(b""), b"text,created_at\n"])
def test_nothing_in_it(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "mentions"
    path.write_bytes(content)
    assert read(path) == ([], [])


def test_garbage_among_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "mentions.ndjson"
    long = record(3, text="x" * 1_100_000)
    path.write_bytes(b"\n".join([b"garbage", record(1), b"\x00\x01", long, b"{", record(2)]))
    mentions, rejects = read(path, order=False)
    assert [m.id for m in mentions] == ["1", "2"]
    assert [r.position for r in rejects] == ["line 1", "line 3", "line 4", "line 5"]
    assert rejects[2].reason == "line longer than 1 MB"


@pytest.mark.parametrize("cut", [10, 100])
def test_damaged_gzip_gives_what_can_be_read_and_one_reject(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "mentions.gz"
    rng = random.Random(3)
    lines = [record(i, url=rng.randbytes(40).hex()) for i in range(5_000)]
    path.write_bytes(gzip.compress(b"\n".join(lines))[:-cut])
    for params in ({"order": False}, {}):
        mentions, rejects = read(path, **params)
        assert 4_900 < len(mentions) <= 5_000
        assert "damaged" in rejects[-1].reason


def test_a_line_of_100_mb_is_not_held(tmp_path: Path) -> None:
    path = tmp_path / "mentions.ndjson"
    with path.open("wb") as file:
        file.write(record(1) + b"\n")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\n" + record(2) + b"\n")
    tracemalloc.start()
    mentions, rejects = read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(mentions), len(rejects)) == (2, 1)
    assert peak < 8_000_000


def shuffled(count: int) -> list[bytes]:
    lines = [record(i) for i in range(count)]
    random.Random(5).shuffle(lines)
    return lines


@pytest.mark.parametrize("packed", [False, True])
def test_out_of_order_is_served_in_order(packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "mentions"
    content = b"\n".join([*shuffled(200), b"broken"])
    path.write_bytes(gzip.compress(content) if packed else content)
    source = FileSource(FileParams(str(path), lateness_ms=5_000))
    batches = drained(source, 201, 7)
    assert ids(batches) == list(range(200))
    assert source.sorted_by_time
    (reject,) = [r for b in batches for r in b.rejects]
    assert (reject.position, reject.raw) == ("line 201", b"broken")


def test_within_the_lateness_bound_it_is_left_as_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "mentions"
    path.write_bytes(b"\n".join(record(i) for i in (2, 0, 1, 5, 3, 4)))
    source = FileSource(FileParams(str(path), lateness_ms=2_000))
    assert ids(drained(source, 6, 10)) == [2, 0, 1, 5, 3, 4]
    assert not source.sorted_by_time
    assert ids(drained(FileSource(FileParams(str(path), lateness_ms=1_999)), 6, 10)) == [0, 1, 2, 3, 4, 5]
    assert ids(drained(FileSource(FileParams(str(path), order=False)), 6, 10)) == [2, 0, 1, 5, 3, 4]


def test_ties_keep_their_order(tmp_path: Path) -> None:
    path = tmp_path / "mentions"
    same = [record(i, created_at=stamp(9)) for i in range(50)]
    path.write_bytes(b"\n".join([*same, record(99, created_at=stamp(1))]))
    assert ids(drained(FileSource(FileParams(str(path))), 51, 10)) == [99, *range(50)]


def test_a_date_in_a_nested_object_does_not_mislead(tmp_path: Path) -> None:
    path = tmp_path / "mentions"
    path.write_bytes(b"\n".join(record(i, user={"created_at": stamp(100 - i)}) for i in range(10)))
    source = FileSource(FileParams(str(path)))
    assert ids(drained(source, 10, 10)) == list(range(10))
    assert not source.sorted_by_time


def test_standard_input_is_copied_and_sorted_only_if_asked() -> None:
    content = b"\n".join(reversed([record(i) for i in range(20)]))
    assert [int(m.id) for m in read("-", content)[0]] == list(range(19, -1, -1))
    for piped in (content, gzip.compress(content)):
        assert [int(m.id) for m in read("-", piped, order=True)[0]] == list(range(20))


def test_no_room_for_a_copy_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mentions"
    path.write_bytes(gzip.compress(b"\n".join(shuffled(50))))
    monkeypatch.setattr("tempfile.TemporaryFile", lambda *args, **names: io.FileIO("/dev/full", "r+"))
    assert "No space left on device): make room, or set TMPDIR" in refused(path)
    with pytest.raises(InputError, match="make room"):
        read("-", record(1), order=True)


def test_a_named_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    for order_ in (None, True):
        lines = [record(i) for i in (1, 0)]
        writer = threading.Thread(target=lambda lines=lines: path.write_bytes(b"\n".join(lines)))
        writer.start()
        assert [int(m.id) for m in read(path, order=order_)[0]] == ([0, 1] if order_ else [1, 0])
        writer.join()
    assert read("/dev/null") == ([], [])


def test_more_than_can_be_sorted_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "SORTED_MAX", 10)
    path = tmp_path / "mentions"
    path.write_bytes(b"\n".join(shuffled(11)))
    assert "sort it by date first" in refused(path)
    path.write_bytes(b"\n".join(record(i) for i in range(30)))
    assert len(read(path)[0]) == 30


def test_a_brand_of_its_own_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "mentions"
    path.write_bytes(record(1) + b"\n" + record(2, brand="Lumeo"))
    assert [m.brand for m in read(path, brand="Nordalia")[0]] == ["Nordalia", "Lumeo"]


def test_progress_and_a_foreign_position(tmp_path: Path) -> None:
    path = tmp_path / "mentions"
    path.write_bytes(b"\n".join(record(i) for i in range(10)))
    source = FileSource(FileParams(str(path)))
    assert source.progress is None
    source.poll(5, 0)
    assert source.progress == pytest.approx(0.5, abs=0.05)
    source.poll(5, 0)
    assert source.progress == 1.0
    source.close()
    for position in ("@3", "seven", "1:2:3"):
        other = FileSource(FileParams(str(path)))
        other.seek({str(path): position})
        with pytest.raises(InputError, match="start over"):
            other.poll(1, 0)
        other.close()


@pytest.mark.parametrize(
    ("text", "read_as"),
    [
        ("2015-02-24", "2015-02-24T00:00:00Z"),
        ("2015-02-24 11:35", "2015-02-24T11:35:00Z"),
        ("2015-02-24 11:35:52 -0800", "2015-02-24T11:35:52-08:00"),
        ("2015-02-24T11:35:52.123Z", "2015-02-24T11:35:52.123Z"),
        ("2015-02-24 11:35:52 UTC", "2015-02-24T11:35:52Z"),
        ("1424777752", "2015-02-24T11:35:52Z"),
        ("1424777752000", "2015-02-24T11:35:52Z"),
        ("Tue Feb 24 11:35:52 +0000 2015", "2015-02-24T11:35:52+00:00"),
        ("Tue, 24 Feb 2015 11:35:52 +0000", "2015-02-24T11:35:52+00:00"),
        ("24/02/2015", "24/02/2015"),
        ("hier", "hier"),
    ],
)
def test_dates_of_tables(text: str, read_as: str) -> None:
    assert read_date(text) == read_as


def test_nothing_is_left_open(tmp_path: Path) -> None:
    path = tmp_path / "mentions"
    path.write_bytes(b"\n".join(shuffled(30)))
    before = len(os.listdir("/proc/self/fd"))
    for params in ({}, {"order": False}):
        read(path, **params)
    path.write_bytes(gzip.compress(path.read_bytes()))
    read(path)
    refused(tmp_path)
    assert len(os.listdir("/proc/self/fd")) == before
