"""Who is called next when nobody answers. Pure: states, timers and calls as data; time and rota are arguments.

An incident that was raised climbs a ladder: the person on call, the deputy, the lead, the decision maker. Each is
called once, the clock of the level apart, until somebody takes the incident. What can happen, and when it goes on, is
the table `TRANSITIONS`; what is due stands in the state itself (`due_at_ms`), so that a process that died goes on where
it was: `advance` calls everybody who should have been called by now, each once.

- A jaune in quiet hours waits for the morning, unless it grows.
- In a maintenance window it waits for the window's end.
- When the shift changes meanwhile, the new person is called at the handover, and the clock goes on.
- When the level rises, those called already hear of it at once and the clock is the new level's; it never gets slower.
- A step that has nobody (a gap in the rota), or somebody who was called already, takes no time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple, Protocol

from engine.domain.incident import Level

LOOK_MS = 300_000
"""How often a jaune that waits is looked at for growth."""
STEPS_MAX = 1_000
"""More timers than this in one `advance` is a mistake in the rota, not a night."""


class State(StrEnum):
    """Where the calls for an incident stand."""

    CALLING = "calling"
    WAITING = "waiting"
    """Quiet hours or maintenance."""
    UNANSWERED = "unanswered"
    """Everybody was called, nobody took it."""
    TAKEN = "taken"
    OVER = "over"


class Event(StrEnum):
    """What moves it."""

    RAISED = "raised"  # the incident opened, rose or came back
    HELD = "held"  # quiet hours or maintenance are in force
    FREED = "freed"  # they are over, or it has grown
    LAST = "last"  # the last of the ladder has had the time to answer
    TAKEN = "taken"  # a person acknowledged it
    ENDED = "ended"  # contained, resolved, or a false alarm


TRANSITIONS: Mapping[tuple[State | None, Event], State] = MappingProxyType(
    {
        (None, Event.RAISED): State.CALLING,
        (State.CALLING, Event.RAISED): State.CALLING,
        (State.CALLING, Event.HELD): State.WAITING,
        (State.CALLING, Event.LAST): State.UNANSWERED,
        (State.CALLING, Event.TAKEN): State.TAKEN,
        (State.CALLING, Event.ENDED): State.OVER,
        (State.WAITING, Event.RAISED): State.CALLING,
        (State.WAITING, Event.FREED): State.CALLING,
        (State.WAITING, Event.TAKEN): State.TAKEN,
        (State.WAITING, Event.ENDED): State.OVER,
        (State.UNANSWERED, Event.RAISED): State.CALLING,
        (State.UNANSWERED, Event.TAKEN): State.TAKEN,
        (State.UNANSWERED, Event.ENDED): State.OVER,
        (State.TAKEN, Event.RAISED): State.TAKEN,
        (State.TAKEN, Event.ENDED): State.OVER,
        (State.OVER, Event.RAISED): State.CALLING,
    }
)
"""State × event -> state. A pair that is absent changes nothing. The diagram in docs/oncall.md is drawn from it."""


class CallKind(StrEnum):
    """Why somebody is called or told."""

    CALL = "call"
    """Take it: the clock runs."""
    MORNING = "morning"
    """The same, for what waited in the night: told together."""
    RISE = "rise"
    """Whoever was called hears that it has risen."""
    HANDOVER = "handover"
    """A new shift begins while nobody has taken it."""
    UNANSWERED = "unanswered"
    """Nobody took it: all are told once more, and the team's channels."""
    TAKEN = "taken"
    """Somebody else has it."""
    OVER = "over"
    """It is over; nothing to do."""
    STEP = "step"
    """A step of a playbook is overdue."""
    TEST = "test"
    """The weekly test."""


class Call(NamedTuple):
    """Tell one person. `key` is the same for the same fact, whatever crashes in between; `rung` counts from 0.

    `next_at_ms` is when the next one is called, None when nobody is left or the clock does not run.
    """

    key: str
    incident_id: str
    person: str
    role: str
    rung: int
    kind: CallKind
    level: Level
    at_ms: int
    next_at_ms: int | None = None


class Told(NamedTuple):
    """Who was called, for which role, when."""

    person: str
    role: str
    rung: int
    at_ms: int


class Rung(NamedTuple):
    """One step of the ladder: the person of a role, or the next one behind."""

    role: str
    deputy: bool = False


