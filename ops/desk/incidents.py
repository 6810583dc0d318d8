"""Incidents, their runs and their facts, as acts of the desk."""

from __future__ import annotations

from typing import Any

from engine.domain.draft_state import same_person
from engine.domain.errors import InputError
from engine.domain.incident import CLOSED_PHASES, Incident
from engine.domain.run import Run, RunStep, StepState
from ops.desk import forms
from ops.desk.office import NOTE_CHARS_MAX, ChangedError, Desk, NotFoundError, Reply, told
from ops.render.moments import utc
from ops.render.neutral import plain
from ops.render.report import incident_view
from ops.store.codec import to_data
from playbooks.running import Act


def incident_data(desk: Desk, incident: Incident) -> dict[str, Any]:
    """An incident as `vigie replay --json` has it, and where it stands."""
    return {
        **incident_view(incident, desk.store.plan(incident.id)),
        "exercise": incident.exercise,
        "phase": incident.phase.value,
        "level": incident.level.label,
        "level_max": incident.level_max.label,
        "waves": incident.waves,
        "acked_by": incident.acked_by,
        "acked_at": None if incident.acked_at_ms is None else utc(incident.acked_at_ms),
    }


def list_incidents(desk: Desk, form: forms.Incidents) -> Reply:
    """Incidents by their opening, a page at a time; `next` is what `after` is told for the page that follows."""
    from ops.render.incident import incidents_text

    found = [
        incident
        for incident in desk.store.incidents(brand=form.brand)
        if form.state == "all" or (incident.phase in CLOSED_PHASES) == (form.state == "closed")
    ]
    if form.after is not None:
        places = [i for i, incident in enumerate(found) if incident.id == form.after]
        if not places:
            raise NotFoundError(f"after: no incident {form.after[:80]!r} in this list")
        found = found[places[0] + 1 :]
    page, more = found[: form.limit], len(found) > form.limit
    data = {"items": [incident_data(desk, one) for one in page], "next": page[-1].id if more else None}
    return Reply(data, lambda: incidents_text(page, desk.office.look))


def show_incident(desk: Desk, form: forms.OneIncident) -> Reply:
    """All of one incident, with its log and who was called."""
    from ops.oncall.checking import calls_of
    from ops.render.incident import incident_text

    store, incident = desk.store, desk.office.incident(form.incident_id)
    events = store.runs.timeline(incident.id)

    def text() -> str:
        shown = incident_text(incident, store.plan(incident.id), desk.office.look, events)
        return "\n".join([shown, *calls_of(desk.settings, store, incident.id)])

    from engine.domain.run import whole_log

    log = [
        {"at": utc(entry.at_ms), "actor": entry.actor, "kind": entry.kind, "text": entry.text}
        for entry in whole_log(incident.timeline, events)
    ]
    calls = [
        {"at": utc(page.at_ms), "kind": page.kind, "person": page.person, "role": page.role}
        for page in store.pages.of_incident(incident.id)
    ]
    return Reply({**incident_data(desk, incident), "log": log, "calls": calls}, text)


def _command(desk: Desk, name: str, form: forms.Say | forms.Note) -> Reply:
    incident = desk.office.incident(form.incident_id)
    carried_out, answer = desk.office.command(name, incident.id, desk.actor, form.text)
    more: dict[str, Any] = {"incident": incident.id, "exercise": incident.exercise}
    return told(answer, 200 if carried_out else 202, **more)


def ack(desk: Desk, form: forms.Say) -> Reply:
    """Take an incident: the escalation stops. Refused when somebody else has taken it."""
    incident = desk.office.incident(form.incident_id)
    by, at_ms = incident.acked_by, incident.acked_at_ms
    if incident.phase.value == "acknowledged" and by is not None and not same_person(by, desk.actor):
        raise ChangedError(f"{incident.id}: {by} has taken it, at {utc(at_ms or 0)}; add a note instead")
    return _command(desk, "ack", form)


def contain(desk: Desk, form: forms.Say) -> Reply:
    """Say that an incident is in hand."""
    return _command(desk, "contain", form)


def resolve(desk: Desk, form: forms.Say) -> Reply:
    """Close an incident."""
    return _command(desk, "resolve", form)


def reject(desk: Desk, form: forms.Say) -> Reply:
    """Call an incident a false alarm."""
    return _command(desk, "reject", form)


def note(desk: Desk, form: forms.Note) -> Reply:
    """Write a line into an incident's log."""
    return _command(desk, "note", form)


# -- runs ---------------------------------------------------------------------------------------------------------


def step_version(step: RunStep) -> str:
    """Another one whenever the step's state or owner is another."""
    return f"{step.state.value}-{step.changed_at_ms}"


