"""Corrections, what was learnt and what is worth labelling, for the terminal and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from ops.render.alert import Look
from ops.render.moments import utc
from ops.render.neutral import plain
from ops.store.labels import Label, Version

if TYPE_CHECKING:
    from detectors.text.picks import Pick
    from ops.learning import Renewed
    from ops.remembered import Remembered

_FR = {
    "none": "Aucune correction.", "undone": "annulée par", "versions": "VERSIONS APPRISES", "labels": "CORRECTIONS",
    "renewed": "Version {version}\u00a0: apprise de {n} corrections.",
    "taken": "  {lang}\u00a0: {n} corrections, prises en entier",
    "scaled": "  {lang}\u00a0: {n} corrections, atténuées à {scale}\u202f%\u202f; en entier, elles nuiraient "
    "à la lecture d’autres commentaires",
    "refused": "  {lang}\u00a0: {n} corrections, refusées\u202f! Elles nuiraient à la lecture d’autres "
    "commentaires\u202f; vérifiez-les avec «\u00a0vigie incidents labels\u00a0»",
    "guard": " (témoin {before} → {after})",
    "nothing": "Rien à corriger\u00a0: aucun commentaire n’est connu. Donnez un fichier avec --file.",
    "pick": "lu {label}, marge {margin}\u202f%", "neg": "négatif", "neu": "neutre", "pos": "positif",
}  # fmt: skip
_EN = {
    "none": "No correction.", "undone": "taken back by", "versions": "VERSIONS LEARNT", "labels": "CORRECTIONS",
    "renewed": "Version {version}: learnt from {n} corrections.",
    "taken": "  {lang}: {n} corrections, taken in full",
    "scaled": "  {lang}: {n} corrections, scaled down to {scale} %; in full they would spoil how others are read",
    "refused": "  {lang}: {n} corrections, refused! They would spoil how others are read; look them over with "
    "`vigie incidents labels`",
    "guard": " (guard {before} -> {after})",
    "nothing": "Nothing to correct: no comment is known. Name a file with --file.",
    "pick": "read {label}, margin {margin} %", "neg": "negative", "neu": "neutral", "pos": "positive",
}  # fmt: skip


def _words(lang: str) -> dict[str, str]:
    return _FR if lang == "fr" else _EN


def renewed_text(renewed: Renewed, lang: str) -> str:
    """What a change led to: the version, and for each table how much of it was taken."""
    say = _words(lang)
    lines = [say["renewed"].format(version=renewed.version, n=renewed.corrections)]
    for lesson in renewed.lessons:
        key = "taken" if lesson.scale == 1.0 else "scaled" if lesson.scale else "refused"
        line = say[key].format(lang=lesson.lang, n=lesson.corrections, scale=round(lesson.scale * 100))
        before, after = (_points(value, lang) for value in (lesson.guard_before, lesson.guard_after))
        lines.append(line + say["guard"].format(before=before, after=after))
    return "\n".join(lines)


def _points(value: float, lang: str) -> str:
    text = f"{value * 100:.1f}"
    return text.replace(".", ",") if lang == "fr" else text


def labels_text(labels: Sequence[Label], versions: Sequence[Version], look: Look) -> str:
    """One line a correction, then one a version."""
    say = _words(look.lang)
    if not labels:
        return say["none"]
    lines = [say["labels"]]
    for kept in labels:
        c = kept.correction
        undone = f"  [{say['undone']} {plain(kept.undone_by or '', 40)}]" if kept.undone_at_ms is not None else ""
        at = _moment(kept.at_ms, look)
        head = f"  #{kept.seq}  {at}  {plain(kept.actor, 40)}  {say[c.sentiment]}  {plain(c.mention_id or '', 60)}"
        lines.append(f"{head.rstrip()}  {plain(c.text, 100)}{undone}")
    lines += ["", say["versions"]]
    for version in versions:
        lessons = orjson.loads(version.report)
        told = ", ".join(f"{one['lang']} {one['corrections']} ({one['scale'] * 100:.0f} %)" for one in lessons)
        lines.append(f"  {version.version}  {_moment(version.at_ms, look)}  {told}".rstrip())
    return "\n".join(lines)


def _moment(at_ms: int, look: Look) -> str:
    return datetime.fromtimestamp(at_ms / 1000, look.zone).strftime("%Y-%m-%d %H:%M")


def labels_view(labels: Sequence[Label], versions: Sequence[Version]) -> dict[str, Any]:
    """The same as plain data."""
    return {
        "labels": [
            {
                "number": kept.seq, "at": utc(kept.at_ms), "by": kept.actor, "mention_id": kept.correction.mention_id,
                "brand": kept.correction.brand, "lang": kept.correction.lang, "text": kept.correction.text,
                "sentiment": kept.correction.sentiment,
                "undone_at": None if kept.undone_at_ms is None else utc(kept.undone_at_ms), "undone_by": kept.undone_by,
            }
            for kept in labels
        ],
        "versions": [
            {
                "version": version.version, "at": utc(version.at_ms), "upto_number": version.extent.upto_seq,
                "undone": version.extent.undone, "learnt": orjson.loads(version.report),
            }
            for version in versions
        ],
    }  # fmt: skip


def picks_text(chosen: Sequence[tuple[Remembered, Pick]], lang: str) -> str:
    """One line a comment: the id to label it by, what it was read as, the comment."""
    say = _words(lang)
    if not chosen:
        return say["nothing"]
    lines = []
    for item, one in chosen:
        read = say["pick"].format(label=say[one.label], margin=round(one.margin * 100))
        lines.append(f"{plain(item.id, 60)}  [{read}]  {plain(item.text, 160)}")
    return "\n".join(lines)


def picks_view(chosen: Sequence[tuple[Remembered, Pick]]) -> list[dict[str, Any]]:
    """The same as plain data."""
    return [
        {
            "mention_id": item.id, "brand": item.brand, "lang": item.lang, "text": item.text, "read_as": one.label,
            "margin": round(one.margin, 4),
        }
        for item, one in chosen
    ]  # fmt: skip
