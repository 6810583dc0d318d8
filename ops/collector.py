"""Python's cycle collector, told what kind of work this is."""

from __future__ import annotations

import gc


def quieten_collector() -> None:
    """Let the cycle collector look at what was loaded never again, and at the rest seldom: a mention makes a dozen
    objects and no cycle, and looking for cycles among them costs a sixth of a replay."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
