"""Reports: what they say, in both languages and three forms, and that nothing which people wrote has an effect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.domain.effects import CurveDrawn, IncidentSaved, PlanMade
from engine.domain.errors import InputError
from engine.domain.incident import Incident, Level, Phase, TimelineEntry
from engine.domain.playbook import BrandVoice, PlanRequest
from ops.render.alert import Look
from ops.replaying import REPLAYED
from ops.reports.casefile import SPAN_MS, CaseFact, CaseFile, CasePost, CaseStep, trend
from ops.reports.gather import gather, questions_of
from ops.reports.render import KINDS, chart, html, markdown, pdf, written
from ops.runs import RunKeeper, RunRules
from ops.settings import Settings
from ops.store.store import Store
from playbooks.catalogue import HERE, Catalogue, load_voices, read_playbook
from playbooks.planner import CataloguePlanner
from playbooks.typography import french_faults
from tests.infra.cli import vigie
from tests.infra.sample_alerts import T0, incident, plan

NOW_MS = T0 + 90 * 60_000
EVIL = (
    "<script>alert(1)</script> <!channel> @everyone [clic](https://evil.example/x) | {{ 7*7 }} \u202e\x1b[31m\n# Titre",
    "![](https://evil.example/p.png) `code` ~~x~~ $(rm) =HYPERLINK(1)",
)


def curve(of: Incident, spans: int = 60) -> list[CurveDrawn]:
    """Eight hours of calm, then a storm that grows."""
    start = of.since_ms - 8 * 3_600_000
    return [
        CurveDrawn(of.id, start + n * SPAN_MS, 1.0 if n < 48 else 4.0 * (n - 47), 12 if n < 48 else 40, 1.1)
        for n in range(spans)
    ]


def case(**changes: object) -> CaseFile:
    of = incident()
    steps = [
        CaseStep("Prendre en charge", "CM", "done", T0 + 300_000, T0 + 200_000, "Camille", clock="acknowledge"),
        CaseStep("Qualifier", "CM", "done", T0 + 900_000, T0 + 1_500_000, "Camille", clock="qualify"),
        CaseStep("Publier le message d'attente", "CM", "open", T0 + 3_600_000, clock="holding_line"),
        CaseStep("Point de situation", "Scribe", "open", T0 + 7_200_000, clock="situation_report"),
        CaseStep(
            "Réunir la cellule", "Décideur", "skipped", T0 + 1_800_000, reason="resté orange", clock="crisis_cell"
        ),
    ]
    made = CaseFile(
        of, NOW_MS, plan(), curve(of), steps, of.timeline,
        [
            CaseFact("product", "Quel produit ?", "le vélo V2", "Louis"),
            CaseFact("since", "Depuis quand ? Comme après « depuis »"),
        ],
        [CasePost("x", "holding", "Nous vérifions.", ("Camille", "Louis"), T0 + 3_000_000, True)], 2,
    )  # fmt: skip
    return replace(made, **changes)


def test_the_situation_report_answers_what_a_decision_maker_asks():
    said = markdown("situation", case(), Look("fr"))
    for sentence in (
        "# Point de situation - Vélorine - ORANGE",
        "312 messages négatifs contre 13 attendus, soit 24 fois la normale",
        "ça monte",
        "Quel produit\u202f? **le vélo V2**",
        "- Depuis quand\u202f?\n",
        "**EN RETARD de 30\u00a0min**\u00a0: Publier le message d’attente",
        "2 textes attendent une approbation",
        "Prochain point\u00a0: 03:52",
        "Fait à 01:55\u00a0: Prendre en charge (Camille)",
        "accord\u00a0: Camille et Louis",
    ):
        assert sentence in said, sentence
    english = markdown("situation", case(), Look("en", "UTC"))
    assert "312 negative messages against 13 expected, 24 times the normal" in english
    assert "**30 min LATE**: Publier" in english


def test_figures_are_those_of_now_and_what_nobody_counted_is_left_out():
    """The engine's figures stand as they were when it last judged the level; a source may name no authors."""
    judged = markdown("situation", case(curve=()), Look("fr"))
    assert "142 messages négatifs contre 11 attendus, soit 13 fois la normale" in judged
    assert "auteurs" in judged.partition("Qui et où")[2].partition("\n")[0]
    of = incident()
    nameless = replace(of, evidence=replace(of.evidence, authors=0, followers_max=0, reach=0))
    for kind in KINDS:
        for lang, words in (("fr", ("0 auteurs", "0 abonnés")), ("en", ("0 authors", "0 followers"))):
            said = markdown(kind, case(incident=nameless), Look(lang))
            assert not any(word in said for word in words), said


