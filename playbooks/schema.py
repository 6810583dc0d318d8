"""What a playbook file holds, as pydantic models: the one place where its words are defined.

Every text stands in French and English. See docs/how-to/add-a-playbook.md for the markup of a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator

from engine.domain.scores import CATEGORIES
from playbooks.networks import NETWORKS, SIZES

LANGS = ("fr", "en")
FORMS: Mapping[str, tuple[str | None, ...]] = {"fr": ("tu", "vous"), "en": (None,)}
KINDS = ("holding", "position", "reply")
LEVELS = ("vert", "jaune", "orange", "rouge")

CLUSTER_STRATEGIES: Mapping[str, frozenset[str]] = {
    "victim": frozenset({"instruct", "inform", "empathise", "deny", "remind", "thank"}),
    "accidental": frozenset({"instruct", "inform", "empathise", "excuse", "justify", "apologise", "remind", "thank"}),
    "preventable": frozenset({"instruct", "inform", "empathise", "apologise", "compensate", "remind", "thank"}),
}
"""What each cluster may do (Coombs 2007, Corporate Reputation Review 10(3)); firestorms also allow the accidental
cluster to say sorry (Herhausen 2019)."""

Text: TypeAlias = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
LevelName: TypeAlias = Literal["vert", "jaune", "orange", "rouge"]
Lang: TypeAlias = Literal["fr", "en"]
Clock: TypeAlias = Literal[
    "acknowledge", "qualify", "freeze", "crisis_cell", "holding_line", "situation_report", "rgpd_notice",
    "second_wave_watch", "debrief",
]  # fmt: skip
"""The clocks of a level: see `engine.domain.run.LEVEL_CLOCKS`."""
Strategy: TypeAlias = Literal[
    "instruct", "inform", "empathise", "deny", "excuse", "justify", "apologise", "compensate", "remind", "thank"
]


class Model(BaseModel):
    """Frozen; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Bilingual(Model):
    """The same thing in both languages."""

    fr: Text
    en: Text

    def in_lang(self, lang: str) -> str:
        """The text in `lang`; English for a language that we don't speak."""
        return self.fr if lang == "fr" else self.en


class When(Model):
    """When to choose this playbook."""

    categories: dict[str, float] = Field(default_factory=dict, description="Weight of each category of mentions.")
    signals: list[Text] = Field(default_factory=list, description="Names of signals that speak for it.")
    level_min: LevelName = Field("vert", description="Below this level it is not chosen.")
    base: float = Field(0.0, ge=0, le=1, description="Its score when nothing speaks for it: above 0 for a fallback.")

    @field_validator("categories")
    @classmethod
    def _known(cls, value: dict[str, float]) -> dict[str, float]:
        for name, weight in value.items():
            if name not in CATEGORIES:
                raise ValueError(f"unknown category {name!r}{suggestion(name, CATEGORIES)}")
            if not 0 < weight <= 10:
                raise ValueError(f"the weight of {name!r} must be above 0 and at most 10")
        return value


class Role(Model):
    """Someone who does steps. `deputy` names another role that stands in."""

    title: Bilingual
    deputy: Name


class PlaybookStep(Model):
    """One thing to do. `minutes` gives, for each level at which it is done, when it is due after the opening."""

    id: Name
    role: Name
    minutes: dict[LevelName, Annotated[int, Field(ge=0, le=60 * 24 * 30)]]
    title: Bilingual
    done_when: Bilingual
    after: list[Name] = Field(default_factory=list)
    clock: Clock | None = Field(
        None, description="Which clock of the level it is, where its id does not say: no later than that clock allows."
    )
    every: dict[LevelName, Annotated[int, Field(ge=5, le=60 * 24)]] | None = Field(
        None, description="Minutes after which it comes again, by level, for as long as the incident is open."
    )
    action: Literal["freeze"] | None = Field(None, description="What Vigie does itself: `freeze` calls the webhook.")
    publishes: Literal["holding", "position", "reply"] | None = Field(
        None, description="The kind of text that it posts: left out when silence is chosen."
    )


class MetIf(Model):
    """What a program can check of a case for silence. All that is stated must hold; nothing stated is never met."""

    level_max: LevelName | None = Field(None, description="The level is at most this.")
    authors_below: int | None = Field(None, ge=1, description="Fewer distinct authors of negatives than this.")
    reach_below: int | None = Field(None, ge=1, description="No author has as many followers.")
    signals: list[Text] = Field(default_factory=list, description="All of these signals are up, such as raid.")
    categories: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict, description="At least this share of the negatives is about each of these categories."
    )

    @field_validator("categories")
    @classmethod
    def _known(cls, value: dict[str, float]) -> dict[str, float]:
        for name in value:
            if name not in CATEGORIES:
                raise ValueError(f"unknown category {name!r}{suggestion(name, CATEGORIES)}")
        return value


