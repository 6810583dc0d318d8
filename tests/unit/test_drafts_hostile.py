"""Hostile texts through drafts, their lists, the audit log and the service's log: data everywhere, effect nowhere."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from engine.domain.draft_state import DraftState
from engine.domain.errors import InputError
from engine.domain.incident import Level
from ops.render.drafts import audit_line, draft_text, drafts_text, drafts_view
from ops.settings import Settings
from ops.store import Store
from ops.store.codec import dumps
from ops.watched import Brand
from playbooks.networks import network
from playbooks.typography import typeset
from tests.infra.hostile import EVIL, HOSTILE
from tests.infra.sample_alerts import incident
from tests.unit.test_drafting import Desk

MOVING = {chr(c) for c in (*range(32), *range(127, 160), 0x202E, 0x2066, 0x2028, 0x2029, 0xFEFF)} - {"\n"}
"""What would move a cursor or turn the direction of reading."""


def desk_with(store: Store, *texts: str, brand: str = "Vélorine") -> Desk:
    desk = Desk(store, Settings(brands=(Brand(name=brand, langs=("fr", "en")),)))
    desk.happens(incident(Level.JAUNE, texts=texts, brand=brand))
    desk.facts()
    return desk


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.temporary() as store:
        yield store


def shown(desk: Desk) -> str:
    """Everything that a person at a terminal sees of the drafts and the log."""
    kept = desk.store.drafts.of(desk.found.id)
    lines = [drafts_text(kept, desk.found, "fr"), *(draft_text(draft, desk.found, "en") for draft in kept)]
    return "\n".join([*lines, *(audit_line(entry, "Europe/Paris") for entry in desk.store.audit.entries())])


def test_nothing_of_a_hostile_mention_is_in_any_draft(store: Store) -> None:
    desk = desk_with(store, *HOSTILE.values())
    replies = desk.replies()
    assert len(replies) == len(HOSTILE)
    for draft in store.drafts.of(desk.found.id):
        assert not [evil for evil in EVIL if evil in draft.text]
        assert draft.strategy == "silence" or draft.findings == ()
    assert not MOVING & set(shown(desk))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_fact_is_data_and_what_nobody_sees_is_told(store: Store, name: str) -> None:
    text = HOSTILE[name][:1_000]
    desk = desk_with(store, "Rien ne marche ici")
    desk.approve_fact("service", text)
    drafts = [desk.of(), desk.of("holding", "facebook")]
    told = {"hidden", "length", "personal_data"}
    kept = typeset(text.encode("utf-8", "replace").decode("utf-8").replace("\0", "").strip(), "fr")
    for draft in drafts:
        stated = "service" in draft.missing or bool(told & {finding.rule for finding in draft.findings})
        assert stated or kept in draft.text
    assert not MOVING & set(shown(desk))
    json.loads(dumps(drafts_view(store.drafts.of(desk.found.id))))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_edit_is_linted_and_its_log_stays_whole(store: Store, name: str) -> None:
    desk = desk_with(store, "Rien ne marche ici")
    draft = desk.of()
    edited = desk.drafting.edit(draft.id, HOSTILE[name], HOSTILE[name]).draft
    assert edited.state is DraftState.DRAFT
    if network("x").count(edited.text) > 280 or edited.findings:
        with pytest.raises(InputError, match="blocked"):
            desk.drafting.approve(draft.id, "Camille")
    desk.drafting.reject(draft.id, HOSTILE[name][:100], HOSTILE[name])
    assert store.audit.verify() == []
    assert [entry.kind for entry in store.audit.entries()] == ["draft.edited", "draft.rejected"]
    assert len(shown(desk).splitlines()) < 400
    assert not MOVING & set(shown(desk))


@pytest.mark.parametrize("name", ["prompt_json", "csv_formula", "html", "slack", "markdown", "jinja", "bidi", "emoji"])
def test_a_hostile_brand_keeps_its_name_and_breaks_nothing(store: Store, name: str) -> None:
    brand = HOSTILE[name][:90].strip()
    desk = desk_with(store, "Rien ne marche ici", brand=brand)
    draft = desk.of("holding", "facebook", "en")
    assert brand in draft.text
    assert draft.findings == ()
    assert not MOVING & set(shown(desk))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_log_record_is_one_line(name: str) -> None:
    from ops.logs import configure

    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    try:
        configure()
        handler = root.handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(stream)
        logging.getLogger("vigie").warning("drafts: %s", HOSTILE[name])
    finally:
        root.handlers[:], _ = before[0], root.setLevel(before[1])
    said = stream.getvalue()
    assert said.count("\n") == 1
    assert json.loads(said)["level"] == "warning"
    assert not MOVING & set(said.rstrip("\n"))
