"""Who is on call for a role, at any moment: rotations, weekly shifts, calendars, overrides, deputies.

A role's rota is a pile of layers. Each gives turns, intervals with the people who answer, and where several speak the
upper one counts: an override over a calendar, a calendar over shifts. Times of day are times on the wall of the rota's
zone, so that a handover at 09:00 stays at 09:00 when the clocks change; between the two layers' ends there is neither a
gap nor a double turn, since both ends are the same reading of the same clock.

>>> from zoneinfo import ZoneInfo
>>> weekly = Rotation(("Camille", "Nour"), date(2026, 3, 23), time(9), ZoneInfo("Europe/Paris"))
>>> rota = Rota({"community_manager": RoleRota((weekly,), deputies=("Léa",))})
>>> rota.who("community_manager", instant_ms(date(2026, 3, 30), time(8, 59), ZoneInfo("Europe/Paris")))
('Camille', 'Léa')
>>> rota.who("community_manager", instant_ms(date(2026, 3, 30), time(9), ZoneInfo("Europe/Paris")))
('Nour', 'Léa')
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Literal, NamedTuple, Protocol
from zoneinfo import ZoneInfo

DAY_MS = 86_400_000
QUIET_DAYS_MAX = 31

IsHoliday = Callable[[date], bool]


def no_holiday(_day: date) -> bool:
    """A calendar without holidays."""
    return False


def instant_ms(day: date, at: time, zone: ZoneInfo) -> int:
    """When the clock on the wall of `zone` shows that, in milliseconds since 1970.

    An hour that the clocks skip is read as if they had not been moved yet, one that comes twice is the first of both.

    >>> paris = ZoneInfo("Europe/Paris")
    >>> instant_ms(date(2026, 3, 29), time(2, 30), paris) == instant_ms(date(2026, 3, 29), time(3, 30), paris)
    True
    """
    return int(datetime.combine(day, at, zone).timestamp() * 1000)


def local(at_ms: int, zone: ZoneInfo) -> datetime:
    """The moment as the clock on the wall shows it."""
    return datetime.fromtimestamp(at_ms / 1000, zone)


class Turn(NamedTuple):
    """These people answer from `start_ms` to before `end_ms`, the first one first; nobody when there is none."""

    start_ms: int
    end_ms: int
    people: tuple[str, ...]
    source: str = ""


class Layer(Protocol):
    """One way to say who answers."""

    def turns(self, start_ms: int, end_ms: int) -> Iterable[Turn]:
        """The turns that reach into the interval; they may begin before it and end after it."""
        ...


@dataclass(frozen=True, slots=True)
class Rotation:
    """The people take turns, `every_days` each; `first` is a day on which the first of them takes over, `at` the hour.

    It has no beginning and no end: before `first` the turns go round backwards.
    """

    people: tuple[str, ...]
    first: date
    at: time
    zone: ZoneInfo
    every_days: int = 7

    def turns(self, start_ms: int, end_ms: int) -> Iterable[Turn]:
        turn = (local(start_ms, self.zone).date() - self.first).days // self.every_days - 1
        while (begins_ms := self._handover_ms(turn)) < end_ms:
            ends_ms = self._handover_ms(turn + 1)
            if ends_ms > start_ms:
                yield Turn(begins_ms, ends_ms, (self.people[turn % len(self.people)],), "rotation")
            turn += 1

    def _handover_ms(self, turn: int) -> int:
        return instant_ms(self.first + timedelta(days=turn * self.every_days), self.at, self.zone)


@dataclass(frozen=True, slots=True)
class Shift:
    """On these days of the week (0 is Monday) from `start` to `end`, which is on the next day if it is not later.

    `on_holidays` judges the day on which the shift begins. With `rotate_weeks` the person in charge changes every so
    many weeks, counted from the week of `since`; the others stand behind in the same order.
    """

    days: frozenset[int]
    start: time
    end: time
    people: tuple[str, ...]
    zone: ZoneInfo
    on_holidays: Literal["also", "only", "never"] = "also"
    rotate_weeks: int | None = None
    since: date = date(2024, 1, 1)
    is_holiday: IsHoliday = field(default=no_holiday, compare=False)

    def turns(self, start_ms: int, end_ms: int) -> Iterable[Turn]:
        day = local(start_ms, self.zone).date() - timedelta(days=1)
        while (begins_ms := instant_ms(day, self.start, self.zone)) < end_ms:
            if self._on(day):
                last = day if self.end > self.start else day + timedelta(days=1)
                ends_ms = instant_ms(last, self.end, self.zone)
                if begins_ms < ends_ms and ends_ms > start_ms:
                    yield Turn(begins_ms, ends_ms, self._people(day), "shift")
            day += timedelta(days=1)

    def _on(self, day: date) -> bool:
        if self.on_holidays == "only":
            return self.is_holiday(day)
        if day.weekday() not in self.days:
            return False
        return self.on_holidays == "also" or not self.is_holiday(day)

    def _people(self, day: date) -> tuple[str, ...]:
        if self.rotate_weeks is None:
            return self.people
        weeks = (day.toordinal() - 1) // 7 - (self.since.toordinal() - 1) // 7
        first = weeks // self.rotate_weeks % len(self.people)
        return self.people[first:] + self.people[:first]


@dataclass(frozen=True, slots=True)
class Fixed:
    """Turns as they are: of a calendar file, or overrides."""

    listed: tuple[Turn, ...]

    def turns(self, start_ms: int, end_ms: int) -> Iterable[Turn]:
        return (turn for turn in self.listed if turn.start_ms < end_ms and turn.end_ms > start_ms)


@dataclass(frozen=True, slots=True)
class Always:
    """The same people at all times."""

    people: tuple[str, ...]

    def turns(self, start_ms: int, end_ms: int) -> Iterable[Turn]:
        return (Turn(start_ms, end_ms, self.people, "always"),) if self.people else ()


@dataclass(frozen=True, slots=True)
class RoleRota:
    """A role's layers, the lowest first, and those who stand behind whoever is on call."""

    layers: tuple[Layer, ...]
    deputies: tuple[str, ...] = ()