@dataclass(frozen=True, slots=True)
class Ladder:
    """The rules. `ack_ms` is how long a person of each level has; `at_once` roles are called in the first minute."""

    rungs: tuple[Rung, ...]
    ack_ms: Mapping[Level, int]
    at_once: Callable[[Level], tuple[str, ...]] = lambda _level: ()
    growth: float = 3.0


class Duty(Protocol):
    """What the rules ask the rota and the calendar."""

    def who(self, role: str, at_ms: int) -> tuple[str, ...]:
        """The person on call, then those behind."""
        ...

    def next_change_ms(self, role: str, at_ms: int) -> int | None:
        """When somebody else takes over."""
        ...

    def quiet_until_ms(self, at_ms: int) -> int | None:
        """When the quiet hours in force end; None when it is not quiet."""
        ...

    def muted_until_ms(self, brand: str, incident_id: str, level: Level, at_ms: int) -> int | None:
        """When the maintenance that holds this back ends; None when nothing does."""
        ...


@dataclass(frozen=True, slots=True)
class Escalation:
    """The calls for one incident. `episode` counts openings and waves, `rises` the times its level rose since."""

    incident_id: str
    brand: str
    level: Level
    state: State
    episode: int
    began_at_ms: int
    rises: int = 0
    rung: int = 0
    """The next step of the ladder."""
    rung_at_ms: int = 0
    """When that step is due."""
    handover_at_ms: int | None = None
    held_until_ms: int | None = None
    waited: bool = False
    woken: bool = False
    """It has grown: no quiet hour holds it any more."""
    told: tuple[Told, ...] = ()
    observed: float = 0.0
    """Negatives when it began to wait."""
    taken_by: str | None = None

    @property
    def due_at_ms(self) -> int | None:
        """When `advance` has something to do next; None when it has not."""
        if self.state is State.CALLING:
            return self.rung_at_ms if self.handover_at_ms is None else min(self.rung_at_ms, self.handover_at_ms)
        return self.held_until_ms if self.state is State.WAITING else None

    @property
    def people(self) -> tuple[str, ...]:
        """Everybody called so far, the first one first."""
        return tuple(dict.fromkeys(told.person for told in self.told))


Moved = tuple[Escalation, tuple[Call, ...]]


def _after(found: Escalation, event: Event) -> State:
    """The state after; the same when the table has no such pair."""
    return TRANSITIONS.get((found.state, event), found.state)


def begin(
    incident_id: str, brand: str, level: Level, at_ms: int, duty: Duty, ladder: Ladder, *, observed: float = 0.0,
    episode: int = 1,
) -> Moved:  # fmt: skip
    """An incident was raised at `at_ms`: call the first, or wait."""
    found = Escalation(incident_id, brand, level, State.CALLING, episode, at_ms, rung_at_ms=at_ms, observed=observed)
    return advance(found, at_ms, duty, ladder, observed=observed)


def rise(found: Escalation, level: Level, at_ms: int, duty: Duty, ladder: Ladder, *, observed: float = 0.0) -> Moved:
    """It rose, or came back: everybody who was called hears of it at once, and the clock is the new level's."""
    state = _after(found, Event.RAISED)
    if found.state is State.OVER:
        return begin(
            found.incident_id, found.brand, level, at_ms, duty, ladder, observed=observed, episode=found.episode + 1
        )
    risen = replace(found, level=level, rises=found.rises + 1, state=state, held_until_ms=None, waited=False)
    if state is State.TAKEN:
        people = (risen.taken_by,) if risen.taken_by else risen.people
        return risen, tuple(
            _call(risen, f"rise{risen.rises}/{name}", name, "", 0, CallKind.RISE, at_ms) for name in people
        )
    if found.state is State.UNANSWERED:  # all were called and hear of it again: the clock starts once more
        risen = replace(risen, rung=len(ladder.rungs))
    if not risen.told or _held_until_ms(risen, at_ms, duty) is not None:
        return advance(replace(risen, rung_at_ms=at_ms), at_ms, duty, ladder, observed=observed)
    next_ms = at_ms + ladder.ack_ms[level]
    if found.state is State.CALLING and found.rung_at_ms > at_ms:
        next_ms = min(next_ms, found.rung_at_ms)  # a clock that runs gets no slower
    risen = replace(risen, rung_at_ms=next_ms)
    first = {told.person: told for told in reversed(risen.told)}
    calls = [
        _call(
            risen, f"rise{risen.rises}/{name}", name, first[name].role, first[name].rung, CallKind.RISE, at_ms, next_ms
        )
        for name in risen.people
    ]
    risen, more = _at_once(risen, at_ms, duty, ladder)
    risen, others = advance(_watched(risen, at_ms, duty, ladder), at_ms, duty, ladder, observed=observed)
    return risen, (*calls, *more, *others)


