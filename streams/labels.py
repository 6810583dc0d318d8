"""Corrections as they arrive: `POST /v1/labels`, and files of them (CSV, NDJSON).

A record says which comment (its `mention_id`, its `text`, or both) and what it is towards the brand: `sentiment` is
neg, neu or pos, or the word in full, in English or French. `lang`, `brand` and `by` may stand beside. Over HTTP the
token and the signature are those of mentions, and the answer comes once the corrections are durable.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import orjson

from engine.domain.errors import InputError, MentionError
from engine.domain.labels import Correction
from engine.domain.mention import TEXT_CHARS_MAX
from streams.schema import ID_CHARS_MAX, LANG_CHARS_MAX, NAME_CHARS_MAX

PATH = "/v1/labels"
RECORDS_MAX = 10_000

SENTIMENTS = {
    "neg": "neg", "negative": "neg", "négatif": "neg", "negatif": "neg", "négative": "neg", "-1": "neg",
    "neu": "neu", "neutral": "neu", "neutre": "neu", "0": "neu",
    "pos": "pos", "positive": "pos", "positif": "pos", "1": "pos",
}  # fmt: skip
"""What a person may write, and what it means."""

_TEXT_KEYS = (("mention_id", "id"), ("text",), ("sentiment", "label"), ("lang",), ("brand",), ("by",))


class LabelRecord(NamedTuple):
    """A correction as it came. `text` may be empty where `mention_id` is not: the store may know the text."""

    correction: Correction
    by: str = ""


def decode_label(record: Any, sentiment: str | None = None) -> LabelRecord:
    """Read one record; `sentiment` is that of records which tell none. Raises MentionError naming the field.

    >>> decode_label({"text": "Bravo, encore en panne", "sentiment": "négatif"}).correction.sentiment
    'neg'
    """
    if not isinstance(record, dict):
        raise MentionError("", 'not an object: {"text": ..., "sentiment": "neg"}')
    found = {names[0]: _text(record, names) for names in _TEXT_KEYS}
    if not found["text"].strip() and not found["mention_id"]:
        raise MentionError("text", "missing, and no mention_id either: say which comment")
    said = found["sentiment"].strip().lower() or sentiment
    if said not in SENTIMENTS:
        raise MentionError("sentiment", f"{said or 'missing'}: write neg, neu or pos")
    for name, most in (("mention_id", ID_CHARS_MAX), ("lang", LANG_CHARS_MAX), ("brand", NAME_CHARS_MAX)):
        if len(found[name]) > most:
            raise MentionError(name, f"longer than {most} characters")
    correction = Correction(
        found["text"][:TEXT_CHARS_MAX],
        SENTIMENTS[said],
        found["lang"] or None,
        found["mention_id"] or None,
        found["brand"] or None,
    )
    return LabelRecord(correction, found["by"][:NAME_CHARS_MAX])


def _text(record: dict[str, Any], names: tuple[str, ...]) -> str:
    for name in names:
        value = record.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str) and not (names[0] == "sentiment" and value in (-1, 0, 1)):
            raise MentionError(name, "not a string")
        return str(value)
    return ""


def read_labels(raw: bytes, name: str, sentiment: str | None = None) -> list[LabelRecord]:
    """The corrections of a CSV (with a header line) or NDJSON file.

    Raises InputError naming the file, the line and what is wrong: a file is taken whole or not at all.

    >>> read_labels(b"text;sentiment\\nMerci Lumeo;pos", "labels.csv")[0].correction.text
    'Merci Lumeo'
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name}: not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8") from None
    numbered = _json_lines(text, name) if text.lstrip()[:1] in ("{", "[") else _csv_lines(text, name)
    records = []
    for number, record in numbered:
        try:
            records.append(decode_label(record, sentiment))
        except MentionError as error:
            raise InputError(f"{name}, line {number}: {error}") from None
    if not records:
        raise InputError(f"{name}: no correction in it; a header line and one comment a line, or NDJSON")
    return records


def _json_lines(text: str, name: str) -> list[tuple[int, Any]]:
    found = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                raise InputError(f"{name}, line {number}: no JSON ({error})") from None
            found += [(number, item) for item in record] if isinstance(record, list) else [(number, record)]
    return found


def _csv_lines(text: str, name: str) -> list[tuple[int, Any]]:
    head = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    fields = [(field or "").strip().lower() for field in reader.fieldnames or ()]
    if not {"text", "mention_id", "id"} & set(fields):
        raise InputError(f"{name}, line 1: no column text or mention_id; the first line names the columns")
    reader.fieldnames = fields
    try:
        return [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise InputError(f"{name}, line {reader.line_num}: {error}") from None


Take = Callable[[Sequence[LabelRecord]], dict[str, Any]]
"""Makes corrections durable and says what became of them. Raises MentionError or TransientError."""
