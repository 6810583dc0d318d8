"""The shipped catalogue in a form that loads at once: `catalogue.json`, made from the YAML files by `make generate`.

YAML is for people and takes a second to read with its lines and columns; the service and replays read the JSON. A test
checks that it is current, and the digest of the YAML files that stands in it tells a changed source tree by itself.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PATH = HERE / "catalogue.json"


def digest(files: list[Path]) -> str:
    """Of the bytes of the files, in the order of their names."""
    total = sha256()
    for path in sorted(files):
        total.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def read(files: list[Path]) -> dict[str, Any] | None:
    """The compiled trees, None if there are none or the YAML files have changed since."""
    try:
        compiled = json.loads(PATH.read_bytes())
    except (OSError, ValueError):
        return None
    return compiled if compiled.get("digest") == digest(files) else None


def write(files: list[Path], playbooks: list[Any], voices: Any) -> None:
    """Compile. `playbooks` and `voices` are plain trees."""
    compiled = {"digest": digest(files), "playbooks": playbooks, "voices": voices}
    PATH.write_text(json.dumps(compiled, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
