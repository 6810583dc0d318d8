"""The store: one transaction a step, fencing, the inbox, and clear words when the place is no good."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.domain.batch import Command, Cursor, Reject
from engine.domain.effects import (
    AlertRaised,
    CommandDone,
    Counted,
    CursorMoved,
    CurveDrawn,
    DeadLettered,
    Effect,
    Gauged,
    IncidentSaved,
    LateStored,
    PlanMade,
    StateDropped,
    StateSaved,
)
from engine.domain.errors import FencedError, InputError, StateError, TransientError
from engine.domain.incident import Level, Phase
from ops.store import Store, apply, migrate, tables
from tests.infra.heart import beat_elsewhere
from tests.infra.sample_alerts import T0, incident, later, mention, plan, raised


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "vigie.db", clock_ms=lambda: T0) as opened:
        yield opened


def test_a_whole_step_is_read_back(store: Store) -> None:
    one = incident(Level.JAUNE)
    reject = Reject("line 3", "text", "missing", b"\x00\xff{")
    store.apply(
        [
            IncidentSaved(one),
            PlanMade(one.id, T0, plan()),
            raised(of=one),
            DeadLettered(reject),
            LateStored(mention(1, "trop tard"), ("Vélorine",)),
            StateSaved("series/Vélorine", {"v": 1, "x": [1.5, None]}),
            StateSaved("old", {}),
            StateDropped("old"),
            Counted("mentions", ("x", "neg"), 2.0),
            Counted("mentions", ("x", "neg"), 0.5),
            Gauged("lag_s", (), 3.0),
            CursorMoved(Cursor("inbox", "0", "7")),
            CursorMoved(Cursor("inbox", "0", "9")),
        ]
    )
    assert store.incident(one.id) == one
    assert store.incidents() == [one]
    assert store.plan(one.id) == plan()
    assert [alert.raised for alert in store.outbox.unrouted()] == [raised(of=one)]
    (letter,) = store.dead_letters()
    assert (letter.at_ms, *letter[2:]) == (T0, *reject)
    (late,) = store.late_mentions()
    assert (late.mention, late.brands) == (mention(1, "trop tard"), ("Vélorine",))
    assert store.load_state() == {"series/Vélorine": {"v": 1, "x": [1.5, None]}}
    assert store.counters() == {("mentions", ("x", "neg")): 2.5}
    assert store.positions() == (Cursor("inbox", "0", "9"),)


def test_text_that_no_database_takes_stops_no_step(store: Store) -> None:
    odd = "a\ud800\0b"
    one = incident(brand=odd, texts=(odd,))
    seq = store.add_command("note", one.id, odd, odd)
    store.apply(
        [
            IncidentSaved(one),
            raised(of=one),
            DeadLettered(Reject(odd, odd, odd, b"\x00")),
            LateStored(mention(1, odd), (odd,)),
            Counted("n", (odd,), 1),
            CommandDone(seq, True, odd),
        ]
    )
    assert store.incidents() == [one]
    assert store.outbox.unrouted()[0].raised.alert.incident == one
    assert store.dead_letters()[0].reason == "a?b"
    assert store.late_mentions()[0].brands == (odd,)
    assert store.counters() == {("n", (odd,)): 1.0}
    assert store.answer(seq) == (True, "a?b")


def test_later_forms_replace_earlier_ones_and_counts_add_up(store: Store) -> None:
    first, second = incident(Level.JAUNE), incident(Level.JAUNE, Level.ROUGE, phase=Phase.ACKNOWLEDGED)
    store.apply([IncidentSaved(first), StateSaved("a", {"n": 1}), Counted("n", (), 1)])
    store.apply([IncidentSaved(second), StateSaved("a", {"n": 2}), Counted("n", (), 1)])
    assert store.incidents() == [second]
    assert store.load_state() == {"a": {"n": 2}}
    assert store.counters() == {("n", ()): 2.0}


def test_the_same_alert_enters_the_outbox_once(store: Store) -> None:
    store.apply([raised(key="k"), raised(key="k")])
    store.apply([raised(key="k"), raised(key="other")])
    assert [alert.raised.alert.key for alert in store.outbox.unrouted()] == ["k", "other"]


def test_a_failing_step_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.apply([Counted("n", (), 1)])
    monkeypatch.setattr(store._applier, "_cursor", tables.cursors.insert().values(nowhere=1))
    with pytest.raises(Exception, match="nowhere"):
        store.apply([Counted("n", (), 1), StateSaved("a", {}), CursorMoved(Cursor("s", "p", "1"))])
    assert store.counters() == {("n", ()): 1.0}
    assert store.load_state() == {}


def test_incidents_are_filtered_and_sorted(store: Store) -> None:
    one = incident(id_="inc-1")
    two = later(incident(id_="inc-2", brand="Nordalia"), opened_at_ms=T0 - 1)
    suspected = incident(id_="inc-3", phase=Phase.SUSPECTED)
    store.apply([IncidentSaved(one), IncidentSaved(two), IncidentSaved(suspected)])
    assert [found.id for found in store.incidents()] == ["inc-2", "inc-1"]
    assert [found.id for found in store.incidents(brand="Nordalia")] == ["inc-2"]
    assert [found.id for found in store.incidents(phases=[Phase.SUSPECTED])] == ["inc-3"]
    assert len(store.incidents(suspected=True)) == 3
    assert store.incident("inc-9") is None
    assert store.plan("inc-9") is None


@pytest.mark.parametrize("kind", ["dead_letters", "late_mentions"])
def test_what_can_grow_for_ever_keeps_the_newest(store: Store, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(apply, f"{kind.upper()}_MAX", 3)
    for n in range(5):
        dead: Effect = DeadLettered(Reject(f"line {n}", "", "no JSON", b"{"))
        late: Effect = LateStored(mention(n, "tard"), ())
        store.apply([dead if kind == "dead_letters" else late])
    rows = store.dead_letters() if kind == "dead_letters" else store.late_mentions()
    assert [row.id for row in rows] == [3, 4, 5]
    assert store.counters() == {("store_rows_dropped", (kind,)): 2.0}


# --- fencing ----------------------------------------------------------------------------------------------------------


def test_who_takes_goes_on_where_the_other_stopped_and_fences_it(tmp_path: Path) -> None:
    with Store.open(tmp_path / "vigie.db") as old, Store.open(tmp_path / "vigie.db") as new:
        assert old.take(["inbox", "kafka"]) == {"inbox": {}, "kafka": {}}
        old.apply([CursorMoved(Cursor("kafka", "m/0", "41")), CursorMoved(Cursor("kafka", "m/1", "5"))])
        assert new.take(["kafka"]) == {"kafka": {"m/0": "41", "m/1": "5"}}
        with pytest.raises(FencedError, match="another process has taken"):
            old.apply([CursorMoved(Cursor("kafka", "m/0", "42")), Counted("n", (), 1)])
        with pytest.raises(FencedError):
            old.apply([])
        new.apply([CursorMoved(Cursor("kafka", "m/0", "43"))])
        assert new.counters() == {}
        assert new.take(["kafka"])["kafka"]["m/0"] == "43"


def test_the_engine_has_one_owner_whatever_the_sources(tmp_path: Path) -> None:
    with Store.open(tmp_path / "vigie.db") as service, Store.open(tmp_path / "vigie.db") as command:
        service.take(["inbox"])
        command.take()
        with pytest.raises(FencedError, match="engine"):
            service.apply([StateSaved("a", {})])


# --- commands, heartbeat, meta ----------------------------------------------------------------------------------------


def test_a_command_waits_for_its_answer(store: Store) -> None:
    seq = store.add_command("ack", "inc-1", "Camille", "je prends", at_ms=5)
    assert store.pending_commands() == (Command(seq, "ack", "inc-1", "Camille", "je prends", 5),)
    assert store.answer(seq) is None
    store.apply([CommandDone(seq, False, "déjà clos")])
    assert store.pending_commands() == ()
    assert store.answer(seq) == (False, "déjà clos")


def test_a_service_is_alive_while_its_heart_beats(tmp_path: Path) -> None:
    now = T0
    with Store.open(tmp_path / "vigie.db", clock_ms=lambda: now) as store:
        assert store.service() is None
        beat_elsewhere(store)
        now += 9_999
        alive = store.service()
        assert alive is not None
        assert (alive.pid, alive.at_ms) == (os.getppid(), T0)
        now += 1
        assert store.service() is None


def test_a_service_that_was_killed_or_said_goodbye_is_not_waited_for(store: Store) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    beat_elsewhere(store, gone.pid)
    assert store.service() is None
    store.beat()
    assert store.service() is None  # this process itself, or one of the same number before a restart
    store.unbeat()
    beat_elsewhere(store)
    store.unbeat()  # another's goodbye is not ours to say
    assert store.service() is not None


def test_meta_and_prune(store: Store) -> None:
    store.set_meta("made_by", "1")
    store.set_meta("made_by", "2")
    assert store.get_meta() == {"made_by": "2"}
    store.apply([raised(key="old"), CommandDone(store.add_command("note", "i", "c", at_ms=1), True, "ok")])
    assert store.prune(T0 + 1) == 1  # the command; the alert is not routed yet
    store.outbox.fan_out(store.outbox.unrouted()[0], [], T0)
    assert store.prune(T0 + 1) == 1
    assert store.prune(T0 + 1) == 0


# --- the inbox --------------------------------------------------------------------------------------------------------


# --- places that are no good ------------------------------------------------------------------------------------------


def one_line(error: BaseException) -> str:
    text = str(error)
    assert "\n" not in text
    return text


def test_a_directory(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a directory") as caught:
        Store.open(tmp_path)
    assert str(tmp_path) in one_line(caught.value)


def test_a_missing_store_is_not_made_by_readers(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such store"):
        Store.open(tmp_path / "none.db", create=False)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("content", [b"id,text\n1,Bonjour\n" * 100, b"\x89PNG" + bytes(4000)])
def test_a_file_of_another_kind_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError, match="not a database") as caught:
        Store.open(path)
    one_line(caught.value)
    assert path.read_bytes() == content


def test_a_database_of_another_program(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    with pytest.raises(InputError, match="another program"):
        Store.open(path)


def test_a_newer_database(tmp_path: Path) -> None:
    path = tmp_path / "vigie.db"
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(StateError, match=r"newer vigie .*9999") as caught:
        Store.open(path)
    one_line(caught.value)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions mean nothing to root: step down for a while."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def shared_folder() -> Iterator[Path]:
    """A folder that the other user gets to, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)
        os.chmod(name, 0o755)


