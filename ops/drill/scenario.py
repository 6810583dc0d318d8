"""A scenario of an exercise: calm days, then waves of comments; a YAML file with its texts in both languages.

Everything is drawn from a seed, so that two teams that play the same scenario get the same storm. No mention carries a
sentiment: the real text model reads them.

>>> [one.id for one in shipped()]
['dangerous_product', 'data_leak', 'illegal_comments', 'outage', 'rumour', 'words_of_staff']
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from engine.domain.errors import InputError
from engine.domain.mention import Mention
from ops.section import Section
from ops.yaml_file import read_yaml

FOLDER = Path(__file__).parent.parent / "drills"
CALM = "_calm"
CALM_HOURS = 40
"""So long the brand is calm before the storm: the detectors learn what is usual."""
CALM_AN_HOUR = 15
MINUTE_MS = 60_000
MENTIONS_A_MINUTE_MAX = 200
SEED = 20_260_310
_NETWORKS = {"x": 40, "facebook": 22, "instagram": 12, "tiktok": 10, "forum": 8, "review": 8}
_KIND = {"x": "mention", "review": "review", "forum": "post", "news": "post"}
_TAILS = {"fr": ("", "", "", " !!", "...", " 😡", " !", " svp"), "en": ("", "", "", "!!", "...", " 😡", "!", " please")}

Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1, max_length=500)]
Rate = Annotated[float, Field(ge=0, le=MENTIONS_A_MINUTE_MAX)]


class Both(Section):
    """A sentence in both languages."""

    fr: Text
    en: Text

    def in_lang(self, lang: str) -> str:
        return self.fr if lang == "fr" else self.en


class BothTexts(Section):
    """Comments in both languages; each comes once before one comes again."""

    fr: Texts
    en: Texts

    def in_lang(self, lang: str) -> tuple[str, ...]:
        return self.fr if lang == "fr" else self.en


class Wave(Section):
    """Comments from `at_min` after the onset, their number rising or falling evenly."""

    at_min: Annotated[int, Field(ge=0, le=2_880)]
    minutes: Annotated[int, Field(ge=1, le=2_880)]
    per_min: tuple[Rate, Rate]
    """Comments a minute at its beginning and at its end."""
    texts: BothTexts


class Guest(Section):
    """An account that many follow, or a news site (network: news)."""

    at_min: Annotated[int, Field(ge=0, le=2_880)]
    network: Annotated[str, StringConstraints(pattern=r"^[a-z]{1,20}$")]
    author: Annotated[str, StringConstraints(min_length=1, max_length=60)]
    followers: Annotated[int, Field(ge=0, le=10_000_000)]
    text: Both


class Scenario(Section):
    """The whole of it. `expects` is the playbook that should lead."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    expects: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
    title: Both
    brief: Both
    """What the players know at the beginning."""
    waves: Annotated[tuple[Wave, ...], Field(min_length=1, max_length=50)]
    guests: Annotated[tuple[Guest, ...], Field(max_length=50)] = ()

    @property
    def minutes(self) -> int:
        """How long the storm lasts."""
        return max(wave.at_min + wave.minutes for wave in self.waves)


def load(path: Path) -> Scenario:
    """Read a scenario. Raises InputError, one line: the file, where, what is wrong."""
    source = read_yaml(path)
    try:
        return Scenario.model_validate(source.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(step) for step in first["loc"])
        raise InputError(f"{source.locate(first['loc'])}: {field}: {first['msg']}") from None


def found(name: str) -> Scenario:
    """A scenario by its id, or by a file's path. Raises InputError with the ids that there are."""
    import difflib

    path = FOLDER / f"{name}.yaml"
    if name.isidentifier() and name != CALM and path.is_file():
        return load(path)
    if name.endswith((".yaml", ".yml")):
        return load(Path(name))
    names = [one.id for one in shipped()]
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(names)}, or a file's path (.yaml)"
    raise InputError(f"no scenario {name[:60]!r}; {hint}")


@cache
def shipped() -> tuple[Scenario, ...]:
    """The scenarios that come with Vigie."""
    return tuple(load(path) for path in sorted(FOLDER.glob("*.yaml")) if path.stem != CALM)


@cache
def _calm() -> BothTexts:
    return BothTexts.model_validate(read_yaml(FOLDER / f"{CALM}.yaml").data)


