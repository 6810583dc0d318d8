"""Write the generated parts of the documentation: `python -m ops.docs` (or `make generate`).

docs/configuration.md comes from the settings' JSON Schema, docs/metrics.md from the table of metrics,
docs/asyncapi.yaml from the types of what stands in topics, the marked blocks of docs/architecture.md from the table of
transitions and the effects, that of docs/how-to/choose-a-detector.md from the table of detectors, those of docs/runs.md
from the table of steps and the clocks; docs/playbook.schema.json is what `vigie schema playbook` prints. A test checks
that all are current.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args

from detectors.table import SETTABLE
from engine.domain.effects import Effect
from engine.domain.incident import TRANSITIONS, Level, Phase, Trigger
from engine.domain.run import GRACE_MIN, LEVEL_CLOCKS, REPEATS, STEP_TRANSITIONS, StepState, StepTrigger
from ops.asyncapi import asyncapi_text
from ops.metrics import LABEL_VALUES_MAX, METRICS, metric_name
from ops.oncall.escalation import TRANSITIONS as CALL_TRANSITIONS
from ops.settings import json_schema
from playbooks.schema import playbook_schema

DOCS = Path(__file__).resolve().parents[1] / "docs"

_BLOCK = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(\n<!-- end -->)", re.DOTALL)


def pages() -> dict[Path, str]:
    """Every page with a generated part, as it should stand."""
    architecture, detectors = DOCS / "architecture.md", DOCS / "how-to" / "choose-a-detector.md"
    return {
        DOCS / "configuration.md": configuration_page(),
        DOCS / "metrics.md": metrics_page(),
        DOCS / "asyncapi.yaml": asyncapi_text(),
        DOCS / "playbook.schema.json": json.dumps(playbook_schema(), ensure_ascii=False, indent=2) + "\n",
        DOCS / "runs.md": _with_blocks((DOCS / "runs.md").read_text(encoding="utf-8")),
        DOCS / "oncall.md": _with_blocks((DOCS / "oncall.md").read_text(encoding="utf-8")),
        architecture: _with_blocks(architecture.read_text(encoding="utf-8")),
        detectors: _with_blocks(detectors.read_text(encoding="utf-8")),
    }


def _with_blocks(text: str) -> str:
    blocks = {"phases": state_diagram(), "transitions": transition_table(), "effects": effects_table()}
    blocks |= {"parameters": parameter_table(), "steps": step_diagram(), "step-table": step_table()}
    blocks |= {"clocks": clock_table(), "calls": call_diagram()}
    return _BLOCK.sub(lambda found: found.group(1) + blocks[found.group("name")] + found.group(3), text)


def state_diagram() -> str:
    """The phases of an incident and the triggers between them, as Mermaid. Those that change nothing are left out."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (start, trigger), end in TRANSITIONS.items():
        if start is not end:
            arrows.setdefault((_node(start), _node(end)), []).append(trigger.value)
    lines = [f"    {start} --> {end}: {', '.join(triggers)}" for (start, end), triggers in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def transition_table() -> str:
    """Phase × trigger -> phase, as a Markdown table; empty where nothing changes."""
    lines = ["| phase | " + " | ".join(Trigger) + " |", "| --- |" + " --- |" * len(Trigger)]
    for start in (None, *Phase):
        cells = []
        for trigger in Trigger:
            known = (start, trigger) in TRANSITIONS
            cells.append(str(TRANSITIONS[start, trigger] or "none") if known else "")
        lines.append(f"| {start or 'none'} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def step_diagram() -> str:
    """The states of a step of a run and the triggers between them, as Mermaid."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (start, trigger), end in STEP_TRANSITIONS.items():
        arrows.setdefault((start.value if start else "[*]", end.value), []).append(trigger.value)
    lines = [f"    {start} --> {end}: {', '.join(triggers)}" for (start, end), triggers in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def step_table() -> str:
    """State × trigger -> state, as a Markdown table; empty where it is refused."""
    lines = ["| state | " + " | ".join(StepTrigger) + " |", "| --- |" + " --- |" * len(StepTrigger)]
    for start in (None, *StepState):
        cells = [str(STEP_TRANSITIONS.get((start, trigger), "")) for trigger in StepTrigger]
        lines.append(f"| {start or 'none'} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def call_diagram() -> str:
    """Where the calls for an incident stand and what moves them, as Mermaid."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (start, event), end in CALL_TRANSITIONS.items():
        if start is not end:
            arrows.setdefault((start.value if start else "[*]", end.value), []).append(event.value)
    lines = [f"    {start} --> {end}: {', '.join(events)}" for (start, end), events in arrows.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", *lines, "```"])


def clock_table() -> str:
    """The clocks of the levels, in minutes; what comes again says so."""
    levels = (Level.JAUNE, Level.ORANGE, Level.ROUGE)
    lines = ["| clock | " + " | ".join(level.label for level in levels) + " |", "| --- |" + " --- |" * len(levels)]
    for clock, minutes in LEVEL_CLOCKS.items():
        again = REPEATS.get(clock, {})
        cells = [
            f"{minutes[level]} min" + (f", then every {again[level]}" if level in again else "")
            if level in minutes
            else ""
            for level in levels
        ]
        lines.append(f"| `{clock}` | " + " | ".join(cells) + " |")
    grace = " | ".join(f"{GRACE_MIN[level]} min" for level in levels)
    return "\n".join([*lines, f"| an overdue step goes to the deputy after | {grace} |"])


def _node(phase: Phase | None) -> str:
    return "[*]" if phase is None else phase.value


def effects_table() -> str:
    """What `Engine.step` may answer, with the first sentence of each type."""
    rows = [f"| `{kind.__name__}` | {_sentence(kind.__doc__)} |" for kind in get_args(Effect)]
    return "\n".join(["| effect | what it asks for |", "| --- | --- |", *rows])


def parameter_table() -> str:
    """What may be set of each detector: default and range."""
    rows = ["| detector | parameter | default | from | to |", "| --- | --- | --- | --- | --- |"]
    for name, settable in SETTABLE.items():
        for field, limits in settable.ranges.items():
            default = attrgetter(field)(settable.defaults)
            rows.append(f"| `{name}` | `{field}` | {default:.12g} | {limits.least:.12g} | {limits.most:.12g} |")
    return "\n".join(["", *rows, ""])


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


def metrics_page() -> str:
    """docs/metrics.md."""
    rows = [
        f"| `{metric_name(name)}` | {spec.kind} | {', '.join(f'`{label}`' for label in spec.labels)} | {spec.text} |"
        for name, spec in METRICS.items()
    ]
    head = f"""# Metrics

<!-- Generated from ops/metrics.py by `make generate`. -->

Prometheus reads them at `/metrics` on the HTTP port, or on a port of their own (`metrics.port`). A label has at most
{LABEL_VALUES_MAX} values; a counter of further ones goes on under `other`, a gauge of further ones is left out. No
label ever holds an author or a text. Counters go on after a restart: the store keeps them.

| metric | kind | labels | what it tells |
| --- | --- | --- | --- |"""
    tail = """| `vigie_step_seconds` | histogram |  | Time of one engine step with its transaction. |

Beside these stand the process's own (`process_resident_memory_bytes`, `process_open_fds` and so on).

Prometheus needs no more than this; the alert rules go by the job's name:

```yaml
rule_files: [vigie.rules.yml]
scrape_configs:
  - job_name: vigie
    static_configs: [{targets: ["127.0.0.1:8642"]}]
```

- Alert rules: [vigie.rules.yml](../ops/prometheus/vigie.rules.yml), shown to fire in
  [vigie.test.yml](../ops/prometheus/vigie.test.yml).
- Dashboard: [vigie.json](../ops/grafana/vigie.json), built by [build.py](../ops/grafana/build.py); provisioning in
  [provisioning](../ops/grafana/provisioning)."""
    return "\n".join([head, *rows, tail]) + "\n"


def configuration_page() -> str:
    """docs/configuration.md."""
    schema = json_schema()
    head = """# Configuration

<!-- Generated from ops/settings.py by `make generate`. -->

Settings stand in one YAML 1.2 file, by custom `vigie.yaml`; [examples/vigie.yaml](../examples/vigie.yaml) is a start.
`vigie check -c vigie.yaml` reads it as the service would and names a mistake by file, line, column and field.
`vigie schema config` prints the JSON Schema, for completion in editors.

- Secrets never stand in the file: `*_env` names an environment variable, `*_file` a file that holds the secret; the
  variable wins.
- `VIGIE_DATABASE_URL` wins over `database`.
- Relative paths start at the folder of the file."""
    return "\n".join([head, *_section("The whole file", schema, "", schema["$defs"])]) + "\n"


def _section(title: str, schema: dict[str, Any], path: str, defs: dict[str, Any]) -> Iterator[str]:
    """A table of one section's settings, then the sections below it."""
    yield f"\n## {title}\n"
    if path:
        yield f"{' '.join(schema.get('description', '').split())}\n"
    yield "| setting | value | default | what it does |"
    yield "| --- | --- | --- | --- |"
    below: list[tuple[str, str]] = []
    for name, field in schema["properties"].items():
        refs = list(_refs(field))
        text = " ".join((field.get("description") or (defs[refs[0]]["description"] if refs else "")).split())
        default = _default(name, field, schema, refs)
        yield f"| `{name}` | {_value(field, defs)} | {default} | {text} |"
        place = f"{path}.{name}".lstrip(".") + ("[]" if field.get("type") == "array" else "")
        below += [(place, ref) for ref in refs]
    for place, ref in below:
        kind = defs[ref]["properties"].get("type", {}).get("const")
        yield from _section(f"`{place}`" + (f", type `{kind}`" if kind else ""), defs[ref], place, defs)


def _refs(field: Any) -> Iterator[str]:
    if isinstance(field, dict):
        for key, value in field.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[1]
            elif key not in ("discriminator", "default"):
                yield from _refs(value)
    elif isinstance(field, list):
        for item in field:
            yield from _refs(item)


def _default(name: str, field: dict[str, Any], schema: dict[str, Any], refs: list[str]) -> str:
    if name in schema.get("required", ()):
        return "required"
    if refs and field.get("default"):
        return "see below"
    default = field.get("default", {})
    return f"`{json.dumps(default, ensure_ascii=False)}`" if default not in ("", [], {}) else ""


def _value(field: dict[str, Any], defs: dict[str, Any]) -> str:
    """What may be written, for a person."""
    if "anyOf" in field:
        return " or ".join(_value(part, defs) for part in field["anyOf"])
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "$ref" in field or "oneOf" in field:
        return "settings"
    kind = field.get("type")
    if kind == "array":
        return f"list of {_value(field['items'], defs)}"
    if kind == "object":
        return "names with texts"
    low, high = field.get("minimum"), field.get("maximum")
    if kind in ("integer", "number") and low is not None and high is not None:
        return f"{'whole number' if kind == 'integer' else 'number'}, {low} to {high}"
    return {"string": "text", "boolean": "`true`, `false`", "null": "`null`"}.get(str(kind), str(kind))


if __name__ == "__main__":
    for page, content in pages().items():
        page.write_text(content, encoding="utf-8")
