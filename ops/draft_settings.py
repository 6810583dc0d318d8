"""The part of vigie.yaml about drafts: who may approve them, and a language model that may word them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from ops.secret import EnvName, Secret, read_secret
from ops.section import LocalPath, Name, Section, Url, fail


class LlmSettings(Section):
    """A language model that words drafts when somebody asks for it (`pip install 'vigie[llm]'`).

    Any server that speaks OpenAI's chat API: Ollama, vLLM, Mistral. It is given the approved facts, the playbook's own
    text and the mention, and its text is held to the same rules; on any failure the playbook's text stays.
    """

    url: Url
    """Base address, such as http://127.0.0.1:11434/v1; https, unless `allow_private` is set."""
    model: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
    """The model's name there."""
    key_env: EnvName | None = None
    """Environment variable that holds the key."""
    key_file: LocalPath | None = None
    """File that holds the key."""
    timeout_s: Annotated[float, Field(ge=0.5, le=120)] = 20.0
    """How long to wait for a text, in seconds."""
    tokens_max: Annotated[int, Field(ge=50, le=4_000)] = 800
    """Tokens that one text may cost."""
    allow_private: bool = False
    """May it be plain http or an address of a private network?"""

    @model_validator(mode="after")
    def _https(self) -> Self:
        if not self.allow_private and not self.url.startswith("https://"):
            raise fail("the url is not https; write https://, or allow_private: true for one of your own network")
        return self

    def key(self, environ: Mapping[str, str] | None = None) -> Secret | None:
        """The key, None for a server that asks for none. Raises ConfigError when it can't be read."""
        return read_secret("drafting.llm.key", self.key_env, self.key_file, environ)


class DraftSettings(Section):
    """Drafts: who approves them, and what may word them."""

    approvers: Annotated[tuple[Name, ...], Field(max_length=200)] = ()
    """Who may approve a text; empty for everybody. From orange up two different people must."""
    llm: LlmSettings | None = None
    """A language model that may word drafts; null for none."""