def test_a_reader_of_the_other_language_is_told_what_stays_as_it_was_written():
    assert "in which they were written" in markdown("retex", case(lang="fr"), Look("en"))
    assert "in which they were written" not in markdown("retex", case(lang="en"), Look("en"))
    assert "dans laquelle elles ont été écrites" in markdown("situation", case(lang="en"), Look("fr"))


def test_the_playbook_is_told_in_the_language_of_the_reader(tmp_path):
    playbook = read_playbook(HERE / "catalogue" / "outage.yaml").playbook
    request = PlanRequest("i", BrandVoice("Vélorine"), Level.ORANGE, (("outage", 60),), 80, ("x",), lang="fr")
    made = CataloguePlanner(Catalogue({"outage": playbook}, load_voices())).plan(request)
    of = incident(Level.ORANGE)
    with Store.open(tmp_path / "v.db", clock_ms=lambda: T0) as store:
        store.also(RunKeeper(store, RunRules(lang="fr")).on_effects)
        store.apply([PlanMade(of.id, T0, made), IncidentSaved(of)])
        english = gather(store, of.id, T0, questions_of(Settings(), store.plan(of.id), "en"))
        french = gather(store, of.id, T0)
    said = markdown("situation", english, Look("en"))
    for sentence in ("Acknowledge the incident (Community manager on call", "Playbook: Outage or", "Which service is"):
        assert sentence in said, said
    assert "Prendre l’incident en charge" not in said
    assert "in which they were written" in said
    assert "Prendre l’incident en charge (Community manager d’astreinte" in markdown("situation", french, Look("fr"))


def test_a_clock_answered_within_the_minute_is_met():
    step = CaseStep("Prendre en charge", "CM", "done", T0, T0 + 59_000, "Camille", clock="acknowledge")
    said = markdown("retex", case(steps=[step]), Look("fr"))
    assert "Délais tenus\u00a0: 1 sur 1 échus" in said
    assert "à l’heure" in said


