"""The ways to reach people, by name. A newcomer adds a file and a line here (docs/how-to/add-a-notifier.md)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ops.delivery.message import Notifier
from ops.delivery.notifiers.alertmanager import AlertmanagerNotifier
from ops.delivery.notifiers.apprise import AppriseNotifier
from ops.delivery.notifiers.console import ConsoleNotifier
from ops.delivery.notifiers.pagerduty import PagerDutyNotifier
from ops.delivery.notifiers.slack import SlackNotifier
from ops.delivery.notifiers.teams import TeamsNotifier
from ops.delivery.notifiers.webhook import WebhookNotifier

NOTIFIERS: dict[str, Callable[[Any], Notifier]] = {
    "console": ConsoleNotifier,
    "apprise": AppriseNotifier,
    "webhook": WebhookNotifier,
    "alertmanager": AlertmanagerNotifier,
    "slack": SlackNotifier,
    "teams": TeamsNotifier,
    "pagerduty": PagerDutyNotifier,
}
"""Name -> factory, which takes its own frozen params."""
