"""Sections of vigie.yaml about what is watched: brands, how comments are read, detection and its signals, planned
events."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from engine.domain.playbook import BrandVoice
from engine.domain.signals import SignalMode
from ops.moment import second_of
from ops.section import (
    Budget,
    DetectorName,
    DetectorParams,
    Fact,
    Lang,
    LangCode,
    LocalPath,
    Name,
    Phrase,
    Phrases,
    Section,
    check_params,
    fail,
)

EVENT_RATIO = 3.0
EVENT_RATIO_MAX = 100.0


def _known_moment(text: str) -> str:
    try:
        second_of(text, ZoneInfo("UTC"))
    except (ValueError, OverflowError):
        raise fail(f"{text[:40]!r} is no time; write 2026-01-07T08:00, or a day such as 2026-01-07") from None
    return text


Moment: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_known_moment)]


class Brand(Section):
    """A brand to watch, how to recognise it in a text, and how it speaks."""

    name: Name
    """Its name; matched in texts like the aliases, and the label of its figures."""
    aliases: Phrases = ()
    """Other names. Matched at word boundaries, case and accents folded."""
    handles: Phrases = ()
    """Its accounts, with or without the @."""
    keywords: Phrases = ()
    """Products, campaigns, hashtags."""
    exclude: Phrases = ()
    """A mention whose text holds one of these is not about the brand."""
    langs: Annotated[tuple[Lang, ...], Field(min_length=1)] = ("fr", "en")
    """The languages that its public writes in; drafts are made in each."""
    form: Literal["tu", "vous"] = "vous"
    """How it addresses people in French."""
    signature: Annotated[str, StringConstraints(max_length=200)] = ""
    """The last line of a draft."""
    emoji: bool = False
    """May drafts hold emoji?"""
    banned_words: Phrases = ()
    """Words that no draft may hold."""
    preferred: Annotated[dict[Phrase, Phrase], Field(max_length=200)] = Field(default_factory=dict)
    """Words, and what the brand says instead, such as `clients: sociétaires`: drafts are written so, and a text that a
    person writes otherwise is told."""
    terms: Phrases = ()
    """Words of its own that no dictionary knows, so that the spelling lets them pass: products, places, people who
    speak for it."""
    facts: Annotated[dict[Name, Fact], Field(max_length=200)] = Field(default_factory=dict)
    """Facts approved by a person, by name: only they fill a draft."""
    bad_reputation: bool = False
    """Do people think ill of it already? Its crises are then answered one step humbler."""
    false_alarms_per_week: Budget | None = None
    """Its own false-alarm budget; without one, that of `detection` holds."""
    detector: DetectorName | None = None
    """Its own detector; without one, that of `detection` holds, with its parameters."""
    detector_params: DetectorParams = Field(default_factory=dict)
    """Parameters of its own detector."""

    @model_validator(mode="after")
    def _params_fit(self) -> Self:
        if self.detector is None and self.detector_params:
            raise fail(
                "detector_params without a detector of its own; name it with `detector`", path=("detector_params",)
            )
        check_params(self.detector, self.detector_params)
        return self

    def voice(self) -> BrandVoice:
        """The part of it that drafts need."""
        return BrandVoice(
            name=self.name,
            langs=self.langs,
            form=self.form,
            signature=self.signature,
            emoji=self.emoji,
            banned_words=self.banned_words,
            facts=tuple(self.facts.items()),
            preferred=tuple(self.preferred.items()),
            terms=(*self.aliases, *self.keywords, *self.terms),
            bad_reputation=self.bad_reputation,
        )


class Text(Section):
    """How comments are read: their language and their tone."""

    backend: Literal["linear", "onnx"] = "linear"
    """What tells the tone: the tables that come with Vigie, or a transformer of your own in ONNX form (`pip install
    'vigie[onnx]'`)."""
    model_dir: LocalPath | None = None
    """With `onnx`: a folder that holds model.onnx, tokenizer.json and config.json."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """With `onnx`: threads that one run of the model may use."""
    texts_a_run: Annotated[int, Field(ge=1, le=256)] = 1
    """With `onnx`: texts that the model reads at once. More than one may be faster with many threads; a score then
    depends a little on its neighbours, and a replay may differ in the last digits."""
    langs: Annotated[tuple[LangCode, ...], Field(max_length=20)] = ()
    """Languages of comments beside those of the brands (ISO 639-1), told apart where the source does not say."""

    @model_validator(mode="after")
    def _whole_backend(self) -> Self:
        if self.backend == "onnx" and self.model_dir is None:
            raise fail("backend onnx needs model_dir, the folder of the model", path=("backend",))
        for name in ("model_dir", "threads", "texts_a_run"):
            if self.backend != "onnx" and name in self.model_fields_set:
                raise fail(f"{name} is for the backend onnx; set backend: onnx, or leave it out", path=(name,))
        return self


class Signals(Section):
    """Signals beside the count. `note` adds a sentence to an incident, `open` opens one and takes 5 % of the budget."""

    raid: SignalMode = "note"
    """Many messages from few authors."""
    reach: SignalMode = "note"
    """Negatives weighted by how many people may see them."""
    arousal: SignalMode = "note"
    """A tone more heated than usual, or graver subjects."""
    viral: SignalMode = "note"
    """One message far above the brand's usual audience, or one thread that draws most negatives."""
    drift: SignalMode = "note"
    """A share of negatives that creeps up over days. Loads river the first time it stands out: two seconds."""
    silence: SignalMode = "open"
    """A network, or all of them, fell silent. `open` sends an alert about the feed of its own, and no incident."""

    def modes(self) -> tuple[tuple[str, SignalMode], ...]:
        """Each signal's name and mode, in the order above."""
        return tuple((name, getattr(self, name)) for name in type(self).model_fields)


class Detection(Section):
    """How the series are cut and judged."""

    false_alarms_per_week: Budget = 0.25
    """How many false alarms one brand may cost a week, all tests together. The one knob of detection."""
    bin_s: Annotated[int, Field(ge=60, le=3_600)] = 300
    """Width of a bin of a series, in seconds."""
    lateness_s: Annotated[int, Field(ge=0, le=86_400)] = 300
    """How late a mention may arrive and still count in its bin, in seconds."""
    detector: DetectorName = "vigie"
    """The detector of the series: `vigie`, or one of river's."""
    detector_params: DetectorParams = Field(default_factory=dict)
    """Parameters of that detector, by name; docs/how-to/choose-a-detector.md lists them."""
    signals: Signals = Signals()

    @model_validator(mode="after")
    def _params_fit(self) -> Self:
        check_params(self.detector, self.detector_params)
        return self


class Event(Section):
    """A wave that is expected: sales, a match, a launch. It is labelled and judged against a raised baseline."""

    name: Name
    """What people call it; stands in the reasons of an incident that opens meanwhile."""
    brands: Annotated[tuple[Name, ...], Field(min_length=1, max_length=1_000)] | Literal["all"] = "all"
    """The brands that it concerns."""
    start: Moment
    """When it begins: ISO 8601, in `timezone` unless it names a zone. A day alone begins at midnight."""
    end: Moment
    """When it ends. A day alone is part of it."""
    expected_ratio: Annotated[float, Field(ge=1, le=EVENT_RATIO_MAX)] = EVENT_RATIO
    """How many times the usual negatives are expected."""