def run_data(run: Run) -> dict[str, Any]:
    """A run with the level's word, and the version of each step."""
    data: dict[str, Any] = to_data(run)
    steps = [data_ | {"version": step_version(step)} for data_, step in zip(data["steps"], run.steps, strict=True)]
    return data | {"level_name": run.level.label, "steps": steps}


def list_runs(desk: Desk, form: forms.Runs) -> Reply:
    """The runs: where each stands."""
    from ops.render.run import runs_text

    runs = desk.store.runs.all(ended=form.ended)
    return Reply([run_data(run) for run in runs], lambda: runs_text(runs, desk.now_ms(), desk.office.look))


def show_run(desk: Desk, form: forms.ShowRun) -> Reply:
    """A run: what to do now and until when, by whom; the log."""
    from ops.render.run import run_text

    run = desk.office.run(form.incident_id)
    events, plan, now_ms = desk.store.runs.timeline(run.incident_id), desk.store.plan(run.incident_id), desk.now_ms()

    def text() -> str:
        needed = plan.facts_needed if plan else ()

        def who(role: str) -> tuple[str, ...]:
            return desk.office.who(role, now_ms)

        return run_text(run, events, needed, who, now_ms, desk.office.look, full=form.full)

    return Reply({"run": run_data(run), "timeline": to_data(events), "exercise": run.exercise}, text)


def claim(desk: Desk, form: forms.Step) -> Reply:
    """Take a step."""
    return _step(desk, "claim", form)


def release(desk: Desk, form: forms.Step) -> Reply:
    """Give a step back."""
    return _step(desk, "release", form)


def done(desk: Desk, form: forms.Step) -> Reply:
    """Say that a step is done."""
    return _step(desk, "done", form)


def skip(desk: Desk, form: forms.Skip) -> Reply:
    """Leave a step out, with the reason."""
    return _step(desk, "skip", form)


def freeze(desk: Desk, form: forms.OneIncident) -> Reply:
    """Freeze the brand's scheduled posts."""
    return _run_act(desk, "freeze", form)


def unfreeze(desk: Desk, form: forms.OneIncident) -> Reply:
    """Let the scheduled posts go again."""
    return _run_act(desk, "unfreeze", form)


def ask_legal(desk: Desk, form: forms.OneIncident) -> Reply:
    """Legal holds the pen from now on."""
    return _run_act(desk, "ask_legal", form)


def legal_answered(desk: Desk, form: forms.OneIncident) -> Reply:
    """Legal has answered."""
    return _run_act(desk, "legal_answered", form)


def release_holding(desk: Desk, form: forms.OneIncident) -> Reply:
    """Go on without legal, which has been silent for too long."""
    return _run_act(desk, "release_holding", form)


def _run_act(desk: Desk, name: str, form: forms.OneIncident) -> Reply:
    run = desk.office.run(form.incident_id)
    before = len(desk.store.runs.timeline(run.incident_id))
    desk.office.runs.act(run.incident_id, Act(name, desk.actor))
    return _acted(desk, run.incident_id, before, "")


def _step(desk: Desk, name: str, form: forms.Step) -> Reply:
    """An act on a step: its version is looked at in the transaction that changes it."""
    office, text = desk.office, plain(form.text, NOTE_CHARS_MAX)
    run = office.run(form.incident_id)
    step = run.step(form.step)
    if step is None:
        raise NotFoundError(f"no step {form.step[:60]!r}; there are: {', '.join(one.id for one in run.steps)}")
    before = len(desk.store.runs.timeline(run.incident_id))
    left_to_do = True
    if name in ("claim", "done") and step.is_open and step.clock == "acknowledge":
        _unchanged(step, desk, form.version)
        try:  # the engine's own act, so that the escalation stops, too; the run follows it
            carried_out, answer = office.command("ack", run.incident_id, desk.actor, text)
            if not carried_out:
                return told(answer, 202, incident=run.incident_id, exercise=run.exercise)
        except InputError:  # what the engine no longer holds open it refuses: then the step alone is done
            pass
        now = office.run(run.incident_id).step(form.step)
        left_to_do = now is not None and now.is_open
    if left_to_do:
        with desk.store.runs.transaction() as connection:
            found = desk.store.runs.load(connection, run.incident_id)
            now = found.step(form.step) if found is not None else None
            if now is not None:
                _unchanged(now, desk, form.version)
            office.runs.act_in(connection, run.incident_id, Act(name, desk.actor, form.step, text))
    return _acted(desk, run.incident_id, before, form.step)


