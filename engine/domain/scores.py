"""What the text model says of a batch of texts, one array for each question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]

CATEGORIES = (
    "outage", "dangerous_product", "quality", "delivery", "price_billing", "customer_service", "fraud", "data_leak",
    "discrimination", "offensive_campaign", "words_of_staff", "working_conditions", "environment", "boycott",
    "accident_victims", "rumour", "illegal_hate", "hacked_account",
)  # fmt: skip
"""What a complaint is about. A mention may be about several, or about none of them."""

CATEGORY_NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "outage": ("outage", "panne"),
        "dangerous_product": ("dangerous product", "produit dangereux"),
        "quality": ("quality", "qualité"),
        "delivery": ("delivery", "livraison"),
        "price_billing": ("price or billing", "prix ou facturation"),
        "customer_service": ("customer service", "service client"),
        "fraud": ("fraud", "fraude"),
        "data_leak": ("data leak", "fuite de données"),
        "discrimination": ("discrimination", "discrimination"),
        "offensive_campaign": ("offensive campaign", "campagne offensante"),
        "words_of_staff": ("words of staff", "propos de collaborateurs"),
        "working_conditions": ("working conditions", "conditions de travail"),
        "environment": ("environment", "environnement"),
        "boycott": ("boycott", "boycott"),
        "accident_victims": ("accident with victims", "accident avec victimes"),
        "rumour": ("rumour", "rumeur"),
        "illegal_hate": ("illegal or hateful content", "propos illicites ou haineux"),
        "hacked_account": ("hacked account", "compte piraté"),
    }
)
"""Category -> its name in English and in French, for reasons, alerts and plans."""


def category_name(category: str, lang: str) -> str:
    """Its name for a reader.

    >>> category_name("outage", "fr"), category_name("outage", "en")
    ('panne', 'outage')
    """
    english, french = CATEGORY_NAMES.get(category, (category, category))
    return french if lang == "fr" else english


LABELS = ("neg", "neu", "pos")
SURE = 0.5
"""A label whose probability is lower is uncertain."""
IRONIC = 0.5
"""So is one of a text that is likelier ironic than not."""


def _nothing() -> Floats:
    return np.zeros(0, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Scores:
    """One row a text, in the order of the texts.

    Each row depends on its own text alone, bit for bit: how a stream is cut into batches changes nothing.
    """

    langs: tuple[str, ...]
    probabilities: Floats
    """Shape (n, 3): P(neg), P(neu), P(pos); rows sum to 1."""
    categories: tuple[tuple[str, ...], ...]
    urgency: Floats
    """Shape (n,), in [0, 1]: how aroused or pressing the text is."""
    irony: Floats = field(default_factory=_nothing)
    """P(ironic), shape (n,); empty where the backend does not say."""
    toxicity: Floats = field(default_factory=_nothing)
    """P(toxic: insults, threats, hate), shape (n,); empty where the backend does not say."""
    tables: tuple[str, ...] = ()
    """What read each text: a language (`fr`), `mul` for the multilingual table, `onnx` for a transformer; empty where
    the scorer does not say."""

    def __len__(self) -> int:
        return len(self.langs)

    @property
    def negative(self) -> Floats:
        """P(neg), shape (n,)."""
        return self.probabilities[:, 0]

    @property
    def sentiment(self) -> Floats:
        """P(pos) - P(neg), shape (n,), in [-1, 1]."""
        return self.probabilities[:, 2] - self.probabilities[:, 0]

    @property
    def labels(self) -> tuple[str, ...]:
        """The likeliest of neg, neu, pos."""
        return tuple(LABELS[i] for i in self.probabilities.argmax(axis=1).tolist())

    @property
    def uncertain(self) -> tuple[bool, ...]:
        """Whether each label should be taken with care: no answer is likelier than the others together, or irony is."""
        unsure = self.probabilities.max(axis=1) < SURE
        if len(self.irony):
            unsure |= self.irony >= IRONIC
        return tuple(unsure.tolist())
