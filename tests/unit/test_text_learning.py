"""Learning from corrections: it learns, forgets nothing, stays within its bound, and does the same every time."""

from __future__ import annotations

import numpy as np
import pytest

from detectors.text import load_scorer
from detectors.text.comments import comments_of
from detectors.text.guard import GUARDS, TAUGHT, TEST, VALIDATION, load_guard, macro_f1, make_guards
from detectors.text.learning import CORRECTIONS_MAX, DROP_MAX, learn
from detectors.text.overlay import Overlay, decode_overlay, encode_overlay
from detectors.text.picks import pick
from detectors.text.scorer import LinearScorer
from engine.domain.errors import StateError
from engine.domain.labels import Correction
from engine.domain.scores import LABELS

_OTHER = {"neg": "pos", "pos": "neg", "neu": "neg"}


@pytest.fixture
def scorer() -> LinearScorer:
    return load_scorer(("fr", "en"))


def _test_part(scorer: LinearScorer, lang: str) -> float:
    comments = comments_of(lang, "test")
    told = scorer.score_many([c.text for c in comments], [lang] * len(comments)).probabilities.argmax(axis=1)
    return macro_f1(np.array([LABELS.index(c.sentiment) for c in comments]), told)


def test_a_correction_is_taken_to_heart(scorer: LinearScorer) -> None:
    text = "Le Vélorine nouveau est arrivé, quelle trouvaille ce guidon"
    said = [Correction(text, "neg", "fr")] * 1 + [
        Correction(f"{start} le guidon Vélorine", "neg", "fr")
        for start in ("Encore", "Sympa", "Et hop", "Regardez", "Voilà", "Admirez", "Ah", "Tiens")
    ]
    before = scorer.score_many([text], ["fr"]).negative[0]
    scorer.overlay = learn(said, scorer).overlay
    assert scorer.score_many([text], ["fr"]).negative[0] > before + 0.15


def test_the_same_corrections_give_the_same_bytes_and_an_undone_one_leaves_no_trace(scorer: LinearScorer) -> None:
    said = [Correction(c.text, c.sentiment, "fr") for c in comments_of("fr", "validation")[:40]]
    once, twice = (encode_overlay(learn(said, load_scorer(("fr", "en"))).overlay) for _ in range(2))
    assert once == twice
    with_more = learn([*said, Correction("Nordalia, bof", "neg", "fr")], scorer).overlay
    assert encode_overlay(with_more) != once
    assert encode_overlay(learn(said, scorer).overlay) == once


def test_the_last_word_on_a_text_counts(scorer: LinearScorer) -> None:
    said = [Correction("Nordalia, bof", "pos", "fr"), Correction("Nordalia, bof", "neg", "fr")]
    assert encode_overlay(learn(said, scorer).overlay) == encode_overlay(learn(said[1:], scorer).overlay)


def test_a_row_is_the_same_in_any_batch_with_an_overlay_too(scorer: LinearScorer) -> None:
    texts = [c.text for c in comments_of("fr", "validation")] + ["", "😡"]
    scorer.overlay = learn([Correction(t, "neg", "fr") for t in texts[:20]], scorer).overlay
    together = scorer.score_many(texts, ["fr"] * len(texts)).probabilities
    alone = np.concatenate([scorer.score_many([text], ["fr"]).probabilities for text in texts])
    assert (together == alone).all()


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize("wrong", [0.0, 0.5, 1.0])
def test_no_corrections_lower_the_test_part_by_more_than_a_point(scorer: LinearScorer, lang: str, wrong: float) -> None:
    """Not even malicious ones: a part of the corrections says the contrary of what is true."""
    comments = comments_of(lang, "training")[:400]
    said = [
        Correction(c.text, _OTHER[c.sentiment] if i % 10 < wrong * 10 else c.sentiment, lang)
        for i, c in enumerate(comments)
    ]
    before = _test_part(scorer, lang)
    learnt = learn(said, scorer)
    scorer.overlay = learnt.overlay
    assert _test_part(scorer, lang) >= before - 0.01
    (lesson,) = learnt.lessons
    assert lesson.guard_before == pytest.approx(before)
    assert lesson.guard_after >= before - DROP_MAX
    if wrong == 1.0:
        assert lesson.scale < 1.0


def test_the_guard_is_that_of_the_shipped_tables(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("guard")
    make_guards(folder=folder)
    for path in sorted(GUARDS.glob("*.npz")):
        assert (folder / path.name).read_bytes() == path.read_bytes(), "run `make generate`"
    assert sum(path.stat().st_size for path in GUARDS.glob("*.npz")) <= 800_000


def test_the_guard_holds_its_parts() -> None:
    guard = load_guard("fr")
    assert {part: int((guard.parts == part).sum()) > 50 for part in (TEST, VALIDATION, TAUGHT)} == dict.fromkeys(
        range(3), True
    )


def test_an_overlay_is_read_back_or_refused_in_one_line(scorer: LinearScorer) -> None:
    overlay = learn([Correction("Nordalia, bof", "neg", "fr")], scorer, version=4).overlay
    back = decode_overlay(encode_overlay(overlay))
    assert (back.version, back.model, set(back.tables)) == (4, overlay.model, {"fr"})
    assert decode_overlay(encode_overlay(Overlay())).is_empty
    for raw in (b"", b"nothing", encode_overlay(overlay)[:100]):
        with pytest.raises(StateError, match="no learnt overlay"):
            decode_overlay(raw)


def test_odd_corrections_teach_without_harm(scorer: LinearScorer) -> None:
    odd = [Correction(text, "neg", None) for text in ("", "\x00", "!!!", "😡", "a" * 10_000, "مرحبا")]
    learnt = learn(odd, scorer)
    scorer.overlay = learnt.overlay
    assert np.isfinite(scorer.score_many(["", "Merci"], [None, None]).probabilities).all()
    assert learn([], scorer).overlay.is_empty
    assert CORRECTIONS_MAX >= 1_000


def test_picks_are_uncertain_and_unlike_one_another(scorer: LinearScorer) -> None:
    texts = ["Une honte, plus jamais, arnaque !"] * 5 + ["Bof, correct sans plus"] * 5
    texts += ["Livraison prévue mardi pour le canapé", "Livraison reçue mardi, le canapé est là", "Merci, parfait !"]
    found = pick(texts, ["fr"] * len(texts), scorer, 4)
    assert len({texts[one.index] for one in found}) == 4
    assert found == pick(texts, ["fr"] * len(texts), scorer, 4)
    assert pick([], [], scorer, 3) == ()
    assert len(pick(texts, ["fr"] * len(texts), scorer, 100)) == len(set(texts))
