"""The nouns: a reading holds texts for a moment, an observation is what stays."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Observation", "Reading"]


@dataclass(frozen=True, slots=True)
class Reading:
    """The texts of a request and of its answer, whichever endpoint and stream or not; held in memory only.

    `prompt` is the last message of the user, `answer` what the model says to the user, without its reasoning;
    `tool_calls` are pairs of name and arguments as text. `wanted` is the form that was asked for: a JSON Schema, or
    `{}` for any JSON object, None for none; `tools` are the schemas of arguments by the names of tools offered. `bound`
    is the caller's bound of tokens, None for none.
    """

    prompt: str
    answer: str
    finish: str = ""
    refusal: str = ""
    tool_calls: tuple[tuple[str, str], ...] = ()
    wanted: Mapping[str, Any] | None = None
    tools: Mapping[str, Mapping[str, Any]] | None = None
    bound: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """One sampled exchange, without texts. None: not told, or not asked for.

    `user` stands for who asked (the user's hash, else the key's id). `failed` is the model's failure (an upstream that
    fails, breaks off, is too late), never a caller's mistake or leaving. `refused`: the answer declines. `in_form`: the
    JSON, schema or tool call asked for is valid. `same_language`: the answer is in the prompt's language, `language`.
    `chars` is the answer's length. Seconds as in Exchange. `cluster` and `distance` place the prompt among those of the
    reference. `chance` is the probability with which this exchange was looked at. `is_left`: the caller left before the
    end, and the answer is not known. `sketch` is the prompt as 64 small numbers, told only while a reference is made.
    `key` is the id of the API key that asked, "" where an older version wrote: callers say who their users are;
    `speaks_for` is its tenant or the key that made it, "" where it speaks for itself.
    `is_bound`: the answer was cut by a small bound of tokens of the caller's own, and its length tells nothing.
    `is_shared`: another model failed the same request too, which tells more of the request than of either.
    """

    id: str
    at: float
    route: str
    leg: str
    decision: str
    user: str
    failed: bool
    total_s: float
    first_s: float | None = None
    output_tokens: int | None = None
    chars: int | None = None
    refused: bool | None = None
    in_form: bool | None = None
    same_language: bool | None = None
    language: str = ""
    is_cut: bool | None = None
    cluster: int | None = None
    distance: float | None = None
    chance: float = 1.0
    is_left: bool | None = None
    sketch: str = ""
    key: str = ""
    is_bound: bool | None = None
    is_shared: bool | None = None
    speaks_for: str = ""

    @property
    def voice(self) -> str:
        """Who is one of several, or is not (`voice_of`)."""
        return self.speaks_for or self.key

    def to_facts(self) -> dict[str, Any]:
        """Return JSON values, without what is not known."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Observation:
        """Return the observation that `to_facts` described; unknown names are passed over. Raises TypeError."""
        return cls(**{"user": "", "decision": "", **{name: facts[name] for name in facts if name in _KNOWN}})


_KNOWN = frozenset(field.name for field in fields(Observation))
