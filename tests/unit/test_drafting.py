"""Drafts kept, remade, approved by as many as the level asks; the log of it, and what breaks it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import pytest
from sqlalchemy import delete, update

from engine.domain.draft_state import DraftState, StoredDraft
from engine.domain.effects import IncidentSaved, PlanMade
from engine.domain.errors import InputError
from engine.domain.incident import Incident, Level, LevelChange, Phase
from engine.domain.playbook import BrandVoice, PlanRequest
from engine.domain.run import Fact
from ops.drafting import Drafting
from ops.settings import Settings
from ops.store import Store, tables
from ops.store.audit import Head
from ops.watched import Brand
from playbooks.catalogue import load_catalogue
from playbooks.filelint import example_facts
from playbooks.likeness import similar
from playbooks.planner import CataloguePlanner
from tests.infra.sample_alerts import T0, incident

CATALOGUE = load_catalogue()
TEXTS = (
    "Le site est en panne depuis ce matin, c'est une honte !!",
    "Quand est-ce que ça remarche ?",
    "Ma fille est coincée à la gare, urgent, appelez-moi au 06 12 34 56 78, Sacha Martel",
    "Courage à toute l'équipe, ça va aller",
    "mdr encore eux",
    "Commande FR-88121 toujours pas payable, plus rien ne marche",
)


class Desk:
    """A store with one incident, its plan, and what people do at it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store = store
        self.drafting = Drafting(store, settings, CATALOGUE, lambda: self.now_ms)
        self.now_ms = T0 + 1_000
        self.playbook = CATALOGUE["outage"]

    def happens(self, found: Incident) -> None:
        request = PlanRequest(
            found.id, BrandVoice(found.brand), found.level, (("outage", 60),), 80,
            tuple(name for name, _ in found.evidence.networks),
        )  # fmt: skip
        plan = CataloguePlanner(CATALOGUE).plan(request)
        self.store.apply([IncidentSaved(found), PlanMade(found.id, self.now_ms, plan)])
        self.found = found

    def facts(self, **changed: str) -> None:
        for name, value in {**example_facts(self.playbook, "fr"), **changed}.items():
            if name != "brand":
                self.approve_fact(name, value)

    def approve_fact(self, name: str, value: str) -> None:
        runs = self.store.runs
        self.now_ms += 1
        with runs.transaction() as connection:
            seq = runs.propose(connection, self.found.id, Fact(name, value, "Camille", self.now_ms))
            runs.approve(connection, seq, "Sacha", self.now_ms)

    def of(self, kind: str = "holding", network: str = "x", lang: str = "fr") -> StoredDraft:
        self.drafting.refresh(self.found.id)
        found = [
            d for d in self.store.drafts.of(self.found.id)
            if (d.kind, d.network, d.lang, d.reply_to) == (kind, network, lang, None)
            and d.state not in (DraftState.PUBLISHED, DraftState.SUPERSEDED)
        ]  # fmt: skip
        assert len(found) == 1
        return found[0]

    def replies(self) -> list[StoredDraft]:
        self.drafting.refresh(self.found.id)
        return [d for d in self.store.drafts.of(self.found.id) if d.reply_to is not None]


@pytest.fixture
def desk() -> Iterator[Desk]:
    settings = Settings(brands=(Brand(name="Vélorine", langs=("fr", "en")),))
    with Store.temporary() as store:
        desk = Desk(store, settings)
        desk.happens(incident(Level.ORANGE, texts=TEXTS))
        yield desk


def test_without_facts_every_draft_is_blocked_and_names_them(desk: Desk) -> None:
    counts = desk.drafting.refresh(desk.found.id)
    assert counts["new"] == 2 * 2 * 3 + len(TEXTS)
    assert desk.of().missing == ("service", "since", "next_update", "link")
    with pytest.raises(InputError, match="service, since, next_update, link missing"):
        desk.drafting.approve(desk.of().id, "Camille")
    assert +desk.drafting.refresh(desk.found.id) == {"same": 2 * 2 * 3 + len(TEXTS)}


def test_facts_approved_once_fill_every_draft(desk: Desk) -> None:
    desk.facts()
    desk.drafting.refresh(desk.found.id)
    drafts = desk.store.drafts.of(desk.found.id)
    assert [d.text for d in drafts if d.blocked] == []
    assert all("Nordalia" in d.text or "nordalia.example" in d.text for d in drafts if d.strategy != "silence")


