"""What the shipped tables are trained on: files whose licences let the weights ship, and what each counts.

Read at training only. Every share and weight here was chosen on development data; the model card tells the figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

from detectors.text.training import Example, Recipe
from engine.domain.errors import InputError

CORPUS = Path(__file__).with_name("corpus")


@dataclass(frozen=True, slots=True)
class Source:
    """A labelled file. `labels` maps its labels to ours with a weight; `share` keeps that part of its texts."""

    name: str
    labels: tuple[tuple[str, str, float], ...]
    shared_only: bool = False
    share: float = 1.0
    own: bool = False


RECIPES: dict[str, tuple[Recipe, tuple[Source, ...]]] = {
    "fr": (
        Recipe("fr", strength=1.0, passes=15),
        (
            Source("xed_fr", (("neg", "neg", 0.15), ("pos", "pos", 0.3))),
            Source("mlma_fr_toxicity", (("toxic", "neg", 0.15), ("normal", "neu", 0.5))),
            Source(
                "semeval2013_2016_en", (("neg", "neg", 0.8), ("neu", "neu", 0.4), ("pos", "pos", 0.3)), True, share=0.4
            ),
        ),
    ),
    "en": (
        Recipe("en", strength=2.0, passes=15),
        (Source("semeval2013_2016_en", (("neg", "neg", 2.0), ("neu", "neu", 0.8), ("pos", "pos", 1.0))),),
    ),
}
_LEXICONS = {"fr": ("vaderSentiment_fr", "fr_lexicon.txt", "->"), "en": ("vaderSentiment", "vader_lexicon.txt", "\t")}


def examples_of(lang: str, folder: Path) -> list[Example]:
    """The training texts of a language's table, in the order of its sources."""
    return [example for source in RECIPES[lang][1] for example in _read(source, folder)]


def recipe_of(lang: str) -> Recipe:
    """The recipe of a language's table, its lexicon read."""
    recipe = RECIPES[lang][0]
    return Recipe(recipe.lang, recipe.strength, recipe.passes, recipe.seed, read_lexicon(lang))


def read_rows(path: Path) -> list[tuple[str, str]]:
    """(label, text) of a file with a header line. Raises InputError if it can't be read."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as labelled text: {error}") from error
    cells = [line.rstrip("\r").partition("\t") for line in lines[1:] if line.strip()]
    return [(label, text) for label, tab, text in cells if tab]


def _read(source: Source, folder: Path) -> list[Example]:
    rows = read_rows((CORPUS if source.own else folder) / f"{source.name}.tsv")
    taught = {theirs: (ours, weight) for theirs, ours, weight in source.labels}
    return [
        Example(text, *taught[label], source.shared_only)
        for label, text in rows
        if label in taught and crc32(text.encode()) % 1000 < source.share * 1000
    ]


def read_lexicon(lang: str) -> dict[str, float]:
    """The MIT lexicon of vaderSentiment or vaderSentiment-fr, from the installed package (which is never imported).

    Raises InputError if the package is not there.
    """
    package, name, mark = _LEXICONS[lang]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"lexicon for {lang}: package {package} is not installed; pip install --no-deps {package}")
    text = (Path(spec.submodule_search_locations[0]) / name).read_text(encoding="utf-8")
    valences: dict[str, float] = {}
    for line in text.splitlines():
        if mark == "->":
            word, _, value = line.rpartition(">")
            word = word.removesuffix("-")
        else:
            word, value = [*line.split(mark), "", ""][:2]
        try:
            valences[word] = float(value)
        except ValueError:
            continue  # a line of prose among the entries
    return valences
