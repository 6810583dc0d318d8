"""From a sample of negatives to themes: copies, weights, names, counts."""

from __future__ import annotations

from collections import Counter, defaultdict

from detectors.themes import RiverGroups
from detectors.themes.copies import near_copies
from engine.core.fold import hash64
from engine.core.tally import Candidate, Tally
from engine.core.terms import TermBaseline, terms_of
from engine.core.themes import MENTIONS_MIN, TEXTS_MAX, Look, Sought, Weighed, collapsed, find, look
from engine.domain.mention import Mention
from tests.infra.fakes import START_MS
from tests.infra.themes_storm import three_themes, usual_texts

START_S = START_MS // 1000
IGNORED = frozenset({"nordalia"})


def mention(n: int, text: str, author: str | None = None, at_s: int = 0, source: str = "x") -> Mention:
    return Mention(f"m{n}", source, "comment", text, START_MS + at_s * 1000 + n, "Nordalia", "fr", author)


def candidate(m: Mention) -> Candidate:
    return Candidate(hash64(m.source, m.id), 9_000, m)


def spans_of(mentions, width_s=600):
    spans: dict[int, Tally] = defaultdict(Tally)
    for m in mentions:
        start_s = m.created_at_ms // 1000
        spans[start_s - start_s % width_s].add_negative(candidate(m), None, (), "fr", 0)
    return dict(spans)


def usual() -> TermBaseline:
    baseline = TermBaseline()
    baseline.learn([terms_of(text, IGNORED) for text in usual_texts()], START_MS)
    return baseline


def themes_of(mentions, baseline=None):
    asked = look(spans_of(mentions), START_S, START_S + 7_200, baseline or usual())
    return find(asked, RiverGroups(), IGNORED)


def whole(mentions) -> Look:
    return Look(tuple(Weighed(1.0, candidate(m)) for m in mentions), dict(usual().counts), usual().documents)


def test_three_themes_are_told_apart():
    """Purity, over every mention that stands in a theme: 0.95 and more on storms of several seeds."""
    for seed in (1, 2, 3):
        made = three_themes(TEXTS_MAX, seed=seed)
        label = {m.id: name for name, m in made}
        seen = Recording()
        themes = find(whole([m for _, m in made]), seen, IGNORED)
        inside = [Counter(label[i] for i in ids) for ids in seen.groups(whole([m for _, m in made])).values()]
        large = [found for found in inside if found.total() >= 8]
        assert sum(max(found.values()) for found in large) >= 0.95 * sum(found.total() for found in large)
        assert sum(found.total() for found in large) >= 0.75 * TEXTS_MAX
        words = " ".join(" ".join(theme.terms) for theme in themes)
        assert "réseau" in themes[0].name
        assert "hotline" in words
        assert "factur" in words


class Recording(RiverGroups):
    """Remembers the numbers that it gave."""

    def subjects(self, bags):
        self.numbers = super().subjects(bags)
        return self.numbers

    def groups(self, asked):
        ids = defaultdict(list)
        for number, same in zip(self.numbers, collapsed(asked.sample, RiverGroups()), strict=True):
            if number >= 0:
                ids[number] += [w.candidate.mention.id for w in same.of]
        return ids


def test_a_theme_has_its_figures():
    words = ("au secours", "c'est grave", "garage détruit", "rappel vite", "honte à vous")
    made = [
        mention(i, f"La batterie du vélo a pris feu, {word}", f"a{i}", 60 * i, "x" if i % 3 else "reddit")
        for i, word in enumerate(words)
    ]
    (theme,) = themes_of(made)
    assert theme.name in ("batterie vélo", "vélo pris", "pris feu")
    assert (theme.mentions, theme.share, theme.exact) == (5, 1.0, True)
    assert theme.first_seen_ms == made[0].created_at_ms
    assert theme.networks == (("x", 3), ("reddit", 2))
    assert 1 <= len(theme.typical) <= 3


def test_a_raid_shows_its_copies_and_its_few_accounts():
    raid = [mention(i, f"{'RT @a: ' if i % 2 else ''}Boycottez Nordalia, ils mentent à leurs clients !{'!' * (i % 3)}",
                    f"bot{i % 4}", i) for i in range(20)]  # fmt: skip
    others = [
        mention(100 + i, text, f"u{i}", i)
        for i, text in enumerate(("panne de réseau", "réseau en panne ici", "panne !"))
    ]
    themes = themes_of(sorted(raid + others, key=lambda m: m.created_at_ms))
    assert themes[0].mentions == 20
    assert (themes[0].typical[0].copies, themes[0].typical[0].accounts) == (20, 4)


