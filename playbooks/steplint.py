"""Advice on a playbook's steps and choices: nothing here keeps it from being used, all of it is told by the linter."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from engine.domain.incident import Level
from engine.domain.run import LEVEL_CLOCKS, STEP_CLOCKS
from engine.domain.signals import SIGNAL_MODES
from playbooks.catalogue import FileFinding, PlaybookFile
from playbooks.schema import LEVELS, suggestion

SIGNALS = (*(name for name, _ in SIGNAL_MODES if name != "silence"), "harm")
"""The signals that a choice may ask for; the silence of a source is about the feed and opens no playbook."""


def advice(file: PlaybookFile) -> Iterator[FileFinding]:
    """Clocks that are too late, steps and cases that never come, signals that do not exist."""
    yield from _clock_findings(file)
    yield from _level_findings(file)
    yield from _choice_findings(file)


def _clock_findings(file: PlaybookFile) -> Iterator[FileFinding]:
    for i, step in enumerate(file.playbook.steps):
        clock = step.clock or STEP_CLOCKS.get(step.id)
        for level, minutes in step.minutes.items():
            limit = LEVEL_CLOCKS.get(clock or "", {}).get(Level[level.upper()])
            if limit is not None and minutes > limit:
                text = f"{minutes} min at {level}: the level's clock {clock!r} allows {limit}, and {limit} will hold"
                yield file.finding(("steps", i, "minutes", level), "clock", text)


def _level_findings(file: PlaybookFile) -> Iterator[FileFinding]:
    """Below the level from which the playbook is chosen only vert comes, at the end."""
    playbook = file.playbook
    least = max(LEVELS.index(playbook.when.level_min), 1)
    comes = {"vert", *LEVELS[least:]}
    for i, step in enumerate(playbook.steps):
        if step.minutes and not comes.intersection(step.minutes):
            text = f"step {step.id!r} never comes: this playbook is chosen from {playbook.when.level_min} on"
            yield file.finding(("steps", i, "minutes"), "unreachable", text)
        for level in step.every or {}:
            if level not in step.minutes:
                text = f"comes again at {level}, where it never comes first: `minutes` leaves {level} out"
                yield file.finding(("steps", i, "every", level), "unreachable", text)
    for name in LEVELS[least:]:
        if not any(name in step.minutes for step in playbook.steps):
            yield file.finding(("steps",), "unreachable", f"nothing is to do at {name}: no step has it in `minutes`")


def _choice_findings(file: PlaybookFile) -> Iterator[FileFinding]:
    for i, name in enumerate(file.playbook.when.signals):
        if name not in SIGNALS:
            yield file.finding(("when", "signals", i), "signal", _unknown(name))
    for i, case in enumerate(file.playbook.do_not_answer):
        test = case.met_if
        if test is None:
            continue
        for j, name in enumerate(test.signals):
            if name not in SIGNALS:
                yield file.finding(("do_not_answer", i, "met_if", "signals", j), "signal", _unknown(name))
        if not test.model_fields_set:
            text = "`met_if` states nothing, so it is never met: leave it out, or say when"
            yield file.finding(("do_not_answer", i, "met_if"), "unreachable", text)
        elif test.level_max is not None and LEVELS.index(test.level_max) < LEVELS.index(file.playbook.when.level_min):
            text = f"never met: the playbook is chosen from {file.playbook.when.level_min} on"
            yield file.finding(("do_not_answer", i, "met_if", "level_max"), "unreachable", text)


def _unknown(name: str) -> str:
    return f"unknown signal {name!r}{suggestion(name, SIGNALS) or '; there are: ' + ', '.join(SIGNALS)}"


def unheld_roles(file: PlaybookFile, held: Collection[str]) -> Iterator[FileFinding]:
    """Roles for which the settings name nobody, neither for them nor for their deputies."""
    for name, role in file.playbook.roles.items():
        if name not in held and role.deputy not in held:
            text = f"the settings name nobody for {name!r}, nor for its deputy {role.deputy!r} (roles, or a rota)"
            yield file.finding(("roles", name), "role", text)
