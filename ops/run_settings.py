"""The parts of vigie.yaml that runs of playbooks need: who holds which role, and the freeze of scheduled posts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, StringConstraints, model_validator

from ops.secret import EnvName, Secret, read_secret
from ops.section import LocalPath, Name, Section, Url, fail

RoleName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Roles: TypeAlias = Annotated[dict[RoleName, Annotated[tuple[Name, ...], Field(max_length=50)]], Field(max_length=100)]


class FreezeSettings(Section):
    """The webhook that freezes a brand's scheduled posts, and lets them go again at the stand-down."""

    url: Url
    """Where to POST; https, unless `allow_private` is set."""
    secret_env: EnvName | None = None
    """Environment variable that holds the signing key."""
    secret_file: LocalPath | None = None
    """File that holds the signing key."""
    automatic_from: Literal["jaune", "orange", "rouge", "never"] = "orange"
    """From this level on Vigie freezes by itself as soon as the step is due; below it when a person takes the step."""
    allow_private: bool = False
    """May it be plain http or an address of a private network?"""

    @model_validator(mode="after")
    def _https(self) -> Self:
        if not self.allow_private and not self.url.startswith("https://"):
            raise fail("the url is not https; write https://, or allow_private: true for one of your own network")
        return self

    def secret(self, environ: Mapping[str, str] | None = None) -> Secret | None:
        """The signing key, None for unsigned. Raises ConfigError when it can't be read."""
        return read_secret("freeze: secret", self.secret_env, self.secret_file, environ)