def test_copies_are_equal_folded_texts_and_near_ones():
    text = "Scandale : l'appli Nordalia a débité deux fois mon compte cette nuit, je veux être remboursé"
    sample = [Weighed(1.0, candidate(mention(i, t))) for i, t in enumerate(
        (text, text.upper(), f"{text} https://exemple.test/a", f"@amie {text}", f"{text} svp", "Autre chose ici")
    )]  # fmt: skip
    assert [len(c.of) for c in collapsed(sample, RiverGroups())] == [5, 1]


def test_short_texts_are_copies_only_when_equal():
    assert near_copies(["nul", "nul a", "nul b", "tres nul"]) == [0, 1, 2, 3]


def test_alike_is_not_a_copy():
    texts = ["le reseau est en panne a lyon depuis ce matin", "le reseau est coupe a brest et la hotline ne repond pas"]
    assert near_copies(texts) == [0, 1]


def test_too_few_mentions_have_no_themes():
    assert themes_of([mention(i, "panne de réseau") for i in range(MENTIONS_MIN - 1)]) == ()
    assert find(Look((), {}, 0.0), RiverGroups()) == ()


def test_texts_without_words_have_no_themes():
    assert themes_of([mention(i, "😡" * (i + 1)) for i in range(30)]) == ()


def test_a_look_is_bounded_and_its_weights_add_up():
    many = [mention(i, f"panne numéro {i}", None, i * 2) for i in range(10_000)]
    asked = look(spans_of(many), START_S, START_S + 21_600, TermBaseline())
    assert len(asked.sample) == TEXTS_MAX
    assert 0.8 * 10_000 < sum(w.weight for w in asked.sample) < 1.2 * 10_000


def test_a_small_storm_is_looked_at_whole():
    few = [mention(i, f"panne {i}", None, i * 30) for i in range(60)]
    asked = look(spans_of(few), START_S, START_S + 7_200, TermBaseline())
    assert [w.weight for w in asked.sample] == [1.0] * 60


def test_a_look_reaches_six_hours_back_and_not_before_the_onset():
    made = [mention(h, f"panne {h}", None, h * 3_600) for h in range(10)]
    asked = look(spans_of(made), START_S, START_S + 10 * 3_600, TermBaseline())
    assert [w.candidate.mention.id for w in asked.sample] == [f"m{h}" for h in range(4, 10)]
    asked = look(spans_of(made), START_S + 8 * 3_600, START_S + 10 * 3_600, TermBaseline())
    assert [w.candidate.mention.id for w in asked.sample] == ["m8", "m9"]


def test_rare_copies_of_a_sample_are_not_multiplied():
    """A text that was seen once stands for many mentions, and yet nothing says that any is a copy."""
    sample = tuple(Weighed(50.0, candidate(mention(i, t, f"a{i}"))) for i, t in enumerate(
        ("panne de réseau à Lyon", "réseau en panne à Brest ce soir", "encore une panne", "panne réseau !")
    ))  # fmt: skip
    (theme,) = find(Look(sample, {}, 0.0), RiverGroups())
    assert theme.mentions == 200
    assert not theme.exact
    assert {item.copies for item in theme.typical} == {1}


def test_words_as_common_as_ever_name_no_theme():
    baseline = TermBaseline()
    baseline.learn([terms_of("boutique, service")] * 50, START_MS)
    made = [mention(i, f"boutique, service, {w}, {w}{i}") for i, w in enumerate(["grève", "fermé"] * 6)]
    themes = themes_of(made, baseline)
    assert themes
    assert {theme.name.split(" / ")[0] for theme in themes} <= {"grève", "fermé"}


def test_themes_sought_are_found_once():
    class Counting(RiverGroups):
        asked = 0

        def subjects(self, bags):
            Counting.asked += 1
            return super().subjects(bags)

    sought = Sought.of(whole([mention(i, "panne de réseau") for i in range(5)]), IGNORED)
    assert sought == ()
    groups = Counting()
    assert sought.found(groups) == sought.found(groups) != ()
    assert Counting.asked == 1
