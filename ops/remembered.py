"""The comments that a store still knows by text: the evidence of incidents, and the samples of the last hours."""

from __future__ import annotations

from typing import NamedTuple

from engine.core.tally import Tally
from engine.domain.labels import Correction
from engine.domain.mention import Mention
from ops.store import Store

SAMPLE = "sample-"
"""What the id of a comment that is known by its hash alone begins with."""


class Remembered(NamedTuple):
    """A comment, and the id to label it by."""

    id: str
    text: str
    lang: str | None
    brand: str | None

    def labelled(self, sentiment: str) -> Correction:
        """It, corrected."""
        return Correction(self.text, sentiment, self.lang, self.id, self.brand)


def remembered(store: Store) -> dict[str, Remembered]:
    """Comments by id, in the order of brands and time. One text stands once, under the id that says more."""
    found: dict[str, Remembered] = {}
    for incident in store.incidents(suspected=True):
        for item in incident.evidence.mentions:
            _add(found, item.mention, incident.brand)
    samples: list[Remembered] = []
    for part, data in store.load_state().items():
        kind, _, brand = (*part.split(":", 2), "", "")[:3]
        at_rest = data.get("rest", {}).get("spans", ())  # of a brand
        spans = [data] if kind in ("span", "bin") else [span for _, span in at_rest]
        for tally in map(Tally.from_json, spans):
            for candidate in tally.candidates:
                _add(found, candidate.mention, brand)
            samples += [Remembered(f"{SAMPLE}{key:016x}", text, None, brand) for key, text in tally.usual]
    known = {item.text for item in found.values()}
    for sample in samples:
        if sample.text not in known:
            known.add(sample.text)
            found[sample.id] = sample
    return found


def _add(found: dict[str, Remembered], mention: Mention, brand: str) -> None:
    if mention.text.strip():
        found.setdefault(mention.id, Remembered(mention.id, mention.text, mention.lang, brand))
