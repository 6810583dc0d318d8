"""From a tally to the evidence that people read."""

from __future__ import annotations

from dataclasses import replace

from engine.core.fold import fold
from engine.core.tally import UNITS, Candidate, Tally, canonical
from engine.core.terms import TermBaseline, TermCounts, as_written, terms_of
from engine.domain.incident import Evidence, EvidenceMention

TYPICAL_MAX = 3
REACH_SHOWN_MAX = 2
TEXTS_FOR_FORMS = 48


def _ranked(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def figures(tally: Tally, since_s: int, surprise: float) -> Evidence:
    """The evidence without its words: cheap enough for every bin."""
    negatives = max(1, tally.negatives)
    return Evidence(
        since_ms=since_s * 1000,
        observed=round(tally.units / UNITS, 3),
        expected=round(tally.expected, 3),
        total=tally.total,
        authors=tally.author_count,
        networks=_ranked(tally.networks),
        categories=_ranked(tally.categories),
        top_terms=(),
        reach=tally.reach,
        followers_max=tally.followers_max,
        press=len(tally.press),
        urgency=round(tally.urgency / 100 / negatives, 3),
        langs=_ranked(tally.langs),
        mentions=(),
        surprise=round(surprise, 3),
    )


class Words:
    """The words of an incident's sample, cut once a mention."""

    def __init__(self, ignored: frozenset[str]) -> None:
        self._ignored = ignored
        self._cut: dict[int, set[str]] = {}

    def of(self, candidate: Candidate) -> set[str]:
        terms = self._cut.get(candidate.key)
        if terms is None:
            terms = self._cut[candidate.key] = terms_of(candidate.mention.text, self._ignored)
        return terms

    def forget(self) -> None:
        self._cut.clear()

    def explain(self, evidence: Evidence, tally: Tally, counts: TermCounts, baseline: TermBaseline) -> Evidence:
        """Add the top terms and the mentions that count: the first, those of most reach, the most typical."""
        sample = canonical(tally.candidates, tally.sample_max)
        if len(self._cut) > 8 * tally.sample_max:
            self._cut = {c.key: self._cut[c.key] for c in sample if c.key in self._cut}
        top = baseline.distinctive(counts)
        texts = [c.mention.text for c in sample[:TEXTS_FOR_FORMS]]
        return replace(evidence, top_terms=as_written(top, texts), mentions=self._choose(sample, top))

    def _choose(self, sample: list[Candidate], top: tuple[str, ...]) -> tuple[EvidenceMention, ...]:
        if not sample:
            return ()
        chosen: list[EvidenceMention] = []
        keys: set[int] = set()
        texts: set[str] = set()

        def take(role: str, candidates: list[Candidate], n_max: int) -> None:
            for c in candidates:
                text = fold(c.mention.text[:280])
                if n_max <= 0:
                    return
                if c.key in keys or text in texts:
                    continue
                keys.add(c.key)
                texts.add(text)
                chosen.append(EvidenceMention(role, c.mention, c.units / UNITS))
                n_max -= 1

        take("first", [min(sample, key=lambda c: (c.mention.created_at_ms, c.key))], 1)
        wide = [c for c in sample if c.mention.reach > 1]
        take("reach", sorted(wide, key=lambda c: (-c.mention.reach, c.key)), REACH_SHOWN_MAX)
        weight = {term: len(top) - i for i, term in enumerate(top)}
        typical = sorted(sample, key=lambda c: (-sum(weight.get(t, 0) for t in self.of(c)), -c.units, c.key))
        take("typical", typical, TYPICAL_MAX)
        return tuple(chosen)
