"""Columns of somebody's export to the fields of a mention: `--map text=Tweet`, and the kindness that tables need.

A table knows only strings, so this way in reads numbers, yes and no, and dates in their common forms, and derives an id
from the row. What comes out is checked like any other record (`streams.decode.decode_fields`).
"""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from engine.domain.errors import InputError
from streams.schema import PATHS

_COUNTS = ("followers", "likes", "shares", "replies", "views")
_YES = frozenset(("true", "1", "yes", "oui", "vrai", "t", "y"))
_NO = frozenset(("false", "0", "no", "non", "faux", "f", "n"))
_SOURCE_ALIASES = {"twitter": "x"}
_GROUPED = re.compile(r"\d{1,3}(?:[,\u00a0\u202f ]\d{3})+", re.ASCII)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt ](\d\d:\d\d)(:\d\d)?([.,]\d+)?)? ?(?:(Z|z|UTC|GMT)|([+-]\d\d):?(\d\d))?", re.ASCII
)
_EPOCH = re.compile(r"(\d{9,10})(\.\d+)?|(\d{12,13})", re.ASCII)
_TWITTER = re.compile(r"\w{3} (\w{3}) (\d\d?) (\d\d:\d\d:\d\d) ([+-]\d\d)(\d\d) (\d{4})", re.ASCII)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def resolve(path: str, columns: Iterable[str], mapping: Mapping[str, str]) -> dict[str, str]:
    """Which column feeds which field: the given mapping, then columns that bear a field's own name.

    Raises `InputError` for a field or a column that does not exist, with the ones that do.

    >>> resolve("export.csv", ["Tweet", "Date", "Likes"], {"text": "Tweet", "created_at": "Date"})
    {'text': 'Tweet', 'created_at': 'Date', 'engagement.likes': 'Likes'}
    """
    columns = list(columns)
    found: dict[str, str] = {}
    for field, column in mapping.items():
        if field not in PATHS:
            raise InputError(
                f"--map {field}={column}: no field {field!r}{_like(field, PATHS)}; fields: {', '.join(PATHS)}"
            )
        if column not in columns:
            raise InputError(
                f"{path}: no column {column!r} (--map {field}={column}){_like(column, columns)}; "
                f"columns: {', '.join(columns)}"
            )
        found[field] = column
    by_name = {column.strip().casefold(): column for column in reversed(columns)}
    taken = set(found.values())
    for field in PATHS:
        leaf = field.rpartition(".")[2]
        names = [field, field.replace(".", "_"), "author" if field == "author.name" else ""]
        if leaf in (*_COUNTS, "verified"):
            names.append(leaf)
        column = next((by_name[name] for name in names if name in by_name), "")
        if column and field not in found and column not in taken:
            found[field] = column
    return found


def require(path: str, found: Mapping[str, str], columns: Iterable[str]) -> None:
    """Raises `InputError` if no column feeds the text or the date."""
    for field in ("text", "created_at"):
        if field not in found:
            raise InputError(
                f"{path}: no column for {field}: say which with --map {field}=COLUMN; columns: {', '.join(columns)}"
            )


def fields_of_row(found: Mapping[str, str], row: Mapping[str, str], line: int) -> dict[str, Any]:
    """A row of a table, its empty cells left out, as the fields of a mention."""
    fields: dict[str, Any] = {}
    for field, column in found.items():
        if value := row.get(column, "").strip():
            _put(fields, field, value)
    if "id" not in fields:
        digest = hashlib.blake2b("\x1f".join(row.values()).encode(errors="replace"), digest_size=8).hexdigest()
        fields["id"] = f"row:{line}:{digest}"
    return soften(fields)


def fields_of_object(mapping: Mapping[str, str], record: Mapping[str, Any], line: int, raw: bytes) -> dict[str, Any]:
    """A JSON object with its fields renamed by the mapping; a name with dots leads into nested objects."""
    fields = dict(record)
    for nested in ("author", "engagement"):
        if isinstance(fields.get(nested), dict):
            fields[nested] = dict(fields[nested])
    for column in mapping.values():
        if column not in PATHS:
            fields.pop(column, None)
    for field, column in mapping.items():
        value = lookup(record, column)
        if value is not None:
            _put(fields, field, value)
    if fields.get("id") is None:
        fields["id"] = f"row:{line}:{hashlib.blake2b(raw.strip(), digest_size=8).hexdigest()}"
    return soften(fields)


