"""Which playbook, and whether to answer at all: every choice has its score and the sentence that says why.

The score of a playbook is its base, plus weight × share of the negatives for each of its categories, plus a bonus for
each of its signals that is up. Where a case for silence can be checked and is met, not answering is a choice beside
it, a little ahead. The playbook that is being followed has a lead: another one replaces it only when it is clearly
better. An earlier crisis or a bad reputation moves the posture one cluster harsher (Coombs 2007).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from engine.domain.incident import Level
from engine.domain.playbook import PlanRequest
from engine.domain.scores import category_name
from playbooks.schema import CLUSTER_STRATEGIES, LEVELS, DoNotAnswer, MetIf, Playbook
from playbooks.typography import typeset
from playbooks.words import REASONS

SIGNAL_BONUS = 0.25
"""What one matching signal adds to a playbook's score; a category that every negative shares adds its weight."""
SILENCE_BONUS = 0.1
"""Where a case for silence is met, it is ahead of answering with the same playbook by so much."""
LEAD_MIN = 0.15
"""By how much another playbook must lead to replace the one that is being followed."""
REASON_SHARE_MIN = 0.05
"""A category below this share of the negatives is no reason worth telling."""
LEAK_SHARE_MIN = 0.15
LEAK_MENTIONS_MIN = 5
"""A data leak told by so many, and so large a part, starts the 72 hours of the GDPR whatever playbook is chosen."""

HARSHER: Mapping[str, str] = {"victim": "accidental", "accidental": "preventable", "preventable": "preventable"}


class Choice(NamedTuple):
    """How well a playbook fits, and the sentence that says why; `silence` is the case in which it says nothing."""

    playbook: Playbook
    score: float
    reason: str
    silence: DoNotAnswer | None = None


def rank(playbooks: Iterable[Playbook], request: PlanRequest) -> list[Choice]:
    """Every choice that the level allows, best first; ties go to the name that comes first."""
    everything = list(playbooks)
    level = Level.JAUNE if request.level is Level.VERT else request.level  # vert ends what began higher
    allowed = [p for p in everything if LEVELS.index(p.when.level_min) <= level] or everything
    choices = [choice for playbook in allowed for choice in _choices(playbook, request)]
    choices.sort(key=lambda choice: (-choice.score, choice.playbook.id))
    return _kept(choices, request)


def _kept(choices: list[Choice], request: PlanRequest) -> list[Choice]:
    """The playbook that is being followed stays in front until another one leads clearly."""
    best = choices[0]
    mine = next((choice for choice in choices if choice.playbook.id == request.current), None)
    if mine is None or best.playbook.id == request.current or best.score - mine.score >= LEAD_MIN:
        return choices
    kept = _sentence(f"{mine.reason.rstrip('.')}{_join(request)}{_words(request)['kept']}", request)
    return [mine._replace(reason=kept), *(choice for choice in choices if choice is not mine)]


def _choices(playbook: Playbook, request: PlanRequest) -> Iterable[Choice]:
    answer = _judge(playbook, request)
    yield answer
    case = next((case for case in playbook.do_not_answer if is_met(case.met_if, request)), None)
    if case is not None:
        told = _words(request)["silence"].format(_bare(case.when.in_lang(request.lang)))
        reason = _sentence(f"{answer.reason.rstrip('.')}{_join(request)}{told}", request)
        yield Choice(playbook, answer.score + SILENCE_BONUS, reason, case)


