"""The sections `people` and `oncall` of vigie.yaml: who can be reached how, and who is on call when."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import date, time
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from engine.domain.incident import Level
from ops.channels import Channel
from ops.secret import EnvName, Secret, read_secret
from ops.section import Lang, LevelName, LocalPath, Name, Section, fail, known_zone, refuse_twins

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_FRENCH = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_TIME = re.compile(r"(?:([01]?\d|2[0-3]):([0-5]\d)|24:00)")


def _is_time(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise fail(f"{text!r} is no time of day; write one such as 09:00")
    return text


def _is_day(text: str) -> str:
    day_number(text)
    return text


def _is_date(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise fail(f"{text!r} is no day; write one such as 2026-01-05") from None
    return text


def time_of(text: str) -> time:
    """A time of day; 24:00 is midnight.

    >>> time_of("9:30"), time_of("24:00")
    (datetime.time(9, 30), datetime.time(0, 0))
    """
    hours, _, minutes = text.partition(":")
    return time(int(hours) % 24, int(minutes))


def day_number(text: str) -> int:
    """0 for Monday, in English or French, whole or by its first three letters.

    >>> day_number("monday"), day_number("Mardi"), day_number("sun")
    (0, 1, 6)
    """
    wanted = text.strip().lower()
    for names in (DAYS, _FRENCH):
        for i, name in enumerate(names):
            if wanted in (name, name[:3]):
                return i
    raise fail(f"{text!r} is no day of the week; write monday … sunday, or lundi … dimanche")


TimeOfDay: TypeAlias = Annotated[str, AfterValidator(_is_time)]
DayName: TypeAlias = Annotated[str, StringConstraints(max_length=20), AfterValidator(_is_day)]
Day: TypeAlias = Annotated[str, AfterValidator(_is_date)]
Zone: TypeAlias = Annotated[str, AfterValidator(known_zone)]
People: TypeAlias = Annotated[tuple[Name, ...], Field(min_length=1, max_length=100)]
Minutes: TypeAlias = Annotated[int, Field(ge=1, le=1_440)]


class Person(Section):
    """Somebody who can be called."""

    contacts: Annotated[tuple[Channel, ...], Field(min_length=1, max_length=10)]
    """Ways to reach this person alone: channels as under alerts.channels, all of them used at once. With `level_min` an
    SMS can be kept for what is grave."""
    lang: Lang | None = None
    """The person's language; the team's when not given."""

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        refuse_twins("contact", [contact.name for contact in self.contacts])
        for contact in self.contacts:
            if contact.type == "console" or contact.type == "alertmanager":
                raise fail(f"{contact.type} reaches no person; write apprise, slack, teams, pagerduty or webhook")
        return self


class RotationSection(Section):
    """People who take turns."""

    people: People
    """In the order of their turns."""
    first: Day
    """A day on which the first of them takes over."""
    at: TimeOfDay = "09:00"
    """The hour of the handover."""
    every_days: Annotated[int, Field(ge=1, le=366)] = 7
    """How long a turn lasts, in days."""


class ShiftSection(Section):
    """The same hours every week."""

    days: Annotated[tuple[DayName, ...], Field(min_length=1, max_length=7)] = DAYS
    """Days on which it begins."""
    start: TimeOfDay
    """When it begins."""
    end: TimeOfDay
    """When it ends; on the next day if that is not later."""
    people: People
    """Who has it; the first answers, the others stand behind."""
    holidays: Literal["also", "only", "never"] = "also"
    """Is there such a shift on public holidays too, only then (on any day of the week), or never?"""
    rotate_weeks: Annotated[int, Field(ge=1, le=52)] | None = None
    """After how many weeks the next of them becomes the first; null for never."""
    since: Day = "2024-01-01"
    """A day in the week in which the first of them is the first."""


class RotaSection(Section):
    """Who is on call for one role."""

    role: Name
    """The role, as the playbooks call it: community_manager, incident_lead, decision_maker and so on."""
    timezone: Zone | None = None
    """The zone of its hours; the team's when not given."""
    people: Annotated[tuple[Name, ...], Field(max_length=100)] = ()
    """Those who always are, when nothing below says otherwise."""
    rotation: RotationSection | None = None
    """People who take turns."""
    shifts: Annotated[tuple[ShiftSection, ...], Field(max_length=100)] = ()
    """Hours of the week; they count more than the rotation."""
    ics: LocalPath | None = None
    """A calendar file of turns, as Google Calendar or Outlook export it; it counts more than the shifts."""
    deputies: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    """Who is called when the person on call does not answer."""
    gaps: bool = False
    """Is it meant that at times nobody has this role? Then `vigie check` does not complain of it."""

    @model_validator(mode="after")
    def _has_someone(self) -> Self:
        if not self.people and self.rotation is None and not self.shifts and self.ics is None:
            raise fail(f"nobody is on call for {self.role}; set people, rotation, shifts or ics")
        return self

    def named(self) -> Iterable[str]:
        """Everybody that the settings name here; those of the calendar stand there."""
        yield from self.people
        yield from self.rotation.people if self.rotation else ()
        for shift in self.shifts:
            yield from shift.people
        yield from self.deputies


