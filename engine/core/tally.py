"""What is known of a brand's mentions in a span of time, in a form that adds up in any order.

Everything here is a sum of integers, a union, a minimum or a smallest-k by hash: adding mentions in another order, or
merging spans in another order, gives the same tally. That is what makes recorded incidents depend on the set of
mentions alone.
"""

from __future__ import annotations

from bisect import insort
from heapq import nsmallest
from typing import Any, NamedTuple

from engine.core.fold import hash64
from engine.domain.mention import Mention

UNITS = 10_000
"""Probabilities are kept as whole ten-thousandths, since sums of integers do not depend on their order."""

NEGATIVE_UNITS = UNITS // 2
"""From P(neg) = 0.5 on a mention counts as a negative one for authors, networks, terms and evidence."""

AUTHORS_MAX = 2_048
THREADS_MAX = 512
"""Threads counted in a span; of more, those of smallest hash, whose counts stay exact in any order."""

SAMPLE_MAX = 24
REACH_MAX = 3
USUAL_MAX = 6
USUAL_CHARS_MAX = 400
PRESS_MAX = 64
"""Names of press kept of a span; while it is open, up to twice as many."""
PRESS_SOURCES = frozenset({"news", "blog"})


class Candidate(NamedTuple):
    """A negative mention that may serve as evidence. `key` is its hash: the sample is the smallest of them."""

    key: int
    units: int
    mention: Mention


_NO_AUTHORS: set[int] = set()
_NO_PRESS: set[str] = set()
_NO_COUNTS: dict[str, int] = {}
_NO_THREADS: dict[int, int] = {}
_NO_CANDIDATES: list[Candidate] = []


