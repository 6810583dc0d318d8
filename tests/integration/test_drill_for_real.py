"""A whole exercise by the real service, two hundred times as fast: marked, worked at over the API, scored."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2

from ops.drill.play import Drill, DrillParams
from ops.drill.scenario import found
from ops.drill.score import score
from ops.settings import Settings
from ops.store import Store
from ops.store.tokens import Role
from tests.infra.oncall import settings_of
from tests.infra.receiver import Receiver

WAIT_S = 90.0
SETTINGS = """
brands: [{{name: Vélorine}}]
alerts: {{channels: [{{name: equipe, type: webhook, url: "{url}", allow_private: true}}]}}
people: {{Camille: {{contacts: [{{name: app, type: webhook, url: "{url}", allow_private: true}}]}}}}
oncall: {{rotas: [{{role: community_manager, people: [Camille]}}]}}
freeze: {{url: "{url}/freeze", allow_private: true}}
"""


def until(what: Callable[[], Any]) -> Any:
    """What it gives once it gives something."""
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        if got := what():
            return got
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


def test_an_exercise_is_played_marked_and_scored(tmp_path: Path) -> None:
    with Receiver() as receiver:
        settings: Settings = settings_of(SETTINGS.format(url=receiver.url))
        params = DrillParams(found("outage"), str(tmp_path / "drill.db"), speed=200.0, minutes=600)
        drill = Drill(settings, params)
        lines: list[str] = []
        player = threading.Thread(target=drill.run, args=(lines.append,), daemon=True)
        player.start()
        try:
            url = until(lambda: next((line.split()[-1] for line in lines if "listening" in line), None))
            with Store.open(tmp_path / "drill.db") as store:
                words = store.tokens.create("phone", Role.MANAGER, person="Camille")[1]
                headers = {"authorization": f"Bearer {words}"}

                def get(path: str) -> httpx2.Response:
                    return httpx2.get(url + path, headers=headers, timeout=30)

                assert get("/v1/me").json()["exercise"] is True
                incident = until(lambda: next(iter(get("/v1/incidents").json()["items"]), None))
                assert incident["exercise"] is True
                place = f"{url}/v1/incidents/{incident['id']}"
                until(lambda: get(f"/v1/incidents/{incident['id']}/run").status_code == 200)
                taken = httpx2.post(f"{place}/ack", headers=headers, timeout=30)
                assert taken.status_code == 200, taken.text
                assert taken.headers["x-vigie-exercise"] == "EXERCICE / EXERCISE"
                until(lambda: get(f"/v1/incidents/{incident['id']}/drafts").json())
                drafts = get(f"/v1/incidents/{incident['id']}/drafts").json()
                assert all(draft["exercise"] for draft in drafts)
                report = get(f"/v1/incidents/{incident['id']}/reports/situation").text
                assert "EXERCI" in report
                until(lambda: receiver.received)
        finally:
            drill.stop()
            player.join(60)
        assert not player.is_alive()
        bodies = [json.loads(request.body) for request in receiver.received]
        assert bodies
        assert all(body["exercise"] is True for body in bodies)
        assert all(body["title"].startswith("EXERCICE / EXERCISE") for body in bodies)
        assert not any("freeze" in str(request.path) for request in receiver.received)
    with Store.open(tmp_path / "drill.db") as store:
        told = score(store)
    steps = {step["clock"]: step for step in told["incidents"][0]["steps"]}
    assert steps["acknowledge"]["by"] == "Camille"
    assert told["scenario"] == "outage"
