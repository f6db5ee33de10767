"""Habits: what a server has been found to refuse, learnt once an engine.

Only what does not change the measurement is renamed or left out. Whatever else a server refuses is the request's end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from weighbridge.engine.wire.bounds import read_json, said_why

__all__ = ["Habits"]

_REFUSED = re.compile(
    r"unsupported|not supported|does ?n[o']t support|unrecogni[sz]ed|unknown|unexpected|not permitted|not allowed"
    r"|extra inputs|extra_forbidden|no such (field|parameter)|invalid (parameter|argument|field)",
    re.IGNORECASE,
)
_RENAMES = {  # one name for the other says the same
    "max_tokens": "max_completion_tokens",
    "max_completion_tokens": "max_tokens",
    "structured_outputs": "guided_choice",  # vLLM before 0.12
}
_DROPPABLE = ("stream_options", "seed")  # usage of a stream; which of the equally likely draws
_FEWER = 5  # the most that OpenAI's legacy completions give
_LOGPROB_FIELDS = ("top_logprobs", "logprobs")


@dataclass(slots=True)
class Habits:
    """Names to use for others, names to leave out, and the most alternatives of a token that may be asked for."""

    renamed: dict[str, str] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    top_logprobs: int | None = None

    @property
    def plain(self) -> bool:
        """Whether nothing was learnt."""
        return not (self.renamed or self.dropped or self.top_logprobs)

    def apply(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return the body as this server takes it."""
        kept = {self.renamed.get(key, key): value for key, value in body.items() if key not in self.dropped}
        if "guided_choice" in kept and isinstance(kept["guided_choice"], dict):
            kept["guided_choice"] = kept["guided_choice"].get("choice")
        if self.top_logprobs:
            for name in _LOGPROB_FIELDS:
                if isinstance(kept.get(name), int) and not isinstance(kept[name], bool):
                    kept[name] = min(kept[name], self.top_logprobs)
        return kept

    def learn(self, sent: dict[str, Any], refusal: bytes) -> bool:
        """Take note of a refusal (HTTP 400 or 422); return whether asking again, otherwise put, may help."""
        message = said_why(refusal)
        value = read_json(refusal)
        error = value.get("error") if isinstance(value, dict) else None
        named = error.get("param") if isinstance(error, dict) else None
        code = str(error.get("code", "")) if isinstance(error, dict) else ""
        whole = f"{message} {code} {refusal[:2000].decode('utf-8', 'replace')}"
        if self._fewer_logprobs(sent, whole):
            return True
        if not _REFUSED.search(whole):
            return False
        fields = [name for name in (*_RENAMES, *_DROPPABLE) if name in sent and _names(whole, name, named)]
        for name in fields:
            other = _RENAMES.get(name)
            if other is None:
                self.dropped.add(name)
                return True
            if name not in self.renamed and other not in self.renamed and other not in sent:
                self.renamed[name] = other
                return True
            if name in self.renamed.values():
                return False  # neither name is taken
        return False

    def learn_unheld(self, sent: dict[str, Any]) -> bool:
        """Take note that choices were ignored: vLLM before 0.11 takes no notice of `structured_outputs`."""
        name = "structured_outputs"
        if name not in sent or name in self.renamed:
            return False
        self.renamed[name] = _RENAMES[name]
        return True

    def _fewer_logprobs(self, sent: dict[str, Any], whole: str) -> bool:
        """Ask for 5 alternatives where 20 are refused: those that come are the same, and what is missing is bounded."""
        asked = [sent[name] for name in _LOGPROB_FIELDS if name in sent and not isinstance(sent[name], bool)]
        if not asked or max(asked) <= _FEWER or self.top_logprobs:
            return False
        if not re.search(r"logprobs", whole) or not re.search(
            r"less than|at most|maximum|greater than|max_logprobs|between|range|exceed|\b5\b", whole, re.IGNORECASE
        ):
            return False
        self.top_logprobs = _FEWER
        return True


def _names(whole: str, name: str, param: Any) -> bool:
    """Tell whether a refusal is about this field: a message about another may only hint at it."""
    if isinstance(param, str) and param:
        return param == name
    found = re.search(r"['\"`]?\b(max_tokens|max_completion_tokens|stream_options|seed|structured_outputs)\b", whole)
    return found is not None and found[1] == name
