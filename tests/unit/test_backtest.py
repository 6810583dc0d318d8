"""The parts of a backtest: budgets as typed, one reading for several engines, warnings wave by wave, words."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from engine.domain.errors import InputError
from engine.domain.incident import AlertKind, Level
from engine.domain.series import BinCount
from ops.backtest_history import Past, Strip
from ops.backtesting import BUDGETS_MAX, Backtesting, BacktestParams, parse_budgets
from ops.render.backtest import INCIDENTS_SHOWN_MAX, page, text_lines
from ops.render.backtest_json import document, samples
from ops.render.backtest_words import _EN, _FR, budget_text, counted, span_text
from playbooks.typography import french_faults
from tests.infra.fakes import START_MS, WordScorer, mention, storm, synthetic
from tests.infra.service import record

NOW_MS = START_MS + 365 * 86_400_000
HOSTILE = (
    "<script>alert(1)</script><img src=x onerror=alert(2)></style></blockquote>{{ 7 * 7 }}{% raw %} "
    "\u202epanne\x1b[2J\" onmouseover=\"alert(3) javascript:alert(4) https://evil.example/a"
)  # fmt: skip


class CountingScorer(WordScorer):
    """Remembers every text that it was asked to read."""

    def __init__(self):
        self.read = []

    def score_many(self, texts, langs, usual=None):
        self.read += texts
        return super().score_many(texts, langs, usual)


def mentions(brand="Nordalia", text="Encore une panne du réseau"):
    """Ten calm days and an hour of anger on the fifth."""
    calm = synthetic(10, per_hour=12, brand=brand)
    angry = [
        m._replace(text=f"{text} {i}") for i, m in enumerate(storm(6_000, 5_900, 60, 6, brand)) if "panne" in m.text
    ]
    return sorted([*calm, *angry], key=lambda m: (m.created_at_ms, m.id))


def judged(tmp_path, found, budgets=(0.25,), **more):
    path = tmp_path / "history.ndjson"
    path.write_bytes(b"".join(record(m) + b"\n" for m in found))
    scorer = more.pop("scorer", None) or CountingScorer()
    run = Backtesting(BacktestParams(str(path), budgets, **more), lambda: NOW_MS, scorer)
    for _ in run:
        pass
    return run.result()


# -- budgets ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "budgets"), [("0.25", (0.25,)), ("1,0.25,1.0, 0.05", (0.05, 0.25, 1.0)), ("1e-3,100", (0.001, 100.0))]
)
def test_budgets_are_sorted_and_each_stands_once(typed, budgets):
    assert parse_budgets(typed) == budgets


@pytest.mark.parametrize("typed", ["", ",", "0,25", "0.25,", "0.25;1", "-1", "nan", "inf", "101", "0.25,x\ny", "1 2"])
def test_a_bad_budget_is_told_on_one_line(typed):
    with pytest.raises(InputError) as told:
        parse_budgets(typed)
    assert str(told.value).startswith("--budget ")
    assert "\n" not in str(told.value)


def test_there_is_a_limit_to_engines_side_by_side():
    typed = ",".join(str(n) for n in range(1, BUDGETS_MAX + 2))
    with pytest.raises(InputError, match=str(BUDGETS_MAX)):
        parse_budgets(typed)


# -- the work --------------------------------------------------------------------------------------------------------


def test_texts_are_read_once_whatever_the_budgets(tmp_path):
    found = mentions()
    scorer = CountingScorer()
    result = judged(tmp_path, found, (0.05, 0.25, 1.0), scorer=scorer)
    assert sorted(scorer.read) == sorted(m.text for m in found)
    assert result.mentions == len(found)
    assert [outcome.budget for outcome in result.outcomes] == [0.05, 0.25, 1.0]


def test_each_budget_finds_what_it_would_alone(tmp_path):
    """Sides share the bins and nothing that is decided from them."""
    calm = [m._replace(id=f"v{m.id}") for m in synthetic(10, seed=3, brand="Vélorine")]
    found = sorted([*mentions(), *calm], key=lambda m: (m.created_at_ms, m.id))
    budgets = (0.05, 0.25, 5.0)
    together = judged(tmp_path, found, budgets).outcomes
    alone = tuple(judged(tmp_path, found, (budget,)).outcomes[0] for budget in budgets)
    assert together == alone
    assert len({len(outcome.found) for outcome in together}) > 1


def test_a_storm_is_found_with_its_delay_level_and_reasons(tmp_path):
    (outcome,) = judged(tmp_path, mentions()).outcomes
    storm_at_ms = START_MS + 5_900 * 60_000
    found = next(f for f in outcome.found if f.at_ms >= storm_at_ms)
    assert found.at_ms - storm_at_ms <= 30 * 60_000
    assert found.delay_ms == found.at_ms - found.incident.evidence.since_ms
    assert found.first.reasons
    assert found.plan is not None
    total = outcome.total
    assert total.opened + total.reopened == len(outcome.found) == sum(n for _, n in total.warning_levels)
    assert total.alerts == sum(n for _, n in total.levels) >= len(outcome.found)
    assert total.paged == sum(n for level, n in total.levels if level >= Level.ORANGE)
    assert total.delay_median_s in total.delays_s or len(total.delays_s) % 2 == 0


def test_the_lead_runs_to_the_busiest_quarter_of_the_wave(tmp_path):
    """The anger grows for an hour: it is told before its peak."""
    start = 5_900
    swelling = [
        mention(start + minute + n / 100, n + 1, "Encore une panne")
        for minute in range(60)
        for n in range(1 + minute // 4)
    ]
    found = sorted([*synthetic(10, per_hour=12), *swelling], key=lambda m: (m.created_at_ms, m.id))
    (outcome,) = judged(tmp_path, found).outcomes
    storm = next(f for f in outcome.found if f.at_ms >= START_MS + start * 60_000)
    quarters = Counter(m.created_at_ms // 900_000 for m in swelling)
    busiest = min(q for q, n in quarters.items() if n == max(quarters.values()))
    assert storm.peak_ms == busiest * 900_000 + 450_000
    assert storm.lead_ms == storm.peak_ms - storm.at_ms
    assert storm.lead_ms / 1000 in outcome.total.leads_s


def test_a_peak_is_looked_for_within_its_wave_and_not_where_spans_are_wide():
    past = Past(300)
    assert past.peak_s(0, 900) is None
    for i in range(2_000):
        past.add(BinCount(300 * i, 300, {500: 9.0, 1_500: 20.0}.get(i, 1.0), None))
    assert past.peak_s(140_000, 200_000) == 150_000 - 150_000 % 900 + 450
    assert past.peak_s(10_000_000, 10_100_000) is None
    for i in range(2_000, 250_000):
        past.add(BinCount(300 * i, 300, 1.0, None))
    assert past.peak_s(140_000, 200_000) is None


def test_the_time_of_learning_is_not_watched(tmp_path):
    result = judged(tmp_path, mentions())
    (history,) = result.histories
    (outcome,) = result.outcomes
    assert history.judged_from_s - START_MS // 1000 == pytest.approx(86_400, abs=3_600)
    assert outcome.total.weeks == outcome.total.brand_weeks == pytest.approx(9 / 7, abs=0.02)
    assert outcome.total.alerts_per_week == outcome.total.alerts / outcome.total.weeks


def test_brands_add_up(tmp_path):
    calm = [m._replace(id=f"v{m.id}") for m in synthetic(10, seed=3, brand="Vélorine")]
    found = sorted([*mentions(), *calm], key=lambda m: (m.created_at_ms, m.id))
    result = judged(tmp_path, found, (0.25, 2.0))
    for outcome in result.outcomes:
        assert [brand for brand, _ in outcome.brands] == ["Nordalia", "Vélorine"]
        each = [figures for _, figures in outcome.brands]
        assert outcome.total.opened == sum(f.opened for f in each)
        assert outcome.total.alerts == sum(f.alerts for f in each)
        assert outcome.total.brand_weeks == pytest.approx(sum(f.weeks for f in each))
        assert outcome.total.weeks <= outcome.total.brand_weeks
    assert sum(h.mentions for h in result.histories) == len(found)


def test_a_second_wave_is_a_warning_of_its_own_with_its_own_messages(tmp_path):
    """Calm for more than a day ends the incident; within a week it comes back: another warning, another onset."""
    second = [m._replace(id=f"2{m.id}", text=m.text.replace("panne", "facture nul"))
              for m in storm(10_000, 9_900, 60, 6) if "panne" in m.text]  # fmt: skip
    found = sorted([*mentions(), *second], key=lambda m: (m.created_at_ms, m.id))
    (outcome,) = judged(tmp_path, found).outcomes
    first = next(f for f in outcome.found if f.at_ms >= START_MS + 5_900 * 60_000)
    again = next(f for f in outcome.found if f.at_ms >= START_MS + 9_900 * 60_000)
    assert again.kind is AlertKind.REOPENED
    assert again.incident.id == first.incident.id
    assert again.delay_ms is not None
    assert again.delay_ms <= 3_600_000
    texts = [[item.mention.text for item in f.incident.evidence.mentions] for f in (first, again)]
    assert any("panne" in text for text in texts[0])
    assert not any("facture" in text for text in texts[0])
    assert any("facture" in text for text in texts[1])
    assert not any("panne" in text for text in texts[1])


def test_how_the_file_is_cut_into_batches_changes_nothing(tmp_path):
    found = mentions()
    views = [document(judged(tmp_path, found, (0.25, 1.0), batch_max=n)) for n in (97, 8_192)]
    assert views[0] == views[1]


def test_an_empty_file_is_told_as_such(tmp_path):
    result = judged(tmp_path, [], (0.25, 1.0))
    assert result.mentions == 0
    assert result.first_ms is None
    view = document(result)
    assert view["from"] is None
    assert [b["all"]["alerts_per_week"] for b in view["budgets"]] == [None, None]
    assert "aucune mention lisible" in "\n".join(text_lines(result))
    assert "aucune mention lisible" in page(result)


def test_a_history_of_one_day_is_called_too_short(tmp_path):
    result = judged(tmp_path, [mention(i, text="Service nul") for i in range(0, 600, 5)])
    (outcome,) = result.outcomes
    assert (outcome.total.weeks, outcome.total.alerts_per_week, outcome.found) == (0.0, None, ())
    assert "trop court" in "\n".join(text_lines(result))
    assert "trop court" in page(result)


def test_spans_get_wider_and_keep_their_sum():
    strip = Strip(300)
    for i in range(0, 100_000, 7):
        strip.add(i * 300 + 12_345_600, 1.0)
    assert len(strip.sums) <= Strip.SPANS_MAX
    assert sum(strip.sums) == len(range(0, 100_000, 7))
    assert strip.start_s % strip.width_s == 0
    assert strip.start_s <= 12_345_600 < strip.start_s + strip.width_s


# -- what is told ----------------------------------------------------------------------------------------------------


class Page(HTMLParser):
    """The tags and attributes of a page, as a browser would see them, and its text."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.attributes, self.text = set(), [], ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    brand = 'Nord"><script>alert(5)</script>'
    return judged(tmp_path_factory.mktemp("hostile"), mentions(brand, f"{HOSTILE} panne"), (0.25, 1.0), lang="en")


