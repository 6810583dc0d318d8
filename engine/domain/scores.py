"""What the text model says of a batch of texts, one array for each question."""

from __future__ import annotations

from dataclasses import dataclass
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

LABELS = ("neg", "neu", "pos")


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
