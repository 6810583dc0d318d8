"""`vigie score`: lines of text in, lines of JSON out."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
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
    explain: Annotated[bool, typer.Option("--explain", help="Tell what each word brought.")] = False,
    form: Annotated[str, typer.Option("--form", help="json, or text for people.", metavar="FORM")] = "json",
    ui: Annotated[str, typer.Option("--ui", help="The language of --form text: fr or en.", metavar="LANG")] = "fr",
    overlay: Annotated[
        str | None,
        typer.Option("--overlay", help="Read by what was learnt in this store: a file or a URL.", metavar="STORE"),
    ] = None,
) -> None:
    """Score text: one comment a line on stdin, one JSON object a line on stdout, in the same order.

    Keys: `lang`, `label` (neg, neu, pos), `negative` (its probability), `sentiment` (-1 to 1), `categories` (names).
    With `--explain` also `explain`: `against` (neu or pos), `log_odds` of negative against it, `words` (those that made
    it negative) and `pushes`, which add up to `log_odds`.

    Example: `printf "Encore en panne, bravo...\\nMerci !\\n" | vigie score --lang fr`
    """
    from detectors.text import load_scorer
    from detectors.text.language import normalise_lang
    from engine.domain.errors import InputError

    if lang is not None and normalise_lang(lang) is None:
        raise InputError(f"--lang {lang}: give an ISO 639-1 code, such as fr or en-GB")
    if form not in ("json", "text") or ui not in ("fr", "en"):
        raise InputError(f"--form {form} --ui {ui}: there are json and text, and fr and en")
    scorer = load_scorer()
    if overlay is not None:
        from ops.learning import with_overlay

        with_overlay(scorer, overlay)
    if explain or form == "text":
        from ops.render.explain import explained

        write = partial(explained, scorer, lang=lang, ui=ui if form == "text" else None, pushes=explain)
    else:
        write = partial(render, scorer, lang=lang)
    for lines in line_batches(sys.stdin.fileno()):
        sys.stdout.buffer.write(write(lines))
        sys.stdout.buffer.flush()


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
    rows = zip(
        scores.langs, scores.labels, scores.negative.tolist(), scores.sentiment.tolist(), scores.categories, strict=True
    )
    return b"".join(
        [
            orjson.dumps(
                {
                    "lang": told,
                    "label": label,
                    "negative": round(negative, 4),
                    "sentiment": round(sentiment, 4),
                    "categories": categories,
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for told, label, negative, sentiment, categories in rows
        ]
    )
