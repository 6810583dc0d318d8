"""A crowd for tests of many workers: brands with calm hours and a few storms, in the order of event time."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import orjson

START_S = 1_767_225_600  # 2026-01-01T00:00:00Z
HOURS = 30
CALM = (
    "Bonjour, une question sur mon abonnement", "Merci pour votre aide, tout est arrivé", "Très content de ce produit",
    "Quels sont vos horaires ?", "Je recommande cette boutique", "Bof, moyen ce soir", "What time do you open?",
)  # fmt: skip
STORM = (
    "Panne totale encore, c'est honteux, remboursez", "Service nul, arnaque, je boycotte",
    "Scandaleux, produit dangereux, ma fille est malade", "Worst service ever, total outage again",
)  # fmt: skip
NETWORKS = ("x", "facebook", "forum", "instagram")


def brands_of(count: int) -> list[str]:
    return [f"Marque{n:02d}" for n in range(count)]


def crowd(
    count: int, *, brands: int = 24, seed: int = 1, stormy: float = 0.07, storms: int = 12, fading_s: float = 2_400
) -> list[bytes]:
    """So many records, sorted by time, `stormy` of them in `storms` that fade. Some name their brand, some two in their
    text, some none; some bring their sentiment or a field that nobody knows."""
    rng = random.Random(seed)
    names = brands_of(brands)
    span_s = HOURS * 3600
    said: list[tuple[float, str, str]] = []
    for _ in range(count - int(count * stormy)):
        texts = STORM if rng.random() < 0.04 else CALM
        said.append((rng.uniform(0, span_s), rng.choice(names), rng.choice(texts)))
    begun = [(rng.choice(names), rng.uniform(0.6, 0.95) * span_s) for _ in range(storms)]
    while len(said) < count:
        brand, at_s = begun[len(said) % len(begun)]
        said.append((min(at_s + rng.expovariate(1 / fading_s), span_s), brand, rng.choice(STORM)))
    said.sort()
    return [_record(i, *item, names, rng) for i, item in enumerate(said)]


def _record(i: int, at_s: float, brand: str, text: str, names: Sequence[str], rng: random.Random) -> bytes:
    second, ms = divmod(int((START_S + at_s) * 1000), 1000)
    fields = {
        "id": str(i), "source": rng.choice(NETWORKS), "kind": "comment", "text": f"{text} {brand} {i % 977}",
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)) + f".{ms:03d}Z",
        "author": {"id": f"u{rng.randrange(40_000)}", "followers": rng.randrange(500)},
    }  # fmt: skip
    kind = rng.random()
    if kind < 0.5:
        fields["brand"] = brand
    elif kind < 0.51:
        fields["odd"] = 1
    elif kind < 0.54:
        fields["sentiment"] = round(rng.uniform(-1, 1), 3)
    elif kind < 0.56:
        fields["text"] += f" {names[(i * 7) % len(names)]}"
    elif kind > 0.97:
        fields["text"] = "rien à voir avec quiconque"
    return orjson.dumps(fields)


def shuffled(lines: Sequence[bytes], copies: int, bound_s: float, seed: int) -> list[bytes]:
    """Each so many times, and none further out of order than the bound."""
    rng = random.Random(seed)
    places = [(_at_s(line) + rng.uniform(0, bound_s), line) for line in lines for _ in range(copies)]
    places.sort(key=lambda place: place[0])
    return [line for _, line in places]


def _at_s(line: bytes) -> float:
    from streams.decode import decode

    return decode(line).mention.created_at_ms / 1000


def poisoned(lines: Sequence[bytes], share: float, seed: int) -> tuple[list[bytes], dict[bytes, bytes]]:
    """The lines with that share of them broken, and what each broken one would be if it were mended."""
    rng = random.Random(seed)
    out: list[bytes] = []
    mended: dict[bytes, bytes] = {}
    for i, line in enumerate(lines):
        if rng.random() >= share:
            out.append(line)
            continue
        kind = i % 4
        if kind == 0:
            broken = line[:-1]
        elif kind == 1:
            broken = line.replace(b'"id":"', b'"id":', 1).replace(b'","source"', b',"source"', 1)
        elif kind == 2:
            broken = line.replace(b'"text":"', b'"text":"' + b"a" * 1_100_000, 1)
        else:
            broken = line.replace(b'"text":"', b'"text":"\xff\xfe', 1)
        mended[broken] = line
        out.append(broken)
    return out, mended