def test_four_eyes_from_orange_and_one_pair_below(desk: Desk) -> None:
    desk.facts()
    draft = desk.of()
    once = desk.drafting.approve(draft.id, "Camille").draft
    assert (once.state, once.needed) == (DraftState.DRAFT, 2)
    with pytest.raises(InputError, match="approved it already"):
        desk.drafting.approve(draft.id, " CAMILLE ")
    with pytest.raises(InputError, match="not approved: 1 to go"):
        desk.drafting.published(draft.id, "Camille")
    assert desk.drafting.approve(draft.id, "Sacha").draft.state is DraftState.APPROVED
    desk.happens(incident(Level.JAUNE, texts=TEXTS, id_="inc-20251121-000000000001"))
    desk.facts()
    assert desk.drafting.approve(desk.of().id, "Camille").draft.state is DraftState.APPROVED


def test_a_fact_that_changes_takes_the_approval_away(desk: Desk) -> None:
    desk.facts()
    draft = desk.of()
    for who in ("Camille", "Sacha"):
        desk.drafting.approve(draft.id, who)
    desk.approve_fact("contact", "https://nordalia.example/autre")  # stands in no holding line
    assert desk.of().state is DraftState.APPROVED
    desk.approve_fact("since", "13 h 50")
    again = desk.of()
    assert (again.state, again.approvals) == (DraftState.DRAFT, ())
    assert "13\u00a0h\u00a050" in again.text
    kinds = [entry.kind for entry in desk.store.audit.entries(subject=draft.id)]
    assert kinds == ["draft.approved", "draft.approved", "draft.unapproved"]
    with pytest.raises(InputError, match="another than the one that was read"):
        desk.drafting.approve(draft.id, "Camille", draft.text_hash)
    assert desk.store.audit.verify() == []


def test_a_level_that_rises_asks_for_a_second_pair_of_eyes(desk: Desk) -> None:
    desk.happens(incident(Level.JAUNE, texts=TEXTS, id_="inc-20251121-000000000002"))
    desk.facts()
    draft = desk.of(network="facebook", kind="reply")
    desk.drafting.approve(draft.id, "Camille")
    assert desk.of(network="facebook", kind="reply").state is DraftState.APPROVED
    higher = replace(desk.found, levels=(*desk.found.levels, LevelChange(T0 + 1, Level.ORANGE, ())))
    desk.happens(higher)
    again = desk.of(network="facebook", kind="reply")
    assert (again.state, again.needed) == (DraftState.DRAFT, 2)


def test_an_edit_is_linted_and_unapproved_and_outlives_other_facts_with_a_finding(desk: Desk) -> None:
    desk.facts()
    draft = desk.of()
    desk.drafting.approve(draft.id, "Camille")
    edited = desk.drafting.edit(draft.id, "Camille", "Une panne touche l’application. Suite à 18 h 30.").draft
    assert (edited.state, edited.approvals, edited.findings) == (DraftState.DRAFT, (), ())
    assert desk.of().text == edited.text
    bad = desk.drafting.edit(draft.id, "Camille", "Bad buzz ! Nous somes désolés, appelez le 06 12 34 56 78").draft
    assert {f.rule for f in bad.findings} == {"banned", "typography", "personal_data", "spelling"}
    with pytest.raises(InputError, match="blocked"):
        desk.drafting.approve(draft.id, "Sacha")
    desk.drafting.edit(draft.id, "Camille", "Une panne touche l’application depuis 14 h 10.")
    desk.approve_fact("since", "13 h 50")
    stale = desk.of()
    assert stale.text.endswith("14 h 10.")
    assert [f.rule for f in stale.findings] == ["stale_facts"]
    assert (
        desk.drafting.edit(draft.id, "Camille", "Une panne touche l’application depuis 13 h 50.").draft.findings == ()
    )


def test_what_was_published_stays_and_the_next_text_is_another_draft(desk: Desk) -> None:
    desk.facts()
    draft = desk.of()
    for who in ("Camille", "Sacha"):
        desk.drafting.approve(draft.id, who)
    done = desk.drafting.published(draft.id, "Camille", "https://social.example/1").draft
    desk.approve_fact("next_update", "19 h 30")
    following = desk.of()
    assert following.id != draft.id
    assert following.round == 1
    assert "19\u00a0h\u00a030" in following.text
    assert desk.store.drafts.get(draft.id) == done
    with pytest.raises(InputError, match="published"):
        desk.drafting.reject(draft.id, "Camille", "trop tard")


def test_a_rejected_draft_comes_back_with_other_facts_only(desk: Desk) -> None:
    desk.facts()
    draft = desk.of()
    desk.drafting.reject(draft.id, "Camille", "trop froid")
    assert desk.of().state is DraftState.REJECTED
    desk.approve_fact("since", "13 h 50")
    assert desk.of().state is DraftState.DRAFT


