"""The API over real HTTP: who may do what, retries, two people at once, hostile texts."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx2
import pytest

from engine.domain.incident import Incident
from ops.desk.acts import ACTS
from ops.desk.forms import Form
from ops.store.tokens import Role
from tests.infra.desk import PEOPLE, Counter, counter
from tests.infra.hostile import HOSTILE

Served = tuple[Counter, Incident]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    with counter() as found:
        yield found


def problem(answer: httpx2.Response, status: int) -> str:
    """The sentence of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    told = answer.json()
    assert told["status"] == status
    assert "\n" not in told["detail"]
    assert "Traceback" not in answer.text
    return str(told["detail"])


def place(act: str, incident: Incident, draft: str = "d-none") -> str:
    return ACTS[act].path.format(
        incident_id=incident.id, step="qualify", name="since", draft_id=draft, number=99, playbook_id="outage",
        kind="retex",
    )  # fmt: skip


@pytest.mark.parametrize("act", list(ACTS))
def test_nobody_gets_in_without_a_token_and_no_role_beyond_its_own(served: Served, act: str) -> None:
    call, incident = served
    rule = ACTS[act]
    assert "bearer token is needed" in problem(call(None, rule.method, place(act, incident)), 401)
    below = [who for who, role in PEOPLE.items() if Role[role.upper()] < rule.role]
    for who in below:
        detail = problem(call(who, rule.method, place(act, incident), {} if not rule.reads else None), 403)
        assert rule.role.label in detail
    if rule.needs_person:
        body = {"version": "x" * 32} if "version" in rule.form.model_fields else None
        assert "a person must do this" in problem(call("robot", rule.method, place(act, incident), body), 403)


@pytest.mark.parametrize("act", [name for name, act in ACTS.items() if act.reads])
def test_whatever_is_asked_is_json_and_nothing_else(served: Served, act: str) -> None:
    call, incident = served
    drafts = call("Rémi", "GET", place("drafts.list", incident)).json()
    who = "Ada" if ACTS[act].role is Role.ADMIN else "Rémi"
    answer = call(who, "GET", place(act, incident, drafts[0]["id"]))
    assert answer.status_code == 200, answer.text
    kind = "text/markdown; charset=utf-8" if act == "report" else "application/json"
    assert answer.headers["content-type"] == kind
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    shown = call(who, "GET", place(act, incident, drafts[0]["id"]), accept="text/plain")
    assert shown.status_code == 200
    assert "\x1b" not in shown.text


def test_a_token_with_one_flipped_byte_opens_nothing(served: Served) -> None:
    call, _ = served
    words = call.tokens["Ada"]
    for i in range(len(words)):
        other = "A" if words[i] != "A" else "B"
        bent = words[:i] + other + words[i + 1 :]
        answer = httpx2.get(f"{call.url}/v1/me", headers={"authorization": f"Bearer {bent}"}, timeout=30)
        assert answer.status_code == 401
    odd = (words[:-1], words + "A", words.upper(), "vigie_", "x" * 5_000, base64.b64encode(words.encode()).decode())
    for bent in odd:
        problem(httpx2.get(f"{call.url}/v1/me", headers={"authorization": f"Bearer {bent}"}, timeout=30), 401)
    for header in (words, f"Basic {words}", f"Token {words}", "Bearer", f"Bearer é{words}"):
        sent = [(b"authorization", header.encode("utf-8"))]
        problem(httpx2.get(f"{call.url}/v1/me", headers=sent, timeout=30), 401)


def test_a_revoked_or_expired_token_opens_nothing(served: Served) -> None:
    call, _ = served
    made = call("Ada", "POST", "/v1/tokens", {"name": "visiteur", "role": "reader", "days": 1})
    assert made.status_code == 201
    told = made.json()
    call.tokens["visiteur"] = told["token"]
    assert call("visiteur", "GET", "/v1/me").json()["role"] == "reader"
    listed = {t["number"]: t for t in call("Ada", "GET", "/v1/tokens").json()}
    assert listed[told["number"]]["used"] is not None
    assert told["token"] not in call("Ada", "GET", "/v1/tokens").text
    assert call("Ada", "DELETE", f"/v1/tokens/{told['number']}").status_code == 200
    assert "revoked" in problem(call("visiteur", "GET", "/v1/me"), 401)
    stored = {str(row) for row in call.store.tokens.all()}
    assert not any(told["token"] in row for row in stored)