class Override(NamedTuple):
    """Somebody stands in for a role for a while. `id` is its number in the store."""

    id: int
    role: str
    person: str
    start_ms: int
    end_ms: int
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Rota:
    """All roles. Pure: the time is always an argument."""

    roles: Mapping[str, RoleRota]

    def who(self, role: str, at_ms: int) -> tuple[str, ...]:
        """Whom to call for a role: the person on call, those behind, then the deputies; nobody in a gap.

        An unknown role is nobody's.
        """
        found = self.roles.get(role)
        if found is None:
            return ()
        return tuple(dict.fromkeys((*self._on_call(found, at_ms), *found.deputies)))

    def on_call(self, role: str, at_ms: int) -> tuple[str, ...]:
        """Those whose turn it is, without deputies."""
        found = self.roles.get(role)
        return () if found is None else self._on_call(found, at_ms)

    @staticmethod
    def _on_call(rota: RoleRota, at_ms: int) -> tuple[str, ...]:
        for layer in reversed(rota.layers):
            people = tuple(name for turn in layer.turns(at_ms, at_ms + 1) for name in turn.people)
            if people:
                return people
        return ()

    def timeline(self, role: str, start_ms: int, end_ms: int) -> list[Turn]:
        """Who is on call when, without holes: a gap is a turn of nobody. Neighbours with the same people are one."""
        found = self.roles.get(role)
        if found is None:
            return [Turn(start_ms, end_ms, ())] if end_ms > start_ms else []
        edges = {start_ms, end_ms}
        for layer in found.layers:
            for turn in layer.turns(start_ms, end_ms):
                edges |= {turn.start_ms, turn.end_ms}
        cuts = sorted(edge for edge in edges if start_ms <= edge <= end_ms)
        turns: list[Turn] = []
        for begins_ms, ends_ms in pairwise(cuts):
            people = self._on_call(found, begins_ms)
            if turns and turns[-1].people == people:
                turns[-1] = turns[-1]._replace(end_ms=ends_ms)
            else:
                turns.append(Turn(begins_ms, ends_ms, people))
        return turns

    def gaps(self, role: str, start_ms: int, end_ms: int) -> list[Turn]:
        """When nobody is on call for a role."""
        return [turn for turn in self.timeline(role, start_ms, end_ms) if not turn.people]

    def next_change_ms(self, role: str, at_ms: int, within_ms: int = 35 * DAY_MS) -> int | None:
        """When somebody else takes over, or nobody does; None when that is not within `within_ms`."""
        turns = self.timeline(role, at_ms, at_ms + within_ms)
        return turns[1].start_ms if len(turns) > 1 else None

    def people(self, start_ms: int, end_ms: int) -> frozenset[str]:
        """Everybody who is on call or a deputy at some time."""
        named = {name for rota in self.roles.values() for name in rota.deputies}
        for role in self.roles:
            named |= {name for turn in self.timeline(role, start_ms, end_ms) for name in turn.people}
        return frozenset(named)

    def with_overrides(self, overrides: Sequence[Override]) -> Rota:
        """The same with these on top; later ones count more."""
        roles = dict(self.roles)
        for found in overrides:
            rota = roles.get(found.role, RoleRota(()))
            turn = Turn(found.start_ms, found.end_ms, (found.person,), "override")
            roles[found.role] = replace(rota, layers=(*rota.layers, Fixed((turn,))))
        return replace(self, roles=roles)


@dataclass(frozen=True, slots=True)
class Quiet:
    """The hours in which a jaune waits for the morning. Equal `start` and `end` mean no such hours of the day."""

    start: time
    end: time
    zone: ZoneInfo
    weekends: bool = False
    holidays: bool = False
    is_holiday: IsHoliday = field(default=no_holiday, compare=False)

    def covers(self, at_ms: int) -> bool:
        """Is it quiet now?"""
        moment = local(at_ms, self.zone)
        if (self.weekends and moment.weekday() >= 5) or (self.holidays and self.is_holiday(moment.date())):
            return True
        now = moment.time()
        if self.start <= self.end:
            return self.start <= now < self.end
        return now >= self.start or now < self.end

    def until_ms(self, at_ms: int) -> int | None:
        """When the quiet in force ends; None when it is not quiet. A quiet without end ends after a month."""
        if not self.covers(at_ms):
            return None
        day = local(at_ms, self.zone).date()
        ends = [
            ends_ms
            for n in range(QUIET_DAYS_MAX + 1)
            for at in sorted({time(0), self.end})
            if (ends_ms := instant_ms(day + timedelta(days=n), at, self.zone)) > at_ms
        ]
        return next((ends_ms for ends_ms in ends if not self.covers(ends_ms)), ends[-1])


def holidays_of(country: str, region: str | None = None) -> IsHoliday:
    """The public holidays of a country, from the package `holidays`; read when first asked.

    Raises ValueError for an unknown country or region.
    """
    import holidays

    try:
        calendar = holidays.country_holidays(country, subdiv=region)
    except NotImplementedError as error:
        raise ValueError(f"no holidays are known for {country}{f' {region}' if region else ''}") from error
    return lambda day: day in calendar
