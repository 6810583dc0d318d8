"""Reading playbooks: YAML 1.2 to checked models, and where in the file every word stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from engine.domain.errors import PlaybookError
from playbooks import compiled, schema
from playbooks.networks import NETWORKS, SIZES
from playbooks.schema import KINDS, LANGS, LEVELS, Playbook, Voices, suggestion

HERE = Path(__file__).parent
FILE_BYTES_MAX = 1_000_000


class FileFinding(NamedTuple):
    """Something wrong in a playbook file; line and column count from 1."""

    file: str
    line: int
    column: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.text} [{self.rule}]"


@dataclass(frozen=True, slots=True)
class PlaybookFile:
    """A file as read: its playbook and the YAML tree that knows the positions."""

    path: Path
    tree: Any
    playbook: Playbook

    def finding(self, loc: Sequence[str | int], rule: str, text: str) -> FileFinding:
        """A finding at the place of `loc`, a path of keys such as ("texts", "fr", "holding")."""
        return FileFinding(str(self.path), *position(self.tree, loc), rule, text)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Playbooks by id, and the closings of the networks."""

    playbooks: Mapping[str, Playbook]
    voices: Voices

    def __getitem__(self, playbook_id: str) -> Playbook:
        try:
            return self.playbooks[playbook_id]
        except KeyError:
            hint = suggestion(playbook_id, self.playbooks)
            raise PlaybookError(
                f"no playbook {playbook_id!r}{hint} (there are: {', '.join(sorted(self.playbooks))})"
            ) from None


def load_catalogue(dirs: Sequence[Path | str] = ()) -> Catalogue:
    """The playbooks that ship with Vigie, then those in `dirs`; a later one replaces an earlier one of the same id.

    Raises PlaybookError naming file, line and column of the first thing wrong.

    >>> sorted(load_catalogue().playbooks)[:2]
    ['dangerous_product', 'generic']
    """
    playbooks: dict[str, Playbook] = dict(_shipped())
    for directory in map(Path, dirs):
        if not directory.is_dir():
            raise PlaybookError(f"{directory}: no such directory of playbooks")
        playbooks.update(_read_dir(directory))
    return Catalogue(MappingProxyType(playbooks), load_voices())


def shipped_files() -> list[Path]:
    """The files of the catalogue that ships with Vigie."""
    return playbook_paths(HERE / "catalogue")


def playbook_paths(directory: Path) -> list[Path]:
    """The YAML files of a directory, in order of their names."""
    return sorted(path for path in directory.iterdir() if path.suffix in (".yaml", ".yml"))


def _sources() -> list[Path]:
    """The YAML files that the compiled catalogue is made from."""
    return [*shipped_files(), HERE / "channels.yaml"]


@lru_cache(maxsize=1)
def _compiled() -> dict[str, Any] | None:
    return compiled.read(_sources())


def compile_catalogue() -> None:
    """Write the shipped catalogue in the form that loads at once; `make generate` calls it.

    Raises PlaybookError if a file is no good.
    """
    _read_dir(HERE / "catalogue")
    trees = [_plain(_tree(path)) for path in shipped_files()]
    compiled.write(_sources(), trees, _plain(_tree(HERE / "channels.yaml")))


@lru_cache(maxsize=1)
def _shipped() -> tuple[tuple[str, Playbook], ...]:
    ready = _compiled()
    if ready is None:
        return tuple(_read_dir(HERE / "catalogue").items())
    playbooks = [Playbook.model_validate(tree) for tree in ready["playbooks"]]
    return tuple((playbook.id, playbook) for playbook in playbooks)


def _read_dir(directory: Path) -> dict[str, Playbook]:
    from playbooks.filelint import structure_findings

    playbooks: dict[str, Playbook] = {}
    for path in playbook_paths(directory):
        file = read_playbook(path)
        faults = structure_findings(file)
        if faults:
            raise PlaybookError(str(faults[0]))
        if file.playbook.id in playbooks:
            raise PlaybookError(str(file.finding(("id",), "id", f"id {file.playbook.id!r} is taken by another file")))
        playbooks[file.playbook.id] = file.playbook
    return playbooks


@lru_cache(maxsize=1)
def load_voices() -> Voices:
    """The closings of every network (channels.yaml)."""
    path = HERE / "channels.yaml"
    ready = _compiled()
    voices: Voices = _validate(path, _tree(path), Voices) if ready is None else Voices.model_validate(ready["voices"])
    for lang, by_network in (("fr", voices.fr), ("en", voices.en)):
        missing = set(NETWORKS) - set(by_network)
        if missing:
            raise PlaybookError(f"{path}: no closings in {lang} for {', '.join(sorted(missing))}")
    return voices


