"""`vigie playbooks`: list, show, lint and draft. Nothing here sends anything."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from engine.domain.errors import InputError

if TYPE_CHECKING:
    from playbooks.catalogue import Catalogue, FileFinding
    from playbooks.compose import Wanted
    from playbooks.judge import Unknown
    from playbooks.schema import Playbook

playbooks_app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Playbooks: what to do in a crisis, and drafts of what to say. `vigie playbooks show outage`",
)

Dirs = Annotated[
    list[Path] | None, typer.Option("--dir", help="A directory with playbooks of your own; may be repeated.")
]
Lang = Annotated[str, typer.Option("--lang", help="fr or en.")]


def _catalogue(dirs: list[Path] | None) -> Catalogue:
    from playbooks.catalogue import load_catalogue

    return load_catalogue(dirs or ())


def _one_of(option: str, value: str | None, allowed: tuple[str, ...]) -> None:
    from playbooks.schema import suggestion

    if value is not None and value not in allowed:
        raise InputError(f"--{option} {value}: choose one of {', '.join(allowed)}{suggestion(value, allowed)}")


@playbooks_app.command("list")
def list_playbooks(dirs: Dirs = None, lang: Lang = "fr") -> None:
    """The playbooks and what they are for.

    Example: `vigie playbooks list --lang en`
    """
    _one_of("lang", lang, ("fr", "en"))
    for playbook in _catalogue(dirs).playbooks.values():
        categories = ", ".join(playbook.when.categories) or "-"
        typer.echo(f"{playbook.id:20} {playbook.title.in_lang(lang)} [{playbook.cluster}; {categories}]")


@playbooks_app.command()
def show(playbook_id: Annotated[str, typer.Argument(metavar="ID")], dirs: Dirs = None, lang: Lang = "fr") -> None:
    """One playbook: when, who, what by when, when not to answer, the facts to fill in.

    Example: `vigie playbooks show dangerous_product --lang en`
    """
    _one_of("lang", lang, ("fr", "en"))
    playbook = _catalogue(dirs)[playbook_id]
    for line in _shown(playbook, lang):
        typer.echo(line)


def _shown(playbook: Playbook, lang: str) -> Iterator[str]:
    from playbooks.typography import typeset

    words = _WORDS[lang]
    yield f"{playbook.title.in_lang(lang)} ({playbook.id})"
    yield f"{words['cluster']}: {playbook.cluster}; {', '.join(playbook.strategies)}"
    yield f"\n{words['steps']}"
    for step in playbook.steps:
        due = ", ".join(f"{level} {minutes} min" for level, minutes in step.minutes.items())
        after = f" ({words['after']} {', '.join(step.after)})" if step.after else ""
        yield f"- {step.id}: {typeset(step.title.in_lang(lang), lang)}"
        yield f"  {playbook.roles[step.role].title.in_lang(lang)}; {due}{after}"
        yield f"  {words['done']}: {typeset(step.done_when.in_lang(lang), lang)}"
    yield f"\n{words['silence']}"
    for case in playbook.do_not_answer:
        yield f"- {typeset(case.when.in_lang(lang), lang)}\n  → {typeset(case.instead.in_lang(lang), lang)}"
    yield f"\n{words['facts']}"
    for name, fact in playbook.facts.items():
        question, example = (typeset(text.in_lang(lang), lang) for text in (fact.question, fact.example))
        yield f"- {name}: {question}  [{example}]"


_WORDS = {
    "fr": {
        "cluster": "Responsabilité (SCCT)", "steps": "Étapes", "after": "après", "done": "Fait quand",
        "silence": "Quand ne pas répondre", "facts": "Faits à remplir et à approuver",
    },
    "en": {
        "cluster": "Responsibility (SCCT)", "steps": "Steps", "after": "after", "done": "Done when",
        "silence": "When not to answer", "facts": "Facts to fill in and approve",
    },
}  # fmt: skip


@playbooks_app.command()
def lint(
    files: Annotated[list[Path] | None, typer.Argument(help="Playbook files; the built-in ones when none.")] = None,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", help="Settings: their playbooks, too, and who holds each role."),
    ] = None,
) -> None:
    """Check playbook files: one line a finding, as file:line:column; exit code 2 if there is any.

    Every draft that a file can make is read: length, likeness between networks, typography, phrases, and spelling
    where hunspell is installed.

    Example: `vigie playbooks lint my-playbooks/strike.yaml`
    """
    from playbooks.catalogue import shipped_files
    from playbooks.filelint import lint_file

    paths = files or shipped_files()
    unknown = _spelling()
    if config is not None:
        paths, held = _with_settings(files, config)
    findings = [finding for path in paths for finding in lint_file(path, unknown)]
    if config is not None:
        findings += [finding for path in paths for finding in _unheld(path, held)]
    for finding in findings:
        typer.echo(str(finding))
    if findings:
        raise typer.Exit(2)
    typer.echo(f"{len(paths)} playbook{'s' * (len(paths) > 1)}, no finding", err=True)


def _spelling() -> Unknown | None:
    from ops.spelling import hunspell, unknown_words

    if hunspell() is not None:
        return unknown_words
    typer.echo("spelling not read: install hunspell, hunspell-fr and hunspell-en-us", err=True)
    return None


@playbooks_app.command()
def judge(
    file: Annotated[Path, typer.Argument(help="A list that `vigie playbooks draft --all --example --json` wrote.")],
) -> None:
    """Judge rendered drafts by their words alone: holes, length, likeness, typography, phrases, spelling.

    One line a finding; exit code 2 if there is any.

    Example: `vigie playbooks judge drafts.json`
    """
    from playbooks.judge import KEYS
    from playbooks.judge import judge as judged

    try:
        rows = json.loads(file.read_bytes())
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{file}: no JSON ({error})") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) and set(KEYS) <= set(row) for row in rows):
        raise InputError(f"{file}: expected a list of objects with {', '.join(KEYS)}")
    findings = judged(rows, _spelling())
    for finding in findings:
        typer.echo(str(finding))
    typer.echo(f"{len(rows)} drafts, {len(findings) or 'no'} finding{'s' * (len(findings) > 1)}", err=True)
    if findings:
        raise typer.Exit(2)


def _with_settings(files: list[Path] | None, config: Path) -> tuple[list[Path], frozenset[str]]:
    """The files to read, and the roles for which the settings name someone."""
    from ops.settings import load_settings
    from playbooks.catalogue import playbook_paths, shipped_files

    settings = load_settings(config)
    own = [path for folder in settings.playbooks.directories if folder.is_dir() for path in playbook_paths(folder)]
    held = {role for role, people in settings.roles.items() if people} | {rota.role for rota in settings.oncall.rotas}
    return files or [*shipped_files(), *own], frozenset(held)


def _unheld(path: Path, held: frozenset[str]) -> list[FileFinding]:
    from playbooks.catalogue import schema_findings
    from playbooks.steplint import unheld_roles

    try:
        file, _ = schema_findings(path)
    except InputError:  # told by the linter already
        return []
    return list(unheld_roles(file, held)) if file is not None else []


@playbooks_app.command("schema")
def schema_command() -> None:
    """The JSON Schema of a playbook file, for editors that complete YAML.

    Example: `vigie playbooks schema > playbook.schema.json`
    """
    from playbooks.schema import playbook_schema

    typer.echo(json.dumps(playbook_schema(), ensure_ascii=False, indent=2))


@playbooks_app.command()
def draft(
    playbook_id: Annotated[str | None, typer.Argument(metavar="[ID]")] = None,
    level: Annotated[str, typer.Option(help="vert, jaune, orange or rouge.")] = "orange",
    network: Annotated[str | None, typer.Option(help="A mention's source, such as x or review.")] = None,
    lang: Annotated[str | None, typer.Option(help="fr or en.")] = None,
    form: Annotated[str | None, typer.Option(help="tu or vous (French).")] = None,
    kind: Annotated[str | None, typer.Option(help="holding, position or reply.")] = None,
    fact: Annotated[list[str] | None, typer.Option(help="name=value; may be repeated.")] = None,
    brand: Annotated[str, typer.Option(help="The brand's name.")] = "Nordalia",
    signature: Annotated[str, typer.Option(help="Signature; « L'équipe … » when empty.")] = "",
    example: Annotated[bool, typer.Option("--example", help="Fill in the examples of the facts.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Every playbook, level, network, language and form.")] = False,
    json_out: Annotated[
        Path | None, typer.Option("--json", metavar="OUT", help="Write a JSON list; - for stdout.")
    ] = None,
    dirs: Dirs = None,
) -> None:
    """Drafts, ready for a person to read and approve. Missing facts show as ⟦name⟧.

    Example: `vigie playbooks draft outage --network x --lang fr --fact service="le site" --brand Nordalia`

    Everything at once: `vigie playbooks draft --all --example --json drafts.json`
    """
    from engine.domain.mention import SOURCES
    from playbooks.filelint import all_wanted
    from playbooks.schema import KINDS, LANGS, LEVELS

    _one_of("level", level, LEVELS)
    _one_of("network", network, SOURCES)
    _one_of("lang", lang, LANGS)
    _one_of("form", form, ("tu", "vous"))
    _one_of("kind", kind, KINDS)
    catalogue = _catalogue(dirs)
    if playbook_id is None and not every:
        raise InputError("name a playbook (vigie playbooks list shows them), or ask for --all")
    chosen = [catalogue[playbook_id]] if playbook_id else list(catalogue.playbooks.values())
    wanted = [
        w
        for w in all_wanted(
            LEVELS if every else (level,), (network,) if network else SOURCES, (lang,) if lang else LANGS
        )
        if (kind is None or w.kind == kind) and (form is None or w.form in (form, None))
    ]
    facts = {"brand": brand, "signature": signature, **_facts(fact or [], chosen)}
    rows = [row for playbook in chosen for row in _rows(catalogue, playbook, wanted, facts, example=example)]
    _write(rows, json_out)


def _facts(pairs: list[str], chosen: list[Playbook]) -> dict[str, str]:
    from playbooks.schema import suggestion

    known = {name for playbook in chosen for name in playbook.facts}
    facts = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise InputError(f"--fact {pair}: write name=value")
        if name not in known:
            raise InputError(f"--fact {name}: no such fact{suggestion(name, known)}")
        facts[name] = value
    return facts


def _rows(
    catalogue: Catalogue, playbook: Playbook, wanted: list[Wanted], facts: dict[str, str], *, example: bool
) -> Iterator[dict[str, Any]]:
    from playbooks.compose import compose, parts_of
    from playbooks.filelint import example_facts
    from playbooks.template import text_of

    filled = {lang: {**(example_facts(playbook, lang) if example else {}), **facts} for lang in ("fr", "en")}
    for one in wanted:
        pieces = compose(parts_of(playbook, catalogue.voices, one), one, filled[one.lang])
        yield {
            "playbook": playbook.id,
            "level": one.level,
            "network": one.network,
            "lang": one.lang,
            "form": one.form,
            "kind": one.kind,
            "text": text_of(pieces),
        }


def _write(rows: list[dict[str, Any]], json_out: Path | None) -> None:
    if json_out is None:
        for row in rows:
            form = f" {row['form']}" if row["form"] else ""
            typer.echo(f"--- {row['playbook']} {row['level']} {row['network']} {row['lang']}{form} {row['kind']}")
            typer.echo(f"{row['text']}\n")
        missing = sorted({name for row in rows for name in re.findall(r"⟦([^⟧]+)⟧", row["text"])})
        if missing:
            typer.echo(f"missing facts: {', '.join(missing)} (fill in with --fact name=value)", err=True)
        return
    text = json.dumps(rows, ensure_ascii=False, indent=1) + "\n"
    if str(json_out) == "-":
        typer.echo(text, nl=False)
        return
    try:
        json_out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{json_out}: {error.strerror}") from error
    typer.echo(f"{len(rows)} drafts written to {json_out}", err=True)
