"""The weights of one language, as they ship: whole numbers and three scales."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.text.heads import NAMES, Heads
from detectors.text.reading import ROWS
from detectors.text.words import SLOTS, Bytes, Lexicon
from engine.domain.errors import StateError

FORMAT = 4
WEIGHTS = Path(__file__).with_name("weights")


@dataclass(frozen=True, slots=True)
class Table:
    """A linear model: hashed features (int8, shape (SLOTS, 3)), facts (int16, shape (ROWS, 3)), valences."""

    lang: str
    slots: Bytes
    facts: NDArray[np.int16]
    lexicon: Lexicon
    slot_unit: float
    """A logit is the sum of slots times this, over the root of the number of features,"""
    fact_unit: float
    """plus the sum of facts times this; both are already divided by the temperature."""
    heads: Heads | None = None
    """Categories, urgency, irony and toxicity; without them the vocabulary answers alone."""


def save_table(table: Table, path: Path) -> None:
    """Write a table; the same table gives the same bytes."""
    heads: dict[str, Any] = (
        {}
        if table.heads is None
        else {
            "head_names": np.array(NAMES),
            "head_slots": np.ascontiguousarray(table.heads.slots.T),
            "head_facts": table.heads.facts,
            "head_scales": np.stack([table.heads.bias, table.heads.slot_units, table.heads.fact_units]),
        }
    )
    np.savez_compressed(
        path,
        **heads,
        format=np.array([FORMAT]),
        slots=np.ascontiguousarray(table.slots.T),
        facts=table.facts,
        hashes=table.lexicon.hashes,
        valences=table.lexicon.valences,
        units=np.array([table.slot_unit, table.fact_unit]),
    )


def load_table(lang: str, folder: Path = WEIGHTS) -> Table:
    """Read a table. Raises StateError if it is of another format than this version reads."""
    path = folder / f"{lang}.npz"
    with np.load(path, allow_pickle=False) as data:
        if int(data["format"][0]) != FORMAT or data["facts"].shape != (ROWS, 3) or data["slots"].shape[1] != SLOTS:
            raise StateError(f"{path}: weights of another version; make them again with vigie train")
        units = data["units"].tolist()
        slots, heads = _side_by_side(path, data)
        lexicon = Lexicon(data["hashes"], data["valences"])
        return Table(lang, slots, data["facts"], lexicon, units[0], units[1], heads)


def _side_by_side(path: Path, data: Any) -> tuple[Bytes, Heads | None]:
    """Weights of sentiment and heads as views of one array: it is what a scorer looks words up in."""
    if "head_names" not in data:
        return np.ascontiguousarray(data["slots"].T), None
    if tuple(data["head_names"].tolist()) != NAMES or data["head_facts"].shape != (ROWS, len(NAMES)):
        raise StateError(f"{path}: weights of another version; make them again with vigie train")
    joined = np.empty((SLOTS, 3 + len(NAMES)), dtype=np.int8)
    slots, head_slots = joined[:, :3], joined[:, 3:]
    slots[:], head_slots[:] = data["slots"].T, data["head_slots"].T
    return slots, Heads(head_slots, data["head_facts"], *data["head_scales"])


def shipped(folder: Path = WEIGHTS) -> tuple[str, ...]:
    """The tables that are there, by language, French first; the multilingual one is `mul`."""
    return tuple(sorted((path.stem for path in folder.glob("*.npz")), key=lambda lang: (lang != "fr", lang)))
