"""`vigie run` as a process, with a real SQLite file and real signals."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
import threading
import time

import httpx2
import pytest

from ops.store.store import Store
from tests.infra.fakes import START_MS, mention, storm, synthetic
from tests.infra.service import Service, record


@pytest.fixture
def service(tmp_path):
    made = Service(tmp_path)
    yield made
    made.end()


def crisis():
    """Two days of calm and a storm, scored upstream so that the text model plays no part."""
    calm = synthetic(2, per_hour=12)
    angry = [m for m in storm(minutes=2_870, at=2_800, lasts=45, size=6) if "panne" in m.text]
    whole = sorted([*calm, *angry], key=lambda m: (m.created_at_ms, m.id))
    return [m._replace(sentiment=-0.9 if "panne" in m.text or "nul" in m.text else 0.4) for m in whole]


def batches(mentions, size=50):
    return [b"\n".join(map(record, mentions[i : i + size])) for i in range(0, len(mentions), size)]


def known(folder):
    """What the store holds of the stream: incidents, plans and counts; repeats apart, since resending makes them."""
    with Store.open(folder / "vigie.db") as store:
        incidents = store.incidents(suspected=True)
        plans = [store.plan(incident.id) for incident in incidents]
        when_told = ("received", "duplicates", "provisional_alerts")  # depends on how the stream was cut
        counts = {key: n for key, n in store.counters().items() if key[0] not in when_told}
        alerts = sorted(delivery.key for delivery in store.outbox.deliveries() if "~" not in delivery.key)
        return incidents, plans, counts, alerts


def settle(service):
    """Wait until the inbox has been worked through."""
    for _ in range(400):
        if 'vigie_source_lag{partition="0",source="http"} 0.0' in service.get("/metrics").text:
            time.sleep(2.2)  # one more heartbeat: the figure is two seconds old at most
            if 'vigie_source_lag{partition="0",source="http"} 0.0' in service.get("/metrics").text:
                return
        time.sleep(0.1)
    raise AssertionError("the inbox was not worked through")


def test_kill_9_in_the_middle_loses_and_repeats_nothing(tmp_path):
    sent = batches(crisis())
    (tmp_path / "calm").mkdir()
    (tmp_path / "rough").mkdir()
    undisturbed = Service(tmp_path / "calm").start()
    for body in sent:
        assert undisturbed.post(body).status_code == 202
    settle(undisturbed)
    assert undisturbed.stop() == 0

    rng = random.Random(7)
    rough = Service(tmp_path / "rough").start()
    deaths = set(rng.sample(range(len(sent)), 4))
    for i, body in enumerate(sent):
        if i in deaths:
            threading.Timer(rng.random() * 0.03, rough.kill).start()
            time.sleep(rng.random() * 0.03)
        while True:
            try:
                if rough.post(body).status_code == 202:
                    break
            except httpx2.HTTPError:  # killed before it could answer: start it again and send again
                rough.process.wait()
                rough.start()
    if rough.process.poll() is not None:
        rough.start()
    settle(rough)
    assert rough.stop() == 0

    expected, found = known(tmp_path / "calm"), known(tmp_path / "rough")
    assert expected[0], "the storm must have opened an incident"
    assert found == expected


def test_what_was_told_early_is_confirmed_after_kill_9(service):
    """Killed between the provisional alert and the final one: both go out, once, under one key."""
    service.start()
    mentions = crisis()
    early_ms = START_MS + 2_803 * 60_000  # three minutes of the storm are in, and the watermark is two behind
    for body in batches([m for m in mentions if m.created_at_ms < early_ms], 500):
        assert service.post(body).status_code == 202
    settle(service)
    assert 'vigie_provisional_alerts_total{outcome="raised"} 1.0' in service.get("/metrics").text
    service.kill()
    with Store.open(service.folder / "vigie.db") as store:
        assert not store.incidents()
        (told,) = store.outbox.deliveries()
    service.start()
    for body in batches([m for m in mentions if m.created_at_ms >= early_ms], 500):
        assert service.post(body).status_code == 202
    settle(service)
    assert service.stop() == 0
    with Store.open(service.folder / "vigie.db") as store:
        rows = {row.key: row.state.value for row in store.outbox.deliveries()}
        key = told.key.split("~")[0]
        assert (told.key, rows[told.key], rows[key]) == (f"{key}~provisional1", "delivered", "delivered")
        assert store.counters()["provisional_alerts", ("confirmed",)] == 1
        assert len(store.incidents()) == 1
    assert "alert confirmed" in service.log.read_text()


def test_sigterm_works_through_what_was_accepted(service):
    service.start()
    mentions = crisis()[:600]
    for body in batches(mentions, 200):
        assert service.post(body).status_code == 202
    assert service.stop() == 0
    with Store.open(service.folder / "vigie.db") as store:
        assert store.inbox.waiting() == 0
        assert sum(n for (name, _), n in store.counters().items() if name == "received") == 600
    assert service.process.returncode == 0


def test_late_and_future_mentions_are_accepted_and_told_apart(service):
    service.start()
    late = mention(1, 7, "trop tard", sentiment=0.1)
    future = mention(0, 8, "demain", sentiment=0.1)._replace(created_at_ms=START_MS + 80 * 365 * 86_400_000)
    assert service.post(record(mention(600, 0, "ok", sentiment=0.1))).status_code == 202
    answer = service.post(record(late) + b"\n" + record(future))
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2, "rejected": 0, "errors": []}
    settle(service)
    assert service.stop() == 0
    with Store.open(service.folder / "vigie.db") as store:
        assert [m.mention.id for m in store.late_mentions()] == [late.id]
        assert store.counters()["future_clamped", ()] == 1


def test_bad_lines_are_answered_one_by_one_and_kept(service):
    service.start()
    answer = service.post(b"{nonsense\n" + record(mention(1, 1, "ok", sentiment=0.0)) + b'\n{"id": "2"}')
    assert answer.status_code == 202
    body = answer.json()
    assert (body["accepted"], body["rejected"]) == (1, 2)
    assert [error["line"] for error in body["errors"]] == [1, 3]
    assert service.stop() == 0
    with Store.open(service.folder / "vigie.db") as store:
        assert len(store.dead_letters()) == 2


def test_a_port_in_use_is_one_line(service):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        service.config.write_text(f"sources:\n  http: {{port: {port}}}\n")
        command = [sys.executable, "-m", "ops.cli", "run", "-c", str(service.config)]
        ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    lines = ended.stderr.decode().strip().splitlines()
    assert len(lines) == 1
    assert str(port) in lines[0]


def test_one_database_one_service(service, tmp_path):
    service.start()
    command = [sys.executable, "-m", "ops.cli", "run", "-c", str(service.config)]
    ended = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert b"already serves this database" in ended.stderr
    assert service.stop() == 0


def test_probes_and_metrics(service):
    service.start()
    assert (service.get("/healthz").status_code, service.get("/readyz").status_code) == (200, 200)
    assert service.post(record(mention(1, 1, "ok", sentiment=0.5))).status_code == 202
    settle(service)
    text = service.get("/metrics").text
    assert 'vigie_mentions_total{brand="Nordalia",network="x",sentiment="pos"} 1.0' in text
    assert service.stop() == 0
