"""One turn of the engine: poll, step, carry out, commit. The clock and the executor are handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from engine.core.engine import Engine
from engine.domain.batch import Batch, Command
from engine.domain.effects import Effect
from engine.ports.source import Source


class Executor(Protocol):
    """Carries out a step's effects, all of them or none."""

    def apply(self, effects: Sequence[Effect]) -> None: ...


def run_once(
    engine: Engine,
    source: Source,
    executor: Executor,
    clock_ms: Callable[[], int],
    *,
    commands: Sequence[Command] = (),
    batch_max: int = 2_048,
    timeout_s: float = 0.5,
    live: bool = False,
    may_end: bool = True,
) -> Batch:
    """Poll once and carry the whole turn through; an empty batch is the tick.

    Effects are committed before the source hears of it, so a crash in between repeats a batch and loses none; the
    repeat is harmless since its mentions have been seen. Returns the batch, whose `end` tells that the source is over;
    where others go on (`may_end` is false) that closes no bin early.
    """
    batch = source.poll(batch_max, timeout_s)
    batch = replace(batch, source=source.name, live=live, commands=tuple(commands))
    stepped = batch if may_end else replace(batch, end=False)
    executor.apply(engine.step(stepped, clock_ms()))
    if batch.cursors:
        source.committed(batch.cursors)
    return batch
