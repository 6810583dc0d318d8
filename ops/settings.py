"""vigie.yaml as frozen pydantic models: every setting, its default, its bounds.

A mistake is one line that names the file, line, column, field, what is wrong, and the likely spelling. Secrets never
stand in the file: `*_env` names an environment variable, `*_file` a file that holds the secret. Relative paths start
at the folder of the settings file. The page docs/configuration.md is generated from here.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, ValidationError, model_validator

from engine.domain.errors import ConfigError
from ops.channels import KINDS, Alerts
from ops.draft_settings import DraftSettings
from ops.layout import Layout
from ops.moment import second_of
from ops.oncall.section import OnCall, Person, check_people
from ops.run_settings import FreezeSettings, Roles
from ops.secret import EnvName, Secret, read_secret
from ops.section import (
    DATABASE_URL_ENV,
    LOOPBACK,
    Lang,
    LocalPath,
    Name,
    Port,
    Section,
    clean_database,
    fail,
    known_zone,
    refuse_twins,
)
from ops.watched import Brand, Detection, Event, Text
from ops.yaml_file import YamlFile, read_yaml


class Incidents(Section):
    """The clocks of an incident."""

    calm_s: Annotated[int, Field(ge=60, le=604_800)] = 7_200
    """How long every signal must be back to normal before an incident counts as contained, in seconds."""
    stand_down_s: Annotated[int, Field(ge=60, le=2_592_000)] = 86_400
    """How long a contained incident must stay near the baseline before it is resolved, in seconds."""
    watch_s: Annotated[int, Field(ge=0, le=2_592_000)] = 604_800
    """How long after that a new alarm is a second wave of it, in seconds."""
    level_hold_s: Annotated[int, Field(ge=0, le=604_800)] = 7_200
    """How long a level stands before it may be lowered, in seconds."""


class HttpSource(Section):
    """Mentions over HTTP: POST /v1/mentions. The same port answers /healthz, /readyz and /metrics."""

    host: Name = "127.0.0.1"
    """Address to listen on. Anything but this machine alone asks for a token."""
    port: Port = 8642
    """Port to listen on; 0 takes any free one."""
    token_env: EnvName | None = None
    """Environment variable that holds the bearer token."""
    token_file: LocalPath | None = None
    """File that holds the bearer token."""
    secret_env: EnvName | None = None
    """Environment variable that holds the key of signed webhooks (HMAC SHA-256 of the raw body)."""
    secret_file: LocalPath | None = None
    """File that holds the key of signed webhooks."""

    @model_validator(mode="after")
    def _no_open_door(self) -> Self:
        if self.host not in LOOPBACK and self.token_env is None and self.token_file is None:
            raise fail(f"listening on {self.host} is open to others: set token_env or token_file, or host: 127.0.0.1")
        return self

    def token(self, environ: Mapping[str, str] | None = None) -> Secret | None:
        """The bearer token, None when none is asked for. Raises ConfigError when it can't be read."""
        return read_secret("sources.http.token", self.token_env, self.token_file, environ)

    def secret(self, environ: Mapping[str, str] | None = None) -> Secret | None:
        """The signing key, None when none is asked for. Raises ConfigError when it can't be read."""
        return read_secret("sources.http.secret", self.secret_env, self.secret_file, environ)


class FileSource(Section):
    """An NDJSON file that grows, followed from where the store says."""

    path: LocalPath
    """The file. It may appear later."""


