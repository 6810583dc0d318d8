"""`vigie schema`: the JSON Schema of a mention, of vigie.yaml or of a playbook, for editors and for whoever sends."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer


def schema(
    which: Annotated[
        Literal["mention", "config", "playbook"],
        typer.Argument(help="A mention as it is sent, vigie.yaml, or a playbook file."),
    ],
) -> None:
    """Print a JSON Schema.

    Example: `vigie schema mention > mention.schema.json`
    """
    if which == "mention":
        from streams.schema import json_schema
    elif which == "playbook":
        from playbooks.schema import playbook_schema as json_schema
    else:
        from ops.settings import json_schema
    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
