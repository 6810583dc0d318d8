"""compose.yaml and Dockerfile: nothing open to others, nothing run as root, no secret with a default, all paths there.

No container engine is needed: the files are read, and the settings that they carry are checked as Vigie would.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from ops.cli import app
from ops.settings import load_settings
from ops.topics import specs_of

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(ROOT.glob("compose*.yaml"))
PORT = re.compile(r"127\.0\.0\.1:\d+:\d+")
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|KEY(?!S)")
ONE_SHOT = {"topics"}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
    return found


SERVICES = [
    pytest.param(service, id=f"{path.name}:{name}")
    for path in FILES
    for name, service in read(path)["services"].items()
    if "image" in service
]  # fmt: skip


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_closed_watched_and_nobodys_root(service: dict[str, Any]) -> None:
    assert [port for port in service.get("ports", ()) if not PORT.fullmatch(port)] == []
    assert str(service["user"]).split(":")[0] not in ("", "0", "root")
    assert service.get("privileged") is None
    if service.get("command", [""])[0] not in ONE_SHOT:
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
    assert re.search(r":[\w.-]+$", service["image"]), "an image has its version"
    assert not service["image"].endswith(":latest")


@pytest.mark.parametrize("service", SERVICES)
def test_secrets_come_from_outside_and_have_no_default(service: dict[str, Any]) -> None:
    for name, value in service.get("environment", {}).items():
        if SECRET.search(name):
            assert re.fullmatch(r"\$\{\w+:\?[^}]+\}", value), name


def test_what_is_kept_stands_in_named_volumes_and_what_is_mounted_is_there() -> None:
    whole = read(ROOT / "compose.yaml")
    used = set()
    for service in whole["services"].values():
        for volume in service.get("volumes", ()):
            source, _, rest = volume.partition(":")
            if source.startswith("."):
                assert (ROOT / source).exists(), source
                assert rest.endswith(":ro"), volume
            else:
                used.add(source)
    assert used == set(whole["volumes"]) == {"kafka", "postgres", "prometheus", "alertmanager", "grafana"}
    waited = {name for service in whole["services"].values() for name in service.get("depends_on", ())}
    assert waited <= set(whole["services"])


def test_the_settings_are_good_and_point_to_the_services() -> None:
    settings = load_settings(ROOT / "deploy" / "vigie.yaml", {"VIGIE_HTTP_TOKEN": "x"})
    services = read(ROOT / "compose.yaml")["services"]
    kafka = settings.sources.kafka
    assert kafka is not None
    hosts = [server.split(":")[0] for server in kafka.bootstrap_servers]
    hosts += re.findall(r"@([\w-]+):", settings.database)
    hosts += [
        channel.url.split("/")[2].split(":")[0]
        for channel in settings.alerts.channels
        if channel.type == "alertmanager"
    ]
    assert set(hosts) == {"kafka", "postgres", "alertmanager"} <= set(services)
    assert specs_of(kafka)
    http = settings.sources.http
    assert http is not None
    assert services["engine"]["ports"] == [f"127.0.0.1:{http.port}:{http.port}"]
    scraped = read(ROOT / "deploy" / "prometheus.yml")["scrape_configs"][0]["dns_sd_configs"][0]
    assert scraped["port"] == settings.metrics.port
    example = (ROOT / "deploy" / ".env.example").read_text()
    asked = set(re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text()))
    assert asked == set(re.findall(r"^(\w+)=$", example, re.MULTILINE))


@pytest.mark.parametrize("service", [s for s in SERVICES if s.values[0]["image"].startswith("vigie")])
def test_the_commands_of_our_services_exist(service: dict[str, Any]) -> None:
    words = service["command"]
    command: Any = typer.main.get_command(app)
    while words and hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]
    taken = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= taken


def test_the_image_is_built_in_stages_from_the_lock_and_run_without_rights() -> None:
    lines = [line for line in (ROOT / "Dockerfile").read_text().replace("\\\n", " ").splitlines() if line.strip()]
    stages = [line for line in lines if line.startswith("FROM ")]
    assert len(stages) == 2
    last = lines[lines.index(stages[1]) :]
    assert "USER 10001:10001" in last
    assert not any("pip" in line for line in last)
    installed = next(line for line in lines if "--requirement" in line)
    assert "--require-hashes" in installed
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in shlex.split(line)[1:-1]
    ]
    assert [name for name in copied if not (ROOT / name).exists()] == []
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == let_in