def test_replies_speak_to_each_person_and_to_no_troll(desk: Desk) -> None:
    desk.facts()
    replies = {d.reply_to: d for d in desk.replies()}
    ways = {f"m{i}": replies[f"m{i}"].strategy for i in range(len(TEXTS))}
    assert ways == {
        "m0": "anger", "m1": "question", "m2": "urgent", "m3": "thanks", "m4": "silence", "m5": "concern",
    }  # fmt: skip
    silent = replies["m4"]
    assert (silent.text, silent.state) == ("", DraftState.REJECTED)
    assert "ne pas répondre" in silent.reason
    said = [d.text for d in replies.values() if d.text]
    assert not [pair for pair in combinations(said, 2) if similar(*pair, 0.8)]
    assert "https://nordalia.example/aide" in replies["m2"].text
    for word in ("06 12", "Sacha", "Martel", "88121"):
        assert not any(word in text for text in said)


def test_replies_stay_when_the_evidence_moves_on(desk: Desk) -> None:
    desk.facts()
    before = {d.reply_to: d.text for d in desk.replies()}
    more = incident(Level.ORANGE, texts=("Rien ne marche", *TEXTS[1:], "Toujours en panne ?"))
    evidence = replace(
        more.evidence,
        mentions=tuple(
            replace_mention(one, f"a{i}") if i in (0, 6) else one for i, one in enumerate(more.evidence.mentions)
        ),
    )
    desk.happens(replace(more, evidence=evidence))
    after = {d.reply_to: d.text for d in desk.replies()}
    assert {key: after[key] for key in before} == before
    assert len(after) == len(before) + 2


def replace_mention(one: object, id_: str) -> object:
    return one._replace(mention=one.mention._replace(id=id_))  # type: ignore[attr-defined]


def test_a_reply_never_takes_over_what_names_somebody(desk: Desk) -> None:
    desk.facts()
    reply = next(d for d in desk.replies() if d.reply_to == "m2")
    text = "Bonjour Sacha, nous vous rappelons au 06 12 34 56 78. Suite à 18 h 30."
    rules = {f.rule for f in desk.drafting.edit(reply.id, "Camille", text).draft.findings}
    assert {"copied", "personal_data"} <= rules
    kind = "Bonjour, écrivez-nous ici : https://nordalia.example/aide. Suite à 18 h 30."
    assert desk.drafting.edit(reply.id, "Camille", kind.replace(" :", "\u00a0:")).draft.findings == ()


def test_a_false_alarm_drops_what_was_not_published(desk: Desk) -> None:
    desk.facts()
    desk.of()
    desk.happens(replace(desk.found, phase=Phase.FALSE_ALARM, closed_at_ms=T0 + 9))
    desk.drafting.refresh(desk.found.id)
    assert {d.state for d in desk.store.drafts.of(desk.found.id) if d.text} == {DraftState.SUPERSEDED}


def test_only_those_named_in_the_settings_approve() -> None:
    settings = Settings.model_validate({"brands": [{"name": "Vélorine"}], "drafting": {"approvers": ["Sacha"]}})
    with Store.temporary() as store:
        desk = Desk(store, settings)
        desk.happens(incident(Level.JAUNE, texts=TEXTS))
        desk.facts()
        with pytest.raises(InputError, match=r"not among drafting\.approvers"):
            desk.drafting.approve(desk.of().id, "Camille")
        assert desk.drafting.approve(desk.of().id, "sacha").draft.state is DraftState.APPROVED


def test_the_brand_speaks_in_its_own_words() -> None:
    brand = Brand(
        name="Vélorine", langs=("fr",), form="tu", signature="Camille, pour Vélorine", preferred={"panne": "coupure"}
    )
    with Store.temporary() as store:
        desk = Desk(store, Settings(brands=(brand,)))
        desk.happens(incident(Level.JAUNE, texts=TEXTS))
        desk.facts()
        facebook = desk.of(network="facebook", kind="reply")
        assert "la coupure qui touche" in facebook.text
        assert "panne" not in facebook.text
        assert facebook.text.endswith("Camille, pour Vélorine")
        assert (facebook.form, facebook.findings) == ("tu", ())
        again = desk.drafting.edit(facebook.id, "Camille", "La panne est finie.").draft
        assert [f.rule for f in again.findings] == ["preferred"]


# --- the log ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def logged(desk: Desk) -> Desk:
    desk.facts()
    for network in ("x", "facebook"):
        for who in ("Camille", "Sacha"):
            desk.now_ms += 60_000
            desk.drafting.approve(desk.of(network=network).id, who)
    assert desk.store.audit.verify() == []
    assert desk.store.audit.head().seq == 4
    return desk


