"""Dead letters: found, sent again once, dropped with a reason, on both databases."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from engine.domain.batch import Reject
from engine.domain.effects import DeadLettered
from engine.domain.errors import InputError, TransientError
from ops.letters import mended_of, replay, view
from ops.settings import Settings
from ops.store import Store
from ops.store.deadletters import DROPPED, NEW, REPLAYED, Wanted
from tests.infra.cli import Ended, vigie
from tests.infra.sample_alerts import T0

GOOD = b'{"id": "1", "source": "forum", "text": "Colis perdu", "created_at": "2026-03-04T09:15:00Z"}'
HTTP = Settings()
KAFKA = Settings.model_validate({"sources": {"kafka": {"bootstrap_servers": ["127.0.0.1:9"]}}})


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with Store.open(place, clock_ms=lambda: T0) as opened:
        yield opened


def letters(*raws: bytes, position: str = "inbox {}", reason: str = "no JSON") -> list[DeadLettered]:
    return [
        DeadLettered(Reject(position.format(i), "text" if i % 2 else "", reason, raw)) for i, raw in enumerate(raws, 1)
    ]


def inbox(store: Store) -> list[bytes]:
    return [row.raw for row in store.inbox.read(0, 100)]


def test_letters_are_found_by_number_time_and_reason(store: Store) -> None:
    store.apply(letters(b"{", b"[", b"\xff", reason="No JSON"))
    find = store.letters.find
    assert [letter.raw for letter in find(Wanted())] == [b"{", b"[", b"\xff"]
    assert [letter.id for letter in find(Wanted(ids=(2, 3)))] == [2, 3]
    assert [letter.id for letter in find(Wanted(reason="no json"), after=1, limit=1)] == [2]
    assert [letter.id for letter in find(Wanted(reason="TEXT: no"))] == [1, 3]
    assert find(Wanted(reason="100%")) == []
    assert find(Wanted(since_ms=T0 + 1)) == []
    assert store.letters.count(Wanted(since_ms=T0)) == 3


def test_a_letter_is_sent_once_and_says_by_whom(store: Store) -> None:
    store.apply(letters(b"{", GOOD))
    chosen = store.letters.find(Wanted())
    sent = replay(store.letters, chosen, {1: GOOD}, HTTP, "Camille", "accolade")
    assert sent == ((1, 2), ())
    assert inbox(store) == [GOOD, GOOD]
    again = replay(store.letters, chosen, {1: GOOD}, HTTP, "Jo", "")
    assert again.ids == ()
    assert [reason for _, reason in again.refused] == ["not new any more: somebody was faster"] * 2
    assert inbox(store) == [GOOD, GOOD]
    (first, _) = store.letters.find(Wanted(state=REPLAYED))
    assert (first.done_by, first.done_why, first.done_at_ms) == ("Camille", "accolade", T0)
    assert store.letters.count(Wanted(state=NEW)) == 0
    assert replay(store.letters, [first], {}, HTTP, "Jo", "").refused == ((1, "replayed already"),)


def test_what_can_still_not_be_read_stays(store: Store) -> None:
    cut = DeadLettered(Reject("inbox 3", "", "too long", GOOD, size_bytes=10_000))
    store.apply([*letters(b"{", b"{}"), cut])
    sent = replay(store.letters, store.letters.find(Wanted()), {2: b"{]"}, HTTP, "Camille", "")
    assert sent.ids == ()
    assert [reason.split(":")[0] for _, reason in sent.refused] == [
        "still no mention", "still no mention", f"only {len(GOOD)} of its 10000 bytes are kept",
    ]  # fmt: skip
    assert store.letters.count(Wanted()) == 3
    assert replay(store.letters, store.letters.find(Wanted(ids=(3,))), {3: GOOD}, HTTP, "C", "").ids == (3,)


def test_a_letter_of_a_topic_goes_to_its_partition_and_is_marked_only_if_it_went(store: Store) -> None:
    store.apply(letters(GOOD, b"x", position="vigie.mentions/{}@17"))
    store.apply(letters(GOOD, position="old.topic/0@3"))
    went: list[tuple[str, int, bytes]] = []

    def down(_records: Sequence[tuple[str, int, bytes]]) -> None:
        raise TransientError("kafka at nowhere")

    chosen = store.letters.find(Wanted())
    with pytest.raises(TransientError):
        replay(store.letters, chosen, {2: GOOD}, KAFKA, "C", "", down)
    assert store.letters.count(Wanted(ids=(1, 2))) == 2
    assert inbox(store) == [GOOD]  # the one of another topic took the way of the inbox, and stays sent
    sent = replay(store.letters, store.letters.find(Wanted()), {2: GOOD}, KAFKA, "C", "", went.extend)
    assert sent.ids == (1, 2)
    assert went == [("vigie.mentions", 1, GOOD), ("vigie.mentions", 2, GOOD)]


def test_nothing_is_put_where_nobody_reads(store: Store) -> None:
    store.apply(letters(GOOD))
    deaf = Settings.model_validate({"sources": {"http": None, "stdin": True}})
    assert (
        "nothing reads the inbox"
        in replay(store.letters, store.letters.find(Wanted()), {}, deaf, "C", "").refused[0][1]
    )
    assert inbox(store) == []


def test_two_people_at_once_send_each_letter_once(place: str) -> None:
    with Store.open(place) as store:
        store.apply(letters(*[GOOD] * 50))
    ready = threading.Barrier(4)

    def send(person: int) -> int:
        with Store.open(place) as store:
            chosen = store.letters.find(Wanted())
            ready.wait()
            return len(replay(store.letters, chosen, {}, HTTP, f"person {person}", "").ids)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(send, range(4))) == 50
    with Store.open(place) as store:
        assert len(inbox(store)) == 50


def test_what_list_prints_mended_is_what_replay_reads(store: Store) -> None:
    store.apply(letters('{"a": "é"'.encode(), b"\xff\x00"))
    shown = [view(letter) for letter in store.letters.find(Wanted())]
    printed = orjson.dumps(shown)
    assert mended_of(printed, "f") == {1: '{"a": "é"'.encode(), 2: b"\xff\x00"}
    lines = b"\n".join(orjson.dumps(letter) for letter in shown)
    assert mended_of(lines, "f") == mended_of(printed, "f")
    assert mended_of(printed[1:-1].split(b"},{")[0] + b"}", "f") == {1: '{"a": "é"'.encode()}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "line 1 is no JSON"),
        (b"[1]", "its number as id"),
        (b'[{"id": true, "raw": ""}]', "its number as id"),
        (b'[{"id": 1}]', "letter 1: no record"),
        (b'[{"id": 1, "raw_base64": "*"}]', "no base64"),
        (b'[{"id": 1, "raw": ""}, {"id": 1, "raw": ""}]', "twice"),
    ],
)
def test_a_file_of_mended_letters_that_is_none(data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        mended_of(data, "mended.json")


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "vigie.db"
    with Store.open(path) as store:
        store.apply(letters(b"{\x1b[31m", b'{"id": 12}', GOOD))

    def call(*words: object) -> Ended:
        return vigie(capsys, monkeypatch, "deadletters", *words, "--db", path)

    call.path = path  # type: ignore[attr-defined]
    return call


def test_list_shows_what_and_why_without_what_would_fool_a_terminal(run) -> None:
    code, out, _ = run("list")
    assert (code, "\x1b" in out) == (0, False)
    assert out.splitlines()[-1] == "3 dead letters"
    assert "inbox 1  text: no JSON" in out
    assert run("list", "--limit", 2).out.endswith("3 dead letters, 2 shown; --limit shows more\n")
    shown = json.loads(run("list", "--json", "--id", 1, "--id", 2).out)
    assert [(letter["id"], letter["raw"], letter["whole"]) for letter in shown] == [
        (1, "{\x1b[31m", True), (2, '{"id": 12}', True)
    ]  # fmt: skip
    assert run("list", "--since", "1h", "--reason", "none such").out == "0 dead letters\n"
    assert run("list", "--since", "2020-01-01", "--json").out.count('"raw"') == 3


def test_mend_replay_and_drop(run, tmp_path: Path) -> None:
    mended = tmp_path / "mended.json"
    letters = json.loads(run("list", "--json", "--id", 2).out)
    letters[0]["raw"] = GOOD.decode()
    mended.write_text(json.dumps(letters))
    assert run("replay", "--from", mended, "--by", "Camille").out == "1 sent again, 0 left as they are\n"
    code, out, err = run("replay", "--from", mended)
    assert (code, out) == (2, "0 sent again, 1 left as they are\n")
    assert "letter 2: replayed already" in err
    one = tmp_path / "one.json"
    one.write_bytes(GOOD + b"\n")
    assert run("replay", "--id", 1, "--record", one).code == 0
    assert run("drop", "--all", "--why", "essai", "--by", "Camille").out == "1 dropped\n"
    assert "[dropped by Camille]" in run("list", "--state", "dropped").out
    with Store.open(run.path) as store:
        assert inbox(store) == [GOOD, GOOD]
        assert store.letters.find(Wanted(state=DROPPED))[0].done_why == "essai"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("replay",), "which letters?"),
        (("drop", "--why", "x"), "which letters?"),
        (("drop", "--all"), "--why: missing"),
        (("drop", "--id", 99, "--why", "x"), "no dead letter 99"),
        (("replay", "--id", 99), "no dead letter 99"),
        (("replay", "--record", "x"), "give its number with --id"),
        (("replay", "--from", "none.json"), "none.json: No such file"),
        (("list", "--state", "old"), "--state old: one of new, replayed"),
        (("list", "--since", "yesterday"), "--since 'yesterday'"),
    ],
)
def test_mistakes_are_told_in_one_line(run, words: tuple[object, ...], says: str) -> None:
    code, _, err = run(*words)
    assert code == 2
    assert says in err
    assert err.count("\n") == 1