def take(found: Escalation, by: str, at_ms: int) -> Moved:
    """Somebody acknowledged it: the calls stop, and whoever else was called may turn round."""
    state = _after(found, Event.TAKEN)
    if state is found.state:
        return found, ()
    taken = replace(found, state=state, taken_by=by, held_until_ms=None)
    calls = tuple(
        _call(taken, f"taken{taken.rises}/{name}", name, "", 0, CallKind.TAKEN, at_ms)
        for name in taken.people
        if name != by
    )
    return taken, calls


def end(found: Escalation, at_ms: int) -> Moved:
    """It is contained or closed: the calls stop. Those who were called and never relieved hear of it."""
    state = _after(found, Event.ENDED)
    if state is found.state:
        return found, ()
    over = replace(found, state=state, held_until_ms=None)
    told = found.people if found.state is not State.TAKEN else (found.taken_by,) if found.taken_by else ()
    return over, tuple(_call(over, f"over/{name}", name, "", 0, CallKind.OVER, at_ms) for name in told)


def advance(found: Escalation, now_ms: int, duty: Duty, ladder: Ladder, *, observed: float | None = None) -> Moved:
    """Everything that is due by `now_ms`, in its order. `observed` are the incident's negatives now, if known."""
    calls: list[Call] = []
    for _ in range(STEPS_MAX):
        due_ms = found.due_at_ms
        if due_ms is None or due_ms > now_ms:
            break
        step = _wake if found.state is State.WAITING else _climb
        found, more = step(found, due_ms, now_ms, duty, ladder, observed)
        calls += more
    return found, tuple(calls)


def _climb(
    found: Escalation, due_ms: int, now_ms: int, duty: Duty, ladder: Ladder, observed: float | None
) -> tuple[Escalation, list[Call]]:
    """The timer of the ladder, or of a handover."""
    until_ms = _held_until_ms(found, now_ms, duty)
    if until_ms is not None:
        began = found.observed if observed is None else observed
        look_ms = min(until_ms, now_ms + LOOK_MS)
        state = _after(found, Event.HELD)
        return replace(found, state=state, held_until_ms=look_ms, waited=True, observed=began), []
    if found.handover_at_ms is not None and found.handover_at_ms <= now_ms:
        return _handed_over(found, now_ms, duty, ladder)
    if found.rung >= len(ladder.rungs):
        return _unanswered(found, now_ms, ladder)
    rung = found.rung
    next_ms = due_ms + ladder.ack_ms[found.level]
    people = _of(ladder.rungs[rung], duty, now_ms)
    fresh = [name for name in people if name not in found.people]
    if not fresh:  # nobody there, or called already: the next one, at once
        return replace(found, rung=rung + 1), []
    kind = CallKind.MORNING if found.waited and not found.told else CallKind.CALL
    person, role = fresh[0], ladder.rungs[rung].role
    first = not found.told
    climbed = replace(found, rung=rung + 1, rung_at_ms=next_ms, told=(*found.told, Told(person, role, rung, now_ms)))
    calls = [_call(climbed, f"{rung}/{person}", person, role, rung, kind, now_ms, next_ms)]
    if first:
        climbed, more = _at_once(climbed, now_ms, duty, ladder, kind)
        calls += more
    return _watched(climbed, now_ms, duty, ladder), calls


