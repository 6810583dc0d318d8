"""The rota, the quiet hours and the ladder out of the settings, and the desk that answers from all of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from engine.domain.incident import Level
from ops.delivery.stages.mute import fits
from ops.oncall.escalation import Ladder, Rung
from ops.oncall.ics import read_rota
from ops.oncall.rota import Always, Layer, Quiet, RoleRota, Rota, Rotation, Shift, holidays_of, local
from ops.oncall.section import RotaSection, day_number, time_of

if TYPE_CHECKING:
    from ops.oncall.rota import IsHoliday
    from ops.settings import Settings
    from ops.store.outbox import Mute

WEEK_DAYS = 7


def rota_of(settings: Settings, now_ms: int) -> Rota:
    """Every role of the settings. Raises ConfigError when a calendar file can't be used."""
    people = list(settings.people)
    is_holiday = holidays_of(settings.oncall.holidays.country, settings.oncall.holidays.region)
    roles = {
        section.role: RoleRota(
            tuple(_layers(section, ZoneInfo(section.timezone or settings.timezone), is_holiday, people, now_ms)),
            section.deputies,
        )
        for section in settings.oncall.rotas
    }
    for role, names in settings.roles.items():
        reachable = tuple(name for name in names if name in settings.people)
        if role not in roles and reachable:
            roles[role] = RoleRota((Always(reachable[:1]),), reachable[1:])
    return Rota(roles)


def _layers(
    section: RotaSection, zone: ZoneInfo, is_holiday: IsHoliday, people: Sequence[str], now_ms: int
) -> list[Layer]:
    layers: list[Layer] = [Always(section.people)] if section.people else []
    if section.rotation is not None:
        turn = section.rotation
        first = date.fromisoformat(turn.first)
        layers.append(Rotation(turn.people, first, time_of(turn.at), zone, turn.every_days))
    # A shift that stands later in the file counts more.
    layers += [
        Shift(
            frozenset(day_number(day) for day in shift.days),
            time_of(shift.start),
            time_of(shift.end),
            shift.people,
            zone,
            shift.holidays,
            shift.rotate_weeks,
            date.fromisoformat(shift.since),
            is_holiday,
        )
        for shift in section.shifts
    ]
    if section.ics is not None:
        layers.append(read_rota(section.ics, zone, people, now_ms))
    return layers


def quiet_of(settings: Settings) -> Quiet | None:
    """The quiet hours; None when there are none."""
    found = settings.oncall.quiet
    if found is None:
        return None
    is_holiday = holidays_of(settings.oncall.holidays.country, settings.oncall.holidays.region)
    return Quiet(
        time_of(found.start),
        time_of(found.end),
        ZoneInfo(settings.timezone),
        found.weekends,
        found.holidays,
        is_holiday,
    )


def ladder_of(settings: Settings) -> Ladder:
    """Who is called in which order, and how long each has."""
    section = settings.oncall
    rungs = tuple(Rung(rung.role, rung.deputy) for rung in section.ladder)
    growth = section.quiet.growth if section.quiet else 3.0
    return Ladder(rungs, section.ack_min.ms(), section.at_once.of, growth)


def roles_of(settings: Settings) -> tuple[str, ...]:
    """The roles of the ladder that somebody holds, in its order."""
    known = {rota.role for rota in settings.oncall.rotas}
    known |= {role for role, names in settings.roles.items() if any(name in settings.people for name in names)}
    return tuple(dict.fromkeys(rung.role for rung in settings.oncall.ladder if rung.role in known))


@dataclass(frozen=True, slots=True)
class Desk:
    """What the rules of the escalation ask: the rota with its overrides, the quiet hours, the mutes in force."""

    rota: Rota
    quiet: Quiet | None
    mutes: Callable[[int], Sequence[Mute]]

    def who(self, role: str, at_ms: int) -> tuple[str, ...]:
        return self.rota.who(role, at_ms)

    def next_change_ms(self, role: str, at_ms: int) -> int | None:
        return self.rota.next_change_ms(role, at_ms, 2 * 86_400_000)

    def quiet_until_ms(self, at_ms: int) -> int | None:
        return self.quiet.until_ms(at_ms) if self.quiet is not None else None

    def muted_until_ms(self, brand: str, incident_id: str, level: Level, at_ms: int) -> int | None:
        ends = [found.until_ms for found in self.mutes(at_ms) if fits(found, brand, incident_id, level)]
        return max(ends, default=None)


def next_weekly_ms(day: str, at: str, zone: ZoneInfo, after_ms: int) -> int:
    """The next time that this day of the week has this hour.

    >>> from datetime import datetime
    >>> paris = ZoneInfo("Europe/Paris")
    >>> friday = int(datetime(2026, 3, 27, 12, tzinfo=paris).timestamp() * 1000)
    >>> local(next_weekly_ms("monday", "10:00", paris, friday), paris).isoformat()
    '2026-03-30T10:00:00+02:00'
    """
    from datetime import timedelta

    from ops.oncall.rota import instant_ms

    today = local(after_ms, zone).date()
    days = (today + timedelta(days=n) for n in range(WEEK_DAYS + 1))
    times = (instant_ms(found, time_of(at), zone) for found in days if found.weekday() == day_number(day))
    return next(found for found in times if found > after_ms)