def test_four_eyes_are_two_people_whatever_their_tokens(served: Served) -> None:
    call, incident = served
    call.tokens["Nour again"] = call.store.tokens.create("second", Role.ADMIN, person=" nour")[1]
    draft = next(
        d for d in call("Nour", "GET", place("drafts.list", incident)).json()
        if d["kind"] == "holding" and d["network"] == "facebook" and d["reply_to"] is None
    )  # fmt: skip
    path = f"/v1/drafts/{draft['id']}/approve"
    assert "say which text you have read" in problem(call("Nour", "POST", path), 428)
    assert "another than the one" in problem(call("Nour", "POST", path, {"version": "0" * 64}), 409)
    first = call("Nour", "POST", path, if_match=f'"{draft["version"]}"')
    assert first.status_code == 200
    assert "approved it already" in problem(call("Nour again", "POST", path, {"version": draft["version"]}), 422)
    last = call("Léa", "POST", path, {"version": draft["version"]}).json()
    assert last["draft"]["state"] == "approved"
    assert [one["who"] for one in last["draft"]["approvals"]] == ["Nour", "Léa"]
    assert call("Rémi", "GET", "/v1/audit/verify").json()["faults"] == []


def test_two_people_do_not_overwrite_each_other(served: Served) -> None:
    call, incident = served
    drafts = call("Camille", "GET", place("drafts.list", incident)).json()
    draft = next(d for d in drafts if d["kind"] == "holding" and d["network"] == "x" and d["reply_to"] is None)
    path, version = f"/v1/drafts/{draft['id']}/edit", draft["version"]
    words = ["Bonjour, nous cherchons la cause. Camille", "Bonjour, nous réparons. Nour"]
    with ThreadPoolExecutor(2) as pool:
        sent = [
            pool.submit(call, who, "POST", path, {"text": text, "version": version})
            for who, text in zip(("Camille", "Nour"), words, strict=True)
        ]
        answers = sorted((one.result() for one in sent), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [200, 409]
    winner = answers[0].json()["draft"]
    assert f"changed by {winner['edited_by']} at 20" in answers[1].json()["detail"]


def test_a_step_that_another_has_taken_is_not_taken_over_by_mistake(served: Served) -> None:
    call, incident = served
    path = f"/v1/incidents/{incident.id}/run/steps/acknowledge"
    assert call("Camille", "POST", f"{path}/done").status_code == 200
    steps = call("Camille", "GET", place("runs.show", incident)).json()["run"]["steps"]
    step = next(s["id"] for s in steps if s["state"] == "due")
    path = f"/v1/incidents/{incident.id}/run/steps/{step}"
    taken = call("Camille", "POST", f"{path}/claim")
    assert taken.status_code == 200, taken.text
    refused = call("Nour", "POST", f"{path}/done", {"text": "fait"})
    assert "Camille has taken it, at 20" in problem(refused, 409)
    assert call("Nour", "POST", f"{path}/claim", {"version": taken.json()["version"]}).status_code == 200
    assert "claimed by Nour" in problem(
        call("Camille", "POST", f"{path}/done", {"version": taken.json()["version"]}), 409
    )
    assert call("Nour", "POST", f"{path}/done", {"text": "fait"}).status_code == 200
    assert "there are" in problem(call("Nour", "POST", path.replace(step, "none") + "/done"), 404)


def test_a_retry_does_nothing_twice(served: Served) -> None:
    call, _ = served
    path, body = "/v1/mutes", {"minutes": 5, "reason": "essai"}
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(call, "Camille", "POST", path, body, idempotency_key="k1") for _ in range(4)]
        answers = [one.result() for one in sent]
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = call("Camille", "POST", path, body, idempotency_key="k1")
    assert again.status_code == 201
    assert again.headers["idempotent-replayed"] == "true"
    assert len(call("Rémi", "GET", "/v1/mutes").json()) == 1
    assert "another request" in problem(call("Camille", "POST", path, {"minutes": 6}, idempotency_key="k1"), 422)
    assert call("Nour", "POST", path, body, idempotency_key="k1").status_code == 201  # another's key is another
    made = call("Ada", "POST", "/v1/tokens", {"name": "n", "role": "reader"}, idempotency_key="t")
    again = call("Ada", "POST", "/v1/tokens", {"name": "n", "role": "reader"}, idempotency_key="t")
    assert "shown once" in problem(again, 409)
    assert made.json()["token"] not in again.text


