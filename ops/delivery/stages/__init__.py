"""The stages that every alert passes on every channel, in this order, none bypassed. One file each.

A stage gets a `Passage` and returns it, perhaps decided. What is decided is not sent; `record` writes down what became
of it, whoever decided.
"""

from __future__ import annotations

from ops.delivery.stages.dedup import dedup
from ops.delivery.stages.early import early
from ops.delivery.stages.mute import mute
from ops.delivery.stages.passage import Passage, Stage
from ops.delivery.stages.record import record
from ops.delivery.stages.retry import retry
from ops.delivery.stages.route import route

STAGES: tuple[Stage, ...] = (early, route, mute, dedup, retry, record)

__all__ = ["STAGES", "Passage", "Stage", "run_stages"]


def run_stages(passage: Passage) -> Passage:
    """Take one delivery through all of them."""
    for stage in STAGES:
        passage = stage(passage)
    return passage
