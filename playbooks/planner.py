"""The planner over a catalogue: which playbook, why, what each must do by when, and drafts in the brand's voice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from engine.domain.incident import Level
from engine.domain.playbook import BrandVoice, Draft, Plan, PlanRequest, Step
from engine.domain.scores import category_name
from playbooks.catalogue import Catalogue
from playbooks.compose import Wanted, compose, parts_of
from playbooks.lint import Policy, lint_draft
from playbooks.schema import KINDS, LANGS, LEVELS, Playbook
from playbooks.template import slots, text_of
from playbooks.typography import typeset
from playbooks.words import REASONS

SIGNAL_BONUS = 0.25
"""What one matching signal adds to a playbook's score; a category that every negative shares adds its weight."""

REASON_SHARE_MIN = 0.05
"""A category below this share of the negatives is no reason worth telling."""


class Choice(NamedTuple):
    """How well a playbook fits, and the sentence that says why."""

    playbook: Playbook
    score: float
    reason: str


class CataloguePlanner:
    """Plans from a catalogue. Pure and deterministic: the same request gives the same plan.

    The score of a playbook is its base, plus weight × share of the negatives for each of its categories, plus a bonus
    for each of its signals that is up. The best one is chosen; the next one is the runner-up.

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
        ranked = self.rank(request)
        chosen = ranked[0].playbook
        used: set[str] = set()
        drafts = tuple(self._drafts(chosen, request, used))
        return Plan(
            playbook=chosen.id,
            title=chosen.title.in_lang(request.lang),
            reason=ranked[0].reason,
            runner_up=next((other.playbook.id for other in ranked[1:] if other.score > 0), None),
            do_not_answer=_do_not_answer(chosen, request.lang),
            steps=tuple(steps_of(chosen, request.level, request.lang)),
            drafts=drafts,
            facts_needed=tuple(name for name in chosen.facts if name in used),
        )

    def rank(self, request: PlanRequest) -> list[Choice]:
        """Every playbook that the level allows, best first; ties go to the name that comes first."""
        level = Level.JAUNE if request.level is Level.VERT else request.level  # vert ends what began higher
        playbooks = [p for p in self._catalogue.playbooks.values() if LEVELS.index(p.when.level_min) <= level]
        choices = [_judge(p, request) for p in playbooks or self._catalogue.playbooks.values()]
        return sorted(choices, key=lambda choice: (-choice.score, choice.playbook.id))

    def _drafts(self, playbook: Playbook, request: PlanRequest, used: set[str]) -> Iterator[Draft]:
        """The drafts; `used` gathers the names of the facts that they ask for."""
        facts = voice_facts(request.brand)
        for lang in dict.fromkeys(lang if lang in LANGS else "en" for lang in request.brand.langs):
            policy = policy_of(playbook, lang, request.brand)
            form = request.brand.form if lang == "fr" else None
            for network in dict.fromkeys(request.networks):
                for kind in KINDS:
                    wanted = Wanted(request.level.label, network, lang, form, kind)
                    parts = parts_of(playbook, self._catalogue.voices, wanted)
                    pieces = compose(parts, wanted, facts)
                    used.update(name for nodes in parts for name in slots(nodes))
                    missing = tuple(dict.fromkeys(piece.fact for piece in pieces if piece.missing and piece.fact))
                    found = lint_draft(pieces, network, lang, policy, team_lang=request.lang)
                    findings = tuple(f for f in found if f.rule != "missing_fact")  # told in `missing`
                    yield Draft(network, lang, form, kind, text_of(pieces), missing, findings)


def voice_facts(voice: BrandVoice) -> dict[str, str]:
    """What fills the slots of a text: the approved facts, the brand's name and its signature."""
    return {**dict(voice.facts), "brand": voice.name, "signature": voice.signature}


def policy_of(playbook: Playbook, lang: str, voice: BrandVoice | None = None) -> Policy:
    """What the drafts of a playbook are held to, for a brand or for none."""
    banned = playbook.banned.fr if lang == "fr" else playbook.banned.en
    return Policy(
        banned=(*banned, *(voice.banned_words if voice else ())),
        emoji=voice.emoji if voice else False,
        strategies=frozenset(playbook.strategies),
        links=frozenset(name for name, fact in playbook.facts.items() if fact.type == "link"),
        contacts=frozenset(name for name, fact in playbook.facts.items() if fact.type == "contact"),
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
        )


def _judge(playbook: Playbook, request: PlanRequest) -> Choice:
    total = max(request.negatives, 1)
    shares: Mapping[str, float] = {name: count / total for name, count in request.categories}
    mine = {name: shares[name] for name in playbook.when.categories if shares.get(name, 0) > 0}
    signals = [name for name in playbook.when.signals if name in request.signals]
    score = playbook.when.base + SIGNAL_BONUS * len(signals)
    score += sum(playbook.when.categories[name] * share for name, share in mine.items())
    return Choice(playbook, score, _reason(mine, signals, request))


def _reason(shares: Mapping[str, float], signals: list[str], request: PlanRequest) -> str:
    words = REASONS["fr" if request.lang == "fr" else "en"]
    told = sorted(((s, name) for name, s in shares.items() if s >= REASON_SHARE_MIN), reverse=True)[:3]
    french = request.lang == "fr"
    names = ", ".join(f"{category_name(name, request.lang)} {share * 100:.0f}{' ' * french}%" for share, name in told)
    parts = [words["categories"].format(names, request.negatives) if told else words["none"]]
    if signals:
        parts.append(words["signals"].format(", ".join(signals)))
    parts.append(words["level"].format(request.level.label))
    if request.earlier_incidents:
        parts.append(words["history"].format(request.earlier_incidents))
    return typeset(" ; ".join(parts) if request.lang == "fr" else "; ".join(parts), request.lang) + "."


def _do_not_answer(playbook: Playbook, lang: str) -> str:
    branches = (f"{case.when.in_lang(lang)} → {case.instead.in_lang(lang)}" for case in playbook.do_not_answer)
    return typeset("\n".join(branches), lang)
