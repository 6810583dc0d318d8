"""The table of everything that can be done or asked at the desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ops.desk import drafts, forms, incidents, team
from ops.desk.office import Desk, Reply
from ops.store.tokens import Role


@dataclass(frozen=True, slots=True)
class Act:
    """One thing to do: where it stands in the API, which role it takes, what it is told, who does it.

    The fields of `form` that stand in `path` come from there; the others from the query of a GET, the body of a POST.
    """

    method: str
    path: str
    role: Role
    form: type[forms.Form]
    work: Callable[[Desk, Any], Reply]
    needs_person: bool = False

    @property
    def reads(self) -> bool:
        return self.method == "GET"

    @property
    def summary(self) -> str:
        return (self.work.__doc__ or "").strip().partition("\n")[0]


_R, _M, _A, _X = Role.READER, Role.MANAGER, Role.APPROVER, Role.ADMIN
_INCIDENT, _RUN = "/v1/incidents/{incident_id}", "/v1/incidents/{incident_id}/run"
_STEP, _DRAFT = "/v1/incidents/{incident_id}/run/steps/{step}", "/v1/drafts/{draft_id}"

ACTS: Mapping[str, Act] = MappingProxyType(
    {
        "me": Act("GET", "/v1/me", _R, forms.Nothing, team.me),
        "incidents.list": Act("GET", "/v1/incidents", _R, forms.Incidents, incidents.list_incidents),
        "incidents.show": Act("GET", _INCIDENT, _R, forms.OneIncident, incidents.show_incident),
        "incidents.ack": Act("POST", f"{_INCIDENT}/ack", _M, forms.Say, incidents.ack),
        "incidents.contain": Act("POST", f"{_INCIDENT}/contain", _M, forms.Say, incidents.contain),
        "incidents.resolve": Act("POST", f"{_INCIDENT}/resolve", _M, forms.Say, incidents.resolve),
        "incidents.reject": Act("POST", f"{_INCIDENT}/reject", _M, forms.Say, incidents.reject),
        "incidents.note": Act("POST", f"{_INCIDENT}/notes", _M, forms.Note, incidents.note),
        "incidents.choice": Act("GET", f"{_INCIDENT}/choice", _R, forms.OneIncident, team.choice),
        "report": Act("GET", f"{_INCIDENT}/reports/{{kind}}", _R, forms.Report, team.report),
        "runs.list": Act("GET", "/v1/runs", _R, forms.Runs, incidents.list_runs),
        "runs.show": Act("GET", _RUN, _R, forms.ShowRun, incidents.show_run),
        "runs.claim": Act("POST", f"{_STEP}/claim", _M, forms.Step, incidents.claim),
        "runs.release": Act("POST", f"{_STEP}/release", _M, forms.Step, incidents.release),
        "runs.done": Act("POST", f"{_STEP}/done", _M, forms.Step, incidents.done),
        "runs.skip": Act("POST", f"{_STEP}/skip", _M, forms.Skip, incidents.skip),
        "runs.freeze": Act("POST", f"{_RUN}/freeze", _M, forms.OneIncident, incidents.freeze),
        "runs.unfreeze": Act("POST", f"{_RUN}/unfreeze", _M, forms.OneIncident, incidents.unfreeze),
        "runs.ask_legal": Act("POST", f"{_RUN}/ask-legal", _M, forms.OneIncident, incidents.ask_legal),
        "runs.legal_answered": Act("POST", f"{_RUN}/legal-answered", _M, forms.OneIncident, incidents.legal_answered),
        "runs.release_holding": Act(
            "POST", f"{_RUN}/release-holding", _A, forms.OneIncident, incidents.release_holding, needs_person=True
        ),
        "facts.list": Act("GET", f"{_INCIDENT}/facts", _R, forms.OneIncident, incidents.list_facts),
        "facts.propose": Act("POST", f"{_INCIDENT}/facts", _M, forms.Propose, incidents.propose),
        "facts.approve": Act(
            "POST", f"{_INCIDENT}/facts/{{name}}/approve", _A, forms.ApproveFact, incidents.approve_fact,
            needs_person=True,
        ),
        "drafts.list": Act("GET", f"{_INCIDENT}/drafts", _R, forms.Drafts, drafts.list_drafts),
        "drafts.show": Act("GET", _DRAFT, _R, forms.OneDraft, drafts.show_draft),
        "drafts.edit": Act("POST", f"{_DRAFT}/edit", _M, forms.EditDraft, drafts.edit),
        "drafts.reword": Act("POST", f"{_DRAFT}/reword", _M, forms.OneDraft, drafts.reword),
        "drafts.approve": Act(
            "POST", f"{_DRAFT}/approve", _A, forms.ApproveDraft, drafts.approve, needs_person=True
        ),
        "drafts.reject": Act("POST", f"{_DRAFT}/reject", _M, forms.RejectDraft, drafts.reject),
        "drafts.published": Act("POST", f"{_DRAFT}/published", _M, forms.PublishedDraft, drafts.published),
        "oncall.now": Act("GET", "/v1/oncall", _R, forms.OnCallAt, team.oncall_now),
        "oncall.next": Act("GET", "/v1/oncall/turns", _R, forms.Turns, team.oncall_turns),
        "oncall.test": Act("POST", "/v1/oncall/test", _M, forms.Test, team.oncall_test),
        "oncall.overrides": Act("GET", "/v1/oncall/overrides", _R, forms.Nothing, team.overrides),
        "oncall.override": Act("POST", "/v1/oncall/overrides", _M, forms.Override, team.override),
        "oncall.drop": Act("DELETE", "/v1/oncall/overrides/{number}", _M, forms.Numbered, team.drop_override),
        "oncall.mutes": Act("GET", "/v1/mutes", _R, forms.Nothing, team.mutes),
        "oncall.hold": Act("POST", "/v1/mutes", _M, forms.Hold, team.hold),
        "oncall.release": Act("DELETE", "/v1/mutes/{number}", _M, forms.Numbered, team.unhold),
        "playbooks.list": Act("GET", "/v1/playbooks", _R, forms.Nothing, team.list_playbooks),
        "playbooks.show": Act("GET", "/v1/playbooks/{playbook_id}", _R, forms.OnePlaybook, team.show_playbook),
        "drills.list": Act("GET", "/v1/drills", _R, forms.Nothing, team.list_drills),
        "corrections.list": Act("GET", "/v1/corrections", _R, forms.Nothing, team.list_corrections),
        "corrections.add": Act("POST", "/v1/corrections", _M, forms.Correct, team.correct),
        "audit.list": Act("GET", "/v1/audit", _R, forms.AuditList, drafts.list_audit),
        "audit.verify": Act("GET", "/v1/audit/verify", _R, forms.AuditVerify, drafts.verify),
        "tokens.list": Act("GET", "/v1/tokens", _X, forms.Nothing, team.list_tokens),
        "tokens.create": Act("POST", "/v1/tokens", _X, forms.MakeToken, team.create_token),
        "tokens.revoke": Act("DELETE", "/v1/tokens/{number}", _X, forms.Numbered, team.revoke_token),
    }
)  # fmt: skip
"""Name -> act. The API, its OpenAPI document and the far desk are made of it."""
