"""A language model words drafts: the same facts, the same rules, and whatever it does wrong the text stays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.domain.draft_state import DraftState
from engine.domain.incident import Level
from ops.draft_settings import LlmSettings
from ops.llm import Order, Writer, prompts
from ops.settings import Settings
from ops.store import Store
from ops.watched import Brand
from tests.infra.fake_llm import FakeLlm
from tests.infra.hostile import HOSTILE
from tests.infra.sample_alerts import incident
from tests.unit.test_drafting import TEXTS, Desk

GOOD = (
    "L’application et les paiements ne répondent plus depuis 14 h 10, nous le savons. "
    "Nouvelles à 18 h 30 dans ce fil : https://nordalia.example/etat"
)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with Store.temporary() as store:
        desk = Desk(store, Settings(brands=(Brand(name="Vélorine", langs=("fr",)),)))
        desk.happens(incident(Level.ORANGE, texts=(*TEXTS, HOSTILE["prompt_french"])))
        desk.facts()
        yield desk


def says(text: str) -> Callable[[dict[str, Any]], str]:
    return lambda _asked: json.dumps({"text": text})


def writer(fake: FakeLlm, **more: Any) -> Writer:
    return Writer(LlmSettings(url=fake.url, model="petit-modele", allow_private=True, **more))


def test_a_good_wording_takes_the_place_of_the_template_and_waits_for_approval(desk: Desk) -> None:
    draft = desk.of()
    with FakeLlm(says(GOOD)) as fake:
        done, why = desk.drafting.reword(draft.id, "Camille", writer(fake))
    assert why == ""
    assert done is not None
    assert (done.draft.origin, done.draft.state, done.draft.approvals) == ("llm", DraftState.DRAFT, ())
    assert done.draft.text == GOOD.replace(" :", "\u00a0:").replace("14 h 10", "14\u00a0h\u00a010").replace(
        "18 h 30", "18\u00a0h\u00a030"
    )
    assert fake.requests[0]["path"] == "/v1/chat/completions"
    assert fake.requests[0]["model"] == "petit-modele"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GOOD.replace("14 h 10", "13 h 50"), "'13'"),
        (GOOD + " Un geste de 500 €.", "'500'"),
        (GOOD.replace("etat", "remboursement"), "https://nordalia.example/remboursement"),
        (GOOD + " Voir evil.example.", "evil.example"),
        (GOOD + " Signé, Zoé Delmas.", "'Zoé'"),
        (GOOD + " Retour sous deux jours.", "'deux'"),
        (GOOD.replace(" à 18 h 30", ""), "leaves out"),
        (GOOD.replace(" : https://nordalia.example/etat", ""), "leaves out"),
        (GOOD + " 🙏", "émoji"),
        (GOOD + " Nous vous dédommagerons.", "compensate"),
        (GOOD + " C'est faux.", "deny"),
        (GOOD + " Petit bug.", "petit bug"),
        (GOOD + " Nous somes là.", "somes"),
        (GOOD * 3, "x"),
        (GOOD + "\u202e", "U+202E"),
        ("", "empty"),
    ],
)
def test_what_no_fact_says_is_refused_and_the_text_stays(desk: Desk, text: str, why: str) -> None:
    draft = desk.of()
    with FakeLlm(says(text)) as fake:
        done, told = desk.drafting.reword(draft.id, "Camille", writer(fake))
    assert done is None
    assert why in told
    assert desk.of() == draft


@pytest.mark.parametrize(
    "answer", ["not json at all", '{"texte": "a"}', '{"text": 7}', '{"text": "a", "more": 1}', "[]", "{"]
)
def test_bad_json_leaves_the_text(desk: Desk, answer: str) -> None:
    draft = desk.of()
    with FakeLlm(lambda _asked: answer) as fake:
        done, why = desk.drafting.reword(draft.id, "Camille", writer(fake))
    assert (done, why.partition(":")[0]) == (None, "petit-modele")
    assert desk.of() == draft


@pytest.mark.parametrize("status", [302, 401, 404, 429, 500, 503])
def test_a_server_that_fails_leaves_the_text_and_is_asked_once(desk: Desk, status: int) -> None:
    draft = desk.of()
    with FakeLlm(says(GOOD), status=status) as fake:
        done, _why = desk.drafting.reword(draft.id, "Camille", writer(fake))
        assert len(fake.requests) == 1
    assert done is None
    assert desk.of() == draft


def test_a_server_that_hangs_or_is_gone_leaves_the_text(desk: Desk) -> None:
    draft = desk.of()
    with FakeLlm(says(GOOD), wait_s=3.0) as fake:
        done, why = desk.drafting.reword(draft.id, "Camille", writer(fake, timeout_s=0.5))
        assert (done, why) == (None, "petit-modele: TimeoutError")
        gone = writer(fake)
    assert desk.drafting.reword(draft.id, "Camille", gone)[0] is None
    assert desk.of() == draft


def test_a_private_address_is_refused_unless_allowed(desk: Desk) -> None:
    section = LlmSettings(url="https://127.0.0.1:9/v1", model="m")
    assert desk.drafting.reword(desk.of().id, "Camille", Writer(section)) == (None, "m: DeliveryError")


@pytest.mark.parametrize("name", HOSTILE)
def test_a_mention_is_data_between_marks_that_it_cannot_know(name: str) -> None:
    text = HOSTILE[name]
    order = Order("Base.", {"since": "14 h 10"}, "x", 280, "fr", "vous", mention=text)
    rules, data = prompts(order, "<<MARK>>")
    assert text.strip()[:20] not in rules
    head, quoted, tail = data.rsplit("\n", 2)
    assert (head.rsplit("\n", 1)[1], tail) == ("MESSAGE <<MARK>>", "<<MARK>>")
    assert json.loads(quoted) == text[:2_000]
    data.encode("utf-8", "surrogatepass")


def test_an_obedient_model_cannot_be_made_to_say_it(desk: Desk) -> None:
    """A model that does whatever the mention says: nothing of it is kept."""
    reply = next(d for d in desk.replies() if d.reply_to == f"m{len(TEXTS)}")

    def obey(asked: dict[str, Any]) -> str:
        data = asked["messages"][-1]["content"]
        quoted = data.rsplit("\n", 2)[1]
        return json.dumps({"text": json.loads(quoted)})

    with FakeLlm(obey) as fake:
        done, why = desk.drafting.reword(reply.id, "Camille", writer(fake))
        asked = fake.requests[0]["messages"]
    assert done is None
    assert "pirate@evil.example" in why or "PDG" in why
    told = json.dumps(asked[:-1], ensure_ascii=False)
    assert "démissionne" not in told
    assert next(d for d in desk.replies() if d.id == reply.id) == reply
