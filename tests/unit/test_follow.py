"""A file that grows, is rotated, truncated, and comes late; standard input."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from engine.domain.errors import InputError
from streams.follow import FollowedFileSource, FollowParams, StdinSource
from streams.inbox import InboxSource
from tests.infra.sources import MemoryInbox, record


def follow(path: Path, position: str | None = None) -> FollowedFileSource:
    source = FollowedFileSource(FollowParams(str(path)))
    source.seek({} if position is None else {str(path): position})
    return source


def polled(source: FollowedFileSource | StdinSource, times: int = 1) -> list[str]:
    return [m.id for _ in range(times) for m in source.poll(100, 0).mentions]


def add(path: Path, *lines: bytes) -> None:
    with path.open("ab") as file:
        file.writelines(lines)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.ndjson"


def test_it_may_come_later_and_a_line_waits_for_its_end(log: Path) -> None:
    source = follow(log)
    assert polled(source) == []
    add(log, record(1) + b"\n", record(2)[:20])
    assert polled(source, 2) == ["1"]
    add(log, record(2)[20:])
    assert polled(source) == []
    add(log, b"\n")
    assert polled(source) == ["2"]
    source.close()


def test_rotation_reads_the_old_one_to_its_end_first(log: Path) -> None:
    source = follow(log)
    add(log, record(1) + b"\n")
    assert polled(source) == ["1"]
    add(log, record(2) + b"\n", record(3))  # the writer died before the line's end
    log.rename(log.with_name("log.ndjson.1"))
    assert polled(source, 2) == ["2"]
    add(log, record(4) + b"\n")  # only now is it known that nobody writes to the old one any more
    assert polled(source, 2) == ["3", "4"]
    source.close()


def test_two_rotations_between_polls(log: Path) -> None:
    source = follow(log)
    add(log, record(1) + b"\n")
    assert polled(source) == ["1"]
    for i in (2, 3):
        one, two = log.with_name("log.ndjson.1"), log.with_name("log.ndjson.2")
        if one.exists():
            one.rename(two)
        log.rename(one)
        add(log, record(i) + b"\n")
        os.utime(log, ns=(i * 10**18, i * 10**18))
    assert polled(source, 4) == ["2", "3"]
    source.close()


def test_a_restart_goes_on_in_the_rotated_file(log: Path) -> None:
    source = follow(log)
    add(log, record(1) + b"\n", record(2) + b"\n")
    position = source.poll(1, 0).cursors[0].position
    source.close()
    log.rename(log.with_name("log.ndjson-20260304"))
    log.with_name("log.ndjson.bak").write_bytes(record(9) + b"\n")
    add(log, record(3) + b"\n")
    again = follow(log, position)
    assert polled(again, 4) == ["2", "3"]
    again.close()
    log.with_name("log.ndjson-20260304").unlink()
    gone = follow(log, position)
    assert polled(gone) == ["3"]
    gone.close()


def test_truncation_starts_over(log: Path) -> None:
    source = follow(log)
    add(log, record(1) + b"\n", record(2) + b"\n")
    position = source.poll(9, 0).cursors[0].position
    log.write_bytes(record(3) + b"\n")
    assert polled(source, 2) == ["3"]
    source.close()
    again = follow(log, position)
    assert polled(again) == ["3"]
    again.close()


def test_a_line_over_the_limit_is_one_reject_once_it_ends(log: Path) -> None:
    source = follow(log)
    add(log, record(1) + b"\n", b"x" * 1_500_000)
    batch = source.poll(9, 0)
    assert ([m.id for m in batch.mentions], batch.rejects) == (["1"], ())
    add(log, b"x" * 500_000)
    assert source.poll(9, 0).rejects == ()
    add(log, b"x\n", record(2) + b"\n")
    batch = source.poll(9, 0)
    assert [r.reason for r in batch.rejects] == ["line longer than 1 MB"]
    assert [m.id for m in batch.mentions] == ["2"]
    again = follow(log, batch.cursors[0].position)
    assert polled(again) == []
    add(log, record(3) + b"\n")
    assert polled(again) == polled(source) == ["3"]
    source.close()
    again.close()


def test_close_ends_a_waiting_poll(log: Path) -> None:
    for source in (follow(log), InboxSource(MemoryInbox())):
        thread = threading.Thread(target=source.poll, args=(10, 60.0))
        thread.start()
        source.close()
        thread.join(10)
        assert not thread.is_alive()


def test_wrong_paths_and_positions(tmp_path: Path, log: Path) -> None:
    with pytest.raises(InputError, match="can't be followed"):
        follow(tmp_path).poll(1, 0)
    for position in ("12", "a:b:c", "@3"):
        with pytest.raises(InputError, match="not one of a followed file"):
            follow(log, position)


def test_standard_input_as_it_comes() -> None:
    reading, writing = os.pipe()
    source = StdinSource(descriptor=reading)
    assert source.poll(10, 0).end is False
    os.write(writing, record(1) + b"\n\n" + record(2)[:10])
    batch = source.poll(10, 1)
    assert ([m.id for m in batch.mentions], batch.live, batch.end) == (["1"], True, False)
    os.write(writing, record(2)[10:])
    os.close(writing)
    batches = [source.poll(10, 1) for _ in range(3)]
    assert [m.id for b in batches for m in b.mentions] == ["2"]
    assert batches[-1].end
    source.close()
    os.close(reading)


def test_standard_input_never_holds_more_than_a_line_may_have() -> None:
    reading, writing = os.pipe()

    def write() -> None:
        for _ in range(30):
            os.write(writing, b"x" * 100_000)
        os.write(writing, b"\n" + record(1) + b"\n")
        os.close(writing)

    thread = threading.Thread(target=write)
    thread.start()
    source = StdinSource(descriptor=reading)
    batches = []
    while not batches or not batches[-1].end:
        batches.append(source.poll(10, 5))
    thread.join()
    os.close(reading)
    assert [r.reason for b in batches for r in b.rejects] == ["line longer than 1 MB"]
    assert [m.id for b in batches for m in b.mentions] == ["1"]


def test_the_inbox_is_trimmed_only_when_told_and_wakes_a_reader() -> None:
    inbox = MemoryInbox()
    source = InboxSource(inbox)
    inbox.append([record(1), b"{", record(2)])
    batch = source.poll(2, 0)
    assert ([m.id for m in batch.mentions], [r.position for r in batch.rejects]) == (["1"], ["inbox 2"])
    assert len(inbox.rows) == 3
    source.committed(batch.cursors)
    assert [seq for seq, _, _ in inbox.rows] == [3]
    source.committed(())
    assert len(source.poll(9, 0).mentions) == 1
    threading.Timer(0.05, lambda: (inbox.append([record(3)]), source.notify())).start()
    assert [m.id for m in source.poll(9, 30).mentions] == ["3"]
    with pytest.raises(InputError, match="not one of an inbox"):
        source.seek({"0": "x"})