def lookup(record: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, a key that holds the dots first; None if absent.

    >>> lookup({"user": {"name": "Camille"}}, "user.name")
    'Camille'
    """
    if path in record:
        return record[path]
    value: Any = record
    for step in path.split("."):
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return value


def paths_in(record: Mapping[str, Any], prefix: str = "", depth: int = 0) -> list[str]:
    """Every dotted path of an object, nested ones to a depth of four."""
    paths: list[str] = []
    for name, value in record.items():
        paths.append(prefix + name)
        if isinstance(value, Mapping) and depth < 4:
            paths += paths_in(value, f"{prefix}{name}.", depth + 1)
    return paths


def soften(fields: dict[str, Any]) -> dict[str, Any]:
    """Read what a table wrote: counts, yes and no, dates, networks. What can't be read is left to be refused."""
    if type(fields.get("id")) is int:
        fields["id"] = str(fields["id"])
    source = fields.get("source")
    if isinstance(source, str):
        source = source.strip().casefold()
        fields["source"] = _SOURCE_ALIASES.get(source, source)
    elif source is None:
        fields["source"] = "other"
    if isinstance(fields.get("kind"), str):
        fields["kind"] = fields["kind"].casefold()
    if "created_at" in fields:
        fields["created_at"] = read_date(fields["created_at"])
    if isinstance(fields.get("sentiment"), str):
        fields["sentiment"] = _number(fields["sentiment"])
    if isinstance(fields.get("author"), str):
        fields["author"] = {"name": fields["author"]}
    for nested in ("author", "engagement"):
        holder = fields.get(nested)
        if not isinstance(holder, dict):
            continue
        for name in _COUNTS:
            if name in holder:
                holder[name] = _count(holder[name])
        if isinstance(holder.get("verified"), str):
            word = holder["verified"].casefold()
            holder["verified"] = True if word in _YES else False if word in _NO else word
        if type(holder.get("id")) is int:
            holder["id"] = str(holder["id"])
    return fields


def read_date(value: Any) -> Any:
    """A date in one of the common forms as RFC 3339; without a zone it is UTC. Anything else is given back as it is.

    >>> read_date("2015-02-24 11:35:52"), read_date("Tue Feb 24 11:35:52 +0000 2015"), read_date("1424777752")
    ('2015-02-24T11:35:52Z', '2015-02-24T11:35:52+00:00', '2015-02-24T11:35:52Z')
    """
    if type(value) in (int, float):
        value = f"{value:.3f}" if isinstance(value, float) else str(value)
    if not isinstance(value, str):
        return value
    value = value.strip()
    if found := _ISO.fullmatch(value):
        day, minute, second, fraction, _, hours, minutes = found.groups()
        zone = f"{hours}:{minutes}" if hours else "Z"
        return f"{day}T{minute or '00:00'}{second or ':00'}{(fraction or '').replace(',', '.')}{zone}"
    if found := _EPOCH.fullmatch(value):
        seconds, _, milliseconds = found.groups()
        moment = datetime.fromtimestamp(float(value) if seconds else int(milliseconds) / 1000, UTC)
        return moment.isoformat().replace("+00:00", "Z")
    if (found := _TWITTER.fullmatch(value)) and found[1] in _MONTHS:
        month, day, time, hours, minutes, year = found.groups()
        return f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}T{time}{hours}:{minutes}"
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, IndexError, TypeError, OverflowError):
        return value
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _put(fields: dict[str, Any], path: str, value: Any) -> None:
    holder, _, name = path.rpartition(".")
    if not holder:
        fields[name] = value
        return
    nested = fields.get(holder)
    if not isinstance(nested, dict):
        nested = fields[holder] = {}
    nested[name] = value


def _count(value: Any) -> Any:
    if isinstance(value, str):
        if _GROUPED.fullmatch(value):
            value = re.sub(r"\D", "", value)
        value = _number(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _number(text: str) -> Any:
    try:
        return int(text) if text.isascii() and text.lstrip("+-").isdigit() and len(text) < 20 else float(text)
    except ValueError:
        return text


def _like(name: str, names: Iterable[str]) -> str:
    by_fold = {other.casefold(): other for other in names}
    close = difflib.get_close_matches(name.casefold(), by_fold, n=1, cutoff=0.6)
    return f" (did you mean {by_fold[close[0]]!r}?)" if close else ""
