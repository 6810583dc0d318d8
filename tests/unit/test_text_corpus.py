"""The corpus of own comments: its format, its parts, and that its comments are each other's strangers."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import pytest

from detectors.text import sources
from detectors.text.comments import (
    COLUMNS,
    CORPUS,
    NETWORKS,
    TEST_THEMES,
    TRAITS,
    VALIDATION_THEMES,
    Comment,
    comments_of,
    part_of,
    read_comments,
    theme_files,
)
from detectors.text.fold import fold_many
from detectors.text.sources import OWN, RECIPES, read_rows
from engine.domain.errors import InputError
from engine.domain.scores import CATEGORIES, LABELS

_LANGS = ("en", "fr")
_ALL = ("training", "validation", "test")
_HEADER = "\t".join(COLUMNS)
_LINE = "fr-99-0001\tx\tToujours en panne, Lumeo ?\tneg\toutage\t1\t"


def _of(lang: str) -> list[Comment]:
    return comments_of(lang, "training", "validation", "test")


def _shingles(text: str) -> set[tuple[str, ...]]:
    (words,) = fold_many([text])
    kept = [word for word in words if any(char.isalnum() for char in word)]
    return {tuple(kept[i : i + 3]) for i in range(len(kept) - 2)}


def _closest(comments: list[tuple[str, str]]) -> tuple[float, str, str]:
    """The two (label, text) that share the most of their three-word runs (Jaccard), at least two runs.

    Of a near-minimal pair with different labels the likeness is the point: it does not count.
    """
    shingles = [_shingles(text) for _, text in comments]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, found in enumerate(shingles):
        for shingle in found:
            holders[shingle].append(i)
    shared = Counter((a, b) for held in holders.values() for n, a in enumerate(held) for b in held[n + 1 :])
    return max(
        (n / len(shingles[a] | shingles[b]), comments[a][1], comments[b][1])
        for (a, b), n in shared.items()
        if n > 1 and comments[a][0] == comments[b][0]
    )


@pytest.mark.parametrize(("lang", "least"), [("en", 3_200), ("fr", 10_000)])
def test_there_are_many_of_every_kind(lang: str, least: int) -> None:
    comments = _of(lang)
    assert len(comments) >= least
    sentiments = Counter(comment.sentiment for comment in comments)
    assert 0.40 <= sentiments["neg"] / len(comments) <= 0.60
    assert min(sentiments[label] for label in LABELS) >= 0.18 * len(comments)
    assert {c for comment in comments for c in comment.categories} == set(CATEGORIES)
    assert {comment.network for comment in comments} == NETWORKS
    assert {comment.urgency for comment in comments} == {0, 1, 2, 3}
    traits = Counter(trait for comment in comments for trait in comment.traits)
    assert min(traits[trait] for trait in TRAITS - {"quebec", "belgium", "verlan"}) >= 5, traits


def test_ids_are_unique_and_tell_the_file() -> None:
    ids: list[str] = []
    for lang in _LANGS:
        for theme, path in theme_files(lang).items():
            found = [comment.id for comment in read_comments(path)]
            assert all(id_.startswith(theme.replace("_", "-") + "-") for id_ in found), path
            ids += found
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("lang", _LANGS)
def test_no_comment_nearly_repeats_another_nor_an_example(lang: str) -> None:
    texts = [(comment.sentiment, comment.text) for comment in _of(lang)]
    texts += read_rows(CORPUS / f"seed_{lang}.tsv")
    assert len({text for _, text in texts}) == len(texts)
    alike, one, other = _closest(texts)
    assert alike <= 0.7, (one, other)


def test_a_second_blind_reading_agrees() -> None:
    """Some 3,200 comments were labelled again by readers who had not seen the first labels: Cohen's kappa."""
    rows = [line.split("\t") for line in (CORPUS / "second_labels.tsv").read_text(encoding="utf-8").splitlines()[1:]]
    second = {row[0]: row[1] for row in rows}
    first = {c.id: c.sentiment for lang in _LANGS for c in _of(lang) if c.id in second}
    n = len(first)
    assert n >= 3_000
    agreed = sum(first[id_] == second[id_] for id_ in first) / n
    chance = (
        sum(Counter(first.values())[label] * Counter(second[id_] for id_ in first)[label] for label in LABELS) / n**2
    )
    assert (agreed - chance) / (1 - chance) >= 0.9


@pytest.mark.parametrize("lang", _LANGS)
def test_words_are_not_those_of_templates(lang: str) -> None:
    texts = [comment.text for comment in _of(lang)]
    openings = {tuple(words[:4]) for words in fold_many(texts)}
    assert len(openings) >= 0.90 * len(texts)
    words = [word for found in fold_many(texts) for word in found if word.isalpha()][:20_000]
    assert len(set(words)) >= 0.15 * len(words), "few different words for so many"


@pytest.mark.parametrize("lang", _LANGS)
def test_parts_are_whole_themes_and_a_fair_part_is_for_the_test(lang: str) -> None:
    themes = {theme for theme in TEST_THEMES | VALIDATION_THEMES if theme.startswith(lang)}
    assert themes < set(theme_files(lang))
    assert not TEST_THEMES & VALIDATION_THEMES
    by_part = {part: len([t for t in theme_files(lang) if part_of(t) == part]) for part in _ALL}
    assert sum(by_part.values()) == len(theme_files(lang))
    held = comments_of(lang, "test")
    assert 0.10 <= len(held) / len(_of(lang)) <= 0.25
    assert {comment.sentiment for comment in held} == set(LABELS)


@pytest.mark.parametrize("lang", _LANGS)
def test_no_theme_of_the_test_is_trained_on(lang: str, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {comment.text for other in _LANGS for comment in comments_of(other, "test")}
    own = tuple(source for source in RECIPES[lang].sources if source.name == OWN or source.name.startswith("seed_"))
    assert {source.lang for source in own if source.foreign} == set(_LANGS) - {lang}
    monkeypatch.setitem(RECIPES, lang, sources.Plan(RECIPES[lang].recipe, own, 0.0, RECIPES[lang].lexicons))
    taught = {example.text for example in sources.examples_of(lang, Path("nowhere"), {})}
    assert taught >= {comment.text for comment in comments_of(lang, "training")}
    assert not taught & held


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("label\ttext\n", r"fr_99_x\.tsv:1: the header"),
        (f"{_HEADER}\n{_LINE}\tmore\n", r":2: 8 columns, 7"),
        (f"{_HEADER}\n{_LINE}\n{_LINE.replace('neg', 'bad')}\n", ":3: sentiment 'bad'"),
        (f"{_HEADER}\n{_LINE.replace('outage', 'rain')}\n", "categories rain are unknown"),
        (f"{_HEADER}\n{_LINE.replace('1	', '4	')}\n", "urgency must be 0 to 3"),
        (f"{_HEADER}\n{_LINE}cheerful\n", "traits cheerful are unknown"),
        (f"{_HEADER}\n{_LINE.replace('	x	', '	minitel	')}\n", "network 'minitel'"),
        (f"{_HEADER}\n{_LINE.replace('Toujours', ' Toujours')}\n", "no space around"),
    ],
)
def test_a_broken_file_is_one_clear_line(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "fr_99_x.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=told):
        read_comments(path)


def test_a_folder_without_files_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no corpus file fr_NN"):
        theme_files("fr", tmp_path)
