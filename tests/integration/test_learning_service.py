"""A running service that is corrected: the next comments are read by it, what was decided stays."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from ops.store import Store
from tests.infra.fakes import mention
from tests.infra.service import Service, record

TEXT = "Et voilà la trottinette Vélorine de ma voisine, édition {}"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    yield made
    made.end()


def _labels(folder: Path) -> dict[str, float]:
    with Store.open(folder / "vigie.db") as store:
        return {labels[2]: n for (name, labels), n in store.counters().items() if name == "mentions"}


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _send(service: Service, first: int, n: int) -> None:
    made = [mention(i / 60, i, TEXT.format(i), lang="fr") for i in range(first, first + n)]
    assert service.post(b"\n".join(map(record, made))).status_code == 202


def test_a_correction_changes_the_next_comments_without_a_restart(service: Service, tmp_path: Path) -> None:
    service.start()
    _send(service, 0, 20)
    _until(lambda: sum(_labels(tmp_path).values()) == 20)
    before = _labels(tmp_path)
    assert before.get("pos", 0) <= 10
    body = json.dumps([{"text": TEXT.format(i), "sentiment": "pos", "lang": "fr"} for i in range(900, 940)])
    answer = httpx2.post(f"{service.url}/v1/labels", content=body.encode(), timeout=20)
    assert answer.status_code == 202, answer.text
    assert answer.json()["version"] == 1
    _send(service, 100, 20)
    _until(lambda: sum(_labels(tmp_path).values()) == 40)
    after = _labels(tmp_path)
    assert after["pos"] - before.get("pos", 0) >= 18
    assert service.stop() == 0
    service.start()  # and it is still known after a restart
    _send(service, 200, 20)
    _until(lambda: sum(_labels(tmp_path).values()) == 60)
    assert _labels(tmp_path)["pos"] - after["pos"] >= 18
