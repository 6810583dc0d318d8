"""Every draft that an incident asks for, as the playbook makes it from the facts that are approved now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import NamedTuple

from engine.domain.draft_state import APPROVALS_NEEDED, DraftState, StoredDraft
from engine.domain.incident import Level
from engine.domain.mention import Mention
from engine.domain.playbook import BrandVoice, Finding
from playbooks.catalogue import Catalogue
from playbooks.compose import Wanted, compose, parts_of
from playbooks.copied import copied, private_words
from playbooks.lint import Policy, lint_draft, lint_text, told
from playbooks.planner import policy_of
from playbooks.replies import Reading, reply_to, way_of
from playbooks.schema import KINDS, LANGS, Playbook
from playbooks.template import Piece, text_of
from playbooks.typography import typeset

SILENCE = "silence"
"""The strategy of a mention that gets no reply."""

REPLIES_MAX = 60
"""Mentions of one incident that get a reply of their own."""


class Answer(NamedTuple):
    """How a mention is answered: decided once, when it first came up."""

    mention_id: str
    network: str
    lang: str
    strategy: str | None
    silence: str = ""
    """Why there is no reply, in the team's language."""


def answer_to(mention: Mention, reading: Reading, voice: BrandVoice, team_lang: str) -> Answer:
    """How to answer a mention that is new."""
    way = way_of(mention.text, reading)
    return Answer(mention.id, mention.source, lang_of(mention, voice), way.strategy, way.reason(team_lang))


def answer_of(draft: StoredDraft) -> Answer:
    """How the mention of a kept reply is answered."""
    if draft.strategy == SILENCE:
        return Answer(draft.reply_to or "", draft.network, draft.lang, None, draft.base)
    return Answer(draft.reply_to or "", draft.network, draft.lang, draft.strategy)


@dataclass(frozen=True, slots=True)
class Case:
    """What drafts are made for. `facts` are those approved; `answers` the mentions to answer one by one, in an order
    that only ever grows at its end.

    `strategies` are those that the posture allows, the playbook's own where empty. `rounds` counts the texts that were
    published at a place.
    """

    incident_id: str
    playbook: str
    level: Level
    level_max: Level
    voice: BrandVoice
    facts: Mapping[str, str]
    networks: tuple[str, ...]
    answers: tuple[Answer, ...] = ()
    strategies: tuple[str, ...] = ()
    silent: bool = False
    team_lang: str = "fr"
    exercise: bool = False
    rounds: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    @property
    def needed(self) -> int:
        return APPROVALS_NEEDED[max(self.level, self.level_max)]


def draft_id(incident_id: str, place: Sequence[str], round_: int = 0) -> str:
    """The id of a draft: of its incident, place (network, language, kind, mention) and how many were published there.

    >>> draft_id("inc-1", ("x", "fr", "holding", ""))
    'd-cb7e7c3d1f'
    """
    raw = "\0".join([incident_id, *place, str(round_)]).encode("utf-8", "surrogatepass")
    return "d-" + blake2b(raw, digest_size=5).hexdigest()


def place_of(draft: StoredDraft) -> tuple[str, ...]:
    """Where a draft stands in its incident."""
    return (draft.network, draft.lang, draft.kind, draft.reply_to or "")


def drafts_for(catalogue: Catalogue, case: Case, at_ms: int) -> Iterator[StoredDraft]:
    """The drafts of a case, texts to everybody first; none where silence was chosen. The same case gives the same."""
    if case.silent:
        return
    playbook = catalogue[case.playbook]
    for lang in dict.fromkeys(lang if lang in LANGS else "en" for lang in case.voice.langs):
        facts, policy = facts_in(case, playbook, lang), policy_in(case, playbook, lang)
        form = case.voice.form if lang == "fr" else None
        for network in case.networks:
            for kind in KINDS:
                wanted = Wanted(case.level.label, network, lang, form, kind)
                pieces = compose(parts_of(playbook, catalogue.voices, wanted), wanted, facts, case.voice.preferred)
                yield _made(case, wanted, pieces, policy, at_ms)
    yield from _replies(playbook, case, at_ms)