def test_the_retex_tells_clocks_met_and_missed_and_leaves_the_lessons_open():
    said = markdown("retex", case(), Look("fr"))
    assert "Délais tenus\u00a0: 1 sur 3 échus" in said
    assert "| qualification | 02:07 | 02:17 | 10\u00a0min de retard |" in said
    assert "| message d’attente | 02:52 | - | pas fait, 30\u00a0min de retard |" in said
    assert "- Réunir la cellule\u00a0: resté orange" in said
    assert "| Qu’est-ce qui nous a manqué\u202f? |  |" in said
    closed = case(incident=incident(phase=Phase.RESOLVED, closed_at_ms=NOW_MS))
    assert "closed at 02:22 after 1 h 30" in markdown("retex", closed, Look("en", "UTC"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_incident_that_has_only_just_opened_has_a_report_too(kind):
    bare = CaseFile(incident(), T0)
    for lang in ("fr", "en"):
        said = markdown(kind, bare, Look(lang))
        assert "None" not in said
        assert "<!--" not in said
        assert "<img" not in html(kind, bare, Look(lang))


@pytest.mark.parametrize("kind", KINDS)
def test_french_typography_holds(kind):
    for line in markdown(kind, case(), Look("fr")).splitlines():
        if not line.startswith("| ---"):
            assert french_faults(line) == [], line


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lang", ["fr", "en"])
def test_hostile_text_has_no_effect_in_any_form(kind, lang):
    of = incident(texts=EVIL, brand=EVIL[0])
    log = [TimelineEntry(T0, EVIL[0], "note", EVIL[1])]
    evil = case(
        incident=of, log=log, facts=[CaseFact("f", EVIL[0], EVIL[1], "x")],
        posts=[CasePost("x", "holding", EVIL[0], (EVIL[1],), T0, True)],
        steps=[CaseStep(EVIL[0], EVIL[1], "open", T0, owner=EVIL[0])],
    )  # fmt: skip
    said, page = markdown(kind, evil, Look(lang)), html(kind, evil, Look(lang))
    assert "<script" not in said + page
    assert "](http" not in said
    assert "href" not in page
    assert page.count("<img") == 1  # the chart
    assert "{{ 7*7 }}" not in said
    assert "49" not in said.replace("4900", "")
    assert "\u202e" not in said + page
    assert "\x1b" not in said + page
    assert "<h1>Titre" not in page
    assert "evil.example" not in page.replace("evil․example", "")


def test_an_exercise_is_marked_everywhere():
    drill = case(incident=incident(exercise=True))
    for kind in KINDS:
        for lang, word in (("fr", "EXERCICE"), ("en", "EXERCISE")):
            said = markdown(kind, drill, Look(lang))
            assert said.startswith(f"# {word} - ")
            assert f"**{word}" in said
            assert 'class="exercise"' in html(kind, drill, Look(lang))


def test_a_page_stands_alone_and_the_same_case_gives_the_same_bytes():
    page = html("situation", case(), Look("fr"))
    assert page.startswith('<!doctype html>\n<html lang="fr">')
    assert "http" not in page.replace("http://www.w3.org/", "")
    assert page == html("situation", case(), Look("fr"))
    drawn = chart(case(), Look("fr"))
    assert drawn.startswith("<svg")
    assert "<script" not in drawn
    assert "Messages négatifs" in drawn


def test_a_pdf_is_made_of_the_page():
    raw = pdf("situation", case(), Look("fr"))
    assert raw.startswith(b"%PDF-")
    assert len(raw) > 5_000


def test_a_trend_needs_numbers():
    of = incident()
    assert trend(curve(of)) == "rising"
    assert trend(curve(of)[:47]) == "steady"
    falling = [CurveDrawn("i", n * SPAN_MS, 30.0 - 2 * n, 40, 1.0) for n in range(12)]
    assert trend(falling) == "falling"
    assert trend([]) == "steady"


def test_an_unknown_form_is_refused():
    with pytest.raises(InputError, match="md, html, pdf"):
        written("docx", "retex", case(), Look())


def test_it_is_gathered_from_the_store_and_written_by_the_command(tmp_path, capsys, monkeypatch):
    of = incident()
    with Store.open(tmp_path / "v.db") as store:
        store.apply([IncidentSaved(of), PlanMade(of.id, T0, plan()), *curve(of)])
        store.set_meta(REPLAYED, "yes")
        found = gather(store, of.id)
        assert found.now_ms == curve(of)[-1].start_ms + SPAN_MS  # a replay ends where its curve does
        assert len(gather(store, of.id, of.since_ms).curve) == 48
        with pytest.raises(InputError, match="vigie incidents list"):
            gather(store, "inc-nowhere")
    out = tmp_path / "point.html"

    def report(*words):
        return vigie(capsys, monkeypatch, "report", *words, "--db", tmp_path / "v.db")

    assert report("situation", of.id, "--out", out, "--lang", "en").code == 0
    assert "Situation report - Vélorine" in out.read_text(encoding="utf-8")
    assert "Retour d’expérience" in report("retex", of.id[:12], "--lang", "fr").out
    for words, about in (
        (["--form", "docx"], "md, html, pdf"),
        (["--form", "pdf"], "--out"),
        (["--lang", "de"], "fr or en"),
        (["--at", "hier"], "not a time"),
    ):
        ended = report("retex", of.id, *words)
        assert ended.code == 2
        assert about in ended.err
