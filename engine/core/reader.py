"""How a mention reads: what the text model says of it, or the sentiment that came with it."""

from __future__ import annotations

from collections.abc import Sequence

from engine.core.tally import NEGATIVE_UNITS, UNITS
from engine.domain.config import BrandConfig
from engine.domain.mention import Mention
from engine.ports.text import TextScorer

Matched = tuple[Mention, tuple[str, ...], int]
"""A mention, all its brands in alphabetical order, and its hash."""
Row = tuple[int, str, str, tuple[str, ...], int]
"""P(negative) in ten-thousandths, label, language, categories, urgency in hundredths."""


class Reader:
    """Reads batches of matched mentions. A row depends on its own mention alone, so it is the same in whatever process
    and batch it is read."""

    def __init__(self, brands: Sequence[BrandConfig], scorer: TextScorer) -> None:
        self._scorer = scorer
        # what a text too short to tell is in: its brand's first language, and not its thread's: what of the thread has
        # been seen depends on the order of arrival
        self._usual_lang = {b.name: b.voice.langs[0] for b in brands if b.voice is not None and b.voice.langs}

    def read(self, accepted: Sequence[Matched]) -> list[Row]:
        """One row for each mention."""
        rows: list[Row | None] = [None] * len(accepted)
        unscored: list[int] = []
        negative: list[int] = []
        for i, (mention, _, _) in enumerate(accepted):
            sentiment = mention.sentiment
            if sentiment is None:
                unscored.append(i)
                continue
            units = round(-sentiment * UNITS) if sentiment < 0 else 0
            label = "neg" if sentiment < -0.2 else "pos" if sentiment > 0.2 else "neu"
            rows[i] = (units, label, mention.lang or "und", (), 0)
            if units >= NEGATIVE_UNITS:
                negative.append(i)
        if negative:
            found = self._scorer.categorise_many(
                [accepted[i][0].text for i in negative], [accepted[i][0].lang for i in negative]
            )
            for i, categories in zip(negative, found, strict=True):
                units, label, lang, _, urgency = rows[i]  # type: ignore[misc]  # filled above
                rows[i] = (units, label, lang, categories, urgency)
        if unscored:
            scores = self._scorer.score_many(
                [accepted[i][0].text for i in unscored],
                [accepted[i][0].lang for i in unscored],
                [self._usual_lang.get(accepted[i][1][0]) for i in unscored],
            )
            columns = zip(
                unscored, scores.negative.tolist(), scores.labels, scores.langs, scores.categories,
                scores.urgency.tolist(), strict=True,
            )  # fmt: skip
            for i, negative_p, label, lang, categories, urgency in columns:
                rows[i] = (round(negative_p * UNITS), label, lang, categories, round(urgency * 100))
        return rows  # type: ignore[return-value]  # every row is filled
