"""Secrets: read from the environment or a file at the moment of need, never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import SecretStr, StringConstraints

from engine.domain.errors import ConfigError

BYTES_MAX = 65_536

Secret: TypeAlias = SecretStr
"""`get_secret_value()` gives the text; `str` and `repr` show stars."""

EnvName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
"""The name of an environment variable."""


def read_secret(
    field: str, env: str | None, file: Path | None, environ: Mapping[str, str] | None = None
) -> Secret | None:
    """The secret that the settings point to; None when they point nowhere. The variable wins over the file.

    Raises ConfigError, naming `field`, when the variable is unset or empty, or the file can't be read.

    >>> read_secret("token", "T", None, {"T": "s3cret"})
    SecretStr('**********')
    """
    if env is None and file is None:
        return None
    value = (os.environ if environ is None else environ).get(env, "") if env else ""
    if not value and file is not None:
        try:
            with file.open("rb") as stream:
                value = stream.read(BYTES_MAX).decode("utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            raise ConfigError(f"{field}: cannot read {file}: {reason}") from None
    if not value:
        where = f"the environment variable {env} is not set" if env else f"{file} is empty"
        raise ConfigError(f"{field}: {where}")
    return SecretStr(value)