def test_facts_are_approved_as_they_were_read(served: Served) -> None:
    call, incident = served
    path = f"/v1/incidents/{incident.id}/facts"
    assert call("Camille", "POST", path, {"name": "since", "value": "9 h 05"}).status_code == 200
    assert "Camille proposed '9 h 05'" in problem(call("Nour", "POST", f"{path}/since/approve", {"value": "9 h"}), 409)
    assert call("Nour", "POST", f"{path}/since/approve", {"value": "9 h 05"}).status_code == 200
    assert "no fact of this playbook" in problem(call("Camille", "POST", path, {"name": "sinc", "value": "1"}), 422)


def test_bad_bodies_are_refused_in_one_sentence(served: Served) -> None:
    call, incident = served
    path, auth = f"{call.url}/v1/incidents/{incident.id}/notes", {"authorization": f"Bearer {call.tokens['Camille']}"}

    def post(body: bytes, kind: str = "application/json") -> httpx2.Response:
        return httpx2.post(path, content=body, headers={**auth, "content-type": kind}, timeout=30)

    assert "not JSON" in problem(post(b"{"), 422)
    assert "object" in problem(post(b"[]"), 422)
    assert "not known here" in problem(post(b'{"text":"a","by":"Nour"}'), 422)
    assert "is missing" in problem(post(b"{}"), 422)
    assert "over 262,144 bytes" in problem(post(b" " * 300_000), 413)
    problem(post(b"text=a", "application/x-www-form-urlencoded"), 415)
    problem(post(b'{"text": "' + b"[" * 9 + b'"'), 422)
    problem(post(b"[" * 100_000), 422)
    assert "no such path" in problem(call("Camille", "GET", "/v1/nothing"), 404)
    problem(call("Camille", "PATCH", "/v1/runs"), 405)
    assert "did you mean" in problem(call("Camille", "GET", "/v1/incidents/inc-2025-none"), 404)


def test_incidents_come_a_page_at_a_time(served: Served) -> None:
    call, incident = served
    page = call("Rémi", "GET", "/v1/incidents?limit=1").json()
    assert ([one["id"] for one in page["items"]], page["next"]) == ([incident.id], None)
    assert call("Rémi", "GET", f"/v1/incidents?after={incident.id}").json()["items"] == []
    problem(call("Rémi", "GET", "/v1/incidents?limit=0"), 422)
    problem(call("Rémi", "GET", "/v1/incidents?limit=1&limit=2"), 422)


def test_hostile_texts_pass_as_data() -> None:
    with counter(texts=tuple(HOSTILE.values()), exercise=True) as (call, incident):
        for act, rule in ACTS.items():
            if not rule.reads or rule.role is Role.ADMIN or "draft_id" in rule.path:
                continue
            answer = call("Rémi", "GET", place(act, incident))
            assert answer.status_code == 200, answer.text[:200]
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "text/html" not in answer.headers["content-type"]
            shown = call("Rémi", "GET", place(act, incident), accept="text/plain").text
            assert not {"\x1b", "\u202e", "\x00"} & set(shown)
        told = call("Rémi", "GET", f"/v1/incidents/{incident.id}").json()
        assert told["exercise"] is True
        page = call("Rémi", "GET", f"/v1/incidents/{incident.id}/reports/situation?form=html")
        assert "<script" not in page.text
        assert "EXERCI" in page.text
        assert "sandbox" in page.headers["content-security-policy"]
        for text in HOSTILE.values():
            said = text.encode("utf-8", "replace").decode()[:1_900]
            answer = call(
                "Camille", "POST", f"/v1/incidents/{incident.id}/facts", {"name": "since", "value": said[:900]}
            )
            assert answer.status_code in (200, 422)


def test_every_form_is_closed() -> None:
    assert all(issubclass(act.form, Form) and act.form.model_config["extra"] == "forbid" for act in ACTS.values())
