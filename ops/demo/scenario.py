"""A synthetic stream about an invented operator: calm days, then a network outage on a Tuesday evening.

Everything is drawn from a seed, so the same seed gives the same mentions. The texts stand in `texts/*.txt`; no mention
carries a sentiment: the real text model reads them.
"""

from __future__ import annotations

import math
import random
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from engine.domain.mention import Mention

BRAND = "Nordalia"
SEED = 20_260_310
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
TEXTS = Path(__file__).with_name("texts")

ZONES = {"fr": "Europe/Paris", "en": "Europe/London"}


@dataclass(frozen=True, slots=True)
class Marks:
    """When what happens, in milliseconds since 1970. The outage begins on a Tuesday at 18:40, local time."""

    start_ms: int
    onset_ms: int
    voice_ms: int
    """An account with many followers joins in."""
    press_ms: int
    """A news site picks it up."""
    long_ms: int
    """From here on people write that it lasts."""
    statement_ms: int
    """The operator explains itself (nothing is sent: it is part of the play)."""
    end_ms: int


def marks(lang: str) -> Marks:
    """The play's times.

    >>> when = marks("fr")
    >>> datetime.fromtimestamp(when.onset_ms / 1000, ZoneInfo("Europe/Paris")).strftime("%A %H:%M")
    'Tuesday 18:40'
    >>> (when.onset_ms - when.start_ms) / HOUR_MS > 26
    True
    """
    onset = datetime(2026, 3, 10, 18, 40, tzinfo=ZoneInfo(ZONES[lang])).astimezone(UTC)
    onset_ms = int(onset.timestamp()) * 1000
    return Marks(
        start_ms=onset_ms - 32 * HOUR_MS - 40 * MINUTE_MS,
        onset_ms=onset_ms,
        voice_ms=onset_ms + 46 * MINUTE_MS,
        press_ms=onset_ms + 71 * MINUTE_MS,
        long_ms=onset_ms + 80 * MINUTE_MS,
        statement_ms=onset_ms + 130 * MINUTE_MS,
        end_ms=onset_ms + 50 * HOUR_MS,
    )


_CALM_AN_HOUR = (3, 2, 1, 1, 1, 2, 5, 10, 15, 17, 18, 19, 24, 22, 18, 16, 17, 20, 24, 27, 28, 24, 14, 7)
"""Calm mentions an hour, by local hour of day."""

_STORM_A_MINUTE = ((0, 0.3), (12, 0.6), (25, 1.8), (40, 3.4), (70, 5.8), (95, 7.0), (130, 7.0))
"""Minutes since the onset, and mentions a minute; after the statement it halves every `HALF_MIN`."""
HALF_MIN = 20
STORM_MIN_MAX = 300

_NETWORKS = {
    "calm": {"x": 30, "facebook": 22, "instagram": 16, "tiktok": 10, "review": 10, "forum": 12},
    "storm": {"x": 44, "facebook": 21, "tiktok": 12, "instagram": 9, "forum": 8, "review": 6},
}
_KIND = {"x": "mention", "review": "review", "forum": "post", "news": "post"}

_PLACES = {
    "fr": ("Nantes", "Angers", "Brest", "Dijon", "Metz", "Pau", "Tours", "Limoges", "Valence", "Amiens", "Nevers"),
    "en": ("Bristol", "Leeds", "York", "Cardiff", "Norwich", "Exeter", "Hull", "Derby", "Stirling", "Truro"),
}
_TAILS = {
    "fr": {
        "calm": (" 🙂", " !", " 👍", " merci", "..."),
        "storm": (" !!", " 😡", " 🤬", "...", " !!!", " 👎"),
    },
    "en": {"calm": (" 🙂", "!", " 👍", " thanks", "..."), "storm": ("!!", " 😡", " 🤬", "...", "!!!", " 👎")},
}
_OPENERS = {
    "fr": {
        "calm": ("Bonjour, ", "Hello, ", "Au passage, "),
        "storm": ("@nordalia ", "Et ", "Mais "),
    },
    "en": {
        "calm": ("Hi, ", "Hello, ", "By the way, "),
        "storm": ("@nordalia ", "And ", "But "),
    },
}
_SLOT = re.compile(r"\{(place|time|start|n|gb)\}")