class KafkaSource(Section):
    """Topics of a Kafka cluster: mentions in, and what workers hand to one another."""

    bootstrap_servers: Annotated[tuple[Name, ...], Field(min_length=1, max_length=50)]
    """host:port of some brokers."""
    topic_prefix: Annotated[str, StringConstraints(pattern=r"^[a-zA-Z0-9._-]{0,100}$")] = "vigie."
    """What the names of Vigie's own topics begin with."""
    topics: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    """Topics that hold one mention a record, as JSON; without any, `mentions` behind the prefix."""
    group_id: Name = "vigie"
    """The consumer group; those of workers are called after it."""
    group_instance_id_env: EnvName | None = None
    """Environment variable that holds this process's name among its like: a restart then moves no partition."""
    session_timeout_s: Annotated[int, Field(ge=1, le=1_800)] = 45
    """How long a member may be silent before its partitions go to others, in seconds."""
    max_poll_interval_s: Annotated[int, Field(ge=5, le=3_600)] = 300
    """How long a member may work without asking for more before they do, in seconds."""
    idle_s: Annotated[int, Field(ge=1, le=86_400)] = 60
    """After how long without a record a partition no longer holds event time back, in seconds."""
    stalled_s: Annotated[int, Field(ge=10, le=86_400)] = 300
    """The process ends when records wait for so long and none comes, in seconds: its supervisor starts it anew."""
    publish: bool = True
    """Publish incidents and dead letters to the topics `incidents` and `deadletters` behind the prefix?"""
    layout: Layout = Layout()
    """How `vigie topics create` makes the topics."""
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    """How to speak to the brokers."""
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    """How to log in, with the SASL protocols."""
    sasl_username_env: EnvName | None = None
    """Environment variable that holds the user name."""
    sasl_password_env: EnvName | None = None
    """Environment variable that holds the password."""
    sasl_password_file: LocalPath | None = None
    """File that holds the password."""
    ssl_cafile: LocalPath | None = None
    """Certificates to trust, PEM; without it those of the system."""
    ssl_certfile: LocalPath | None = None
    """This client's certificate, PEM, for brokers that ask for one."""
    ssl_keyfile: LocalPath | None = None
    """Its key, PEM."""
    ssl_key_password_env: EnvName | None = None
    """Environment variable that holds the password of that key."""

    @model_validator(mode="after")
    def _whole_login(self) -> Self:
        sasl = self.security_protocol.startswith("SASL")
        if sasl and self.sasl_mechanism is None:
            raise fail(f"{self.security_protocol} needs sasl_mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512")
        if sasl and (self.sasl_username_env is None or not (self.sasl_password_env or self.sasl_password_file)):
            raise fail("SASL needs sasl_username_env, and sasl_password_env or sasl_password_file")
        if self.ssl_keyfile is not None and self.ssl_certfile is None:
            raise fail("ssl_keyfile needs ssl_certfile, the certificate that it belongs to")
        return self

    def topic(self, name: str) -> str:
        """The full name of one of Vigie's own topics.

        >>> KafkaSource(bootstrap_servers=("127.0.0.1:9092",)).topic("scored")
        'vigie.scored'
        """
        return f"{self.topic_prefix}{name}"

    @property
    def mention_topics(self) -> tuple[str, ...]:
        """The topics that hold mentions."""
        return self.topics or (self.topic("mentions"),)

    def username(self, environ: Mapping[str, str] | None = None) -> Secret | None:
        """The user name of SASL. Raises ConfigError when it can't be read."""
        return read_secret("sources.kafka.sasl_username", self.sasl_username_env, None, environ)

    def password(self, environ: Mapping[str, str] | None = None) -> Secret | None:
        """The password of SASL. Raises ConfigError when it can't be read."""
        return read_secret("sources.kafka.sasl_password", self.sasl_password_env, self.sasl_password_file, environ)

    def key_password(self, environ: Mapping[str, str] | None = None) -> Secret | None:
        """The password of the client's key. Raises ConfigError when it can't be read."""
        return read_secret("sources.kafka.ssl_key_password", self.ssl_key_password_env, None, environ)

    def instance(self, environ: Mapping[str, str] | None = None) -> str | None:
        """This process's name among its like. Raises ConfigError when it can't be read."""
        found = read_secret("sources.kafka.group_instance_id", self.group_instance_id_env, None, environ)
        return found.get_secret_value() if found else None


class Sources(Section):
    """Where mentions come from."""

    http: HttpSource | None = HttpSource()
    """Over HTTP; `null` turns it off."""
    files: Annotated[tuple[FileSource, ...], Field(max_length=100)] = ()
    """Files to follow."""
    stdin: bool = False
    """Read NDJSON from standard input?"""
    kafka: KafkaSource | None = None
    """From Kafka."""


class MetricsSettings(Section):
    """Where Prometheus reads."""

    host: Name = "127.0.0.1"
    """Address to listen on, when `port` is set."""
    port: Port | None = None
    """A port of its own; null serves /metrics on the HTTP source's port."""
    allow_public: bool = False
    """May others than this machine read the figures? They name brands, never people or texts."""

    @model_validator(mode="after")
    def _no_open_door(self) -> Self:
        if self.port is not None and self.host not in LOOPBACK and not self.allow_public:
            raise fail(f"listening on {self.host} shows brands' figures to others: set allow_public: true to agree")
        return self


class PlaybookSettings(Section):
    """Playbooks of your own, beside those that come with Vigie."""

    directories: Annotated[tuple[LocalPath, ...], Field(max_length=20)] = ()
    """Folders of YAML playbooks; one with the id of a shipped playbook replaces it."""


class Learning(Section):
    """What the team's corrections taught (`vigie incidents label`)."""

    use: bool = True
    """Read comments by it?"""
    version: Annotated[int, Field(ge=1)] | None = None
    """A version to stay with; null follows the newest."""
    store: LocalPath | None = None
    """For replays and backtests: the SQLite store whose corrections to read by. A service uses its own."""


