"""Channels from the settings: secrets are read here, once, and stand nowhere else in clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from engine.domain.incident import Level
from engine.domain.mention import Mention
from ops.channels import (
    AlertmanagerChannel,
    AppriseChannel,
    ConsoleChannel,
    PagerDutyChannel,
    SlackChannel,
    TeamsChannel,
    WebhookChannel,
)
from ops.delivery.channel import Channel
from ops.delivery.notifiers import NOTIFIERS
from ops.delivery.notifiers.alertmanager import AlertmanagerParams
from ops.delivery.notifiers.apprise import AppriseParams
from ops.delivery.notifiers.console import ConsoleParams
from ops.delivery.notifiers.webhook import WebhookParams
from ops.render.alert import Look
from ops.settings import Settings

Environ = Mapping[str, str]


def _console(_section: ConsoleChannel, _environ: Environ | None) -> ConsoleParams:
    return ConsoleParams()


def _apprise(section: AppriseChannel, environ: Environ | None) -> AppriseParams:
    return AppriseParams(urls=tuple(section.url(environ).get_secret_value().split()))


def _webhook(section: WebhookChannel, environ: Environ | None) -> WebhookParams:
    secret = section.secret(environ)
    return WebhookParams(
        url=section.url,
        secret=None if secret is None else secret.get_secret_value(),
        allow_private=section.allow_private,
    )


def _alertmanager(section: AlertmanagerChannel, _environ: Environ | None) -> AlertmanagerParams:
    return AlertmanagerParams(url=section.url, allow_private=section.allow_private)


PARAMS: dict[str, Callable[[Any, Environ | None], Any]] = {
    "console": _console,
    "apprise": _apprise,
    "webhook": _webhook,
    "alertmanager": _alertmanager,
}
"""A channel's section of the settings to its notifier's params, by the channel's type."""


def look_of(settings: Settings, words_of: Callable[[Mention], tuple[str, ...]] | None = None) -> Look:
    """How this team reads; `words_of` tells the words that made a sample negative."""
    return Look(settings.lang, settings.timezone, settings.alerts.base_url, words_of)


def channels_of(settings: Settings, environ: Environ | None = None) -> tuple[Channel, ...]:
    """The channels that the settings name. Raises ConfigError when a secret can't be read."""
    return tuple(
        Channel(
            name=section.name,
            notifier=NOTIFIERS[section.type](PARAMS[section.type](section, environ)),
            level_min=Level[section.level_min.upper()],
            brands=section.brands,
        )
        for section in settings.alerts.channels
    )
