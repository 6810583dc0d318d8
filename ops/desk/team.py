"""On call, silence, playbooks, reports, corrections, tokens: the other acts of the desk."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engine.domain.errors import InputError, MentionError
from engine.domain.incident import Level
from ops.desk import forms
from ops.desk.office import Desk, NotFoundError, Reply, told
from ops.render.moments import utc
from ops.render.neutral import plain
from ops.store.tokens import Token, role_of

if TYPE_CHECKING:
    from ops.oncall.rota import Rota

TURNS_SHOWN_MAX = 60
OVERRIDE_MS = 8 * 3_600_000
DAY_MS = 86_400_000


def me(desk: Desk, form: forms.Nothing) -> Reply:
    """Who I am to this installation, and what I may do."""
    from ops.app import program_version
    from ops.drill.db import DRILL

    drill = DRILL in desk.store.get_meta()
    data = {
        "actor": desk.actor, "role": desk.role.label, "person": desk.is_person, "version": program_version(),
        "lang": desk.settings.lang, "timezone": desk.settings.timezone, "exercise": drill, "now": utc(desk.now_ms()),
    }  # fmt: skip
    mark = " (EXERCICE / EXERCISE)" if drill else ""
    return Reply(data, lambda: f"{desk.actor}: {desk.role.label}{mark}")


# -- on call ------------------------------------------------------------------------------------------------------


def _rota(desk: Desk) -> Rota:
    from ops.oncall.build import rota_of

    now_ms = desk.now_ms()
    rota = rota_of(desk.settings, now_ms)
    if not rota.roles:
        raise NotFoundError("nobody is on call: the settings have no oncall.rotas (see docs/oncall.md)")
    return rota.with_overrides(desk.store.pages.overrides(now_ms))


def moment(desk: Desk, text: str | None, default_ms: int) -> int:
    """A time of the team's calendar. Raises InputError."""
    from zoneinfo import ZoneInfo

    from ops.moment import second_of

    if text is None:
        return default_ms
    try:
        return second_of(text, ZoneInfo(desk.settings.timezone)) * 1000
    except (ValueError, OverflowError):
        raise InputError(f"{text[:40]!r} is no time; write one such as 2026-03-29T02:30") from None


def oncall_now(desk: Desk, form: forms.OnCallAt) -> Reply:
    """Who is called, in which order, if an alert comes at a moment."""
    from ops.oncall.build import quiet_of
    from ops.render.oncall import ladder_lines

    rota, at_ms = _rota(desk), moment(desk, form.at, desk.now_ms())
    data = {"at": utc(at_ms), "roles": {role: list(rota.who(role, at_ms)) for role in rota.roles}}
    return Reply(data, lambda: "\n".join(ladder_lines(desk.settings, rota, quiet_of(desk.settings), at_ms)))


def oncall_turns(desk: Desk, form: forms.Turns) -> Reply:
    """The turns to come."""
    from ops.render.oncall import turn_line

    rota, now_ms = _rota(desk), desk.now_ms()
    _known(form.role, rota)
    names = [form.role] if form.role is not None else list(rota.roles)
    turns = {name: rota.timeline(name, now_ms, now_ms + form.days * DAY_MS)[:TURNS_SHOWN_MAX] for name in names}

    def text() -> str:
        lines = (
            [f"{name}:", *(f"  {turn_line(one, desk.settings)}" for one in found)] for name, found in turns.items()
        )
        return "\n".join(line for part in lines for line in part)

    data = {
        name: [{"from": utc(one.start_ms), "to": utc(one.end_ms), "people": list(one.people)} for one in found]
        for name, found in turns.items()
    }
    return Reply(data, text)


def _known(role: str | None, rota: Rota) -> None:
    if role is not None and role not in rota.roles:
        raise InputError(f"role: nobody holds {role[:60]!r}; known are: {', '.join(rota.roles)}")


