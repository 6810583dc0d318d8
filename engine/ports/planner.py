"""The playbooks, seen from inside."""

from __future__ import annotations

from typing import Protocol

from engine.domain.playbook import Plan, PlanRequest


class Planner(Protocol):
    """Picks a playbook and drafts its steps and replies. Pure: the same request gives the same plan."""

    def plan(self, request: PlanRequest) -> Plan: ...
