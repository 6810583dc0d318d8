"""`vigie score`: lines of text in, lines of JSON out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from engine.ports.text import TextScorer

BATCH_LINES_MAX = 2_048
LINE_BYTES_MAX = 1 << 17

_READ_BYTES = 1 << 18


def score(
    lang: Annotated[
        str | None,
        typer.Option(help="Language of every line (fr, en, fr-CA ...); told apart by default.", show_default=False),
    ] = None,
    backend: Annotated[
        str, typer.Option(help="What tells the tone: linear (the shipped tables) or onnx (a model of your own).")
    ] = "linear",
    model_dir: Annotated[
        Path | None, typer.Option(help="With onnx: the folder of the model.", metavar="DIR", show_default=False)
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Tell what each word brought.")] = False,
    form: Annotated[str, typer.Option("--form", help="json, or text for people.", metavar="FORM")] = "json",
    ui: Annotated[str, typer.Option("--ui", help="The language of --form text: fr or en.", metavar="LANG")] = "fr",
    overlay: Annotated[
        str | None,
        typer.Option("--overlay", help="Read by what was learnt in this store: a file or a URL.", metavar="STORE"),
    ] = None,
) -> None:
    """Score text: one comment a line on stdin, one JSON object a line on stdout, in the same order.

    Keys: `lang`, `table` (what read it: `fr`, `en`, `mul` for all other languages, `onnx`), `label` (neg, neu, pos),
    `uncertain` (take the label with care: close, or likely ironic), `negative` (its probability), `sentiment` (-1 to
    1), `categories` (names), `urgency` and `toxicity` (0 to 1).
    With `--explain` also `explain`: `against` (neu or pos), `log_odds` of negative against it, `words` (those that made
    it negative) and `pushes`, which add up to `log_odds`.

    Example: `printf "Encore en panne, bravo...\\nMerci !\\n" | vigie score --lang fr`
    """
    from detectors.text.language import normalise_lang
    from engine.domain.errors import InputError

    if lang is not None and normalise_lang(lang) is None:
        raise InputError(f"--lang {lang}: give an ISO 639-1 code, such as fr or en-GB")
    if form not in ("json", "text") or ui not in ("fr", "en"):
        raise InputError(f"--form {form} --ui {ui}: there are json and text, and fr and en")
    scorer = _scorer(backend, model_dir)
    if (explain or form == "text" or overlay is not None) and backend != "linear":
        raise InputError(f"--backend {backend}: words are told and overlays read of the linear tables alone")
    if overlay is not None:
        from ops.learning import with_overlay

        with_overlay(scorer, overlay)
    if explain or form == "text":
        from ops.learning import linear
        from ops.render.explain import explained

        write = partial(explained, linear(scorer), lang=lang, ui=ui if form == "text" else None, pushes=explain)
    else:
        write = partial(render, scorer, lang=lang)
    for lines in line_batches(sys.stdin.fileno()):
        sys.stdout.buffer.write(write(lines))
        sys.stdout.buffer.flush()


def _scorer(backend: str, model_dir: Path | None) -> TextScorer:
    from detectors.text import load_scorer
    from engine.domain.errors import InputError

    if backend not in ("linear", "onnx"):
        raise InputError(f"--backend {backend}: there are linear and onnx")
    if (backend == "onnx") != (model_dir is not None):
        raise InputError("--backend onnx and --model-dir DIR go together: give both, or none")
    linear = load_scorer()
    if model_dir is None:
        return linear
    from detectors.text.onnx_scorer import OnnxParams, load_onnx_scorer

    return load_onnx_scorer(OnnxParams(model_dir), linear)


def line_batches(descriptor: int) -> Iterator[list[str]]:
    """Lines of a descriptor, in batches: full ones while input flows, at once when it pauses.

    Lines end at \\n only. What stands behind LINE_BYTES_MAX of one line is not kept.
    """
    rest = b""
    while data := os.read(descriptor, _READ_BYTES):
        *whole, last = data.split(b"\n")
        if whole:
            whole[0] = rest + whole[0]
            rest = last
        else:
            rest = rest + last
        rest = rest[:LINE_BYTES_MAX]
        for start in range(0, len(whole), BATCH_LINES_MAX):
            yield [_decode(line) for line in whole[start : start + BATCH_LINES_MAX]]
    if rest:
        yield [_decode(rest)]


def _decode(line: bytes) -> str:
    return line[:LINE_BYTES_MAX].decode("utf-8", "replace")


def render(scorer: TextScorer, lines: list[str], *, lang: str | None) -> bytes:
    """The answer to some lines, as JSON lines."""
    import orjson

    scores = scorer.score_many(lines, [lang] * len(lines))
    nothing = [None] * len(lines)
    toxicity = scores.toxicity.tolist() if len(scores.toxicity) else nothing
    rows = zip(
        scores.langs, scores.tables, scores.labels, scores.uncertain, scores.negative.tolist(),
        scores.sentiment.tolist(), scores.categories, scores.urgency.tolist(), toxicity, strict=True,
    )  # fmt: skip
    return b"".join(
        [
            orjson.dumps(
                {
                    "lang": told,
                    "table": table,
                    "label": label,
                    "uncertain": uncertain,
                    "negative": round(negative, 4),
                    "sentiment": round(sentiment, 4),
                    "categories": categories,
                    "urgency": round(urgency, 2),
                    "toxicity": None if toxic is None else round(toxic, 2),
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for told, table, label, uncertain, negative, sentiment, categories, urgency, toxic in rows
        ]
    )