def oncall_test(desk: Desk, form: forms.Test) -> Reply:
    """Send the test alert now, the same way as a real one."""
    from ops.delivery.build import channels_of, links_of, look_of
    from ops.delivery.worker import Delivery
    from ops.oncall.keeper import Keeper

    settings, store = desk.settings, desk.store
    if form.person is not None and form.person not in settings.people:
        raise InputError(f"person: {form.person!r} is not listed under people: {', '.join(settings.people) or 'none'}")
    keeper = Keeper(settings, store, desk.office.clock_ms)
    people = keeper.test(None if form.person is None else [(form.person, "-")])
    if not people:
        raise InputError("nobody is on call now; see `vigie oncall check`")
    lines = []
    if not desk.office.has_service:  # nobody else would send it
        look = look_of(settings, links=links_of(settings))
        Delivery(store, channels_of(settings), look, desk.office.clock_ms).deliver_now()
        sent = [row for row in store.outbox.deliveries() if row.key.startswith("test/")]
        lines = [f"! {row.channel}: {row.state} {row.reason}" for row in sent[-20:] if row.state != "delivered"]
    return told("\n".join([*lines, f"sent to {', '.join(people)}"]), people=people)


def override(desk: Desk, form: forms.Override) -> Reply:
    """Have somebody stand in for a while."""
    from ops.oncall.rota import Turn
    from ops.render.oncall import turn_line

    rota, now_ms = _rota(desk), desk.now_ms()
    people = desk.settings.people
    if form.person not in people:
        raise InputError(f"{form.person!r} is not listed under people: {', '.join(people) or 'none'}")
    _known(form.role, rota)
    start_ms = moment(desk, form.start, now_ms)
    end_ms = moment(desk, form.end, start_ms + OVERRIDE_MS)
    if end_ms <= max(start_ms, now_ms):
        raise InputError("end: it ends before it begins, or is over already")
    number = desk.store.pages.add_override(form.role, form.person, start_ms, end_ms, desk.actor)
    line = turn_line(Turn(start_ms, end_ms, (form.person,)), desk.settings)
    return told(f"override {number}, {form.role}: {line}", 201, number=number)


def overrides(desk: Desk, form: forms.Nothing) -> Reply:
    """Who stands in, now and later."""
    found = desk.store.pages.overrides(desk.now_ms())
    data = [
        {
            "number": o.id,
            "role": o.role,
            "person": o.person,
            "from": utc(o.start_ms),
            "to": utc(o.end_ms),
            "by": o.actor,
        }
        for o in found
    ]
    return Reply(data, lambda: "\n".join(f"{o['number']}  {o['role']}  {o['person']}  {o['from']}" for o in data))


def drop_override(desk: Desk, form: forms.Numbered) -> Reply:
    """Take an override back."""
    if not desk.store.pages.drop_override(form.number):
        known = ", ".join(str(found.id) for found in desk.store.pages.overrides()) or "none"
        raise NotFoundError(f"no override {form.number}; there are: {known}")
    return told(f"override {form.number} is gone")


def hold(desk: Desk, form: forms.Hold) -> Reply:
    """Begin a maintenance window now: nobody is told or called for what it covers."""
    settings = desk.settings
    if form.brand is not None and settings.brands and settings.brand(form.brand) is None:
        raise InputError(f"brand: {form.brand[:60]!r} is not in the settings")
    number = desk.store.outbox.add_mute(
        desk.now_ms() + form.minutes * 60_000, brand=form.brand, level_max=Level[form.level.upper()],
        actor=desk.actor, reason=plain(form.reason, 200),
    )  # fmt: skip
    text = f"mute {number} for {form.minutes} min; end it sooner with: vigie oncall release {number}"
    return told(text, 201, number=number)


