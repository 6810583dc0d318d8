"""What people do to a draft, as pure functions: each gives the draft as it is afterwards, or says why not."""

from __future__ import annotations

from dataclasses import replace

from engine.domain.draft_state import TRANSITIONS, Approval, DraftAct, DraftState, StoredDraft, same_person
from engine.domain.errors import InputError
from engine.domain.playbook import Finding


def moved(draft: StoredDraft, act: DraftAct) -> DraftState:
    """The state after `act`. Raises InputError when the table has no such move."""
    state = TRANSITIONS.get((draft.state, act))
    if state is None:
        raise InputError(f"draft {draft.id} is {draft.state.value}: it can't be {act.value} now")
    return state


def approve(draft: StoredDraft, who: str, at_ms: int, text_hash: str) -> StoredDraft:
    """`who` approves the text whose hash is `text_hash`: that which they read.

    Raises InputError for a draft with a fact missing or a finding, for a text that has changed since it was read, and
    for a second approval by the same person.

    >>> from engine.domain.draft_state import hash_of
    >>> draft = StoredDraft("d1", "i1", "holding", "x", "fr", "vous", "Bonjour.", 0, 0, needed=2)
    >>> once = approve(draft, "Camille", 1, hash_of("Bonjour."))
    >>> once.state.value, approve(once, "Sacha", 2, hash_of("Bonjour.")).state.value
    ('draft', 'approved')
    """
    if draft.missing:
        raise InputError(f"draft {draft.id} is blocked: {', '.join(draft.missing)} missing (vigie facts)")
    if draft.findings:
        raise InputError(f"draft {draft.id} is blocked: {'; '.join(f.text for f in draft.findings)}")
    if text_hash != draft.text_hash:
        raise InputError(f"draft {draft.id}: its text is another than the one that was read; read it again")
    if any(same_person(one.who, who) for one in draft.approvals):
        raise InputError(f"draft {draft.id}: {who} has approved it already; {_waits(draft)}")
    approvals = (*draft.approvals, Approval(who, at_ms, text_hash))
    act = DraftAct.APPROVED if len(approvals) >= draft.needed else DraftAct.SIGNED
    return replace(draft, state=moved(draft, act), approvals=approvals, changed_at_ms=at_ms)


def _waits(draft: StoredDraft) -> str:
    left = draft.needed - len(draft.approvals)
    return "somebody else must" if left > 0 else "nobody else needs to"


def edit(draft: StoredDraft, who: str, at_ms: int, text: str, findings: tuple[Finding, ...]) -> StoredDraft:
    """`who` writes another text; `findings` is what the linter has against it. Nobody has approved it yet."""
    return replace(
        draft,
        state=moved(draft, DraftAct.REMADE),
        text=text,
        origin="person",
        edited_by=who,
        missing=(),
        findings=findings,
        approvals=(),
        reason="",
        changed_at_ms=at_ms,
    )


def reject(draft: StoredDraft, at_ms: int, reason: str) -> StoredDraft:
    """Nobody will post this text. It comes back when its facts change."""
    return replace(draft, state=moved(draft, DraftAct.REJECTED), approvals=(), reason=reason, changed_at_ms=at_ms)


def published(draft: StoredDraft, at_ms: int, url: str | None) -> StoredDraft:
    """A person has posted it; `url` is where. Raises InputError for a text that was not approved."""
    if draft.state is DraftState.DRAFT:
        raise InputError(f"draft {draft.id} is not approved: {max(draft.needed - len(draft.approvals), 1)} to go")
    state = moved(draft, DraftAct.PUBLISHED)
    return replace(draft, state=state, published_at_ms=at_ms, published_url=url, changed_at_ms=at_ms)


def remade(old: StoredDraft, new: StoredDraft) -> StoredDraft:
    """What becomes of a kept draft when the playbook makes `new` of the same place now; `old` itself where nothing
    changes.

    Another text, or more people to approve it, takes an approval away. A person's own words stay; a finding says that
    the facts under them are others now.
    """
    if old.state is DraftState.PUBLISHED:
        return old
    if old.base == new.base and old.state is not DraftState.SUPERSEDED:
        if old.needed >= new.needed and old.level == new.level:
            return old
        fewer = len(old.approvals) < new.needed
        again: DraftState = DraftState.DRAFT if old.state is DraftState.APPROVED and fewer else old.state
        return replace(old, needed=max(old.needed, new.needed), level=new.level, state=again)
    state = moved(old, DraftAct.REMADE)
    if old.edited_by is not None and old.state is not DraftState.REJECTED:
        stale = Finding("stale_facts", STALE.format(new.base))
        findings = (*(f for f in old.findings if f.rule != "stale_facts"), stale)
        return replace(
            old, state=state, base=new.base, findings=findings, approvals=(), needed=new.needed, level=new.level,
            playbook=new.playbook, changed_at_ms=new.changed_at_ms,
        )  # fmt: skip
    return replace(new, made_at_ms=old.made_at_ms)


STALE = "les faits ont changé depuis cette réécriture / the facts have changed since; now: {0}"
"""Against a person's own text whose facts changed: they read it again and save it."""


def dropped(old: StoredDraft, at_ms: int) -> StoredDraft:
    """No longer asked for; what was published stays published."""
    if old.state in (DraftState.PUBLISHED, DraftState.SUPERSEDED):
        return old
    return replace(old, state=moved(old, DraftAct.DROPPED), approvals=(), changed_at_ms=at_ms)
