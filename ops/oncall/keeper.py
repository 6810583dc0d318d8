"""Keeps the calls going: reads what was raised and answered, lets the timers run, and posts who is to be called.

Everything is in the store, so a keeper that was killed goes on where it stood: alerts are read by number, escalations
carry their own timers, and a page has one key. One turn reads, decides (`ops.oncall.escalation`, pure) and writes one
transaction; the delivery workers do the rest.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from typing import Self
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from engine.domain.effects import AlertRaised
from engine.domain.errors import ConfigError, VigieError
from engine.domain.incident import Alert, AlertKind, Incident, Level, Phase, Standing
from engine.domain.run import RunEvent
from ops.delivery.build import look_of, windows_of
from ops.oncall.build import Desk, ladder_of, next_weekly_ms, quiet_of, roles_of, rota_of
from ops.oncall.escalation import Call, CallKind, Escalation, State, advance, begin, end, rise, take, upcoming
from ops.oncall.page import Page, PageItem
from ops.oncall.rota import Rota, local
from ops.oncall.trial import trial_incident
from ops.render import alert as render
from ops.render.page import called
from ops.render.wording import number
from ops.settings import Settings
from ops.store import Store
from ops.store.pages import News, Posting
from ops.store.store import wall_clock_ms

POLL_S = 1.0
ROTA_MS = 600_000
"""How often calendar files are read again."""
TEST_LATE_MS_MAX = 43_200_000
"""A weekly test that a stop made later than this waits for the next week."""
TEST_TIMER = "weekly_test"

_RAISED = frozenset({AlertKind.OPENED, AlertKind.RAISED, AlertKind.REOPENED})
_ENDED = frozenset({AlertKind.CONTAINED, AlertKind.RESOLVED})
_RECORDED = frozenset({Standing.FINAL, Standing.CONFIRMED})

log = logging.getLogger("vigie.oncall")


class Keeper:
    """One turn after the other. Without rotas in the settings it calls nobody."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        clock_ms: Callable[[], int] = wall_clock_ms,
        on_posted: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._store, self._clock_ms, self._on_posted = settings, store, clock_ms, on_posted
        self._enabled = bool(roles_of(settings))
        self._ladder, self._quiet = ladder_of(settings), quiet_of(settings)
        self._windows, self._look = windows_of(settings), look_of(settings)
        self._rota = rota_of(settings, clock_ms())
        self._rota_read_ms = clock_ms()
        self._kind: dict[str, AlertKind] = {}

    # --- what others ask ------------------------------------------------------------------------------------------

    def rota(self, now_ms: int) -> Rota:
        """The rota with the overrides in force; calendar files are read again from time to time."""
        if now_ms - self._rota_read_ms >= ROTA_MS:
            self._rota_read_ms = now_ms
            try:
                self._rota = rota_of(self._settings, now_ms)
            except ConfigError as error:  # somebody saved half a file: the one that we have is better than none
                log.error("the rota stays as it was: %s", error)
        return self._rota.with_overrides(self._store.pages.overrides(now_ms))

    def desk(self, now_ms: int) -> Desk:
        """What the rules ask, as things stand now."""
        stored = self._store.outbox.mutes(now_ms)
        return Desk(self.rota(now_ms), self._quiet, lambda at_ms: (*stored, *self._windows(at_ms)))

    def who(self, role: str, at_ms: int) -> tuple[str, ...]:
        """Whom to call for a role: the person on call, then those behind."""
        return self.rota(at_ms).who(role, at_ms)

    @property
    def enabled(self) -> bool:
        """Is there anybody to call?"""
        return self._enabled

    def page(
        self, incident_id: str, role: str, text: str, at_ms: int, key: str | None = None, claimed_by: str = ""
    ) -> bool:
        """A step of a playbook is overdue: tell whoever answers for the role, or the next of the ladder where nobody
        does; whoever claimed it comes first. Once a `key`, or the same incident, role, text and time. False when there
        was nothing new to tell."""
        incident = self._store.incident(incident_id)
        if incident is None:
            return False
        now_ms = self._clock_ms()
        desk = self.desk(now_ms)
        roles = [role, *(rung.role for rung in self._ladder.rungs)]
        claimed = [(claimed_by, role)] if claimed_by in self._settings.people else []
        holders = ((who[0], name) for name in roles if (who := desk.who(name, now_ms)))
        person, found = next(iter([*claimed, *holders]), ("", role))
        fact = key or f"{role}/{at_ms}/{text}"
        digest = blake2b(fact.encode("utf-8", "replace"), digest_size=9).hexdigest()
        call = Call(
            f"{incident_id}/step/{digest}", incident_id, person, found, 0, CallKind.STEP, incident.level, now_ms
        )
        posted = self._store.pages.commit(
            (), [self._posting(call, incident, None, text=text)], now_ms, within=self._noted
        )
        if posted:
            self._on_posted()
        return bool(posted)

    def test(self, people: Sequence[tuple[str, str]] | None = None, name: str | None = None) -> list[str]:
        """Send the test alert: to these people and roles, or to whoever is on call. Returns whom it goes to."""
        now_ms = self._clock_ms()
        calls = self._test_calls(now_ms, people, name or f"{now_ms}")
        postings = [
            self._posting(call, trial_incident(call.incident_id, now_ms, self._look.lang), None) for call in calls
        ]
        if self._store.pages.commit((), postings, now_ms):
            self._on_posted()
        return [call.person for call in calls]

    def figures(self, now_ms: int) -> dict[str, int]:
        """How many people are on call for each role of the ladder now."""
        rota = self.rota(now_ms)
        return {role: len(rota.on_call(role, now_ms)) for role in roles_of(self._settings)}

    # --- one turn -------------------------------------------------------------------------------------------------

    def turn(self) -> int:
        """Do what is due. Returns how many messages were posted."""
        now_ms, pages = self._clock_ms(), self._store.pages
        read_to = pages.cursor()
        news = pages.news(read_to)
        if not self._enabled:
            if news:
                pages.commit((), (), now_ms, cursor=news[-1].id)
            return 0
        desk = self.desk(now_ms)
        moved: dict[str, Escalation] = {}
        calls: list[Call] = []
        for item in news:
            self._hear(item, now_ms, desk, moved, calls)
        for found in pages.answered():
            self._close(moved.get(found.incident_id, found), now_ms, moved, calls)
        for found in pages.due(now_ms):
            if found.incident_id not in moved:
                observed = self._observed(found)
                after, more = advance(found, now_ms, desk, self._ladder, observed=observed)
                moved[found.incident_id] = after
                calls += more
        postings = self._postings(calls, moved, desk, now_ms)
        timers = self._weekly(now_ms, postings)
        if not (moved or postings or news or timers):
            return 0
        n = pages.commit(
            moved.values(), postings, now_ms, cursor=news[-1].id if news else None, timers=timers, within=self._noted
        )
        if n:
            self._on_posted()
        return n

    def _hear(self, item: News, now_ms: int, desk: Desk, moved: dict[str, Escalation], calls: list[Call]) -> None:
        """An alert of the engine: begin, go on, or end."""
        alert = item.raised.alert
        incident_id = alert.incident.id
        if alert.standing not in _RECORDED:
            return
        found = moved.get(incident_id) or self._store.pages.get(incident_id)
        if alert.kind in _ENDED:
            if found is not None:
                moved[incident_id], more = end(found, now_ms)
                calls += more
            return
        incident = self._store.incident(incident_id)
        if alert.kind not in _RAISED or incident is None or incident.level <= Level.VERT:
            return
        observed = incident.evidence.observed
        if incident.phase not in (Phase.OPEN, Phase.ACKNOWLEDGED):
            return  # read late: it is over already
        if found is None:
            if incident.phase is Phase.ACKNOWLEDGED:
                return
            moved[incident_id], more = begin(
                incident_id, incident.brand, incident.level, now_ms, desk, self._ladder, observed=observed
            )
        elif found.state is State.OVER or incident.level > found.level or alert.kind is AlertKind.REOPENED:
            moved[incident_id], more = rise(found, incident.level, now_ms, desk, self._ladder, observed=observed)
        else:
            return
        self._kind[incident_id] = alert.kind
        calls += more

    def _close(self, found: Escalation, now_ms: int, moved: dict[str, Escalation], calls: list[Call]) -> None:
        """Its incident was acknowledged or is over, says the table of incidents."""
        incident = self._store.incident(found.incident_id)
        if incident is None:
            return
        if incident.phase is Phase.ACKNOWLEDGED:
            after, more = take(found, incident.acked_by or "?", now_ms)
        else:
            after, more = end(found, now_ms)
        moved[found.incident_id] = after
        calls += more

    def _observed(self, found: Escalation) -> float | None:
        if found.state is not State.WAITING:
            return None
        incident = self._store.incident(found.incident_id)
        return None if incident is None else incident.evidence.observed

    # --- messages -------------------------------------------------------------------------------------------------

    def _postings(self, calls: Sequence[Call], moved: dict[str, Escalation], desk: Desk, now_ms: int) -> list[Posting]:
        """One message a call; what waited for the morning is one message a person."""
        found: list[Posting] = []
        mornings: dict[str, list[Call]] = {}
        for call in calls:
            if call.kind is CallKind.MORNING:
                mornings.setdefault(call.person, []).append(call)
                continue
            incident = self._store.incident(call.incident_id)
            if incident is not None:
                found.append(self._posting(call, incident, moved[call.incident_id], desk=desk))
        for together in mornings.values():
            incidents = [self._store.incident(call.incident_id) for call in together]
            pairs = [(call, one) for call, one in zip(together, incidents, strict=True) if one is not None]
            if pairs:
                found.append(self._morning(pairs, moved, desk))
        return found

    def _posting(
        self, call: Call, incident: Incident, state: Escalation | None, *, text: str = "", desk: Desk | None = None
    ) -> Posting:
        next_person, before = "", tuple[str, ...]()
        if state is not None:
            if call.next_at_ms is not None and desk is not None:
                next_person = upcoming(state, call.at_ms, desk, self._ladder)
            before = tuple(
                dict.fromkeys(
                    told.person
                    for told in state.told
                    if told.person != call.person and (told.at_ms < call.at_ms or call.kind is CallKind.UNANSWERED)
                )
            )
            text = text or (state.taken_by or "" if call.kind is CallKind.TAKEN else "")
        person = self._settings.people.get(call.person)
        page = Page(
            0, call.person, call.role, call.kind.value, next_person, call.next_at_ms, before, text,
            None if person is None else person.lang,
        )  # fmt: skip
        alert = Alert(call.key, self._alert_kind(call, incident, state), call.at_ms, incident)
        plan = self._store.plan(incident.id)
        return Posting(call.key, (call,), page, AlertRaised(alert, plan))

    def _morning(self, pairs: Sequence[tuple[Call, Incident]], moved: dict[str, Escalation], desk: Desk) -> Posting:
        """What waited: the gravest and largest first, in one message."""
        pairs = sorted(pairs, key=lambda pair: (-pair[1].level, -pair[1].evidence.observed, pair[1].id))
        call, incident = pairs[0]
        single = self._posting(call, incident, moved[call.incident_id], desk=desk)
        if len(pairs) == 1:
            return single
        items = tuple(PageItem(0, one.id, self._line(one)) for _, one in pairs)
        digest = blake2b("/".join(sorted(one.key for one, _ in pairs)).encode(), digest_size=9).hexdigest()
        key = f"morning/{digest}"
        alert = single.raised.alert._replace(key=key)
        return Posting(
            key,
            tuple(one for one, _ in pairs),
            single.page._replace(items=items),
            AlertRaised(alert, single.raised.plan),
        )

    def _line(self, incident: Incident) -> str:
        """An incident in a line of the morning's message."""
        raised = AlertRaised(Alert("", AlertKind.OPENED, incident.opened_at_ms, incident), None)
        evidence = incident.evidence
        figures = f"{number(round(evidence.observed), self._look.lang)} / {number(evidence.expected, self._look.lang)}"
        return f"{render.title(raised, self._look)} ({figures})"

    def _alert_kind(self, call: Call, incident: Incident, state: Escalation | None) -> AlertKind:
        if call.kind is CallKind.OVER:
            return AlertKind.CONTAINED if incident.phase is Phase.CONTAINED else AlertKind.RESOLVED
        if call.kind is CallKind.RISE or (state is not None and state.rises):
            return AlertKind.REOPENED if self._kind.get(incident.id) is AlertKind.REOPENED else AlertKind.RAISED
        return AlertKind.REOPENED if incident.waves > 1 else AlertKind.OPENED

    def _noted(self, connection: Connection, postings: Sequence[Posting]) -> None:
        """The log of the incident (main courante) says who was called, in the same transaction."""
        for posting in postings:
            incident = posting.raised.alert.incident
            events = [
                RunEvent(call.incident_id, call.at_ms, "vigie", "page", "", said)
                for call in posting.calls
                if (said := called(call, posting.page, self._look.lang))
            ]
            if events:
                self._store.runs.write_events(connection, events, exercise=incident.exercise)

    # --- the weekly test ------------------------------------------------------------------------------------------

    def _weekly(self, now_ms: int, postings: list[Posting]) -> list[tuple[str, str, int]]:
        """The weekly test when its time has come; its timer when that changes."""
        section = self._settings.oncall.test
        if section is None:
            return []
        zone = ZoneInfo(self._settings.timezone)
        next_ms = next_weekly_ms(section.day, section.at, zone, now_ms)
        due_ms = self._store.pages.timer(TEST_TIMER)
        if due_ms is not None and due_ms > now_ms:
            return [] if due_ms <= next_ms else [(TEST_TIMER, "test", next_ms)]
        if due_ms is not None and now_ms - due_ms <= TEST_LATE_MS_MAX:
            name = local(due_ms, zone).date().isoformat()
            calls = self._test_calls(now_ms, None, name)
            postings += [
                self._posting(call, trial_incident(call.incident_id, now_ms, self._look.lang), None) for call in calls
            ]
        return [(TEST_TIMER, "test", next_ms)]

    def _test_calls(self, now_ms: int, people: Sequence[tuple[str, str]] | None, name: str) -> list[Call]:
        if people is None:
            section = self._settings.oncall.test
            roles: Iterable[str] = (section.roles if section else ()) or roles_of(self._settings)
            rota = self.rota(now_ms)
            people = [(person, role) for role in roles for person in rota.who(role, now_ms)[:1]]
        once = dict(reversed(people))
        return [
            Call(f"test/{name}/{person}", f"test-{name}", person, role, 0, CallKind.TEST, Level.JAUNE, now_ms)
            for person, role in dict.fromkeys((person, once[person]) for person, _ in people)
        ]


class KeeperThread:
    """Turns a keeper every second, at once after `wake`."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="oncall", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was raised or answered."""
        self._wake.set()

    def stop(self, timeout_s: float = 5.0) -> None:
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.stop()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._keeper.turn()
            except VigieError as error:  # the store is busy or gone: what is due stays due
                log.warning("%s", error)
            except Exception:  # the thread must live on: without it nobody is called
                log.exception("on call: unexpected")
            self._wake.wait(POLL_S)
            self._wake.clear()
