"""The alert rules and the dashboard against Debian's real Prometheus."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from prometheus_client import make_wsgi_app

from engine.domain.effects import Counted, Gauged
from ops.metrics import METRICS, Metrics

OPS = Path(__file__).resolve().parents[2] / "ops"
RULES = OPS / "prometheus" / "vigie.rules.yml"
WAIT_S = 60


def run(*command: str, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_rules_are_valid() -> None:
    assert "SUCCESS" in run("promtool", "check", "rules", RULES.name, cwd=RULES.parent)


def test_rules_fire_when_they_should() -> None:
    run("promtool", "test", "rules", "vigie.test.yml", cwd=RULES.parent)


def test_every_rule_is_shown_to_fire() -> None:
    alerts = set(re.findall(r"- alert: (\w+)", RULES.read_text()))
    cases = re.findall(r"alertname: (\w+)[,\s]+exp_alerts:\s*(\[\]|\S)", (RULES.parent / "vigie.test.yml").read_text())
    assert alerts == {name for name, expected in cases if expected != "[]"}


def full_metrics() -> Metrics:
    """Metrics with every name of the table in use."""
    metrics = Metrics(version="test")
    for name, spec in METRICS.items():
        labels = tuple(f"some_{label}" for label in spec.labels)
        metrics.observe([Counted(name, labels, 1.0) if spec.kind == "counter" else Gauged(name, labels, 1.0)])
    metrics.observe([Counted("notifications", ("log", "failed"), 1.0)])
    metrics.step_took(0.01)
    return metrics


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Prometheus that scrapes one exporter of our metrics with our rules loaded; its address."""
    folder = tmp_path_factory.mktemp("prometheus")
    exporter = make_server("127.0.0.1", 0, make_wsgi_app(full_metrics().registry), handler_class=Quiet)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    port = free_port()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": "vigie", "static_configs": [{"targets": [f"127.0.0.1:{exporter.server_port}"]}]}
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [
                "prometheus",
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=log,
        )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: query(address, "vigie_build_info") != [], folder / "log")
        yield address
    finally:
        server.terminate()
        server.wait(30)
        exporter.shutdown()
        exporter.server_close()


def wait_for(ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except (urllib.error.URLError, ConnectionError):
            pass
        time.sleep(0.2)
    pytest.fail("Prometheus did not come up:\n" + log.read_text()[-2000:])


def get(address: str, path: str, **arguments: str) -> dict[str, object]:
    with urllib.request.urlopen(f"{address}{path}?{urllib.parse.urlencode(arguments)}", timeout=10) as answer:
        body: dict[str, object] = json.load(answer)
    assert body["status"] == "success"
    data = body["data"]
    assert isinstance(data, dict)
    return data


def query(address: str, expression: str) -> list[object]:
    result = get(address, "/api/v1/query", query=expression)["result"]
    assert isinstance(result, list)
    return result


def dashboard_expressions() -> list[str]:
    board = json.loads((OPS / "grafana" / "vigie.json").read_text())
    found = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    assert len(found) > 15
    return found


def test_every_metric_of_dashboard_and_rules_is_exposed(prometheus: str) -> None:
    texts = [*dashboard_expressions(), *re.findall(r"expr: ([^\n]+(?:\n {10,}[^\n]+)*)", RULES.read_text())]
    names = {name for text in texts for name in re.findall(r"\bvigie_\w+", text)}
    assert len(names) > 15
    assert [name for name in sorted(names) if query(prometheus, name) == []] == []


def test_every_expression_of_the_dashboard_is_understood(prometheus: str) -> None:
    for expression in dashboard_expressions():
        query(prometheus, expression.replace("$brand", ".*"))


def test_rules_are_loaded_and_the_watchdog_barks(prometheus: str) -> None:
    groups = get(prometheus, "/api/v1/rules")["groups"]
    assert isinstance(groups, list)
    rules = {rule["name"]: rule for group in groups for rule in group["rules"]}
    assert {rule["health"] for rule in rules.values()} <= {"ok", "unknown"}
    deadline = time.monotonic() + WAIT_S
    while query(prometheus, 'ALERTS{alertname="Watchdog",alertstate="firing"}') == []:
        assert time.monotonic() < deadline, "the watchdog never fired"
        time.sleep(0.2)


def test_every_metric_of_the_table_reaches_prometheus(prometheus: str) -> None:
    suffix = {"counter": "_total", "gauge": ""}
    missing = [name for name, spec in METRICS.items() if query(prometheus, f"vigie_{name}{suffix[spec.kind]}") == []]
    assert missing == []


def test_the_configuration_in_the_docs_is_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", (OPS.parent / "docs" / "metrics.md").read_text(), re.DOTALL)
    (tmp_path / "prometheus.yml").write_text(block)
    (tmp_path / RULES.name).write_text(RULES.read_text())
    assert "14 rules found" in run("promtool", "check", "config", "prometheus.yml", cwd=tmp_path)
