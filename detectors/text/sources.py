"""What the shipped tables are trained on: files whose licences let the weights ship, and what each counts.

Read at training only. Every share and weight here was chosen on development data; the model card tells the figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from zlib import crc32

from detectors.text.comments import CORPUS, Part, comments_of
from detectors.text.fold import fold_many
from detectors.text.language import MULTILINGUAL
from detectors.text.training import Example, Recipe
from engine.domain.errors import InputError

TRAINED: tuple[Part, ...] = ("training", "validation")
"""Parts of the corpus that the shipped tables learn from: what chose the recipe has done its work and joins in."""
OWN = "own"
"""The name of the source that is the corpus: its training themes."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A text as a network shows it, `{}` the text, at a part of its weight."""

    form: str
    part: float
    lowered: bool = False

    def around(self, example: Example) -> Example:
        """The example, framed.

        >>> Frame("@nordalia {}", 0.5).around(Example("Merci", "pos", 2.0))
        Example(text='@nordalia Merci', label='pos', weight=1.0, typical=False, unseen=False, lang='')
        """
        text = self.form.format(example.text.lower() if self.lowered else example.text)
        return replace(example, text=text, weight=example.weight * self.part, typical=False)


@dataclass(frozen=True, slots=True)
class Source:
    """A labelled file, or the corpus. `labels` maps its labels to ours with a weight; `share` keeps that part of its
    texts."""

    name: str
    labels: tuple[tuple[str, str, float], ...]
    share: float = 1.0
    own: bool = False
    """Written for this project: stands in `corpus/`, not in the data folder."""
    frames: tuple[Frame, ...] = ()
    """The texts once more, as a network would show them."""
    lang: str = ""
    """The language of the corpus, where it is not the table's."""
    foreign: bool = False
    """Read with the lexicon of that language: its words teach nothing then, but its facts do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A recipe, its files, and what a word of the lexicon weighs as a text of its own."""

    recipe: Recipe
    sources: tuple[Source, ...]
    lexicon_weight: float
    lexicons: tuple[str, ...]


# Links, handles and missing capitals come with the network and tell nothing of the tone. In the corpus links stand in
# headlines above all; untold, a table takes a link for the sign of neutral news (French tweets: 4 points lower)
_HANDLE = Frame("@nordalia {}", 0.3)
_FRENCH_FRAMES = (Frame("{} https://lumeo.example", 0.5), _HANDLE, Frame("{}", 0.5, lowered=True))
_ENGLISH_FRAMES = (replace(_HANDLE, part=0.5),)
_OWN_FR = (("neg", "neg", 2.0), ("neu", "neu", 1.3), ("pos", "pos", 2.0))
_OWN_EN = (("neg", "neg", 4.0), ("neu", "neu", 4.0), ("pos", "pos", 5.0))
_OWN_MUL = (("neg", "neg", 2.0), ("neu", "neu", 1.6), ("pos", "pos", 2.0))
_OTHER_EN = (("neg", "neg", 4.0), ("neu", "neu", 3.2), ("pos", "pos", 4.0))
_OTHER_FR = (("neg", "neg", 3.0), ("neu", "neu", 3.0), ("pos", "pos", 3.75))
_FILM_LANGS = ("de", "es", "it", "pt")

RECIPES: dict[str, Plan] = {
    "fr": Plan(
        Recipe("fr", strength=0.5),
        (
            Source(OWN, _OWN_FR, own=True, frames=_FRENCH_FRAMES),
            Source("seed_fr", _OWN_FR, own=True, frames=_FRENCH_FRAMES),
            Source(OWN, _OTHER_EN, own=True, lang="en", foreign=True),
            Source("xed_fr", (("neg", "neg", 0.15), ("pos", "pos", 0.25))),
            # English words teach French little, but hashtags, emoji, valence and what neutral looks like carry over
            Source("semeval2013_2016_en", (("neg", "neg", 0.8), ("neu", "neu", 0.15), ("pos", "pos", 0.4)), share=0.25),
        ),
        lexicon_weight=0.1,
        lexicons=("vaderSentiment_fr", "own"),
    ),
    "en": Plan(
        Recipe("en", strength=0.3),
        (
            Source(OWN, _OWN_EN, own=True, frames=_ENGLISH_FRAMES),
            Source("seed_en", _OWN_EN, own=True, frames=_ENGLISH_FRAMES),
            Source("semeval2013_2016_en", (("neg", "neg", 1.6), ("neu", "neu", 0.5), ("pos", "pos", 0.6))),
            Source(OWN, _OTHER_FR, own=True, lang="fr", foreign=True),
        ),
        lexicon_weight=0.1,
        lexicons=("vaderSentiment", "own"),
    ),
}
RECIPES[MULTILINGUAL] = Plan(
    Recipe(MULTILINGUAL, strength=0.3),
    (
        Source(OWN, _OWN_MUL, own=True, frames=(_HANDLE,), lang="fr"),
        Source(OWN, _OWN_MUL, own=True, frames=(_HANDLE,), lang="en"),
        Source("semeval2013_2016_en", (("neg", "neg", 0.8), ("neu", "neu", 0.3), ("pos", "pos", 0.4)), share=0.25),
        *(Source(f"xed_{lang}", (("neg", "neg", 0.5), ("pos", "pos", 0.8))) for lang in _FILM_LANGS),
        *(Source(f"xed_{lang}", (("neg", "neg", 0.3), ("pos", "pos", 0.3))) for lang in ("fr", "en")),
        # film lines have no neutral: told that each may also be, a table does not take a language for a tone
        *(Source(f"xed_{lang}", (("neg", "neu", 0.2), ("pos", "neu", 0.2))) for lang in _FILM_LANGS),
    ),
    lexicon_weight=0.3,
    # later ones win: the last take away what a word means in French or English only
    lexicons=("vaderSentiment", "vaderSentiment_fr", "own_fr", *(f"own_{lang}" for lang in _FILM_LANGS)),
)
_LEXICON_FILES = {"vaderSentiment_fr": ("fr_lexicon.txt", "->"), "vaderSentiment": ("vader_lexicon.txt", "\t")}


