"""What stands behind every desk: the store, the settings, the clock, and the tools that are made once.

>>> from ops.store import Store
>>> from ops.settings import Settings
>>> with Store.temporary() as store:
...     desk = Desk(Office(store, Settings()), "Camille")
...     desk.do("incidents.list").data
{'items': [], 'next': None}
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from engine.domain.errors import InputError
from ops.store.tokens import Role

if TYPE_CHECKING:
    from engine.domain.incident import Incident
    from engine.domain.run import Run
    from ops.drafting import Drafting
    from ops.render.alert import Look
    from ops.roles import WhoAt
    from ops.runs import RunKeeper
    from ops.settings import Settings
    from ops.store import Store
    from playbooks.catalogue import Catalogue

ANSWER_WAIT_S = 8.0
NOTE_CHARS_MAX = 2_000


class NotFoundError(InputError):
    """There is nothing of that name."""


class NotAllowedError(InputError):
    """The role does not reach so far, or it takes a person."""


class ChangedError(InputError):
    """It is no longer as it was when it was read: somebody else was faster."""


class UnreadError(InputError):
    """To change it one must say which version one has read."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of it: JSON values, and the same as a terminal shows it (made when it is asked for).

    `version` is that of what was read or changed; `status` is HTTP's. `raw` is a file, of type `media_type`.
    """

    data: Any
    make_text: Callable[[], str] = field(default=lambda: "", repr=False)
    version: str | None = None
    status: int = 200
    raw: bytes | None = None
    media_type: str = "application/json"

    def text(self) -> str:
        return self.make_text()


def told(text: str, status: int = 200, version: str | None = None, **more: Any) -> Reply:
    """What an act answers: one sentence, and what belongs to it."""
    if version is not None:
        more["version"] = version
    return Reply({"text": text, **more}, lambda: text, version, status)


class Office:
    """The store and what works on it, for many desks. Safe from any thread.

    `inside` says that this process is of the service of this store: engines answer, here or in others of it.
    """

    def __init__(
        self, store: Store, settings: Settings, clock_ms: Callable[[], int] | None = None, *, inside: bool = False,
        drafting: Drafting | None = None, wait_s: float | None = None,
    ) -> None:  # fmt: skip
        self.store, self.settings, self.inside = store, settings, inside
        self.wait_s = ANSWER_WAIT_S if wait_s is None else wait_s
        self.clock_ms = clock_ms or store.clock_ms
        self._drafting = drafting
        self._pause = threading.Event()

    @cached_property
    def catalogue(self) -> Catalogue:
        from playbooks.catalogue import load_catalogue

        return load_catalogue(self.settings.playbooks.directories)

    @cached_property
    def look(self) -> Look:
        """How the team reads."""
        from ops.app import brand_configs
        from ops.delivery.build import look_of
        from ops.learning import reader_of
        from ops.render.explain import Reasons

        settings = self.settings
        reasons = Reasons(lambda: reader_of(self.store, brand_configs(settings), use=settings.learning.use))
        return look_of(settings, reasons)

    @cached_property
    def drafting(self) -> Drafting:
        from ops.app import brand_configs
        from ops.drafting import Drafting, reader
        from ops.learning import reader_of

        if self._drafting is not None:
            return self._drafting
        settings = self.settings

        def read(mentions: Any) -> Any:
            return reader(reader_of(self.store, brand_configs(settings), use=settings.learning.use))(mentions)

        return Drafting(self.store, settings, self.catalogue, self.clock_ms, read)

    @cached_property
    def runs(self) -> RunKeeper:
        from ops.runs import RunKeeper, rules_of

        return RunKeeper(self.store, rules_of(self.settings), self.clock_ms)

    @cached_property
    def who(self) -> WhoAt:
        from ops.roles import who_of

        return who_of(self.settings, self.store)

    @property
    def has_service(self) -> bool:
        from ops.store.names import ENGINES

        return self.inside or self.store.service(*ENGINES) is not None

    def incident(self, incident_id: str) -> Incident:
        """The incident of that id, or the only one whose id begins so. Raises NotFoundError with the nearest ids."""
        import difflib

        found = self.store.incident(incident_id)
        if found is not None:
            return found
        ids = self.store.incident_ids()
        begins = [other for other in ids if incident_id and other.startswith(incident_id)]
        if len(begins) == 1:
            found = self.store.incident(begins[0])
            if found is not None:
                return found
        near = begins[:3] or difflib.get_close_matches(incident_id, ids, n=3, cutoff=0.4) or ids[:3]
        hint = f"did you mean {', '.join(near)}?" if near else "there is no incident yet"
        raise NotFoundError(f"no incident {incident_id[:80]!r}; {hint}")

    def run(self, incident_id: str) -> Run:
        """The run of an incident. Raises NotFoundError when it has none."""
        found = self.store.runs.run(self.incident(incident_id).id)
        if found is None:
            raise NotFoundError(f"{incident_id}: no playbook runs for this incident")
        return found

    def command(self, name: str, incident_id: str, actor: str, text: str) -> tuple[bool, str]:
        """Have the engine carry a command out: whether it has, and its sentence. The service may answer later.

        Raises InputError when it is refused.
        """
        from ops.app import apply_commands
        from ops.render.neutral import plain

        seq = self.store.add_command(name, incident_id, actor, plain(text, NOTE_CHARS_MAX))
        if self.has_service:
            deadline_s = time.monotonic() + self.wait_s
            while self.store.answer(seq) is None and time.monotonic() < deadline_s:
                self._pause.wait(0.05)
        else:
            apply_commands(self.settings, self.store, self.clock_ms)
        answer = self.store.answer(seq)
        if answer is None:
            return False, f"the command waits in the store as number {seq}; the service has not answered yet"
        if not answer.ok:
            raise InputError(answer.text)
        return True, answer.text


@dataclass(frozen=True, slots=True)
class Desk:
    """Somebody at work: who, with which role. `is_person` is false for a program's token, which can't approve."""

    office: Office
    actor: str
    role: Role = Role.ADMIN
    is_person: bool = True

    @property
    def store(self) -> Store:
        return self.office.store

    @property
    def settings(self) -> Settings:
        return self.office.settings

    def now_ms(self) -> int:
        return self.office.clock_ms()

    def do(self, name: str, /, **told: Any) -> Reply:
        """Do what the table `ACTS` has under this name.

        Raises NotAllowedError when the role does not reach, InputError for what can't be done as told, TransientError.
        """
        from ops.desk.acts import ACTS

        return self.carry_out(name, checked(ACTS[name].form, told))

    def carry_out(self, name: str, form: Any) -> Reply:
        """The same, with the form filled in and checked."""
        from ops.desk.acts import ACTS

        act = ACTS[name]
        if self.role < act.role:
            raise NotAllowedError(f"this takes the role {act.role.label}; {self.actor} has {self.role.label}")
        if act.needs_person and not self.is_person:
            raise NotAllowedError(
                f"a person must do this: {self.actor} is a program's token; make one with --person (vigie tokens)"
            )
        return act.work(self, form)


def checked(form: Any, told: Mapping[str, Any]) -> Any:
    """A form filled in. Raises InputError that names the first field that does not fit."""
    from pydantic import ValidationError

    try:
        return form.model_validate(dict(told))
    except ValidationError as error:
        raise InputError(explained(error)) from None


def explained(error: Any) -> str:
    """The first mistake of a form, in a sentence."""
    first, *others = error.errors(include_url=False, include_context=False)
    field_ = ".".join(str(step) for step in first["loc"]) or "the body"
    more = f" (and {len(others)} more)" if others else ""
    said = {"missing": "is missing", "extra_forbidden": "is not known here"}.get(first["type"], first["msg"])
    if first["type"] in ("string_pattern_mismatch", "string_too_short"):
        blank = not str(first["input"]).strip()
        said = "is empty; write why, or what" if blank else "holds signs that it may not"
    return f"{field_[:80]}: {said[:1].lower()}{said[1:]}{more}"