@pytest.mark.parametrize("mode", [0o555, 0o000])
def test_a_directory_that_may_not_be_written(shared_folder: Path, mode: int) -> None:
    shared_folder.chmod(mode)
    with unprivileged(), pytest.raises(InputError, match=r"vigie\.db: can't be created") as caught:
        Store.open(shared_folder / "vigie.db")
    one_line(caught.value)


def test_a_store_that_may_not_be_written(shared_folder: Path) -> None:
    path = shared_folder / "vigie.db"
    Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.close()
    path.chmod(0o444)
    shared_folder.chmod(0o555)
    with unprivileged(), pytest.raises(InputError, match="can't be written") as caught, Store.open(path) as store:
        store.apply([Counted("n", (), 1)])
    assert "vigie.db" in one_line(caught.value)


@pytest.mark.parametrize("place", ["", "mysql://host/db", "://", "sqlite://", "sqlite:///:memory:"])
def test_no_place_at_all(place: str) -> None:
    with pytest.raises(InputError) as caught:
        Store.open(place)
    one_line(caught.value)


def test_a_locked_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.store.database.BUSY_MS_MAX", 50)
    path = tmp_path / "vigie.db"
    with Store.open(path) as store:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(TransientError, match="another process holds the store") as caught:
            store.apply([Counted("n", (), 1)])
        one_line(caught.value)
        holder.execute("ROLLBACK")
        holder.close()
        store.apply([Counted("n", (), 1)])
        assert store.counters() == {("n", ()): 1.0}


