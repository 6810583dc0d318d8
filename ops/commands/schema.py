"""`vigie schema`: the JSON Schema of a mention or of vigie.yaml, for editors and for whoever sends."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer


def schema(
    which: Annotated[Literal["mention", "config"], typer.Argument(help="A mention as it is sent, or vigie.yaml.")],
) -> None:
    """Print a JSON Schema.

    Example: `vigie schema mention > mention.schema.json`
    """
    if which == "mention":
        from streams.schema import json_schema
    else:
        from ops.settings import json_schema
    typer.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
