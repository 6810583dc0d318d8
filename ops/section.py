"""What all parts of the settings share: closed frozen models, bounded field types, mistakes that explain themselves."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from engine.core.fold import fold

DATABASE_URL_ENV = "VIGIE_DATABASE_URL"


LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})

Lang: TypeAlias = Literal["fr", "en"]
LevelName: TypeAlias = Literal["vert", "jaune", "orange", "rouge"]


def fail(message: str, at: tuple[str | int, ...] = (), path: tuple[str, ...] = ()) -> PydanticCustomError:
    """A mistake in the settings. `at` is where it stands, where that is not where it is found; `path` leads to its
    place from where it is raised."""
    context: dict[str, Any] = {"message": message, "path": path} | ({"at": at} if at else {})
    return PydanticCustomError("setting", cast(Any, "{message}"), context)


def known_lang(code: str) -> str:
    from detectors.text.language import TOLD_APART

    if code not in TOLD_APART:
        raise fail(f"{code!r} is no language that can be told; write an ISO 639-1 code, such as de")
    return code


def known_detector(name: str) -> str:
    from detectors.params import ParamError
    from detectors.table import detector_maker

    try:
        detector_maker(name)
    except ParamError as error:
        raise fail(error.reason) from None
    return name


def check_params(detector: str | None, params: dict[str, Any]) -> None:
    """Raises PydanticCustomError, with the way to the parameter that this detector does not take."""
    from detectors.params import ParamError
    from detectors.table import detector_maker

    if detector is None:
        return
    try:
        detector_maker(detector, params)
    except ParamError as error:
        steps = [error.name] if error.name in params else error.name.split(".")
        raise fail(error.reason, path=("detector_params", *(step for step in steps if step))) from None


def _from_folder(path: Path, info: ValidationInfo) -> Path:
    """Relative paths start at the settings file's folder, not at wherever the command was typed."""
    folder = (info.context or {}).get("folder")
    return path if folder is None else folder / path.expanduser()


def known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise fail(f"{name!r} is no time zone; write one such as Europe/Paris") from None
    return name


def _clean_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise fail("expected an address that starts with https:// or http://")
    if parts.username or parts.password:
        raise fail("a name or password in an address would stand in clear in this file; leave it out")
    return url.rstrip("/")


def clean_database(value: str, info: ValidationInfo) -> str:
    if "://" not in value:
        return str(_from_folder(Path(value), info))
    if not (info.context or {}).get("database_from_env") and urlsplit(value).password:
        raise fail(f"a password would stand in clear in this file; put the address into {DATABASE_URL_ENV}")
    return value


def refuse_twins(what: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if fold(name) in seen:
            raise fail(f"two {what}s are called {name!r}; give each its own name")
        seen.add(fold(name))


LangCode: TypeAlias = Annotated[str, AfterValidator(known_lang)]
LocalPath: TypeAlias = Annotated[Path, AfterValidator(_from_folder)]
Url: TypeAlias = Annotated[str, StringConstraints(max_length=2_000), AfterValidator(_clean_url)]
Name: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Phrase: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Fact: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]
Phrases: TypeAlias = Annotated[tuple[Phrase, ...], Field(max_length=200)]
Budget: TypeAlias = Annotated[float, Field(ge=0.001, le=100)]
DetectorName: TypeAlias = Annotated[str, AfterValidator(known_detector)]
DetectorParams: TypeAlias = Annotated[
    dict[str, Any],
    Field(max_length=100),
    WithJsonSchema({"type": "object", "additionalProperties": {"type": ["number", "object"]}, "maxProperties": 100}),
]
Port: TypeAlias = Annotated[int, Field(ge=0, le=65_535)]


class Section(BaseModel):
    """What all parts share: frozen, closed, and helpful about a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)

    @model_validator(mode="before")
    @classmethod
    def _no_unknown_key(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    close = difflib.get_close_matches(str(key), cls.model_fields, n=1, cutoff=0.6)
                    hint = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(cls.model_fields)}"
                    context = {"message": f"unknown setting; {hint}", "key": key}
                    raise PydanticCustomError("setting", cast(Any, "{message}"), context)
        return data
