"""The planner over a catalogue: which playbook, why, what each must do by when, and drafts in the brand's voice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.domain.incident import Level
from engine.domain.playbook import BrandVoice, Draft, Plan, PlanRequest, PlanRole, Step
from engine.domain.run import REPEATS, STEP_CLOCKS, STEP_PUBLISHES
from playbooks.catalogue import Catalogue
from playbooks.choosing import cluster_of, duties_of, rank, strategies_of
from playbooks.compose import Wanted, compose, parts_of
from playbooks.lint import Policy, lint_draft
from playbooks.schema import KINDS, LANGS, DoNotAnswer, Playbook, PlaybookStep
from playbooks.template import slots, text_of
from playbooks.typography import typeset


class CataloguePlanner:
    """Plans from a catalogue. Pure and deterministic: the same request gives the same plan.

    `playbooks.choosing` ranks the choices; the best one is chosen, and the next playbook is the runner-up.

    >>> from playbooks.catalogue import load_catalogue
    >>> voice = BrandVoice("Nordalia", facts=(("service", "le site"), ("next_update", "18 h 30")))
    >>> plan = CataloguePlanner(load_catalogue()).plan(
    ...     PlanRequest("i1", voice, Level.ORANGE, (("outage", 60),), 80, ("x",), lang="en"))
    >>> plan.playbook, plan.runner_up, plan.drafts[0].missing
    ('outage', 'generic', ('since', 'link'))
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def plan(self, request: PlanRequest) -> Plan:
        """The plan for one incident. A catalogue without a playbook for the level falls back on all of them."""
        ranked = rank(self._catalogue.playbooks.values(), request)
        chosen, case = ranked[0].playbook, ranked[0].silence
        other = next((one for one in ranked[1:] if one.score > 0 and one.playbook.id != chosen.id), None)
        used: set[str] = set()
        drafts = tuple(self._drafts(chosen, request, used))
        return Plan(
            playbook=chosen.id,
            title=chosen.title.in_lang(request.lang),
            reason=ranked[0].reason,
            runner_up=other.playbook.id if other else None,
            do_not_answer=_do_not_answer(chosen, request.lang),
            steps=tuple(steps_of(chosen, request.level, request.lang)),
            drafts=drafts,
            facts_needed=tuple(name for name in chosen.facts if name in used),
            level=request.level,
            runner_up_reason=other.reason if other else "",
            silence=_case(case, request.lang) if case else "",
            cluster=cluster_of(chosen, request),
            strategies=strategies_of(chosen, request),
            roles=tuple(roles_of(chosen, request.lang)),
            closing=tuple(steps_of(chosen, Level.VERT, request.lang)),
            duties=duties_of(chosen, request),
        )

    def _drafts(self, playbook: Playbook, request: PlanRequest, used: set[str]) -> Iterator[Draft]:
        """The drafts; `used` gathers the names of the facts that they ask for."""
        facts = voice_facts(request.brand)
        for lang in dict.fromkeys(lang if lang in LANGS else "en" for lang in request.brand.langs):
            policy = policy_of(playbook, lang, request.brand, strategies_of(playbook, request))
            form = request.brand.form if lang == "fr" else None
            for network in dict.fromkeys(request.networks):
                for kind in KINDS:
                    wanted = Wanted(request.level.label, network, lang, form, kind)
                    parts = parts_of(playbook, self._catalogue.voices, wanted)
                    pieces = compose(parts, wanted, facts, request.brand.preferred)
                    used.update(name for nodes in parts for name in slots(nodes))
                    missing = tuple(dict.fromkeys(piece.fact for piece in pieces if piece.missing and piece.fact))
                    found = lint_draft(pieces, network, lang, policy, team_lang=request.lang)
                    findings = tuple(f for f in found if f.rule != "missing_fact")  # told in `missing`
                    yield Draft(network, lang, form, kind, text_of(pieces), missing, findings)


def voice_facts(voice: BrandVoice) -> dict[str, str]:
    """What fills the slots of a text: the approved facts, the brand's name and its signature."""
    return {**dict(voice.facts), "brand": voice.name, "signature": voice.signature}


def policy_of(
    playbook: Playbook, lang: str, voice: BrandVoice | None = None, strategies: Sequence[str] | None = None
) -> Policy:
    """What the drafts of a playbook are held to, for a brand or for none; `strategies` where history changes them."""
    banned = playbook.banned.fr if lang == "fr" else playbook.banned.en
    return Policy(
        banned=(*banned, *(voice.banned_words if voice else ())),
        emoji=voice.emoji if voice else False,
        strategies=frozenset(playbook.strategies if strategies is None else strategies),
        links=frozenset(name for name, fact in playbook.facts.items() if fact.type == "link"),
        contacts=frozenset(name for name, fact in playbook.facts.items() if fact.type == "contact"),
        preferred=voice.preferred if voice else (),
    )


def steps_of(playbook: Playbook, level: Level, lang: str) -> Iterator[Step]:
    """The steps at `level`, soonest first; a step that this level leaves out is waited for by nobody."""
    # at vert the incident is over: what remains is to close and to learn
    due = [(step.minutes[name], step) for step in playbook.steps for name in step.minutes if name == level.label]
    present = {step.id for _, step in due}
    for minutes, step in sorted(due, key=lambda pair: pair[0]):
        yield Step(
            id=step.id,
            role=typeset(playbook.roles[step.role].title.in_lang(lang), lang),
            due_min=minutes,
            title=typeset(step.title.in_lang(lang), lang),
            done_when=typeset(step.done_when.in_lang(lang), lang),
            after=tuple(name for name in step.after if name in present),
            role_id=step.role,
            clock=(clock := step.clock or STEP_CLOCKS.get(step.id)),
            every_min=_every(step, level, clock),
            action=step.action or ("freeze" if clock == "freeze" else None),
            publishes=step.publishes or STEP_PUBLISHES.get(step.id),
        )


def _every(step: PlaybookStep, level: Level, clock: str | None) -> int:
    """Minutes until the step comes again at this level; 0 for one that does not. What its file says wins."""
    if step.every is not None:
        return next((minutes for name, minutes in step.every.items() if name == level.label), 0)
    return REPEATS.get(clock or "", {}).get(level, 0)


def roles_of(playbook: Playbook, lang: str) -> Iterator[PlanRole]:
    """Who does steps, and who stands in."""
    for name, role in playbook.roles.items():
        yield PlanRole(name, typeset(role.title.in_lang(lang), lang), role.deputy)


def _do_not_answer(playbook: Playbook, lang: str) -> str:
    return "\n".join(_case(case, lang) for case in playbook.do_not_answer)


def _case(case: DoNotAnswer, lang: str) -> str:
    return typeset(f"{case.when.in_lang(lang)} → {case.instead.in_lang(lang)}", lang)