class Settings(Section):
    """The whole of vigie.yaml.

    >>> Settings(brands=(Brand(name="Nordalia"),)).budget("Nordalia")
    0.25
    """

    database: Annotated[str, StringConstraints(min_length=1), AfterValidator(clean_database)] = Field(
        default="vigie.db", repr=False, validate_default=True
    )
    """Path of the SQLite file, or an SQLAlchemy address. VIGIE_DATABASE_URL wins over it."""
    lang: Lang = "fr"
    """The language of the team: alerts, steps, reasons."""
    timezone: Annotated[str, AfterValidator(known_zone)] = "Europe/Paris"
    """The time zone of the team, for the hours in alerts and reports."""
    brands: Annotated[tuple[Brand, ...], Field(max_length=1_000)] = ()
    """The brands to watch."""
    events: Annotated[tuple[Event, ...], Field(max_length=1_000)] = ()
    """Planned events."""
    events_ics: LocalPath | None = None
    """More of them, in an ICS file as calendar programs export it."""
    text: Text = Text()
    detection: Detection = Detection()
    incidents: Incidents = Incidents()
    sources: Sources = Sources()
    alerts: Alerts = Alerts()
    people: dict[Name, Person] = Field(default_factory=dict, max_length=500)
    """Who can be called, by name."""
    oncall: OnCall = OnCall()
    roles: Roles = Field(default_factory=dict)
    """Who holds a role of the playbooks where no rota says so: role to people, the first one first."""
    freeze: FreezeSettings | None = None
    metrics: MetricsSettings = MetricsSettings()
    playbooks: PlaybookSettings = PlaybookSettings()
    drafting: DraftSettings = DraftSettings()
    learning: Learning = Learning()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        names = [brand.name for brand in self.brands]
        refuse_twins("brand", names)
        self._check_events(names)
        check_people(self.oncall, self.people, self.roles)
        for channel in self.alerts.channels:
            for name in channel.brands:
                if name not in names:
                    close = difflib.get_close_matches(name, names, n=1)
                    hint = f"; did you mean {close[0]!r}?" if close else ""
                    raise fail(f"the channel {channel.name!r} asks for the brand {name!r}, which is not listed{hint}")
        return self

    def _check_events(self, names: list[str]) -> None:
        zone = ZoneInfo(self.timezone)
        for i, event in enumerate(self.events):
            if second_of(event.end, zone, is_end=True) <= second_of(event.start, zone):
                raise fail(f"the event {event.name!r} ends before it begins", at=("events", i, "end"))
            for name in () if event.brands == "all" or not names else event.brands:
                if name not in names:
                    close = difflib.get_close_matches(name, names, n=1)
                    hint = f"did you mean {close[0]!r}?" if close else f"listed are: {', '.join(names[:10])}"
                    raise fail(f"{name!r} is no brand of this file; {hint}", at=("events", i, "brands"))

    @property
    def database_url(self) -> str:
        """What SQLAlchemy wants."""
        return self.database if "://" in self.database else f"sqlite:///{self.database}"

    def brand(self, name: str) -> Brand | None:
        """The brand of that name, as it is written in the settings."""
        return next((brand for brand in self.brands if brand.name == name), None)

    def budget(self, brand: str) -> float:
        """False alarms a week that this brand may cost."""
        found = self.brand(brand)
        own = found.false_alarms_per_week if found else None
        return self.detection.false_alarms_per_week if own is None else own


def load_settings(path: Path | str, environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check a settings file.

    Raises ConfigError, one line: file, line, column, field, what is wrong.
    """
    source = read_yaml(Path(path))
    return parse_settings(source, Path(path).absolute().parent, os.environ if environ is None else environ)


def parse_settings(source: YamlFile, folder: Path, environ: Mapping[str, str]) -> Settings:
    """Check what was read. `folder` is where relative paths start."""
    data = dict(source.data)
    from_env = bool(environ.get(DATABASE_URL_ENV))
    if from_env:
        data["database"] = environ[DATABASE_URL_ENV]
    try:
        return Settings.model_validate(data, context={"folder": folder, "database_from_env": from_env})
    except ValidationError as error:
        raise ConfigError(_explain(error, source)) from None


def json_schema() -> dict[str, Any]:
    """The JSON Schema of vigie.yaml, for editors; `vigie schema config` prints it."""
    schema = Settings.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema | {"title": "vigie.yaml"}


def _explain(error: ValidationError, source: YamlFile) -> str:
    """The first mistake, in the order of the file's models, on one line."""
    first, *others = error.errors(include_url=False, include_input=False)
    # pydantic puts the kind of a channel into the path; the file has no such step
    loc = list(first["loc"])
    at = 3 if loc[:2] == ["alerts", "channels"] else 4 if loc[:1] == ["people"] and loc[2:3] == ["contacts"] else None
    if at is not None:
        del loc[at : at + 1]
    loc = list(first.get("ctx", {}).get("at", loc))
    if "key" in first.get("ctx", {}):
        loc.append(first["ctx"]["key"])
    loc += first.get("ctx", {}).get("path", ())
    if first["type"].startswith("union_tag"):
        loc.append("type")
    field = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in loc).lstrip(".")
    more = f" (and {len(others)} more)" if others else ""
    words = first["msg"] if first["type"] == "setting" else first["msg"][:1].lower() + first["msg"][1:]
    message = _MESSAGES.get(first["type"], words)
    return f"{source.locate(loc)}: {field + ': ' if field else ''}{' '.join(message.split())}{more}"


_MESSAGES = {
    "missing": "missing; it has no default",
    "string_type": "expected text; put it between quotes",
    "model_type": "expected `key: value` lines here",
    "dict_type": "expected `key: value` lines here",
    "tuple_type": "expected a list",
    "union_tag_not_found": f"missing; write {KINDS}",
    "union_tag_invalid": f"unknown kind of channel; write {KINDS}",
}