def test_hostile_texts_are_only_text_on_the_page(hostile):
    assert any(HOSTILE[:40] in m.mention.text for f in hostile.outcomes[0].found for m in f.incident.evidence.mentions)
    html = page(hostile)
    seen = Page(html)
    assert not seen.tags & {"script", "img", "iframe", "object", "link", "base", "form", "foreignobject", "image"}
    assert not [a for a in seen.attributes if a[1].startswith("on")]
    outside = [
        a for a in seen.attributes if a[1] in ("src", "href", "xlink:href", "action") and not a[2].startswith("#")
    ]
    assert outside == []
    assert "{{ 7 * 7 }}" in seen.text
    assert "<script>alert(1)</script>" in seen.text
    assert html.count("</style>") == 1
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", html)
    assert ("meta", "content", "default-src 'none'; style-src 'unsafe-inline'") in seen.attributes


def test_hostile_texts_are_one_plain_line_in_the_terminal(hostile):
    lines = list(text_lines(hostile))
    assert any("alert(1)" in line for line in lines)
    assert not re.search("[\x00-\x1f\x7f\u202a-\u202e]", "".join(lines))


def test_marks_of_the_timeline_lead_to_the_incidents(tmp_path):
    seen = Page(page(judged(tmp_path, mentions(), (0.25, 1.0))))
    targets = {value for tag, name, value in seen.attributes if name == "id"}
    led = {value[1:] for tag, name, value in seen.attributes if name == "href"}
    assert led == targets != set()