def test_a_full_disk(tmp_path: Path) -> None:
    with Store.open(tmp_path / "vigie.db") as store:
        with store._database.write() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 5}")
        with pytest.raises(TransientError, match="disk is full") as caught:
            store.apply([StateSaved("big", {"x": "y" * 200_000}), Counted("n", (), 1)])
        one_line(caught.value)
        store.apply([Counted("n", (), 1)])
        assert store.counters() == {("n", ()): 1.0}
        assert store.load_state() == {}


def test_durable_means_synced(tmp_path: Path) -> None:
    for durable, synchronous in ((True, 2), (False, 0)):
        with Store.open(tmp_path / f"{durable}.db", durable=durable) as store, store._database.read() as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == synchronous
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    Store.open(tmp_path / "new" / "vigie.db").close()
    assert stat.S_IMODE((tmp_path / "new" / "vigie.db").stat().st_mode) == 0o600


def test_a_temporary_store_goes_away() -> None:
    with Store.temporary() as store:
        store.apply([Counted("n", (), 1)])
        folder = Path(store.name).parent
        assert folder.exists()
    assert not folder.exists()


# --- migrations -------------------------------------------------------------------------------------------------------


def test_migrations_make_the_tables_that_the_statements_know(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store._database.read() as connection:
        assert compare_metadata(MigrationContext.configure(connection), tables.metadata) == []


def test_the_code_knows_every_migration() -> None:
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(migrate.MIGRATIONS))
    assert script.get_current_head() == migrate.HEAD
    assert {revision.revision for revision in script.walk_revisions()} == migrate.KNOWN


