"""Channels as the settings name them."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from engine.domain.errors import ConfigError
from engine.domain.incident import Level
from ops import channels as sections
from ops.delivery.build import PARAMS, channels_of, look_of
from ops.delivery.notifiers import NOTIFIERS
from ops.settings import load_settings

YAML = """
lang: en
timezone: Europe/London
brands: [{name: Nordalia}]
alerts:
  base_url: https://vigie.example
  channels:
    - {name: log, type: console}
    - {name: mail, type: apprise, url_env: MAIL_URL, level_min: orange}
    - {name: hook, type: webhook, url: "https://hooks.example/x", secret_env: HOOK_SECRET, brands: [Nordalia]}
    - {name: am, type: alertmanager, url: "http://10.0.0.7:9093", allow_private: true, level_min: rouge}
"""


def test_every_kind_of_the_settings_has_its_notifier() -> None:
    union = get_args(get_args(sections.Channel)[0])
    kinds = {get_args(section.model_fields["type"].annotation)[0] for section in union}
    assert kinds == set(NOTIFIERS) == set(PARAMS)


def test_channels_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "vigie.yaml").write_text(YAML)
    settings = load_settings(tmp_path / "vigie.yaml", {})
    environ = {"MAIL_URL": "json://hush@mail.example", "HOOK_SECRET": "hush"}
    channels = channels_of(settings, environ)
    assert [(c.name, type(c.notifier).__name__, c.level_min, c.brands) for c in channels] == [
        ("log", "ConsoleNotifier", Level.JAUNE, ()),
        ("mail", "AppriseNotifier", Level.ORANGE, ()),
        ("hook", "WebhookNotifier", Level.JAUNE, ("Nordalia",)),
        ("am", "AlertmanagerNotifier", Level.ROUGE, ()),
    ]
    assert "hush" not in repr([vars(c.notifier) for c in channels])
    look = look_of(settings)
    assert (look.lang, look.timezone, look.base_url) == ("en", "Europe/London", "https://vigie.example")
    with pytest.raises(ConfigError, match="MAIL_URL"):
        channels_of(settings, {"HOOK_SECRET": "x"})