def _replies(playbook: Playbook, case: Case, at_ms: int) -> Iterator[StoredDraft]:
    said: list[str] = []
    for answer in case.answers[:REPLIES_MAX]:
        form = case.voice.form if answer.lang == "fr" else None
        wanted = Wanted(case.level.label, answer.network, answer.lang, form, "reply")
        if answer.strategy is None:
            yield _silent(case, wanted, answer, at_ms)
            continue
        facts, policy = facts_in(case, playbook, answer.lang), policy_in(case, playbook, answer.lang)
        key = f"{case.incident_id}\0{answer.mention_id}"
        reply = reply_to(playbook, wanted, answer.strategy, key, facts, said, case.voice.preferred)
        made = _made(case, wanted, reply.pieces, policy, at_ms, answer)
        said.append(made.text)
        yield made


def lang_of(mention: Mention, voice: BrandVoice) -> str:
    """The language to answer in: the mention's, if the brand drafts in it, else the brand's first."""
    known = [lang if lang in LANGS else "en" for lang in voice.langs] or ["fr"]
    spoken = (mention.lang or "")[:2].lower()
    return spoken if spoken in known else known[0]


def facts_in(case: Case, playbook: Playbook, lang: str) -> dict[str, str]:
    """What fills the slots in a language. `name.en` is the English wording of the fact `name`, and goes before it."""
    facts = {**dict(case.voice.facts), **case.facts}
    for name, value in list(facts.items()):
        bare, _, of = name.rpartition(".")
        if bare and of == lang:
            facts[bare] = value
    for name, value in facts.items():
        fact = playbook.facts.get(name)
        if fact is not None and fact.type in ("text", "time"):
            facts[name] = typeset(value.strip(), lang)
    return {**facts, "brand": case.voice.name, "signature": case.voice.signature}


def policy_in(case: Case, playbook: Playbook, lang: str) -> Policy:
    """What a text of this case is held to."""
    return policy_of(playbook, lang, case.voice, case.strategies or None)


def _made(
    case: Case, wanted: Wanted, pieces: tuple[Piece, ...], policy: Policy, at_ms: int,
    answer: Answer | None = None,
) -> StoredDraft:  # fmt: skip
    place = (wanted.network, wanted.lang, wanted.kind, answer.mention_id if answer else "")
    round_ = case.rounds.get(place, 0)
    text = text_of(pieces)
    missing = tuple(dict.fromkeys(piece.fact for piece in pieces if piece.missing and piece.fact))
    found = lint_draft(pieces, wanted.network, wanted.lang, policy, team_lang=case.team_lang)
    return StoredDraft(
        id=draft_id(case.incident_id, place, round_), incident_id=case.incident_id, kind=wanted.kind,
        network=wanted.network, lang=wanted.lang, form=wanted.form, text=text, made_at_ms=at_ms, changed_at_ms=at_ms,
        level=case.level, playbook=case.playbook,
        reply_to=answer.mention_id if answer else None, strategy=answer.strategy if answer else None,
        round=round_, base=text, missing=missing, needed=case.needed, exercise=case.exercise,
        findings=tuple(finding for finding in found if finding.rule != "missing_fact"),
    )  # fmt: skip


def _silent(case: Case, wanted: Wanted, answer: Answer, at_ms: int) -> StoredDraft:
    """A mention that gets no reply, with the reason: kept so that a person sees it, and may write one all the same."""
    made = _made(case, wanted, (), Policy(), at_ms, answer)
    return replace(made, strategy=SILENCE, state=DraftState.REJECTED, reason=answer.silence, base=answer.silence)


def judged(
    playbook: Playbook, case: Case, draft: StoredDraft, text: str, mention: Mention | None,
    unknown: Callable[[Sequence[str], str, Iterable[str]], list[frozenset[str]]] | None = None,
) -> tuple[Finding, ...]:  # fmt: skip
    """What speaks against `text` in a draft's place, when a person or a model has written it."""
    facts, policy = facts_in(case, playbook, draft.lang), policy_in(case, playbook, draft.lang)
    found = list(lint_text(text, draft.network, draft.lang, policy, facts=facts, team_lang=case.team_lang))
    if not text.strip():
        found.append(told("missing_fact", ("…",), case.team_lang))
    if mention is not None:
        allowed = [*facts.values(), *case.voice.terms]
        found += [told("copied", (word,), case.team_lang) for word in copied(text, private_words(mention), allowed)]
    if unknown is not None:
        wrong = unknown([text], draft.lang, [*facts.values(), *case.voice.terms])[0]
        found += [told("spelling", (word,), case.team_lang) for word in sorted(wrong) if word[:1].islower()]
    return tuple(found)