def _unchanged(step: RunStep, desk: Desk, version: str | None) -> None:
    """Raises ChangedError when the step is no longer as it was read, or is somebody else's work."""
    if version is not None and version != step_version(step):
        raise ChangedError(f"step {step.id}: {step.state.value} by {step.owner or 'vigie'} {utc(step.changed_at_ms)}")
    if version is None and step.state is StepState.CLAIMED and not same_person(step.owner, desk.actor):
        raise ChangedError(
            f"step {step.id}: {step.owner} has taken it, at {utc(step.changed_at_ms)}; "
            f"to go on all the same give the version {step_version(step)}"
        )


def _acted(desk: Desk, incident_id: str, before: int, step_id: str) -> Reply:
    """What the act led to; without a service the freeze webhook is called here."""
    from ops.run_asks import Asks, hook_of

    office, store = desk.office, desk.store
    if not office.has_service:  # people are called by a service only
        Asks(store, office.runs, office.clock_ms, hook_of(desk.settings)).work_off(pages=False)
    run = office.run(incident_id)
    lines = [plain(event.text, 400) for event in store.runs.timeline(incident_id)[before:]]
    step = run.step(step_id)
    version = None if step is None else step_version(step)
    more: dict[str, Any] = {"incident": incident_id, "exercise": run.exercise, "step": step_id or None}
    return told("\n".join(lines), version=version, **more)


# -- facts --------------------------------------------------------------------------------------------------------


def list_facts(desk: Desk, form: forms.OneIncident) -> Reply:
    """The facts that the playbook asks for: approved, waiting, still to find out."""
    from playbooks.typography import typeset

    incident = desk.office.incident(form.incident_id)
    facts, rules = desk.store.runs.facts(incident.id), _rules(desk, incident.id)
    known = {fact.name for fact in facts}
    lang = desk.settings.lang
    missing = [name for name in rules if name not in known]

    def text() -> str:
        lines = []
        for fact in facts:
            mark = "?" if fact.approved_by is None else "✓"
            who = fact.approved_by or fact.proposed_by
            lines.append(f"{mark} {fact.name} = {plain(fact.value, 200)}  ({plain(who, 60)})")
        return "\n".join([*lines, *(f"  {name}: {typeset(rules[name], lang)}" for name in missing)])

    asked = [{"name": name, "question": rules[name]} for name in missing]
    return Reply({"facts": to_data(facts), "missing": asked, "exercise": incident.exercise}, text)


def propose(desk: Desk, form: forms.Propose) -> Reply:
    """Say what was found out."""
    incident = desk.office.incident(form.incident_id)
    check_fact(form.name, form.value, desk, incident.id)
    desk.office.runs.propose(incident.id, form.name, form.value, desk.actor)
    return _fact_told(desk, incident)


def approve_fact(desk: Desk, form: forms.ApproveFact) -> Reply:
    """Approve the newest proposal of a fact."""
    incident = desk.office.incident(form.incident_id)
    if form.value is not None:
        waiting = [f for f in desk.store.runs.facts(incident.id) if f.name == form.name and f.approved_by is None]
        if waiting and waiting[-1].value != form.value:
            now = waiting[-1]
            raise ChangedError(
                f"{form.name}: {now.proposed_by} proposed {plain(now.value, 80)!r} at {utc(now.proposed_at_ms)}; "
                "read it again"
            )
    desk.office.runs.approve(incident.id, form.name, desk.actor)
    return _fact_told(desk, incident)


def _fact_told(desk: Desk, incident: Incident) -> Reply:
    line = desk.store.runs.timeline(incident.id)[-1].text
    return told(line, incident=incident.id, exercise=incident.exercise)


def _rules(desk: Desk, incident_id: str) -> dict[str, str]:
    """The facts of the incident's playbook and their questions, in its order."""
    plan = desk.store.plan(incident_id)
    book = desk.office.catalogue.playbooks.get(plan.playbook) if plan else None
    return {name: fact.question.in_lang(desk.settings.lang) for name, fact in book.facts.items()} if book else {}


def check_fact(name: str, value: str, desk: Desk, incident_id: str) -> None:
    """Raises InputError for a fact that the playbook does not know, and for a link that is none."""
    from playbooks.schema import suggestion

    plan = desk.store.plan(incident_id)
    book = desk.office.catalogue.playbooks.get(plan.playbook) if plan else None
    rules = dict(book.facts) if book else {}
    name, _, lang = name.partition(".")  # `since.en` is the English wording of `since`
    if lang not in ("", "fr", "en"):
        raise InputError(f"{name}.{lang}: after the dot stands a language, fr or en")
    if rules and name not in rules:
        raise InputError(f"{name}: no fact of this playbook{suggestion(name, rules)} (it asks for: {', '.join(rules)})")
    if name in rules and rules[name].type == "link" and not value.strip().startswith(("https://", "http://")):
        raise InputError(f"{name}: a link begins with https://")