@pytest.mark.parametrize(
    ("column", "value"),
    [("actor", "Personne"), ("at_ms", 1), ("kind", "draft.edited"), ("subject", "d-0"), ("text_hash", "0" * 64),
     ("detail", "{}"), ("prev_hash", "1" * 64), ("hash", "2" * 64)],
)  # fmt: skip
@pytest.mark.parametrize("seq", [1, 2, 4])
def test_any_changed_field_of_any_row_shows(logged: Desk, seq: int, column: str, value: object) -> None:
    with logged.store._database.write() as connection:
        connection.execute(update(tables.audit).where(tables.audit.c.seq == seq).values({column: value}))
    assert logged.store.audit.verify()


@pytest.mark.parametrize("seqs", [(1,), (2,), (4,), (3, 4), (1, 2, 3, 4)])
def test_removed_rows_show(logged: Desk, seqs: tuple[int, ...]) -> None:
    with logged.store._database.write() as connection:
        connection.execute(delete(tables.audit).where(tables.audit.c.seq.in_(seqs)))
    assert logged.store.audit.verify()


def test_swapped_rows_show(logged: Desk) -> None:
    a = tables.audit
    with logged.store._database.write() as connection:
        for old, new in ((1, 99), (2, 1), (99, 2)):
            connection.execute(update(a).where(a.c.seq == old).values(seq=new))
    assert any("row 1" in fault for fault in logged.store.audit.verify())


def test_a_log_made_anew_shows_against_the_head_that_was_kept(logged: Desk) -> None:
    kept = logged.store.audit.head()
    with logged.store._database.write() as connection:
        connection.execute(delete(tables.audit))
        connection.execute(delete(tables.meta).where(tables.meta.c.name == "audit_head"))
        for who in ("Personne", "Nobody", "A", "B"):
            logged.store.audit.append(connection, 1, who, "draft.approved", "d-0")
    assert any("kept outside" in fault for fault in logged.store.audit.verify(kept))
    assert Head.parse(str(kept)) == kept
    for bad in ("", "1", "x:" + "0" * 64, "1:zz"):
        with pytest.raises(InputError, match="no head"):
            Head.parse(bad)


def test_a_text_that_nobody_approved_shows(logged: Desk) -> None:
    from ops.store.codec import encode

    draft = logged.of()
    forged = replace(draft, text=draft.text + "!")
    with logged.store._database.write() as connection:
        connection.execute(update(tables.drafts).where(tables.drafts.c.id == draft.id).values(payload=encode(forged)))
    assert logged.store.audit.verify() == [f"draft {draft.id}: approved, and the log has 0 approvals of its text"]


def test_a_change_that_fails_leaves_no_row(logged: Desk) -> None:
    before = logged.store.audit.head()
    with pytest.raises(InputError):
        logged.drafting.approve(logged.of().id, "Camille")
    assert logged.store.audit.head() == before


# --- the service's thread ---------------------------------------------------------------------------------------------


def test_the_service_makes_drafts_of_open_incidents_and_follows_the_facts(desk: Desk) -> None:
    from engine.domain.effects import AlertRaised
    from engine.domain.incident import Alert, AlertKind
    from ops.draft_maker import DraftMaker

    maker = DraftMaker(desk.store, desk.drafting)
    assert maker.turn() == 1  # the start looks at every open incident
    assert desk.store.drafts.of(desk.found.id)
    assert maker.turn() == 0
    plan = desk.store.plan(desk.found.id)
    assert plan is not None
    maker.heard([AlertRaised(Alert("k", AlertKind.RAISED, T0, desk.found), plan)])
    assert maker.turn() == 1
    desk.facts()
    assert maker.turn() == 1
    assert {d.missing for d in desk.store.drafts.of(desk.found.id)} == {()}
    maker.start()
    maker.stop()
    assert not maker.is_alive()


def test_an_approved_fact_is_on_the_audit_log(desk: Desk) -> None:
    from ops.runs import RunKeeper, RunRules

    keeper = RunKeeper(desk.store, RunRules(), lambda: T0)
    keeper.propose(desk.found.id, "since", "14 h 10", "Camille")
    keeper.approve(desk.found.id, "since", "Sacha")
    (entry,) = desk.store.audit.entries()
    assert (entry.kind, entry.actor, entry.subject) == ("fact.approved", "Sacha", f"{desk.found.id}/since")
    assert desk.store.audit.verify() == []


def test_a_fact_in_english_goes_before_the_one_for_all(desk: Desk) -> None:
    desk.facts()
    desk.approve_fact("service.en", "the app and payments")
    assert "the app and payments" in desk.of(lang="en").text
    assert "l’application et les paiements" in desk.of(lang="fr").text