class RungSection(Section):
    """One step of the ladder."""

    role: Name
    """Whose turn it is to be called."""
    deputy: bool = False
    """The next one behind whoever is on call, instead of that person?"""


class AckMinutes(Section):
    """How long a person has to answer before the next one is called."""

    jaune: Minutes = 15
    """In minutes, at level jaune."""
    orange: Minutes = 5
    """In minutes, at level orange."""
    rouge: Minutes = 5
    """In minutes, at level rouge."""

    def ms(self) -> dict[Level, int]:
        """By level, in milliseconds."""
        minutes = {Level.VERT: self.jaune, Level.JAUNE: self.jaune, Level.ORANGE: self.orange, Level.ROUGE: self.rouge}
        return {level: n * 60_000 for level, n in minutes.items()}


class AtOnce(Section):
    """Roles that are called in the first minute, beside the person on call."""

    jaune: Annotated[tuple[Name, ...], Field(max_length=10)] = ()
    """At level jaune."""
    orange: Annotated[tuple[Name, ...], Field(max_length=10)] = ()
    """At level orange."""
    rouge: Annotated[tuple[Name, ...], Field(max_length=10)] = ()
    """At level rouge."""

    def of(self, level: Level) -> tuple[str, ...]:
        return {Level.ORANGE: self.orange, Level.ROUGE: self.rouge}.get(level, self.jaune)


class QuietSection(Section):
    """When a jaune waits for the morning instead of waking somebody."""

    start: TimeOfDay = "22:00"
    """When it begins."""
    end: TimeOfDay = "07:00"
    """When it ends, and what waited is told in one message."""
    weekends: bool = False
    """Are Saturdays and Sundays quiet all day?"""
    holidays: bool = False
    """Are public holidays quiet all day?"""
    growth: Annotated[float, Field(ge=1.1, le=100)] = 3.0
    """Told at once after all when its negatives have multiplied by this since it began to wait."""


class HolidaySection(Section):
    """Whose public holidays count."""

    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = "FR"
    """ISO 3166 code."""
    region: Annotated[str, StringConstraints(max_length=20)] | None = None
    """A part of the country with holidays of its own, such as Moselle, which has Good Friday too."""

    @model_validator(mode="after")
    def _known(self) -> Self:
        from ops.oncall.rota import holidays_of

        try:
            holidays_of(self.country, self.region)
        except ValueError as error:
            raise fail(str(error)) from None
        return self


class Maintenance(Section):
    """A while in which nobody is called and no channel is told."""

    start: Annotated[str, StringConstraints(max_length=40)]
    """2026-02-03T22:00, in the team's time; a day alone begins at midnight."""
    end: Annotated[str, StringConstraints(max_length=40)]
    """When it is over; a day alone means its end."""
    reason: Name = "maintenance"
    """Why; it stands in the record of what was held back."""
    brands: Annotated[tuple[Name, ...], Field(max_length=1_000)] = ()
    """For these brands; empty for all."""
    level_max: LevelName = "orange"
    """Nothing graver than this is held back."""


class WeeklyTest(Section):
    """A test alert, so that a number that changed is noticed before the crisis."""

    day: DayName = "monday"
    """The day of the week."""
    at: TimeOfDay = "10:00"
    """The hour, in the team's time."""
    roles: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    """To whoever is on call for these; empty for all roles of the ladder."""


