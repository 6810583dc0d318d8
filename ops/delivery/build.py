"""Channels from the settings: secrets are read here, once, and stand nowhere else in clear."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

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
from ops.channels import Channel as Section
from ops.delivery.channel import Channel
from ops.delivery.notifiers import NOTIFIERS
from ops.delivery.notifiers.alertmanager import AlertmanagerParams
from ops.delivery.notifiers.apprise import AppriseParams
from ops.delivery.notifiers.console import ConsoleParams
from ops.delivery.notifiers.pagerduty import PagerDutyParams
from ops.delivery.notifiers.slack import SlackParams
from ops.delivery.notifiers.teams import TeamsParams
from ops.delivery.notifiers.webhook import WebhookParams
from ops.moment import second_of
from ops.oncall.links import Links
from ops.oncall.page import channel_of
from ops.render.alert import Look
from ops.settings import Settings
from ops.store.outbox import Mute
from ops.store.store import wall_clock_ms

Environ = Mapping[str, str]


def _console(_section: ConsoleChannel, _environ: Environ | None) -> ConsoleParams:
    return ConsoleParams()


def _apprise(section: AppriseChannel, environ: Environ | None) -> AppriseParams:
    return AppriseParams(tuple(section.url(environ).get_secret_value().split()), section.allow_private)


def _webhook(section: WebhookChannel, environ: Environ | None) -> WebhookParams:
    secret = section.secret(environ)
    return WebhookParams(
        url=section.url,
        secret=None if secret is None else secret.get_secret_value(),
        allow_private=section.allow_private,
    )


def _alertmanager(section: AlertmanagerChannel, _environ: Environ | None) -> AlertmanagerParams:
    return AlertmanagerParams(url=section.url, allow_private=section.allow_private)


def _slack(section: SlackChannel, environ: Environ | None) -> SlackParams:
    return SlackParams(section.url(environ).get_secret_value(), section.allow_private)


def _teams(section: TeamsChannel, environ: Environ | None) -> TeamsParams:
    return TeamsParams(section.url(environ).get_secret_value(), section.allow_private)


def _pagerduty(section: PagerDutyChannel, environ: Environ | None) -> PagerDutyParams:
    return PagerDutyParams(section.key(environ).get_secret_value(), section.url, section.allow_private)


PARAMS: dict[str, Callable[[Any, Environ | None], Any]] = {
    "console": _console,
    "apprise": _apprise,
    "webhook": _webhook,
    "alertmanager": _alertmanager,
    "slack": _slack,
    "teams": _teams,
    "pagerduty": _pagerduty,
}
"""A channel's section of the settings to its notifier's params, by the channel's type."""


def links_of(
    settings: Settings, environ: Environ | None = None, clock_ms: Callable[[], int] = wall_clock_ms
) -> Links | None:
    """What signs the links in alerts; None without a key or a public address. Raises ConfigError for a bad key."""
    secret, base_url = settings.oncall.link_secret(environ), settings.alerts.base_url
    if secret is None or base_url is None:
        return None
    return Links(secret.get_secret_value(), base_url, settings.oncall.link_hours, clock_ms)


def look_of(
    settings: Settings,
    words_of: Callable[[Mention], tuple[str, ...]] | None = None,
    links: Links | None = None,
) -> Look:
    """How this team reads; `words_of` tells the words that made a sample negative, `links` signs."""
    link_of = None if links is None else links.link
    return Look(settings.lang, settings.timezone, settings.alerts.base_url, words_of, link_of)


def channels_of(settings: Settings, environ: Environ | None = None) -> tuple[Channel, ...]:
    """The channels that the settings name: the team's, then people's own.

    Raises ConfigError when a secret can't be read.
    """
    team = [_channel(section, section.name, None, environ) for section in settings.alerts.channels]
    return (
        *team,
        *(
            _channel(section, channel_of(name, section.name), name, environ)
            for name, person in settings.people.items()
            for section in person.contacts
        ),
    )


def _channel(section: Section, name: str, person: str | None, environ: Environ | None) -> Channel:
    return Channel(
        name=name,
        notifier=NOTIFIERS[section.type](PARAMS[section.type](section, environ)),
        level_min=Level[section.level_min.upper()],
        brands=section.brands,
        person=person,
    )


def windows_of(settings: Settings) -> Callable[[int], tuple[Mute, ...]]:
    """The maintenance that the settings plan, as the mutes in force at a time."""
    zone = ZoneInfo(settings.timezone)
    planned = [
        (second_of(window.start, zone) * 1000, second_of(window.end, zone, is_end=True) * 1000, window)
        for window in settings.oncall.maintenance
    ]

    def in_force(now_ms: int) -> tuple[Mute, ...]:
        return tuple(
            Mute(0, brand, Level[window.level_max.upper()], None, end_ms, "", window.reason)
            for start_ms, end_ms, window in planned
            if start_ms <= now_ms < end_ms
            for brand in (window.brands or (None,))
        )

    return in_force