def mutes(desk: Desk, form: forms.Nothing) -> Reply:
    """The maintenance windows in force."""
    data = [
        {
            "number": one.id, "brand": one.brand, "incident": one.incident_id, "until": utc(one.until_ms),
            "level_max": None if one.level_max is None else one.level_max.label, "by": one.actor, "reason": one.reason,
        }
        for one in desk.store.outbox.mutes(desk.now_ms())
    ]  # fmt: skip
    return Reply(data, lambda: "\n".join(f"{m['number']}  until {m['until']}  {m['brand'] or 'all'}" for m in data))


def unhold(desk: Desk, form: forms.Numbered) -> Reply:
    """End a maintenance window."""
    if not desk.store.outbox.drop_mute(form.number):
        raise NotFoundError(f"no mute {form.number}")
    return told(f"mute {form.number} is over")


# -- playbooks and reports ----------------------------------------------------------------------------------------


def list_playbooks(desk: Desk, form: forms.Nothing) -> Reply:
    """The catalogue."""
    data = [
        {"id": book.id, "title": book.title.in_lang(desk.settings.lang), "cluster": book.cluster}
        for book in desk.office.catalogue.playbooks.values()
    ]
    return Reply(data, lambda: "\n".join(f"{book['id']:<24}{book['title']}" for book in data))


def show_playbook(desk: Desk, form: forms.OnePlaybook) -> Reply:
    """One playbook, as its file says it."""
    book = desk.office.catalogue.playbooks.get(form.playbook_id)
    if book is None:
        from playbooks.schema import suggestion

        names = list(desk.office.catalogue.playbooks)
        raise NotFoundError(f"no playbook {form.playbook_id[:60]!r}{suggestion(form.playbook_id, names)}")
    lang = form.lang or desk.settings.lang
    return Reply(book.model_dump(mode="json", by_alias=True), lambda: f"{book.title.in_lang(lang)} ({book.id})")


def choice(desk: Desk, form: forms.OneIncident) -> Reply:
    """Why this playbook was chosen for an incident, and which one came second."""
    incident = desk.office.incident(form.incident_id)
    plan = desk.store.plan(incident.id)
    if plan is None:
        raise NotFoundError(f"{incident.id}: no playbook was chosen for this incident")
    data = {
        "playbook": plan.playbook, "title": plan.title, "reason": plan.reason, "runner_up": plan.runner_up,
        "runner_up_reason": plan.runner_up_reason, "silence": plan.silence or None, "cluster": plan.cluster,
        "strategies": list(plan.strategies), "level": plan.level.label, "exercise": incident.exercise,
    }  # fmt: skip
    second = f"\n{plan.runner_up}: {plan.runner_up_reason}" if plan.runner_up else ""
    return Reply(data, lambda: f"{plan.title}: {plan.reason}{second}")


_MEDIA = {"md": "text/markdown; charset=utf-8", "html": "text/html; charset=utf-8", "pdf": "application/pdf"}


def report(desk: Desk, form: forms.Report) -> Reply:
    """The situation report or the post-incident report (RETEX), as Markdown, a page or PDF."""
    from ops.reports.gather import gather, questions_of
    from ops.reports.render import written

    incident, look = desk.office.incident(form.incident_id), desk.office.look
    lang = form.lang or look.lang
    questions = questions_of(desk.settings, desk.store.plan(incident.id), lang)
    at_ms = None if form.at is None else _instant(form.at)
    case = gather(desk.store, incident.id, at_ms, questions)
    raw = written(form.form, form.kind, case, replace(look, lang=lang))
    return Reply(None, lambda: raw.decode("utf-8", "replace"), raw=raw, media_type=_MEDIA[form.form])


def _instant(text: str) -> int:
    from datetime import UTC, datetime

    try:
        found = datetime.fromisoformat(text)
        return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise InputError(f"at {text[:40]!r}: not a time; write 2026-03-10T18:40:00+01:00") from None


