"""`vigie schema`: what it prints is a JSON Schema, and the example of the documentation fits it."""

from __future__ import annotations

import json

import jsonschema
import pytest
from typer.testing import CliRunner

from ops.cli import app


@pytest.mark.parametrize("which", ["mention", "config", "playbook"])
def test_a_valid_schema(which: str) -> None:
    result = CliRunner().invoke(app, ["schema", which])
    assert result.exit_code == 0
    jsonschema.Draft202012Validator.check_schema(json.loads(result.output))


def test_a_mention_fits_it() -> None:
    schema = json.loads(CliRunner().invoke(app, ["schema", "mention"]).output)
    mention = {"id": "1", "source": "review", "text": "Pain rassis", "created_at": "2026-03-04T09:15:00Z"}
    jsonschema.validate(mention, schema)
    with pytest.raises(jsonschema.ValidationError, match="'text' is a required property"):
        jsonschema.validate({key: value for key, value in mention.items() if key != "text"}, schema)


def test_nothing_else_has_one() -> None:
    assert CliRunner().invoke(app, ["schema", "incident"]).exit_code == 2
