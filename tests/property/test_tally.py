"""A tally adds up in any order."""

from __future__ import annotations

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.fold import hash64
from engine.core.seen import Seen
from engine.core.tally import AUTHORS_MAX, Candidate, Tally
from tests.infra.fakes import mention

mentions = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 400), st.integers(0, 9)), max_size=150)


def tally_of(items):
    tally = Tally()
    for minute, n, followers in items:
        m = mention(
            minute,
            n,
            author_followers=followers,
            source=("x", "news", "forum")[n % 3],
            thread_id=f"t{n}" if n % 4 else None,
            likes=n,
        )
        tally.total += 1
        tally.units += 7_000
        tally.sources[m.source] = tally.sources.get(m.source, 0) + 1
        tally.sample(hash64(m.source, m.id), m.text)
        tally.add_negative(
            Candidate(hash64(m.source, m.id), 7_000, m), hash64(m.author), ("outage",) * (n % 2), "fr", n % 100
        )
    return tally


@settings(max_examples=60, deadline=None)
@given(mentions, st.randoms(use_true_random=False), st.lists(st.integers(0, 150), max_size=4))
def test_order_and_cuts_change_nothing(items, rng, cuts):
    items = sorted({(minute, n): (minute, n, f) for minute, n, f in items}.values())  # one mention an id
    whole = tally_of(items).to_json()
    shuffled = list(items)
    rng.shuffle(shuffled)
    assert tally_of(shuffled).to_json() == whole
    parts, start = [], 0
    for cut in sorted(cuts):
        parts.append(tally_of(shuffled[start:cut]))
        start = max(start, cut)
    parts.append(tally_of(shuffled[start:]))
    rng.shuffle(parts)
    merged = Tally()
    for part in parts:
        merged.merge(part)
    assert merged.to_json() == whole


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 400), st.randoms(use_true_random=False))
def test_a_wider_tally_takes_what_a_narrow_one_is_known_by(size, rng):
    """Bins hold more than their sample until they are cut: how much more depends on the order of arrival."""
    items = [(n % 7, n, n % 5) for n in range(size)]
    wide = Tally(192)
    wide.merge(tally_of(items))
    rng.shuffle(items)
    arrived, stored = tally_of(items), Tally.from_json(tally_of(items).to_json())
    for narrow in (arrived, stored):
        other = Tally(192)
        other.merge(narrow)
        assert other.to_json() == wide.to_json()


@settings(max_examples=30, deadline=None)
@given(mentions)
def test_json_brings_it_back(items):
    tally = tally_of(items)
    data = orjson.loads(orjson.dumps(tally.to_json()))
    assert Tally.from_json(data).to_json() == tally.to_json()


def test_many_authors_are_estimated_in_bounded_memory():
    tally = Tally()
    for i in range(30_000):
        tally.authors = tally.authors or set()
        tally.add_negative(Candidate(i, 9_000, mention(0, i)), hash64("x", f"a{i}"), (), "fr", 0)
    assert len(tally.authors) <= 2 * AUTHORS_MAX
    assert 0.93 < tally.author_count / 30_000 < 1.07
    assert len(tally.candidates) <= 4 * tally.sample_max


@given(st.lists(st.integers(0, 60), max_size=120))
def test_seen_drops_repeats_across_restarts(ids):
    seen, known = Seen(1_000), set()
    stored = {}
    for i in ids:
        assert (seen.new_key(mention(i * 37 % 300, i)) is not None) == (i not in known)
        known.add(i)
        if i % 5 == 0:
            stored |= dict(seen.take_dirty())
            seen = Seen(1_000)
            for part, data in stored.items():
                seen.restore(part, data)


def test_seen_forgets_the_oldest_past_its_limit():
    seen = Seen(100)
    for hour in range(20):
        for k in range(20):
            assert seen.new_key(mention(hour * 60, k)) is not None
        seen.take_dirty()
    dropped = seen.prune(0)
    assert dropped
    assert seen.new_key(mention(19 * 60, 3)) is None
    assert seen.new_key(mention(0, 3)) is not None