def _bare(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")


def is_met(test: MetIf | None, request: PlanRequest) -> bool:
    """Whether all that can be checked of a case for silence holds. Never where people may be in danger, nor at rouge.

    >>> from engine.domain.playbook import BrandVoice
    >>> lumeo, hate = BrandVoice("Lumeo"), (("illegal_hate", 8),)
    >>> request = PlanRequest("i", lumeo, Level.JAUNE, hate, 10, (), ("raid",), authors=4)
    >>> is_met(MetIf(authors_below=10, signals=["raid"]), request), is_met(MetIf(authors_below=3), request)
    (True, False)
    """
    if test is None or request.level is Level.ROUGE or "harm" in request.signals:
        return False
    shares = shares_of(request)
    checks = [shares.get(name, 0.0) >= least for name, least in test.categories.items()]
    checks += [name in request.signals for name in test.signals]
    if test.level_max is not None:
        checks.append(request.level <= LEVELS.index(test.level_max))
    if test.authors_below is not None:
        checks.append(0 < request.authors < test.authors_below)
    if test.reach_below is not None:
        checks.append(request.followers_max < test.reach_below)
    return bool(checks) and all(checks)


def shares_of(request: PlanRequest) -> dict[str, float]:
    """Category -> its share of the negatives."""
    total = max(request.negatives, 1)
    return {name: count / total for name, count in request.categories}


def cluster_of(playbook: Playbook, request: PlanRequest) -> str:
    """Whose fault it will look like, one cluster harsher after an earlier crisis or with a bad reputation."""
    harsher = request.earlier_incidents > 0 or request.brand.bad_reputation
    return HARSHER[playbook.cluster] if harsher else playbook.cluster


def strategies_of(playbook: Playbook, request: PlanRequest) -> tuple[str, ...]:
    """What texts may do: the playbook's own strategies that its cluster allows.

    In a harsher cluster excuses and justifications go and saying sorry comes; a denial stays, since it is about
    whether a thing is true and not about posture.
    """
    cluster = cluster_of(playbook, request)
    allowed = CLUSTER_STRATEGIES[cluster] | {"deny"}
    kept = tuple(name for name in playbook.strategies if name in allowed)
    if cluster != playbook.cluster and "deny" not in kept and "apologise" not in kept:
        return (*kept, "apologise")
    return kept


def duties_of(playbook: Playbook, request: PlanRequest) -> tuple[str, ...]:
    """Deadlines of the law that begin with this choice."""
    count = dict(request.categories).get("data_leak", 0)
    told = count >= LEAK_MENTIONS_MIN and shares_of(request).get("data_leak", 0.0) >= LEAK_SHARE_MIN
    return ("rgpd_notice",) if told or playbook.id == "data_leak" else ()


def _judge(playbook: Playbook, request: PlanRequest) -> Choice:
    shares = shares_of(request)
    mine = {name: shares[name] for name in playbook.when.categories if shares.get(name, 0) > 0}
    signals = [name for name in playbook.when.signals if name in request.signals]
    score = playbook.when.base + SIGNAL_BONUS * len(signals)
    score += sum(playbook.when.categories[name] * share for name, share in mine.items())
    return Choice(playbook, score, _reason(playbook, mine, signals, request))


def _reason(playbook: Playbook, shares: Mapping[str, float], signals: list[str], request: PlanRequest) -> str:
    words, french = _words(request), request.lang == "fr"
    told = sorted(((s, name) for name, s in shares.items() if s >= REASON_SHARE_MIN), reverse=True)[:3]
    names = ", ".join(f"{category_name(name, request.lang)} {share * 100:.0f}{' ' * french}%" for share, name in told)
    parts = [words["categories"].format(names, request.negatives) if told else words["none"]]
    if signals:
        parts.append(words["signals"].format(", ".join(signals)))
    parts.append(words["level"].format(request.level.label))
    if request.earlier_incidents:
        parts.append(words["history"].format(request.earlier_incidents))
    elif request.brand.bad_reputation:
        parts.append(words["reputation"])
    cluster = cluster_of(playbook, request)
    if cluster != playbook.cluster:
        parts.append(words["cluster"].format(words[cluster]))
    return _sentence(_join(request).join(parts), request)


def _words(request: PlanRequest) -> Mapping[str, str]:
    return REASONS["fr" if request.lang == "fr" else "en"]


def _join(request: PlanRequest) -> str:
    return " ; " if request.lang == "fr" else "; "


def _sentence(text: str, request: PlanRequest) -> str:
    return typeset(text, request.lang) + "."
