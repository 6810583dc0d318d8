"""Drafts of incidents, kept: made from the plan and the approved facts, remade when those change, approved by people.

Everything is done anew from what the store holds, so it may be done at any time, twice, or after a crash: the same
incident, plan and facts give the same drafts, and a draft that did not change is not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from engine.domain.draft_state import DraftState, StoredDraft
from engine.domain.errors import InputError
from engine.domain.incident import CLOSED_PHASES, Incident, Level, Phase
from engine.domain.mention import Mention
from engine.domain.playbook import BrandVoice, Finding, Plan
from ops.llm import LlmError, Order
from ops.store.drafts import Changing, Logged
from playbooks.approval import approve, dropped, edit, published, reject, remade
from playbooks.drafts import (
    Answer,
    Case,
    answer_of,
    answer_to,
    drafts_for,
    facts_in,
    judged,
    place_of,
    policy_in,
)
from playbooks.invented import invented, unsaid
from playbooks.likeness import similar
from playbooks.networks import network
from playbooks.replies import UNREAD, Reading
from playbooks.typography import typeset

if TYPE_CHECKING:
    from engine.domain.scores import Scores
    from engine.ports.text import TextScorer
    from ops.llm import Writer
    from ops.settings import Settings
    from ops.store import Store
    from ops.store.audit import Head
    from playbooks.catalogue import Catalogue
    from playbooks.schema import Playbook

Read: TypeAlias = Callable[[Sequence[Mention]], Sequence[Reading]]
"""What the text model says of mentions, in their order."""

TEXT_CHARS_MAX = 30_000
REASON_CHARS_MAX = 2_000


class Done(NamedTuple):
    """A draft as it is now, and the head of the audit log after what was done."""

    draft: StoredDraft
    head: Head


class Drafting:
    """Makes, keeps and changes drafts. Safe from any thread.

    `read` is None where no text model is at hand: mentions are then answered by their words alone.
    """

    def __init__(
        self, store: Store, settings: Settings, catalogue: Catalogue, clock_ms: Callable[[], int],
        read: Read | None = None,
    ) -> None:  # fmt: skip
        self._store, self._settings, self._catalogue, self._clock_ms = store, settings, catalogue, clock_ms
        self._read = read
        self._check: Callable[[StoredDraft], None] | None = None

    def expecting(self, check: Callable[[StoredDraft], None]) -> Drafting:
        """The same, for one act: `check` sees the draft in the transaction that changes it, and may refuse."""
        found = copy(self)
        found._check = check
        return found

    # -- making --------------------------------------------------------------------------------------------------

    def refresh(self, incident_id: str) -> Counter[str]:
        """Make the drafts of an incident from what is known now. Returns how many are new, changed, dropped, same."""
        found = self._known(incident_id)
        counts: Counter[str] = Counter()
        if found is None:
            return counts
        incident, plan = found
        now_ms = self._clock_ms()
        kept = self._store.drafts.of(incident_id)
        case = self._case(incident, plan, kept)
        made = {draft.id: draft for draft in drafts_for(self._catalogue, case, now_ms)}
        with self._store.drafts.changing(incident_id) as changing:
            before = {draft.id: draft for draft in changing.drafts}
            after = {id_: self._renewed(before.get(id_), draft) for id_, draft in made.items()}
            for draft in changing.drafts:
                if draft.id not in made:
                    after[draft.id] = dropped(draft, now_ms)
            changed = [draft for id_, draft in after.items() if before.get(id_) != draft]
            changing.put(changed)
            self._log_lost(changing, before, changed, now_ms)
        counts["new"] = sum(draft.id not in before for draft in changed)
        counts["changed"] = len(changed) - counts["new"]
        counts["same"] = len(after) - len(changed)
        return counts

    @staticmethod
    def _renewed(old: StoredDraft | None, new: StoredDraft) -> StoredDraft:
        return new if old is None else remade(old, new)

    @staticmethod
    def _log_lost(
        changing: Changing, before: Mapping[str, StoredDraft], changed: Sequence[StoredDraft], now_ms: int
    ) -> None:
        """An approval that is taken away is on the log: another text, or another level, stands there now."""
        for draft in changed:
            old = before.get(draft.id)
            if old is not None and old.approvals and not draft.approvals:
                who = [one.who for one in old.approvals]
                detail = {"approved": who, "old_text": old.text, "state": draft.state.value}
                changing.log(now_ms, Logged("vigie", "draft.unapproved", draft, detail))

    def _known(self, incident_id: str) -> tuple[Incident, Plan] | None:
        incident, plan = self._store.incident(incident_id), self._store.plan(incident_id)
        if incident is None or plan is None or plan.playbook not in self._catalogue.playbooks:
            return None
        return incident, plan

    def voice(self, brand: str) -> BrandVoice:
        """How a brand speaks; one that the settings don't list speaks the team's language."""
        found = self._settings.brand(brand)
        return found.voice() if found else BrandVoice(brand, langs=(self._settings.lang,))

    def _case(self, incident: Incident, plan: Plan, kept: Sequence[StoredDraft]) -> Case:
        networks = dict.fromkeys(name for name, _ in incident.evidence.networks)
        kept_open = (d for d in kept if d.reply_to is None and d.state is not DraftState.SUPERSEDED)
        networks |= dict.fromkeys(draft.network for draft in kept_open)
        rounds: dict[tuple[str, ...], int] = {}
        for draft in kept:
            if draft.state is DraftState.PUBLISHED and draft.reply_to is None:
                place = place_of(draft)
                rounds[place] = max(rounds.get(place, 0), draft.round + 1)
        return Case(
            incident_id=incident.id,
            playbook=plan.playbook,
            level=Level.VERT if incident.phase in CLOSED_PHASES else incident.level,
            level_max=incident.level_max,
            voice=self.voice(incident.brand),
            facts=self._store.runs.approved(incident.id),
            networks=tuple(networks),
            answers=self._answers(incident, kept),
            strategies=plan.strategies,
            silent=bool(plan.silence) or incident.phase is Phase.FALSE_ALARM,
            team_lang=self._settings.lang,
            exercise=incident.exercise,
            rounds=rounds,
        )

    def _answers(self, incident: Incident, kept: Sequence[StoredDraft]) -> tuple[Answer, ...]:
        """The mentions to answer one by one: those that have a draft already, as they came, then the new ones."""
        replies = sorted((d for d in kept if d.reply_to is not None), key=lambda d: (d.made_at_ms, d.reply_to or ""))
        known = {draft.reply_to for draft in replies}
        fresh = {one.mention.id: one.mention for one in incident.evidence.mentions if one.mention.id not in known}
        mentions = [fresh[id_] for id_ in sorted(fresh)]
        readings = self._read(mentions) if self._read is not None and mentions else [UNREAD] * len(mentions)
        voice, lang = self.voice(incident.brand), self._settings.lang
        new = [answer_to(m, reading, voice, lang) for m, reading in zip(mentions, readings, strict=True)]
        return (*map(answer_of, replies), *new)

    # -- people --------------------------------------------------------------------------------------------------

    def approve(self, draft_id: str, who: str, text_hash: str | None = None) -> Done:
        """`who` approves the draft's text; `text_hash` is that of the text they read, the present one when not given.

        Raises InputError when it is blocked, changed, approved by them already, or not theirs to approve.
        """
        self._may_approve(who)
        now_ms = self._clock_ms()
        self.refresh(self.get(draft_id).incident_id)

        def act(draft: StoredDraft) -> StoredDraft:
            return approve(draft, who, now_ms, draft.text_hash if text_hash is None else text_hash)

        return self._act(draft_id, who, "draft.approved", act, now_ms, with_text=True)

    def edit(self, draft_id: str, who: str, text: str) -> Done:
        """`who` writes another text: linted again, approved by nobody."""
        if len(text) > TEXT_CHARS_MAX:
            raise InputError(f"draft {draft_id}: {len(text)} characters; at most {TEXT_CHARS_MAX}")
        now_ms = self._clock_ms()
        findings = self.findings(self.get(draft_id), text)
        return self._act(
            draft_id, who, "draft.edited", lambda d: edit(d, who, now_ms, text, findings), now_ms, with_text=True
        )

    def reword(self, draft_id: str, who: str, writer: Writer) -> tuple[Done | None, str]:
        """`who` has a language model word the playbook's text anew. Returns the draft, or None and why the text stays.

        The model's text is held to everything that a person's is, and more: nothing in it that no approved fact says,
        every hour, link and contact of the playbook's text still in it, and not the words of another draft.
        """
        draft = self.get(draft_id)
        if draft.missing or not draft.base:
            return None, f"the playbook's text is not whole: {', '.join(draft.missing) or 'there is none'}"
        found = self._known(draft.incident_id)
        if found is None:
            return None, "its incident or its playbook is no longer there"
        case, playbook = self._case(*found, []), self._catalogue[found[1].playbook]
        facts = facts_in(case, playbook, draft.lang)
        used = {name: value for name, value in facts.items() if value and value in draft.base}
        mention = self._mention(found[0], draft)
        rule = network(draft.network)
        order = Order(
            draft.base, used, rule.name, rule.chars_max, draft.lang, draft.form,
            policy_in(case, playbook, draft.lang).banned, mention.text if mention else None,
        )  # fmt: skip
        try:
            text = typeset(writer.write(order), draft.lang)
        except LlmError as error:
            return None, str(error)
        kept = [value for name, value in used.items() if _must_stay(playbook, name)]
        against = [
            *(finding.text for finding in self.findings(draft, text)),
            *(f"no fact says {word!r}" for word in invented(text, [draft.base, *facts.values()], draft.lang)),
            *(f"it leaves out {fact!r}" for fact in unsaid(text, kept)),
            *(f"nearly the words of draft {other}" for other in self._alike(draft, text)),
        ]
        if against:
            return None, "; ".join(against[:5])
        now_ms = self._clock_ms()

        def act(old: StoredDraft) -> StoredDraft:
            if old.base != draft.base:
                raise InputError(f"draft {draft.id}: its facts changed meanwhile; ask again")
            return replace(edit(old, who, now_ms, text, ()), origin="llm")

        return self._act(draft.id, who, "draft.reworded", act, now_ms, with_text=True), ""

    def _alike(self, draft: StoredDraft, text: str) -> list[str]:
        others = (o for o in self._store.drafts.of(draft.incident_id) if o.id != draft.id and o.lang == draft.lang)
        return [other.id for other in others if other.kind == draft.kind and other.text and similar(text, other.text)]

    @staticmethod
    def _mention(incident: Incident, draft: StoredDraft) -> Mention | None:
        return next((one.mention for one in incident.evidence.mentions if one.mention.id == draft.reply_to), None)

    def reject(self, draft_id: str, who: str, reason: str) -> Done:
        """`who` says that nobody shall post it, and why."""
        now_ms = self._clock_ms()
        detail = {"reason": reason[:REASON_CHARS_MAX]}
        return self._act(
            draft_id, who, "draft.rejected", lambda d: reject(d, now_ms, reason[:REASON_CHARS_MAX]), now_ms, detail
        )

    def published(self, draft_id: str, who: str, url: str | None = None) -> Done:
        """`who` has posted it, at `url`. Only what was approved, as it was approved."""
        now_ms = self._clock_ms()
        return self._act(
            draft_id, who, "draft.published", lambda d: published(d, now_ms, url), now_ms, {"url": url or ""},
            with_text=True,
        )  # fmt: skip

    def findings(self, draft: StoredDraft, text: str) -> tuple[Finding, ...]:
        """What speaks against a text in this draft's place."""
        from ops.spelling import hunspell, unknown_words

        found = self._known(draft.incident_id)
        if found is None:
            raise InputError(f"draft {draft.id}: its incident or its playbook is no longer there")
        case = self._case(*found, [])
        mention = self._mention(found[0], draft)
        playbook = self._catalogue[case.playbook]
        return judged(playbook, case, draft, text, mention, unknown_words if hunspell() else None)

    def get(self, draft_id: str) -> StoredDraft:
        """A draft by its id or an unmistakable beginning of it. Raises InputError."""
        found = self._store.drafts.get(draft_id)
        if found is None:
            ids = self._store.drafts.ids(draft_id) if len(draft_id) > 3 else []
            if len(ids) == 1:
                found = self._store.drafts.get(ids[0])
            if found is None:
                hint = f"did you mean {', '.join(ids[:3])}?" if ids else "`vigie drafts list` shows them"
                raise InputError(f"no draft {draft_id[:80]!r}; {hint}")
        return found

    def _may_approve(self, who: str) -> None:
        from engine.domain.draft_state import same_person

        allowed = self._settings.drafting.approvers
        if allowed and not any(same_person(who, one) for one in allowed):
            raise InputError(f"{who} is not among drafting.approvers of the settings")

    def _act(
        self, draft_id: str, who: str, kind: str, act: Callable[[StoredDraft], StoredDraft], now_ms: int,
        detail: Mapping[str, str] | None = None, *, with_text: bool = False,
    ) -> Done:  # fmt: skip
        """One change by a person: the draft, the audit log and the incident's log, in one transaction."""
        named = self.get(draft_id)
        with self._store.drafts.changing(named.incident_id) as changing:
            draft = next(one for one in changing.drafts if one.id == named.id)
            if self._check is not None:
                self._check(draft)
            after = act(draft)
            changing.put([after])
            told = {**(detail or {}), "state": after.state.value, **({"text": after.text} if with_text else {})}
            head = changing.log(now_ms, Logged(who, kind, after, told))
            line = f"{after.network} {after.kind} {after.id}"
            self._store.runs.note_in(changing.connection, after.incident_id, who, kind, line, at_ms=now_ms)
        return Done(after, head)


def _must_stay(playbook: Playbook, name: str) -> bool:
    """Facts that people act on: a rewording that leaves one out is another message."""
    fact = playbook.facts.get(name)
    return fact is not None and (fact.type != "text" or name == "instruction")


def reader(scorer: TextScorer) -> Read:
    """What a text model says of mentions."""

    def read(mentions: Sequence[Mention]) -> list[Reading]:
        scores = scorer.score_many([m.text for m in mentions], [m.lang for m in mentions])
        return [_reading(scores, i) for i in range(len(scores))]

    return read


def _reading(scores: Scores, i: int) -> Reading:
    return Reading(
        negative=float(scores.probabilities[i, 0]),
        positive=float(scores.probabilities[i, 2]),
        urgency=float(scores.urgency[i]),
        toxicity=float(scores.toxicity[i]) if len(scores.toxicity) else 0.0,
        irony=float(scores.irony[i]) if len(scores.irony) else 0.0,
        categories=scores.categories[i],
    )
