"""The themes of an incident: from the negatives of the last hours to what they speak of, copies counted once.

What is looked at is a sample of stated size, put in an order of its own, so the themes depend on the set of mentions
alone and a storm of any size costs the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from heapq import nsmallest
from math import log2
from typing import NamedTuple

from engine.core.board import SPAN_S
from engine.core.fold import fold
from engine.core.stop_words import FEELINGS
from engine.core.tally import Candidate, Tally
from engine.core.terms import TermBaseline, TermCounts, as_written, terms_of
from engine.domain.effects import AlertRaised, Effect, IncidentSaved
from engine.domain.incident import Incident
from engine.domain.themes import Theme, TypicalMention
from engine.ports.themes import TextGroups

WINDOW_S = 21_600
"""Themes are those of the last six hours: what a long storm is about now, and all of a short one."""
TEXTS_MAX = 200
"""Mentions looked at, at most, whatever the storm: a share is then within some eight points, 19 times in 20."""
THEMES_MAX = 5
TERMS_MAX = 5
TYPICAL_MAX = 3
SHARE_MIN = 0.04
MENTIONS_MIN = 3
SUBJECT_TERMS_MAX = 100
"""Words of one look that may join texts, the most telling first."""
SUPPORT_MIN = 0.015
CHARS_MAX = 400
_NOISE = re.compile(r"https?://\S{1,300}|www\.\S{1,300}|@\w{1,60}|\brt\b")
_WORD = re.compile(r"\w+")
_MASK = 2**64 - 1


class Weighed(NamedTuple):
    """A negative mention and how many it stands for."""

    weight: float
    candidate: Candidate


class Copied(NamedTuple):
    """Mentions that say the same, the earliest first, with what they stand for together."""

    weight: float
    of: tuple[Weighed, ...]

    @property
    def text(self) -> str:
        return self.of[0].candidate.mention.text[:CHARS_MAX]


class Look(NamedTuple):
    """What the themes of one moment are found from. Holds no more than `TEXTS_MAX` mentions."""

    sample: tuple[Weighed, ...]
    usual: dict[str, float]
    usual_documents: float


def look(spans: Mapping[int, Tally], from_s: int, end_s: int, baseline: TermBaseline) -> Look:
    """The sample of the negatives from `from_s` on, none older than the window before `end_s`, in order of time.

    A span keeps its negatives of smallest hash, each standing for as many as it has to. Of all of these `TEXTS_MAX` are
    drawn by weight (priority sampling: Duffield, Lund and Thorup 2007), so that sums of weights keep their mean.
    """
    from_s = max(from_s, end_s - WINDOW_S)
    weighed: list[Weighed] = []
    for start_s in sorted(spans):
        span = spans[start_s]
        if start_s + SPAN_S <= from_s or start_s >= end_s or not span.negatives:
            continue
        kept = nsmallest(min(span.sample_max, span.negatives), {c.key: c for c in span.candidates}.values(), key=_key)
        weight = max(1.0, span.negatives / max(1, len(kept)))
        weighed += [Weighed(weight, c) for c in kept if c.mention.created_at_ms >= from_s * 1000]
    drawn = sorted(_drawn(weighed), key=lambda w: (w.candidate.mention.created_at_ms, w.candidate.key))
    return Look(tuple(drawn), dict(baseline.counts), baseline.documents)


def _key(candidate: Candidate) -> int:
    return candidate.key


def _drawn(weighed: list[Weighed]) -> list[Weighed]:
    """All, or `TEXTS_MAX` of them by priority; what is drawn then stands for at least the highest priority left."""
    if len(weighed) <= TEXTS_MAX:
        return weighed
    ranked = nsmallest(TEXTS_MAX + 1, ((_uniform(w.candidate.key) / w.weight, w.candidate.key, w) for w in weighed))
    threshold = 1 / ranked[-1][0]
    return [w._replace(weight=max(w.weight, threshold)) for _, _, w in ranked[:-1]]


def _uniform(key: int) -> float:
    """Another even number in (0, 1] for a hash (splitmix64): by the hash itself the spans have chosen already."""
    z = (key + 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((z ^ (z >> 31)) + 1) / 2.0**64


class Sought(tuple[Theme, ...]):
    """Themes that are asked for and not yet found: within a step most are overtaken before anybody sees them.

    Stands in an incident's evidence as an empty tuple until `Engine.step` ends; what leaves the step is found.
    """

    _look: Look | None
    _ignored: frozenset[str]
    _found: tuple[Theme, ...]

    @classmethod
    def of(cls, asked: Look, ignored: frozenset[str]) -> Sought:
        sought = cls()
        sought._look, sought._ignored, sought._found = asked, ignored, ()
        return sought

    def found(self, groups: TextGroups) -> tuple[Theme, ...]:
        """The themes; looked for once, then the sample is let go."""
        if self._look is not None:
            self._found = find(self._look, groups, self._ignored)
            self._look = None
        return self._found


def settled(effects: Sequence[Effect], groups: TextGroups | None) -> list[Effect]:
    """The same effects, with the themes found that incidents in them still seek. None without what groups texts."""
    found: list[Effect] = []
    for effect in effects:
        if isinstance(effect, IncidentSaved) and isinstance(effect.incident.evidence.themes, Sought):
            effect = replace(effect, incident=_themed(effect.incident, groups))
        elif isinstance(effect, AlertRaised) and isinstance(effect.alert.incident.evidence.themes, Sought):
            effect = replace(effect, alert=effect.alert._replace(incident=_themed(effect.alert.incident, groups)))
        found.append(effect)
    return found


def _themed(incident: Incident, groups: TextGroups | None) -> Incident:
    themes = incident.evidence.themes
    if isinstance(themes, Sought):
        themes = () if groups is None else themes.found(groups)
    return replace(incident, evidence=replace(incident.evidence, themes=themes))


def find(asked: Look, groups: TextGroups, ignored: frozenset[str] = frozenset()) -> tuple[Theme, ...]:
    """The themes of a sample, the largest first. None where there are too few mentions to speak of themes."""
    total = sum(w.weight for w in asked.sample)
    if total < MENTIONS_MIN:
        return ()
    said = collapsed(asked.sample, groups)
    terms = [_subjects_of(c.text, ignored) for c in said]
    usual = TermBaseline()
    usual.counts, usual.documents = asked.usual, asked.usual_documents
    numbers = groups.subjects(_bags(said, terms, usual))
    whole = _loudness(said, terms, range(len(said)))
    themes = []
    for number in range(max(numbers, default=-1) + 1):
        members = [i for i, n in enumerate(numbers) if n == number]
        mentions = sum(said[i].weight for i in members)
        if mentions >= MENTIONS_MIN and mentions >= SHARE_MIN * total:
            themes.append(_theme(said, terms, members, usual, whole, total))
    themes = [theme for theme in themes if theme.terms]
    themes.sort(key=lambda theme: (-theme.mentions, theme.first_seen_ms, theme.name))
    return tuple(themes[:THEMES_MAX])


def collapsed(sample: Sequence[Weighed], groups: TextGroups) -> list[Copied]:
    """Mentions that say the same taken together: equal once folded, then near-copies. In order of the first of each."""
    equal: dict[str, list[Weighed]] = {}
    for w in sample:
        equal.setdefault(_bare(w.candidate.mention.text), []).append(w)
    heads = groups.near_copies(list(equal))
    together: dict[int, list[Weighed]] = {}
    for head, same in zip(heads, equal.values(), strict=True):
        together.setdefault(head, []).extend(same)
    return [
        Copied(sum(w.weight for w in same), tuple(sorted(same, key=_by_time))) for _, same in sorted(together.items())
    ]


def _by_time(w: Weighed) -> tuple[int, int]:
    return (w.candidate.mention.created_at_ms, w.candidate.key)


def _bare(text: str) -> str:
    """A text as its copies have it in common: folded, without links, names and punctuation. Itself if nothing stays."""
    words = _WORD.findall(_NOISE.sub(" ", fold(text[:CHARS_MAX])))
    return " ".join(words) or text[:CHARS_MAX]


def _voice(weight: float) -> int:
    """How loud a text speaks among the words of its theme: a text copied a thousand times does not drown the others."""
    return 1 + round(log2(max(1.0, weight)))


def _subjects_of(text: str, ignored: frozenset[str]) -> frozenset[str]:
    """The words and pairs of a text that are of a subject and not of a feeling."""
    return frozenset(term for term in terms_of(text, ignored) if FEELINGS.isdisjoint(term.split()))


def _stem(word: str) -> str:
    """Singular and plural are one subject, in French and in English. Rough, and only for telling texts apart."""
    return word[:-1] if len(word) > 3 and word[-1] in "sx" else word


def _bags(said: Sequence[Copied], terms: Sequence[frozenset[str]], usual: TermBaseline) -> list[dict[str, float]]:
    """Each text as those of its words that may tell a subject: more common than usual, and said more than once."""
    stems = [frozenset(_stem(term) for term in words if " " not in term) for words in terms]
    voices = [_voice(c.weight) for c in said]
    counts: dict[str, int] = {}
    for voice, words in zip(voices, stems, strict=True):
        for word in words:
            counts[word] = counts.get(word, 0) + voice
    before = TermBaseline()
    before.documents, get = usual.documents, usual.counts.get
    before.counts = {word: get(word, 0.0) + get(f"{word}s", 0.0) + get(f"{word}x", 0.0) for word in counts}
    n = sum(voices)
    ranked = []
    for word, count in counts.items():
        surprise = before.surprise_of(word, count, n) if count >= max(2.0, SUPPORT_MIN * n) else None
        if surprise is not None:
            ranked.append((-surprise, word))
    chosen = {word for _, word in sorted(ranked)[:SUBJECT_TERMS_MAX]}
    return [dict.fromkeys(sorted(words & chosen), 1.0) for words in stems]


def _loudness(said: Sequence[Copied], terms: Sequence[frozenset[str]], members: Sequence[int]) -> TermCounts:
    """The terms of some texts, each counted as loud as its text speaks."""
    found = TermCounts()
    for i in members:
        voice = _voice(said[i].weight)
        found.documents += voice
        for term in terms[i]:
            found.counts[term] = found.counts.get(term, 0) + voice
    return found


def _theme(
    said: Sequence[Copied], terms: Sequence[frozenset[str]], members: Sequence[int], usual: TermBaseline,
    whole: TermCounts, total: float,
) -> Theme:  # fmt: skip
    """One group of texts, counted, and named by what tells it from the others and from the usual."""
    mine = _loudness(said, terms, members)
    rest = TermBaseline()
    rest.documents = usual.documents + whole.documents - mine.documents
    rest.counts = {term: usual.counts.get(term, 0.0) + whole.counts[term] - n for term, n in mine.counts.items()}
    best = rest.distinctive(mine, TERMS_MAX)
    written = as_written(best, [said[i].text for i in members])
    of = [w for i in members for w in said[i].of]
    networks: dict[str, float] = {}
    for w in of:
        source = w.candidate.mention.source
        networks[source] = networks.get(source, 0.0) + w.weight
    mentions = sum(w.weight for w in of)
    return Theme(
        name=_name(written),
        terms=written,
        mentions=round(mentions),
        share=round(mentions / total, 4),
        first_seen_ms=min(w.candidate.mention.created_at_ms for w in of),
        networks=tuple(sorted(((k, round(n)) for k, n in networks.items()), key=lambda item: (-item[1], item[0]))),
        typical=_typical(said, terms, members, best),
        exact=all(w.weight == 1.0 for w in of),
    )


def _name(terms: Sequence[str]) -> str:
    """A pair of words says enough; one word takes the next with it, unless that is its plural.

    >>> _name(["panne réseau", "hotline"]), _name(["batterie", "feu"]), _name(["retard", "retards"])
    ('panne réseau', 'batterie / feu', 'retard')
    """
    if not terms:
        return ""
    others = [term for term in terms[1:] if _stem(term) != _stem(terms[0])]
    return terms[0] if " " in terms[0] or not others else f"{terms[0]} / {others[0]}"


def _typical(
    said: Sequence[Copied], terms: Sequence[frozenset[str]], members: Sequence[int], best: Sequence[str]
) -> tuple[TypicalMention, ...]:
    """The medoid, the text that is copied most, and the next nearest to all others; no text twice."""
    central = sorted(members, key=lambda i: (-_centrality(i, said, terms, members), i))
    loudest = min(members, key=lambda i: (-said[i].weight, i))
    order = [central[0], *([loudest] if said[loudest].weight > 1 else []), *central[1:]]
    return tuple(_told(said[i]) for i in dict.fromkeys(order))[:TYPICAL_MAX]


def _centrality(i: int, said: Sequence[Copied], terms: Sequence[frozenset[str]], members: Sequence[int]) -> float:
    """Mean likeness (Dice, of words and pairs) to the others of its theme."""
    mine = terms[i]
    return sum(
        _voice(said[j].weight) * 2 * len(mine & terms[j]) / max(1, len(mine) + len(terms[j])) for j in members if j != i
    )


def _told(copied: Copied) -> TypicalMention:
    authors: dict[tuple[str, str], int] = {}
    for w in copied.of:
        author = w.candidate.mention.author
        if author is not None:
            name = (w.candidate.mention.source, author)
            authors[name] = authors.get(name, 0) + 1
    copies = round(copied.weight) if len(copied.of) > 1 else 1  # seen once: nothing says that there are more
    return TypicalMention(copied.of[0].candidate.mention, copies, accounts(list(authors.values()), copies))


def accounts(seen: Sequence[int], copies: int) -> int:
    """Distinct authors, from how many mentions of each were seen among `copies`; with those not seen estimated.

    By how many were seen once and twice (Chao 1984, the form without bias), never more than there are copies.

    >>> accounts([5, 7, 8], 20), accounts([5, 7, 8], 200), accounts([1] * 40, 200)
    (3, 3, 200)
    """
    if sum(seen) >= copies:
        return len(seen)
    once, twice = sum(n == 1 for n in seen), sum(n == 2 for n in seen)
    return min(copies, len(seen) + round(once * (once - 1) / (2 * (twice + 1))))