def test_two_processes_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    failures: list[BaseException] = []
    ready = threading.Barrier(4)

    def opener() -> None:
        try:
            ready.wait()
            Store.open(tmp_path / "vigie.db").close()
        except Exception as error:  # noqa: BLE001  (shown below, in the thread that asserts)
            failures.append(error)

    threads = [threading.Thread(target=opener) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_mutes_in_force(store: Store) -> None:
    first = store.outbox.add_mute(T0 + 10, brand="Vélorine", level_max=Level.ORANGE, actor="Camille", reason="salon")
    second = store.outbox.add_mute(T0 + 1, incident_id="inc-1")
    assert [found.id for found in store.outbox.mutes(T0)] == [first, second]
    assert store.outbox.mutes(T0 + 5) == [(first, "Vélorine", Level.ORANGE, None, T0 + 10, "Camille", "salon")]
    assert store.outbox.drop_mute(first)
    assert not store.outbox.drop_mute(first)


def test_an_alert_raised_effect_is_kept_with_its_plan(store: Store) -> None:
    without = AlertRaised(raised(key="n").alert, None)
    store.apply([without])
    assert store.outbox.unrouted()[0].raised == without


def test_an_incidents_curve_is_drawn_once_a_span(store):
    points = [CurveDrawn("i", 600_000 * n, n / 4, 3 * n, 0.5) for n in range(3)]
    store.apply([*points, CurveDrawn("j", 0, 9.0, 9, 1.0)])
    store.apply([points[2]._replace(negative=2.5), points[1]])
    assert store.curve("i") == [points[0], points[1], points[2]._replace(negative=2.5)]
    assert store.curve("nobody") == []
