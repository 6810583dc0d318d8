"""`vigie runs`: what to do now, who does it, until when; and saying that it is done.

Each command is one transaction on the store, whether a service runs or not. To take the incident itself, the step
`acknowledge`, is the same as `vigie incidents ack`.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.domain.errors import InputError
from ops.commands.incidents import NOTE_CHARS_MAX, By, Config, Db, Id, actor_of, apply_offline, found, opened, wait_for

if TYPE_CHECKING:
    from engine.domain.run import Run
    from ops.settings import Settings
    from ops.store import Store

runs_app = typer.Typer(
    no_args_is_help=True,
    help="Playbooks that run: what to do now.\n\nExample: `vigie runs done inc-20251121-ab12 holding_line`",
)

Step = Annotated[str, typer.Argument(metavar="STEP", help="The step's name, as `vigie runs show` writes it.")]
Why = Annotated[str, typer.Option("--text", help="A sentence for the log.")]
Reason = Annotated[str, typer.Argument(metavar="REASON", help="Why it is left out; stands in the log.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]


@runs_app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    as_json: Json = False, config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """List the runs: where each stands, what is late.

    Example: `vigie runs list -c vigie.yaml`
    """
    from ops.delivery.build import look_of
    from ops.render.run import runs_text
    from ops.store.codec import dumps, to_data

    with opened(config, db) as (settings, store):
        runs = store.runs.all(ended=every)
        if as_json:
            typer.echo(dumps([to_data(run) for run in runs]).decode("utf-8"))
        else:
            typer.echo(runs_text(runs, _now_ms(), look_of(settings)))


@runs_app.command()
def show(
    incident_id: Id,
    full: Annotated[bool, typer.Option("--log", help="The whole log instead of its end.")] = False,
    as_json: Json = False, config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """Show a run: what to do now and until when, what comes next, facts, log.

    Example: `vigie runs show inc-20251121-ab12`
    """
    from ops.delivery.build import look_of
    from ops.render.run import run_text
    from ops.roles import who_of
    from ops.store.codec import dumps, to_data

    with opened(config, db) as (settings, store):
        run = run_of(store, incident_id)
        events = store.runs.timeline(run.incident_id)
        if as_json:
            view = {"run": to_data(run), "timeline": to_data(events)}
            typer.echo(dumps(view).decode("utf-8"))
            return
        plan, now_ms = store.plan(run.incident_id), _now_ms()
        needed = plan.facts_needed if plan else ()
        who = who_of(settings, store)
        text = run_text(run, events, needed, lambda role: who(role, now_ms), now_ms, look_of(settings), full=full)
        typer.echo(text)


@runs_app.command()
def claim(incident_id: Id, step: Step, by: By = None, config: Config = None, db: Db = None) -> None:
    """Take a step: your name is on it.

    Example: `vigie runs claim inc-20251121-ab12 holding_line --by Camille`
    """
    _act("claim", incident_id, step, by, "", config, db)


@runs_app.command()
def release(incident_id: Id, step: Step, by: By = None, config: Config = None, db: Db = None) -> None:
    """Give a step back that you took.

    Example: `vigie runs release inc-20251121-ab12 holding_line`
    """
    _act("release", incident_id, step, by, "", config, db)


@runs_app.command()
def done(
    incident_id: Id, step: Step, by: By = None, text: Why = "", config: Config = None, db: Db = None
) -> None:  # fmt: skip
    """Say that a step is done. What waited for it can begin; what repeats comes again.

    Example: `vigie runs done inc-20251121-ab12 qualify --text "Lot 42 seul concerné"`
    """
    _act("done", incident_id, step, by, text, config, db)


@runs_app.command()
def skip(
    incident_id: Id, step: Step, reason: Reason, by: By = None, config: Config = None, db: Db = None
) -> None:  # fmt: skip
    """Leave a step out, with the reason.

    Example: `vigie runs skip inc-20251121-ab12 freeze_posts "Rien de programmé"`
    """
    _act("skip", incident_id, step, by, reason, config, db)


@runs_app.command()
def freeze(incident_id: Id, by: By = None, config: Config = None, db: Db = None) -> None:
    """Freeze the brand's scheduled posts now, through the webhook of the settings.

    Example: `vigie runs freeze inc-20251121-ab12`
    """
    _act("freeze", incident_id, "", by, "", config, db)


@runs_app.command()
def unfreeze(incident_id: Id, by: By = None, config: Config = None, db: Db = None) -> None:
    """Let the scheduled posts go again, without waiting for the stand-down.

    Example: `vigie runs unfreeze inc-20251121-ab12`
    """
    _act("unfreeze", incident_id, "", by, "", config, db)


@runs_app.command("ask-legal")
def ask_legal(incident_id: Id, by: By = None, config: Config = None, db: Db = None) -> None:
    """Legal holds the pen from now on: its 20 minutes run.

    Example: `vigie runs ask-legal inc-20251121-ab12`
    """
    _act("ask_legal", incident_id, "", by, "", config, db)


@runs_app.command("legal-answered")
def legal_answered(incident_id: Id, by: By = None, config: Config = None, db: Db = None) -> None:
    """Legal has answered: its clock stops.

    Example: `vigie runs legal-answered inc-20251121-ab12 --by Maître-Lenoir`
    """
    _act("legal_answered", incident_id, "", by, "", config, db)


@runs_app.command("release-holding")
def release_holding(incident_id: Id, by: By = None, config: Config = None, db: Db = None) -> None:
    """Go on without legal, once it has been silent for 20 minutes: the pre-approved holding line may be posted.

    Example: `vigie runs release-holding inc-20251121-ab12 --by Inès`
    """
    _act("release_holding", incident_id, "", by, "", config, db)


def run_of(store: Store, incident_id: str) -> Run:
    """The run of that incident, by its id or the beginning of it. Raises InputError when it has none."""
    incident = found(store, incident_id)
    run = store.runs.run(incident.id)
    if run is None:
        raise InputError(f"{incident.id}: no playbook runs for this incident")
    return run


def _act(
    name: str, incident_id: str, step: str, by: str | None, text: str, config: Path | None, db: str | None
) -> None:  # fmt: skip
    from ops.render.neutral import plain
    from ops.run_asks import Asks, hook_of
    from ops.runs import RunKeeper, rules_of
    from ops.store.names import DESKS
    from playbooks.running import Act

    actor = actor_of(by)
    with opened(config, db) as (settings, store):
        run = run_of(store, incident_id)
        said = len(store.runs.timeline(run.incident_id))
        left_to_do = True
        if name in ("claim", "done") and _is_ack(run, step):
            _take(settings, store, run.incident_id, actor, text)
            left_to_do = _is_ack(run_of(store, run.incident_id), step)
        keeper = RunKeeper(store, rules_of(settings))
        if left_to_do:
            keeper.act(run.incident_id, Act(name, actor, step, plain(text, NOTE_CHARS_MAX)))
        if store.service(*DESKS) is None:  # nobody else would call the webhook; people are called by a service only
            Asks(store, keeper, store.clock_ms, hook_of(settings)).work_off(pages=False)
        for event in store.runs.timeline(run.incident_id)[said:]:
            typer.echo(plain(event.text, 400))


def _is_ack(run: Run, step_id: str) -> bool:
    found = run.step(step_id)
    return found is not None and found.is_open and found.clock == "acknowledge"


def _take(settings: Settings, store: Store, incident_id: str, actor: str, text: str) -> None:
    """The engine's own act, so that the escalation stops, too; the run follows it. What the engine no longer holds
    open it refuses: then the step alone is done."""
    from ops.render.neutral import plain
    from ops.store.names import ENGINES

    seq = store.add_command("ack", incident_id, actor, plain(text, NOTE_CHARS_MAX))
    if store.service(*ENGINES) is not None:
        wait_for(store, seq)
    else:
        apply_offline(settings, store)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