class Tally:
    """Sums over the mentions of one brand in one span."""

    __slots__ = (
        "authored", "authors", "candidates", "categories", "expected", "followers_max", "langs", "negatives",
        "networks", "press", "reach", "sample_max", "sources", "threads", "top", "total", "units", "urgency", "usual",
    )  # fmt: skip

    def __init__(self, sample_max: int = SAMPLE_MAX) -> None:
        self.sample_max = sample_max
        self.total = 0
        self.units = 0  # sum of P(neg), in ten-thousandths
        self.negatives = 0  # mentions with P(neg) >= 0.5
        self.reach = 0
        self.followers_max = 0
        self.urgency = 0  # sum over negatives, in hundredths
        self.authored = 0  # negatives whose author is known
        self.top = 0  # the largest audience or engagement of a single negative
        self.sources: dict[str, int] = {}  # all mentions, by network
        self.expected = 0.0  # negatives that the brand's normal would have brought
        # most bins hold no negative: they share these empty ones until the first comes (`_allocate`)
        self.authors: set[int] = _NO_AUTHORS
        self.press: set[str] = _NO_PRESS
        self.networks: dict[str, int] = _NO_COUNTS
        self.categories: dict[str, int] = _NO_COUNTS
        self.langs: dict[str, int] = _NO_COUNTS
        self.candidates: list[Candidate] = _NO_CANDIDATES
        self.threads: dict[int, int] = _NO_THREADS  # negatives under the same post

        self.usual: list[tuple[int, str]] = []  # a sample of all mentions, negative or not: how people speak of it

    def _allocate(self) -> None:
        self.authors, self.press, self.candidates = set(), set(), []
        self.networks, self.categories, self.langs, self.threads = {}, {}, {}, {}

    def add_negative(
        self, candidate: Candidate, author_key: int | None, categories: tuple[str, ...], lang: str, urgency: int
    ) -> None:
        """Take in the details of a negative mention (its place in `total` and `units` is the caller's)."""
        mention = candidate.mention
        if not self.negatives:
            self._allocate()
        self.negatives += 1
        reach = mention.reach
        self.reach += reach
        if reach > self.top:
            self.top = reach
        engaged = mention.likes + mention.shares + mention.replies
        if engaged > self.top:
            self.top = engaged
        thread = mention.thread_id or mention.parent_id
        if thread is not None:
            key = hash64(mention.source, thread)
            self.threads[key] = self.threads.get(key, 0) + 1
            if len(self.threads) > 2 * THREADS_MAX:
                self.threads = fewest(self.threads)
        self.urgency += urgency
        if mention.author_followers > self.followers_max:
            self.followers_max = mention.author_followers
        source = mention.source
        self.networks[source] = self.networks.get(source, 0) + 1
        self.langs[lang] = self.langs.get(lang, 0) + 1
        for category in categories:
            self.categories[category] = self.categories.get(category, 0) + 1
        if author_key is not None:
            self.authored += 1
            self.authors.add(author_key)
            if len(self.authors) > 2 * AUTHORS_MAX:
                self.authors = set(nsmallest(AUTHORS_MAX, self.authors))
        if source in PRESS_SOURCES:
            self.press.add(mention.author or mention.url or mention.id)
            if len(self.press) > 2 * PRESS_MAX:
                self.trim_press()
        self.candidates.append(candidate)
        if len(self.candidates) > 4 * self.sample_max:
            self.candidates = canonical(self.candidates, self.sample_max)

    def trim_press(self) -> None:
        """Keep as many names of press as a closed span may hold."""
        if len(self.press) > PRESS_MAX:
            self.press = set(nsmallest(PRESS_MAX, self.press))

    def canonise(self) -> None:
        """Become what `to_json` and `from_json` make of it: no larger, and the same to whoever adds to it."""
        if not self.negatives:
            return
        if len(self.authors) > AUTHORS_MAX:
            self.authors = set(nsmallest(AUTHORS_MAX, self.authors))
        self.threads = fewest(self.threads)
        if len(self.candidates) > self.sample_max:
            self.candidates = canonical(self.candidates, self.sample_max)

    def sample(self, key: int, text: str) -> None:
        """Offer a mention to the sample of all of them: the smallest hashes stay."""
        usual = self.usual
        if len(usual) < USUAL_MAX:
            insort(usual, (key, text[:USUAL_CHARS_MAX]))
        elif key < usual[-1][0]:
            insort(usual, (key, text[:USUAL_CHARS_MAX]))
            usual.pop()

    def merge(self, other: Tally) -> None:
        """Add another span's tally to this one."""
        self.total += other.total
        self.units += other.units
        self.expected += other.expected
        if other.usual:
            self.usual = sorted(self.usual + other.usual)[:USUAL_MAX]
        sources = self.sources
        for name, n in other.sources.items():
            sources[name] = sources.get(name, 0) + n
        if not other.negatives:
            return
        if not self.negatives:
            self._allocate()
        self.negatives += other.negatives
        self.reach += other.reach
        self.urgency += other.urgency
        self.followers_max = max(self.followers_max, other.followers_max)
        self.authored += other.authored
        self.top = max(self.top, other.top)
        for key, n in other.threads.items():
            self.threads[key] = self.threads.get(key, 0) + n
        if len(self.threads) > 2 * THREADS_MAX:
            self.threads = fewest(self.threads)
        for mine, theirs in (
            (self.networks, other.networks), (self.categories, other.categories), (self.langs, other.langs)
        ):  # fmt: skip
            for name, n in theirs.items():
                mine[name] = mine.get(name, 0) + n
        self.authors |= other.authors
        if len(self.authors) > 2 * AUTHORS_MAX:
            self.authors = set(nsmallest(AUTHORS_MAX, self.authors))
        if other.press:
            self.press |= other.press
            self.trim_press()
        self.candidates += canonical(other.candidates, other.sample_max)  # what else it still holds is chance
        if len(self.candidates) > 4 * self.sample_max:
            self.candidates = canonical(self.candidates, self.sample_max)

    @property
    def author_count(self) -> int:
        """Distinct authors of negatives: exact up to 2,048, then estimated from the smallest hashes.

        The k-th smallest of n uniform values lies near k/n (Bar-Yossef et al. 2002, KMV).
        """
        if len(self.authors) < AUTHORS_MAX:
            return len(self.authors)
        kth = nsmallest(AUTHORS_MAX, self.authors)[-1]
        return max(AUTHORS_MAX, round((AUTHORS_MAX - 1) * 2.0**64 / kth))

    def to_json(self) -> dict[str, Any]:
        """JSON values; candidates in their canonical form, so equal tallies give equal JSON."""
        return {
            "v": 2,
            "sample_max": self.sample_max,
            "n": [self.total, self.units, self.negatives, self.reach, self.followers_max, self.urgency],
            "expected": self.expected,
            "authors": nsmallest(AUTHORS_MAX, self.authors),
            "press": nsmallest(PRESS_MAX, self.press),
            "networks": dict(sorted(self.networks.items())),
            "categories": dict(sorted(self.categories.items())),
            "langs": dict(sorted(self.langs.items())),
            "sources": dict(sorted(self.sources.items())),
            "threads": sorted(fewest(self.threads).items()),
            "single": [self.authored, self.top],
            "usual": [list(item) for item in self.usual],
            "candidates": [[c.key, c.units, list(c.mention)] for c in canonical(self.candidates, self.sample_max)],
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Tally:
        """The inverse of `to_json`, of version 1 too, which held neither threads nor networks of all mentions."""
        tally = cls(data["sample_max"])
        tally.total, tally.units, tally.negatives, tally.reach, tally.followers_max, tally.urgency = data["n"]
        tally.expected = data["expected"]
        tally.authors = set(data["authors"])
        tally.press = set(data["press"])
        tally.usual = [(key, text) for key, text in data["usual"]]
        tally.sources = data.get("sources", {})
        tally.threads = dict(data.get("threads", ()))
        tally.authored, tally.top = data.get("single", (0, 0))
        tally.networks, tally.categories, tally.langs = data["networks"], data["categories"], data["langs"]
        tally.candidates = [Candidate(key, units, Mention(*mention)) for key, units, mention in data["candidates"]]
        return tally


def fewest(threads: dict[int, int]) -> dict[int, int]:
    """The threads of smallest hash. One that is among them at the end has been at every time, so its count is whole."""
    if len(threads) <= THREADS_MAX:
        return threads
    return {key: threads[key] for key in nsmallest(THREADS_MAX, threads)}


def _by_reach(candidate: Candidate) -> tuple[int, int]:
    return (-candidate.mention.reach, candidate.key)


def _by_time(candidate: Candidate) -> tuple[int, int]:
    return (candidate.mention.created_at_ms, candidate.key)


def _by_key(candidate: Candidate) -> int:
    return candidate.key


def canonical(candidates: list[Candidate], sample_max: int) -> list[Candidate]:
    """The first one, those of most reach, and the `sample_max` of smallest hash: a random sample that any order of
    arrival leaves the same. Sorted by hash, without repeats."""
    kept = {c.key: c for c in nsmallest(sample_max, candidates, key=_by_key)}
    if candidates:
        kept.update((c.key, c) for c in nsmallest(REACH_MAX, candidates, key=_by_reach))
        first = min(candidates, key=_by_time)
        kept[first.key] = first
    return sorted(kept.values(), key=_by_key)
