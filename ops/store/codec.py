"""The words of the field to JSON and back, driven by their own type hints.

Every plain frozen type of `engine.domain` (named tuple or dataclass) goes out as an object with all its fields and
comes back equal. The document names its version and kind, so that a later release can tell an old form from a wrong
one: `{"v": 1, "kind": "Incident", "data": {...}}`. A field that the reader doesn't know is ignored, one that is
missing takes its default.

>>> from engine.domain.batch import Cursor
>>> encode(Cursor("inbox", "0", "42"))
'{"v":1,"kind":"Cursor","data":{"source":"inbox","partition":"0","position":"42"}}'
>>> decode(Cursor, encode(Cursor("inbox", "0", "42")))
Cursor(source='inbox', partition='0', position='42')
"""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
import zlib
from collections.abc import Callable
from enum import Enum
from functools import cache
from typing import Any, TypeVar

import orjson

from engine.domain.errors import StateError

VERSION = 1
_HEAD = b'{"head":'
_HEAD_BYTES = 256
_DEFLATED = b"x"
"""How deflated bytes begin, and no JSON."""

T = TypeVar("T")


def dumps(value: Any) -> bytes:
    """JSON values as bytes. Total: what orjson refuses (lone surrogates, integers over 64 bits) goes the slow way.

    A document written the slow way begins with a space, and is read the slow way: orjson would round its integers.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return b" " + json.dumps(value, separators=(",", ":")).encode("ascii")


def loads(raw: bytes | str) -> Any:
    """The inverse of `dumps`, and of `StatePacking.pack`. Raises StateError when `raw` is no JSON."""
    try:
        if raw[:1] == _DEFLATED:
            raw = zlib.decompress(raw)  # type: ignore[arg-type]
        return json.loads(raw) if raw[:1] in (b" ", " ") else orjson.loads(raw)
    except (ValueError, zlib.error) as error:
        raise StateError(f"stored state is no JSON: {error}; restore the store from a copy") from error


class StatePacking:
    """How a brand at rest is kept in memory and in the store: its JSON, deflated. Level 1 is three times as fast as
    the usual one, and no tenth larger.

    >>> packing = StatePacking()
    >>> packing.unpack(packing.pack({"v": 1, "x": [0.1, None]}))
    {'v': 1, 'x': [0.1, None]}
    """

    def pack(self, value: Any) -> bytes:
        return zlib.compress(dumps(value), 1)

    def unpack(self, raw: bytes) -> Any:
        return loads(raw)

    @staticmethod
    def head(raw: bytes) -> list[Any] | None:
        """The list that stands in front of a packed object as "head", without unpacking the rest; None if none does.

        >>> StatePacking.head(StatePacking().pack({"head": [7, None], "more": "x" * 10_000}))
        [7, None]
        """
        if raw[:1] != _DEFLATED:
            return None
        start = zlib.decompressobj().decompress(raw, _HEAD_BYTES)
        end = start.find(b"]")
        found = loads(start[len(_HEAD) : end + 1]) if start.startswith(_HEAD) and end > 0 else None
        return found if isinstance(found, list) else None


def encode(value: Any) -> str:
    """A plain frozen value as a versioned JSON document."""
    return dumps({"v": VERSION, "kind": type(value).__name__, "data": to_data(value)}).decode("utf-8")


def decode(kind: type[T], raw: bytes | str) -> T:
    """The value that `encode` wrote. Raises StateError if the document is of another kind or of a newer version."""
    document = loads(raw)
    if not isinstance(document, dict) or document.get("kind") != kind.__name__:
        raise StateError(f"stored state is no {kind.__name__}: restore the store from a copy")
    if document.get("v") != VERSION:
        raise StateError(
            f"stored {kind.__name__} is of version {document.get('v')}, this vigie reads {VERSION}: upgrade vigie"
        )
    return from_data(kind, document["data"])


def to_data(value: Any) -> Any:
    """JSON values for anything built of plain frozen types. Infinities and NaN become strings, as JSON has none."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple | list):
        names = getattr(value, "_fields", None)
        if names is not None:
            return {name: to_data(item) for name, item in zip(names, value, strict=True)}
        return [to_data(item) for item in value]
    if isinstance(value, dict):
        return {str(key): to_data(item) for key, item in value.items()}
    if dataclasses.is_dataclass(value):
        return {field.name: to_data(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"{type(value).__name__} has no JSON form")


def from_data(kind: type[T], data: Any) -> T:
    """The value of type `kind` that `to_data` gave `data` for. Raises StateError when the data don't fit."""
    try:
        read: Callable[[Any], T] = _reader(kind)  # type: ignore[arg-type]
        return read(data)
    except (KeyError, TypeError, ValueError) as error:
        raise StateError(f"stored {kind.__name__} can't be read ({type(error).__name__}: {error})") from error


Reader = Callable[[Any], Any]


@cache
def _reader(kind: Any) -> Reader:
    """How to read a value of type `kind`. Built once a type."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        return _optional_reader(kind)
    if origin is tuple:
        return _tuple_reader(typing.get_args(kind))
    if origin is dict:
        value_of = _reader(typing.get_args(kind)[1])
        return lambda data: {key: value_of(item) for key, item in data.items()}
    if kind is Any:
        return lambda data: data
    if isinstance(kind, type) and (dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")):
        return _record_reader(kind)
    if isinstance(kind, type) and issubclass(kind, (Enum, float)):
        return kind
    if kind in (str, int, bool):
        return _exact_reader(kind)
    raise TypeError(f"no reader for {kind}")


def _exact_reader(kind: type) -> Reader:
    def read(data: Any) -> Any:
        if type(data) is not kind:
            raise TypeError(f"expected {kind.__name__}, got {type(data).__name__}")
        return data

    return read


def _optional_reader(kind: Any) -> Reader:
    inner = [arg for arg in typing.get_args(kind) if arg is not type(None)]
    if len(inner) != 1:
        raise TypeError(f"no reader for {kind}")
    read = _reader(inner[0])
    return lambda data: None if data is None else read(data)


def _tuple_reader(args: tuple[Any, ...]) -> Reader:
    if len(args) == 2 and args[1] is Ellipsis:
        item_of = _reader(args[0])
        return lambda data: tuple(item_of(item) for item in data)
    readers = tuple(_reader(arg) for arg in args)
    return lambda data: tuple(read(item) for read, item in zip(readers, data, strict=True))


def _record_reader(kind: type) -> Reader:
    hints = typing.get_type_hints(kind)
    names = (
        [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else kind._fields  # type: ignore[attr-defined]
    )
    readers = {name: _reader(hints[name]) for name in names}

    def read(data: Any) -> Any:
        if not isinstance(data, dict):
            raise TypeError(f"expected an object, got {type(data).__name__}")
        return kind(**{name: reader(data[name]) for name, reader in readers.items() if name in data})

    return read
