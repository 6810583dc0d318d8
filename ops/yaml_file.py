"""YAML files that people write: read as YAML 1.2, within bounds, with every mistake traced to its line and column.

`no` and `22:30` stay the texts that they look like, and so does a date. Aliases and merge keys work, but what they
unfold to is bounded: a file of a few lines that stands for millions of nodes is refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.domain.errors import ConfigError

BYTES_MAX = 1_000_000
DEPTH_MAX = 24
ALIASES_MAX = 64
NODES_MAX = 50_000


@dataclass(frozen=True, slots=True)
class YamlFile:
    """A file's content as plain dicts, lists and scalars, and where each part of it stands."""

    name: str
    data: dict[str, Any]
    tree: Any
    """The same content as the reader left it, with its marks."""

    def locate(self, loc: Sequence[str | int]) -> str:
        """`file:line:column` of the deepest part of `loc` that the file holds; `file` alone for the whole."""
        node: Any = self.tree
        mark = None
        for step in loc:
            try:
                mark = node.lc.key(step) if hasattr(node, "keys") else node.lc.item(step)
                node = node[step]
            except (AttributeError, KeyError, IndexError, TypeError):
                break  # a part that is missing from the file, or came through an alias: its parent's place will do
        return self.name if mark is None else f"{self.name}:{mark[0] + 1}:{mark[1] + 1}"


def read_yaml(path: Path) -> YamlFile:
    """Read a file whose top is a mapping. An empty file is an empty mapping.

    Raises ConfigError, one line: the file, line and column, what is wrong.
    """
    name = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(BYTES_MAX + 1)
    except OSError as error:
        raise ConfigError(f"{name}: {error.strerror or error}") from None
    if len(raw) > BYTES_MAX:
        raise ConfigError(f"{name}: larger than {BYTES_MAX} bytes; is it the right file?")
    return parse_yaml(raw, name)


def parse_yaml(raw: bytes, name: str) -> YamlFile:
    """The same for bytes at hand; `name` stands in messages.

    >>> parse_yaml(b"closed: no\\nat: 22:30", "x.yaml").data
    {'closed': 'no', 'at': '22:30'}
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.constructor import RoundTripConstructor
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    class Constructor(RoundTripConstructor):
        """YAML 1.2 knows no dates: they stay texts."""

    Constructor.add_constructor("tag:yaml.org,2002:timestamp", Constructor.construct_scalar)
    yaml = YAML(typ="rt", pure=True)
    yaml.Constructor = Constructor
    try:
        text = raw.decode("utf-8-sig")
        _check_bounds(YAML(typ="rt", pure=True), text, name)
        tree = yaml.load(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}:{line}: not UTF-8 text; save the file as UTF-8") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark is not None else name
        raise ConfigError(
            f"{place}: not valid YAML: {_one_line(error.problem or error.context or 'unreadable')}"
        ) from None
    except (YAMLError, ValueError) as error:  # ValueError: a number that Python can't hold
        raise ConfigError(f"{name}: not valid YAML: {_one_line(str(error))}") from None
    if tree is None:
        return YamlFile(name, {}, {})
    if not isinstance(tree, dict):
        raise ConfigError(f"{name}:1:1: expected `key: value` lines, found a {_kind(tree)}")
    return YamlFile(name, _Plain(name).mapping(tree, 0), tree)


def _check_bounds(yaml: Any, text: str, name: str) -> None:
    """Walk the events, which costs no recursion, before anything is built from them."""
    from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

    depth = aliases = 0
    for event in yaml.parse(text):
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        elif isinstance(event, AliasEvent):
            aliases += 1
        if depth > DEPTH_MAX or aliases > ALIASES_MAX:
            what = f"more than {DEPTH_MAX} levels deep" if depth > DEPTH_MAX else f"more than {ALIASES_MAX} aliases"
            mark = event.start_mark
            raise ConfigError(f"{name}:{mark.line + 1}:{mark.column + 1}: {what}")


class _Plain:
    """Marked nodes to plain values, counting what aliases unfold to."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes = 0

    def value(self, node: Any, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > NODES_MAX or depth > DEPTH_MAX:
            raise ConfigError(
                f"{self._name}: its aliases unfold to more than {NODES_MAX} values or refer to themselves"
            )
        if isinstance(node, dict):
            return self.mapping(node, depth + 1)
        if isinstance(node, list):
            return [self.value(item, depth + 1) for item in node]
        if node is None or isinstance(node, bool):
            return node
        for kind in (int, float, str):
            if isinstance(node, kind):
                return kind(node)
        # ruamel has its own classes for booleans with an anchor, tagged scalars and sets
        if type(node).__name__ == "ScalarBoolean":
            return bool(node)
        raise ConfigError(f"{self._name}: {_kind(node)} is not understood here; write plain text, numbers or lists")

    def mapping(self, node: Any, depth: int) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key, value in node.items():
            if not isinstance(key, str):
                line, column = node.lc.key(key)
                place = f"{self._name}:{line + 1}:{column + 1}"
                raise ConfigError(f"{place}: the key {key!r} is not text; put it between quotes")
            plain[str(key)] = self.value(value, depth)
        return plain


def _kind(node: object) -> str:
    kinds = ((str, "text"), (list, "list"), (bool, "boolean"), (int, "number"), (float, "number"))
    return next((name for kind, name in kinds if isinstance(node, kind)), type(node).__name__)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