def examples_of(lang: str, folder: Path, valences: dict[str, float]) -> list[Example]:
    """The training texts of a language's table: its files, in order, then the words of its lexicon."""
    plan = RECIPES[lang]
    examples = [example for source in plan.sources for example in _read(source, lang, folder)]
    return examples + [
        Example(word, "pos" if valence > 0 else "neg", plan.lexicon_weight * min(abs(valence), 3.0))
        for word, valence in sorted(valences.items())
        if abs(valence) >= 0.8 and any(char.isalpha() for char in word)
    ]


def toxic_examples(lang: str, folder: Path) -> list[tuple[str, bool]]:
    """Texts and whether they insult or threaten. French: MLMA (MIT). English has no such set that may ship: tweets that
    hold an insult of a short list stand in, against as many that do not."""
    if lang == "fr":
        return [(text, label == "toxic") for label, text in read_rows(folder / "mlma_fr_toxicity.tsv")]
    insults = set((CORPUS / f"insults_{lang}.txt").read_text(encoding="utf-8").split())
    rows = [text for _, text in read_rows(folder / "semeval2013_2016_en.tsv")]
    rude = [any(word in insults for word in words) for words in fold_many(rows)]
    return [
        (text, is_rude) for text, is_rude in zip(rows, rude, strict=True) if is_rude or crc32(text.encode()) % 20 == 0
    ]


def recipe_of(lang: str, valences: dict[str, float]) -> Recipe:
    """The recipe of a language's table, with its lexicon and those of the languages that help to teach it."""
    others = {source.lang: read_valences(source.lang) for source in RECIPES[lang].sources if source.foreign}
    return replace(RECIPES[lang].recipe, valences=valences, others=others)


def read_rows(path: Path) -> list[tuple[str, str]]:
    """(label, text) of a file with a header line. Raises InputError if it can't be read."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: can't be read as labelled text: {error}") from error
    cells = [line.rstrip("\r").partition("\t") for line in lines[1:] if line.strip()]
    return [(label, text) for label, tab, text in cells if tab]


def _read(source: Source, lang: str, folder: Path) -> list[Example]:
    taught = {theirs: (ours, weight) for theirs, ours, weight in source.labels}
    if source.name == OWN:
        examples = [
            Example(c.text, *taught[c.sentiment], typical=held, unseen=held, lang=source.lang * source.foreign)
            for part in TRAINED
            for held in [part == "validation" and not source.foreign]
            for c in comments_of(source.lang or lang, part)
            if crc32(c.text.encode()) % 1000 < source.share * 1000
        ]
    else:
        rows = read_rows((CORPUS if source.own else folder) / f"{source.name}.tsv")
        examples = [
            Example(text, *taught[label])
            for label, text in rows
            if label in taught and crc32(text.encode()) % 1000 < source.share * 1000
        ]
    return examples + [frame.around(example) for frame in source.frames for example in examples]


def read_valences(lang: str) -> dict[str, float]:
    """The lexicons of a language, later ones over earlier ones, words alike when case and accents are folded.

    Raises InputError if a package is not there.
    """
    by_form: dict[tuple[str, ...], tuple[str, float]] = {}
    for name in RECIPES[lang].lexicons:
        found = _own_lexicon(name.removeprefix(OWN)[1:] or lang) if name.startswith(OWN) else _package_lexicon(name)
        forms = fold_many(list(found))
        by_form.update({form: entry for form, entry in zip(forms, found.items(), strict=True) if form})
    return dict(by_form.values())


def _package_lexicon(package: str) -> dict[str, float]:
    """The MIT lexicon of vaderSentiment or vaderSentiment-fr: a file of the installed package, never imported."""
    name, mark = _LEXICON_FILES[package]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"package {package} is not installed; its lexicon is needed: pip install --no-deps {package}")
    valences: dict[str, float] = {}
    for line in (Path(spec.submodule_search_locations[0]) / name).read_text(encoding="utf-8").splitlines():
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


def _own_lexicon(lang: str) -> dict[str, float]:
    valences: dict[str, float] = {}
    path = CORPUS / f"valence_{lang}.txt"
    if not path.is_file():
        raise InputError(f"{path} is missing: training needs the source tree, not the installed package")
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            value, *words = line.split()
            valences.update(dict.fromkeys(words, float(value)))
    return valences