def read_playbook(path: Path) -> PlaybookFile:
    """The playbook in `path`; PlaybookError for the first thing that breaks the schema."""
    tree = _tree(path)
    return PlaybookFile(path, tree, _validate(path, tree, Playbook))


def schema_findings(path: Path) -> tuple[PlaybookFile | None, list[FileFinding]]:
    """The file if it fits the schema, else everything that breaks it."""
    tree = _tree(path)
    try:
        return PlaybookFile(path, tree, Playbook.model_validate(_plain(tree))), []
    except ValidationError as error:
        return None, _findings_of(path, tree, error)


def _tree(path: Path) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        raw = path.read_bytes()
        if len(raw) > FILE_BYTES_MAX:
            raise PlaybookError(f"{path}:1:1: larger than {FILE_BYTES_MAX} bytes")
        tree = YAML(typ="rt", pure=True).load(raw.decode("utf-8"))
    except OSError as error:
        raise PlaybookError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PlaybookError(f"{path}:1:1: not UTF-8 (byte {error.start})") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problem = (error.problem or error.context or "not YAML").splitlines()[0]
        raise PlaybookError(f"{path}:{line}:{column}: {problem}") from error
    except YAMLError as error:
        raise PlaybookError(f"{path}:1:1: not YAML: {str(error).splitlines()[0]}") from error
    if not isinstance(tree, dict):
        raise PlaybookError(f"{path}:1:1: a playbook is a mapping of keys to values")
    return tree


def _plain(node: Any, depth: int = 0) -> Any:
    if depth > 12:  # an anchor that holds itself would never end
        raise PlaybookError("nested too deeply")
    if isinstance(node, dict):
        return {str(key): _plain(value, depth + 1) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value, depth + 1) for value in node]
    if isinstance(node, str):
        return str(node)
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, int):
        return int(node)
    return float(node) if isinstance(node, float) else str(node)


def _validate(path: Path, tree: Any, model: type[Any]) -> Any:
    try:
        return model.model_validate(_plain(tree))
    except ValidationError as error:
        findings = _findings_of(path, tree, error)
        more = f" (and {len(findings) - 1} more: vigie playbooks lint {path})" if len(findings) > 1 else ""
        raise PlaybookError(f"{findings[0]}{more}") from error


def _findings_of(path: Path, tree: Any, error: ValidationError) -> list[FileFinding]:
    findings = []
    for fault in error.errors(include_url=False):
        loc = tuple(part for part in fault["loc"] if part != "[key]")
        name = str(loc[-1]) if loc else ""
        if fault["type"] == "extra_forbidden":
            rule, text = "unknown_key", f"unknown key {name!r}{suggestion(name, _known_keys())}"
        elif fault["type"] == "missing":
            rule, text, loc = "missing_key", f"missing key {name!r}", loc[:-1]
            if name in LANGS:
                rule, text = "missing_language", f"{text}: every text stands in French and in English"
        elif "[key]" in fault["loc"]:
            rule, text = "unknown_key", f"{name!r} can't be a key here{suggestion(name, _known_keys())}"
        else:
            rule, text = "value", f"{'.'.join(map(str, loc))}: {fault['msg'].removeprefix('Value error, ')}"
        findings.append(FileFinding(str(path), *position(tree, loc), rule, text))
    return sorted(findings, key=lambda finding: (finding.line, finding.column))


@lru_cache(maxsize=1)
def _known_keys() -> tuple[str, ...]:
    models = [m for m in vars(schema).values() if isinstance(m, type) and issubclass(m, BaseModel)]
    fields = {field for model in models for field in model.model_fields}
    return tuple(sorted(fields | set(LEVELS) | set(NETWORKS) | set(SIZES) | set(KINDS)))


def position(tree: Any, loc: Sequence[str | int]) -> tuple[int, int]:
    """Line and column, from 1, of the key or item at `loc`, or of the nearest thing around it."""
    line, column = 1, 1
    node: Any = tree
    for part in loc:
        try:
            mark = node.lc.item(part) if hasattr(node, "append") else node.lc.key(part)
            node = node[part]
        except (KeyError, IndexError, TypeError, AttributeError):  # the place itself is not there: stay above it
            break
        line, column = mark[0] + 1, mark[1] + 1
    return line, column
