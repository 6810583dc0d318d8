"""What is wrong with a playbook file beyond its schema: its steps, its texts' markup, and every draft it can make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

from engine.domain.errors import PlaybookError
from playbooks.catalogue import FileFinding, PlaybookFile, load_voices, schema_findings
from playbooks.compose import Wanted, compose, parts_of
from playbooks.judge import Unknown
from playbooks.likeness import similar
from playbooks.lint import lint_draft
from playbooks.networks import NETWORKS
from playbooks.planner import policy_of
from playbooks.schema import (
    CLUSTER_STRATEGIES,
    FORMS,
    KINDS,
    LANGS,
    LEVELS,
    Bilingual,
    KindTexts,
    LangTexts,
    Playbook,
    suggestion,
)
from playbooks.steplint import advice
from playbooks.template import BUILT_IN, TemplateError, fill, parse, slots, text_of
from playbooks.typography import typeset

SAMPLE_BRAND = "Nordalia"
SHARED_FACTS = ("next_update", "link", "contact")
"""The facts that the closings of the networks use: every playbook declares them."""

_VOUS = re.compile(r"\b(?:vous|votre|vos|vôtres?|(?!chez|assez|nez|rez)[a-zéèêâîôûç-]+ez)\b", re.I)
_TU = re.compile(r"\b(?:tu|te|toi|ton|ta|tes|tiens|tiennes)\b|\bt’", re.I)

Loc = tuple[str | int, ...]


def lint_file(path: Path, unknown: Unknown | None = None) -> list[FileFinding]:
    """Everything wrong in one file, in order of lines; empty for a playbook that can be used.

    Drafts are judged with the facts' examples and an invented brand, at every level, network, language and form.
    `unknown` reads the spelling; None leaves it out.
    """
    try:
        file, findings = schema_findings(path)
    except PlaybookError as error:
        return [_finding_from(path, str(error))]
    if file is not None:
        findings = structure_findings(file)
        advised = list(advice(file))
        if not findings:
            findings = [*_draft_findings(file), *_similar_findings(file)]
            findings += spelling_findings(file, unknown) if unknown else ()
        findings += advised
    return sorted(dict.fromkeys(findings), key=lambda finding: (finding.line, finding.column, finding.text))


def _finding_from(path: Path, message: str) -> FileFinding:
    found = re.fullmatch(re.escape(str(path)) + r":(?:(\d+):(\d+):)? ?(.*)", message, re.S)
    line, column, text = found.groups() if found else (None, None, message)
    return FileFinding(str(path), int(line or 1), int(column or 1), "yaml", text)


def structure_findings(file: PlaybookFile) -> list[FileFinding]:
    """What would break a plan: roles, steps, facts, strategies, markup."""
    return [*_role_findings(file), *_step_findings(file), *_fact_findings(file), *_markup_findings(file)]


def _role_findings(file: PlaybookFile) -> Iterator[FileFinding]:
    playbook = file.playbook
    for name, role in playbook.roles.items():
        if role.deputy not in playbook.roles:
            hint = suggestion(role.deputy, playbook.roles)
            yield file.finding(("roles", name, "deputy"), "role", f"unknown role {role.deputy!r}{hint}")
        elif role.deputy == name:
            yield file.finding(("roles", name, "deputy"), "role", f"{name!r} can't be its own deputy")
    for i, strategy in enumerate(playbook.strategies):
        if strategy not in CLUSTER_STRATEGIES[playbook.cluster]:
            yield file.finding(
                ("strategies", i), "strategy", f"{strategy!r} does not go with the cluster {playbook.cluster!r}"
            )


def _step_findings(file: PlaybookFile) -> Iterator[FileFinding]:
    steps = {step.id: step for step in file.playbook.steps}
    seen: set[str] = set()
    for i, step in enumerate(file.playbook.steps):
        if step.id in seen:
            yield file.finding(("steps", i, "id"), "step", f"step {step.id!r} stands twice")
        seen.add(step.id)
        if step.role not in file.playbook.roles:
            hint = suggestion(step.role, file.playbook.roles)
            yield file.finding(("steps", i, "role"), "role", f"unknown role {step.role!r}{hint}")
        if not step.minutes:
            yield file.finding(("steps", i, "minutes"), "unreachable", f"step {step.id!r} is due at no level")
        for j, name in enumerate(step.after):
            if name not in steps:
                hint = suggestion(name, steps)
                yield file.finding(("steps", i, "after", j), "dependency", f"unknown step {name!r}{hint}")
                continue
            for level, minutes in step.minutes.items():
                earlier = steps[name].minutes.get(level)
                if earlier is not None and earlier > minutes:
                    yield file.finding(
                        ("steps", i, "minutes", level),
                        "dependency",
                        f"due after {minutes} min, before {name!r} it waits for ({earlier} min)",
                    )
    reached: set[str] = set()
    while True:
        new = {s.id for s in steps.values() if s.id not in reached and reached.issuperset(set(s.after) & set(steps))}
        if not new:
            break
        reached |= new
    for i, step in enumerate(file.playbook.steps):
        if step.id not in reached:
            yield file.finding(("steps", i, "after"), "unreachable", f"step {step.id!r} waits for itself in a circle")


def _fact_findings(file: PlaybookFile) -> Iterator[FileFinding]:
    for name in SHARED_FACTS:
        if name not in file.playbook.facts:
            yield file.finding(("facts",), "fact", f"the closings of the networks need the fact {name!r}")
    for name in BUILT_IN:
        if name in file.playbook.facts:
            yield file.finding(("facts", name), "fact", f"{name!r} comes from the brand's settings")


def texts_at(playbook: Playbook) -> Iterator[tuple[Loc, str, str]]:
    """Every text of a playbook: its place, language and words."""
    for lang in LANGS:
        own: LangTexts = getattr(playbook.texts, lang)
        for part in ("open", "closed") if own.individual is not None else ():
            for i, text in enumerate(getattr(own.individual, part)):
                yield ("texts", lang, "individual", part, i), lang, text
        for kind in KINDS:
            texts: KindTexts = getattr(own, kind)
            at: Loc = ("texts", lang, kind)
            for part, leads in (("open", texts.open), ("closed", texts.closed)):
                for name, wordings in leads.items():
                    for i, text in enumerate(wordings):
                        yield (*at, part, name, i), lang, text
            for level, sizes in texts.levels.items():
                for size, sentences in sizes.items():
                    for i, sentence in enumerate(sentences):
                        yield (*at, "levels", level, size, i), lang, sentence


def _markup_findings(file: PlaybookFile) -> Iterator[FileFinding]:
    known = (*file.playbook.facts, *BUILT_IN)
    used: set[str] = set(SHARED_FACTS)
    for loc, lang, text in texts_at(file.playbook):
        try:
            names = set(slots(parse(text, lang)))
        except TemplateError as error:
            yield file.finding(loc, "markup", str(error))
            continue
        used |= names
        for name in sorted(names - set(known)):
            yield file.finding(loc, "fact", f"unknown fact {name!r}{suggestion(name, known)}")
    for name in file.playbook.facts:
        if name not in used:
            yield file.finding(("facts", name), "fact", f"no text uses the fact {name!r}")


def example_facts(playbook: Playbook, lang: str, brand: str = SAMPLE_BRAND) -> dict[str, str]:
    """The examples of a playbook's facts, and the brand's name, ready to fill a draft."""
    examples = {name: typeset(fact.example.in_lang(lang), lang) for name, fact in playbook.facts.items()}
    return {**examples, "brand": brand}


def all_wanted(
    levels: tuple[str, ...] = LEVELS, networks: tuple[str, ...] = tuple(NETWORKS), langs: tuple[str, ...] = LANGS
) -> Iterator[Wanted]:
    """Every draft that a playbook makes: level × network × language × form × kind."""
    for level in levels:
        for network in networks:
            for lang in langs:
                for form in FORMS[lang]:
                    for kind in KINDS:
                        yield Wanted(level, network, lang, form, kind)


def _lead_loc(playbook: Playbook, wanted: Wanted) -> Loc:
    part = "closed" if wanted.level == "vert" else "open"
    texts: KindTexts = getattr(getattr(playbook.texts, wanted.lang), wanted.kind)
    name = wanted.network if wanted.network in getattr(texts, part) else "default"
    return ("texts", wanted.lang, wanted.kind, part, name)


def _draft_findings(file: PlaybookFile) -> Iterator[FileFinding]:
    playbook, voices = file.playbook, load_voices()
    for loc, lang, text in texts_at(playbook):
        if lang == "fr":
            yield from _form_findings(file, loc, text)
    for wanted in all_wanted():
        facts = example_facts(playbook, wanted.lang)
        pieces = compose(parts_of(playbook, voices, wanted), wanted, facts)
        for finding in lint_draft(pieces, wanted.network, wanted.lang, policy_of(playbook, wanted.lang)):
            where = f"{wanted.level}, {wanted.network}: " if finding.rule == "length" else ""
            yield file.finding(_lead_loc(playbook, wanted), finding.rule, f"{where}{finding.text}")


def _form_findings(file: PlaybookFile, loc: Loc, text: str) -> Iterator[FileFinding]:
    for form, wrong in (("tu", _VOUS), ("vous", _TU)):
        hit = wrong.search(text_of(piece for piece in fill(parse(text, "fr"), {}, form) if piece.fact is None))
        if hit:
            yield file.finding(loc, "form", f"{hit.group()!r} in the form {form!r}: write [tu|vous] forms")


def _similar_findings(file: PlaybookFile) -> Iterator[FileFinding]:
    playbook, voices = file.playbook, load_voices()
    for level in LEVELS:
        for lang, forms in FORMS.items():
            facts = example_facts(playbook, lang)
            for form in forms:
                for kind in KINDS:
                    drafts = []
                    for wanted in (Wanted(level, name, lang, form, kind) for name in NETWORKS):
                        drafts.append((wanted, text_of(compose(parts_of(playbook, voices, wanted), wanted, facts))))
                    for (one, a), (other, b) in combinations(drafts, 2):
                        if similar(a, b):
                            yield file.finding(
                                _lead_loc(playbook, other),
                                "same_text",
                                f"{level}: nearly the same for {one.network} and {other.network}",
                            )


def spelling_findings(file: PlaybookFile, unknown: Unknown) -> Iterator[FileFinding]:
    """The words of a file that no dictionary knows: of its texts with the examples filled in, and of what it tells the
    team."""
    for lang in LANGS:
        facts = example_facts(file.playbook, lang)
        places: list[tuple[Loc, str]] = []
        for loc, spoken, text in texts_at(file.playbook):
            if spoken == lang:
                for form in FORMS[lang]:
                    places.append((loc, text_of(fill(parse(text, lang), facts, form))))
        places += (
            (loc, _FACT_NAME.sub(" ", typeset(text.in_lang(lang), lang))) for loc, text in told_at(file.playbook)
        )
        for (loc, _), words in zip(places, unknown([text for _, text in places], lang), strict=True):
            for word in sorted(words):
                yield file.finding(loc, "spelling", f"no dictionary knows {word!r} ({lang})")


_FACT_NAME = re.compile(r"[«“][\s\u00a0\u202f]?[a-z_]+[\s\u00a0\u202f]?[»”]")


def told_at(playbook: Playbook) -> Iterator[tuple[Loc, Bilingual]]:
    """Everything that a playbook tells the team, and where it stands: titles, steps, branches, questions."""
    yield ("title",), playbook.title
    for name, role in playbook.roles.items():
        yield ("roles", name, "title"), role.title
    for i, step in enumerate(playbook.steps):
        yield ("steps", i, "title"), step.title
        yield ("steps", i, "done_when"), step.done_when
    for i, case in enumerate(playbook.do_not_answer):
        yield ("do_not_answer", i, "when"), case.when
        yield ("do_not_answer", i, "instead"), case.instead
    for name, fact in playbook.facts.items():
        yield ("facts", name, "question"), fact.question
        yield ("facts", name, "example"), fact.example
