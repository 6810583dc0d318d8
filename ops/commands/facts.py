"""`vigie facts`: what was found out about an incident. Proposed by anyone, approved once, used everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from engine.domain.errors import InputError
from ops.commands.incidents import By, Config, Db, Id, actor_of, found, opened

if TYPE_CHECKING:
    from ops.settings import Settings
    from ops.store import Store
    from playbooks.schema import Fact as FactRule

facts_app = typer.Typer(
    no_args_is_help=True,
    help="Facts of an incident: only approved ones fill a text.\n\n"
    'Example: `vigie facts propose inc-20251121-ab12 since "10 h 40"`',
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The fact, as the playbook calls it.")]
Value = Annotated[str, typer.Argument(metavar="VALUE", help="What was found out.")]
Json = Annotated[bool, typer.Option("--json", help="As JSON.")]
LINK_START = ("https://", "http://")


@facts_app.command("list")
def list_(incident_id: Id, as_json: Json = False, config: Config = None, db: Db = None) -> None:
    """List the facts that the playbook asks for: approved, waiting for approval, still to find out.

    Example: `vigie facts list inc-20251121-ab12`
    """
    from ops.render.neutral import plain
    from ops.store.codec import dumps, to_data
    from playbooks.typography import typeset

    with opened(config, db) as (settings, store):
        incident = found(store, incident_id)
        facts, rules = store.runs.facts(incident.id), _rules(settings, store, incident.id)
        if as_json:
            typer.echo(dumps(to_data(facts)).decode("utf-8"))
            return
        for fact in facts:
            mark = "?" if fact.approved_by is None else "✓"
            who = fact.approved_by or fact.proposed_by
            typer.echo(f"{mark} {fact.name} = {plain(fact.value, 200)}  ({plain(who, 60)})")
        known = {fact.name for fact in facts}
        for name in (name for name in rules if name not in known):
            question = typeset(rules[name].question.in_lang(settings.lang), settings.lang)
            typer.echo(f"  {name}: {question}")


@facts_app.command()
def propose(
    incident_id: Id, name: Name, value: Value, by: By = None,
    approved: Annotated[bool, typer.Option("--approve", help="And approve it at once.")] = False,
    config: Config = None, db: Db = None,
) -> None:  # fmt: skip
    """Say what was found out.

    Example: `vigie facts propose inc-20251121-ab12 since "10 h 40" --by Camille`
    """
    from ops.runs import RunKeeper, rules_of

    actor = actor_of(by)
    with opened(config, db) as (settings, store):
        incident = found(store, incident_id)
        _check(name, value, _rules(settings, store, incident.id))
        keeper = RunKeeper(store, rules_of(settings))
        keeper.propose(incident.id, name, value, actor)
        if approved:
            keeper.approve(incident.id, name, actor)
        typer.echo(store.runs.timeline(incident.id)[-1].text)


@facts_app.command()
def approve(incident_id: Id, name: Name, by: By = None, config: Config = None, db: Db = None) -> None:
    """Approve the newest proposal of a fact: from now on every text may use it.

    Example: `vigie facts approve inc-20251121-ab12 since --by Inès`
    """
    from ops.runs import RunKeeper, rules_of

    actor = actor_of(by)
    with opened(config, db) as (settings, store):
        incident = found(store, incident_id)
        RunKeeper(store, rules_of(settings)).approve(incident.id, name, actor)
        typer.echo(store.runs.timeline(incident.id)[-1].text)


def _rules(settings: Settings, store: Store, incident_id: str) -> dict[str, FactRule]:
    """The facts of the incident's playbook, in its order."""
    from playbooks.catalogue import load_catalogue

    plan = store.plan(incident_id)
    playbook = load_catalogue(settings.playbooks.directories).playbooks.get(plan.playbook) if plan else None
    return dict(playbook.facts) if playbook else {}


def _check(name: str, value: str, rules: dict[str, FactRule]) -> None:
    from playbooks.schema import suggestion

    name, _, lang = name.partition(".")  # `since.en` is the English wording of `since`
    if lang not in ("", "fr", "en"):
        raise InputError(f"{name}.{lang}: after the dot stands a language, fr or en")
    if rules and name not in rules:
        raise InputError(f"{name}: no fact of this playbook{suggestion(name, rules)} (it asks for: {', '.join(rules)})")
    if name in rules and rules[name].type == "link" and not value.strip().startswith(LINK_START):
        raise InputError(f"{name}: a link begins with https://")