def test_page_and_lines_are_the_same_every_time(tmp_path):
    found = mentions()
    first, second = (judged(tmp_path, found, (0.25, 1.0)) for _ in range(2))
    assert page(first) == page(second)
    assert list(text_lines(first)) == list(text_lines(second))


def test_the_page_speaks_the_language_asked_for(tmp_path):
    french, english = (page(judged(tmp_path, mentions(), lang=lang)) for lang in ("fr", "en"))
    assert '<html lang="fr">' in french
    assert "Avec un budget de 0,25 fausse alerte par semaine, Vigie vous aurait prévenu" in french
    assert '<html lang="en">' in english
    assert "With a budget of 0.25 false alarms a week, Vigie would have warned you" in english


def test_the_page_stays_short_and_says_what_it_leaves_out(tmp_path):
    result = judged(tmp_path, mentions())
    (outcome,) = result.outcomes
    many = tuple(outcome.found[0] for _ in range(INCIDENTS_SHOWN_MAX + 3))
    long = result.__class__(**{n: getattr(result, n) for n in result.__slots__} | {
        "outcomes": (outcome.__class__(outcome.budget, outcome.total, outcome.brands, many),)})  # fmt: skip
    html = page(long)
    assert html.count("<article") == INCIDENTS_SHOWN_MAX
    assert "3 autres incidents" in html
    assert len(document(long)["budgets"][0]["incidents"]) == INCIDENTS_SHOWN_MAX + 3


