"""What the negatives are about."""

from __future__ import annotations

from engine.core.stop_words import STOP_WORDS
from engine.core.terms import BASELINE_TERMS_MAX, TermBaseline, TermCounts, terms_of

DAY_MS = 86_400_000


def learnt(*texts, times=1):
    baseline = TermBaseline()
    for _ in range(times):
        baseline.learn([terms_of(text) for text in texts], DAY_MS)
    return baseline


def test_words_that_tell_the_storm_from_the_usual():
    baseline = learnt("livraison en retard", "le livreur est en retard", "colis abîmé", times=20)
    storm = [terms_of(f"incendie de la batterie, livraison {i}") for i in range(20)]
    top = baseline.distinctive(TermCounts(storm))
    assert top[0] == "incendie batterie"
    assert top.index("livraison") > 0


def test_stop_words_brands_handles_links_and_numbers_are_no_subject():
    found = terms_of("Les @nordalia et NORDALIA sont vraiment https 2026 une honte", frozenset({"nordalia"}))
    assert found == {"honte"}
    assert "pas" in STOP_WORDS


def test_a_pair_replaces_its_words_when_it_is_as_frequent():
    top = TermBaseline().distinctive(TermCounts([terms_of("service client injoignable")] * 6))
    assert "service client" in top
    assert "service" not in top


def test_a_word_of_one_text_is_not_a_subject_of_many():
    storm = [terms_of("panne")] * 6 + [terms_of("kangourou")]
    assert TermBaseline().distinctive(TermCounts(storm)) == ("panne",)


def test_memory_is_bounded():
    baseline = TermBaseline()
    for i in range(3 * BASELINE_TERMS_MAX):
        baseline.learn([{f"mot{i}", f"autre{i % 5000}"}], DAY_MS)
    assert len(baseline.counts) <= BASELINE_TERMS_MAX + 2


def test_old_words_fade():
    baseline = learnt("grève", times=8)
    baseline.learn([terms_of("panne")], 15 * DAY_MS)
    assert baseline.counts["greve"] == 2.0
    assert baseline.counts["panne"] == 1.0


def test_a_restored_baseline_is_the_same():
    baseline = learnt("livraison en retard", "colis abîmé", times=3)
    twin = TermBaseline()
    twin.restore(baseline.snapshot())
    assert twin.snapshot() == baseline.snapshot()
    panne = TermCounts([terms_of("panne")] * 5)
    assert twin.distinctive(panne) == baseline.distinctive(panne) == ("panne",)
