"""`vigie train`: make the weights that ship, from the sources whose licences let them ship."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer


def train(
    data: Annotated[Path, typer.Option(help="Folder of the labelled files (label, tab, text).")],
    out: Annotated[
        Path | None, typer.Option(help="Where the weights go; by default the package's own folder.", show_default=False)
    ] = None,
) -> None:
    """Train the text tables (French, English, multilingual) and write one weights file a language.

    Only sources whose weights may ship are read; the model card names them. The same files give the same bytes. Needs
    the packages vaderSentiment and vaderSentiment-fr (`pip install --no-deps vaderSentiment-fr`) for their lexicons.

    Example: `vigie train --data ../shared/data/text --out /tmp/weights`
    """
    from dataclasses import replace

    from detectors.text.comments import comments_of
    from detectors.text.guard import GUARDS, make_guards
    from detectors.text.heads import OTHER_LANGUAGE
    from detectors.text.language import MULTILINGUAL
    from detectors.text.sources import RECIPES, TRAINED, examples_of, read_valences, recipe_of, toxic_examples
    from detectors.text.tables import WEIGHTS, save_table
    from detectors.text.training import Taught, fit, fit_heads, make_lexicon
    from detectors.text.vocabulary import load_vocabulary
    from engine.domain.errors import InputError

    folder = out or WEIGHTS
    if not data.is_dir():
        raise InputError(f"--data {data}: no such folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"--out {folder}: can't be written: {error.strerror}") from error
    vocabulary = load_vocabulary()
    for lang in RECIPES:
        valences = read_valences(lang)
        examples = examples_of(lang, data, valences)
        table = fit(examples, recipe_of(lang, valences), vocabulary)
        if lang != MULTILINGUAL:
            others = [other for other in RECIPES if other not in (lang, MULTILINGUAL)]
            taught = [
                Taught(comments_of(name, *TRAINED), make_lexicon(read_valences(name)), weight)
                for name, weight in ((lang, 1.0), *((other, OTHER_LANGUAGE) for other in others))
            ]
            table = replace(table, heads=fit_heads(taught, toxic_examples(lang, data), vocabulary))
        path = folder / f"{lang}.npz"
        save_table(table, path)
        print(f"{lang}: {len(examples)} texts, {path.stat().st_size / 1e6:.1f} MB in {path}", file=sys.stderr)  # noqa: T201
    make_guards(folder, GUARDS if out is None else folder / "guard")
