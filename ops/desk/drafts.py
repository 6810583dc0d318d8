"""Drafts and the audit log, as acts of the desk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.domain.draft_state import StoredDraft
from engine.domain.errors import InputError
from ops.desk import forms
from ops.desk.office import ChangedError, Desk, NotFoundError, Reply, UnreadError, told
from ops.drafting import Done, Drafting
from ops.render.moments import utc

HASH_CHARS = 32
HASH_CHARS_MIN = 8


def version_of(draft: StoredDraft) -> str:
    """Another one whenever the text, the state or the approvals are others."""
    return f"{draft.text_hash[:HASH_CHARS]}-{draft.state.value}-{len(draft.approvals)}"


def draft_data(draft: StoredDraft) -> dict[str, Any]:
    """A draft for programs."""
    from ops.render.drafts import drafts_view

    changed = {"changed_at": utc(draft.changed_at_ms), "edited_by": draft.edited_by}
    return {**drafts_view([draft])[0], **changed, "version": version_of(draft)}


def list_drafts(desk: Desk, form: forms.Drafts) -> Reply:
    """An incident's drafts, made anew from the facts that are approved now."""
    from ops.render.drafts import drafts_text, drafts_view

    incident = desk.office.incident(form.incident_id)
    desk.office.drafting.refresh(incident.id)
    wanted = {"kind": form.kind, "network": form.network, "lang": form.lang}
    kept = [
        draft
        for draft in desk.store.drafts.of(incident.id)
        if all(value is None or getattr(draft, name) == value for name, value in wanted.items())
        and (form.every or draft.state.value != "superseded")
    ]
    order = {view["id"]: i for i, view in enumerate(drafts_view(kept))}
    data = [draft_data(draft) for draft in sorted(kept, key=lambda d: order[d.id])]
    return Reply(data, lambda: drafts_text(kept, incident, desk.settings.lang))


def show_draft(desk: Desk, form: forms.OneDraft) -> Reply:
    """One draft: its text, what is against it, who approved it."""
    from ops.render.drafts import draft_text

    draft = _fresh(desk, form.draft_id)

    def text() -> str:
        return draft_text(draft, desk.store.incident(draft.incident_id), desk.settings.lang)

    return Reply(draft_data(draft), text, version_of(draft))


def approve(desk: Desk, form: forms.ApproveDraft) -> Reply:
    """Approve a draft as it was read: one person up to jaune, two different ones from orange. Nothing is sent."""
    draft = _fresh(desk, form.draft_id)
    read = _needed(form, draft).partition("-")[0].lower()
    if len(read) < HASH_CHARS_MIN or not draft.text_hash.startswith(read[:64]):
        raise ChangedError(f"draft {draft.id}: its text is another than the one that was read; {_by_whom(draft)}")
    return _done(desk, desk.office.drafting.approve(draft.id, desk.actor, draft.text_hash))


def edit(desk: Desk, form: forms.EditDraft) -> Reply:
    """Write another text. It is linted again, and nobody has approved it."""
    return _changed(desk, form, lambda drafting, draft: drafting.edit(draft.id, desk.actor, form.text))


def reject(desk: Desk, form: forms.RejectDraft) -> Reply:
    """Reject a draft, with the reason; it comes back if its facts change."""
    return _changed(desk, form, lambda drafting, draft: drafting.reject(draft.id, desk.actor, form.reason))


def published(desk: Desk, form: forms.PublishedDraft) -> Reply:
    """Say that you have posted an approved draft. Its text is kept as it was posted."""
    return _changed(desk, form, lambda drafting, draft: drafting.published(draft.id, desk.actor, form.url))


def reword(desk: Desk, form: forms.OneDraft) -> Reply:
    """Have the language model of the settings word a draft anew; on any failure the text stays as it is."""
    from ops.llm import Writer

    if desk.settings.drafting.llm is None:
        raise InputError("drafting.llm is not set: name a url and a model in the settings")
    draft = _named(desk, form.draft_id)
    done, why = desk.office.drafting.reword(draft.id, desk.actor, Writer(desk.settings.drafting.llm))
    if done is None:
        return told(f"the text stays: {why}", version=version_of(draft), reworded=False, draft=draft_data(draft))
    return _done(desk, done, reworded=True)


def _named(desk: Desk, draft_id: str) -> StoredDraft:
    try:
        return desk.office.drafting.get(draft_id)
    except InputError as error:
        raise NotFoundError(str(error)) from None


def _fresh(desk: Desk, draft_id: str) -> StoredDraft:
    """The draft as its facts make it now."""
    named = _named(desk, draft_id)
    desk.office.drafting.refresh(named.incident_id)
    return _named(desk, named.id)


def _needed(form: forms.ApproveDraft, draft: StoredDraft) -> str:
    """Raises UnreadError when it is not said which text was read."""
    if form.version is None:
        raise UnreadError(f"draft {draft.id}: say which text you have read (If-Match or `version`, as `show` gives it)")
    return form.version.strip().strip('"')


def _changed(desk: Desk, form: forms.ApproveDraft, act: Callable[[Drafting, StoredDraft], Done]) -> Reply:
    """An act on the draft as it was read; looked at again in the transaction that changes it."""
    named = _named(desk, form.draft_id)
    read = _needed(form, named)

    def check(draft: StoredDraft) -> None:
        if read != version_of(draft):
            raise ChangedError(f"draft {draft.id}: it is another than the one that was read; {_by_whom(draft)}")

    check(named)
    return _done(desk, act(desk.office.drafting.expecting(check), named))


def _by_whom(draft: StoredDraft) -> str:
    who = [*([draft.edited_by] if draft.edited_by else []), *(one.who for one in draft.approvals)]
    return f"changed by {who[-1] if who else 'vigie'} at {utc(draft.changed_at_ms)}: read it again"


def _done(desk: Desk, done: Done, **more: Any) -> Reply:
    from ops.render.drafts import done_text

    text = done_text(done.draft, done.head, desk.settings.lang)
    return told(text, version=version_of(done.draft), draft=draft_data(done.draft), head=str(done.head), **more)


# -- the log of approvals -----------------------------------------------------------------------------------------


def list_audit(desk: Desk, form: forms.AuditList) -> Reply:
    """The log of approvals, oldest first, a page at a time."""
    import json
    from itertools import islice

    from ops.render.drafts import audit_line

    entries = desk.store.audit.entries(subject=form.subject, after=form.after)
    rows = list(islice(entries, form.limit + 1))
    page = rows[: form.limit]
    items = [{**row._asdict(), "detail": json.loads(row.detail)} for row in page]
    data = {"items": items, "next": page[-1].seq if len(rows) > form.limit else None}
    return Reply(data, lambda: "\n".join(audit_line(row, desk.settings.timezone) for row in page))


def verify(desk: Desk, form: forms.AuditVerify) -> Reply:
    """Whether every row of the log, and every approved text, is as it was written."""
    from ops.store.audit import Head

    kept = None if form.head is None else Head.parse(form.head)
    faults, head = desk.store.audit.verify(kept), desk.store.audit.head()
    text = "\n".join(faults) if faults else f"{head.seq} rows, none changed; head {head}"
    return Reply({"rows": head.seq, "head": str(head), "faults": faults}, lambda: text)