def list_drills(desk: Desk, form: forms.Nothing) -> Reply:
    """The scenarios of exercises that come with Vigie; `vigie drill` plays one in a database of its own."""
    from ops.drill.scenario import shipped

    data = [{"id": one.id, "title": one.title.in_lang(desk.settings.lang)} for one in shipped()]
    return Reply(data, lambda: "\n".join(f"{one['id']:<20}{one['title']}" for one in data))


# -- corrections --------------------------------------------------------------------------------------------------


def list_corrections(desk: Desk, form: forms.Nothing) -> Reply:
    """What the team said of comments, and the versions of what was learnt."""
    from ops.render.learning import labels_text, labels_view

    kept, versions = desk.store.labels.all(), desk.store.labels.versions()
    return Reply(labels_view(kept, versions), lambda: labels_text(kept, versions, desk.office.look))


def correct(desk: Desk, form: forms.Correct) -> Reply:
    """Correct how a comment was read; the next ones are read by it."""
    from ops.app import LINEAR, brand_configs, make_scorer
    from ops.learning import linear, renew, resolved
    from ops.render.learning import renewed_text
    from streams.labels import decode_label

    try:
        record = decode_label(form.model_dump(exclude_none=True))
        corrections = resolved(desk.store, [record.correction])
    except MentionError as error:
        raise InputError(str(error)) from None
    desk.store.labels.add(corrections, desk.actor)
    renewed = renew(desk.store, linear(make_scorer(LINEAR, brand_configs(desk.settings))))
    return told(renewed_text(renewed, desk.settings.lang), 201, learnt=renewed.version)


# -- tokens -------------------------------------------------------------------------------------------------------


def token_data(token: Token, now_ms: int) -> dict[str, Any]:
    """A token without its secret, which nobody has any more."""

    def at(ms: int | None) -> str | None:
        return None if ms is None else utc(ms)

    over = token.revoked_at_ms is not None or (token.expires_at_ms is not None and token.expires_at_ms <= now_ms)
    return {
        "number": token.id, "name": token.name, "role": token.role.label, "person": token.person, "in_force": not over,
        "created_by": token.created_by, "created": at(token.created_at_ms), "expires": at(token.expires_at_ms),
        "used": at(token.used_at_ms), "revoked": at(token.revoked_at_ms),
    }  # fmt: skip


def list_tokens(desk: Desk, form: forms.Nothing) -> Reply:
    """Every token that was made, when it was used last, whether it is in force."""
    data = [token_data(token, desk.now_ms()) for token in desk.store.tokens.all()]

    def text() -> str:
        lines = [
            f"{t['number']:>4}  {t['role']:<9} {plain(t['name'], 40)}  {plain(t['person'] or '-', 40)}  "
            f"{'until ' + (t['expires'] or 'revoked') if t['in_force'] else 'over'}  used {t['used'] or 'never'}"
            for t in data
        ]
        return "\n".join(lines) or "no token; make one with: vigie tokens create --name N --role reader"

    return Reply(data, text)


def create_token(desk: Desk, form: forms.MakeToken) -> Reply:
    """A new token, shown this once. Who approves needs one of a person."""
    token, words = desk.store.tokens.create(
        plain(form.name, 100), role_of(form.role), person=None if form.person is None else plain(form.person, 100),
        days=form.days, by=desk.actor,
    )  # fmt: skip
    desk.store.audit.note(
        desk.actor, "token.created", f"token/{token.id}", {"role": token.role.label, "person": token.person or ""}
    )
    return Reply({**token_data(token, desk.now_ms()), "token": words, "text": words}, lambda: words, status=201)


def revoke_token(desk: Desk, form: forms.Numbered) -> Reply:
    """From now on it opens nothing."""
    if not desk.store.tokens.revoke(form.number):
        raise NotFoundError(f"no token {form.number} in force; `vigie tokens list` shows them")
    desk.store.audit.note(desk.actor, "token.revoked", f"token/{form.number}")
    return told(f"token {form.number} is revoked")