class DoNotAnswer(Model):
    """A case in which silence is better, and what to do instead. With `met_if` Vigie can choose it by itself."""

    when: Bilingual
    instead: Bilingual
    met_if: MetIf | None = None


class Fact(Model):
    """Something that a person must find out and approve before a text that uses it can leave.

    A `link` is checked to be http(s). A `contact` is the brand's own address or number: it may stand in a text, where
    anybody else's may not.
    """

    question: Bilingual
    example: Bilingual
    type: Literal["text", "time", "link", "contact"] = "text"


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Wordings: TypeAlias = Annotated[
    list[Text], Field(min_length=1), BeforeValidator(_as_list, json_schema_input_type=str | list[str])
]
"""One text, or several of which each network takes another."""

LevelTexts: TypeAlias = dict[str, Wordings]


class KindTexts(Model):
    """The texts of one kind in one language.

    `open` by network is for jaune, orange and rouge; `levels` is the sentence that tells these three apart, by size
    (micro, short, full: see `playbooks.networks`) or by network; `closed` is for vert, once it is over. `default` is
    for every network that has no text of its own; with several wordings, neighbours take different ones.
    """

    open: dict[str, Wordings]
    levels: dict[Literal["jaune", "orange", "rouge"], LevelTexts] = Field(default_factory=dict)
    closed: dict[str, Wordings]

    @field_validator("open", "closed")
    @classmethod
    def _networks(cls, value: dict[str, list[str]]) -> dict[str, list[str]]:
        for name in value:
            if name not in NETWORKS and name != "default":
                raise ValueError(f"unknown network {name!r}{suggestion(name, (*NETWORKS, 'default'))}")
        missing = [name for name in NETWORKS if name not in value]
        if missing and "default" not in value:
            raise ValueError(f"no text for {', '.join(missing)}: write one, or a `default`")
        return value

    @field_validator("levels")
    @classmethod
    def _sizes(cls, value: dict[str, LevelTexts]) -> dict[str, LevelTexts]:
        known = (*SIZES, *NETWORKS)
        for name in (name for sizes in value.values() for name in sizes):
            if name not in known:
                raise ValueError(f"{name!r} is neither a size nor a network{suggestion(name, known)}")
        return value


class FactLines(Model):
    """One sentence that states the fact, for the middle of a reply to one person: `open` while it lasts, `closed` once
    it is over."""

    open: list[Text] = Field(min_length=1)
    closed: list[Text] = Field(min_length=1)


class LangTexts(Model):
    """The texts of one language."""

    holding: KindTexts
    position: KindTexts
    reply: KindTexts
    individual: FactLines | None = Field(
        None, description="For replies to one person; without it the holding lines of x, mastodon and other serve."
    )


class Texts(Model):
    """The texts, by language."""

    fr: LangTexts
    en: LangTexts


class Banned(Model):
    """Phrases that no text of this playbook may hold, by language; case is folded."""

    fr: list[Text] = Field(default_factory=list)
    en: list[Text] = Field(default_factory=list)


class Playbook(Model):
    """A playbook file."""

    id: Name
    title: Bilingual
    when: When
    cluster: Literal["victim", "accidental", "preventable"]
    strategies: list[Strategy]
    roles: dict[Name, Role]
    steps: list[PlaybookStep] = Field(min_length=1)
    do_not_answer: list[DoNotAnswer] = Field(min_length=1)
    facts: dict[Name, Fact]
    banned: Banned = Field(default_factory=Banned)
    texts: Texts


class Closings(Model):
    """How a network ends a text of one kind: when and where the next word comes, while open and once closed."""

    open: Text
    closed: Text


class NetworkVoice(Model):
    """A network's closings by kind."""

    holding: Closings
    position: Closings
    reply: Closings


class Voices(Model):
    """The file channels.yaml: closings by language and network."""

    fr: dict[str, NetworkVoice]
    en: dict[str, NetworkVoice]


def suggestion(name: str, known: Any) -> str:
    """A hint such as "; did you mean 'title'?", or nothing.

    >>> suggestion("titel", ["title", "when"])
    "; did you mean 'title'?"
    """
    import difflib

    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def playbook_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a playbook file, for editors."""
    schema = Playbook.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
