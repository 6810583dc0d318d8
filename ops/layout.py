"""The section `sources.kafka.layout`: how `vigie topics create` makes the topics."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from ops.section import Section

Days: TypeAlias = Annotated[float, Field(ge=0.01, le=3_650)]


class Layout(Section):
    """How `vigie topics create` makes topics, and what `vigie topics check` wants them to be."""

    partitions: Annotated[int, Field(ge=1, le=1_000)] = 12
    """Partitions of the mentions and of the scored mentions: at most so many workers share each. Choose it once: with
    another count brands would move to other workers' state, so a changed one is refused."""
    copies: Annotated[int, Field(ge=1, le=9)] | None = None
    """Copies of every record; null for three where there are three brokers, else as many as there are."""
    mentions_days: Days = 7
    """How long mentions are kept: what workers that stood still can catch up on, and what a new database can be filled
    from."""
    scored_days: Days = 3
    """How long scored mentions are kept: the longest outage of the watch workers."""
    incidents_days: Days = 90
    """How long what was published of incidents is kept."""
    deadletters_days: Days = 30
    """How long published dead letters are kept."""