def test_samples_show_each_role_before_a_second_of_one(tmp_path):
    (outcome,) = judged(tmp_path, mentions()).outcomes
    evidence = max((f.incident.evidence.mentions for f in outcome.found), key=len)
    chosen = samples(evidence, 3)
    assert len(chosen) == 3
    assert {item.role for item in chosen} == {item.role for item in evidence}
    assert [item.mention.created_at_ms for item in chosen] == sorted(item.mention.created_at_ms for item in chosen)


def test_both_languages_say_the_same_things():
    assert set(_FR) == set(_EN)
    for key, text in _EN.items():
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", _FR[key])) or key == "time_one"
        assert text.count("|") == _FR[key].count("|")


def test_french_is_typeset():
    from ops.render.backtest_words import words

    faults = {key: french_faults(text) for key, text in words("fr").items()}
    assert {key: found for key, found in faults.items() if found} == {}


def test_numbers_agree_with_their_nouns():
    assert counted(0, "weeks", "fr") == "0 semaine"
    assert counted(0, "weeks", "en") == "0 weeks"
    assert budget_text(0.05, "en") == "0.05 false alarms a week"
    assert budget_text(2.0, "fr") == "2 fausses alertes par semaine"
    assert span_text(1.0, "fr") == "1 semaine"
    assert span_text(6 / 7, "en") == "6 days"