Lines = dict[str, list[tuple[frozenset[str], str]]]


def load_texts(lang: str) -> Lines:
    """The written texts by section; each with the networks that it is kept to (none: any).

    >>> sorted(load_texts("fr"))
    ['calm', 'first', 'later', 'long', 'press', 'storm', 'voice']
    """
    sections: Lines = {}
    section = ""
    for line in (TEXTS / f"{lang}.txt").read_text(encoding="utf-8").splitlines():
        if re.fullmatch(r"\[\w+\]", line):
            section = line[1:-1]
        elif line.strip() and not line.startswith("# "):
            kept_to, bar, text = line.partition(" | ")
            networks = frozenset(kept_to.split(",")) if bar else frozenset()
            sections.setdefault(section, []).append((networks, text if bar else line))
    return sections


def mentions(lang: str = "fr", seed: int = SEED) -> list[Mention]:
    """The whole stream, in order of time.

    >>> stream = mentions("en")
    >>> stream[0].brand, stream[0].sentiment, stream == mentions("en")
    ('Nordalia', None, True)
    """
    return _Writer(lang, seed).write()


class _Writer:
    """Draws times, networks, authors and texts."""

    def __init__(self, lang: str, seed: int) -> None:
        self._lang = lang
        self._rng = random.Random(f"{seed}/{lang}")
        self._marks = marks(lang)
        self._zone = ZoneInfo(ZONES[lang])
        self._texts = load_texts(lang)
        self._bags: dict[str, list[tuple[frozenset[str], str]]] = {}
        self._crowd = 0

    def write(self) -> list[Mention]:
        when, drafts = self._marks, list[Mention]()
        for minute_ms in range(when.start_ms, when.end_ms, MINUTE_MS):
            hour = datetime.fromtimestamp(minute_ms / 1000, self._zone).hour
            for at_ms in self._arrivals(minute_ms, _CALM_AN_HOUR[hour] / 60):
                drafts.append(self._mention(at_ms, "calm"))
            for at_ms in self._arrivals(minute_ms, self._storm(minute_ms)):
                drafts.append(self._mention(at_ms, self._mood(at_ms)))
        drafts += self._guests()
        drafts.sort(key=lambda m: m.created_at_ms)
        return [mention._replace(id=f"demo-{i:05d}") for i, mention in enumerate(drafts)]

    def _storm(self, minute_ms: int) -> float:
        """Mentions a minute that the storm adds."""
        minutes = (minute_ms - self._marks.onset_ms) / MINUTE_MS
        if not 0 <= minutes < STORM_MIN_MAX:
            return 0.0
        last_min, last = _STORM_A_MINUTE[-1]
        if minutes >= last_min:
            return float(last * 0.5 ** ((minutes - last_min) / HALF_MIN))
        i = next(i for i, (to_min, _) in enumerate(_STORM_A_MINUTE) if minutes < to_min)
        (from_min, low), (to_min, high) = _STORM_A_MINUTE[i - 1 : i + 1]
        return low + (high - low) * (minutes - from_min) / (to_min - from_min)

    def _arrivals(self, minute_ms: int, rate: float) -> Iterator[int]:
        """Times of a Poisson number of mentions within the minute."""
        left, floor = self._rng.random(), math.exp(-rate)
        while left > floor:
            yield minute_ms + self._rng.randrange(MINUTE_MS)
            left *= self._rng.random()

    def _mood(self, at_ms: int) -> str:
        when, rng = self._marks, self._rng
        if at_ms < when.onset_ms + 20 * MINUTE_MS:
            return "first"
        if at_ms > when.statement_ms + 8 * MINUTE_MS:
            return "later" if rng.random() < 0.7 else "storm"
        return "storm"

    def _mention(self, at_ms: int, section: str) -> Mention:
        rng, tone = self._rng, "calm" if section in ("calm", "later") else "storm"
        weights = _NETWORKS[tone]
        network = rng.choices(list(weights), list(weights.values()))[0]
        kept_to, text = self._draw(section, network, lasts=at_ms > self._marks.long_ms)
        if kept_to and network not in kept_to:
            network = rng.choice(sorted(kept_to))
        if tone == "calm":
            author = rng.randrange(420)
        else:
            self._crowd += rng.random() < 0.88  # most write once, some come back
            author = 1_000 + (self._crowd if rng.random() < 0.9 else rng.randrange(self._crowd + 1))
        return Mention(
            id="", source=network, kind=_KIND.get(network, "comment"), text=self._worded(text, at_ms, tone),
            created_at_ms=at_ms, brand=BRAND, lang=self._lang, author_id=f"u{author}",
            author_followers=int(rng.lognormvariate(5.2, 1.2)), likes=int(rng.expovariate(0.3)),
        )  # fmt: skip

    def _draw(self, section: str, network: str, *, lasts: bool) -> tuple[frozenset[str], str]:
        """The next text of the section that suits the network; every text comes once before one comes again."""
        bag = self._bags.get(section)
        if not bag:
            more = self._texts["long"] if section == "storm" and lasts else []
            bag = self._bags[section] = [*self._texts[section], *more]
            self._rng.shuffle(bag)
        for i, (kept_to, _) in enumerate(bag):
            if not kept_to or network in kept_to:
                return bag.pop(i)
        return bag.pop()

    def _worded(self, text: str, at_ms: int, tone: str) -> str:
        """The text with its slots filled, typed as people type."""
        rng = self._rng
        began_ms = [self._marks.onset_ms + m * MINUTE_MS for m in (0, 5, 10, 15)]
        known = [ms for ms in began_ms if ms <= at_ms] or began_ms[:1]
        slots = {
            "place": rng.choice(_PLACES[self._lang]), "time": self._hour(at_ms), "start": self._hour(rng.choice(known)),
            "n": str(rng.randrange(12, 39)), "gb": rng.choice(("20", "50", "80", "100", "150")),
        }  # fmt: skip
        text = _SLOT.sub(lambda slot: slots[slot.group(1)], text)
        if rng.random() < 0.22 and text[0].isupper() and not text[1].isupper():
            opener = rng.choice(_OPENERS[self._lang][tone])
            text = opener + (text if text.startswith((BRAND, "I ", "I'")) else text[0].lower() + text[1:])
        habit = rng.random()
        if habit < 0.12:
            text = text.lower()
        elif habit < 0.22:
            text = _without_accents(text)
        elif habit < 0.34:
            text = text.rstrip(".! ")
        elif habit < 0.52:
            text = text.rstrip(".!?… ") + rng.choice(_TAILS[self._lang][tone])
        elif habit < 0.57:
            text = self._mistyped(text)
        return text

    def _mistyped(self, text: str) -> str:
        """Two letters changed places, in a long word."""
        words = text.split(" ")
        long = [i for i, word in enumerate(words) if len(word) > 5 and word.isalpha() and word.lower() != "nordalia"]
        if long:
            i = self._rng.choice(long)
            word, at = words[i], self._rng.randrange(1, len(words[i]) - 2)
            words[i] = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return " ".join(words)

    def _hour(self, at_ms: int) -> str:
        moment = datetime.fromtimestamp(at_ms / 1000, self._zone)
        if self._lang == "fr":
            return f"{moment.hour}h{moment.minute:02d}"
        return f"{moment.hour % 12 or 12}:{moment.minute:02d} {'am' if moment.hour < 12 else 'pm'}"

    def _guests(self) -> Iterator[Mention]:
        """The account that many follow, on two networks, and the news site."""
        when = self._marks
        shown = (
            ("voice", 0, when.voice_ms, "mila-sans-fil", 184_000, 3_100),
            ("voice", 1, when.voice_ms + 9 * MINUTE_MS, "mila-sans-fil", 96_000, 900),
            ("press", 0, when.press_ms, "gazette-des-ondes", 41_000, 640),
        )
        for section, i, at_ms, author, followers, shares in shown:
            kept_to, text = self._texts[section][i]
            network = min(kept_to)
            text = _SLOT.sub(lambda slot: self._hour(when.onset_ms), text)
            yield Mention(
                id="", source=network, kind=_KIND.get(network, "post"), text=text, created_at_ms=at_ms, brand=BRAND,
                lang=self._lang, author_id=author, author_followers=followers, author_verified=True, shares=shares,
                views=followers * 2,
            )  # fmt: skip


def _without_accents(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