def _unanswered(found: Escalation, now_ms: int, ladder: Ladder) -> tuple[Escalation, list[Call]]:
    """The last one has had the time: all hear, once, that nobody has it. The person of the call is "" for the team."""
    last_ms = max((told.at_ms for told in found.told), default=now_ms - ladder.ack_ms[found.level])
    if last_ms + ladder.ack_ms[found.level] > now_ms:  # called late, after a stop: that one has the time all the same
        return replace(found, rung_at_ms=last_ms + ladder.ack_ms[found.level]), []
    state = _after(found, Event.LAST)
    given_up = replace(found, state=state)
    names = ("", *given_up.people)
    calls = [
        _call(given_up, f"unanswered{given_up.rises}/{name}", name, "", 0, CallKind.UNANSWERED, now_ms)
        for name in names
    ]
    return given_up, calls


def _handed_over(found: Escalation, now_ms: int, duty: Duty, ladder: Ladder) -> tuple[Escalation, list[Call]]:
    """A shift changed: whoever answers now for the steps that were climbed, and was not called, is."""
    calls = []
    for i, rung in enumerate(ladder.rungs[: found.rung]):
        for person in _of(rung, duty, now_ms)[:1]:
            if person not in found.people:
                found = replace(found, told=(*found.told, Told(person, rung.role, i, now_ms)))
                calls.append(
                    _call(found, f"{i}/{person}", person, rung.role, i, CallKind.HANDOVER, now_ms, found.rung_at_ms)
                )
    return _watched(found, now_ms, duty, ladder), calls


def _wake(
    found: Escalation, _due_ms: int, now_ms: int, duty: Duty, ladder: Ladder, observed: float | None
) -> tuple[Escalation, list[Call]]:
    """The timer of one that waits: its time has come, it has grown, or it goes on waiting."""
    grown = observed is not None and observed >= max(1.0, found.observed) * ladder.growth
    awake = replace(found, woken=found.woken or grown)
    until_ms = _held_until_ms(awake, now_ms, duty)
    if until_ms is not None:
        return replace(awake, held_until_ms=min(until_ms, now_ms + LOOK_MS)), []
    state = _after(awake, Event.FREED)
    return replace(awake, state=state, held_until_ms=None, rung_at_ms=now_ms, waited=not awake.woken), []


def _held_until_ms(found: Escalation, now_ms: int, duty: Duty) -> int | None:
    """What holds the calls back now: maintenance, or quiet hours for what is not grave."""
    muted_ms = duty.muted_until_ms(found.brand, found.incident_id, found.level, now_ms)
    quiet_ms = duty.quiet_until_ms(now_ms) if found.level <= Level.JAUNE and not found.woken else None
    return max((at_ms for at_ms in (muted_ms, quiet_ms) if at_ms is not None and at_ms > now_ms), default=None)


def _at_once(
    found: Escalation, at_ms: int, duty: Duty, ladder: Ladder, kind: CallKind = CallKind.CALL
) -> tuple[Escalation, list[Call]]:
    """The roles that a level calls in the first minute, each person once."""
    calls = []
    for role in ladder.at_once(found.level):
        for person in duty.who(role, at_ms)[:1]:
            if person not in found.people:
                found = replace(found, told=(*found.told, Told(person, role, 0, at_ms)))
                calls.append(_call(found, f"once/{person}", person, role, 0, kind, at_ms, found.rung_at_ms))
    return found, calls


def _watched(found: Escalation, now_ms: int, duty: Duty, ladder: Ladder) -> Escalation:
    """With the next handover among the roles that were called."""
    roles = dict.fromkeys(rung.role for rung in ladder.rungs[: found.rung])
    changes = [at_ms for role in roles if (at_ms := duty.next_change_ms(role, now_ms)) is not None]
    return replace(found, handover_at_ms=min(changes, default=None))


def _of(rung: Rung, duty: Duty, at_ms: int) -> tuple[str, ...]:
    people = duty.who(rung.role, at_ms)
    return people[1:] if rung.deputy else people[:1]


def _call(
    found: Escalation, what: str, person: str, role: str, rung: int, kind: CallKind, at_ms: int,
    next_ms: int | None = None,
) -> Call:  # fmt: skip
    key = f"{found.incident_id}/call{found.episode}/{what}"
    return Call(key, found.incident_id, person, role, rung, kind, found.level, at_ms, next_ms)


def upcoming(found: Escalation, at_ms: int, duty: Duty, ladder: Ladder) -> str:
    """Who is called next if nobody answers; "" when nobody is left."""
    for rung in ladder.rungs[found.rung :]:
        for person in _of(rung, duty, at_ms):
            if person not in found.people:
                return person
    return ""
