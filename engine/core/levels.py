"""How grave an incident is: a few points, each with its reason, and hysteresis.

Volume is judged against the brand's own norm and breadth by distinct authors, not messages. Harm alone can force rouge.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.core.wording import say
from engine.domain.incident import Evidence, Level
from engine.domain.scores import category_name

HARM = ("accident_victims", "dangerous_product")
GRAVE = ("data_leak", "discrimination", "illegal_hate", "offensive_campaign")

HARM_SHARE = 0.15
"""A category counts once it makes this part of the negatives: one odd word in a hundred is no accident."""

MESSAGES_AN_AUTHOR = 2
"""Where a source names no authors, breadth is guessed from the messages: people in anger write about two."""

ORANGE_POINTS, ROUGE_POINTS = 4, 7


class LevelDecision(NamedTuple):
    """The level that the evidence asks for, and why."""

    level: Level
    reasons: tuple[str, ...]


def _steps(value: float, *thresholds: float) -> int:
    return sum(value >= threshold for threshold in thresholds)


def decide(evidence: Evidence, ratio: float, lang: str) -> LevelDecision:
    """The level of an open incident: jaune at least. `ratio` is the last hour's negatives over normal, so that the
    level can fall again while the figures since the onset only grow.

    Points: volume against normal (2, 4, 8 times), distinct authors (25, 100, 500), the largest account (50 thousand and
    500 thousand followers), press (1 and 3 titles), heat. 4 points make orange, 7 rouge: a storm of a size that a
    brand sees a few times a year, and one that the whole press writes about.
    """
    points, reasons = _steps(ratio, 2, 4, 8), []
    if ratio >= 2:
        reasons.append(say(lang, "volume", ratio=round(ratio, 1)))
    negatives = sum(n for _, n in evidence.networks)
    breadth = _steps(evidence.authors or negatives // MESSAGES_AN_AUTHOR, 25, 100, 500)
    if breadth and evidence.authors:
        reasons.append(say(lang, "breadth", n=evidence.authors))
    reach = _steps(evidence.followers_max, 50_000, 500_000)
    if reach:
        reasons.append(say(lang, "account", n=evidence.followers_max))
    press = _steps(evidence.press, 1, 3)
    if press:
        reasons.append(say(lang, "press" if evidence.press > 1 else "press_one", n=evidence.press))
    heat = _steps(evidence.urgency, 0.6)
    if heat:
        reasons.append(say(lang, "urgency"))
    points += breadth + reach + press + heat
    level = Level.ROUGE if points >= ROUGE_POINTS else Level.ORANGE if points >= ORANGE_POINTS else Level.JAUNE
    forced, reason = _harm(evidence, lang)
    if forced > level:
        level = forced
    return LevelDecision(level, tuple([reason, *reasons] if reason else reasons))


def signals(evidence: Evidence) -> tuple[str, ...]:
    """What the planner should know beside the categories: "harm" when people may be in danger."""
    return ("harm",) if _harm(evidence, "en")[0] is Level.ROUGE else ()


def _harm(evidence: Evidence, lang: str) -> tuple[Level, str | None]:
    """What the subject alone forces: rouge for harm told by five people or more, orange for a grave subject."""
    negatives = sum(n for _, n in evidence.networks)
    counts = dict(evidence.categories)
    for category in sorted(HARM, key=lambda c: -counts.get(c, 0)):
        n = counts.get(category, 0)
        if n >= 5 and n >= HARM_SHARE * negatives and evidence.authors >= 5:
            return Level.ROUGE, say(lang, "harm", n=n, category=category_name(category, lang))
    for category in sorted(GRAVE, key=lambda c: -counts.get(c, 0)):
        n = counts.get(category, 0)
        if n >= 5 and n >= HARM_SHARE * negatives:
            return Level.ORANGE, say(lang, "grave", n=n, category=category_name(category, lang))
    return Level.VERT, None


class Hysteresis:
    """Up at once; down only after the lower level has held for `hold_s`, so that a level does not flutter."""

    def __init__(self, hold_s: int) -> None:
        self._hold_s = hold_s
        self.below_since_s: int | None = None

    def settle(self, current: Level, wanted: Level, at_s: int) -> Level:
        """The level to show, given the one shown and the one that the evidence asks for."""
        if wanted >= current:
            self.below_since_s = None
            return wanted
        if self.below_since_s is None:
            self.below_since_s = at_s
        if at_s - self.below_since_s < self._hold_s:
            return current
        self.below_since_s = None
        return wanted
