"""What each act is told, as closed models: the API's parameters and bodies, and the command line's words."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from ops.drafting import REASON_CHARS_MAX, TEXT_CHARS_MAX
from ops.store.runs import VALUE_CHARS_MAX

Id = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f/]+$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f/]+$")]
Version = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Line = Annotated[str, StringConstraints(max_length=2_000)]
Lang = Literal["fr", "en"]
Limit = Annotated[int, Field(ge=1, le=500)]
Number = Annotated[int, Field(ge=1, le=2**53)]


class Form(BaseModel):
    """Nothing that is not asked for."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Form):
    """Nothing to tell."""


class Incidents(Form):
    brand: Word | None = None
    state: Literal["open", "closed", "all"] = "all"
    after: Id | None = None
    """The last id of the page before."""
    limit: Limit = 50


class OneIncident(Form):
    incident_id: Id


class Say(OneIncident):
    text: Line = ""


class Note(OneIncident):
    text: Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"\S")]


class Runs(Form):
    ended: bool = False


class ShowRun(OneIncident):
    full: bool = False
    """The whole log instead of its end; for the form of text."""


class Step(OneIncident):
    step: Word
    text: Line = ""
    version: Version | None = None
    """The step's version as it was read; a step that somebody else has taken can't be changed without."""


class Skip(Step):
    text: Annotated[str, StringConstraints(min_length=1, max_length=2_000, pattern=r"\S")]
    """Why it is left out; stands in the log."""


class Propose(OneIncident):
    name: Word
    value: Annotated[str, StringConstraints(min_length=1, max_length=VALUE_CHARS_MAX, pattern=r"\S")]


class ApproveFact(OneIncident):
    name: Word
    value: Annotated[str, StringConstraints(max_length=VALUE_CHARS_MAX)] | None = None
    """The value that was read: refused when another one waits by now."""


class Drafts(OneIncident):
    kind: Literal["holding", "position", "reply"] | None = None
    network: Word | None = None
    lang: Lang | None = None
    every: bool = False
    """Those no longer asked for, too."""


class OneDraft(Form):
    draft_id: Id


class ApproveDraft(OneDraft):
    version: Version | None = None
    """The version or the text's hash as it was read (or `If-Match`)."""


class EditDraft(ApproveDraft):
    text: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_CHARS_MAX)]


class RejectDraft(ApproveDraft):
    reason: Annotated[str, StringConstraints(min_length=1, max_length=REASON_CHARS_MAX, pattern=r"\S")]


class PublishedDraft(ApproveDraft):
    url: Annotated[str, StringConstraints(max_length=2_000, pattern=r"^https?://\S+$")] | None = None


class OnCallAt(Form):
    at: Annotated[str, StringConstraints(max_length=40)] | None = None
    """A moment, such as 2026-03-29T02:30; now when not given."""


class Turns(Form):
    days: Annotated[int, Field(ge=1, le=400)] = 14
    role: Word | None = None


class Test(Form):
    person: Word | None = None


class Override(Form):
    person: Word
    role: Word = "community_manager"
    start: Annotated[str, StringConstraints(max_length=40)] | None = None
    end: Annotated[str, StringConstraints(max_length=40)] | None = None


class Numbered(Form):
    number: Number


class Hold(Form):
    minutes: Annotated[int, Field(ge=1, le=10_080)] = 60
    brand: Word | None = None
    level: Literal["vert", "jaune", "orange", "rouge"] = "orange"
    reason: Line = "maintenance"


class Report(OneIncident):
    kind: Literal["situation", "retex"] = "situation"
    form: Literal["md", "html", "pdf"] = "md"
    lang: Lang | None = None
    at: Annotated[str, StringConstraints(max_length=40)] | None = None
    """As it stood at this time (RFC 3339)."""


class OnePlaybook(Form):
    playbook_id: Word
    lang: Lang | None = None


class Correct(Form):
    sentiment: Literal["negative", "neutral", "positive"]
    mention_id: Annotated[str, StringConstraints(max_length=256)] | None = None
    text: Annotated[str, StringConstraints(max_length=20_000)] | None = None
    lang: Annotated[str, StringConstraints(max_length=8)] | None = None
    brand: Word | None = None


class AuditList(Form):
    subject: Annotated[str, StringConstraints(max_length=300)] | None = None
    after: Annotated[int, Field(ge=0, le=2**53)] = 0
    limit: Limit = 100


class AuditVerify(Form):
    head: Annotated[str, StringConstraints(max_length=100)] | None = None


class MakeToken(Form):
    name: Word
    role: Literal["reader", "manager", "approver", "admin"]
    person: Word | None = None
    days: Annotated[int, Field(ge=1, le=3_650)] | None = None