class DeadMan(Section):
    """A sign of life to a service outside, which calls you when it no longer comes."""

    url_env: EnvName | None = None
    """Environment variable that holds the address to ping."""
    url_file: LocalPath | None = None
    """File that holds it."""
    every_s: Annotated[int, Field(ge=10, le=3_600)] = 60
    """How often, in seconds."""
    allow_private: bool = False
    """May it be plain http or an address of a private network?"""

    @model_validator(mode="after")
    def _has_address(self) -> Self:
        if self.url_env is None and self.url_file is None:
            raise fail("set url_env or url_file: the address is a secret")
        return self

    def url(self, environ: Mapping[str, str] | None = None) -> Secret:
        """The address. Raises ConfigError when it can't be read."""
        found = read_secret("oncall.deadman.url", self.url_env, self.url_file, environ)
        assert found is not None  # the validator above
        return found


class OnCall(Section):
    """Who is called, in which order, and when not."""

    rotas: Annotated[tuple[RotaSection, ...], Field(max_length=50)] = ()
    """Who is on call, by role. Without any nobody is called: the channels of `alerts` are told, and that is all."""
    ladder: Annotated[tuple[RungSection, ...], Field(min_length=1, max_length=10)] = (
        RungSection(role="community_manager"),
        RungSection(role="community_manager", deputy=True),
        RungSection(role="incident_lead"),
        RungSection(role="decision_maker"),
    )
    """Who is called, one after the other, until somebody acknowledges."""
    ack_min: AckMinutes = AckMinutes()
    at_once: AtOnce = AtOnce()
    quiet: QuietSection | None = None
    """Hours in which a jaune waits for the morning; null for none."""
    holidays: HolidaySection = HolidaySection()
    maintenance: Annotated[tuple[Maintenance, ...], Field(max_length=200)] = ()
    """Windows of maintenance. One that begins now: `vigie oncall hold`."""
    test: WeeklyTest | None = None
    """A weekly test alert; null for none."""
    deadman: DeadMan | None = None
    """A dead man's switch; null for none."""
    link_secret_env: EnvName | None = None
    """Environment variable that holds the key of signed links, 32 characters or more. With it and alerts.base_url every
    alert has a link that takes the incident."""
    link_secret_file: LocalPath | None = None
    """File that holds the key of signed links."""
    link_hours: Annotated[int, Field(ge=1, le=168)] = 24
    """How long a link works, in hours."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        refuse_twins("rota", [rota.role for rota in self.rotas])
        return self

    def asked(self) -> list[str]:
        """The roles that these settings call by name, those of the usual ladder left out."""
        asked = [rung.role for rung in self.ladder] if "ladder" in self.model_fields_set else []
        asked += [*self.at_once.jaune, *self.at_once.orange, *self.at_once.rouge]
        return [*asked, *(self.test.roles if self.test else ())]

    def link_secret(self, environ: Mapping[str, str] | None = None) -> Secret | None:
        """The key of signed links, None for no links. Raises ConfigError when it can't be read or is too short."""
        from engine.domain.errors import ConfigError

        found = read_secret("oncall.link_secret", self.link_secret_env, self.link_secret_file, environ)
        if found is not None and len(found.get_secret_value()) < 32:
            raise ConfigError("oncall.link_secret: shorter than 32 characters; make one with `openssl rand -hex 32`")
        return found


def check_people(oncall: OnCall, people: Mapping[str, Person], roles: Mapping[str, tuple[str, ...]]) -> None:
    """Everybody whom the rotas name can be reached, and every role has somebody. Raises a mistake that says where."""
    refuse_twins("person", list(people))
    known = [*(rota.role for rota in oncall.rotas), *roles]
    for role in oncall.asked():
        if role not in known:
            raise fail(f"nobody holds the role {role!r}{_hint(role, known)}", at=("oncall",))
    for i, rota in enumerate(oncall.rotas):
        for name in rota.named():
            if name not in people:
                raise fail(
                    f"{name!r} is on call for {rota.role} and not listed under people{_hint(name, list(people))}",
                    at=("oncall", "rotas", i),
                )


def _hint(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
