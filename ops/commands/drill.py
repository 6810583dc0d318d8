"""`vigie drill`: a crisis exercise through the real engine, and how the team's clocks were kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import typer.core

from engine.domain.errors import InputError

if TYPE_CHECKING:
    from ops.drill.play import Drill


class _ScenarioFirst(typer.core.TyperGroup):
    """`vigie drill outage` plays it: what is no command is a scenario."""

    otherwise = "play"

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = [self.otherwise, *args]
        return super().resolve_command(ctx, args)


drill_app = typer.Typer(
    cls=_ScenarioFirst,
    no_args_is_help=True,
    help="Crisis exercises, marked EXERCICE / EXERCISE everywhere.\n\nExample: `vigie drill outage -c vigie.yaml`",
)

Config = Annotated[Path | None, typer.Option("--config", "-c", help="The team's settings: rota, roles, channels.")]


@drill_app.command("list")
def list_(lang: Annotated[str, typer.Option("--lang", help="fr or en.")] = "fr") -> None:
    """List the scenarios.

    Example: `vigie drill list --lang en`
    """
    from ops.drill.scenario import shipped
    from playbooks.typography import typeset

    if lang not in ("fr", "en"):
        raise InputError(f"--lang {lang}: fr or en")
    for one in shipped():
        typer.echo(f"{one.id:<20}{typeset(f'{one.title.in_lang(lang)}: {one.brief.in_lang(lang)}', lang)}")


@drill_app.command()
def play(
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO", help="A scenario's id, or the path of a YAML file.")],
    config: Config = None,
    db: Annotated[Path, typer.Option("--db", help="The drill's own database; never the production one.")] = Path(
        "drill.db"
    ),
    brand: Annotated[str | None, typer.Option("--brand", help="Which brand plays; the first of the settings.")] = None,
    speed: Annotated[float, typer.Option("--speed", help="1 is real time, 10 ten times as fast.")] = 1.0,
    minutes: Annotated[
        int | None, typer.Option("--minutes", min=1, max=10_080, help="How long, in the exercise's time.")
    ] = None,
    silent: Annotated[bool, typer.Option("--silent", help="Tell no channel and call nobody.")] = False,
    lang: Annotated[str | None, typer.Option("--lang", help="fr or en, where the settings do not say.")] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder for score and RETEX at the end.")] = None,
) -> None:
    """Play a storm: alerts go to the settings' channels, marked; the team works with the drill's --db.

    Nothing is ever sent to the public, and the production database is not opened. Ctrl-C ends it early; the score is
    told at the end, and again by `vigie drill score`.

    Example: `vigie drill outage -c vigie.yaml --speed 10`
    """
    import signal

    from ops import logs
    from ops.drill.play import Drill, DrillParams
    from ops.drill.scenario import found
    from ops.settings import Settings, load_settings

    if lang not in (None, "fr", "en"):
        raise InputError(f"--lang {lang}: fr or en")
    settings = load_settings(config) if config is not None else Settings()
    _not_production(settings.database, db)
    params = DrillParams(found(scenario), str(db), brand, lang, speed, minutes, silent)
    drill = Drill(settings, params)
    logs.configure()
    for line in _opening(drill, db):
        typer.echo(line)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: drill.stop())
    drill.run(lambda line: typer.echo(f"vigie: {line}", err=True))
    _closing(db, config, out, drill.settings.lang, drill.settings.timezone)


@drill_app.command()
def score(
    db: Annotated[Path, typer.Argument(metavar="DB", help="The drill's database.")],
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    lang: Annotated[str | None, typer.Option("--lang", help="fr or en.")] = None,
) -> None:
    """Score the clocks: each step, when it was due, when it was done and by whom, met or missed.

    Example: `vigie drill score drill.db --json`
    """
    from ops.drill.score import score as scored
    from ops.settings import Settings, load_settings
    from ops.store import Store
    from ops.store.codec import dumps

    settings = load_settings(config) if config is not None else Settings()
    with Store.open(str(db), create=False) as store:
        found = scored(store)
    if as_json:
        typer.echo(dumps(found).decode("utf-8"))
    else:
        typer.echo(_table(found, lang or settings.lang, settings.timezone))


def _table(found: dict[str, object], lang: str, zone: str) -> str:
    from ops.drill.scenario import found as scenario_of
    from ops.drill.score import score_text

    try:
        expects = scenario_of(str(found["scenario"])).expects
    except InputError:  # one of the team's own, which is not here
        expects = None
    return score_text(found, lang, zone, expects)


def _not_production(database: str, db: Path) -> None:
    if "://" not in database and Path(database).absolute() == db.absolute():
        raise InputError(f"--db {db}: this is the production database of the settings; name another file")


def _opening(drill: Drill, db: Path) -> list[str]:
    """What the players and the leader of the exercise read first."""
    from playbooks.typography import typeset

    lang, scenario = drill.settings.lang, drill.params.scenario
    brief = f"{scenario.title.in_lang(lang)}. {scenario.brief.in_lang(lang)}"
    if lang == "fr":
        head = f"EXERCICE / EXERCISE\u00a0: {drill.brand}, {drill.minutes} min, vitesse {drill.params.speed:g}"
        tell = "L'équipe joue avec la base de l'exercice\u00a0:"
    else:
        head = f"EXERCICE / EXERCISE: {drill.brand}, {drill.minutes} min, speed {drill.params.speed:g}"
        tell = "The team plays with the drill's database:"
    commands = (
        f"vigie incidents list --db {db}", f"vigie incidents ack ID --db {db} --by NAME",
        f"vigie runs show ID --db {db}", f"vigie runs done ID STEP --db {db} --by NAME",
        f"vigie facts list ID --db {db}", f"vigie drafts list ID --db {db}", f"vigie drill score {db}",
    )  # fmt: skip
    return [head, typeset(brief, lang), tell, *(f"  {line}" for line in commands)]


def _closing(db: Path, config: Path | None, out: Path | None, lang: str, zone: str) -> None:
    """The score, and with a folder the RETEX of each incident beside it."""
    from dataclasses import replace

    from ops.delivery.build import look_of
    from ops.drill.score import score as scored
    from ops.reports.gather import gather, questions_of
    from ops.reports.render import written
    from ops.settings import Settings, load_settings
    from ops.store import Store
    from ops.store.codec import dumps

    settings = load_settings(config) if config is not None else Settings(lang=lang)  # type: ignore[arg-type]
    with Store.open(str(db), create=False) as store:
        found = scored(store)
        typer.echo(_table(found, lang, zone))
        if out is None:
            return
        try:
            out.mkdir(parents=True, exist_ok=True)
            (out / "score.json").write_bytes(dumps(found) + b"\n")
            for incident in store.incidents():
                questions = questions_of(settings, store.plan(incident.id), lang)
                case = gather(store, incident.id, None, questions)
                look = replace(look_of(settings), lang=lang)
                (out / f"retex-{incident.id}.md").write_bytes(written("md", "retex", case, look))
        except OSError as error:
            raise InputError(f"--out {out}: {error.strerror or error}") from None
        typer.echo(str(out))