class Storm:
    """The mentions of one exercise, in order of time."""

    def __init__(self, scenario: Scenario, brand: str, lang: str, start_ms: int, seed: int = SEED) -> None:
        self._scenario, self._brand, self._lang, self._start_ms = scenario, brand, lang, start_ms
        self._rng = random.Random(f"{seed}/{scenario.id}/{lang}/{brand}")
        self._bags: dict[Sequence[str], list[str]] = {}
        self._crowd = 1_000

    def before(self) -> list[Mention]:
        """The calm days before the onset."""
        start_ms = self._start_ms - CALM_HOURS * 60 * MINUTE_MS
        return self._numbered(
            self._comment(at_ms, _calm().in_lang(self._lang), self._rng.randrange(400))
            for minute in range(CALM_HOURS * 60)
            for at_ms in self._arrivals(start_ms + minute * MINUTE_MS, CALM_AN_HOUR / 60)
        )

    def storm(self) -> list[Mention]:
        """What comes from the onset on; calm comments go on between."""
        made = []
        for minute in range(self._scenario.minutes):
            at = self._start_ms + minute * MINUTE_MS
            for wave in self._scenario.waves:
                if wave.at_min <= minute < wave.at_min + wave.minutes:
                    made += [self._angry(at_ms, wave) for at_ms in self._arrivals(at, _rate(wave, minute))]
            calm = _calm().in_lang(self._lang)
            made += [
                self._comment(at_ms, calm, self._rng.randrange(400)) for at_ms in self._arrivals(at, CALM_AN_HOUR / 60)
            ]
        made += [self._guest(guest) for guest in self._scenario.guests]
        return self._numbered(made, "storm")

    def _numbered(self, made: Iterator[Mention] | list[Mention], part: str = "calm") -> list[Mention]:
        ordered = sorted(made, key=lambda mention: mention.created_at_ms)
        return [m._replace(id=f"exercise-{self._scenario.id}-{part}-{i:05d}") for i, m in enumerate(ordered)]

    def _arrivals(self, minute_ms: int, rate: float) -> Iterator[int]:
        """Times of a Poisson number of mentions within the minute."""
        left, floor = self._rng.random(), math.exp(-rate)
        while left > floor:
            yield minute_ms + self._rng.randrange(MINUTE_MS)
            left *= self._rng.random()

    def _angry(self, at_ms: int, wave: Wave) -> Mention:
        self._crowd += self._rng.random() < 0.9  # most write once, some come back
        return self._comment(at_ms, wave.texts.in_lang(self._lang), self._crowd, self._rng.choice(_TAILS[self._lang]))

    def _comment(self, at_ms: int, texts: Sequence[str], author: int, tail: str = "") -> Mention:
        rng = self._rng
        network = rng.choices(list(_NETWORKS), list(_NETWORKS.values()))[0]
        return Mention(
            id="", source=network, kind=_KIND.get(network, "comment"), text=self._worded(self._draw(texts)) + tail,
            created_at_ms=at_ms, brand=self._brand, lang=self._lang, author_id=f"exercise-{author}",
            author_followers=int(rng.lognormvariate(5.2, 1.2)), likes=int(rng.expovariate(0.3)),
        )  # fmt: skip

    def _guest(self, guest: Guest) -> Mention:
        return Mention(
            id="", source=guest.network, kind=_KIND.get(guest.network, "post"),
            text=self._worded(guest.text.in_lang(self._lang)),
            created_at_ms=self._start_ms + guest.at_min * MINUTE_MS, brand=self._brand, lang=self._lang,
            author_id=guest.author, author_followers=guest.followers, author_verified=True,
            shares=guest.followers // 60, views=guest.followers * 2,
        )  # fmt: skip

    def _draw(self, texts: Sequence[str]) -> str:
        bag = self._bags.get(texts)
        if not bag:
            bag = self._bags[texts] = list(texts)
            self._rng.shuffle(bag)
        return bag.pop()

    def _worded(self, text: str) -> str:
        return text.replace("{brand}", self._brand)


def _rate(wave: Wave, minute: int) -> float:
    low, high = wave.per_min
    return low + (high - low) * (minute - wave.at_min) / wave.minutes
