"""The section `alerts` of vigie.yaml: channels, and whom each is for.

Addresses that hold a secret never stand in the file: `*_env` names an environment variable, `*_file` a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from ops.secret import EnvName, Secret, read_secret
from ops.section import LevelName, LocalPath, Name, Section, Url, fail, refuse_twins


class ChannelBase(Section):
    """What all channels share."""

    name: Name
    """A name of your own, unique; the label of its figures."""
    level_min: LevelName = "jaune"
    """Tell it only of incidents that reached this level."""
    brands: Annotated[tuple[Name, ...], Field(max_length=1_000)] = ()
    """Tell it only of these brands; empty for all."""


class ConsoleChannel(ChannelBase):
    """Alerts as lines of the log."""

    type: Literal["console"]


class AppriseChannel(ChannelBase):
    """Any of apprise's services: mail, SMS, Slack, Teams, Telegram and many more.

    Its address holds the secret, so it never stands here in clear.
    """

    type: Literal["apprise"]
    url_env: EnvName | None = None
    """Environment variable that holds the apprise address."""
    url_file: LocalPath | None = None
    """File that holds the apprise address."""
    allow_private: bool = False
    """May it lead to a private network, such as a mail relay of your own?"""

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if self.url_env is None and self.url_file is None:
            raise fail("set url_env or url_file: an apprise address holds a secret")
        return self

    def url(self, environ: Mapping[str, str] | None = None) -> Secret:
        """The address. Raises ConfigError when it can't be read."""
        found = read_secret(f"alerts.channels {self.name}: url", self.url_env, self.url_file, environ)
        assert found is not None  # the validator above
        return found


class WebhookChannel(ChannelBase):
    """Alerts as JSON, POSTed and signed."""

    type: Literal["webhook"]
    url: Url
    """Where to POST; https, unless `allow_private` is set."""
    secret_env: EnvName | None = None
    """Environment variable that holds the signing key."""
    secret_file: LocalPath | None = None
    """File that holds the signing key."""
    allow_private: bool = False
    """May it be plain http or an address of a private network?"""

    @model_validator(mode="after")
    def _https(self) -> Self:
        if not self.allow_private and not self.url.startswith("https://"):
            raise fail("the url is not https; write https://, or allow_private: true for one of your own network")
        return self

    def secret(self, environ: Mapping[str, str] | None = None) -> Secret | None:
        """The signing key, None for unsigned. Raises ConfigError when it can't be read."""
        return read_secret(f"alerts.channels {self.name}: secret", self.secret_env, self.secret_file, environ)


class AlertmanagerChannel(ChannelBase):
    """Prometheus Alertmanager, through its v2 API."""

    type: Literal["alertmanager"]
    url: Url
    """Its base address."""
    allow_private: bool = False
    """May it be plain http or an address of a private network?"""

    @model_validator(mode="after")
    def _https(self) -> Self:
        if not self.allow_private and not self.url.startswith("https://"):
            raise fail("the url is not https; write https://, or allow_private: true for one of your own network")
        return self


class CardChannel(ChannelBase):
    """A channel whose address is a secret: whoever has it may post there."""

    url_env: EnvName | None = None
    """Environment variable that holds the webhook's address."""
    url_file: LocalPath | None = None
    """File that holds the webhook's address."""
    allow_private: bool = False
    """May it be plain http or an address of a private network?"""

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if self.url_env is None and self.url_file is None:
            raise fail("set url_env or url_file: the webhook's address is a secret")
        return self

    def url(self, environ: Mapping[str, str] | None = None) -> Secret:
        """The address. Raises ConfigError when it can't be read."""
        found = read_secret(f"alerts.channels {self.name}: url", self.url_env, self.url_file, environ)
        assert found is not None  # the validator above
        return found


class SlackChannel(CardChannel):
    """Slack: a card with buttons, through an incoming webhook."""

    type: Literal["slack"]


class TeamsChannel(CardChannel):
    """Microsoft Teams: an adaptive card with buttons, through a Workflows webhook."""

    type: Literal["teams"]


class PagerDutyChannel(ChannelBase):
    """PagerDuty, through its Events API v2."""

    type: Literal["pagerduty"]
    key_env: EnvName | None = None
    """Environment variable that holds the routing key of the service's integration."""
    key_file: LocalPath | None = None
    """File that holds the routing key."""
    url: Url = "https://events.pagerduty.com/v2/enqueue"
    """Where events go; that of the European region is https://events.eu.pagerduty.com/v2/enqueue."""
    allow_private: bool = False
    """May it be plain http or an address of a private network?"""

    @model_validator(mode="after")
    def _has_key(self) -> Self:
        if self.key_env is None and self.key_file is None:
            raise fail("set key_env or key_file: the routing key is a secret")
        if not self.allow_private and not self.url.startswith("https://"):
            raise fail("the url is not https; write https://, or allow_private: true for one of your own network")
        return self

    def key(self, environ: Mapping[str, str] | None = None) -> Secret:
        """The routing key. Raises ConfigError when it can't be read."""
        found = read_secret(f"alerts.channels {self.name}: key", self.key_env, self.key_file, environ)
        assert found is not None  # the validator above
        return found


Channel: TypeAlias = Annotated[
    ConsoleChannel
    | AppriseChannel
    | WebhookChannel
    | AlertmanagerChannel
    | SlackChannel
    | TeamsChannel
    | PagerDutyChannel,
    Field(discriminator="type"),
]

KINDS = "console, apprise, webhook, alertmanager, slack, teams or pagerduty"
"""What `type` may say."""


class Alerts(Section):
    """Whom to tell, and how."""

    channels: Annotated[tuple[Channel, ...], Field(max_length=100)] = (ConsoleChannel(name="log", type="console"),)
    """In the order in which they are served."""
    provisional: bool = True
    """Tell the team when the evidence is there, before late mentions have had their time? It is then confirmed or
    withdrawn."""
    base_url: Url | None = None
    """Public address of this installation, for the links in alerts."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_twins("channel", [channel.name for channel in self.channels])
        return self
