"""The far desk is the near one: the same replies, the same refusals; and the command line at a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.domain.errors import ConfigError, InputError, TransientError
from engine.domain.incident import Incident
from ops.desk.acts import ACTS
from ops.desk.client import Remote, token_of
from ops.desk.office import ChangedError, NotAllowedError, NotFoundError
from tests.infra.cli import vigie
from tests.infra.desk import Counter, counter

Served = tuple[Counter, Incident]
OWN_CLOCK = ("me", "oncall.now", "oncall.next")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with counter() as found:
        yield found


def told(name: str, incident: Incident, draft: str) -> dict[str, object]:
    known = {"incident_id": incident.id, "draft_id": draft, "playbook_id": "outage", "kind": "retex"}
    return {
        field: known[field] for field in ACTS[name].form.model_fields if field in known and field in ACTS[name].path
    }


@pytest.mark.parametrize("name", [name for name, act in ACTS.items() if act.reads and name not in OWN_CLOCK])
def test_both_desks_show_the_same(served: Served, name: str) -> None:
    call, incident = served
    near, far = call.desk("Ada"), Remote(call.url, call.tokens["Ada"])
    draft = near.do("drafts.list", incident_id=incident.id).data[0]["id"]
    asked = told(name, incident, draft)
    here, there = near.do(name, **asked), far.do(name, **asked)
    if name == "report":
        assert there.raw == here.raw
    else:
        if name != "tokens.list":  # its last use has just changed
            assert there.data == here.data
            assert there.text() == here.text()
        assert there.version == here.version


def test_both_desks_refuse_the_same(served: Served) -> None:
    call, incident = served
    for desk in (call.desk("Camille"), Remote(call.url, call.tokens["Camille"])):
        with pytest.raises(NotFoundError, match="did you mean"):
            _ = desk.do("incidents.show", incident_id=incident.id[:-1] + "?").data
        with pytest.raises(NotAllowedError, match="takes the role approver"):
            desk.do("facts.approve", incident_id=incident.id, name="since")
        with pytest.raises(InputError, match="not known here"):
            desk.do("incidents.note", incident_id=incident.id, text="a", by="Nour")
    drafts = call.desk("Nour").do("drafts.list", incident_id=incident.id).data
    for desk in (call.desk("Nour"), Remote(call.url, call.tokens["Nour"])):
        with pytest.raises(ChangedError, match="read it again"):
            desk.do("drafts.edit", draft_id=drafts[0]["id"], text="Bonjour.", version="0" * 32 + "-draft-0")


def test_what_is_no_server_and_no_token_is_told() -> None:
    for bad in ("vigie.example", "ftp://vigie.example", "http://vigie.example"):
        with pytest.raises(InputError, match="--server"):
            Remote(bad, "vigie_x")
    with pytest.raises(TransientError, match="is the service up"):
        _ = Remote("http://127.0.0.1:9", "vigie_x").do("me").data
    with pytest.raises(ConfigError, match="VIGIE_TOKEN"):
        token_of({})


def test_the_command_line_at_a_server(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    call, incident = served
    monkeypatch.setenv("VIGIE_SERVER", call.url)
    monkeypatch.setenv("VIGIE_TOKEN", call.tokens["Léa"])

    def run(*words: str) -> str:
        ended = vigie(capsys, monkeypatch, *words)
        assert ended.code == 0, ended.err
        return ended.out

    assert incident.id in run("incidents", "list")
    assert "Vélorine" in run("incidents", "show", incident.id)
    assert "MAINTENANT" in run("runs", "show", incident.id)
    assert "9 h 05" in run("facts", "propose", incident.id, "since", "9 h 05", "--approve")
    assert "since = 9 h 05  (Léa)" in run("facts", "list", incident.id)
    drafts = call.desk("Léa").do("drafts.list", incident_id=incident.id).data
    draft = next(d for d in drafts if d["kind"] == "holding" and d["network"] == "x")
    assert "encore 1 approbation" in run("drafts", "approve", draft["id"])
    assert "none changed" in run("audit", "verify")
    assert "Léa draft.approved" in run("audit", "list")
    assert "community_manager:" in run("oncall", "next")
    assert run("report", "situation", incident.id).startswith("# Point de situation")
    named = vigie(capsys, monkeypatch, "facts", "propose", incident.id, "since", "1", "--by", "Nour")
    assert (named.code, "the token says who you are" in named.err) == (2, True)
    refused = vigie(capsys, monkeypatch, "tokens", "list")
    assert (refused.code, "takes the role admin" in refused.err) == (2, True)
